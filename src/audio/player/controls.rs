//! What the window tells the audio callback, and the other way round: atomics only.

use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst,
};

use super::mixer::FADE_SECONDS;
use crate::audio::SAMPLE_RATE;

/// One of the three sounds of an attack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// The clip as it was.
    #[default]
    Original,
    /// The clip with the perturbation.
    Adversarial,
    /// The perturbation alone: adversarial minus original.
    Difference,
}

impl Side {
    /// All sides, in the order of their weights.
    pub const ALL: [Self; 3] = [Self::Original, Self::Adversarial, Self::Difference];

    fn from_index(index: u8) -> Self {
        Self::ALL.get(usize::from(index)).copied().unwrap_or_default()
    }
}

/// "None" in an atomic that holds a position or a region.
const NONE: u64 = u64::MAX;

/// The state shared by [`Player`](super::Player) and [`Mixer`](super::Mixer). Positions are in
/// seconds, so that they outlive a change of the device's rate.
#[derive(Debug)]
pub struct Controls {
    playing: AtomicBool,
    looping: AtomicBool,
    side: AtomicU8,
    /// Bits of an `f64`.
    position: AtomicU64,
    /// Bits of an `f64`, or `NONE`.
    seek: AtomicU64,
    /// First and last frame at [`SAMPLE_RATE`] in the high and low half, so that they change
    /// together; or `NONE`.
    region: AtomicU64,
    /// Bits of an `f32`, linear.
    gain: AtomicU32,
    /// Bits of an `f32`, linear.
    magnification: AtomicU32,
    /// Bits of an `f32`, in seconds.
    crossfade: AtomicU32,
    /// Bits of an `f32`: the share of the magnification that the ceiling left in the last callback.
    magnified: AtomicU32,
    /// The oldest generation of buffers that may sound.
    required: AtomicU64,
    /// Buffers that wait to be freed.
    pub(super) retired: AtomicUsize,
    /// Times that the system told that the device ran dry.
    pub(super) dry: AtomicU64,
    /// Times that the callback came later than by one buffer, and by two.
    pub(super) late: AtomicU64,
    pub(super) missed: AtomicU64,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            playing: AtomicBool::new(false),
            looping: AtomicBool::new(false),
            side: AtomicU8::new(0),
            position: AtomicU64::new(0),
            seek: AtomicU64::new(NONE),
            region: AtomicU64::new(NONE),
            gain: AtomicU32::new(1.0_f32.to_bits()),
            magnification: AtomicU32::new(1.0_f32.to_bits()),
            crossfade: AtomicU32::new((FADE_SECONDS as f32).to_bits()),
            magnified: AtomicU32::new(1.0_f32.to_bits()),
            required: AtomicU64::new(0),
            retired: AtomicUsize::new(0),
            dry: AtomicU64::new(0),
            late: AtomicU64::new(0),
            missed: AtomicU64::new(0),
        }
    }
}

impl Controls {
    /// Whether the transport runs.
    pub fn playing(&self) -> bool {
        self.playing.load(SeqCst)
    }

    /// Starts or pauses.
    pub fn set_playing(&self, playing: bool) {
        self.playing.store(playing, SeqCst);
    }

    /// Whether the end leads back to the beginning (of the region, if there is one).
    pub fn looping(&self) -> bool {
        self.looping.load(Relaxed)
    }

    /// Turns looping on or off.
    pub fn set_looping(&self, looping: bool) {
        self.looping.store(looping, Relaxed);
    }

    /// The side that sounds.
    pub fn side(&self) -> Side {
        Side::from_index(self.side.load(Relaxed))
    }

    /// Switches sides.
    pub fn set_side(&self, side: Side) {
        self.side.store(side as u8, Relaxed);
    }

    /// Where playback is, in seconds: the target of a seek that is still to be carried out, or the
    /// next frame to be played.
    pub fn position(&self) -> f64 {
        self.wanted_seek().unwrap_or_else(|| f64::from_bits(self.position.load(SeqCst)))
    }

    /// Asks for a jump to `seconds`.
    pub fn seek(&self, seconds: f64) {
        let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
        self.seek.store(seconds.to_bits(), SeqCst);
    }

