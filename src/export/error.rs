//! What can go wrong when a result leaves the program.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::figure::FigureError;

/// Why a result could not be exported. Nothing is left half done.
#[derive(Debug, Error)]
pub enum ExportError {
    /// Nothing was chosen.
    #[error("nothing was chosen to export; choose at least one kind of file")]
    Nothing,
    /// The ZIP, the folder or a file in it can't be written.
    #[error(
        "\u{201c}{}\u{201d} can't be written: {source}; choose a folder that exists and that you may \
         write to, or free some space",
        path.display()
    )]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The figure can't be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// Sound or archive can't be packed.
    #[error("{what} can't be packed: {reason}")]
    Packing {
        /// The file.
        what: String,
        /// Why.
        reason: String,
    },
}
