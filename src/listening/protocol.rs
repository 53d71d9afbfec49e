//! What is asked.

use serde::{Deserialize, Serialize};

/// A kind of listening test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// A and B differ; is X the one or the other?
    #[default]
    #[serde(rename = "abx")]
    Abx,
    /// Which of A and B was changed?
    #[serde(rename = "2afc")]
    TwoAfc,
    /// Are A and B the same or different?
    #[serde(rename = "same-different")]
    SameDifferent,
    /// Grades for A and B beside a known reference; one of them is the reference, hidden
    /// (ITU-R BS.1116-3).
    #[serde(rename = "triple")]
    Triple,
    /// 2AFC; two right answers in a row make it harder, a wrong one easier (Levitt, "Transformed
    /// up-down methods in psychoacoustics", 1971): it settles where 70.7 % are right.
    #[serde(rename = "staircase-2-down-1-up")]
    TwoDown,
    /// The same with three right answers: 79.4 %.
    #[serde(rename = "staircase-3-down-1-up")]
    ThreeDown,
    /// 2AFC at the level that is expected to tell most (Watson, "QUEST+: A general multidimensional
    /// Bayesian adaptive psychometric method", 2017).
    #[serde(rename = "quest-plus")]
    QuestPlus,
}

/// A sound that can be listened to in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
    /// The unknown one of ABX.
    X,
    /// The reference, known to be the original.
    Reference,
}

impl Slot {
    /// The letter on its button and its key.
    pub fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::X => "X",
            Self::Reference => "R",
        }
    }
}

/// What a participant says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// One of [`Protocol::answers`], by its number from 0.
    Choice(u8),
    /// Grades of A and B, from 1.0 to 5.0.
    Grades([f32; 2]),
}

impl Protocol {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 7] = [
        Self::Abx,
        Self::TwoAfc,
        Self::SameDifferent,
        Self::Triple,
        Self::TwoDown,
        Self::ThreeDown,
        Self::QuestPlus,
    ];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Abx => "abx",
            Self::TwoAfc => "2afc",
            Self::SameDifferent => "same-different",
            Self::Triple => "triple",
            Self::TwoDown => "staircase-2-down-1-up",
            Self::ThreeDown => "staircase-3-down-1-up",
            Self::QuestPlus => "quest-plus",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Abx => "ABX",
            Self::TwoAfc => "2AFC: which was changed?",
            Self::SameDifferent => "Same or different?",
            Self::Triple => "Grades with hidden reference (BS.1116)",
            Self::TwoDown => "Staircase, 2 down 1 up",
            Self::ThreeDown => "Staircase, 3 down 1 up",
            Self::QuestPlus => "QUEST+ (Bayesian)",
        }
    }

    /// What it is good for, in a sentence.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Abx => {
                "A and B differ; X is one of them. Needs no knowledge of what the change sounds \
                 like: the usual test of whether two sounds can be told apart."
            }
            Self::TwoAfc => {
                "One of A and B was changed. The most sensitive test for people who have learnt \
                 what the change sounds like."
            }
            Self::SameDifferent => {
                "A and B are the same sound or not. Natural, but answers depend on how readily \
                 somebody says \u{201c}different\u{201d}, which d' takes into account."
            }
            Self::Triple => {
                "A known reference, and two sounds to grade from 1 to 5, one of which is the \
                 reference again. Says how annoying a small change is."
            }
            Self::TwoDown => {
                "The change is made softer after two right answers and louder after a wrong one, \
                 so that it settles where 70.7 % are right: the threshold in dB SNR."
            }
            Self::ThreeDown => {
                "As 2 down 1 up, but after three right answers: settles where 79.4 % are right, \
                 with easier trials."
            }
            Self::QuestPlus => {
                "Each trial is played at the SNR that tells most about threshold and slope after \
                 all answers so far: the fewest trials for a threshold."
            }
        }
    }

    /// The question of a trial.
    pub fn question(self) -> &'static str {
        match self {
            Self::Abx => "Is X the same as A or the same as B?",
            Self::SameDifferent => "Are A and B the same or different?",
            Self::Triple => "How do A and B compare with the reference R?",
            Self::TwoAfc | Self::TwoDown | Self::ThreeDown | Self::QuestPlus => {
                "Which one was changed, A or B?"
            }
        }
    }

    /// What can be listened to.
    pub fn slots(self) -> &'static [Slot] {
        match self {
            Self::Abx => &[Slot::A, Slot::B, Slot::X],
            Self::Triple => &[Slot::Reference, Slot::A, Slot::B],
            _ => &[Slot::A, Slot::B],
        }
    }

    /// The answers to choose from; none where grades are given.
    pub fn answers(self) -> &'static [&'static str] {
        match self {
            Self::Abx => &["X is A", "X is B"],
            Self::SameDifferent => &["Same", "Different"],
            Self::Triple => &[],
            Self::TwoAfc | Self::TwoDown | Self::ThreeDown | Self::QuestPlus => {
                &["A was changed", "B was changed"]
            }
        }
    }

    /// What must be said beside the number of right answers that a test needs, and its power.
    pub fn power_caveat(self) -> &'static str {
        match self {
            Self::Triple => {
                " That is where no two grades are equal: trials with equal grades do not count, \
                 what is needed is counted of the others, and the power is less."
            }
            _ => "",
        }
    }

    /// Whether the level follows the answers.
    pub fn is_adaptive(self) -> bool {
        matches!(self, Self::TwoDown | Self::ThreeDown | Self::QuestPlus)
    }

    /// What a tracker's own estimate of the threshold is; none where the level is fixed.
    pub fn tracks(self) -> Option<&'static str> {
        match self {
            Self::TwoDown => Some("The staircase itself settled (70.7 % right) at"),
            Self::ThreeDown => Some("The staircase itself settled (79.4 % right) at"),
            Self::QuestPlus => Some("QUEST+ itself expects the threshold (75 % right) at"),
            _ => None,
        }
    }

    /// How many trials are usual: 16 is a good balance of power and fatigue; a threshold takes more.
    pub fn usual_trials(self) -> usize {
        if self.is_adaptive() { 50 } else { 16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_program_use_the_same_names() {
        for protocol in Protocol::ALL {
            let written = serde_json::to_value(protocol).unwrap();
            assert_eq!(written, protocol.name());
            assert!(protocol.answers().len() == 2 || protocol == Protocol::Triple);
        }
    }
}
