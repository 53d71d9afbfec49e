//! Carlini & Wagner's L2 attack: "Towards evaluating the robustness of neural networks", IEEE S&P
//! 2017, on the waveform, untargeted and targeted.
//!
//! For a constant c it minimises `|r|^2 + c max(0, f(x + r) + k)` with Adam, where f is the lead of
//! the original label over the best other one (untargeted) or of the best other label over the
//! target (targeted), in scores, and k the confidence. The box is kept by the change of variable
//! `x + r = tanh(w)`; a binary search finds the c that gives the smallest r; the best over all
//! steps of all searches is kept, so that the attack may be stopped at any time.
//!
//! What differs from the published attack, and why:
//!  - Every search starts at the edge of the original label's region. The first two walk there from
//!    the clean clip along the gradient of f alone (c without bound), in steps of a linear model's
//!    length that grow while they do not suffice; later ones start from the best so far, to which
//!    the third adds where the linear steps of DeepFool's quick preset lead, so that the result is
//!    seldom behind that attack's (of two searches or fewer, or very short ones, it may be). The
//!    c that balances the two terms there is known, `2 |r| / |grad f|`, and is the search's first:
//!    fixed values (c = 1e-2, step 1e-2) are made for images; on audio they depend on the level.
//!  - Adam keeps one second moment a block of samples, not one a sample (the second search keeps
//!    the published one, and the better of the two goes on): within a block the step then follows
//!    the gradient, which wins several dB, and from block to block it still adapts to the level,
//!    without which the steep log-mel of near silence would take all of it.
//!  - Steps are measured in the length of r itself, so that they scale with the clip's level, and
//!    shrink over each search, so that it ends on the boundary rather than around it.
//!  - Where a search stays on the wrong side for [`PATIENCE`] steps, c is doubled in place rather
//!    than after the search.
//!  - No search is given up early because a tenth of its steps brought nothing: its steps shrink
//!    to its very end, and given up while they are long it would never get to the boundary.
//!  - Where no search led away from a label, one more than asked for is made, from a place to which
//!    steps that grow fast lead ([`super::approach`]); the outcome's note says so.
//!  - Adam forgets squared gradients within a hundred steps rather than a thousand ([`super::adam`]):
//!    there are few steps.
//!  - The gradient of f is not computed where the hinge is inactive: those steps cost a forward
//!    pass only.
//!  - As `masked-carlini-wagner` the distance is the noise-to-mask ratio
//!    ([`super::masked_distance`]), what is kept is what is best hidden, and steps are measured in
//!    coordinates of equal audibility ([`super::shaping`]). Schoenherr et al. (NDSS 2019) and Qin et
//!    al. (ICML 2019) clip or penalise what exceeds the threshold of each line; the mean ratio is a
//!    smooth quadratic form, so that the search is the same as for the SNR.
//!  - Only samples closer to full scale than 1e-6 are pulled in before `atanh` (they would never
//!    move), and r is added to the untouched clip.

use std::sync::Arc;

use super::adam::Adam;
use super::approach::{BLOCK, HURRIED_STEPS, Start, Walk, lead_gradient, rivals};
use super::boundary;
use super::bounds::Bounds;
use super::deepfool::DeepFool;
use super::outcome::{Goal, Observer, Outcome, Problem};
use super::search::{self, Ended, Search};
use super::space::Space;
use super::spec::Preset;
use super::vector::norm;
use super::{Attack, AttackId};
use crate::models::{Classifier, ScoreKind};

/// Steps on the wrong side of the boundary before c is doubled: a quick search has 75, and may have
/// to double several times.
const PATIENCE: usize = 10;

/// What the smallest change is the smallest by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distance {
    /// The Euclidean distance of the samples: the highest SNR.
    Euclidean,
    /// The mean noise-to-mask ratio: the least audible beside the clip.
    Masked,
}

/// The attack with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CarliniWagner {
    /// What is to be small.
    pub distance: Distance,
    /// Binary-search steps over c.
    pub searches: usize,
    /// Gradient steps of each.
    pub iterations: usize,
    /// By how much, in scores, the goal's label must lead.
    pub confidence: f64,
    /// Length of the first step of each search, relative to the perturbation that it starts from.
    pub step: f64,
    /// Length of its last step, relative to the first.
    pub last_step: f64,
    /// First c of a search, relative to the one that holds the balance where it starts.
    pub initial_c: f64,
    /// Whether f is the difference of the logarithms of the scores where those are probabilities.
    pub log_scores: bool,
}

