//! Why a lab can't be opened or saved.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a lab can't be opened or saved. Each names the file, and what is to be done.
#[derive(Debug, Error)]
pub enum LabFileError {
    /// It can't be read.
    #[error("the lab \u{201c}{}\u{201d} can't be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no lab at all.
    #[error(
        "\u{201c}{}\u{201d} is no lab of Mondegreen ({what}); labs are saved by \u{201c}Save \
         lab\u{2026}\u{201d} and end in .mondegreen",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A later version of the program made it.
    #[error(
        "the lab \u{201c}{}\u{201d} was saved by Mondegreen {program}, which writes a newer format \
         ({version}; this one reads up to {known}); open it with that version or a later one",
        path.display(),
        known = super::FORMAT_VERSION
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format's version.
        version: u32,
        /// The program's version that made it.
        program: String,
    },
    /// Part of it is missing or is not what it was.
    #[error(
        "the lab \u{201c}{}\u{201d} is damaged: {part}; nothing was opened. Copy it again from where \
         it came, or take an older one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part, and how.
        part: String,
    },
    /// It can't be saved.
    #[error(
        "the lab \u{201c}{}\u{201d} can't be saved: {source}; choose a folder that exists and that \
         you may write to, or free some space",
        path.display()
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LabFileError {
    /// Damage in a part of a lab.
    pub(super) fn damaged(path: &std::path::Path, part: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_path_buf(), part: part.into() }
    }
}
