//! The walk from the clean clip to the edge of the original label's region, which searches for the
//! smallest change begin with or fall back on.
//!
//! It follows the gradient of the difference of two scores alone (of the cross-entropy, where it has
//! a target), without regard to the distance, with Adam, in steps of a linear model's length that grow while they do not suffice.

use std::f64::consts::LN_2;

use super::adam::Adam;
use super::gradient::Evaluation;
use super::outcome::{Goal, Observer};
use super::search::{Ended, Search};
use super::space::Space;
use super::vector::{norm, wide};

/// By how much a step goes beyond a linear model's boundary (DeepFool's).
const OVERSHOOT: f64 = 0.02;

/// The n-th step is at least this many times n as long as all before it together: near silence a
/// log-mel is so steep that a linear model's steps hardly move.
const SHORTEST_GROWTH: f64 = 0.02;

/// A step is at most this many times as long as all before it together: where the gradient almost
/// vanishes a linear model is no guide.
const LONGEST_GROWTH: f64 = 2.0;

/// The first step's longest length, relative to the clip's: 20 dB below it. Averaged probabilities
/// of a sure model are so flat that a linear model's boundary lies anywhere.
const LONGEST_START: f64 = 0.1;

/// Samples of a block of Adam's second moment, 2 ms.
pub const BLOCK: usize = 64;

/// Where a walk ended: the offset in its space, and the edge's balance.
pub struct Start {
    /// The offset.
    pub offset: Vec<f64>,
    /// The c that holds the balance between both terms of `distance + c f` there.
    pub balance: f64,
}

/// A walk with its options.
pub struct Walk {
    /// By how much, in scores, the goal's label must lead.
    pub confidence: f64,
    /// Whether logarithms of the scores are meant where those are probabilities.
    pub log_scores: bool,
    /// Samples of a block of Adam's second moment.
    pub block: usize,
    /// The attack's step at which it gives up.
    pub end: usize,
}

/// The labels whose difference of scores is driven below zero at one point, and that difference.
pub fn rivals(search: &Search<'_>, at: &Evaluation) -> (f64, usize, usize) {
    match search.problem.goal {
        Goal::Untargeted => {
            let (lead, rival) = at.lead(search.original_label);
            (lead, search.original_label, rival)
        }
        Goal::Targeted(target) => {
            let (lead, rival) = at.lead(target);
            (-lead, rival, target)
        }
    }
}

/// The gradient of that difference at an adversarial clip, which is one step of the attack.
///
/// # Errors
/// [`Ended::Stopped`] where the observer says stop, [`Ended::Failed`] where the model fails or has
/// no gradient.
pub fn lead_gradient(
    search: &mut Search<'_>,
    observer: &mut dyn Observer,
    samples: &[f32],
    log_scores: bool,
) -> Result<Vec<f64>, Ended> {
    let at = search.evaluate(samples, log_scores)?;
    let (_, up, down) = rivals(search, &at);
    let gradient = wide(&at.difference_gradient(up, down)?);
    search.gradient_evaluations += 1;
    search.step(observer, "balance", samples, &at.verdict)?;
    Ok(gradient)
}

impl Walk {
    /// Walks from the clean clip to the first adversarial one, which is offered; none where the
    /// steps run out.
    ///
    /// # Errors
    /// [`Ended::Stopped`] where the observer says stop, [`Ended::Failed`] where the model fails or
    /// has no gradient.
    pub fn to_the_edge(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
    ) -> Result<Option<Start>, Ended> {
        let mut offset = space.origin();
        let mut adam = Adam::new(offset.len(), self.block);
        let mut slope = 0.0;
        let mut longest = LONGEST_START * space.clip_length();
        let first = search.iterations;
        while search.iterations < self.end {
            let (perturbation, candidate) = space.decode(&offset);
            let at = search.evaluate(&candidate, self.log_scores)?;
            let (lead, up, down) = rivals(search, &at);
            let difference = |at: &Evaluation| at.difference_gradient(up, down).map(|g| wide(&g));
            let hinge = lead + self.confidence;
            if hinge <= 0.0 && search.reaches_goal(&at.verdict) {
                search.offer(&candidate, &at.verdict);
                if search.problem.goal != Goal::Untargeted {
                    slope = norm(&space.by_offset_unbounded(difference(&at)?));
                    search.gradient_evaluations += 1;
                }
                search.step(observer, "approach", &candidate, &at.verdict)?;
                let balance = space.balance(&perturbation, slope);
                return Ok(Some(Start { offset, balance }));
            }
            let (gap, gradient) = match search.problem.goal {
                Goal::Untargeted => (hinge, difference(&at)?),
                // All labels that are ahead of a target at once: which of them leads changes from
                // step to step, and what each step wins over one it may lose to another.
                goal @ Goal::Targeted(_) => {
                    let (entropy, weights) = at.cross_entropy(goal, search.original_label);
                    (entropy - LN_2 + self.confidence, wide(&at.gradient(&weights)?))
                }
            };
            let gradient = space.by_offset_unbounded(gradient);
            search.gradient_evaluations += 1;
            search.step(observer, "approach", &candidate, &at.verdict)?;
            slope = norm(&gradient);
            if slope == 0.0 {
                let reason = "the gradient is zero everywhere: the model's answer is saturated";
                return Err(Ended::Failed(reason.to_owned()));
            }
            let so_far = norm(&offset);
            let shortest = SHORTEST_GROWTH * (search.iterations - first) as f64 * so_far;
            let linear = (1.0 + OVERSHOOT) * gap.max(f64::from(f32::EPSILON)) / slope;
            let length = linear.max(shortest).min(longest);
            longest = LONGEST_GROWTH * (so_far + length);
            adam.step(&mut offset, &gradient, length);
        }
        Ok(None)
    }
}
