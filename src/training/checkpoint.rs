//! The whole state of a run in one file, so that a killed run goes on where it was.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::error::TrainingError;
use super::export::Trained;
use super::optimiser::{Optimiser, Slot};
use super::settings::Settings;
use super::trainer::Epoch;
use crate::files;

/// What is kept of each tensor.
const PARTS: [&str; 4] = ["value", "first", "second", "average"];

/// What the best epoch's tensors are called.
const BEST: &str = "best";

/// A run between two steps.
#[derive(Clone, Debug)]
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
    /// Validation loss and averaged weights of the best epoch, where the run may stop early.
    pub best: Option<(f64, Trained)>,
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
    #[serde(default)]
    best: Option<BestNotes>,
}

/// What of the best epoch is no tensor.
#[derive(Deserialize, Serialize)]
struct BestNotes {
    loss: f64,
    order: Vec<String>,
    metadata: HashMap<String, String>,
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
            best: self.best.as_ref().map(|(loss, trained)| BestNotes {
                loss: *loss,
                order: trained.tensors.iter().map(|(name, _)| name.clone()).collect(),
                metadata: trained.metadata.clone(),
            }),
        };
        let bytes =
            |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
        let mut data: Vec<_> = slots
            .iter()
            .flat_map(|slot| {
                let values = [&slot.value, &slot.first, &slot.second, &slot.average];
                let name = |part| format!("{}:{part}", slot.name);
                PARTS
                    .into_iter()
                    .zip(values)
                    .map(move |(part, v)| (name(part), slot.shape.clone(), bytes(v)))
            })
            .collect();
        for (name, tensor) in self.best.iter().flat_map(|(_, trained)| &trained.tensors) {
            let values = tensor.flatten_all().and_then(|t| t.to_vec1());
            let values = values.map_err(|e| write(std::io::Error::other(e)))?;
            data.push((format!("{name}:{BEST}"), tensor.dims().to_vec(), bytes(&values)));
        }
        let views = data.iter().map(|(name, shape, data)| {
            TensorView::new(Dtype::F32, shape.clone(), data).map(|view| (name.clone(), view))
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
        let read = |name: &str, part: &str| -> Result<(Vec<usize>, Vec<f32>), TrainingError> {
            let name = format!("{name}:{part}");
            let view = file.tensor(&name).map_err(|e| damaged(e.to_string()))?;
            if view.dtype() != Dtype::F32 {
                return Err(damaged(format!("{name} is not of 32-bit numbers")));
            }
            let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            Ok((view.shape().to_vec(), view.data().chunks_exact(4).map(number).collect()))
        };
        let mut slots = Vec::new();
        for name in notes.order {
            let [value, first, second, average] = PARTS.map(|part| read(&name, part));
            let (shape, value) = value?;
            let same = |part: Result<(Vec<usize>, Vec<f32>), TrainingError>| match part? {
                (other, values) if other == shape => Ok(values),
                _ => Err(damaged(format!("the parts of {name} differ in shape"))),
            };
            let (first, second, average) = (same(first)?, same(second)?, same(average)?);
            slots.push(Slot { name, shape, value, first, second, average });
        }
        let best = match notes.best {
            Some(BestNotes { loss, order, metadata }) => {
                let mut tensors = Vec::new();
                for name in order {
                    let (shape, values) = read(&name, BEST)?;
                    tensors.push((name, Tensor::from_vec(values, shape, &Device::Cpu)?));
                }
                Some((loss, Trained { tensors, metadata }))
            }
            None => None,
        };
        Ok(Some(Self {
            settings: notes.settings,
            step: notes.step,
            loss_sum: notes.loss_sum,
            history: notes.history,
            optimiser: Optimiser { slots },
            seconds: notes.seconds,
            best,
        }))
    }
}
