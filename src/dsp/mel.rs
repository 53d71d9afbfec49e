//! The mel scale after Slaney's Auditory Toolbox, as librosa has it (`htk=False`): linear below
//! 1 kHz, logarithmic above.

/// Width of one mel below [`KNEE_HZ`], in Hz.
const HZ_PER_MEL: f64 = 200.0 / 3.0;
/// Where the scale turns from linear to logarithmic, in Hz.
const KNEE_HZ: f64 = 1000.0;
/// The same point in mel.
const KNEE_MEL: f64 = KNEE_HZ / HZ_PER_MEL;
/// Mels above the knee in which the frequency grows by the factor [`LOG_RATIO`].
const LOG_MELS: f64 = 27.0;
/// See [`LOG_MELS`].
const LOG_RATIO: f64 = 6.4;

/// Frequency in Hz to Slaney mel.
pub fn hz_to_mel(hz: f64) -> f64 {
    if hz < KNEE_HZ {
        hz / HZ_PER_MEL
    } else {
        KNEE_MEL + (hz / KNEE_HZ).ln() * (LOG_MELS / LOG_RATIO.ln())
    }
}

/// Slaney mel to frequency in Hz, the inverse of [`hz_to_mel`].
pub fn mel_to_hz(mel: f64) -> f64 {
    if mel < KNEE_MEL {
        mel * HZ_PER_MEL
    } else {
        KNEE_HZ * ((mel - KNEE_MEL) * (LOG_RATIO.ln() / LOG_MELS)).exp()
    }
}

/// The frequencies in Hz where the triangles of so many mel filters from 0 Hz to `fmax` have their
/// tips.
pub fn band_centres(bands: usize, fmax: f64) -> Vec<f64> {
    let high = hz_to_mel(fmax);
    (1..=bands).map(|band| mel_to_hz(high * band as f64 / (bands + 1) as f64)).collect()
}

/// Triangular mel filters over the bins of a power spectrum, equal to
/// `librosa.filters.mel(sr, n_fft, n_mels, fmin, fmax, htk=False, norm="slaney")` in double
/// precision.
///
/// `bands` rows of `n_fft / 2 + 1` weights. Each triangle has unit area over frequency in Hz, so a
/// band that falls between two bins is all zeros. `fmin` and `fmax` are in Hz, with
/// 0 <= `fmin` < `fmax` <= `sample_rate / 2`.
pub fn filter_bank(
    sample_rate: f64,
    n_fft: usize,
    bands: usize,
    fmin: f64,
    fmax: f64,
) -> Vec<Vec<f64>> {
    let (low, high) = (hz_to_mel(fmin), hz_to_mel(fmax));
    let corners: Vec<f64> = (0..bands + 2)
        .map(|i| mel_to_hz(low + (high - low) * i as f64 / (bands + 1) as f64))
        .collect();
    corners
        .windows(3)
        .map(|corner| {
            let (left, centre, right) = (corner[0], corner[1], corner[2]);
            let area = 2.0 / (right - left);
            (0..=n_fft / 2)
                .map(|bin| {
                    let hz = bin as f64 * sample_rate / n_fft as f64;
                    let rising = (hz - left) / (centre - left);
                    let falling = (right - hz) / (right - centre);
                    rising.min(falling).max(0.0) * area
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `tests/reference/mel_bank.py` had librosa compute.
    fn reference() -> serde_json::Value {
        serde_json::from_str(include_str!("../../tests/reference/mel_bank.json")).unwrap()
    }

    #[test]
    fn the_scale_equals_librosa_and_is_inverted() {
        for pair in reference()["hz_to_mel"].as_array().unwrap() {
            let (hz, mel) = (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap());
            assert!((hz_to_mel(hz) - mel).abs() < 1e-9, "{hz} Hz: {} vs {mel}", hz_to_mel(hz));
            assert!((mel_to_hz(mel) - hz).abs() < 1e-8, "{mel} mel: {} vs {hz}", mel_to_hz(mel));
        }
    }

    #[test]
    fn banks_equal_librosa_to_its_printed_digits() {
        let reference = reference();
        let banks = reference["banks"].as_array().unwrap();
        assert_eq!(banks.len(), 4);
        for bank in banks {
            let number = |key: &str| bank[key].as_f64().unwrap();
            let count = |key: &str| bank[key].as_u64().unwrap() as usize;
            let ours = filter_bank(
                number("sample_rate"),
                count("n_fft"),
                count("bands"),
                number("fmin"),
                number("fmax"),
            );
            let rows = bank["rows"].as_array().unwrap();
            assert_eq!(ours.len(), rows.len());
            for (band, (ours, row)) in ours.iter().zip(rows).enumerate() {
                let row: Vec<f64> =
                    row.as_array().unwrap().iter().map(|w| w.as_f64().unwrap()).collect();
                let mut theirs = vec![0.0; count("n_fft") / 2 + 1];
                let first = row[0] as usize;
                theirs[first..first + row.len() - 1].copy_from_slice(&row[1..]);
                assert_eq!(ours.len(), theirs.len());
                for (bin, (a, b)) in ours.iter().zip(&theirs).enumerate() {
                    // Ten digits were written; a corner on a bin may round to either side of 0.
                    assert!((a - b).abs() <= 1e-9 * b.abs() + 1e-15, "{band}, {bin}: {a} vs {b}");
                }
            }
        }
    }

    #[test]
    fn a_bank_too_fine_for_its_bins_has_empty_bands_and_no_nan() {
        let bank = filter_bank(32_000.0, 256, 64, 0.0, 16_000.0);
        assert!(bank.iter().flatten().all(|w| w.is_finite() && *w >= 0.0));
        assert!(bank.iter().any(|band| band.iter().all(|&w| w == 0.0)));
    }
}
