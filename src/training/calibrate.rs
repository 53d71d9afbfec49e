//! Confidence that means what it says: temperature scaling (Guo, Pleiss, Sun and Weinberger, "On
//! calibration of modern neural networks", ICML 2017).
//!
//! What is trained on mixed sounds is less sure than it is right. One number, the temperature that
//! all logits are divided by, is fitted to the recordings that were held back, and the last layer's
//! weights are divided by it: the file needs no new tensor, and hardly an answer changes.

use super::error::TrainingError;
use super::export::Trained;
use super::finish::classify_all;
use super::trainer::{Material, Place, model};
use crate::models::Network;

/// Evaluations of the validation loss. Each narrows the temperature by 0.618, from a factor of 16.
const EVALUATIONS: usize = 12;

/// The logarithm of the temperature is searched up to this far on both sides of 0.
const WIDEST: f64 = 1.4;

/// Fewer recordings say too little.
const LEAST_RECORDINGS: usize = 20;

/// Divides the logits by the temperature with the lowest cross entropy of what was held back, and
/// gives it; none where too little was.
///
/// # Errors
/// Where a recording can't be read, or the weights do not fit together.
pub fn calibrate(
    trained: &mut Trained,
    network: &dyn Network,
    material: &Material<'_>,
    place: &Place,
) -> Result<Option<f64>, TrainingError> {
    let Material { list, recordings, validate, .. } = material;
    if validate.len() < LEAST_RECORDINGS {
        return Ok(None);
    }
    let best = minimum([-WIDEST, WIDEST], EVALUATIONS, |logarithm| {
        let cooled = divided(trained, network.last_layer(), logarithm.exp())?;
        let model = model(&cooled, false, place)?;
        let said = classify_all(model.as_ref(), list, recordings, validate.iter().copied())?;
        Ok(said.cross_entropy())
    })?;
    let temperature = best.exp();
    *trained = divided(trained, network.last_layer(), temperature)?;
    trained.metadata.insert("temperature".to_owned(), format!("{temperature:.4}"));
    Ok(Some(temperature))
}

/// The same with the weight and bias of one layer divided.
fn divided(trained: &Trained, layer: &str, by: f64) -> Result<Trained, TrainingError> {
    let mut divided = trained.clone();
    let names = [format!("{layer}.weight"), format!("{layer}.bias")];
    for (_, tensor) in divided.tensors.iter_mut().filter(|(name, _)| names.contains(name)) {
        *tensor = (&*tensor / by)?;
    }
    Ok(divided)
}

/// Where a function with one valley is lowest, by golden sections.
fn minimum(
    [mut low, mut high]: [f64; 2],
    evaluations: usize,
    mut value: impl FnMut(f64) -> Result<f64, TrainingError>,
) -> Result<f64, TrainingError> {
    let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
    let [mut left, mut right] = [high - golden * (high - low), low + golden * (high - low)];
    let [mut at_left, mut at_right] = [value(left)?, value(right)?];
    for _ in 2..evaluations {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - golden * (high - low);
            at_left = value(left)?;
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + golden * (high - low);
            at_right = value(right)?;
        }
    }
    Ok(if at_left <= at_right { left } else { right })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_sections_find_the_valley() {
        for expected in [-1.2, -0.3, 0.0, 1.0] {
            let mut count = 0;
            let found = minimum([-1.4, 1.4], 14, |x| {
                count += 1;
                Ok((x - expected).abs().sqrt())
            });
            assert!((found.unwrap() - expected).abs() < 0.01);
            assert_eq!(count, 14);
        }
    }
}
