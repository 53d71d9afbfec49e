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
    /// What it says of the clean clip after the same transform.
    pub clean: Verdict,
    /// Whether it still is fooled.
    pub fate: Fate,
    /// How little the transform changed: the adversarial clip's energy over that of the difference,
    /// in dB; infinite where it changed nothing.
    pub snr_db: f64,
}

/// What a transform makes of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The model still answers the goal.
    Fooled,
    /// It does not any more.
    NotFooled,
    /// The transform alone makes it answer the goal for the clean clip, too, so that its answer to
    /// the adversarial one says nothing.
    MisheardAnyway,
}

impl Survived {
    /// Whether the model is still fooled; none where that could not be found out.
    pub fn fate(&self) -> Option<Fate> {
        self.result.as_ref().ok().map(|heard| heard.fate)
    }

    /// The state in a few plain words, the same everywhere (window, JSON, tables).
    pub fn status(&self) -> &'static str {
        match self.fate() {
            Some(Fate::Fooled) => "fooled",
            Some(Fate::NotFooled) => "not fooled",
            Some(Fate::MisheardAnyway) => "misheard anyway",
            None => "failed",
        }
    }
}

/// How many transforms a result survives, and of how many that can be said.
pub fn count(all: &[Survived]) -> (usize, usize) {
    let of = |fate| all.iter().filter(|survived| survived.fate() == Some(fate)).count();
    let fooled = of(Fate::Fooled);
    (fooled, fooled + of(Fate::NotFooled))
}

/// A success, and whom it fooled.
pub struct Success<'a> {
    /// The model that was attacked.
    pub classifier: &'a dyn Classifier,
    /// The label that was left.
    pub original_label: usize,
    /// Where the answer went: away from that label, or to another.
    pub goal: Goal,
    /// The clean samples, mono at 32 kHz.
    pub clean: &'a [f32],
    /// The adversarial ones.
    pub adversarial: &'a [f32],
    /// Seed of dither and noise.
    pub seed: u64,
}

impl Success<'_> {
    fn is_reached_by(&self, verdict: &Verdict) -> bool {
        self.goal.is_reached_by(verdict, self.original_label)
    }

    fn after(&self, transform: Transform) -> Result<Heard, String> {
        let heard = |samples: &[f32]| {
            let transformed =
                transform.apply(samples, self.seed).map_err(|error| error.to_string())?;
            let verdict =
                self.classifier.classify(&transformed).map_err(|error| error.to_string())?;
            Ok::<_, String>((transformed, verdict))
        };
        let (transformed, verdict) = heard(self.adversarial)?;
        let (_, clean) = heard(self.clean)?;
        let fate = if self.is_reached_by(&clean) {
            Fate::MisheardAnyway
        } else if self.is_reached_by(&verdict) {
            Fate::Fooled
        } else {
            Fate::NotFooled
        };
        Ok(Heard { verdict, clean, fate, snr_db: snr_db(self.adversarial, &transformed) })
    }
}

/// Applies all of [`Transform::ALL`] to both clips, one by one, and asks the model each time.
/// `observer` is told of each and may stop the rest.
///
/// Where a transform or the model fails, that one says why and the others go on.
pub fn survival(success: &Success<'_>, observer: impl FnMut(&Survived) -> Flow) -> Vec<Survived> {
    survival_of(success, &Transform::ALL, observer)
}

/// The same for these transforms only.
pub fn survival_of(
    success: &Success<'_>,
    transforms: &[Transform],
    mut observer: impl FnMut(&Survived) -> Flow,
) -> Vec<Survived> {
    let mut all = Vec::with_capacity(transforms.len());
    for &transform in transforms {
        let survived = Survived { transform, result: success.after(transform) };
        let flow = observer(&survived);
        all.push(survived);
        if flow == Flow::Stop {
            break;
        }
    }
    all
}
