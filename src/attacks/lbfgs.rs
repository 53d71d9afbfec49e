//! The L-BFGS attack: Szegedy et al., "Intriguing properties of neural networks", ICLR 2014, on
//! the waveform.
//!
//! It minimises `c |r|^2 / |x|^2 + H(x + r)` by limited-memory BFGS ([`super::quasi_newton`]), in
//! `f64`, where H is the cross-entropy `-ln p` with the target, and searches the largest c whose
//! minimum still is the target: the smallest r. The distance is relative to the clip's own length,
//! so that c means the same at any level. The best over all evaluations of all searches is kept, so
//! that the attack may be stopped at any time.
//!
//! The published attack is targeted. Untargeted it minimises `-ln(1 - p)` of the original label,
//! the cross-entropy with "anything else", rather than minus the cross-entropy `ln p`: that is flat
//! where a model is sure of the original label, so that nothing moves, and once it moves it goes on
//! falling behind the boundary, so that the smallest r is no minimum for any c.
//!
//! What differs from the known programs, and why:
//!  - The box \[-1, 1\] is kept by Carlini & Wagner's change of variable ([`super::tanh_box`])
//!    rather than by projection: the problem then is smooth and without bounds, as the line search
//!    wants it, and next to no sample is near full scale, where the two differ.
//!  - The first search goes from the clean clip without any distance (c = 0) until it is
//!    adversarial. At that edge the c that balances both terms is known, and is where the search
//!    for c begins; Foolbox's and CleverHans' first values are made for images. From there c is
//!    doubled and halved (Foolbox) until both sides are known, then bisected in its logarithm.
//!    Later searches start from the best so far.
//!  - Where L-BFGS loses its way from the clean clip (the log-mel of near silence bends within less
//!    than a step), the clip is led to the edge as in Carlini & Wagner's attack
//!    ([`super::approach`]).
//!  - In the end the perturbation is scaled back to the boundary ([`super::boundary`]), not in
//!    preset `paper`.

use std::sync::Arc;

use super::approach::{BLOCK, Walk, lead_gradient};
use super::boundary;
use super::bounds::Bounds;
use super::outcome::{Observer, Outcome, Problem};
use super::quasi_newton::{Settings, minimise};
use super::search::{self, Ended, Search};
use super::space::Space;
use super::spec::Preset;
use super::vector::{add_scaled, norm};
use super::{Attack, AttackId};
use crate::models::Classifier;

/// The first step's longest length from the clean clip, relative to the clip's: 40 dB below it.
const LONGEST_START: f64 = 0.01;

/// The first step's length of a later search, relative to the perturbation that it starts from.
const LATER_START: f64 = 0.05;

/// Share of all steps after which the first walk to the edge ends that is taken where L-BFGS does
/// not get there; further ones get half of what is left.
const WALK: f64 = 0.9;

/// The attack with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lbfgs {
    /// Searches over c, the one for a first adversarial clip included. With `iterations` this is how
    /// long it takes at most: a search that settles early leaves the rest to further ones.
    pub searches: usize,
    /// Most evaluations of gradients in each.
    pub iterations: usize,
    /// Steps that L-BFGS remembers.
    pub memory: usize,
    /// Whether the result is scaled back to the boundary.
    pub walk_back: bool,
}

impl Lbfgs {
    /// The options of a preset.
    pub fn preset(preset: Preset) -> Self {
        let (searches, iterations, walk_back) = match preset {
            // As many evaluations as a quick Carlini & Wagner has steps.
            Preset::Quick => (6, 50, true),
            // The iterations of Foolbox 1.8, and searches enough for its bisection.
            Preset::Paper => (15, 150, false),
            // The interval of c is halved to a millionth, if not further.
            Preset::Best => (20, 500, true),
        };
        // The memory of Foolbox 1.8's call (SciPy's own default is 10): with samples by the ten
        // thousands a pair of vectors is cheap beside a gradient.
        Self { searches, iterations, memory: 15, walk_back }
    }
}

impl Attack for Lbfgs {
    fn id(&self) -> AttackId {
        AttackId::Lbfgs
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

/// Why a minimisation ended early.
enum Halt {
    /// It met something adversarial, which was all that was wanted.
    Reached,
    /// As the search's.
    Ended(Ended),
}

impl<T: Into<Ended>> From<T> for Halt {
    fn from(ended: T) -> Self {
        Self::Ended(ended.into())
    }
}

/// The function that is minimised.
struct Objective<'a> {
    space: &'a Space,
    /// The clip's energy.
    energy: f64,
    /// The weight of the distance.
    c: f64,
    /// Whether the first adversarial point ends it.
    until_reached: bool,
    stage: &'a str,
}

impl Objective<'_> {
    /// One evaluation, which is one step of the attack.
    fn evaluate(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        offset: &[f64],
    ) -> Result<(f64, Vec<f64>), Halt> {
        let (perturbation, candidate) = self.space.decode(offset);
        let at = search.evaluate(&candidate, false)?;
        let (entropy, weights) = at.cross_entropy(search.problem.goal, search.original_label);
        let reached = search.reaches_goal(&at.verdict);
        search.offer(&candidate, &at.verdict);
        let slopes = at.gradient(&weights)?;
        search.gradient_evaluations += 1;
        search.step(observer, self.stage, &candidate, &at.verdict)?;
        let mut gradient: Vec<f64> = slopes.into_iter().map(f64::from).collect();
        if reached && self.until_reached {
            return Err(Halt::Reached);
        }
        let weight = self.c / self.energy;
        let squared: f64 = perturbation.iter().map(|r| r * r).sum();
        add_scaled(&mut gradient, 2.0 * weight, &perturbation);
        let gradient = self.space.by_offset(offset, gradient);
        let loss = weight * squared + entropy;
        if !loss.is_finite() {
            return Err(Halt::Ended(Ended::Failed("the loss is not finite".to_owned())));
        }
        Ok((loss, gradient))
    }
}

