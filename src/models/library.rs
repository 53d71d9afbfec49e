//! Finding models' weights and keeping loaded models.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;

use super::classifier::{Classifier, ModelId};
use super::crnn::Crnn;
use super::dense_mel::DenseMel;
use super::dense_wav::DenseWav;
use super::gcnn::Gcnn;
use super::vgg13::Vgg13;
use super::weights::{Weights, WeightsError};

/// Where weights are looked for, the first that exists wins: `given` (from `--models`), the folder
/// that the environment variable `MONDEGREEN_MODELS` names, beside the executable, in the current
/// folder, in the user's data folder, and where the program was built.
pub fn search_directories(given: Option<&Path>) -> Vec<PathBuf> {
    const FOLDER: &str = "models-safetensors";
    if let Some(given) = given {
        return vec![given.to_owned()];
    }
    let executable = std::env::current_exe().ok();
    let data = directories::ProjectDirs::from("", "", "Mondegreen");
    std::env::var_os("MONDEGREEN_MODELS")
        .map(PathBuf::from)
        .into_iter()
        .chain(executable.as_deref().and_then(Path::parent).map(|folder| folder.join(FOLDER)))
        .chain(std::env::current_dir().ok().map(|folder| folder.join(FOLDER)))
        .chain(data.map(|folders| folders.data_dir().join(FOLDER)))
        .chain([Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)])
        .collect()
}

/// Loads each model once, on first use.
pub struct ModelLibrary {
    directories: Vec<PathBuf>,
    device: Device,
    loaded: HashMap<ModelId, Arc<dyn Classifier>>,
}

impl ModelLibrary {
    /// A library that looks for weights in these folders, in order, and whose models compute on
    /// this device.
    pub fn new(directories: Vec<PathBuf>, device: Device) -> Self {
        Self { directories, device, loaded: HashMap::new() }
    }

    /// The model, loaded now or before.
    ///
    /// # Errors
    /// Where its weights are not found or do not fit, or the device can't take them.
    pub fn get(&mut self, id: ModelId) -> Result<Arc<dyn Classifier>, WeightsError> {
        if let Some(model) = self.loaded.get(&id) {
            return Ok(Arc::clone(model));
        }
        let weights = Weights::load(&find_weights(id, &self.directories)?)?;
        if weights.model()? != id {
            return Err(weights.misfit(format!("it is not of the model {}", id.name())));
        }
        let model = build(weights, &self.device)?;
        self.loaded.insert(id, Arc::clone(&model));
        Ok(model)
    }

    /// Keeps a model that was built elsewhere, in the place of the file's.
    #[cfg(test)]
    pub(crate) fn keep(&mut self, id: ModelId, model: Arc<dyn Classifier>) {
        self.loaded.insert(id, model);
    }
}

/// The model that a weights file is of, to compute on `device`.
///
/// # Errors
/// Where the file's architecture is unknown, its tensors do not fit, or the device can't take them.
pub fn build(weights: Weights, device: &Device) -> Result<Arc<dyn Classifier>, WeightsError> {
    Ok(match weights.model()? {
        ModelId::Vgg13 => Arc::new(Vgg13::new(weights, device)?),
        ModelId::Crnn => Arc::new(Crnn::new(weights, device)?),
        ModelId::Gcnn => Arc::new(Gcnn::new(weights, device)?),
        ModelId::DenseMel => Arc::new(DenseMel::new(weights, device)?),
        ModelId::DenseWav => Arc::new(DenseWav::new(weights, device)?),
    })
}

/// The weights file of a model: the first that exists in these folders.
///
/// # Errors
/// Where none of them has it.
pub fn find_weights(id: ModelId, directories: &[PathBuf]) -> Result<PathBuf, WeightsError> {
    let file = format!("{}.safetensors", id.name());
    directories
        .iter()
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
        .ok_or(WeightsError::NotFound { file, searched: directories.to_vec() })
}
