//! What every attack shares: the checks before it, the best so far, progress, and the outcome.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::gradient::Evaluation;
use super::masked_distance::MaskedDistance;
use super::outcome::{Flow, Goal, Observer, Outcome, Problem, Progress, Status};
use super::scale::{perturb_at_snr, perturb_at_snr_in_16_bits};
use crate::audio::round_to_bits;
use crate::metrics::{Metrics, snr_db};
use crate::models::{Classifier, ScoreKind, Verdict};

/// The best adversarial clip so far.
struct Best {
    samples: Arc<[f32]>,
    verdict: Verdict,
    snr_db: f64,
    /// What is to be as high as can be: the SNR, unless another distance is.
    closeness_db: f64,
}

/// An attack under way.
pub struct Search<'a> {
    /// Whom it fools.
    classifier: &'a dyn Classifier,
    /// What was asked.
    pub problem: &'a Problem,
    /// The label that it tries to leave.
    pub original_label: usize,
    /// Gradients computed so far.
    pub gradient_evaluations: usize,
    /// Steps done so far.
    pub iterations: usize,
    /// Most steps that it will do, but for a last resort.
    pub of: usize,
    /// What is to be said of how the best was found.
    pub note: Option<String>,
    /// What the best is judged by, where it is not the SNR.
    pub distance: Option<Arc<MaskedDistance>>,
    original: Verdict,
    best: Option<Best>,
    /// What the outcome holds where nothing adversarial was found.
    fallback: Arc<[f32]>,
    /// Whether any part of the search found a way on.
    moved: bool,
    /// Why there was none in a part.
    stuck: Option<String>,
    started: Instant,
}

/// Why an attack's body ended before its last step.
pub enum Ended {
    /// The observer said stop.
    Stopped,
    /// Nothing broke, but there is no way on, and why: what the model answers does not depend on
    /// the clip as far as can be seen. That is a success of the model, not a failure of the attack.
    Stuck(String),
    /// It cannot go on.
    Failed(String),
}

impl Ended {
    /// There is no gradient to follow.
    pub fn no_gradient() -> Self {
        Self::Stuck("the gradient is zero everywhere: the model's answer is saturated".to_owned())
    }
}

impl From<candle_core::Error> for Ended {
    fn from(error: candle_core::Error) -> Self {
        Self::Failed(format!("the model failed: {error}"))
    }
}

