//! A classifier at one point: its scores, its verdict, and gradients of combinations of scores.

use candle_core::{Result, Tensor, Var};

use crate::models::{Classifier, Verdict};

/// Scores of a waveform, with the graph that leads back to it.
pub struct Evaluation {
    /// The scores in label order.
    pub scores: Vec<f32>,
    /// What they say.
    pub verdict: Verdict,
    waveform: Var,
    graph: Tensor,
}

impl Evaluation {
    /// Evaluates `classifier` at `samples`.
    ///
    /// # Errors
    /// Where the classifier can't take them (out of memory, a device that is gone).
    pub fn at(classifier: &dyn Classifier, samples: &[f32]) -> Result<Self> {
        let waveform = Var::from_slice(samples, (1, samples.len()), classifier.device())?;
        let graph = classifier.scores(&waveform)?;
        let scores = graph.squeeze(0)?.to_vec1::<f32>()?;
        let verdict = classifier.verdict(&scores);
        Ok(Self { scores, verdict, waveform, graph })
    }

    /// The gradient of `sum(weights * scores)` with respect to the samples.
    ///
    /// # Errors
    /// Where the backward pass fails or a gradient is not finite.
    pub fn gradient(&self, weights: &[f32]) -> Result<Vec<f32>> {
        let weights = Tensor::from_slice(weights, (1, weights.len()), self.graph.device())?;
        let gradients = (&self.graph * &weights)?.sum_all()?.backward()?;
        let Some(gradient) = gradients.get(&self.waveform) else {
            candle_core::bail!("the model's scores do not depend on the waveform")
        };
        let gradient = gradient.squeeze(0)?.to_vec1::<f32>()?;
        if gradient.iter().any(|g| !g.is_finite()) {
            candle_core::bail!("the gradient is not finite (NaN or infinite)")
        }
        Ok(gradient)
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
