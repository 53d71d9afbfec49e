//! Where a model listens: the same gradient that attacks follow, for people to look at.

use std::sync::Arc;

use candle_core::Result;

use super::gradient::Evaluation;
use crate::models::Classifier;

/// By how much a label leads another one in a clip, and the gradient of that.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The label.
    pub label: usize,
    /// Its strongest rival.
    pub rival: usize,
    /// `ln(p / q)` of their probabilities, negative where the rival leads.
    pub lead: f64,
    /// The derivative of the lead with respect to each sample.
    pub gradient: Arc<[f32]>,
}

impl Explanation {
    /// The SNR in dB of the smallest change of `samples` that makes both labels equally probable if
    /// the lead were linear (one step of DeepFool between the two): minus infinity for a flat lead,
    /// which no change turns over.
    pub fn linear_snr_db(&self, samples: &[f32]) -> f64 {
        let norm =
            |values: &[f32]| values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        20.0 * (norm(samples) * norm(&self.gradient) / self.lead.abs()).log10()
    }
}

/// Explains why a model hears `label` in mono samples at 32 kHz, or, without one, the label that it
/// hears.
///
/// The lead rather than the probability: where a model is sure of itself its probability is flat,
/// and its gradient tells of rounding only.
///
/// # Errors
/// Where the classifier can't take the samples, has no such label, or the gradient is not finite.
pub fn explain(
    classifier: &dyn Classifier,
    samples: &[f32],
    label: Option<usize>,
) -> Result<Explanation> {
    let at = Evaluation::with_log_scores(classifier, samples, true)?;
    let label = label.unwrap_or(at.verdict.top().0);
    if label >= at.scores.len() {
        candle_core::bail!("there is no label {label}")
    }
    let (lead, rival) = at.lead(label);
    let gradient = at.difference_gradient(label, rival)?.into();
    Ok(Explanation { label, rival, lead, gradient })
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::models::{Labels, ModelCard, ModelId, ScoreKind};
    use crate::nn::{Traced, softmax};

    /// Three labels whose logits are sums of single samples; it gives probabilities.
    struct Three(ModelCard);

    const LOGITS: [[f32; 3]; 4] =
        [[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 5.0], [1.0, 1.0, -1.0]];

    impl Classifier for Three {
        fn card(&self) -> &ModelCard {
            &self.0
        }

        fn device(&self) -> &Device {
            &Device::Cpu
        }

        fn score_kind(&self) -> ScoreKind {
            ScoreKind::Probabilities
        }

        fn trace(&self, waveform: &Traced) -> Result<Traced> {
            let weights = Tensor::new(&LOGITS, &Device::Cpu)?;
            softmax(&waveform.map(|x| x.matmul(&weights))?)
        }
    }

    fn model() -> Three {
        let labels = Labels::new(["Robin", "Wren", "Owl"].map(str::to_owned));
        Three(ModelCard::new(ModelId::DenseWav, labels))
    }

    #[test]
    fn the_lead_and_its_gradient_are_those_of_the_logits() {
        // Logits 2, 1.5 and -1.
        let samples = [1.0, 0.5, -0.2, 0.0];
        let why = explain(&model(), &samples, None).unwrap();
        assert_eq!((why.label, why.rival), (0, 1));
        assert!((why.lead - 0.5).abs() < 1e-5, "{}", why.lead);
        let expected: Vec<f32> = LOGITS.iter().map(|row| row[0] - row[1]).collect();
        for (found, expected) in why.gradient.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} instead of {expected}");
        }
        // The logits are linear, so that a step of this length along the gradient ties both labels.
        let length = 0.5 / why.gradient.iter().map(|g| g * g).sum::<f32>();
        let tied: Vec<f32> =
            samples.iter().zip(why.gradient.iter()).map(|(x, g)| x - length * g).collect();
        assert!(explain(&model(), &tied, Some(0)).unwrap().lead.abs() < 1e-3);
        let snr = crate::metrics::snr_db(&samples, &tied);
        assert!((why.linear_snr_db(&samples) - snr).abs() < 1e-3);
        // A label that is not heard has a negative lead over the one that is.
        let why = explain(&model(), &samples, Some(2)).unwrap();
        assert_eq!((why.label, why.rival), (2, 0));
        assert!((why.lead + 3.0).abs() < 1e-4 && why.gradient[2] > 4.9, "{why:?}");
    }

    #[test]
    fn a_label_that_does_not_exist_is_an_error() {
        assert!(explain(&model(), &[0.0; 4], Some(3)).is_err());
    }
}
