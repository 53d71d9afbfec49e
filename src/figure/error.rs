//! What can go wrong with a figure.

use std::path::PathBuf;

use thiserror::Error;

/// Why there is no figure.
#[derive(Debug, Error)]
pub enum FigureError {
    /// The file's name ends neither in .png nor in .svg.
    #[error(
        "cannot tell the format of the figure {} from its name; end it in .png or .svg",
        path.display()
    )]
    Ending {
        /// The name that was given.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error(
        "cannot write the figure {}: {source}; choose a folder that exists and that you may write \
         to",
        path.display()
    )]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The width asked for is too small to read or too large to draw.
    #[error("a figure cannot be {0} pixels wide; choose 200 to 16384")]
    Width(u32),
    /// Drawing or packing the picture failed.
    #[error("cannot draw the figure: {0}")]
    Drawing(String),
}