impl CarliniWagner {
    /// The options of a preset, at confidence 0.
    pub fn preset(preset: Preset, distance: Distance) -> Self {
        let (searches, iterations) = match preset {
            // Two searches from the clip, one for each way of measuring blocks, one for DeepFool's
            // steps with their way back and what is left, one to polish; ten seconds in all on two
            // cores for two seconds of sound.
            Preset::Quick => (4, 75),
            // As in CleverHans 3 and Foolbox 2, one of which the paper may have used.
            Preset::Paper => (5, 1000),
            // The authors' number of searches, and twice the paper's steps.
            Preset::Best => (9, 2000),
        };
        Self {
            distance,
            searches,
            iterations,
            // The smallest change that fools; more is for those who want a surer one.
            confidence: 0.0,
            // From the edge all that is left to find is within the perturbation's own length: ten
            // steps cross it, and ever smaller ones, to a hundredth of it, end on the boundary.
            step: 0.1,
            last_step: 0.1,
            // Twice the balance, so that the first steps keep to the wrong label's side. Beside a
            // mask the pull back is weak along all that is masked well, so that a push as strong as
            // for the SNR goes far beyond the boundary each time.
            initial_c: if distance == Distance::Masked { 0.3 } else { 2.0 },
            log_scores: false,
        }
    }

    /// Why no answer of a model with such scores can lead by as much as `confidence`; nothing where
    /// one can.
    pub(super) fn misfit(
        confidence: f64,
        log_scores: bool,
        scores: ScoreKind,
    ) -> Option<&'static str> {
        let probabilities = scores == ScoreKind::Probabilities && !log_scores;
        (probabilities && confidence >= 1.0).then_some(
            "the model gives probabilities, of which none leads by 1 or more: take a confidence below \
             1, or attack their logarithms (log scores)",
        )
    }
}

impl Attack for CarliniWagner {
    fn id(&self) -> AttackId {
        match self.distance {
            Distance::Euclidean => AttackId::CarliniWagner,
            Distance::Masked => AttackId::MaskedCarliniWagner,
        }
    }

    fn run(
        &self,
        classifier: &dyn Classifier,
        problem: &Problem,
        observer: &mut dyn Observer,
    ) -> Outcome {
        search::run(classifier, problem, |search| self.search(search, observer))
    }
}

impl CarliniWagner {
    fn search(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
    ) -> Result<String, Ended> {
        let misfit = Self::misfit(self.confidence, self.log_scores, search.score_kind());
        if let Some(reason) = misfit {
            return Err(Ended::Failed(reason.to_owned()));
        }
        let steps = self.searches * self.iterations;
        search.of = steps;
        let clean = &search.problem.samples;
        let space = match self.distance {
            Distance::Euclidean => Space::of_samples(clean),
            Distance::Masked => Space::of_hearing(clean),
        };
        search.distance = space.masked_distance().cloned();
        if self.confidence == 0.0 && search.rounding_suffices()? {
            return Ok(String::new());
        }
        // Of c, in units of the balance at a search's start.
        let mut bounds = Bounds::new(10.0);
        let mut relative_c = self.initial_c;
        let mut balance = None;
        // The block size that led to the best so far.
        let mut block = BLOCK;
        for round in 0..self.searches {
            let end = (round + 1) * self.iterations;
            if search.iterations >= end {
                continue;
            }
            if round == 2 && self.can_go_linear(search) {
                let linear = self.go_linear(search, observer, &space, end);
                balance = search.part(linear)?.flatten().or(balance);
            }
            let before = search.best_closeness_db();
            let fresh = match round {
                0 => Some(BLOCK),
                1 => Some(1),
                _ if before.is_none() => Some(if round % 2 == 0 { BLOCK } else { 1 }),
                _ => None,
            };
            let start = match (fresh, search.best(), balance) {
                (None, Some((samples, _)), Some(balance)) => {
                    Some(Start { offset: space.offset_of(samples), balance })
                }
                _ => {
                    // A walk that has found nothing may take most of all steps: far targets.
                    let patience = if before.is_none() { (round + 3) * steps / 4 } else { end };
                    let walk = Walk {
                        confidence: self.confidence,
                        log_scores: self.log_scores,
                        block: fresh.unwrap_or(block),
                        hurries: false,
                        end: patience.clamp(end, steps),
                    };
                    let found = walk.to_the_edge(search, observer, &space);
                    search.part(found)?.flatten()
                }
            };
            let Some(start) = start else { continue };
            let stage = |c: f64| format!("search {} of {}, c = {c:.1e}", round + 1, self.searches);
            let used = fresh.unwrap_or(block);
            let descent =
                Descent { c: relative_c * start.balance, block: used, end, stage: &stage };
            let first = search.iterations;
            let ended = self.descend(search, observer, &space, &start, descent);
            if search.best_closeness_db() > before {
                (block, balance) = (used, Some(start.balance));
            }
            // One step says nothing of its c.
            if let Some((success, c)) = search.part(ended)?
                && search.iterations > first + 1
            {
                relative_c = bounds.next(c / start.balance, success);
            }
        }
        if search.best().is_none() && search.problem.goal == Goal::Untargeted {
            self.hurry(search, observer, &space)?;
        }
        let lead = match self.confidence {
            0.0 => String::new(),
            lead => format!(" with a lead of {lead}"),
        };
        Ok(format!("{} steps did not reach the goal{lead}", search.iterations))
    }

