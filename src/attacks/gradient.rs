//! A classifier at one point: its scores, its verdict, and gradients of combinations of scores.

use candle_core::{Result, Tensor};

use crate::models::{Classifier, Verdict};
use crate::nn::Traced;

/// Scores of a waveform, with the graph that leads back to it.
pub struct Evaluation {
    /// The scores in label order.
    pub scores: Vec<f32>,
    /// What they say.
    pub verdict: Verdict,
    waveform: Traced,
    traced: Traced,
}

impl Evaluation {
    /// Evaluates `classifier` at `samples`.
    ///
    /// # Errors
    /// Where the classifier can't take them (out of memory, a device that is gone).
    pub fn at(classifier: &dyn Classifier, samples: &[f32]) -> Result<Self> {
        let samples = Tensor::from_slice(samples, (1, samples.len()), classifier.device())?;
        let waveform = Traced::variable(samples);
        let traced = classifier.trace(&waveform)?;
        let scores = traced.tensor().squeeze(0)?.to_vec1::<f32>()?;
        let verdict = classifier.verdict(&scores);
        Ok(Self { scores, verdict, waveform, traced })
    }

    /// The gradient of `sum(weights * scores)` with respect to the samples.
    ///
    /// # Errors
    /// As [`Self::gradients`].
    pub fn gradient(&self, weights: &[f32]) -> Result<Vec<f32>> {
        let mut gradients = self.gradients(&[weights])?;
        Ok(gradients.swap_remove(0))
    }

    /// The gradients of several weighted sums of scores, from the one forward pass and one batched
    /// backward pass.
    ///
    /// # Errors
    /// Where there are no weights, the backward pass fails or a gradient is not finite.
    pub fn gradients(&self, weights: &[&[f32]]) -> Result<Vec<Vec<f32>>> {
        let rows = (weights.len(), self.scores.len());
        let weights = Tensor::from_vec(weights.concat(), rows, self.traced.tensor().device())?;
        let mut gradients = self.traced.gradients(&weights, &[&self.waveform])?;
        let gradients = gradients.swap_remove(0).to_vec2::<f32>()?;
        if gradients.iter().flatten().any(|g| !g.is_finite()) {
            candle_core::bail!("the gradient is not finite (NaN or infinite)")
        }
        Ok(gradients)
    }

    /// By how much `label` leads the best other label in score, and that other label.
    pub fn lead(&self, label: usize) -> (f64, usize) {
        let rival = (0..self.scores.len())
            .filter(|&other| other != label)
            .max_by(|&a, &b| self.scores[a].total_cmp(&self.scores[b]).then(b.cmp(&a)))
            .unwrap_or(label);
        (f64::from(self.scores[label]) - f64::from(self.scores[rival]), rival)
    }

    /// The gradient of `score[up] - score[down]`.
    ///
    /// # Errors
    /// As [`Self::gradient`].
    pub fn difference_gradient(&self, up: usize, down: usize) -> Result<Vec<f32>> {
        let mut weights = vec![0.0; self.scores.len()];
        weights[up] += 1.0;
        weights[down] -= 1.0;
        self.gradient(&weights)
    }
}
