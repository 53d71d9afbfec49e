//! The lines of a log; `docs/listening-log.md` describes them.

use serde::{Deserialize, Serialize};

use super::{Answer, Arrangement, Part, TestFile};

/// The version of the log's format.
pub const SCHEMA: u32 = 1;

/// One line of a log, without its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The first line: everything that was fixed before the first trial.
    Start(Box<Start>),
    /// The participant agreed to the consent text.
    Consent {
        /// Milliseconds since 1970, UTC.
        time_ms: u64,
    },
    /// The volume was set.
    Volume {
        /// Milliseconds since 1970, UTC.
        time_ms: u64,
        /// The player's gain in dB, beside the system's own volume.
        gain_db: f32,
        /// The output device, if one was open.
        device: Option<String>,
        /// Its sample rate in Hz.
        playback_rate: Option<u32>,
    },
    /// An answer.
    Answer(Answered),
    /// The session was taken up again.
    Resume {
        /// Milliseconds since 1970, UTC.
        time_ms: u64,
        /// Bytes of an unfinished last line that were cut off.
        dropped_bytes: u64,
    },
    /// The last line of a whole session.
    End {
        /// Milliseconds since 1970, UTC.
        time_ms: u64,
        /// Answers in the log, practice and catch trials included.
        answers: usize,
    },
}

/// What was fixed before the first trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The program's version.
    pub program: String,
    /// Milliseconds since 1970, UTC.
    pub time_ms: u64,
    /// A pseudonym.
    pub participant: String,
    /// What the hidden order was drawn with.
    pub seed: u64,
    /// The whole test.
    pub test: TestFile,
    /// The pairs, in the order of their numbers.
    pub stimuli: Vec<LoggedStimulus>,
    /// The linear gain that all sounds were played at, beside the volume.
    pub headroom_gain: f32,
}

/// A pair as the log names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedStimulus {
    /// Its name.
    pub name: String,
    /// See [`Stimulus::sha256`](super::Stimulus::sha256).
    pub sha256: String,
    /// Its own SNR in dB; none where it is not finite.
    pub snr_db: Option<f64>,
    /// Its length in seconds.
    pub seconds: f64,
}

/// A trial as it was played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number in the plan, from 0, practice included.
    pub trial: usize,
    /// What it was for.
    pub part: Part,
    /// The pair, by its number from 0.
    pub stimulus: usize,
    /// SNR of the changed sound in dB; none where it is not finite.
    pub snr_db: Option<f64>,
    /// What was behind the letters.
    #[serde(flatten)]
    pub arrangement: Arrangement,
}

/// A trial and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// What was played.
    #[serde(flatten)]
    pub trial: Trial,
    /// What was said.
    pub answer: Answer,
    /// Whether it was right; none for equal grades.
    pub right: Option<bool>,
    /// From the trial's first show to the answer, in seconds.
    pub seconds: f64,
    /// How often the sound was switched.
    pub switches: u32,
    /// Milliseconds since 1970, UTC.
    pub time_ms: u64,
}
