//! The mixing core: from three sides and the controls to frames. Knows nothing of devices.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::buffers::Mix;
use super::ramp::Ramp;
use super::{Buffers, Controls, Side};

/// Length of every crossfade (side, unless another is set; seek, loop edge, exchanged clip) and of the
/// fade-in and fade-out at start and stop, in seconds. All are linear.
pub const FADE_SECONDS: f64 = 0.005;

/// How long a change of gain takes, in seconds.
pub const GAIN_SECONDS: f64 = 0.02;

/// Clips on their way to the callback, and back.
const QUEUE: usize = 8;

/// The end of the two queues that is not in the audio callback.
pub struct Link {
    to_mixer: Producer<Box<Buffers>>,
    from_mixer: Consumer<Box<Buffers>>,
    controls: Arc<Controls>,
}

impl Link {
    /// Hands `buffers` to the mixer.
    ///
    /// # Errors
    /// The buffers, if the queue is full because the callback does not run.
    pub fn send(&mut self, buffers: Box<Buffers>) -> Result<(), Box<Buffers>> {
        self.to_mixer.push(buffers).map_err(|PushError::Full(buffers)| buffers)
    }

    /// Frees what the mixer has done with, and says how many that were.
    pub fn collect(&mut self) -> usize {
        let mut count = 0;
        while self.from_mixer.pop().is_ok() {
            count += 1;
        }
        let less = |waiting: usize| Some(waiting.saturating_sub(count));
        self.controls.retired.fetch_update(Relaxed, Relaxed, less).ok();
        count
    }
}

/// A mixer for a device of `rate` Hz, and the way to hand it clips.
pub fn mixer(controls: Arc<Controls>, rate: u32) -> (Mixer, Link) {
    let (to_mixer, incoming) = RingBuffer::new(QUEUE);
    let (retired, from_mixer) = RingBuffer::new(QUEUE);
    controls.retired.store(0, Relaxed);
    let frames = |seconds: f64| ((seconds * f64::from(rate)).round() as usize).max(1);
    let side = weights(controls.side());
    let mixer = Mixer {
        rate: f64::from(rate),
        fade: frames(FADE_SECONDS),
        gain_fade: frames(GAIN_SECONDS),
        incoming,
        retired,
        clip: None,
        position: 0,
        jump: None,
        ending: false,
        looping: false,
        region: (0, usize::MAX),
        envelope: Ramp::new([0.0]),
        sides: Ramp::new(side),
        gain: Ramp::new([controls.gain()]),
        magnification: Ramp::new([controls.magnification()]),
        magnified: 1.0,
        controls: controls.clone(),
    };
    (mixer, Link { to_mixer, from_mixer, controls })
}

fn weights(side: Side) -> [f32; 3] {
    Side::ALL.map(|other| f32::from(u8::from(other == side)))
}

/// A crossfade from one place to another: what sounds there goes on until it has faded out.
struct Jump {
    /// The next frame of the old place.
    from: usize,
    /// The old clip, if the clip was exchanged; otherwise it is the same one.
    old: Option<Box<Buffers>>,
    share: Ramp<1>,
}

/// Makes the frames that a device plays. [`render`](Self::render) neither allocates nor locks.
///
/// At a loop's edge its last 5 ms fade out while its first 5 ms fade in, so a loop is 5 ms shorter
/// than its region. The clip fades out over its last 5 ms where it does not loop.
pub struct Mixer {
    controls: Arc<Controls>,
    rate: f64,
    fade: usize,
    gain_fade: usize,
    incoming: Consumer<Box<Buffers>>,
    retired: Producer<Box<Buffers>>,
    clip: Option<Box<Buffers>>,
    /// The next frame to be played.
    position: usize,
    jump: Option<Jump>,
    /// Fading out because the clip ends.
    ending: bool,
    looping: bool,
    /// The part that loops, in frames.
    region: (usize, usize),
    envelope: Ramp<1>,
    sides: Ramp<3>,
    gain: Ramp<1>,
    magnification: Ramp<1>,
    /// The least share of the wished magnification that was possible in this callback.
    magnified: f32,
}

