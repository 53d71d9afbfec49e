//! What every attack shares: the checks before it, the best so far, progress, and the outcome.

use std::sync::Arc;
use std::time::Instant;

use super::outcome::{Flow, Goal, Observer, Outcome, Problem, Progress, Status};
use super::scale::perturb_at_snr;
use crate::metrics::{Metrics, snr_db};
use crate::models::{Classifier, Verdict};

/// The best adversarial clip so far.
struct Best {
    samples: Arc<[f32]>,
    verdict: Verdict,
    snr_db: f64,
}

/// An attack under way.
pub struct Search<'a> {
    /// Whom it fools.
    pub classifier: &'a dyn Classifier,
    /// What was asked.
    pub problem: &'a Problem,
    /// The label that it tries to leave.
    pub original_label: usize,
    /// Gradients computed so far.
    pub gradient_evaluations: usize,
    /// Steps done so far.
    pub iterations: usize,
    /// Most steps that it will do.
    pub of: usize,
    original: Verdict,
    best: Option<Best>,
    /// What the outcome holds where nothing adversarial was found.
    fallback: Arc<[f32]>,
    started: Instant,
}

/// Why an attack's body ended before its last step.
pub enum Ended {
    /// The observer said stop.
    Stopped,
    /// It cannot go on.
    Failed(String),
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
        original,
        best: None,
        fallback: Arc::clone(&problem.samples),
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
    if samples.iter().any(|x| !(x.abs() <= 1.0)) {
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
    /// Whether a verdict answers the goal.
    pub fn reaches_goal(&self, verdict: &Verdict) -> bool {
        let label = verdict.top().0;
        match self.problem.goal {
            Goal::Untargeted => label != self.original_label,
            Goal::Targeted(target) => label == target,
        }
    }

    /// SNR in dB of a candidate.
    pub fn snr_db(&self, candidate: &[f32]) -> f64 {
        snr_db(&self.problem.samples, candidate)
    }

    /// Keeps a candidate that answers the goal if its SNR is the highest so far; says whether.
    pub fn offer(&mut self, candidate: &[f32], verdict: &Verdict) -> bool {
        let snr_db = self.snr_db(candidate);
        let better = self.best.as_ref().is_none_or(|best| snr_db > best.snr_db);
        if !better || !self.reaches_goal(verdict) {
            return false;
        }
        self.best = Some(Best { samples: candidate.into(), verdict: verdict.clone(), snr_db });
        true
    }

    /// Puts a candidate of an attack at a fixed size in the place of what was kept, whether it
    /// answers the goal or not, but never one that does not in the place of one that does; says
    /// whether it did.
    pub fn put(&mut self, candidate: &[f32], verdict: &Verdict) -> bool {
        if self.reaches_goal(verdict) {
            let snr_db = self.snr_db(candidate);
            let samples = candidate.into();
            self.best = Some(Best { samples, verdict: verdict.clone(), snr_db });
        } else if self.best.is_none() {
            self.fallback = candidate.into();
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
        let candidate =
            perturb_at_snr(&self.problem.samples, direction, snr_db).map_err(Ended::Failed)?;
        let verdict = self.classifier.classify(&candidate)?;
        self.put(&candidate, &verdict);
        self.step(observer, stage, &candidate, &verdict)
    }

    /// The best adversarial samples so far and their SNR in dB.
    pub fn best(&self) -> Option<(&Arc<[f32]>, f64)> {
        self.best.as_ref().map(|best| (&best.samples, best.snr_db))
    }

    /// Where something adversarial was found before, what breaks later ends only its own part of
    /// the search: none then.
    ///
    /// # Errors
    /// [`Ended::Stopped`], and [`Ended::Failed`] where nothing was found yet.
    pub fn unless_found<T>(&self, part: Result<T, Ended>) -> Result<Option<T>, Ended> {
        match part {
            Ok(value) => Ok(Some(value)),
            Err(Ended::Failed(_)) if self.best.is_some() => Ok(None),
            Err(ended) => Err(ended),
        }
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
        let flow = observer.progress(&Progress {
            iteration: self.iterations,
            of: self.of,
            gradient_evaluations: self.gradient_evaluations,
            stage,
            snr_db: self.snr_db(candidate),
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
        };
        outcome.status = match (broken, ended) {
            (Some(reason), _) | (None, Err(Ended::Failed(reason))) => Status::Failed(reason),
            (None, Err(Ended::Stopped)) => Status::Cancelled,
            (None, Ok(_)) if outcome.is_adversarial() => Status::Fooled,
            (None, Ok(reason)) => Status::NotFooled(reason),
        };
        outcome
    }
}
