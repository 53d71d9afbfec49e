//! What passes between a session and whoever drives it.

use std::sync::Arc;

use super::{Answer, Protocol, Slot};
use crate::audio::SAMPLE_RATE;

/// With what is listened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// The output device.
    pub device: Option<String>,
    /// Its rate in Hz.
    pub playback_rate: Option<u32>,
}

/// What a participant does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Agrees to the consent text.
    Agree,
    /// Has set the volume, in dB.
    Volume(f32, Environment),
    /// Goes on from a page without a question.
    Next,
    /// Answers a trial.
    Answer {
        /// What is said.
        answer: Answer,
        /// How long it took, in seconds.
        seconds: f64,
        /// How often the sound was switched.
        switches: u32,
    },
}

/// What a participant may see: nothing of it depends on what is behind the letters.
#[derive(Clone, Debug, PartialEq)]
pub enum Screen {
    /// A text to agree to.
    Consent(String),
    /// The volume is set while a sound of the test plays.
    Volume,
    /// What is about to begin.
    Begin {
        /// Whether it is practice.
        practice: bool,
        /// Trials that follow.
        trials: usize,
    },
    /// A question.
    Trial(TrialScreen),
    /// After a practice trial: whether the answer was right; none for equal grades.
    Feedback(Option<bool>),
    /// A pause.
    Pause {
        /// Trials done.
        done: usize,
        /// Trials in all.
        of: usize,
    },
    /// It is over.
    End,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialScreen {
    /// Whether it is practice.
    pub practice: bool,
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// What is asked.
    pub protocol: Protocol,
}

/// What sounds behind the letters. Only the player, and simulated ears, may look into it.
#[derive(Clone, Debug)]
pub struct Sounds {
    /// A and B.
    pub sounds: [Arc<[f32]>; 2],
    /// Each letter and which of the two it plays.
    pub slots: Vec<(Slot, usize)>,
}

impl Sounds {
    /// The sound behind a letter.
    pub fn behind(&self, slot: Slot) -> Option<&Arc<[f32]>> {
        let (_, index) = self.slots.iter().find(|(other, _)| *other == slot)?;
        self.sounds.get(*index)
    }
}

impl Sounds {
    /// Only the part between two times in seconds, of both sounds alike; all of them without it.
    pub fn cut(self, region: Option<[f64; 2]>) -> Self {
        let Some([start, end]) = region else { return self };
        let at = |seconds: f64| (seconds * f64::from(SAMPLE_RATE)).round().max(0.0) as usize;
        let sounds = self.sounds.map(|sound| {
            let end = at(end).min(sound.len());
            sound.get(at(start).min(end)..end).unwrap_or_default().into()
        });
        Self { sounds, ..self }
    }
}
