//! Noise-to-mask ratio: how far a perturbation stands out of what the clip hides.

use super::masking::{BANDS, MaskingModel};

/// Noise-to-mask ratio of a perturbation, in dB: around 0 it is at the threshold of hearing beside
/// its clip, below -10 it should be inaudible (Brandenburg 1987; ITU-R BS.1387).
///
/// In each frame and critical band the ratio is the sum over the band's lines of the perturbation's
/// power over the clip's masking threshold there; the frame's ratio is the mean over all bands. The
/// thresholds are those of [`MaskingModel`], where a full-scale sine is heard at 96 dB SPL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseToMask {
    /// Of the mean over all frames; negative infinity where nothing was changed.
    pub total_db: f64,
    /// Of the frame where it is largest; negative infinity where nothing was changed.
    pub worst_frame_db: f64,
    /// Where that frame's centre is, in seconds.
    pub worst_seconds: f64,
}

impl NoiseToMask {
    /// Measures the perturbation between two clips of equal length, mono at 32 kHz.
    pub fn of(original: &[f32], adversarial: &[f32]) -> Self {
        let wide: Vec<f64> = original.iter().copied().map(f64::from).collect();
        let noise: Vec<f64> =
            wide.iter().zip(adversarial).map(|(x, &y)| f64::from(y) - x).collect();
        if noise.iter().all(|&r| r == 0.0) {
            let none = f64::NEG_INFINITY;
            return Self { total_db: none, worst_frame_db: none, worst_seconds: 0.0 };
        }
        let model = MaskingModel::new();
        let (noise, mask) = (model.powers(&noise), model.thresholds(&wide));
        let ratio = |noise: &[f64], mask: &[f64]| {
            let sum: f64 = noise.iter().zip(mask).map(|(noise, mask)| noise / mask).sum();
            sum / BANDS as f64
        };
        let ratios: Vec<f64> =
            noise.frames().zip(mask.frames()).map(|(noise, mask)| ratio(noise, mask)).collect();
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        let worst = ratios.iter().enumerate().fold((0, 0.0), |worst, (frame, &ratio)| {
            if ratio > worst.1 { (frame, ratio) } else { worst }
        });
        Self {
            total_db: 10.0 * mean.log10(),
            worst_frame_db: 10.0 * worst.1.log10(),
            worst_seconds: MaskingModel::seconds(worst.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(hz: f64, amplitude: f64) -> Vec<f32> {
        let sine = |n: i32| amplitude * (TAU * hz * f64::from(n) / 32_000.0).sin();
        (0..16_384).map(|n| sine(n) as f32).collect()
    }

    fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| a + b).collect()
    }

    #[test]
    fn ten_times_less_is_20_db_less() {
        let clip = tone(1000.0, 0.5);
        let of = |amplitude| NoiseToMask::of(&clip, &sum(&clip, &tone(1100.0, amplitude)));
        let (loud, quiet) = (of(0.01), of(0.001));
        assert!((loud.total_db - quiet.total_db - 20.0).abs() < 0.05, "{loud:?} {quiet:?}");
        assert!(loud.worst_frame_db >= loud.total_db);
    }

    #[test]
    fn the_same_tone_is_hidden_near_the_clip_and_heard_far_from_it() {
        let clip = tone(1000.0, 0.5);
        let of = |hz| NoiseToMask::of(&clip, &sum(&clip, &tone(hz, 0.01))).total_db;
        let (near, far) = (of(1030.0), of(4000.0));
        assert!(far > near + 20.0, "{near} {far}");
    }

    #[test]
    fn the_worst_frame_is_where_the_noise_is() {
        let clip = tone(500.0, 0.1);
        let mut noisy = clip.clone();
        noisy[10_240] += 0.2;
        let result = NoiseToMask::of(&clip, &noisy);
        assert!((result.worst_seconds - 0.32).abs() < 1e-9, "{result:?}");
        assert!(result.worst_frame_db > result.total_db + 10.0);
        assert_eq!(NoiseToMask::of(&clip, &clip).total_db, f64::NEG_INFINITY);
    }

    #[test]
    fn short_and_silent_clips_have_a_ratio_to_the_threshold_in_quiet() {
        for length in [1, 600, 3200] {
            let result = NoiseToMask::of(&vec![0.0; length], &vec![0.01; length]);
            assert!(result.total_db.is_finite(), "{length}: {result:?}");
        }
    }
}
