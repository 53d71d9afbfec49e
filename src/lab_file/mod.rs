//! A lab in one file: the clips with their samples, all results with their samples, steps and
//! verdicts, and how the window looked at them. `docs/lab-file.md` describes the format.

mod error;
mod parse;
mod read;
mod state;
mod write;

pub use error::LabFileError;
pub use read::open;
pub use state::LabState;
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
