//! How far a perturbation stands out of what its clip masks, as a distance with a gradient.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::metrics::masking::{BANDS, HOP, LINES, LinePowers, MaskingModel, WINDOW};

/// The mean noise-to-mask ratio of perturbations of one clip, a power ratio: the total of
/// [`crate::metrics::NoiseToMask`], which is a positive quadratic form of the perturbation, since
/// the masking thresholds belong to the clean clip.
pub struct MaskedDistance {
    gains: Vec<f64>,
    /// By which a line's power counts, one a line and frame.
    weights: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl MaskedDistance {
    /// The distance from a clip with these masking thresholds.
    pub fn new(thresholds: &LinePowers) -> Self {
        let count = (BANDS * thresholds.frames().len()) as f64;
        let mut planner = RealFftPlanner::new();
        Self {
            gains: MaskingModel::window_gains().collect(),
            weights: thresholds.as_slice().iter().map(|mask| 1.0 / (mask * count)).collect(),
            forward: planner.plan_fft_forward(WINDOW),
            inverse: planner.plan_fft_inverse(WINDOW),
        }
    }

    /// The distance of a perturbation, and its gradient with respect to each sample.
    pub fn with_gradient(&self, perturbation: &[f64]) -> (f64, Vec<f64>) {
        let mut gradient = vec![0.0; perturbation.len()];
        let distance = self.each_frame(perturbation, |start, frame| {
            for (i, (slope, gain)) in frame.iter().zip(&self.gains).enumerate() {
                let at = (start + i).checked_sub(HOP).and_then(|at| gradient.get_mut(at));
                if let Some(sum) = at {
                    *sum += gain * slope;
                }
            }
        });
        (distance, gradient)
    }

    /// The distance of a clip from the clean one, as decibels below the threshold of masking: the
    /// higher, the better it is hidden.
    pub fn hidden_db(&self, clean: &[f32], samples: &[f32]) -> f64 {
        let perturbation: Vec<f64> =
            samples.iter().zip(clean).map(|(&y, &x)| f64::from(y) - f64::from(x)).collect();
        -10.0 * self.each_frame(&perturbation, |_, _| {}).log10()
    }

    /// Adds up all frames; `slopes` is given each frame's start (plus a hop, so that it is not
    /// negative) and the derivatives of the sum by its windowed samples.
    fn each_frame(&self, perturbation: &[f64], mut slopes: impl FnMut(usize, &[f64])) -> f64 {
        let mut frame = self.forward.make_input_vec();
        let mut spectrum = self.forward.make_output_vec();
        let scratch = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        let mut scratch = vec![Default::default(); scratch];
        let mut total = 0.0;
        for (index, weights) in self.weights.chunks_exact(LINES).enumerate() {
            let start = index * HOP;
            for (i, (sample, gain)) in frame.iter_mut().zip(&self.gains).enumerate() {
                let at = (start + i).checked_sub(HOP).and_then(|at| perturbation.get(at));
                *sample = gain * at.unwrap_or(&0.0);
            }
            // The buffers are the plans' own, so that they can't refuse them.
            let needed = self.forward.get_scratch_len();
            self.forward
                .process_with_scratch(&mut frame, &mut spectrum, &mut scratch[..needed])
                .ok();
            for (value, weight) in spectrum.iter_mut().zip(weights) {
                total += weight * value.norm_sqr();
                *value *= weight;
            }
            // The inverse transform counts the lines between the first and the last twice, once for
            // their negative frequencies: which is the 2 of a square's derivative.
            spectrum[0] *= 2.0;
            spectrum[LINES - 1] *= 2.0;
            let needed = self.inverse.get_scratch_len();
            self.inverse
                .process_with_scratch(&mut spectrum, &mut frame, &mut scratch[..needed])
                .ok();
            slopes(start, &frame);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};

    use super::*;
    use crate::metrics::NoiseToMask;

    fn noise(length: usize, seed: u64, amplitude: f32) -> Vec<f32> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..length).map(|_| random.random_range(-amplitude..amplitude)).collect()
    }

    #[test]
    fn it_is_the_noise_to_mask_ratio() {
        for length in [1, 511, 3200] {
            let clip = noise(length, 1, 0.5);
            let changed: Vec<f32> =
                clip.iter().zip(noise(length, 2, 0.01)).map(|(x, r)| x + r).collect();
            let wide: Vec<f64> = clip.iter().map(|&x| f64::from(x)).collect();
            let distance = MaskedDistance::new(&MaskingModel::new().thresholds(&wide));
            let measured = NoiseToMask::of(&clip, &changed).total_db;
            let hidden = distance.hidden_db(&clip, &changed);
            assert!((hidden + measured).abs() < 1e-9, "{length}: {hidden} {measured}");
        }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let clip: Vec<f64> = noise(1800, 3, 0.5).into_iter().map(f64::from).collect();
        let r: Vec<f64> = noise(1800, 4, 0.01).into_iter().map(f64::from).collect();
        let distance = MaskedDistance::new(&MaskingModel::new().thresholds(&clip));
        let (value, gradient) = distance.with_gradient(&r);
        // Of a quadratic form the central difference is exact, and its gradient at r leads to it.
        let half: f64 = r.iter().zip(&gradient).map(|(r, g)| r * g).sum::<f64>() / 2.0;
        assert!((half / value - 1.0).abs() < 1e-12);
        for at in [0, 1, 700, 1024, 1799] {
            let moved = |by: f64| {
                let mut r = r.clone();
                r[at] += by;
                distance.with_gradient(&r).0
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!((slope - gradient[at]).abs() < 1e-8 * slope.abs(), "{at}: {slope}");
        }
    }
}
