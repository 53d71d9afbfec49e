//! Signal-to-noise ratios.

use crate::audio::SAMPLE_RATE;

/// Signal-to-noise ratio 10 log10(sum x^2 / sum r^2) in dB over the whole clip, as in the paper.
///
/// No perturbation gives infinity; a silent clip with one gives negative infinity.
pub fn snr_db(original: &[f32], adversarial: &[f32]) -> f64 {
    let (signal, noise) = energies(original, adversarial);
    if noise == 0.0 { f64::INFINITY } else { 10.0 * (signal / noise).log10() }
}

/// Frames of the segmental SNR, in samples: 20 ms.
const SEGMENT: usize = SAMPLE_RATE as usize / 50;

/// A frame's SNR counts as no less and no more than this, in dB.
const SEGMENT_RANGE_DB: (f64, f64) = (-10.0, 35.0);

/// Mean square of a frame below which it is silent: -90 dB relative to full scale.
const SILENCE: f64 = 1e-9;

/// Segmental SNR in dB, in \[-10, 35\]: the mean of the SNRs of frames of 20 ms that do not overlap,
/// each clamped to that range (Hansen & Pellom, "An effective quality evaluation protocol for
/// speech enhancement algorithms", 1998). Unlike the SNR of the whole clip it tells of a change
/// that is small on the whole and large where the clip is quiet.
///
/// Frames where the clip is silent, below -90 dB relative to full scale, are left out; none where
/// all are. The last frame may be shorter.
pub fn segmental_snr_db(original: &[f32], adversarial: &[f32]) -> Option<f64> {
    let frames = original.chunks(SEGMENT).zip(adversarial.chunks(SEGMENT));
    let (mut sum, mut count) = (0.0, 0_u32);
    for (clean, changed) in frames {
        let (signal, noise) = energies(clean, changed);
        if signal < SILENCE * clean.len() as f64 {
            continue;
        }
        let (least, most) = SEGMENT_RANGE_DB;
        sum += (10.0 * (signal / noise).log10()).clamp(least, most);
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// Sums of squares of the clip and of the perturbation.
fn energies(original: &[f32], adversarial: &[f32]) -> (f64, f64) {
    let signal = original.iter().map(|&x| f64::from(x).powi(2)).sum();
    let pairs = original.iter().zip(adversarial);
    let noise = pairs.map(|(&x, &y)| (f64::from(y) - f64::from(x)).powi(2)).sum();
    (signal, noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_amplitude_is_20_db() {
        let x = [0.5, -0.5, 0.25, 0.0];
        let y: Vec<f32> = x.iter().map(|v| v * 1.1).collect();
        assert!((snr_db(&x, &y) - 20.0).abs() < 1e-5);
        assert!((segmental_snr_db(&x, &y).unwrap() - 20.0).abs() < 1e-5);
    }

    #[test]
    fn no_change_is_infinite_and_noise_on_silence_is_minus_infinite() {
        assert_eq!(snr_db(&[0.1, 0.2], &[0.1, 0.2]), f64::INFINITY);
        assert_eq!(snr_db(&[0.0, 0.0], &[0.1, 0.0]), f64::NEG_INFINITY);
        assert_eq!(segmental_snr_db(&[0.1, 0.2], &[0.1, 0.2]), Some(35.0));
        assert_eq!(segmental_snr_db(&[0.0, 0.0], &[0.1, 0.0]), None);
        assert_eq!(segmental_snr_db(&[], &[]), None);
    }

    #[test]
    fn frames_count_alike_and_silent_ones_not_at_all() {
        // Full frames at 20 dB and at 0 dB, a silent one, and one beyond the range.
        let levels = [(0.5, 0.05), (0.1, 0.1), (0.0, 0.5), (0.5, 1e-6)];
        let frame = |value: f32| vec![value; SEGMENT];
        let clean: Vec<f32> = levels.iter().flat_map(|&(x, _)| frame(x)).collect();
        let noisy: Vec<f32> = levels.iter().flat_map(|&(x, r)| frame(x + r)).collect();
        let expected = (20.0 + 0.0 + 35.0) / 3.0;
        assert!((segmental_snr_db(&clean, &noisy).unwrap() - expected).abs() < 1e-4);
        // A change that drowns the clip counts as -10 dB.
        assert_eq!(segmental_snr_db(&frame(0.001), &frame(0.5)), Some(-10.0));
    }
}
