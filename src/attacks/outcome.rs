//! What goes into an attack, what it tells on the way, and what comes out.

use std::sync::Arc;

use crate::metrics::Metrics;
use crate::models::Verdict;

/// Where an attack wants the model's answer to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Anywhere away from the original label.
    Untargeted,
    /// To this label (an index into the model's labels).
    Targeted(usize),
}

impl Goal {
    /// The target's index, if there is one.
    pub fn target(self) -> Option<usize> {
        match self {
            Self::Untargeted => None,
            Self::Targeted(label) => Some(label),
        }
    }

    /// Whether an answer is where it was to go.
    pub fn is_reached_by(self, verdict: &Verdict, original_label: usize) -> bool {
        let label = verdict.top().0;
        match self {
            Self::Untargeted => label != original_label,
            Self::Targeted(target) => label == target,
        }
    }
}

/// One attack's input.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The clean clip, mono at 32 kHz, in \[-1, 1\].
    pub samples: Arc<[f32]>,
    /// Where the answer should go.
    pub goal: Goal,
    /// The clip's true label where one is known. Without it the original label is what the model
    /// says of the clean clip.
    pub true_label: Option<usize>,
    /// Seed of everything random in the attack.
    pub seed: u64,
    /// Whether the result consists of values that a 16-bit file holds, so that saving it as one
    /// changes nothing. The model then is asked about rounded clips, and its gradient taken there
    /// (straight through the rounding).
    pub sixteen_bit: bool,
}

/// Whether an attack should go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Take another step.
    Continue,
    /// Stop now; the best so far becomes the outcome.
    Stop,
}

/// The state of a running attack after one step.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Steps done, over all stages of the attack.
    pub iteration: usize,
    /// Most steps that it will do, but for the last resort of a search that found nothing in them.
    pub of: usize,
    /// Gradients computed so far.
    pub gradient_evaluations: usize,
    /// What the attack is doing, in a few words ("binary search 2 of 5, c = 0.1").
    pub stage: &'a str,
    /// SNR in dB of the step just evaluated.
    pub snr_db: f64,
    /// SNR in dB of the best adversarial clip so far, if there is one.
    pub best_snr_db: Option<f64>,
    /// The model's answer to the step just evaluated.
    pub verdict: &'a Verdict,
    /// The original label.
    pub original: usize,
    /// The target, if there is one.
    pub target: Option<usize>,
    /// The best adversarial samples so far, and the model's answer to them.
    pub best: Option<(&'a Arc<[f32]>, &'a Verdict)>,
}

/// Follows a running attack and may stop it after any step.
pub trait Observer {
    /// Called after every gradient step.
    fn progress(&mut self, progress: &Progress<'_>) -> Flow;
}

impl<F: FnMut(&Progress<'_>) -> Flow> Observer for F {
    fn progress(&mut self, progress: &Progress<'_>) -> Flow {
        self(progress)
    }
}

/// How an attack ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The final samples make the model answer as the goal asks.
    Fooled,
    /// They do not; the reason says what was tried.
    NotFooled(String),
    /// The model misnames the clean clip anyway; nothing was changed.
    AlreadyMisclassified,
    /// The model already gives the clean clip the target's label; nothing was changed.
    AlreadyTheTarget,
    /// Stopped by the observer; the best so far was kept.
    Cancelled,
    /// Something broke, and what.
    Failed(String),
}

impl Status {
    /// The status in a few plain words, the same everywhere (window, JSON, tables).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fooled => "fooled",
            Self::NotFooled(_) => "not fooled",
            Self::AlreadyMisclassified => "already misclassified",
            Self::AlreadyTheTarget => "already the target",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it ended so, where there is more to say.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::NotFooled(reason) | Self::Failed(reason) => Some(reason),
            _ => None,
        }
    }
}

