//! The walk from the clean clip to the edge of the original label's region, which searches for the
//! smallest change begin with or fall back on.
//!
//! It follows the gradient of the difference of two scores alone (of the cross-entropy, where it has
//! a target), without regard to the distance, with Adam, in steps of a linear model's length that
//! grow while they do not suffice. Where it has gone far and has not met its target, or where there
//! is no gradient to follow, it was the wrong way: the target is then searched all around the clip
//! ([`super::widening`]).
//!
//! Where the way is long and its steps run out, a walk that hurries gets there, if only to a place
//! that is farther away than need be: the last resort of searches that found nothing.

use std::f64::consts::LN_2;

use super::adam::Adam;
use super::gradient::Evaluation;
use super::outcome::{Goal, Observer};
use super::search::{Ended, Search};
use super::space::Space;
use super::vector::{norm, wide};
use super::widening;

/// By how much a step goes beyond a linear model's boundary (DeepFool's).
const OVERSHOOT: f64 = 0.02;

/// The n-th step is at least this many times n as long as all before it together: near silence a
/// log-mel is so steep that a linear model's steps hardly move.
pub(super) const SHORTEST_GROWTH: f64 = 0.02;

/// [`SHORTEST_GROWTH`] of a walk that hurries: three times this met a far edge eight times as far
/// away.
const HURRIED_GROWTH: f64 = 0.1;

/// Steps of a walk that hurries: it gets within some 10 dB of the clip's own length.
pub const HURRIED_STEPS: usize = 150;

/// A step is at most this many times as long as all before it together: where the gradient almost
/// vanishes a linear model is no guide.
pub(super) const LONGEST_GROWTH: f64 = 2.0;

/// The first step's longest length, relative to the clip's: 20 dB below it. Averaged probabilities
/// of a sure model are so flat that a linear model's boundary lies anywhere.
const LONGEST_START: f64 = 0.1;

/// The offset, relative to the clip's length, beyond which no target is looked for on a straight
/// way: 10 dB below the clip.
const FARTHEST_STRAIGHT: f64 = 0.316;

/// Coordinates of a block of Adam's second moment: 2 ms of samples or, beside a mask, 2 kHz of a
/// frame's lines.
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
    /// Coordinates of a block of Adam's second moment.
    pub block: usize,
    /// Whether its steps grow fast.
    pub hurries: bool,
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
/// [`Ended::Stopped`] where the observer says stop, [`Ended::Failed`] where the model fails.
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

/// What was seen at a point on the way.
pub enum Seen {
    /// The goal.
    Goal(Start),
    /// The way on.
    Way {
        /// How far the goal is, in scores.
        gap: f64,
        /// The gradient of that with respect to the offset, never zero everywhere.
        gradient: Vec<f64>,
        /// Its length.
        slope: f64,
    },
}

impl Walk {
    /// Walks from the clean clip to an adversarial one, which is offered; none where the steps run
    /// out.
    ///
    /// # Errors
    /// [`Ended::Stopped`] where the observer says stop, [`Ended::Failed`] where the model fails,
    /// [`Ended::Stuck`] where it has no gradient.
    pub fn to_the_edge(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
    ) -> Result<Option<Start>, Ended> {
        let straight = self.straight(search, observer, space);
        let lost = matches!(straight, Ok(None) | Err(Ended::Stuck(_)));
        if lost && search.problem.goal != Goal::Untargeted {
            return widening::to_the_edge(self, search, observer, space);
        }
        straight
    }

    fn straight(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
    ) -> Result<Option<Start>, Ended> {
        let mut offset = space.origin();
        let mut adam = Adam::new(offset.len(), self.block);
        let mut edge_slope = 0.0;
        let mut longest = LONGEST_START * space.clip_length();
        let farthest = match search.problem.goal {
            Goal::Untargeted => f64::INFINITY,
            Goal::Targeted(_) => FARTHEST_STRAIGHT * space.clip_length(),
        };
        let growth = if self.hurries { HURRIED_GROWTH } else { SHORTEST_GROWTH };
        let first = search.iterations;
        while search.iterations < self.end {
            let done = search.iterations - first;
            let seen = self.look(search, observer, space, "approach", &offset, edge_slope)?;
            let (gap, gradient, slope) = match seen {
                Seen::Goal(start) => return Ok(Some(start)),
                Seen::Way { gap, gradient, slope } => (gap, gradient, slope),
            };
            edge_slope = slope;
            let so_far = norm(&offset);
            if so_far > farthest {
                break;
            }
            let shortest = growth * done as f64 * so_far;
            let linear = (1.0 + OVERSHOOT) * gap.max(f64::from(f32::EPSILON)) / slope;
            let length = linear.max(shortest).min(longest);
            longest = LONGEST_GROWTH * (so_far + length);
            adam.step(&mut offset, &gradient, length);
        }
        Ok(None)
    }

    /// Looks around at a point, which is one step of the attack. `slope` is that of the point before,
    /// for the balance at an untargeted goal.
    pub fn look(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
        stage: &str,
        offset: &[f64],
        slope: f64,
    ) -> Result<Seen, Ended> {
        let goal = search.problem.goal;
        let (perturbation, candidate) = space.decode(offset);
        let at = search.evaluate(&candidate, self.log_scores)?;
        let (lead, up, down) = rivals(search, &at);
        let difference = |at: &Evaluation| at.difference_gradient(up, down).map(|g| wide(&g));
        let hinge = lead + self.confidence;
        if hinge <= 0.0 && search.reaches_goal(&at.verdict) {
            search.offer(&candidate, &at.verdict);
            let slope = if goal == Goal::Untargeted {
                slope
            } else {
                search.gradient_evaluations += 1;
                norm(&space.by_offset_unbounded(difference(&at)?))
            };
            search.step(observer, stage, &candidate, &at.verdict)?;
            let balance = space.balance(&perturbation, slope);
            return Ok(Seen::Goal(Start { offset: offset.to_vec(), balance }));
        }
        let (gap, gradient) = match goal {
            Goal::Untargeted => (hinge, difference(&at)?),
            // All labels that are ahead of a target at once: which of them leads changes from step
            // to step, and what each step wins over one it may lose to another.
            Goal::Targeted(_) => {
                let (entropy, weights) = at.cross_entropy(goal, search.original_label);
                (entropy - LN_2 + self.confidence, wide(&at.gradient(&weights)?))
            }
        };
        let gradient = space.by_offset_unbounded(gradient);
        search.gradient_evaluations += 1;
        search.step(observer, stage, &candidate, &at.verdict)?;
        let slope = norm(&gradient);
        if slope == 0.0 {
            return Err(Ended::no_gradient());
        }
        Ok(Seen::Way { gap, gradient, slope })
    }
}
