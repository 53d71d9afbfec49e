//! A black-box attack by Bayesian optimisation: Ru, Cobb, Blaas and Gal, "BayesOpt adversarial
//! attack", ICLR 2020, on sound, untargeted and targeted. It asks the model for probabilities as
//! any user can, and sees nothing else: no scores, no gradients, no weights.
//!
//! It searches the change of least energy for which the lead of the original label over the best
//! other one, or of the best other label over the target, is negative, in logarithms of
//! probabilities. As in the paper it searches in few dimensions, keeps a Gaussian process of what
//! the model would answer, asks where that promises most, and adds the answer. Then the result is
//! scaled back to the boundary by bisection ([`super::boundary`]).
//!
//! What differs from the published attack, and why:
//!  - The few dimensions are the levels, in decibels, of cells of time and frequency
//!    ([`super::cells`]) rather than the pixels of a small image: what models of sound hear is
//!    logarithmic, and louder or quieter cells where the clip is quiet cost next to nothing. Phases
//!    stay as they are, which no log-mel notices.
//!  - The process has a linear kernel over several resolutions ([`super::surrogate`]) and models
//!    the logarithm of each label's probability, so that the smallest change for it is known in
//!    closed form, for each label that might come next: the nearest is taken, as in DeepFool.
//!  - The size of the change is not given but sought. Until something fools, each round may spend
//!    [`RAISE_DB`] more than the one before, from [`FIRST_SNR_DB`] on; then never more than the best.
//!  - Instead of an acquisition function each round asks [`ROUND`] times: first what is best by the
//!    likeliest slopes, then what is best by slopes drawn from the posterior (Thompson sampling),
//!    so that no sub-search is needed and what is unknown is tried.
//!  - The process is fitted anew about the best so far each round, to the last [`REMEMBERED`]
//!    answers, and no cell moves by more than `reach` decibels from there: farther away it is not
//!    linear. Once something fools, the reach shrinks where a
//!    round finds nothing better and grows where one does; until then the other way round.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::boundary;
use super::cells::Cells;
use super::outcome::{Goal, Observer, Outcome, Problem};
use super::search::{self, Ended, Search};
use super::spec::Preset;
use super::surrogate::{Prior, Surrogate};
use super::{Attack, AttackId};
use crate::models::Classifier;

/// Questions of a round, for which one fit of the process serves.
const ROUND: usize = 8;

/// Questions at random before the first fit, in pairs of opposite sign: fewer than cells, since the
/// coarse features show first.
const FIRST_QUESTIONS: usize = 30;

/// Sum of decibels that they are asked to reach: more than can be, so that their energy decides.
const FIRST_EFFECT: f64 = 1e9;

/// Largest change of a cell in them, in dB.
const FIRST_REACH_DB: f64 = 20.0;

/// SNR in dB at which the search starts to look for something that fools.
const FIRST_SNR_DB: f64 = 25.0;

/// By how much, in dB, each round without success may be louder.
const RAISE_DB: f64 = 2.0;

/// Lowest SNR in dB that is planned for: a change much louder than the clip, as a start only.
const LAST_SNR_DB: f64 = -10.0;

/// Answers that a fit looks at: more are from too far away, and solving for them takes longer than
/// asking.
const REMEMBERED: usize = 400;

/// Other labels that a plan is made for: those of the highest probabilities at the best so far.
const RIVALS: usize = 6;

/// Most pieces of time; longer clips have longer ones.
const MOST_SEGMENTS: usize = 40;

/// Smallest reach, relative to the first.
const LEAST_REACH: f64 = 0.1;

/// What the reach becomes after a round without and with something better, relative to before.
const REACH_FACTORS: [f64; 2] = [0.8, 1.25];

/// What the reach becomes after a round that comes no nearer to anything that fools: what is near
/// is known by then.
const STUCK_FACTOR: f64 = 1.25;

/// Largest reach in dB.
const MOST_REACH_DB: f64 = 30.0;

/// How far beyond the boundary plans aim, in nepers of probability: at first, and at least and at
/// most as plans prove too timid or bolder than needed.
const AIM: [f64; 3] = [0.05, 0.001, 2.0];

/// By what the aim is multiplied after a likeliest plan that did not fool, and after one that did.
const AIM_FACTORS: [f64; 2] = [1.3, 0.7];

/// The attack with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BayesOpt {
    /// Questions before the way back to the boundary, which takes 22 at most.
    pub queries: usize,
    /// Bands of frequency, of equal width in mel.
    pub bands: usize,
    /// Shortest piece of time in seconds.
    pub segment: f64,
    /// How far from the best so far a cell may move in a round, in dB.
    pub reach: f64,
    /// Standard deviation of what is drawn for Thompson sampling, relative to the posterior's: less
    /// than 1, since so many dimensions are never known well.
    pub curiosity: f64,
    /// Error of a linear model, relative to what is expected of an answer.
    pub error: f64,
}

