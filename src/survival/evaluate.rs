//! Does the model still fall for it?

use super::Transform;
use crate::attacks::{Flow, Goal};
use crate::metrics::snr_db;
use crate::models::{Classifier, Verdict};

/// What became of an adversarial clip by one transform.
#[derive(Clone, Debug)]
pub struct Survived {
    /// The transform.
    pub transform: Transform,
    /// What the model hears now, or why that could not be found out.
    pub result: Result<Heard, String>,
}

/// What a model hears in a transformed adversarial clip.
#[derive(Clone, Debug)]
pub struct Heard {
    /// What it says.
    pub verdict: Verdict,
    /// Whether that still answers the goal.
    pub fooled: bool,
    /// How little the transform changed: the adversarial clip's energy over that of the difference,
    /// in dB; infinite where it changed nothing.
    pub snr_db: f64,
}

impl Survived {
    /// Whether the model is still fooled; none where that could not be found out.
    pub fn fooled(&self) -> Option<bool> {
        self.result.as_ref().ok().map(|heard| heard.fooled)
    }

    /// The state in a few plain words, the same everywhere (window, JSON, tables).
    pub fn status(&self) -> &'static str {
        match self.fooled() {
            Some(true) => "fooled",
            Some(false) => "not fooled",
            None => "failed",
        }
    }
}

/// Applies all of [`Transform::ALL`] to the adversarial `samples`, one by one, and asks the model
/// each time. Untargeted, it is fooled while it does not say `original_label`; targeted, while it
/// says the target. `observer` is told of each and may stop the rest.
///
/// Where a transform or the model fails, that one says why and the others go on.
pub fn survival(
    classifier: &dyn Classifier,
    original_label: usize,
    goal: Goal,
    samples: &[f32],
    seed: u64,
    mut observer: impl FnMut(&Survived) -> Flow,
) -> Vec<Survived> {
    let mut all = Vec::with_capacity(Transform::ALL.len());
    for transform in Transform::ALL {
        let survived = Survived {
            transform,
            result: one(classifier, original_label, goal, samples, seed, transform),
        };
        let flow = observer(&survived);
        all.push(survived);
        if flow == Flow::Stop {
            break;
        }
    }
    all
}

fn one(
    classifier: &dyn Classifier,
    original_label: usize,
    goal: Goal,
    samples: &[f32],
    seed: u64,
    transform: Transform,
) -> Result<Heard, String> {
    let transformed = transform.apply(samples, seed).map_err(|error| error.to_string())?;
    let verdict = classifier.classify(&transformed).map_err(|error| error.to_string())?;
    let label = verdict.top().0;
    let fooled = match goal {
        Goal::Untargeted => label != original_label,
        Goal::Targeted(target) => label == target,
    };
    Ok(Heard { verdict, fooled, snr_db: snr_db(samples, &transformed) })
}
