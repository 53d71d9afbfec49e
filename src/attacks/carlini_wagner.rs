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
//!  - c starts at, and the step is scaled to, what a linear model would need: with f the lead and g
//!    its gradient at the clean clip, the nearest boundary lies at `d = f / |g|` and is reached for
//!    `c = 2 d / |g|`. Fixed values (c = 1e-2, step 1e-2) are made for images; on audio they depend
//!    on the clip's level.
//!  - Adam keeps one second moment for the whole clip, not one a sample: its step then follows
//!    the gradient instead of moving every sample by as much, silence included, which costs SNR.
//!  - The step shrinks over each search, so that it ends on the boundary rather than around it, and
//!    later searches start from the best so far.
//!  - Only samples closer to full scale than 1e-6 are pulled in before `atanh` (they would never
//!    move), and r is added to the untouched clip.

use super::gradient::Evaluation;
use super::outcome::{Goal, Observer, Outcome, Problem};
use super::search::{self, Ended, Search};
use super::spec::Preset;
use super::{Attack, AttackId};
use crate::models::Classifier;

/// Largest magnitude whose `atanh` is taken, as in the common implementations.
const BOX_MARGIN: f64 = 0.999_999;

/// Factor by which c grows while nothing is found (Carlini & Wagner's).
const GROWTH: f64 = 10.0;

/// Adam's decay of the first and of the second moment, its authors' values.
const BETA: [f64; 2] = [0.9, 0.999];

/// The attack with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CarliniWagner {
    /// Binary-search steps over c.
    pub searches: usize,
    /// Gradient steps of each.
    pub iterations: usize,
    /// By how much, in scores, the goal's label must lead.
    pub confidence: f64,
    /// Length of the first step of each search, relative to the perturbation that it starts from
    /// (or that a linear model would need).
    pub step: f64,
    /// Length of its last step, relative to the first.
    pub last_step: f64,
    /// First c, relative to what a linear model would need.
    pub initial_c: f64,
}

impl CarliniWagner {
    /// The options of a preset, at confidence 0.
    pub fn preset(preset: Preset) -> Self {
        let (searches, iterations) = match preset {
            Preset::Quick => (4, 75),
            // As in CleverHans 3 and Foolbox 2, which the paper's settings equal.
            Preset::Paper => (5, 1000),
        };
        Self {
            searches,
            iterations,
            confidence: 0.0,
            step: 0.1,
            last_step: 0.02,
            initial_c: 2.0,
        }
    }
}

