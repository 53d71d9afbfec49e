//! A lab in one file: the clips with their samples, all results with their samples, steps and
//! verdicts, and how the window looked at them. `docs/lab-file.md` describes the format.
//!
//! The same files lie in a folder of the user's data while the program runs ([`Session`]), so that
//! nothing is lost where it ends unexpectedly, and so that memory need not hold what nobody looks at.

mod error;
mod parse;
mod read;
mod session;
mod state;
mod write;

pub use error::LabFileError;
pub use read::{fetch, open};
pub use session::{Leftover, Session, default_folder};
pub use state::{Body, Desk, DeskResult, Kept, LabState};
pub use write::write;

#[cfg(test)]
mod tests;

/// How a lab file's name ends.
pub const EXTENSION: &str = "mondegreen";

/// What `lab.json` says it is.
const FORMAT: &str = "mondegreen lab";

/// The version of the format that is written, and the newest that is read.
const FORMAT_VERSION: u32 = 1;

/// The table of contents.
const INDEX: &str = "lab.json";

/// Of a result: all that there is to say of it.
const RESULT: &str = "result.json";

/// Of a result: its steps.
const STEPS: &str = "steps.csv";

/// Of a result: the adversarial samples.
const SAMPLES: &str = "adversarial.wav";

/// Whether a file's name ends as that of a lab.
pub fn is_lab_file(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
}