    /// The jump asked for, in seconds.
    pub(super) fn wanted_seek(&self) -> Option<f64> {
        let bits = self.seek.load(SeqCst);
        (bits != NONE).then(|| f64::from_bits(bits))
    }

    /// The jump to `seconds` is done; a newer one stays wanted.
    pub(super) fn seek_done(&self, seconds: f64) {
        self.publish(seconds);
        self.seek.compare_exchange(seconds.to_bits(), NONE, SeqCst, SeqCst).ok();
    }

    /// Back to the beginning, forgetting any jump.
    pub(super) fn rewind(&self) {
        self.publish(0.0);
        self.seek.store(NONE, SeqCst);
    }

    /// The position that people see, in seconds.
    pub(super) fn publish(&self, seconds: f64) {
        self.position.store(seconds.to_bits(), SeqCst);
    }

    /// The loop region in seconds, or `None` for the whole clip.
    pub fn region(&self) -> Option<(f64, f64)> {
        let packed = self.region.load(Relaxed);
        let seconds = |frames: u64| frames as f64 / f64::from(SAMPLE_RATE);
        (packed != NONE).then(|| (seconds(packed >> 32), seconds(packed & 0xFFFF_FFFF)))
    }

    /// Loops between two times in seconds, or over the whole clip.
    pub fn set_region(&self, region: Option<(f64, f64)>) {
        // Saturating casts: negative and not-a-number become 0.
        let frames = |seconds: f64| u64::from((seconds * f64::from(SAMPLE_RATE)).round() as u32);
        let packed = region.map_or(NONE, |(start, end)| {
            let (start, end) = (frames(start.min(end)), frames(start.max(end)));
            (start << 32) | end
        });
        self.region.store(packed, Relaxed);
    }

    /// The gain of all sides, linear.
    pub fn gain(&self) -> f32 {
        f32::from_bits(self.gain.load(Relaxed))
    }

    /// Sets the gain of all sides, in dB.
    pub fn set_gain_db(&self, db: f32) {
        self.gain.store(linear(db).to_bits(), Relaxed);
    }

    /// The magnification of the difference, linear.
    pub fn magnification(&self) -> f32 {
        f32::from_bits(self.magnification.load(Relaxed))
    }

    /// Sets the magnification of the difference, in dB.
    pub fn set_magnification_db(&self, db: f32) {
        self.magnification.store(linear(db).to_bits(), Relaxed);
    }

    /// Length of the crossfade between sides, in seconds.
    pub(super) fn crossfade(&self) -> f64 {
        f32::from_bits(self.crossfade.load(Relaxed)).into()
    }

    /// Sets it, from 1 to 50 ms.
    pub fn set_crossfade(&self, seconds: f64) {
        let seconds = if seconds.is_nan() { FADE_SECONDS } else { seconds.clamp(0.001, 0.05) };
        self.crossfade.store((seconds as f32).to_bits(), Relaxed);
    }

    /// By how many dB the limiter holds the magnified difference back at present; 0 where it is as
    /// loud as wished or not heard.
    pub fn held_back_db(&self) -> f32 {
        let share = f32::from_bits(self.magnified.load(Relaxed));
        if share < 1.0 { -20.0 * share.log10() } else { 0.0 }
    }

    /// The least share of the magnification in a callback.
    pub(super) fn publish_magnified(&self, share: f32) {
        self.magnified.store(share.to_bits(), Relaxed);
    }

    /// How often the sound has dropped out: what the system told of, or what the callback saw
    /// itself, for not every system tells.
    pub fn dropouts(&self) -> u64 {
        self.dry.load(Relaxed).max(self.missed.load(Relaxed))
    }

    /// How often the callback came so late that a device with a short buffer would have run dry.
    pub fn late(&self) -> u64 {
        self.late.load(Relaxed)
    }

    /// The oldest generation of buffers that may sound.
    pub(super) fn required(&self) -> u64 {
        self.required.load(SeqCst)
    }

    /// Silences buffers older than `generation`, until newer ones arrive.
    pub fn require(&self, generation: u64) {
        self.required.store(generation, SeqCst);
    }
}

/// The factor that is `db` decibels, at most 60; exactly 1 at 0 dB and for what is no number.
fn linear(db: f32) -> f32 {
    if db == 0.0 || db.is_nan() { 1.0 } else { 10.0_f32.powf(db.min(60.0) / 20.0) }
}
