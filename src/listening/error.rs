//! What can go wrong in a listening test.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::audio::{LoadError, SaveError};

/// Why a listening test can't be made, run or read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "`path` is the file in every variant")]
pub enum ListenError {
    /// A key of a session file has a value that can't be.
    #[error("\u{201c}{key}\u{201d} in the session file: {problem}")]
    Key { key: String, problem: String },
    /// It is no TOML, or has keys that nothing is known of.
    #[error("\u{201c}{path}\u{201d} is not a session file: {problem}")]
    Toml { path: PathBuf, problem: String },
    /// Two sounds of a pair do not fit each other.
    #[error(
        "{original} and {changed} can't be compared: {difference}; both must have the same rate, \
         channels and length"
    )]
    Unequal { original: String, changed: String, difference: String },
    /// Two sounds of a pair are the same, sample by sample.
    #[error(
        "{original} and {changed} are the same to the last bit as they are played here (mono, \
         32 kHz): there is nothing to hear"
    )]
    Identical { original: String, changed: String },
    /// A silent original has no signal-to-noise ratio.
    #[error("{name} is silent, so no SNR can be set for it; choose another clip")]
    Silent { name: String },
    /// A folder without pairs.
    #[error(
        "\u{201c}{path}\u{201d} holds no pairs: put NAME_nat.wav and NAME_adv.wav into it \
         (\u{201c}Save pair of WAVs\u{201d} in the Lab makes them)"
    )]
    NoPairs { path: PathBuf },
    /// Half a pair.
    #[error("\u{201c}{path}\u{201d} has no partner {missing} beside it")]
    HalfPair { path: PathBuf, missing: String },
    /// A sound can't be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A sound can't be written.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A file or folder can't be read or written.
    #[error("\u{201c}{path}\u{201d}: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// The log exists, and would be written over.
    #[error(
        "\u{201c}{path}\u{201d} exists; resume it, or choose another name: a log is never written over"
    )]
    LogExists { path: PathBuf },
    /// Somebody else writes the log.
    #[error("\u{201c}{path}\u{201d} is open elsewhere: end that session first")]
    InUse { path: PathBuf },
    /// A line of a log is not as it was written.
    #[error("\u{201c}{path}\u{201d}, line {line}: {problem}")]
    Log { path: PathBuf, line: usize, problem: String },
    /// A log is of another test than what should go on with it.
    #[error("\u{201c}{path}\u{201d} can't be resumed: {problem}")]
    Resume { path: PathBuf, problem: String },
    /// An answer that the question does not have, or at another time.
    #[error("that can't be done now: {0}")]
    Action(&'static str),
    /// Logs that can't be reported on together.
    #[error("{0}")]
    Report(String),
}

impl ListenError {
    /// A bad value in a session file.
    pub(super) fn key(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Key { key: key.into(), problem: problem.into() }
    }
}
