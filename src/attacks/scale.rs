//! Perturbations at an exact SNR.

use crate::audio::round_to_bits;
use crate::metrics::snr_db;

/// How far from the wanted SNR a result may be, in dB.
const TOLERANCE: f64 = 0.01;

/// How often a size is tried that gives that SNR after rounding.
const ROUNDING_TRIES: usize = 12;

/// Bisections of the scale: enough to pin down an `f64`.
const BISECTIONS: usize = 200;

/// `x + s * direction`, clipped to \[-1, 1\], with the scale s for which the SNR **after** clipping
/// and rounding to `f32` is `wanted_db`.
///
/// # Errors
/// A reason for people where no scale reaches it: a direction of zeros, a silent clip, or more
/// noise than clipping lets through.
pub fn perturb_at_snr(
    samples: &[f32],
    direction: &[f32],
    wanted_db: f64,
) -> Result<Vec<f32>, String> {
    if !wanted_db.is_finite() {
        return Err(format!("an SNR of {wanted_db} dB is no number that can be reached"));
    }
    let at = |scale: f64| -> Vec<f32> {
        samples
            .iter()
            .zip(direction)
            .map(|(&x, &d)| (f64::from(x) + scale * f64::from(d)).clamp(-1.0, 1.0) as f32)
            .collect()
    };
    let signal: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
    let energy: f64 = direction.iter().map(|&d| f64::from(d).powi(2)).sum();
    if !(signal > 0.0 && energy > 0.0) {
        return Err("the clip or the direction of the perturbation is all zeros".to_owned());
    }
    // Without clipping this is exact; clipping only takes energy away.
    let exact = (signal / energy / 10f64.powf(wanted_db / 10.0)).sqrt();
    if !(exact.is_finite() && exact > 0.0) {
        return Err(format!("an SNR of {wanted_db:.2} dB is beyond what numbers can hold"));
    }
    if (snr_db(samples, &at(exact)) - wanted_db).abs() < 1e-4 {
        return Ok(at(exact));
    }
    let mut low = 0.5 * exact;
    let mut high = 4.0 * low;
    while snr_db(samples, &at(high)) > wanted_db {
        high *= 2.0;
        if high > 1e12 {
            return Err(format!(
                "an SNR of {wanted_db:.2} dB can't be reached: clipping to full scale leaves {:.2} dB",
                snr_db(samples, &at(high))
            ));
        }
    }
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            // No number lies between them.
            break;
        }
        if snr_db(samples, &at(middle)) > wanted_db {
            low = middle;
        } else {
            high = middle;
        }
    }
    let result = at(high);
    let reached = snr_db(samples, &result);
    // Written so that NaN is refused too.
    if !((reached - wanted_db).abs() <= TOLERANCE) {
        return Err(format!(
            "an SNR of {wanted_db:.2} dB is below what 32-bit samples can hold; the nearest is {reached:.2} dB"
        ));
    }
    Ok(result)
}

/// The same with the SNR after rounding to 16 bits, which changes the change itself; consists of
/// values that a 16-bit file holds.
///
/// # Errors
/// As [`perturb_at_snr`], and where steps of 16 bits are too coarse for that SNR.
pub fn perturb_at_snr_in_16_bits(
    samples: &[f32],
    direction: &[f32],
    wanted_db: f64,
) -> Result<Vec<f32>, String> {
    let mut asked_db = wanted_db;
    let mut nearest_db = f64::INFINITY;
    for _ in 0..ROUNDING_TRIES {
        let exact = perturb_at_snr(samples, direction, asked_db)?;
        let rounded: Vec<f32> = exact.iter().map(|&y| round_to_bits(f64::from(y), 16)).collect();
        let reached_db = snr_db(samples, &rounded);
        let miss_db = reached_db - wanted_db;
        if miss_db.abs() <= TOLERANCE {
            return Ok(rounded);
        }
        if miss_db.abs() < (nearest_db - wanted_db).abs() {
            nearest_db = reached_db;
        }
        // Nothing is left where all of it was rounded away.
        asked_db -= if reached_db.is_finite() { miss_db } else { 6.0 };
    }
    Err(format!(
        "among 16-bit samples no such change of this clip was found at an SNR of {wanted_db} dB \
         (the nearest that was found is {nearest_db:.2} dB): ask for a lower SNR, or leave 16 bits"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_snr_is_exact_after_clipping(
            samples in prop::collection::vec(-1.0f32..=1.0, 50..400),
            seed in prop::collection::vec(-1.0f32..=1.0, 400),
            wanted in 3.0f64..80.0,
        ) {
            let direction = &seed[..samples.len()];
            if let Ok(result) = perturb_at_snr(&samples, direction, wanted) {
                prop_assert!((snr_db(&samples, &result) - wanted).abs() <= 0.01);
                prop_assert!(result.iter().all(|x| x.abs() <= 1.0));
            } else {
                // Only loud noise on a clip near full scale may be out of reach.
                prop_assert!(wanted < 10.0);
            }
        }
    }

    #[test]
    fn what_cannot_be_reached_says_so() {
        let full = [1.0f32, -1.0, 1.0, -1.0];
        let outward = [1.0f32, -1.0, 1.0, -1.0];
        assert!(perturb_at_snr(&full, &outward, 20.0).unwrap_err().contains("clipping"));
        assert!(perturb_at_snr(&full, &[0.0; 4], 20.0).is_err());
        assert!(perturb_at_snr(&full, &outward, f64::NAN).is_err());
        for extreme in [-5000.0, 5000.0] {
            assert!(perturb_at_snr(&[0.0, 0.5], &[0.0, 1.0], extreme).is_err());
        }
    }
}
