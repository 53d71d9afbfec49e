//! DeepFool: Moosavi-Dezfooli, Fawzi and Frossard, "DeepFool: a simple and accurate method to fool
//! deep neural networks", CVPR 2016, on the waveform, untargeted.
//!
//! Each step takes the scores f for linear functions of the samples: then the label k is reached at
//! the distance `(f_o - f_k) / |grad f_k - grad f_o|` from the original label o, and the step goes
//! to the nearest of these planes. The steps add up to r; the next is taken from
//! `x + (1 + overshoot) r`, clipped to \[-1, 1\], until the model gives another label. As in the
//! authors' program o and the labels k are the `candidates` = 10 highest scores of the clean clip,
//! the overshoot is 0.02, and there are at most 50 steps.
//!
//! What differs from the published attack, and why:
//!  - In the end the perturbation is scaled back to the boundary by bisection
//!    ([`super::boundary`]): the overshoot and a last step that was too long are given back, which
//!    costs forward passes only. Preset `paper` does without.
//!  - Near silence a log-mel is so steep, and beside a kink a piece so short, that a linear model's
//!    steps hardly move. After the first `patience` steps each is therefore at least a share of all
//!    before it that grows with their number. Only preset `best` does so, which takes 100 of which
//!    the first 20 are the published ones: its walks below find what growing steps overshoot. The 50
//!    published steps of the others find 0.7 to 1 dB more than 20 that grow.
//!  - Where the steps run out (a clip with a tail that dies away takes them all), the clip is led
//!    over the edge from its start as in Carlini & Wagner's attack ([`super::approach`]), which
//!    measures each block of samples by its own gradients, so that there is a result wherever one
//!    can be found; the outcome's note says so. Preset `best` goes both ways and takes the better.
//!    Where that does not get there either, steps that grow faster do.
//!  - Between two looks at all candidates, every [`FULL_LOOK`] steps, only those are looked at that
//!    were not much farther than the nearest. Preset `paper` always looks at all.
//!  - A step is at most [`LONGEST_GROWTH`] times as long as all before it together, and the first
//!    at most [`LONGEST_START`] of the clip's own length: averaged probabilities of a sure model
//!    are so flat that a linear model's plane lies anywhere.
//!  - Samples at full scale that a step would push beyond are left out of it, so that clipping
//!    takes nothing from its length.
//!  - Gradients of all candidates come from one forward and one batched backward pass.

use super::approach::{BLOCK, HURRIED_STEPS, LONGEST_GROWTH, SHORTEST_GROWTH, Walk};
use super::boundary;
use super::gradient::Evaluation;
use super::outcome::{Goal, Observer, Outcome, Problem};
use super::search::{self, Ended, Search};
use super::space::Space;
use super::spec::Preset;
use super::vector::{add_scaled, norm, wide};
use super::{Attack, AttackId};
use crate::models::Classifier;

/// The first step's longest length, relative to the clip's: 40 dB below it.
const LONGEST_START: f64 = 0.01;

/// Steps from one look at all candidates to the next, where not each looks at all: half as many
/// find the same for a fifth more gradients.
const FULL_LOOK: usize = 10;

/// Until then, candidates that were this many times as far as the nearest are left out.
const FAR: f64 = 1.5;

/// Steps of the walk over the edge with each way of measuring blocks, where linear ones failed.
const WALK: usize = 100;

/// The attack with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeepFool {
    /// How many labels, the original one among them, are looked at: those of the highest scores.
    pub candidates: usize,
    /// By which share a step goes beyond the linear model's boundary.
    pub overshoot: f64,
    /// Most gradient steps.
    pub iterations: usize,
    /// Linear steps before steps have to grow.
    pub patience: usize,
    /// Whether each step looks at all candidates.
    pub always_all: bool,
    /// Whether the clip is led over the edge in the other way, too, where linear steps succeed.
    pub both_ways: bool,
    /// Whether the result is scaled back to the boundary.
    pub walk_back: bool,
    /// Whether logarithms of the scores are attacked where those are probabilities.
    pub log_scores: bool,
}