impl Lbfgs {
    fn search(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
    ) -> Result<String, Ended> {
        let steps = self.searches * self.iterations;
        // One step more measures the balance where the approach ended.
        let back = if self.walk_back { boundary::PROBES } else { 0 };
        search.of = steps + 1 + back;
        if search.rounding_suffices()? {
            return Ok(String::new());
        }
        let space = Space::of_samples(&search.problem.samples);
        let energy: f64 = space.clean().iter().map(|x| x * x).sum();
        self.approach(search, observer, &space, energy, steps)?;
        if search.best().is_some() {
            let descended = balance(search, observer, energy)
                .and_then(|c| self.searches_over_c(search, observer, &space, energy, c));
            search.part(descended)?;
            if self.walk_back {
                boundary::walk_back_best(search, observer)?;
            }
        }
        Ok(format!("{} steps did not reach the goal", search.iterations))
    }

    /// From the clean clip to the first adversarial one, without a weight on the distance, unless
    /// the steps run out before.
    fn approach(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
        energy: f64,
        steps: usize,
    ) -> Result<(), Ended> {
        let objective =
            Objective { space, energy, c: 0.0, until_reached: true, stage: "approach, c = 0" };
        let first_step = LONGEST_START * energy.sqrt();
        let settings = Settings { memory: self.memory, evaluations: self.iterations, first_step };
        let start = space.origin();
        let ended =
            minimise(start, &settings, |offset| objective.evaluate(search, observer, offset));
        match ended {
            Ok(_) | Err(Halt::Reached) => {}
            // It may have broken where it had just found something.
            Err(Halt::Ended(ended)) => drop(search.part::<()>(Err(ended))?),
        }
        let mut stuck = 0;
        for block in [BLOCK, 1].into_iter().cycle() {
            if search.iterations >= steps || search.best().is_some() || stuck == 2 {
                break;
            }
            let end = (WALK * steps as f64) as usize;
            let end =
                if search.iterations < end { end } else { (search.iterations + steps).div_ceil(2) };
            let walk = Walk { confidence: 0.0, log_scores: true, block, hurries: false, end };
            let walked = walk.to_the_edge(search, observer, space);
            stuck = if search.part(walked)?.is_none() { stuck + 1 } else { 0 };
        }
        Ok(())
    }

    /// The search over c from the first adversarial clip on.
    fn searches_over_c(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        space: &Space,
        energy: f64,
        mut c: f64,
    ) -> Result<(), Ended> {
        // Of the weight of the cross-entropy, relative to the distance's.
        let mut bounds = Bounds::new(2.0);
        let steps = self.searches * self.iterations;
        let mut round = 1;
        while search.iterations < steps {
            round += 1;
            let Some((samples, _)) = search.best() else { return Ok(()) };
            let start = space.offset_of(samples);
            let stage = format!("search {round}, c = {c:.1e}");
            let objective = Objective { space, energy, c, until_reached: false, stage: &stage };
            let settings = Settings {
                memory: self.memory,
                evaluations: self.iterations.min(steps - search.iterations),
                first_step: LATER_START * norm(&start),
            };
            let ended =
                minimise(start, &settings, |offset| objective.evaluate(search, observer, offset));
            let minimum = match ended {
                Ok(minimum) => minimum,
                Err(Halt::Ended(ended)) => return Err(ended),
                Err(Halt::Reached) => return Ok(()),
            };
            let (_, candidate) = space.decode(&minimum.point);
            let success = search.reaches_goal(&search.classify(&candidate)?);
            c = 1.0 / bounds.next(1.0 / c, success);
        }
        Ok(())
    }
}

/// The c that balances both terms at the edge, by the slope at the best so far. There the
/// cross-entropy falls half as fast as the difference of the two leading scores, whose slope, unlike
/// its own, does not vanish beyond the edge.
fn balance(
    search: &mut Search<'_>,
    observer: &mut dyn Observer,
    energy: f64,
) -> Result<f64, Ended> {
    let Some((samples, snr_db)) = search.best() else { return Ok(1.0) };
    let samples = Arc::clone(samples);
    let length = (energy * 10f64.powf(-snr_db / 10.0)).sqrt();
    let slope = norm(&lead_gradient(search, observer, &samples, true)?);
    let c = 0.5 * slope * energy / (2.0 * length);
    // Where there is no slope, a change as long as the clip weighs as much as an e-fold.
    Ok(if c > 0.0 && c.is_finite() { c } else { 1.0 })
}