impl Mixer {
    /// Fills `out`, interleaved frames of `channels` samples: the sound on the first two channels
    /// (or the only one), silence on all others.
    pub fn render(&mut self, out: &mut [f32], channels: usize) {
        self.poll();
        self.magnified = 1.0;
        for frame in out.chunks_mut(channels.max(1)) {
            let sample = self.next_sample();
            for (channel, value) in frame.iter_mut().enumerate() {
                *value = if channel < 2 { sample } else { 0.0 };
            }
        }
        self.controls.publish_magnified(self.magnified);
        if self.is_current() {
            self.controls.publish(self.position as f64 / self.rate);
        }
    }

    /// Takes in what the controls say.
    fn poll(&mut self) {
        // The end may coincide with that of the last callback.
        self.stop_at_end();
        self.looping = self.controls.looping();
        if self.is_silent() {
            self.end_jump();
        }
        // One jump at a time: what comes during a crossfade waits for its end, at most 5 ms.
        if self.jump.is_none() {
            self.adopt();
        }
        self.region = self.loop_region();
        if self.jump.is_none() {
            self.carry_out_seek();
        }
        let silent = self.is_silent();
        // What nobody hears need not be smooth.
        let steps = |steps: usize| if silent { 0 } else { steps };
        let crossfade = (self.controls.crossfade() * self.rate).round() as usize;
        self.sides.set(weights(self.controls.side()), steps(crossfade.max(1)));
        self.gain.set([self.controls.gain()], steps(self.gain_fade));
        self.magnification.set([self.controls.magnification()], steps(self.gain_fade));
        let on = self.controls.playing() && self.is_current() && !self.is_replaced();
        if on && silent {
            self.start();
        }
        if !self.ending {
            self.envelope.set([f32::from(u8::from(on))], self.fade);
        }
    }

    /// Whether anything sounds, or is fading out.
    pub fn sounds(&self) -> bool {
        !self.is_silent()
    }

    fn is_silent(&self) -> bool {
        self.envelope.rests_at([0.0])
    }

    fn frames(&self) -> usize {
        self.clip.as_ref().map_or(0, |clip| clip.frames())
    }

    /// Whether there is a clip, and the one that should sound.
    fn is_current(&self) -> bool {
        let required = self.controls.required();
        self.clip.as_ref().is_some_and(|clip| clip.generation >= required && clip.frames() > 0)
    }

    /// Whether another clip waits for this one to fall silent.
    fn is_replaced(&self) -> bool {
        self.incoming.peek().is_ok_and(|next| !next.keep_position)
    }

    /// Takes the next clip from the queue, if this is a moment for it.
    fn adopt(&mut self) {
        let silent = self.is_silent();
        let Ok(next) = self.incoming.peek() else { return };
        let keep = next.keep_position;
        // Near an edge the crossfade would meet the one of the edge.
        let near_edge = self.position + 2 * self.fade >= self.end();
        if self.retired.is_full() || (!silent && (!keep || near_edge)) {
            return;
        }
        let Ok(next) = self.incoming.pop() else { return };
        let old = self.clip.replace(next);
        match old {
            None => self.position = self.frame_at(self.controls.position()),
            Some(old) if keep && !silent => self.jump_to(self.position, Some(old)),
            Some(old) => {
                self.retire(old);
                if !keep {
                    self.position = 0;
                }
            }
        }
        self.position = self.position.min(self.frames());
    }

    fn frame_at(&self, seconds: f64) -> usize {
        (seconds * self.rate).round() as usize
    }

    /// The region that loops, within the clip and long enough for its crossfade.
    fn loop_region(&self) -> (usize, usize) {
        let whole = (0, self.frames());
        let Some((start, end)) = self.controls.region() else { return whole };
        let (start, end) = (self.frame_at(start), self.frame_at(end));
        let end = end.max(start.saturating_add(4 * self.fade));
        if end <= whole.1 {
            (start, end)
        } else {
            (start.min(whole.1.saturating_sub(4 * self.fade)), whole.1)
        }
    }

