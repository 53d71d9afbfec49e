//! All measures of one perturbation.

use super::{Loudness, NoiseToMask, segmental_snr_db, snr_db};

/// Measures of one perturbation r = x' - x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Signal-to-noise ratio in dB, infinite where nothing was changed.
    pub snr_db: f64,
    /// Segmental SNR in dB, in \[-10, 35\]; none where the clip is silent throughout.
    pub segmental_snr_db: Option<f64>,
    /// Largest absolute sample of the perturbation, full scale = 1.
    pub peak: f64,
    /// Its largest sample less its smallest, full scale = 2.
    pub peak_to_peak: f64,
    /// How loud clip and perturbation are.
    pub loudness: Loudness,
    /// How far the perturbation stands out of what the clip hides.
    pub noise_to_mask: NoiseToMask,
}

impl Metrics {
    /// Measures the perturbation between two clips of equal length, mono at 32 kHz; 10 s of sound
    /// take some hundredths of a second.
    pub fn of(original: &[f32], adversarial: &[f32]) -> Self {
        let noise = original.iter().zip(adversarial).map(|(&x, &y)| f64::from(y) - f64::from(x));
        let (low, high) = noise
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), r| (low.min(r), high.max(r)));
        let any = low <= high;
        Self {
            snr_db: snr_db(original, adversarial),
            segmental_snr_db: segmental_snr_db(original, adversarial),
            peak: if any { high.abs().max(low.abs()) } else { 0.0 },
            peak_to_peak: if any { high - low } else { 0.0 },
            loudness: Loudness::of(original, adversarial),
            noise_to_mask: NoiseToMask::of(original, adversarial),
        }
    }

    /// The perturbation's peak in dB relative to full scale, negative infinity for none.
    pub fn peak_dbfs(&self) -> f64 {
        20.0 * self.peak.log10()
    }

    /// The perturbation's peak-to-peak amplitude in dB relative to that of a full-scale sine,
    /// negative infinity for none.
    pub fn peak_to_peak_dbfs(&self) -> f64 {
        20.0 * (self.peak_to_peak / 2.0).log10()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_relative_to_full_scale() {
        let metrics = Metrics::of(&[0.5, -0.5, 0.25, 0.0], &[0.55, -0.55, 0.275, 0.0]);
        assert!((metrics.peak - 0.05).abs() < 1e-6);
        assert!((metrics.peak_dbfs() + 26.02).abs() < 0.01);
        assert!((metrics.peak_to_peak - 0.1).abs() < 1e-6);
        assert!((metrics.peak_to_peak_dbfs() + 26.02).abs() < 0.01);
        // A constant shift has a peak and no peak-to-peak amplitude.
        let shifted = Metrics::of(&[0.25, 0.5], &[0.5, 0.75]);
        assert_eq!((shifted.peak, shifted.peak_to_peak), (0.25, 0.0));
        assert_eq!(shifted.peak_to_peak_dbfs(), f64::NEG_INFINITY);
    }

    #[test]
    fn what_was_not_changed_has_no_peak_and_infinite_ratios() {
        let clip = [0.1; 700];
        let metrics = Metrics::of(&clip, &clip);
        assert_eq!(metrics.snr_db, f64::INFINITY);
        assert_eq!((metrics.peak, metrics.peak_dbfs()), (0.0, f64::NEG_INFINITY));
        assert_eq!(metrics.noise_to_mask.total_db, f64::NEG_INFINITY);
        assert_eq!(Metrics::of(&[], &[]).peak, 0.0);
    }

    #[test]
    fn what_is_no_number_is_measured_without_a_panic() {
        let metrics = Metrics::of(&[0.1; 700], &[f32::NAN; 700]);
        assert!(metrics.snr_db.is_nan());
    }
}
