//! What the mixer plays, at the device's rate.

use std::sync::Arc;

use super::limiter::{Envelope, magnification, restraint};

/// A sound and how loud it is around each moment.
#[derive(Clone, Debug, Default)]
struct Sound {
    samples: Arc<[f32]>,
    envelope: Envelope,
}

impl Sound {
    fn new(samples: Arc<[f32]>, rate: u32) -> Self {
        let envelope = Envelope::of(&samples, rate);
        Self { samples, envelope }
    }

    fn at(&self, position: usize) -> f32 {
        self.samples.get(position).copied().unwrap_or(0.0)
    }

    /// The sample at `position`, so much that `gain` times it is within full scale.
    fn within_full_scale(&self, position: usize, gain: f32) -> f32 {
        self.at(position) * restraint(self.envelope.at(position) * gain, 1.0)
    }

    /// The same, magnified within the ceiling of the difference.
    fn magnified(&self, position: usize, gain: f32, wished: f32) -> Magnified {
        let envelope = self.envelope.at(position);
        let factor = magnification(wished, envelope, gain);
        let sample = self.at(position) * factor * restraint(envelope * factor * gain, 1.0);
        Magnified { sample, share: factor / wished }
    }
}

/// A sample of the difference, and the share of the wished magnification that it got.
struct Magnified {
    sample: f32,
    share: f32,
}

/// How the sides are mixed in one sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mix {
    /// The share of each side; they sum to 1.
    pub weights: [f32; 3],
    /// The gain that follows, linear.
    pub gain: f32,
    /// The wished magnification of the difference, linear.
    pub magnification: f32,
}

/// The three sides of a clip at the device's rate; adversarial and difference only once there is
/// an adversarial. All sides are equally long.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    original: Sound,
    /// Adversarial and difference.
    attacked: Option<[Sound; 2]>,
    frames: usize,
    /// Counts the clips handed over; see [`Controls::require`](super::Controls::require).
    pub(super) generation: u64,
    /// Whether playback goes on where it is; otherwise it stops and starts from the beginning.
    pub(super) keep_position: bool,
}

impl Buffers {
    /// Sides of one clip at `rate` Hz: original, and adversarial and difference. What is longer
    /// than the shortest side is not played.
    pub fn new(
        original: Arc<[f32]>,
        attacked: Option<[Arc<[f32]>; 2]>,
        rate: u32,
        generation: u64,
        keep_position: bool,
    ) -> Self {
        let attacked_frames = attacked.iter().flatten().map(|side| side.len()).min();
        let frames = attacked_frames.unwrap_or(usize::MAX).min(original.len());
        let original = Sound::new(original, rate);
        let attacked = attacked.map(|sides| sides.map(|side| Sound::new(side, rate)));
        Self { original, attacked, frames, generation, keep_position }
    }

    /// Length in frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The weighted sum of the sides at `position`, 0 beyond the end, such that the gain brings
    /// none of them above its ceiling. Without an adversarial every side is the original. `share`
    /// is lowered to the share of the wished magnification that was possible.
    pub(super) fn sample(&self, position: usize, mix: Mix, share: &mut f32) -> f32 {
        let Some([adversarial, difference]) = &self.attacked else {
            return self.original.within_full_scale(position, mix.gain);
        };
        let [a, b, d] = mix.weights;
        let mut sum = 0.0;
        // A side that nobody hears costs nothing.
        if a > 0.0 {
            sum += a * self.original.within_full_scale(position, mix.gain);
        }
        if b > 0.0 {
            sum += b * adversarial.within_full_scale(position, mix.gain);
        }
        if d > 0.0 {
            let magnified = difference.magnified(position, mix.gain, mix.magnification);
            sum += d * magnified.sample;
            *share = share.min(magnified.share);
        }
        sum
    }
}
