//! Why an experiment did not go on.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::models::WeightsError;
use crate::training::TrainingError;

/// Why an experiment came to nothing, or stopped.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// The configuration makes no sense; the message names the key.
    #[error("{}: {reason}", path.display())]
    Configuration {
        /// The configuration's file.
        path: PathBuf,
        /// Which key, what is wrong with it, and what to do.
        reason: String,
    },
    /// A file or folder of the run can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the run can't be written: the disk is full and the like.
    #[error(
        "{} can't be written: {source}. What was finished before is kept; free some space or mend \
         the folder, and start the same command again",
        path.display()
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the run holds what no run writes.
    #[error("{}, line {line}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Another process works in the folder.
    #[error(
        "{} is in use by another process; wait for it, or give each process a share of the work \
         with --shard",
        .0.display()
    )]
    InUse(PathBuf),
    /// The folder's rows come from another configuration, data set or weights.
    #[error("{}: {reason}", path.display())]
    Changed {
        /// The run's folder.
        path: PathBuf,
        /// What changed, and what to do.
        reason: String,
    },
    /// There is nothing to do or to report.
    #[error("{0}")]
    Nothing(String),
    /// Stopped by whoever asked for it before there was anything to keep.
    #[error("stopped")]
    Stopped,
    /// The data set can't be used.
    #[error(transparent)]
    Data(#[from] TrainingError),
    /// A model can't be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A figure can't be made.
    #[error(transparent)]
    Figure(#[from] crate::figure::FigureError),
    /// Computing failed.
    #[error("the model failed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl ExperimentError {
    /// What to make of a file that can't be read.
    pub(super) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// What to make of a file that can't be written.
    pub(super) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}
