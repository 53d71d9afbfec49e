//! Signal-to-noise ratio and peak.

/// Signal-to-noise ratio 10 log10(sum x^2 / sum r^2) in dB over the whole clip, as in the paper.
///
/// No perturbation gives infinity; a silent clip with one gives negative infinity.
pub fn snr_db(original: &[f32], adversarial: &[f32]) -> f64 {
    let signal: f64 = original.iter().map(|&x| f64::from(x).powi(2)).sum();
    let noise: f64 = original
        .iter()
        .zip(adversarial)
        .map(|(&x, &y)| (f64::from(y) - f64::from(x)).powi(2))
        .sum();
    if noise == 0.0 { f64::INFINITY } else { 10.0 * (signal / noise).log10() }
}

/// Measures of one perturbation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Signal-to-noise ratio in dB, infinite where nothing was changed.
    pub snr_db: f64,
    /// Largest absolute sample of the perturbation, full scale = 1.
    pub peak: f64,
}

impl Metrics {
    /// Measures the perturbation between two clips of equal length.
    pub fn of(original: &[f32], adversarial: &[f32]) -> Self {
        let peak = original
            .iter()
            .zip(adversarial)
            .map(|(&x, &y)| (f64::from(y) - f64::from(x)).abs())
            .fold(0.0, f64::max);
        Self { snr_db: snr_db(original, adversarial), peak }
    }

    /// The perturbation's peak in dB relative to full scale, negative infinity for none.
    pub fn peak_dbfs(&self) -> f64 {
        20.0 * self.peak.log10()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_amplitude_is_20_db() {
        let x = [0.5, -0.5, 0.25, 0.0];
        let y: Vec<f32> = x.iter().map(|v| v * 1.1).collect();
        assert!((snr_db(&x, &y) - 20.0).abs() < 1e-5);
        assert!((Metrics::of(&x, &y).peak_dbfs() - -26.02).abs() < 0.01);
    }

    #[test]
    fn no_change_is_infinite_and_noise_on_silence_is_minus_infinite() {
        assert_eq!(snr_db(&[0.1, 0.2], &[0.1, 0.2]), f64::INFINITY);
        assert_eq!(snr_db(&[0.0, 0.0], &[0.1, 0.0]), f64::NEG_INFINITY);
    }
}
