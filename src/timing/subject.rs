//! A model with the parts of it that are timed on their own.

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use crate::models::{
    CHUNK_FRAMES, ChunkClassifier, ChunkNetwork, Classifier, Crnn, Gcnn, ModelId, ModelSource,
    Network, TrainedLayers, Vgg13, WeightsError, network, open_weights,
};
use crate::nn::trained::cross_entropy;
use crate::nn::{LogMelConfig, Traced};

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
    /// The same network, as it is trained.
    trained: &'static dyn Network,
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
        source: &ModelSource,
        directories: &[PathBuf],
        device: &Device,
    ) -> std::result::Result<Self, WeightsError> {
        let (id, weights) = open_weights(source, directories)?;
        match id {
            ModelId::Vgg13 => Ok(Self::of_chunks(Vgg13::new(weights, device)?)),
            ModelId::Crnn => Ok(Self::of_chunks(Crnn::new(weights, device)?)),
            ModelId::Gcnn => Ok(Self::of_chunks(Gcnn::new(weights, device)?)),
            ModelId::DenseMel | ModelId::DenseWav => {
                Err(weights.misfit("this version has no such model"))
            }
        }
    }

    fn of_chunks<N: ChunkNetwork>(model: ChunkClassifier<N>) -> Self {
        let model = Arc::new(model);
        let log_mel = *model.log_mel();
        Self {
            classifier: model.clone(),
            network: Box::new(move |chunks| model.chunk_logits(chunks)),
            trained: network(N::ID),
            input: [CHUNK_FRAMES, log_mel.bands],
            log_mel,
        }
    }

    /// What training does between two updates of the weights, with the network alone; the weights
    /// are random ones, and on the CPU.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn training_step(&self) -> Result<Box<TrainingStep>> {
        let trained = self.trained;
        let weights = trained.initial(self.classifier.labels().len(), 0)?;
        Ok(Box::new(move |chunks, targets| {
            let mut layers = TrainedLayers::new(&weights);
            let logits = trained.forward(&mut layers, chunks)?;
            let (_, slope) = cross_entropy(&logits, targets)?;
            logits.gradients(&slope, &layers.variables().iter().collect::<Vec<_>>())
        }))
    }
}
