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
use super::source::{ModelSource, WEIGHTS_EXTENSION};
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
    let mut folders: Vec<_> = std::env::var_os("MONDEGREEN_MODELS")
        .map(PathBuf::from)
        .into_iter()
        .chain(executable.as_deref().and_then(Path::parent).map(|folder| folder.join(FOLDER)))
        .chain(std::env::current_dir().ok().map(|folder| folder.join(FOLDER)))
        .chain(data.map(|folders| folders.data_dir().join(FOLDER)))
        .chain([Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)])
        .collect();
    // The current folder may be the one where the program was built.
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

/// Loads each model once, on first use.
pub struct ModelLibrary {
    directories: Vec<PathBuf>,
    device: Device,
    loaded: HashMap<ModelSource, Arc<dyn Classifier>>,
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
    pub fn get(&mut self, source: &ModelSource) -> Result<Arc<dyn Classifier>, WeightsError> {
        match self.loaded.get(source) {
            Some(model) => Ok(Arc::clone(model)),
            None => self.reload(source),
        }
    }

    /// The model from its file as it is now. Where that fails, what was loaded before is kept.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn reload(&mut self, source: &ModelSource) -> Result<Arc<dyn Classifier>, WeightsError> {
        let (_, weights) = open_weights(source, &self.directories)?;
        let model = build(weights, &self.device)?;
        self.loaded.insert(source.clone(), Arc::clone(&model));
        Ok(model)
    }

    /// Whether the model is loaded.
    pub fn has(&self, source: &ModelSource) -> bool {
        self.loaded.contains_key(source)
    }

    /// Frees a model's memory.
    pub fn forget(&mut self, source: &ModelSource) {
        self.loaded.remove(source);
    }

    /// Keeps a model that was built elsewhere, in the place of the file's.
    #[cfg(test)]
    pub(crate) fn keep(&mut self, source: ModelSource, model: Arc<dyn Classifier>) {
        self.loaded.insert(source, model);
    }
}

/// Reads a model's weights file, searched for in `directories` if it is meant by name, and says
/// which architecture it is.
///
/// # Errors
/// Where it is not found, can't be read, is damaged, or names no architecture that there is.
pub fn open_weights(
    source: &ModelSource,
    directories: &[PathBuf],
) -> Result<(ModelId, Weights), WeightsError> {
    let weights = Weights::load(&match source {
        ModelSource::Named(id) => find_weights(*id, directories)?,
        ModelSource::File(path) => path.to_path_buf(),
    })?;
    let id = weights.model()?;
    match source {
        ModelSource::Named(named) if *named != id => {
            let (id, named) = (id.name(), named.name());
            Err(weights.misfit(format!("its weights are of the model {id}, not {named}")))
        }
        _ => Ok((id, weights)),
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
    let file = format!("{}.{WEIGHTS_EXTENSION}", id.name());
    directories
        .iter()
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
        .ok_or(WeightsError::NotFound { file, searched: directories.to_vec() })
}