impl Attack for CarliniWagner {
    fn id(&self) -> AttackId {
        AttackId::CarliniWagner
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

/// The labels whose difference of scores the attack drives below zero at one point.
fn rivals(search: &Search<'_>, at: &Evaluation) -> (f64, usize, usize) {
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

impl CarliniWagner {
    fn search(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
    ) -> Result<String, Ended> {
        search.of = self.searches * self.iterations;
        let (distance, slope) = self.linear_distance(search)?;
        let mut c = self.initial_c * 2.0 * distance / slope;
        let (mut failed, mut succeeded) = (0.0_f64, f64::INFINITY);
        let space = Space::new(&search.problem.samples);
        for round in 0..self.searches {
            let stage = format!("search {} of {}, c = {c:.2e}", round + 1, self.searches);
            let start = search.best().map(|(samples, _)| space.offset_of(samples));
            if self.descend(search, observer, &space, start, c, distance, &stage)? {
                succeeded = succeeded.min(c);
            } else {
                failed = failed.max(c);
            }
            c = if succeeded.is_finite() { 0.5 * (failed + succeeded) } else { c * GROWTH };
        }
        Ok(format!("{} searches of {} steps found nothing", self.searches, self.iterations))
    }

    /// How far a linear model's boundary is from the clean clip, and its slope |g|.
    fn linear_distance(&self, search: &mut Search<'_>) -> Result<(f64, f64), Ended> {
        let clean = Evaluation::at(search.classifier, &search.problem.samples)?;
        let (lead, up, down) = rivals(search, &clean);
        let gradient = clean.difference_gradient(up, down)?;
        search.gradient_evaluations += 1;
        let slope = norm(gradient.iter().map(|&g| f64::from(g)));
        if slope == 0.0 {
            let reason = "the gradient is zero everywhere: the model's answer is saturated";
            return Err(Ended::Failed(reason.to_owned()));
        }
        Ok(((lead + self.confidence).max(f64::EPSILON) / slope, slope))
    }

    /// One minimisation at constant c; says whether it found anything adversarial.
    #[expect(clippy::too_many_arguments, reason = "the state of one binary-search step")]
    fn descend(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
        start: Option<Vec<f64>>,
        c: f64,
        distance: f64,
        stage: &str,
    ) -> Result<bool, Ended> {
        let mut offset = start.unwrap_or_else(|| vec![0.0; space.clean.len()]);
        let start_norm = norm(offset.iter().copied());
        let length = self.step * if start_norm > 0.0 { start_norm } else { distance };
        let mut adam = Adam::new(offset.len());
        let mut found = false;
        let mut checked_loss = f64::INFINITY;
        let check_every = (self.iterations / 10).max(1);
        for iteration in 0..self.iterations {
            let (perturbation, candidate) = space.decode(&offset);
            let at = Evaluation::at(search.classifier, &candidate)?;
            let (lead, up, down) = rivals(search, &at);
            let hinge = lead + self.confidence;
            if hinge <= 0.0 && search.reaches_goal(&at.verdict) {
                found = true;
                search.offer(&candidate, &at.verdict);
            }
            let mut gradient: Vec<f64> = perturbation.iter().map(|r| 2.0 * r).collect();
            if hinge > 0.0 {
                let slope = at.difference_gradient(up, down)?;
                search.gradient_evaluations += 1;
                for (sum, g) in gradient.iter_mut().zip(slope) {
                    *sum += c * f64::from(g);
                }
            }
            search.step(observer, stage, &candidate, &at.verdict)?;
            let squared: f64 = perturbation.iter().map(|r| r * r).sum();
            let loss = squared + c * hinge.max(0.0);
            if !loss.is_finite() {
                return Err(Ended::Failed("the loss is not finite".to_owned()));
            }
            if iteration > 0 && iteration % check_every == 0 {
                // Early abort, written so that NaN would end it too.
                if !(loss <= 0.9999 * checked_loss) && self.iterations >= 500 {
                    break;
                }
                checked_loss = loss;
            }
            space.by_offset(&offset, &mut gradient);
            let done = iteration as f64 / self.iterations as f64;
            adam.step(&mut offset, &gradient, length * self.last_step.powf(done));
        }
        Ok(found)
    }
}

/// The change of variable `x + r = tanh(atanh(x) + offset)`.
struct Space {
    clean: Vec<f64>,
    /// `atanh` of the clean samples.
    centre: Vec<f64>,
    /// `tanh` of the centre: what an offset of zero decodes to.
    decoded: Vec<f64>,
}

impl Space {
    fn new(samples: &[f32]) -> Self {
        let clean: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
        let centre: Vec<f64> =
            clean.iter().map(|x| x.clamp(-BOX_MARGIN, BOX_MARGIN).atanh()).collect();
        let decoded = centre.iter().map(|w| w.tanh()).collect();
        Self { clean, centre, decoded }
    }

    /// The perturbation r and the clip x + r.
    fn decode(&self, offset: &[f64]) -> (Vec<f64>, Vec<f32>) {
        let points = self.centre.iter().zip(&self.decoded).zip(&self.clean).zip(offset);
        points
            .map(|(((centre, decoded), clean), offset)| {
                let r = if *offset == 0.0 { 0.0 } else { (centre + offset).tanh() - decoded };
                (r, (clean + r).clamp(-1.0, 1.0) as f32)
            })
            .unzip()
    }

    /// The offset that decodes to these samples.
    fn offset_of(&self, samples: &[f32]) -> Vec<f64> {
        let points = samples.iter().zip(&self.clean).zip(&self.centre).zip(&self.decoded);
        points
            .map(|(((&y, clean), centre), decoded)| {
                let r = f64::from(y) - clean;
                if r == 0.0 {
                    return 0.0;
                }
                (decoded + r).clamp(-BOX_MARGIN, BOX_MARGIN).atanh() - centre
            })
            .collect()
    }

    /// From the gradient with respect to r to that with respect to the offset.
    fn by_offset(&self, offset: &[f64], gradient: &mut [f64]) {
        for ((g, centre), offset) in gradient.iter_mut().zip(&self.centre).zip(offset) {
            *g *= 1.0 - (centre + offset).tanh().powi(2);
        }
    }
}

/// Adam (Kingma and Ba, ICLR 2015) with one second moment for the whole clip.
struct Adam {
    first: Vec<f64>,
    second: f64,
    steps: i32,
}

impl Adam {
    fn new(length: usize) -> Self {
        Self { first: vec![0.0; length], second: 0.0, steps: 0 }
    }

    /// Moves `point` against the gradient, by `length` (in L2) while the gradient is steady.
    fn step(&mut self, point: &mut [f64], gradient: &[f64], length: f64) {
        self.steps += 1;
        let squared: f64 = gradient.iter().map(|g| g * g).sum();
        self.second = BETA[1] * self.second + (1.0 - BETA[1]) * squared;
        let second = self.second / (1.0 - BETA[1].powi(self.steps));
        if second == 0.0 {
            return;
        }
        let scale = length / (1.0 - BETA[0].powi(self.steps)) / second.sqrt();
        for ((m, x), g) in self.first.iter_mut().zip(point).zip(gradient) {
            *m = BETA[0] * *m + (1.0 - BETA[0]) * g;
            *x -= scale * *m;
        }
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}
