//! What a run kept of a row: the clean clip, which is the data set's, and the adversarial one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::configuration::Configuration;
use super::error::ExperimentError;
use super::folder::RunFolder;
use super::row::Row;
use crate::audio::{self, Clip};

/// Both sides of a row, as the run computed with them: mono at
/// [`SAMPLE_RATE`](crate::audio::SAMPLE_RATE), of one length.
pub struct KeptPair {
    /// The row.
    pub row: Row,
    /// The clip of the data set.
    pub clean: Clip,
    /// The adversarial samples.
    pub adversarial: Arc<[f32]>,
}

impl RunFolder {
    /// The pair of a row; none where the adversarial clip was not kept.
    ///
    /// # Errors
    /// Where one of the two can't be read, or is no longer what it was.
    pub fn kept_pair(
        &self,
        configuration: &Configuration,
        row: &Row,
    ) -> Result<Option<KeptPair>, ExperimentError> {
        let Some(kept) = &row.kept else { return Ok(None) };
        let clean = load(&configuration.clip_path(&row.clip), configuration)?;
        let adversarial = self.adversarial(configuration, kept)?;
        let (a, b) = (clean.samples.len(), adversarial.len());
        if a != b {
            return Err(ExperimentError::Nothing(format!(
                "{} has {a} samples now, the adversarial clip that was made of it {b}: the data set \
                 was changed since",
                clean.source().display()
            )));
        }
        let sha256 = crate::export::sha256_of_samples(&clean.samples);
        if row.clip_sha256.as_ref().is_some_and(|then| *then != sha256) {
            return Err(ExperimentError::Nothing(format!(
                "{} is another recording now than the adversarial clip was made of",
                clean.source().display()
            )));
        }
        let sha256 = crate::export::sha256_of_samples(&adversarial);
        if !row.samples_sha256.is_empty() && row.samples_sha256 != sha256 {
            return Err(ExperimentError::Nothing(format!(
                "{} is not what the run kept there: it was damaged or replaced since",
                self.path().join(kept).display()
            )));
        }
        Ok(Some(KeptPair { row: row.clone(), clean, adversarial }))
    }

    /// The pairs of all rows that fool their model and were kept, in the plan's order.
    ///
    /// # Errors
    /// Where there is none, there are more than `most` (they are held in memory), or one can't be
    /// read.
    pub fn kept_pairs(&self, most: usize) -> Result<Vec<KeptPair>, ExperimentError> {
        let configuration = self.configuration()?;
        let rows = self.rows()?;
        let kept: Vec<&Row> =
            rows.iter().filter(|row| row.fooled() && row.kept.is_some()).collect();
        let run = self.path().display();
        if kept.is_empty() {
            return Err(ExperimentError::Nothing(format!(
                "{run} holds no pairs: the run has no success yet whose adversarial clip was kept \
                 (keep = \"wav\")"
            )));
        }
        if kept.len() > most {
            return Err(ExperimentError::Nothing(format!(
                "{run} keeps {} pairs, and a test takes {most} at most: make a run of fewer clips, \
                 models or attacks",
                kept.len()
            )));
        }
        let pairs = kept.into_iter().map(|row| self.kept_pair(&configuration, row));
        pairs.filter_map(Result::transpose).collect()
    }

    /// The samples of a file that the run kept, of either kind.
    pub(super) fn adversarial(
        &self,
        configuration: &Configuration,
        kept: &str,
    ) -> Result<Arc<[f32]>, ExperimentError> {
        let path = self.path().join(kept);
        if kept.ends_with(".wav") {
            return load(&path, configuration).map(|clip| clip.samples);
        }
        let bytes = fs::read(&path).map_err(ExperimentError::read(&path))?;
        let damaged = |error: safetensors::SafeTensorError| {
            ExperimentError::read(&path)(std::io::Error::other(error.to_string()))
        };
        let file = safetensors::SafeTensors::deserialize(&bytes).map_err(damaged)?;
        let tensor = file.tensor("adversarial").map_err(damaged)?;
        let samples = tensor.data().chunks_exact(4);
        Ok(samples.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}

/// A clip as runs read it.
pub(super) fn load(path: &Path, configuration: &Configuration) -> Result<Clip, ExperimentError> {
    audio::load(path, configuration.limit_seconds)
        .map_err(|error| ExperimentError::Nothing(error.to_string()))
}
