//! Weights files: safetensors with metadata, checked to the last tensor before a model is built.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::classifier::ModelId;
use super::labels::Labels;
use crate::audio::SAMPLE_RATE;

/// What is said of a file without the metadata `model`.
const NO_MODEL: &str = "its metadata names no model (docs/bring-your-own-model.md says what a file \
                        must have)";

/// Why a weights file is no use.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// No folder that was searched has the model's file.
    #[error(
        "the weights {file} were not found; looked in: {}. Copy the file there, or name its folder \
         with --models DIR or the environment variable MONDEGREEN_MODELS", list(.searched)
    )]
    NotFound {
        /// The file's name.
        file: String,
        /// Where it was looked for.
        searched: Vec<PathBuf>,
    },
    /// The file can't be read.
    #[error("the weights {} can't be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a whole safetensors file.
    #[error("{} is not a safetensors file or is damaged (truncated?): {reason}. Get it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// The file is whole, but of something else.
    #[error("{} does not fit: {reason}", path.display())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A weights file's tensors as `f32`, its metadata and its hash. Tensors are taken out one by one,
/// and at the end none may be left.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    metadata: HashMap<String, String>,
    sha256: String,
    parameters: usize,
}

impl Weights {
    /// Reads a file; `f16`, `bf16` and `f32` tensors are accepted.
    ///
    /// # Errors
    /// Where it can't be read, is damaged, or holds another type of number or a non-finite one.
    pub fn load(path: &Path) -> Result<Self, WeightsError> {
        let bytes = std::fs::read(path)
            .map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &bytes)
    }

    /// Reads a file's bytes; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
        let damaged = |reason: String| WeightsError::Damaged { path: path.to_owned(), reason };
        let misfit = |reason: String| WeightsError::Misfit { path: path.to_owned(), reason };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(e.to_string()))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(e.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let values = decode(view.dtype(), view.data()).ok_or_else(|| {
                misfit(format!("tensor {name} is {:?}, not f16 or f32", view.dtype()))
            })?;
            if values.iter().any(|v| !v.is_finite()) {
                return Err(misfit(format!("tensor {name} has a value that is not finite")));
            }
            tensors.insert(name, (view.shape().to_vec(), values));
        }
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let parameters = tensors.values().map(|(_, values)| values.len()).sum();
        Ok(Self { path: path.to_owned(), tensors, metadata, sha256, parameters })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A metadata entry.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How many numbers the file has.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// An error that says what of this file does not fit.
    pub fn misfit(&self, reason: impl Into<String>) -> WeightsError {
        WeightsError::Misfit { path: self.path.clone(), reason: reason.into() }
    }

    /// The model that its metadata names.
    ///
    /// # Errors
    /// Where it names none, or one that does not exist.
    pub fn model(&self) -> Result<ModelId, WeightsError> {
        let name = self.metadata("model").ok_or_else(|| self.misfit(NO_MODEL))?;
        ModelId::ALL.into_iter().find(|id| id.name() == name).ok_or_else(|| {
            let known = ModelId::ALL.map(ModelId::name).join(", ");
            self.misfit(format!(
                "its metadata names the model \u{201c}{name}\u{201d}; it must be one of {known}"
            ))
        })
    }

    /// Checks that the file is of the model `name` and made for our sample rate, and reads its
    /// labels.
    ///
    /// # Errors
    /// Where it is of another model, at another rate, or its labels are missing or repeated.
    pub fn check_header(&self, name: &str) -> Result<Labels, WeightsError> {
        match self.metadata("model") {
            Some(model) if model == name => {}
            Some(other) => {
                return Err(
                    self.misfit(format!("its weights are of the model {other}, not {name}"))
                );
            }
            None => return Err(self.misfit(NO_MODEL)),
        }
        let rate = self.metadata("sample_rate");
        if rate.and_then(|r| r.parse().ok()) != Some(SAMPLE_RATE) {
            let rate = rate.unwrap_or("no");
            return Err(self.misfit(format!("it states {rate} sample rate, not {SAMPLE_RATE}")));
        }
        let labels = self.metadata("labels").ok_or_else(|| self.misfit("it has no labels"))?;
        let labels: Vec<String> = serde_json::from_str(labels)
            .map_err(|e| self.misfit(format!("its labels are not a JSON list of names: {e}")))?;
        let mut unique = labels.clone();
        unique.sort();
        unique.dedup();
        if labels.iter().any(|label| label.trim().is_empty()) {
            return Err(self.misfit("one of its labels is empty"));
        }
        if unique.len() != labels.len() || labels.len() < 2 {
            return Err(self.misfit("it needs at least two labels, all different"));
        }
        Ok(Labels::new(labels))
    }

    /// Takes a tensor of exactly this shape.
    ///
    /// # Errors
    /// Where it is missing or has another shape.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        match self.tensors.remove(name) {
            Some((found, values)) if found == shape => Ok(values),
            Some((found, _)) => {
                Err(self.misfit(format!("tensor {name} has shape {found:?}, not {shape:?}")))
            }
            None => Err(self.misfit(format!("tensor {name} {shape:?} is missing"))),
        }
    }

    /// Checks that every tensor was taken.
    ///
    /// # Errors
    /// Where one is left: the file is of a larger model than we built.
    pub fn finish(&self) -> Result<(), WeightsError> {
        match self.tensors.keys().next() {
            None => Ok(()),
            Some(name) => {
                let others = self.tensors.len() - 1;
                Err(self.misfit(format!(
                    "tensor {name} (and {others} more) belongs to no part of the model"
                )))
            }
        }
    }
}

fn decode(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let pairs = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    Some(match dtype {
        Dtype::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        }
        Dtype::F16 => pairs().map(|b| half::f16::from_le_bytes(b).to_f32()).collect(),
        Dtype::BF16 => pairs().map(|b| half::bf16::from_le_bytes(b).to_f32()).collect(),
        _ => return None,
    })
}
