//! The player as the window sees it.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::device::{DeviceThread, Message, Source, Status, lock};
use super::{Controls, Side};
use crate::audio::{SAMPLE_RATE, SoundDevice};

/// What the transport shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayerState {
    /// Whether it plays (or will, as soon as the device is open).
    pub playing: bool,
    /// Where it is, in seconds.
    pub position_seconds: f64,
    /// Length of the clip, in seconds; 0 without one.
    pub duration_seconds: f64,
    /// The side that sounds.
    pub side: Side,
    /// Whether there is an adversarial, and with it a difference.
    pub has_adversarial: bool,
    /// Whether the end leads back to the beginning.
    pub looping: bool,
    /// The part that loops, in seconds; `None` for the whole clip.
    pub loop_region: Option<(f64, f64)>,
    /// Gain of all sides, in dB.
    pub gain_db: f32,
    /// Extra gain of the difference alone, in dB.
    pub difference_gain_db: f32,
    /// By how much the limiter holds the difference back at present, in dB.
    pub held_back_db: f32,
    /// The output device, while one is open.
    pub device: Option<String>,
    /// Its rate in Hz, while one is open.
    pub device_rate: Option<u32>,
    /// How often the sound dropped out since the program started.
    pub dropouts: u64,
    /// How often the audio callback came late, whether or not that was heard.
    pub late: u64,
}

/// Plays a clip's sides, sample-locked. Its methods return at once; poll [`state`](Self::state)
/// every frame and call [`maintain`](Self::maintain) as often.
///
/// The device is opened by the first [`play`](Self::play), on a thread of its own. Without one
/// everything works but the sound, and [`notice`](Self::notice) says so.
pub struct Player {
    controls: Arc<Controls>,
    status: Arc<Mutex<Status>>,
    to_device: Sender<Option<Message>>,
    /// Length of the clip, in frames at [`SAMPLE_RATE`].
    frames: usize,
    has_adversarial: bool,
    gain_db: f32,
    difference_gain_db: f32,
    generation: u64,
}

impl Default for Player {
    fn default() -> Self {
        Self::new()
    }
}

impl Player {
    /// A player without a clip, side original, gain 0 dB, not looping.
    pub fn new() -> Self {
        let controls = Arc::new(Controls::default());
        let status = Arc::new(Mutex::new(Status::default()));
        let (to_device, messages) = channel();
        let device = DeviceThread::new(controls.clone(), status.clone(), to_device.clone());
        let spawned = thread::Builder::new()
            .name("audio device".to_owned())
            .spawn(move || device.run(&messages));
        if let Err(error) = spawned {
            lock(&status).notice = Some(format!("No sound output: {error}."));
        }
        Self {
            controls,
            status,
            to_device,
            frames: 0,
            has_adversarial: false,
            gain_db: 0.0,
            difference_gain_db: 0.0,
            generation: 0,
        }
    }

    /// Plays these from now on, mono at [`SAMPLE_RATE`]. If they are as long as the clip before
    /// them, position, side and loop stay (and playback goes on with a crossfade); otherwise it
    /// stops and rewinds. Without an adversarial the side becomes the original.
    pub fn set_clip(&mut self, original: Arc<[f32]>, adversarial: Option<Arc<[f32]>>) {
        let frames = adversarial.as_ref().map_or(usize::MAX, |a| a.len()).min(original.len());
        let keep_position = frames == self.frames && frames > 0;
        self.frames = frames;
        self.has_adversarial = adversarial.is_some();
        self.generation += 1;
        if !keep_position {
            self.controls.set_playing(false);
            self.controls.require(self.generation);
            self.controls.rewind();
            self.controls.set_region(None);
        }
        if !keep_position || !self.has_adversarial {
            self.controls.set_side(Side::Original);
        }
        let generation = self.generation;
        self.send(Message::Clip(Source { original, adversarial, generation, keep_position }));
    }

    /// No clip.
    pub fn clear(&mut self) {
        self.set_clip(Arc::from([]), None);
    }

    /// Starts, from the beginning if it is at the end. Opens the device if it is not. Nothing
    /// happens without a clip.
    pub fn play(&self) {
        if self.frames == 0 {
            return;
        }
        self.controls.set_playing(true);
        if lock(&self.status).device.is_none() && !self.send(Message::Open) {
            self.controls.set_playing(false);
        }
    }

    /// Pauses; the position stays.
    pub fn pause(&self) {
        self.controls.set_playing(false);
    }

    /// Starts or pauses.
    pub fn toggle(&self) {
        if self.controls.playing() { self.pause() } else { self.play() }
    }

    /// Goes to `seconds`, at most the clip's end.
    pub fn seek(&self, seconds: f64) {
        self.controls.seek(seconds.min(self.duration()));
    }

