//! Coordinates in which equal steps are about equally audible.
//!
//! A perturbation is written in an orthonormal basis of short waves (the modified discrete cosine
//! transform of Princen and Bradley, 1986: 512 lines a frame, sine window), each as loud as the
//! clip's masking threshold at its place in time and frequency allows. A search that goes the
//! shortest way in these coordinates goes where the ear is deaf.

use std::sync::Arc;

use rustdct::mdct::Mdct;
use rustdct::{DctPlanner, mdct::window_fn};

use crate::metrics::masking::{HOP, LINES, LinePowers};

/// The change of coordinates for one clip.
pub struct Shaping {
    transform: Arc<dyn Mdct<f64>>,
    /// How loud each wave is at coordinate 1: the square root of the threshold.
    scales: Vec<f64>,
    samples: usize,
}

impl Shaping {
    /// For a clip of so many samples with these masking thresholds.
    pub fn new(thresholds: &LinePowers, samples: usize) -> Self {
        let mut scales = Vec::new();
        let frames: Vec<&[f64]> = thresholds.frames().collect();
        for index in 0..frames.len() {
            // A wave is heard in three frames, and lies between two lines of the threshold.
            let near = &frames[index.saturating_sub(1)..(index + 2).min(frames.len())];
            let least = |line: usize| {
                let lines = near.iter().flat_map(|mask| &mask[line..line + 2]);
                lines.copied().fold(f64::INFINITY, f64::min)
            };
            scales.extend((0..LINES - 1).map(|line| least(line).sqrt()));
        }
        let transform = DctPlanner::new().plan_mdct(HOP, window_fn::mp3_invertible);
        Self { transform, scales, samples }
    }

    /// How many coordinates there are.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// The perturbation at these coordinates.
    pub fn waveform(&self, coordinates: &[f64]) -> Vec<f64> {
        let mut padded = vec![0.0; self.len() + HOP];
        let mut scratch = vec![0.0; self.transform.get_scratch_len()];
        let frames = coordinates.chunks_exact(HOP).zip(self.scales.chunks_exact(HOP));
        for (index, (coordinates, scales)) in frames.enumerate() {
            let lines: Vec<f64> = coordinates.iter().zip(scales).map(|(z, s)| z * s).collect();
            let (a, b) = padded[index * HOP..(index + 2) * HOP].split_at_mut(HOP);
            self.transform.process_imdct_with_scratch(&lines, a, b, &mut scratch);
        }
        padded[HOP..HOP + self.samples].to_vec()
    }

    /// The coordinates of a perturbation.
    pub fn coordinates(&self, waveform: &[f64]) -> Vec<f64> {
        self.lines(waveform, |line, scale| line / scale)
    }

    /// From the gradient with respect to samples to that with respect to coordinates.
    pub fn gradient(&self, by_sample: &[f64]) -> Vec<f64> {
        self.lines(by_sample, |line, scale| line * scale)
    }

    fn lines(&self, waveform: &[f64], scaled: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let mut padded = vec![0.0; self.len() + HOP];
        padded[HOP..HOP + self.samples].copy_from_slice(waveform);
        let mut scratch = vec![0.0; self.transform.get_scratch_len()];
        let mut lines = vec![0.0; self.len()];
        for (index, lines) in lines.chunks_exact_mut(HOP).enumerate() {
            let (a, b) = padded[index * HOP..(index + 2) * HOP].split_at(HOP);
            self.transform.process_mdct_with_scratch(a, b, lines, &mut scratch);
        }
        for (line, &scale) in lines.iter_mut().zip(&self.scales) {
            *line = scaled(*line, scale);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};

    use super::*;
    use crate::attacks::vector::dot;
    use crate::metrics::masking::MaskingModel;

    fn noise(length: usize, seed: u64) -> Vec<f64> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..length).map(|_| random.random_range(-0.5..0.5)).collect()
    }

    #[test]
    fn there_and_back_is_the_same_and_the_gradient_is_the_adjoint() {
        for length in [1, 511, 512, 513, 3200] {
            let clip = noise(length, 1);
            let shaping = Shaping::new(&MaskingModel::new().thresholds(&clip), length);
            let r = noise(length, 2);
            let back = shaping.waveform(&shaping.coordinates(&r));
            let error = r.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 1e-12, "{length}: {error:e}");
            let z = noise(shaping.len(), 3);
            let (there, adjoint) = (dot(&shaping.waveform(&z), &r), dot(&z, &shaping.gradient(&r)));
            assert!((there - adjoint).abs() <= 1e-9 * there.abs(), "{length}: {there} {adjoint}");
        }
    }
}
