//! Loudness after EBU R 128 (ITU-R BS.1770-4).

use ebur128::{EbuR128, Mode};

use crate::audio::SAMPLE_RATE;

/// Integrated loudness of a clip, before and after, and of what was added.
///
/// Each is none where R 128 gives no number: for less than 400 ms, its block, and for a clip that
/// stays below -70 LUFS, its absolute gate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loudness {
    /// The clean clip, in LUFS.
    pub original_lufs: Option<f64>,
    /// The adversarial clip, in LUFS.
    pub adversarial_lufs: Option<f64>,
    /// The perturbation alone, in LUFS. It is measured amplified to a peak of full scale, and the
    /// gain is taken off again: the absolute gate would leave out most of what attacks make.
    pub perturbation_lufs: Option<f64>,
}

impl Loudness {
    /// Measures the perturbation between two clips of equal length, mono at 32 kHz.
    pub fn of(original: &[f32], adversarial: &[f32]) -> Self {
        let wide = |samples: &[f32]| samples.iter().copied().map(f64::from).collect::<Vec<_>>();
        let (original, adversarial) = (wide(original), wide(adversarial));
        let mut noise: Vec<f64> = adversarial.iter().zip(&original).map(|(y, x)| y - x).collect();
        let peak = noise.iter().fold(0.0_f64, |peak, r| peak.max(r.abs()));
        noise.iter_mut().for_each(|r| *r /= peak);
        let perturbation = if peak > 0.0 { integrated_lufs(&noise) } else { None };
        Self {
            original_lufs: integrated_lufs(&original),
            adversarial_lufs: integrated_lufs(&adversarial),
            perturbation_lufs: perturbation.map(|lufs| lufs + 20.0 * peak.log10()),
        }
    }

    /// By how much the adversarial clip is louder, in LU; none where either has no loudness.
    pub fn difference_lu(&self) -> Option<f64> {
        Some(self.adversarial_lufs? - self.original_lufs?)
    }
}

/// Integrated loudness of one channel at 32 kHz, in LUFS; a full-scale sine of 1 kHz has -3.01.
fn integrated_lufs(samples: &[f64]) -> Option<f64> {
    let mut meter = EbuR128::new(1, SAMPLE_RATE, Mode::I).ok()?;
    meter.add_frames_f64(samples).ok()?;
    meter.loudness_global().ok().filter(|lufs| lufs.is_finite())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn sine(amplitude: f64, seconds: f64) -> Vec<f32> {
        let count = (seconds * 32_000.0) as usize;
        let at = |n: usize| amplitude * (TAU * 997.0 * n as f64 / 32_000.0).sin();
        (0..count).map(|n| at(n) as f32).collect()
    }

    #[test]
    fn a_full_scale_sine_has_the_level_that_the_standard_says() {
        let loudness = Loudness::of(&sine(1.0, 2.0), &sine(0.5, 2.0));
        assert!((loudness.original_lufs.unwrap() + 3.01).abs() < 0.02, "{loudness:?}");
        let lu = loudness.difference_lu().unwrap();
        assert!((lu + 6.02).abs() < 0.02, "{loudness:?}");
        // Half the amplitude was taken away.
        assert!((loudness.perturbation_lufs.unwrap() + 9.03).abs() < 0.02, "{loudness:?}");
    }

    #[test]
    fn a_perturbation_below_the_gate_still_has_a_loudness() {
        let clip = sine(0.5, 1.0);
        let noisy: Vec<f32> = clip.iter().zip(sine(1e-5, 1.0)).map(|(x, r)| x + r).collect();
        let lufs = Loudness::of(&clip, &noisy).perturbation_lufs.unwrap();
        assert!((lufs + 103.0).abs() < 0.3, "{lufs}");
    }

    #[test]
    fn short_silent_and_unchanged_clips_have_none() {
        let short = Loudness::of(&sine(0.5, 0.39), &sine(0.4, 0.39));
        assert_eq!(short, Loudness::default());
        assert_eq!(short.difference_lu(), None);
        let silent = Loudness::of(&[0.0; 32_000], &sine(0.5, 1.0));
        assert!(silent.original_lufs.is_none() && silent.adversarial_lufs.is_some());
        assert_eq!(silent.difference_lu(), None);
        let same = Loudness::of(&sine(0.5, 1.0), &sine(0.5, 1.0));
        assert_eq!((same.difference_lu(), same.perturbation_lufs), (Some(0.0), None));
    }
}
