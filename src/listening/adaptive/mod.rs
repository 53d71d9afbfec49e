//! Levels that follow the answers.

mod quest_plus;
mod up_down;

pub use quest_plus::QuestPlus;
pub use up_down::UpDown;

use super::Protocol;
use super::test_file::Adaptive;

/// Sets the SNR of the next trial.
#[derive(Clone, Debug)]
pub enum Tracker {
    /// A transformed up-down staircase.
    UpDown(UpDown),
    /// The level that is expected to tell most.
    QuestPlus(Box<QuestPlus>),
}

impl Tracker {
    /// The tracker of a protocol; none where the level is fixed.
    pub fn new(protocol: Protocol, settings: &Adaptive) -> Option<Self> {
        match protocol {
            Protocol::TwoDown => Some(Self::UpDown(UpDown::new(2, settings))),
            Protocol::ThreeDown => Some(Self::UpDown(UpDown::new(3, settings))),
            Protocol::QuestPlus => Some(Self::QuestPlus(Box::new(QuestPlus::new(settings)))),
            _ => None,
        }
    }

    /// SNR of the next trial in dB.
    pub fn snr_db(&self) -> f64 {
        match self {
            Self::UpDown(staircase) => staircase.snr_db(),
            Self::QuestPlus(quest) => quest.snr_db(),
        }
    }

    /// Takes in an answer to a trial at that SNR.
    pub fn answer(&mut self, right: bool) {
        match self {
            Self::UpDown(staircase) => staircase.answer(right),
            Self::QuestPlus(quest) => quest.answer(right),
        }
    }

    /// The threshold in dB SNR so far; for a staircase the mean of the reversals with its last step,
    /// none before there are two.
    pub fn estimate(&self) -> Option<f64> {
        match self {
            Self::UpDown(staircase) => staircase.estimate(),
            Self::QuestPlus(quest) => Some(quest.threshold().0),
        }
    }
}
