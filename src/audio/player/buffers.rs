//! What the mixer plays, at the device's rate.

use std::sync::Arc;

/// The three sides of a clip at the device's rate; adversarial and difference only once there is
/// an adversarial. All sides are equally long.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    original: Arc<[f32]>,
    /// Adversarial and difference.
    attacked: Option<[Arc<[f32]>; 2]>,
    frames: usize,
    /// Counts the clips handed over; see [`Controls::require`](super::Controls::require).
    pub(super) generation: u64,
    /// Whether playback goes on where it is; otherwise it stops and starts from the beginning.
    pub(super) keep_position: bool,
}

impl Buffers {
    /// Sides of one clip: original, and adversarial and difference. What is longer than the
    /// shortest side is not played.
    pub fn new(
        original: Arc<[f32]>,
        attacked: Option<[Arc<[f32]>; 2]>,
        generation: u64,
        keep_position: bool,
    ) -> Self {
        let attacked_frames = attacked.iter().flatten().map(|side| side.len()).min();
        let frames = attacked_frames.unwrap_or(usize::MAX).min(original.len());
        Self { original, attacked, frames, generation, keep_position }
    }

    /// Length in frames.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The weighted sum of the sides at `position`, 0 beyond the end. Without an adversarial every
    /// side is the original.
    pub(super) fn sample(&self, position: usize, weights: [f32; 3], magnification: f32) -> f32 {
        let at = |side: &[f32]| side.get(position).copied().unwrap_or(0.0);
        let original = at(&self.original);
        let (adversarial, difference) = match &self.attacked {
            Some([adversarial, difference]) => (at(adversarial), at(difference) * magnification),
            None => (original, original),
        };
        weights[0] * original + weights[1] * adversarial + weights[2] * difference
    }
}