    /// Switches sides; to the original only, while there is no adversarial.
    pub fn set_side(&self, side: Side) {
        if self.has_adversarial || side == Side::Original {
            self.controls.set_side(side);
        }
    }

    /// Turns looping on or off.
    pub fn set_looping(&self, looping: bool) {
        self.controls.set_looping(looping);
    }

    /// What loops, in seconds from start to end (in any order, at least 20 ms); `None` for the
    /// whole clip.
    pub fn set_loop(&self, region: Option<(f64, f64)>) {
        let within = |seconds: f64| seconds.clamp(0.0, self.duration());
        self.controls.set_region(region.map(|(start, end)| (within(start), within(end))));
    }

    /// Length of the crossfade between sides in seconds, from 1 to 50 ms; 5 ms unless it is set.
    pub fn set_crossfade(&self, seconds: f64) {
        self.controls.set_crossfade(seconds);
    }

    /// Gain of all sides, in dB, at most 24.
    pub fn set_gain_db(&mut self, db: f32) {
        self.gain_db = if db.is_nan() { 0.0 } else { db.min(24.0) };
        self.controls.set_gain_db(self.gain_db);
    }

    /// Extra gain of the difference alone, from 0 to 60 dB. A limiter holds back what it would
    /// bring above [`DIFFERENCE_CEILING`](super::DIFFERENCE_CEILING).
    pub fn set_difference_gain_db(&mut self, db: f32) {
        self.difference_gain_db = if db.is_nan() { 0.0 } else { db.clamp(0.0, 60.0) };
        self.controls.set_magnification_db(self.difference_gain_db);
    }

    /// Plays on this device from now on, or on the system's default; what plays goes on there. Where
    /// it is not there the default stands in, and [`notice`](Self::notice) says so.
    pub fn set_device(&self, device: Option<SoundDevice>) {
        self.send(Message::Choose(device));
    }

    /// What the transport shows now.
    pub fn state(&self) -> PlayerState {
        let (device, rate) = {
            let status = lock(&self.status);
            (status.device.clone(), status.rate)
        };
        PlayerState {
            playing: self.controls.playing(),
            position_seconds: self.controls.position().min(self.duration()),
            duration_seconds: self.duration(),
            side: self.controls.side(),
            has_adversarial: self.has_adversarial,
            looping: self.controls.looping(),
            loop_region: self.controls.region(),
            gain_db: self.gain_db,
            difference_gain_db: self.difference_gain_db,
            held_back_db: if self.controls.playing() { self.controls.held_back_db() } else { 0.0 },
            device_rate: rate.filter(|_| device.is_some()),
            device,
            dropouts: self.controls.dropouts(),
            late: self.controls.late(),
        }
    }

    /// Why nothing can be heard, to be shown for as long as it is so.
    pub fn notice(&self) -> Option<String> {
        lock(&self.status).notice.clone()
    }

    /// Keeps house: has retired clips freed, off the audio callback, and a lost device reopened
    /// (after 1 s, 2 s, 4 s... up to 32 s).
    pub fn maintain(&mut self) {
        if self.controls.retired.load(Relaxed) > 0 {
            self.send(Message::Tick);
        }
        let due = lock(&self.status).retry_at.take_if(|at| *at <= Instant::now()).is_some();
        if due {
            self.send(Message::Open);
        }
    }

    fn duration(&self) -> f64 {
        self.frames as f64 / f64::from(SAMPLE_RATE)
    }

    /// Whether the device thread still listens.
    fn send(&self, message: Message) -> bool {
        self.to_device.send(Some(message)).is_ok()
    }
}

impl Drop for Player {
    /// The device thread ends by itself; waiting for it could hang on a device that does.
    fn drop(&mut self) {
        self.to_device.send(None).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, TryRecvError};
    use std::time::Duration;

    use super::*;

    /// A player whose messages come here instead of to the device thread.
    fn player() -> (Player, Receiver<Option<Message>>) {
        let (to_device, messages) = channel();
        let mut player = Player::new();
        player.to_device = to_device;
        (player, messages)
    }

    #[test]
    fn a_lost_device_is_reopened_when_it_is_time() {
        let (mut player, messages) = player();
        lock(&player.status).retry_at = Some(Instant::now() + Duration::from_secs(60));
        player.maintain();
        assert!(matches!(messages.try_recv(), Err(TryRecvError::Empty)));
        lock(&player.status).retry_at = Some(Instant::now());
        player.maintain();
        assert!(matches!(messages.try_recv(), Ok(Some(Message::Open))));
        player.maintain();
        assert!(matches!(messages.try_recv(), Err(TryRecvError::Empty)), "once");
    }

    #[test]
    fn retired_clips_are_collected() {
        let (mut player, messages) = player();
        player.controls.retired.store(1, Relaxed);
        player.maintain();
        assert!(matches!(messages.try_recv(), Ok(Some(Message::Tick))));
    }
}
