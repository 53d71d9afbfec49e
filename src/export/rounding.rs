//! Whether a file of fewer bits still fools the model that was attacked.

use crate::attacks::Outcome;
use crate::audio::WavDepth;
use crate::survival::{Fate, Survived, Transform};

/// What a file of that depth does to a result: exactly the rounding whose survival is known or can
/// be asked for; none for 32-bit float, which rounds nothing.
pub fn rounding(depth: WavDepth) -> Option<Transform> {
    depth.rounds().then(|| Transform::Rounded { bits: depth.bits(), dithered: false })
}

/// What people must know before they save so few bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// Whether the file still fools the model.
    pub fools: bool,
    /// The same in words.
    pub words: String,
}

/// Puts the verdict on a rounded file into words. `survived` is of [`rounding`]'s transform, and
/// `model` the name for people.
pub fn rounding_words(outcome: &Outcome, survived: &Survived, model: &str) -> Rounding {
    let what = match survived.transform {
        Transform::Rounded { bits, .. } => format!("{bits} bits"),
        other => other.title(),
    };
    if !outcome.is_adversarial() {
        let words =
            format!("The result does not fool {model} in the first place, nor with {what}.");
        return Rounding { fools: false, words };
    }
    let heard = match &survived.result {
        Ok(heard) => heard,
        Err(reason) => {
            let words =
                format!("Whether {what} still fool {model} could not be found out: {reason}");
            return Rounding { fools: false, words };
        }
    };
    let (label, confidence) = (heard.verdict.title(), heard.verdict.top().1);
    let words = match heard.fate {
        Fate::Fooled if outcome.sixteen_bit => format!(
            "The result was made for 16-bit files: {what} hold it exactly, and {model} hears \
             {label} {confidence:.2}."
        ),
        Fate::Fooled => {
            format!("With {what} the file still fools {model}: it hears {label} {confidence:.2}.")
        }
        Fate::NotFooled => format!(
            "With {what} the file does not fool {model} any more: it hears {label} \
             {confidence:.2}. Rounding adds noise as loud as the change."
        ),
        Fate::MisheardAnyway => format!(
            "Rounding to {what} alone makes {model} mishear the clean clip, too: what it hears in \
             the file, {label} {confidence:.2}, says nothing of the attack."
        ),
    };
    Rounding { fools: heard.fate == Fate::Fooled, words }
}