impl DeepFool {
    /// The options of a preset.
    pub fn preset(preset: Preset) -> Self {
        let published = Self {
            candidates: 10,
            overshoot: 0.02,
            iterations: 50,
            // Never: as published.
            patience: usize::MAX,
            always_all: true,
            both_ways: false,
            walk_back: false,
            log_scores: false,
        };
        match preset {
            Preset::Quick => Self { always_all: false, walk_back: true, ..published },
            Preset::Paper => published,
            // All labels, and twice the published steps, most of which grow.
            Preset::Best => Self {
                candidates: usize::MAX,
                iterations: 100,
                patience: 20,
                both_ways: true,
                walk_back: true,
                ..published
            },
        }
    }
}

impl Attack for DeepFool {
    fn id(&self) -> AttackId {
        AttackId::Deepfool
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

/// Where one linear step leads.
struct Step {
    /// The direction, zero where a sample can't follow.
    gradient: Vec<f64>,
    /// Its length.
    slope: f64,
    /// The distance to the plane.
    distance: f64,
}

impl DeepFool {
    fn search(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
    ) -> Result<String, Ended> {
        if let Goal::Targeted(_) = search.problem.goal {
            let reason = "DeepFool only leads away from a label, it cannot aim at one: take the \
                          untargeted goal, or Carlini & Wagner's attack";
            return Err(Ended::Failed(reason.to_owned()));
        }
        let back = if self.walk_back { boundary::PROBES } else { 0 };
        // The last step is followed by a look at where it led. Walks that are taken only where these
        // steps lead nowhere are counted once they begin.
        let walks = if self.both_ways { 2 * (WALK + back) } else { 0 };
        search.of = self.iterations + 1 + back + walks;
        if search.rounding_suffices()? {
            return Ok(String::new());
        }
        let approached = self.approach(search, observer);
        search.part(approached)?;
        // One more step looks where the last one led.
        let steps = search.iterations.min(self.iterations);
        if self.walk_back {
            boundary::walk_back_best(search, observer)?;
        }
        let space = Space::of_samples(&search.problem.samples);
        let linear_found = search.best().is_some();
        for (block, hurries) in [(BLOCK, false), (1, false), (BLOCK, true)] {
            if search.best().is_some() && (hurries || !self.both_ways) {
                break;
            }
            let before = search.best_closeness_db();
            let end = search.iterations + if hurries { HURRIED_STEPS } else { WALK };
            search.of = search.of.max(end + back);
            let log_scores = self.log_scores;
            let walk = Walk { confidence: 0.0, log_scores, block, hurries, end };
            let walked = self.walk(search, observer, &space, &walk);
            if search.best_closeness_db() > before {
                search.remark(if linear_found {
                    "found by a walk along the gradient, which came closer than linear steps did"
                        .to_owned()
                } else {
                    let hurried = if hurries { ", the last and fastest of three" } else { "" };
                    format!(
                        "found by a walk along the gradient{hurried}: {steps} linear steps did not \
                         leave the label"
                    )
                });
            }
            search.part(walked)?;
        }
        Ok(format!("{} steps did not reach the goal", search.iterations))
    }

    /// Over the edge as Carlini & Wagner's attack goes there.
    fn walk(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
        walk: &Walk,
    ) -> Result<(), Ended> {
        let start = walk.to_the_edge(search, observer, space)?;
        if let Some(start) = start.filter(|_| self.walk_back) {
            let (_, samples) = space.decode(&start.offset);
            boundary::walk_back(search, observer, &samples)?;
        }
        Ok(())
    }

    /// The linear steps, until the label changes or they run out; gives the clip where it has. An
    /// adversarial one is offered.
    ///
    /// # Errors
    /// [`Ended::Stopped`] where the observer says stop, [`Ended::Failed`] where the model
    /// fails, [`Ended::Stuck`] where it has no gradient.
    pub(super) fn approach(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<f32>>, Ended> {
        let clean = wide(&search.problem.samples);
        let mut candidate = search.problem.samples.to_vec();
        let mut total = vec![0.0; clean.len()];
        let mut all = Vec::new();
        let mut rivals = Vec::new();
        let mut longest = LONGEST_START * norm(&clean);
        for done in 0..=self.iterations {
            let at = search.evaluate(&candidate, self.log_scores)?;
            let there = search.reaches_goal(&at.verdict);
            search.offer(&candidate, &at.verdict);
            if there || done == self.iterations {
                search.step(observer, "last step", &candidate, &at.verdict)?;
                return Ok(Some(candidate).filter(|_| there));
            }
            if done == 0 {
                all = self.rivals(&at.scores, search.original_label);
            }
            if self.always_all || done % FULL_LOOK == 0 {
                rivals.clone_from(&all);
            }
            search.gradient_evaluations += rivals.len();
            let interrupt = || search.tell(observer, "linear steps", &candidate, &at.verdict);
            let step = nearest(&at, search.original_label, &mut rivals, &candidate, interrupt)?;
            search.step(observer, "linear steps", &candidate, &at.verdict)?;
            let so_far = norm(&total);
            let growing = (done + 1).saturating_sub(self.patience);
            let shortest = SHORTEST_GROWTH * growing as f64 * so_far;
            let length = step.distance.max(shortest).min(longest);
            add_scaled(&mut total, length / step.slope, &step.gradient);
            for ((y, r), x) in candidate.iter_mut().zip(&mut total).zip(&clean) {
                let wish = x + (1.0 + self.overshoot) * *r;
                *y = wish.clamp(-1.0, 1.0) as f32;
                if wish.abs() > 1.0 {
                    *r = (f64::from(*y) - x) / (1.0 + self.overshoot);
                }
            }
            longest = LONGEST_GROWTH * norm(&total);
        }
        Ok(None)
    }

    /// The labels of the highest scores but the original one.
    fn rivals(&self, scores: &[f32], original: usize) -> Vec<usize> {
        let mut labels: Vec<usize> = (0..scores.len()).filter(|&label| label != original).collect();
        labels.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        labels.truncate(self.candidates.saturating_sub(1).max(1));
        labels
    }
}

/// The step to the nearest of the planes on which a rival scores as the original label. Rivals much
/// farther than that are left out afterwards. Between two passes over a long clip `interrupt` may
/// end the attack.
fn nearest(
    at: &Evaluation,
    original: usize,
    rivals: &mut Vec<usize>,
    candidate: &[f32],
    mut interrupt: impl FnMut() -> Result<(), Ended>,
) -> Result<Step, Ended> {
    let weights: Vec<Vec<f32>> = rivals
        .iter()
        .map(|&rival| {
            let mut weights = vec![0.0; at.scores.len()];
            weights[rival] += 1.0;
            weights[original] -= 1.0;
            weights
        })
        .collect();
    let rows: Vec<&[f32]> = weights.iter().map(Vec::as_slice).collect();
    let mut gradients = Vec::with_capacity(rows.len());
    for (pass, rows) in rows.chunks(at.gradients_a_pass()).enumerate() {
        if pass > 0 {
            interrupt()?;
        }
        gradients.extend(at.gradients(rows)?);
    }
    let mut best: Option<Step> = None;
    let mut distances = Vec::with_capacity(rivals.len());
    for (&rival, gradient) in rivals.iter().zip(gradients) {
        let free = |(&g, &y): (&f32, &f32)| {
            let pushed_out = y.abs() >= 1.0 && g.signum() == y.signum();
            if pushed_out { 0.0 } else { f64::from(g) }
        };
        let gradient: Vec<f64> = gradient.iter().zip(candidate).map(free).collect();
        let slope = norm(&gradient);
        let gap = f64::from(at.scores[original]) - f64::from(at.scores[rival]);
        // Scores that are equal, or rivals ahead in the score but not in the answer that rounding
        // makes of it, still need a step.
        let distance = gap.max(f64::from(f32::EPSILON)) / slope;
        distances.push(distance);
        if slope > 0.0 && best.as_ref().is_none_or(|best| distance < best.distance) {
            best = Some(Step { gradient, slope, distance });
        }
    }
    let Some(best) = best else {
        return Err(Ended::no_gradient());
    };
    let mut distances = distances.into_iter();
    rivals.retain(|_| distances.next().is_some_and(|distance| distance <= FAR * best.distance));
    Ok(best)
}
