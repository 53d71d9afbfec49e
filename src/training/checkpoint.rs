//! The whole state of a run in one file, so that a killed run goes on where it was.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::error::TrainingError;
use super::optimiser::{Optimiser, Slot};
use super::settings::Settings;
use super::trainer::Epoch;
use crate::files;

/// What is kept of each tensor.
const PARTS: [&str; 4] = ["value", "first", "second", "average"];

/// A run between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What the run was told.
    pub settings: Settings,
    /// Steps done.
    pub step: u64,
    /// Sum of the losses of the current epoch's steps.
    pub loss_sum: f64,
    /// The finished epochs.
    pub history: Vec<Epoch>,
    /// Weights and their averages.
    pub optimiser: Optimiser,
    /// Seconds that were computed.
    pub seconds: f64,
}

/// What of a checkpoint is no tensor.
#[derive(Deserialize, Serialize)]
struct Notes {
    settings: Settings,
    step: u64,
    loss_sum: f64,
    history: Vec<Epoch>,
    seconds: f64,
    order: Vec<String>,
}

impl Checkpoint {
    /// Writes it to a file, which is whole or not there at all.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainingError> {
        let write = |source| TrainingError::Write { path: path.to_owned(), source };
        let slots = &self.optimiser.slots;
        let notes = Notes {
            settings: self.settings.clone(),
            step: self.step,
            loss_sum: self.loss_sum,
            history: self.history.clone(),
            seconds: self.seconds,
            order: slots.iter().map(|slot| slot.name.clone()).collect(),
        };
        let bytes =
            |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
        let data: Vec<_> = slots
            .iter()
            .flat_map(|slot| {
                let values = [&slot.value, &slot.first, &slot.second, &slot.average];
                let name = |part| format!("{}:{part}", slot.name);
                PARTS
                    .into_iter()
                    .zip(values)
                    .map(move |(part, v)| (name(part), &slot.shape, bytes(v)))
            })
            .collect();
        let views = data.iter().map(|(name, shape, data)| {
            TensorView::new(Dtype::F32, (*shape).clone(), data).map(|view| (name.clone(), view))
        });
        let views: Vec<_> =
            views.collect::<Result<_, _>>().map_err(|e| write(std::io::Error::other(e)))?;
        let notes = serde_json::to_string(&notes).map_err(|e| write(e.into()))?;
        let metadata = HashMap::from([("run".to_owned(), notes)]);
        let file = safetensors::serialize(views, Some(metadata))
            .map_err(|e| write(std::io::Error::other(e)))?;
        files::replace(path, &file).map_err(write)
    }

    /// Reads it again; none where there is no file.
    ///
    /// # Errors
    /// Where it can't be read or is not whole.
    pub fn load(path: &Path) -> Result<Option<Self>, TrainingError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TrainingError::Read { path: path.to_owned(), source }),
        };
        let damaged = |reason: String| TrainingError::Checkpoint {
            path: path.to_owned(),
            reason: format!("{reason}. Begin anew with --fresh"),
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
        let notes = header.metadata().as_ref().and_then(|m| m.get("run"));
        let notes = notes.ok_or_else(|| damaged("it is none of ours".to_owned()))?;
        let notes: Notes = serde_json::from_str(notes).map_err(|e| damaged(e.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
        let mut slots = Vec::new();
        for name in notes.order {
            let mut shape = Vec::new();
            let mut parts = Vec::new();
            for part in PARTS {
                let view =
                    file.tensor(&format!("{name}:{part}")).map_err(|e| damaged(e.to_string()))?;
                shape = view.shape().to_vec();
                let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                parts.push(view.data().chunks_exact(4).map(number).collect::<Vec<f32>>());
            }
            let Ok([value, first, second, average]) = <[Vec<f32>; 4]>::try_from(parts) else {
                return Err(damaged("a part is missing".to_owned()));
            };
            slots.push(Slot { name, shape, value, first, second, average });
        }
        Ok(Some(Self {
            settings: notes.settings,
            step: notes.step,
            loss_sum: notes.loss_sum,
            history: notes.history,
            optimiser: Optimiser { slots },
            seconds: notes.seconds,
        }))
    }
}
