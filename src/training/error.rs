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
    /// Recordings can't be decoded or are too long; a line each.
    #[error("these recordings can't be used; mend them or take them out of the data set:{0}")]
    Unreadable(String),
    /// What was found is no data set, or not a usable one.
    #[error("{}: {reason}", path.display())]
    Data {
        /// The folder or list.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The data set has recordings to test only.
    #[error(
        "there is nothing to learn from: no recording is of the train split, or all are held back. \
         See the data set's split column, or give a smaller --validation"
    )]
    Nothing,
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
    /// Weights to start from are of no use.
    #[error("{0}")]
    Start(String),
    /// A picture can't be made.
    #[error(transparent)]
    Figure(#[from] crate::figure::FigureError),
    /// Computing failed.
    #[error(transparent)]
    Compute(#[from] candle_core::Error),
    /// The loss or the gradient is no number any more.
    #[error(
        "at step {step} the loss was {loss} and the gradient's norm {norm}: a lower --learning-rate \
         or a longer --warm-up may help. The checkpoint is from before"
    )]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// The loss.
        loss: f64,
        /// The gradient's norm.
        norm: f64,
    },
}
