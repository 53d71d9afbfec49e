//! What leaves the program: a result as sound, picture, numbers and steps, one by one, in a folder
//! or as a ZIP.
//!
//! [`Record`] is all there is to say of one result. Its JSON is the object of the command line's
//! `--json` and everything beside it that is needed to compute the result again.

mod archive;
mod bundle;
mod error;
mod json;
mod record;
mod rounding;
mod trace;

pub use archive::{Entry, read_entry, zip};
pub use bundle::{Contents, Destination, check_destination, write};
pub use error::ExportError;
pub use json::{
    FORMAT, FORMAT_VERSION, label_json, metrics_json, record_json, spec_json, summary_json,
    survived_json, transfer_json,
};
pub use record::{Hashes, Pictures, Record, Transfer, sha256, sha256_of_samples};
pub use rounding::{Rounding, rounding, rounding_words};
pub use trace::{TraceError, read_trace, trace_csv};

#[cfg(test)]
pub(crate) mod tests;
