//! A classifier at one point: its scores, its verdict, and gradients of combinations of scores.

use candle_core::{Result, Tensor};

use super::outcome::Goal;
use crate::models::{Classifier, ScoreKind, Verdict};
use crate::nn::Traced;

/// Least probability whose logarithm is taken: far below what an average of softmaxes gives, and
/// its reciprocal is still an `f32` with room for a gradient.
const LEAST_PROBABILITY: f32 = 1e-30;

/// Most samples of waveform, over all gradients together, that go back in one pass: ten gradients
/// of ten seconds. Longer clips take several passes rather than memory without bound.
const SAMPLES_A_PASS: usize = 10 * 10 * 32_000;

/// Scores of a waveform, with the graph that leads back to it.
pub struct Evaluation {
    /// The scores in label order.
    pub scores: Vec<f32>,
    /// What they are.
    pub kind: ScoreKind,
    /// What they say.
    pub verdict: Verdict,
    /// The derivative of each score by what the model gave, where that is not one.
    slopes: Option<Vec<f32>>,
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
        let verdict = classifier.verdict(&scores)?;
        let kind = classifier.score_kind();
        Ok(Self { scores, kind, verdict, slopes: None, waveform, traced })
    }

    /// The same with the scores of a model that gives probabilities replaced by their logarithms,
    /// where asked for. Those are logits up to a constant, do not saturate, and have no bound.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn with_log_scores(
        classifier: &dyn Classifier,
        samples: &[f32],
        log_scores: bool,
    ) -> Result<Self> {
        let mut at = Self::at(classifier, samples)?;
        if log_scores && at.kind == ScoreKind::Probabilities {
            let least = |p: f32| p.max(LEAST_PROBABILITY);
            at.slopes = Some(at.scores.iter().map(|&p| 1.0 / least(p)).collect());
            at.scores = at.scores.iter().map(|&p| least(p).ln()).collect();
            at.kind = ScoreKind::Logits;
        }
        Ok(at)
    }

    /// The gradient of `sum(weights * scores)` with respect to the samples.
    ///
    /// # Errors
    /// As [`Self::gradients`].
    pub fn gradient(&self, weights: &[f32]) -> Result<Vec<f32>> {
        let mut gradients = self.gradients(&[weights])?;
        Ok(gradients.swap_remove(0))
    }

    /// How many gradients go back in one pass: fewer of longer clips.
    pub fn gradients_a_pass(&self) -> usize {
        (SAMPLES_A_PASS / self.waveform.tensor().elem_count().max(1)).max(1)
    }

    /// The gradients of several weighted sums of scores, from the one forward pass and one batched
    /// backward pass (several where the clip is long).
    ///
    /// # Errors
    /// Where there are no weights, the backward pass fails or a gradient is not finite.
    pub fn gradients(&self, weights: &[&[f32]]) -> Result<Vec<Vec<f32>>> {
        let mut found = Vec::with_capacity(weights.len());
        for weights in weights.chunks(self.gradients_a_pass()) {
            let rows = (weights.len(), self.scores.len());
            let mut values = weights.concat();
            if let Some(slopes) = &self.slopes {
                for row in values.chunks_mut(slopes.len()) {
                    row.iter_mut().zip(slopes).for_each(|(weight, slope)| *weight *= slope);
                }
            }
            let weights = Tensor::from_vec(values, rows, self.traced.tensor().device())?;
            let mut gradients = self.traced.gradients(&weights, &[&self.waveform])?;
            found.extend(gradients.swap_remove(0).to_vec2::<f32>()?);
        }
        if found.is_empty() {
            candle_core::bail!("no gradient was asked for")
        }
        if found.iter().flatten().any(|g| !g.is_finite()) {
            candle_core::bail!("the gradient is not finite (NaN or infinite)")
        }
        Ok(found)
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

    /// The cross-entropy with a goal, and the weights of the scores whose gradient is its gradient:
    /// `-ln p` of the target, or `-ln(1 - p)` of the original label where any other will do.
    ///
    /// The latter rather than minus the cross-entropy with the original label, `ln p`: that is flat
    /// where the model is sure of it, and has no bound below once it is not.
    pub fn cross_entropy(&self, goal: Goal, original: usize) -> (f64, Vec<f32>) {
        let wanted = |label: usize| match goal {
            Goal::Untargeted => label != original,
            Goal::Targeted(target) => label == target,
        };
        match self.kind {
            ScoreKind::Logits => {
                let all = log_sum(&self.scores, |_| true);
                let good = log_sum(&self.scores, wanted);
                let weight = |(label, &z): (usize, &f32)| {
                    let z = f64::from(z);
                    let share = if wanted(label) { (z - good).exp() } else { 0.0 };
                    ((z - all).exp() - share) as f32
                };
                (all - good, self.scores.iter().enumerate().map(weight).collect())
            }
            ScoreKind::Probabilities => {
                let labels = || self.scores.iter().enumerate();
                let good: f64 =
                    labels().filter(|&(label, _)| wanted(label)).map(|(_, &p)| f64::from(p)).sum();
                let good = good.max(f64::from(LEAST_PROBABILITY));
                let weight = |(label, _)| if wanted(label) { (-1.0 / good) as f32 } else { 0.0 };
                (-good.ln(), labels().map(weight).collect())
            }
        }
    }

    /// Weights of the scores whose gradient points as that of the cross-entropy with `label`.
    ///
    /// They are scaled to a largest weight of 1, and the label's own is minus the sum of the others
    /// rather than `p - 1`, so that a confident model (p = 1 in `f32`) still has a direction.
    pub fn away_from(&self, label: usize) -> Vec<f32> {
        let mut weights = vec![0.0; self.scores.len()];
        if self.kind == ScoreKind::Logits {
            let others = || self.scores.iter().enumerate().filter(|&(i, _)| i != label);
            let largest = others().fold(f64::NEG_INFINITY, |m, (_, &z)| m.max(f64::from(z)));
            for (i, &z) in others() {
                weights[i] = (f64::from(z) - largest).exp();
            }
        }
        let total: f64 = weights.iter().sum();
        weights[label] = if total > 0.0 { -total } else { -1.0 };
        let scale = weights[label].abs();
        weights.iter().map(|w| (w / scale) as f32).collect()
    }

    /// The weights whose gradient a step that improves on a goal follows: away from the original
    /// label, or towards the target.
    pub fn towards(&self, goal: Goal, original: usize) -> Vec<f32> {
        match goal {
            Goal::Untargeted => self.away_from(original),
            Goal::Targeted(target) => self.away_from(target).iter().map(|w| -w).collect(),
        }
    }

    /// By how much a goal is reached, in scores: negative where it is not.
    pub fn success(&self, goal: Goal, original: usize) -> f64 {
        match goal {
            Goal::Untargeted => -self.lead(original).0,
            Goal::Targeted(target) => self.lead(target).0,
        }
    }
}

/// The logarithm of the sum of the exponentials of the scores of some labels.
fn log_sum(scores: &[f32], of: impl Fn(usize) -> bool) -> f64 {
    let chosen = || scores.iter().enumerate().filter(|&(i, _)| of(i)).map(|(_, &z)| f64::from(z));
    let largest = chosen().fold(f64::NEG_INFINITY, f64::max);
    largest + chosen().map(|z| (z - largest).exp()).sum::<f64>().ln()
}
