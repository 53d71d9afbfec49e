//! A model with the parts of it that are timed on their own.

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use crate::audio::SAMPLE_RATE;
use crate::models::{
    CHUNK_FRAMES, Classifier, ModelId, Vgg13, Vgg13Parameters, Weights, WeightsError,
};
use crate::nn::trained::cross_entropy;
use crate::nn::{LogMelConfig, PadMode, Traced};

/// A differentiable function of an input.
type Function = dyn Fn(&Traced) -> Result<Traced> + Send + Sync;

/// The gradients of all weights, from inputs and target probabilities.
pub type TrainingStep = dyn Fn(&Tensor, &Tensor) -> Result<Vec<Tensor>> + Send + Sync;

/// A model that is timed.
pub struct Subject {
    /// The model, waveform to scores.
    pub classifier: Arc<dyn Classifier>,
    /// Its network alone: logits of inputs of [`Self::input`].
    pub network: Box<Function>,
    /// Shape of one input of the network, without the batch.
    pub input: [usize; 2],
    /// What is before the network.
    pub log_mel: LogMelConfig,
}

impl Subject {
    /// The model on `device`, its weights from the first of these folders that has them.
    ///
    /// # Errors
    /// Where they are not found or do not fit, or the device can't take them.
    pub fn load(
        id: ModelId,
        directories: &[PathBuf],
        device: &Device,
    ) -> std::result::Result<Self, WeightsError> {
        let file = format!("{}.safetensors", id.name());
        let mut places = directories.iter().map(|folder| folder.join(&file));
        let Some(path) = places.find(|path| path.is_file()) else {
            return Err(WeightsError::NotFound { file, searched: directories.to_vec() });
        };
        match id {
            ModelId::Vgg13 => {
                let model = Arc::new(Vgg13::new(Weights::load(&path)?, device)?);
                Ok(Self {
                    classifier: model.clone(),
                    network: Box::new(move |chunks| model.chunk_logits(chunks)),
                    input: [CHUNK_FRAMES, 64],
                    log_mel: LogMelConfig {
                        sample_rate: f64::from(SAMPLE_RATE),
                        window: 1024,
                        hop: 512,
                        bands: 64,
                        pad: PadMode::Zero,
                    },
                })
            }
        }
    }

    /// What training does between two updates of the weights, with the network alone; the weights
    /// are random ones, and on the CPU.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn training_step(&self) -> Result<Box<TrainingStep>> {
        match self.classifier.card().id {
            ModelId::Vgg13 => {
                let parameters = Vgg13Parameters::random(self.classifier.labels().len(), 0)?;
                Ok(Box::new(move |chunks, targets| {
                    let pass = parameters.forward(chunks)?;
                    let (_, slope) = cross_entropy(&pass.logits, targets)?;
                    pass.logits.gradients(&slope, &pass.parameters.iter().collect::<Vec<_>>())
                }))
            }
        }
    }
}
