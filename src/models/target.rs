//! The label that an attack aims at: one by its name, or one that follows from the clip.

use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use super::labels::{Labels, Verdict};
use crate::names::{self, UnknownName};

/// How a target follows from what a model says of the clean clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetRule {
    /// Any label but the original one, drawn from the seed.
    Random,
    /// The label that the model finds least likely: the hardest.
    LeastLikely,
}

impl TargetRule {
    /// All rules.
    pub const ALL: [Self; 2] = [Self::Random, Self::LeastLikely];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::LeastLikely => "least-likely",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Random => "Random",
            Self::LeastLikely => "Least likely",
        }
    }

    /// The target for a clip of which the model says this, where `original` is the label to leave:
    /// the same for the same seed. None where there is no other label.
    pub fn target(self, verdict: &Verdict, original: usize, seed: u64) -> Option<usize> {
        let mut others = (0..verdict.labels.len()).filter(|&label| label != original);
        match self {
            Self::Random => {
                let others: Vec<usize> = others.collect();
                if others.is_empty() {
                    return None;
                }
                let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
                others.get(random.random_range(0..others.len())).copied()
            }
            // The first of equal ones.
            Self::LeastLikely => {
                let first = others.next()?;
                let less = |best: usize, label: usize| {
                    let lower = verdict.probability(label) < verdict.probability(best);
                    if lower { label } else { best }
                };
                Some(others.fold(first, less))
            }
        }
    }
}

/// A target as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetChoice {
    /// This label.
    Label(usize),
    /// The label that follows from the clip.
    Rule(TargetRule),
}

impl TargetChoice {
    /// What `name` means: a label first, so that every label can be named; otherwise a rule.
    ///
    /// # Errors
    /// [`UnknownName`] with the closest label.
    pub fn find(labels: &Labels, name: &str) -> Result<Self, UnknownName> {
        if let Some(label) = labels.index_of(name) {
            return Ok(Self::Label(label));
        }
        match names::position(&TargetRule::ALL.map(TargetRule::name), name) {
            Some(index) => Ok(Self::Rule(TargetRule::ALL[index])),
            None => labels.find(name).map(Self::Label),
        }
    }

    /// The label, where `verdict` is what the model says of the clean clip and `original` the label
    /// to leave. None where there is none but the original.
    pub fn label(self, verdict: &Verdict, original: usize, seed: u64) -> Option<usize> {
        match self {
            Self::Label(label) => Some(label),
            Self::Rule(rule) => rule.target(verdict, original, seed),
        }
    }

    /// The rule, if it is one.
    pub fn rule(self) -> Option<TargetRule> {
        match self {
            Self::Label(_) => None,
            Self::Rule(rule) => Some(rule),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::*;

    fn verdict(probabilities: &[f32]) -> Verdict {
        let labels = Labels::new((0..probabilities.len()).map(|label| format!("label {label}")));
        Verdict { labels, probabilities: Arc::from(probabilities) }
    }

    #[test]
    fn a_random_target_is_that_of_its_seed_and_never_the_original() {
        let verdict = verdict(&[0.1, 0.6, 0.1, 0.1, 0.1]);
        let draw = |seed| TargetRule::Random.target(&verdict, 1, seed);
        let drawn: HashSet<_> = (0..200).filter_map(draw).collect();
        assert_eq!(drawn, HashSet::from([0, 2, 3, 4]));
        assert!((0..200).all(|seed| draw(seed) == draw(seed)));
    }

    #[test]
    fn the_least_likely_label_is_the_least_probable_and_not_the_original() {
        let target =
            |verdict: &Verdict, original| TargetRule::LeastLikely.target(verdict, original, 7);
        assert_eq!(target(&verdict(&[0.5, 0.1, 0.3, 0.1]), 0), Some(1), "the first of equal ones");
        assert_eq!(target(&verdict(&[0.5, 0.0, 0.2, 0.3]), 1), Some(2));
        assert_eq!(target(&verdict(&[1.0]), 0), None);
        assert_eq!(TargetRule::Random.target(&verdict(&[1.0]), 0, 0), None);
    }

    #[test]
    fn labels_go_before_rules_of_the_same_name() {
        let labels = Labels::new(["Random", "Wren"].map(str::to_owned));
        assert_eq!(TargetChoice::find(&labels, "random"), Ok(TargetChoice::Label(0)));
        let rule = TargetChoice::find(&labels, "Least likely");
        assert_eq!(rule, Ok(TargetChoice::Rule(TargetRule::LeastLikely)));
        let labels = Labels::fsdkaggle2018();
        let rule = TargetChoice::find(&labels, "random");
        assert_eq!(rule, Ok(TargetChoice::Rule(TargetRule::Random)));
        assert_eq!(TargetChoice::find(&labels, "bass drum"), Ok(TargetChoice::Label(3)));
        let unknown = TargetChoice::find(&labels, "tearinf").unwrap_err();
        assert_eq!(unknown.suggestion.as_deref(), Some("Tearing"));
    }
}
