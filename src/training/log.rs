//! The log of a run: a CSV file, and the same as a picture.

use std::path::Path;

use super::error::TrainingError;
use super::trainer::Epoch;
use crate::files;

/// Writes the finished epochs beside the weights file `out`, as `NAME.training.csv`.
///
/// # Errors
/// Where the file can't be written.
pub fn write_log(history: &[Epoch], out: &Path) -> Result<(), TrainingError> {
    let path = out.with_extension("training.csv");
    let write = |source| TrainingError::Write { path: path.clone(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for epoch in history {
        writer.serialize(epoch).map_err(|e| write(std::io::Error::other(e)))?;
    }
    let bytes = writer.into_inner().map_err(|e| write(std::io::Error::other(e.to_string())))?;
    files::replace(&path, &bytes).map_err(write)
}