/// Runs an attack's body between the checks before it and the fresh verdict after it.
///
/// The body gives the reason to state if nothing adversarial was found.
pub fn run(
    classifier: &dyn Classifier,
    problem: &Problem,
    body: impl FnOnce(&mut Search<'_>) -> Result<String, Ended>,
) -> Outcome {
    let started = Instant::now();
    let nothing = |status: Status, label: usize, original: Verdict| Outcome {
        status,
        original_label: label,
        adversarial: original.clone(),
        original,
        samples: Arc::clone(&problem.samples),
        metrics: Metrics::of(&problem.samples, &problem.samples),
        iterations: 0,
        gradient_evaluations: 0,
        seconds: started.elapsed().as_secs_f64(),
        seed: problem.seed,
        goal: problem.goal,
        sixteen_bit: problem.sixteen_bit,
        note: None,
    };
    let unknown = Verdict { labels: classifier.labels().clone(), probabilities: Arc::new([]) };
    if let Some(reason) = refuse(problem, classifier.labels().len()) {
        return nothing(Status::Failed(reason), problem.true_label.unwrap_or(0), unknown);
    }
    let original = match classifier.classify(&problem.samples) {
        Ok(verdict) => verdict,
        Err(error) => {
            let reason = format!("the model failed on the clean clip: {error}");
            return nothing(Status::Failed(reason), problem.true_label.unwrap_or(0), unknown);
        }
    };
    let heard = original.top().0;
    let original_label = problem.true_label.unwrap_or(heard);
    if heard != original_label {
        return nothing(Status::AlreadyMisclassified, original_label, original);
    }
    if problem.goal == Goal::Targeted(heard) {
        return nothing(Status::AlreadyTheTarget, original_label, original);
    }
    let mut search = Search {
        classifier,
        problem,
        original_label,
        gradient_evaluations: 0,
        iterations: 0,
        of: 0,
        note: None,
        distance: None,
        original,
        best: None,
        fallback: Arc::clone(&problem.samples),
        moved: false,
        stuck: None,
        started,
    };
    let ended = body(&mut search);
    search.finish(ended)
}

/// Why a problem can't be attacked at all.
fn refuse(problem: &Problem, labels: usize) -> Option<String> {
    let samples = &problem.samples;
    if samples.is_empty() || samples.iter().all(|&x| x == 0.0) {
        return Some("the clip is silent: there is nothing to perturb and no SNR".to_owned());
    }
    if samples.iter().any(|x| !x.is_finite()) {
        return Some("the clip has samples that are no numbers (NaN or infinite)".to_owned());
    }
    if samples.iter().any(|x| x.abs() > 1.0) {
        return Some("the clip has samples outside [-1, 1]".to_owned());
    }
    let outside = |label: usize| label >= labels;
    if problem.goal.target().is_some_and(outside) || problem.true_label.is_some_and(outside) {
        return Some(format!("the model has only {labels} labels"));
    }
    if problem.true_label.is_some() && problem.true_label == problem.goal.target() {
        return Some("the target is the clip's own label".to_owned());
    }
    None
}

impl Search<'_> {
    /// What the model's scores are.
    pub fn score_kind(&self) -> ScoreKind {
        self.classifier.score_kind()
    }

    /// Whether a verdict answers the goal.
    pub fn reaches_goal(&self, verdict: &Verdict) -> bool {
        self.problem.goal.is_reached_by(verdict, self.original_label)
    }

    /// What a candidate becomes before anybody hears it: rounded, where that was asked for.
    fn heard<'c>(&self, candidate: &'c [f32]) -> Cow<'c, [f32]> {
        if !self.problem.sixteen_bit {
            return Cow::Borrowed(candidate);
        }
        candidate.iter().map(|&y| round_to_bits(f64::from(y), 16)).collect()
    }

    /// The model at a candidate, with gradients; with `log_scores` as
    /// [`Evaluation::with_log_scores`].
    ///
    /// # Errors
    /// Where the model fails.
    pub fn evaluate(&self, candidate: &[f32], log_scores: bool) -> Result<Evaluation, Ended> {
        let heard = self.heard(candidate);
        Ok(Evaluation::with_log_scores(self.classifier, &heard, log_scores)?)
    }

    /// The model's answer to a candidate.
    ///
    /// # Errors
    /// Where the model fails.
    pub fn classify(&self, candidate: &[f32]) -> Result<Verdict, Ended> {
        Ok(self.classifier.classify(&self.heard(candidate))?)
    }

    /// Keeps a candidate that answers the goal if it is the closest so far; says whether.
    pub fn offer(&mut self, candidate: &[f32], verdict: &Verdict) -> bool {
        if !self.reaches_goal(verdict) {
            return false;
        }
        let new = self.judged(candidate, verdict);
        let better = |best: &Best| new.closeness_db > best.closeness_db;
        if !self.best.as_ref().is_none_or(better) {
            return false;
        }
        self.best = Some(new);
        true
    }

    fn judged(&self, candidate: &[f32], verdict: &Verdict) -> Best {
        let clean = &self.problem.samples;
        let samples: Arc<[f32]> = self.heard(candidate).into();
        let snr_db = snr_db(clean, &samples);
        let closeness_db =
            self.distance.as_ref().map_or(snr_db, |distance| distance.hidden_db(clean, &samples));
        Best { samples, verdict: verdict.clone(), snr_db, closeness_db }
    }

    /// Puts a candidate of an attack at a fixed size in the place of what was kept, whether it
    /// answers the goal or not, but never one that does not in the place of one that does; says
    /// whether it did.
    pub fn put(&mut self, candidate: &[f32], verdict: &Verdict) -> bool {
        if self.reaches_goal(verdict) {
            self.best = Some(self.judged(candidate, verdict));
        } else if self.best.is_none() {
            self.fallback = self.heard(candidate).into();
        } else {
            return false;
        }
        true
    }

    /// The one step of an attack at a fixed SNR: along `direction`, kept whether it answers the
    /// goal or not.
    ///
    /// # Errors
    /// Where the SNR is out of reach, the model fails, or the observer says stop.
    pub fn step_at_snr(
        &mut self,
        observer: &mut dyn Observer,
        stage: &str,
        direction: &[f32],
        snr_db: f64,
    ) -> Result<(), Ended> {
        let problem = self.problem;
        let perturb = if problem.sixteen_bit { perturb_at_snr_in_16_bits } else { perturb_at_snr };
        let candidate = perturb(&problem.samples, direction, snr_db).map_err(Ended::Failed)?;
        let verdict = self.classify(&candidate)?;
        self.put(&candidate, &verdict);
        self.step(observer, stage, &candidate, &verdict)
    }

    /// The best adversarial samples so far and their SNR in dB.
    pub fn best(&self) -> Option<(&Arc<[f32]>, f64)> {
        self.best.as_ref().map(|best| (&best.samples, best.snr_db))
    }

    /// How close the best so far is, in dB: the higher, the closer.
    pub fn best_closeness_db(&self) -> Option<f64> {
        self.best.as_ref().map(|best| best.closeness_db)
    }

    /// What comes of a part of the search, where others follow it. None where it had no way on,
    /// which says nothing of the others; nor where it broke after something adversarial was found:
    /// the outcome's note then says what broke.
    ///
    /// # Errors
    /// [`Ended::Stopped`], and [`Ended::Failed`] where nothing was found yet.
    pub fn part<T>(&mut self, part: Result<T, Ended>) -> Result<Option<T>, Ended> {
        match part {
            Ok(value) => {
                self.moved = true;
                Ok(Some(value))
            }
            Err(Ended::Failed(reason)) if self.best.is_some() => {
                self.remark(format!("a part of the search broke: {reason}"));
                Ok(None)
            }
            Err(Ended::Stuck(reason)) => {
                self.stuck = Some(reason);
                Ok(None)
            }
            Err(ended) => Err(ended),
        }
    }

    /// Adds to what the outcome says of how its samples were found, once.
    pub fn remark(&mut self, words: String) {
        match &mut self.note {
            None => self.note = Some(words),
            Some(note) if note.contains(&words) => {}
            Some(note) => *note = format!("{note}; {words}"),
        }
    }

    /// Whether rounding alone, where that was asked for, already answers the goal, so that there is
    /// nothing to search. It is offered then.
    ///
    /// # Errors
    /// Where the model fails.
    pub fn rounding_suffices(&mut self) -> Result<bool, Ended> {
        if !self.problem.sixteen_bit {
            return Ok(false);
        }
        let verdict = self.classify(&self.problem.samples)?;
        let suffices = self.offer(&self.problem.samples, &verdict);
        if suffices {
            self.remark("rounding to 16 bits alone changes the answer".to_owned());
        }
        Ok(suffices)
    }

    /// Tells the observer of one more step.
    ///
    /// # Errors
    /// [`Ended::Stopped`] where it says stop.
    pub fn step(
        &mut self,
        observer: &mut dyn Observer,
        stage: &str,
        candidate: &[f32],
        verdict: &Verdict,
    ) -> Result<(), Ended> {
        self.iterations += 1;
        self.tell(observer, stage, candidate, verdict)
    }

    /// Tells the observer where the step under way is, so that it can stop the attack in the middle
    /// of one that takes long.
    ///
    /// # Errors
    /// [`Ended::Stopped`] where it says stop.
    pub fn tell(
        &self,
        observer: &mut dyn Observer,
        stage: &str,
        candidate: &[f32],
        verdict: &Verdict,
    ) -> Result<(), Ended> {
        let flow = observer.progress(&Progress {
            iteration: self.iterations,
            of: self.of,
            gradient_evaluations: self.gradient_evaluations,
            stage,
            snr_db: snr_db(&self.problem.samples, &self.heard(candidate)),
            best_snr_db: self.best.as_ref().map(|best| best.snr_db),
            verdict,
            original: self.original_label,
            target: self.problem.goal.target(),
            best: self.best.as_ref().map(|best| (&best.samples, &best.verdict)),
        });
        match flow {
            Flow::Continue => Ok(()),
            Flow::Stop => Err(Ended::Stopped),
        }
    }

    /// The outcome, its label taken afresh from the final samples.
    fn finish(self, ended: Result<String, Ended>) -> Outcome {
        // Steps that there was no way to take are not what failed.
        let stuck = self.stuck.filter(|_| !self.moved);
        let ended = ended.map(|reason| stuck.unwrap_or(reason));
        let found = self.best.is_some();
        let samples = self.best.map_or(self.fallback, |best| best.samples);
        let outside = samples.iter().any(|x| !(x.abs() <= 1.0));
        let fresh = self.classifier.classify(&samples);
        let (adversarial, broken) = match fresh {
            Ok(verdict) if outside => {
                (verdict, Some("it produced samples outside [-1, 1]".to_owned()))
            }
            Ok(verdict) => (verdict, None),
            Err(error) => (self.original.clone(), Some(format!("the last check failed: {error}"))),
        };
        // Measuring is no part of the search.
        let seconds = self.started.elapsed().as_secs_f64();
        let mut outcome = Outcome {
            status: Status::Fooled,
            original_label: self.original_label,
            original: self.original,
            adversarial,
            metrics: Metrics::of(&self.problem.samples, &samples),
            samples,
            iterations: self.iterations,
            gradient_evaluations: self.gradient_evaluations,
            seconds,
            seed: self.problem.seed,
            goal: self.problem.goal,
            sixteen_bit: self.problem.sixteen_bit,
            note: self.note,
        };
        outcome.status = match (broken, ended) {
            (Some(reason), _) | (None, Err(Ended::Failed(reason))) => Status::Failed(reason),
            (None, Err(Ended::Stopped)) => Status::Cancelled,
            (None, Ok(_) | Err(Ended::Stuck(_))) if outcome.is_adversarial() => Status::Fooled,
            // A device may compute the same clip in another way.
            (None, Ok(_) | Err(Ended::Stuck(_))) if found => Status::NotFooled(
                "the best clip no longer fooled the model when it was asked again".to_owned(),
            ),
            (None, Ok(reason) | Err(Ended::Stuck(reason))) => Status::NotFooled(reason),
        };
        outcome
    }
}