/// The result of an attack.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The label that the attack tried to leave.
    pub original_label: usize,
    /// The model's answer to the clean clip.
    pub original: Verdict,
    /// The model's answer to [`Self::samples`], computed afresh from them.
    pub adversarial: Verdict,
    /// The adversarial clip x + r, in \[-1, 1\]. Where nothing was found: the clean clip, but of
    /// attacks at a fixed size the clip that did not fool.
    pub samples: Arc<[f32]>,
    /// Measures of the perturbation r, taken from the final samples.
    pub metrics: Metrics,
    /// Steps done.
    pub iterations: usize,
    /// Gradients computed.
    pub gradient_evaluations: usize,
    /// Wall time in seconds.
    pub seconds: f64,
    /// The seed that was given.
    pub seed: u64,
    /// The goal that was given.
    pub goal: Goal,
    /// Whether only changes that a 16-bit file holds exactly were asked for.
    pub sixteen_bit: bool,
    /// What is to be said of how the samples were found, in a few words: that DeepFool's linear
    /// steps did not do, and what did.
    pub note: Option<String>,
}

impl Outcome {
    /// By how much the adversarial clip is on the wanted side, as a difference of probabilities in
    /// \[-1, 1\]: of the most probable other label and the original one, or of the target and the
    /// most probable other label. None where the model was not asked.
    pub fn margin(&self) -> Option<f32> {
        let probabilities = &self.adversarial.probabilities;
        let own = self.goal.target().unwrap_or(self.original_label);
        let others = probabilities.iter().enumerate().filter(|&(label, _)| label != own);
        let other = others.map(|(_, &p)| p).reduce(f32::max)?;
        let own = *probabilities.get(own)?;
        Some(if self.goal.target().is_some() { own - other } else { other - own })
    }

    /// How it ended in a few plain words for people: a stopped attack that had found something
    /// keeps its find.
    pub fn ended(&self) -> &'static str {
        match &self.status {
            Status::Cancelled if self.is_adversarial() => "fooled, stopped early",
            status => status.name(),
        }
    }

    /// Why it ended as it did or how its samples were found, where there is more to say.
    pub fn remark(&self) -> Option<&str> {
        self.status.reason().or(self.note.as_deref())
    }

    /// Whether the final samples answer the goal, however the attack ended; not where the model was
    /// never asked.
    pub fn is_adversarial(&self) -> bool {
        let was_asked = !self.adversarial.probabilities.is_empty();
        was_asked && self.goal.is_reached_by(&self.adversarial, self.original_label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Labels;

    fn outcome(goal: Goal, probabilities: &[f32]) -> Outcome {
        let labels = Labels::new(["Bark", "Meow", "Robin"].map(str::to_owned));
        let verdict = Verdict { labels, probabilities: probabilities.into() };
        Outcome {
            status: Status::Fooled,
            original_label: 0,
            original: verdict.clone(),
            adversarial: verdict,
            samples: Arc::new([0.5]),
            metrics: Metrics::of(&[0.5], &[0.5]),
            iterations: 1,
            gradient_evaluations: 1,
            seconds: 0.0,
            seed: 0,
            goal,
            sixteen_bit: false,
            note: None,
        }
    }

    #[test]
    fn the_margin_is_positive_just_where_the_goal_is_reached() {
        for (goal, probabilities, margin) in [
            (Goal::Untargeted, [0.2, 0.5, 0.3], 0.3),
            (Goal::Untargeted, [0.5, 0.2, 0.3], -0.2),
            (Goal::Targeted(2), [0.2, 0.3, 0.5], 0.2),
            (Goal::Targeted(2), [0.2, 0.5, 0.3], -0.2),
        ] {
            let outcome = outcome(goal, &probabilities);
            assert!((outcome.margin().unwrap() - margin).abs() < 1e-6);
            assert_eq!(outcome.is_adversarial(), margin > 0.0);
        }
        assert_eq!(outcome(Goal::Untargeted, &[]).margin(), None);
    }
}