impl BayesOpt {
    /// The options of a preset.
    pub fn preset(preset: Preset) -> Self {
        // Few enough cells (64 for two seconds of sound) that 400 answers tell them apart.
        let base =
            Self { queries: 400, bands: 8, segment: 0.25, reach: 5.0, curiosity: 0.3, error: 0.3 };
        match preset {
            Preset::Quick => base,
            // The authors' settings are for images; their budget is of this order.
            Preset::Paper => Self { queries: 1000, ..base },
            Preset::Best => Self { queries: 5000, bands: 16, segment: 0.1, ..base },
        }
    }
}

impl Attack for BayesOpt {
    fn id(&self) -> AttackId {
        AttackId::BayesOpt
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

/// A question and its answer.
struct Answer {
    change: Vec<f64>,
    /// Logarithms of the labels' probabilities.
    logarithms: Vec<f64>,
    /// How far it is from the goal, in nepers of probability; negative beyond the boundary.
    margin: f64,
    energy: f64,
    fools: bool,
}

/// The search under way.
struct Asking<'a, 'b> {
    search: &'a mut Search<'b>,
    observer: &'a mut dyn Observer,
    cells: Cells,
    rng: ChaCha8Rng,
    answers: Vec<Answer>,
    /// Where among them the best is.
    best: usize,
}

impl BayesOpt {
    fn search(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
    ) -> Result<String, Ended> {
        search.of = self.queries + boundary::PROBES;
        if search.rounding_suffices()? {
            return Ok(String::new());
        }
        let problem = search.problem;
        let cells =
            Cells::new(&problem.samples, self.bands, self.segment, MOST_SEGMENTS, problem.seed);
        let mut rng = ChaCha8Rng::seed_from_u64(problem.seed);
        // The dither has the first stream.
        rng.set_stream(1);
        let mut asking = Asking { search, observer, cells, rng, answers: Vec::new(), best: 0 };
        let asked = asking.all(self);
        search.part(asked)?;
        boundary::walk_back_best(search, observer)?;
        Ok(format!("{} questions found no change that reaches the goal", self.queries))
    }
}

impl Asking<'_, '_> {
    fn all(&mut self, options: &BayesOpt) -> Result<(), Ended> {
        let prior = Prior::new(self.cells.len(), self.cells.bands());
        self.ask(vec![0.0; self.cells.len()], "first questions")?;
        self.at_random(prior, options.queries.min(FIRST_QUESTIONS + 1))?;
        let mut reach = options.reach;
        let mut aim = AIM[0];
        let mut snr_db = FIRST_SNR_DB;
        while self.answers.len() < options.queries {
            let last = options.queries.min(self.answers.len() + ROUND);
            let most = if self.answers[self.best].fools {
                self.answers[self.best].energy
            } else {
                snr_db = (snr_db - RAISE_DB).max(LAST_SNR_DB);
                self.cells.energy() * 10f64.powf(-snr_db / 10.0)
            };
            let before = self.best;
            let likeliest = self.round(prior, options, last, most, (reach, aim))?;
            let found = self.best != before;
            reach = if self.answers[self.best].fools {
                let factor = REACH_FACTORS[usize::from(found)];
                (reach * factor).clamp(LEAST_REACH * options.reach, options.reach)
            } else if found {
                options.reach
            } else {
                (STUCK_FACTOR * reach).min(MOST_REACH_DB)
            };
            aim = (aim * AIM_FACTORS[usize::from(likeliest)]).clamp(AIM[1], AIM[2]);
        }
        Ok(())
    }

    /// Pairs of changes at random: larger where they cost less.
    fn at_random(&mut self, prior: Prior, last: usize) -> Result<(), Ended> {
        let most = self.cells.energy() * 10f64.powf(-FIRST_SNR_DB / 10.0);
        let sizes = self.cells.cheapest(&vec![-1.0; self.cells.len()], FIRST_EFFECT, most).change;
        while self.answers.len() < last {
            let signs = prior.draw(&mut self.rng);
            let change: Vec<f64> = sizes
                .iter()
                .zip(&signs)
                .map(|(size, sign)| size.min(FIRST_REACH_DB) * sign.tanh())
                .collect();
            let opposite = change.iter().map(|db| -db).collect();
            self.ask(change, "first questions")?;
            if self.answers.len() < last {
                self.ask(opposite, "first questions")?;
            }
        }
        Ok(())
    }

    /// Questions until there are `last` answers, planned from one fit; says whether the likeliest
    /// plan fooled.
    fn round(
        &mut self,
        prior: Prior,
        options: &BayesOpt,
        last: usize,
        most: f64,
        (reach, aim): (f64, f64),
    ) -> Result<bool, Ended> {
        let centre = self.best;
        let from = self.answers.len().saturating_sub(REMEMBERED);
        let known: Vec<usize> = (from..self.answers.len()).filter(|&i| i != centre).collect();
        let origin = self.answers[centre].change.clone();
        let difference = |&i: &usize| {
            self.answers[i].change.iter().zip(&origin).map(|(a, b)| a - b).collect::<Vec<_>>()
        };
        let differences = known.iter().map(difference).collect();
        let surrogate = Surrogate::new(prior, differences, options.error);
        let rivals = self.rivals(centre);
        // Of each rival: its margin at the centre, and by how much it differed elsewhere.
        let margins: Vec<(f64, Vec<f64>)> = rivals
            .iter()
            .map(|&(up, down)| {
                let margin = |i: usize| {
                    let logarithms = &self.answers[i].logarithms;
                    logarithms[up] - logarithms[down]
                };
                let here = margin(centre);
                (here, known.iter().map(|&i| margin(i) - here).collect())
            })
            .collect();
        let variances = margins.iter().map(|(_, answers)| surrogate.variance(answers));
        let variance = variances.sum::<f64>() / margins.len() as f64;
        if variance == 0.0 {
            let reason = "the model's answer is the same whatever was tried: its slope is zero \
                          everywhere";
            return Err(Ended::Stuck(reason.to_owned()));
        }
        let mut fooled = false;
        for trial in 0..last - self.answers.len() {
            let chance = (trial > 0)
                .then(|| surrogate.chance(options.curiosity * variance.sqrt(), &mut self.rng));
            let plans = margins.iter().map(|(margin, answers)| {
                let slopes = surrogate.slopes(answers, chance.as_ref());
                let there: f64 = slopes.iter().zip(&origin).map(|(slope, db)| slope * db).sum();
                self.cells.cheapest(&slopes, margin - there + aim, most)
            });
            let plan = plans.reduce(|a, b| {
                let order = a.shortfall.total_cmp(&b.shortfall).then(a.energy.total_cmp(&b.energy));
                if order.is_le() { a } else { b }
            });
            let Some(plan) = plan else { break };
            let moved = plan
                .change
                .iter()
                .zip(&origin)
                .map(|(to, from)| from + (to - from).clamp(-reach, reach));
            self.ask(moved.collect(), "black-box search")?;
            fooled |= trial == 0 && self.answers.last().is_some_and(|answer| answer.fools);
        }
        Ok(fooled)
    }

    /// Pairs of labels of which the first is to fall below the second.
    fn rivals(&self, at: usize) -> Vec<(usize, usize)> {
        let logarithms = &self.answers[at].logarithms;
        let mut ranked: Vec<usize> = (0..logarithms.len()).collect();
        ranked.sort_by(|&a, &b| logarithms[b].total_cmp(&logarithms[a]));
        let original = self.search.original_label;
        match self.search.problem.goal {
            Goal::Untargeted => {
                let others = ranked.into_iter().filter(|&label| label != original);
                others.take(RIVALS).map(|label| (original, label)).collect()
            }
            Goal::Targeted(target) => {
                let others = ranked.into_iter().filter(|&label| label != target);
                others.take(1).map(|label| (label, target)).collect()
            }
        }
    }

    fn ask(&mut self, change: Vec<f64>, stage: &str) -> Result<(), Ended> {
        let candidate = self.cells.render(&change);
        let verdict = self.search.classify(&candidate)?;
        let logarithm = |&p: &f32| f64::from(p.max(f32::MIN_POSITIVE)).ln();
        let logarithms: Vec<f64> = verdict.probabilities.iter().map(logarithm).collect();
        let own = self.search.problem.goal.target().unwrap_or(self.search.original_label);
        let others = logarithms.iter().enumerate().filter(|&(label, _)| label != own);
        let lead = logarithms[own] - others.map(|(_, l)| *l).fold(f64::NEG_INFINITY, f64::max);
        let margin = if self.search.problem.goal == Goal::Untargeted { lead } else { -lead };
        let fools = self.search.reaches_goal(&verdict);
        let energy = self.cells.energy_of(&change);
        let answer = Answer { change, logarithms, margin, energy, fools };
        let better = self.answers.get(self.best).is_none_or(|best| match (best.fools, fools) {
            (true, true) => energy < best.energy,
            (false, false) => margin < best.margin,
            (before, now) => now && !before,
        });
        if better {
            self.best = self.answers.len();
        }
        self.answers.push(answer);
        self.search.offer(&candidate, &verdict);
        self.search.step(self.observer, stage, &candidate, &verdict)
    }
}
