//! Why training did not go on.

use std::path::PathBuf;

use thiserror::Error;

use crate::models::WeightsError;

/// Why a data set, a training run or an evaluation came to nothing.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// A file or folder can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file can't be written.
    #[error("{} can't be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What was found is no data set, or not a usable one.
    #[error("{}: {reason}", path.display())]
    Data {
        /// The folder or list.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A checkpoint belongs to another run, or is damaged.
    #[error("the checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Weights to start from, or those that came out, do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A picture can't be made.
    #[error(transparent)]
    Figure(#[from] crate::figure::FigureError),
    /// Computing failed.
    #[error("training failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// The loss is no number any more.
    #[error(
        "the loss became {loss} at step {step}: a lower --learning-rate or a longer --warm-up may \
         help"
    )]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// Not finite.
        loss: f64,
    },
}