    /// One more search than asked for, from where a walk that hurries meets the edge.
    fn hurry(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
    ) -> Result<(), Ended> {
        let asked_for = search.iterations;
        search.of = asked_for + HURRIED_STEPS + self.iterations;
        let walk = Walk {
            confidence: self.confidence,
            log_scores: self.log_scores,
            block: BLOCK,
            hurries: true,
            end: asked_for + HURRIED_STEPS,
        };
        let found = walk.to_the_edge(search, observer, space);
        let Some(start) = search.part(found)?.flatten() else { return Ok(()) };
        search.remark(format!(
            "found by a search more than asked for: the first {asked_for} steps did not reach \
             the goal"
        ));
        let stage = |c: f64| format!("last search, c = {c:.1e}");
        let c = self.initial_c * start.balance;
        let end = search.iterations + self.iterations;
        let descent = Descent { c, block: BLOCK, end, stage: &stage };
        let ended = self.descend(search, observer, space, &start, descent);
        search.part(ended)?;
        Ok(())
    }

    /// Whether DeepFool's steps lead where this search wants to go.
    fn can_go_linear(&self, search: &Search<'_>) -> bool {
        let plain = self.distance == Distance::Euclidean && self.confidence == 0.0;
        plain && search.problem.goal == Goal::Untargeted
    }

    /// Takes DeepFool's quick steps from the clean clip, and its way back to the boundary. Where
    /// they lead to what is closer than the best so far, gives the c that holds the balance there.
    fn go_linear(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
        end: usize,
    ) -> Result<Option<f64>, Ended> {
        let quick = DeepFool::preset(Preset::Quick);
        // One step looks where the last one led, another measures the balance there.
        let others = boundary::PROBES + 2;
        let iterations = quick.iterations.min(end.saturating_sub(search.iterations + others));
        let before = search.best_closeness_db();
        let linear = DeepFool { iterations, log_scores: self.log_scores, ..quick };
        if let Some(candidate) = linear.approach(search, observer)? {
            boundary::walk_back(search, observer, &candidate)?;
        }
        let Some((samples, _)) = search.best() else { return Ok(None) };
        if search.best_closeness_db() <= before {
            return Ok(None);
        }
        let samples = Arc::clone(samples);
        let slope = lead_gradient(search, observer, &samples, self.log_scores)?;
        let gradient = space.by_offset_unbounded(slope);
        let (perturbation, _) = space.decode(&space.offset_of(&samples));
        Ok(Some(space.balance(&perturbation, norm(&gradient))))
    }

    /// One minimisation from `start`; says whether it met anything adversarial, and its last c.
    fn descend(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
        start: &Start,
        Descent { mut c, block, end, stage }: Descent<'_>,
    ) -> Result<(bool, f64), Ended> {
        let mut offset = start.offset.clone();
        let length = self.step * norm(&offset);
        let mut adam = Adam::new(offset.len(), block);
        let (mut found, mut outside) = (false, 0);
        let first = search.iterations;
        let steps = end.saturating_sub(first).max(1);
        while search.iterations < end {
            let done = search.iterations - first;
            let (perturbation, candidate) = space.decode(&offset);
            let at = search.evaluate(&candidate, self.log_scores)?;
            let (lead, up, down) = rivals(search, &at);
            let hinge = lead + self.confidence;
            if !hinge.is_finite() {
                return Err(Ended::Failed("the loss is not finite".to_owned()));
            }
            if hinge <= 0.0 && search.reaches_goal(&at.verdict) {
                // Where it starts was known before.
                found |= done > 0;
                search.offer(&candidate, &at.verdict);
            }
            let (distance, mut gradient) = space.distance(&perturbation);
            if hinge > 0.0 {
                outside += 1;
                if outside > PATIENCE {
                    c *= 2.0;
                    outside = 0;
                }
                let slope = at.difference_gradient(up, down)?;
                search.gradient_evaluations += 1;
                for (sum, g) in gradient.iter_mut().zip(slope) {
                    *sum += c * f64::from(g);
                }
            } else {
                outside = 0;
            }
            search.step(observer, &stage(c), &candidate, &at.verdict)?;
            let loss = distance + c * hinge.max(0.0);
            if !loss.is_finite() {
                return Err(Ended::Failed("the loss is not finite".to_owned()));
            }
            let gradient = space.by_offset(&offset, gradient);
            let shrink = self.last_step.powf(done as f64 / steps as f64);
            adam.step(&mut offset, &gradient, length * shrink);
        }
        Ok((found, c))
    }
}

/// What one minimisation is given besides its start.
struct Descent<'a> {
    c: f64,
    block: usize,
    /// The step at which it ends.
    end: usize,
    stage: &'a dyn Fn(f64) -> String,
}