    /// Where playback turns or ends: the loop's end if it is still ahead, or the clip's.
    fn end(&self) -> usize {
        let frames = self.frames();
        if self.looping && self.position < self.region.1 {
            self.region.1.min(frames)
        } else {
            frames
        }
    }

    fn carry_out_seek(&mut self) {
        if !self.is_current() || self.is_replaced() {
            return;
        }
        let Some(seconds) = self.controls.wanted_seek() else { return };
        // Leaves room for the crossfade into the new place before the one at the end.
        let target = self.frame_at(seconds).min(self.frames().saturating_sub(2 * self.fade));
        if self.is_silent() {
            self.position = target;
        } else {
            self.jump_to(target, None);
        }
        self.controls.seek_done(seconds);
    }

    /// Begins to sound: from where it is, unless that is the end.
    fn start(&mut self) {
        self.ending = false;
        if self.position + 2 * self.fade >= self.end() {
            self.position = if self.looping { self.region.0 } else { 0 };
        }
    }

    /// Goes on at `target` with a crossfade, which is over before the clip is.
    fn jump_to(&mut self, target: usize, old: Option<Box<Buffers>>) {
        let left = self.frames().saturating_sub(self.position).max(1);
        let mut share = Ramp::new([0.0]);
        share.set([1.0], self.fade.min(left));
        self.jump = Some(Jump { from: self.position, old, share });
        self.position = target;
    }

    fn end_jump(&mut self) {
        if let Some(Jump { old: Some(old), .. }) = self.jump.take() {
            self.retire(old);
        }
    }

    /// Stops and rewinds once the clip has faded out.
    fn stop_at_end(&mut self) {
        if self.ending && self.position >= self.frames() {
            // A clip that has been replaced meanwhile may already be wanted to play.
            if self.is_current() && !self.is_replaced() {
                self.controls.set_playing(false);
            }
            self.envelope = Ramp::new([0.0]);
            self.position = 0;
            self.ending = false;
        }
    }

    /// Turns at the end of a loop, fades out before the end of the clip, and stops there.
    fn watch_edges(&mut self) {
        self.stop_at_end();
        if self.jump.is_some() || self.ending || self.is_silent() {
            return;
        }
        let end = self.end();
        if self.position + self.fade < end {
            return;
        }
        let (start, stop) = self.region;
        if self.looping && start + 4 * self.fade <= stop {
            self.jump_to(start, None);
        } else {
            self.envelope.set([0.0], end.saturating_sub(self.position));
            self.ending = true;
        }
    }

    fn next_sample(&mut self) -> f32 {
        self.watch_edges();
        if self.is_silent() {
            return 0.0;
        }
        let Some(clip) = &self.clip else { return 0.0 };
        let [magnification] = self.magnification.next();
        let [gain] = self.gain.next();
        let mix = Mix { weights: self.sides.next(), gain, magnification };
        let mut sample = clip.sample(self.position, mix, &mut self.magnified);
        if let Some(jump) = &mut self.jump {
            let old = jump.old.as_ref().unwrap_or(clip);
            let old = old.sample(jump.from, mix, &mut self.magnified);
            let [share] = jump.share.next();
            sample = old * (1.0 - share) + sample * share;
            jump.from += 1;
        }
        self.position += 1;
        if self.jump.as_ref().is_some_and(|jump| jump.share.rests_at([1.0])) {
            self.end_jump();
        }
        let [envelope] = self.envelope.next();
        let sample = sample * envelope * gain;
        // Crossfades stay between what they lead from and to; only rounding is left to be cut off.
        if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// Sends `buffers` away to be freed. There is room: [`adopt`](Self::adopt) looked.
    fn retire(&mut self, buffers: Box<Buffers>) {
        match self.retired.push(buffers) {
            Ok(()) => {
                self.controls.retired.fetch_add(1, Relaxed);
            }
            // Leaking is better than freeing in the callback.
            Err(PushError::Full(buffers)) => std::mem::forget(buffers),
        }
    }
}
