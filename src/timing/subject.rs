//! A model with the parts of it that are timed on their own.

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use crate::models::{
    ChunkClassifier, ChunkNetwork, Classifier, Crnn, DenseMel, DenseWav, Feed, Gcnn, ModelId,
    ModelSource, Network, TrainedLayers, Vgg13, WeightsError, network, open_weights,
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
    pub input: Vec<usize>,
    /// What is before the network, if it does not hear the waveform itself.
    pub log_mel: Option<LogMelConfig>,
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
        Ok(match id {
            ModelId::Vgg13 => Self::of_chunks(Vgg13::new(weights, device)?),
            ModelId::Crnn => Self::of_chunks(Crnn::new(weights, device)?),
            ModelId::Gcnn => Self::of_chunks(Gcnn::new(weights, device)?),
            ModelId::DenseMel => {
                let model = DenseMel::new(weights, device)?;
                let log_mel = *model.log_mel();
                Self::of(model, Some(log_mel), DenseMel::logits)
            }
            ModelId::DenseWav => Self::of(DenseWav::new(weights, device)?, None, DenseWav::logits),
        })
    }

    fn of_chunks<N: ChunkNetwork>(model: ChunkClassifier<N>) -> Self {
        let log_mel = *model.log_mel();
        Self::of(model, Some(log_mel), ChunkClassifier::chunk_logits)
    }

    fn of<M: Classifier + 'static>(
        model: M,
        log_mel: Option<LogMelConfig>,
        logits: impl Fn(&M, &Traced) -> Result<Traced> + Send + Sync + 'static,
    ) -> Self {
        let trained = network(model.card().id);
        let size = match trained.feed() {
            Feed::StandardisedLogMel { frames, .. } | Feed::LogMel { frames, .. } => frames,
            Feed::Waveform { samples } => samples,
        };
        let input = std::iter::once(size).chain(log_mel.map(|log_mel| log_mel.bands)).collect();
        let model = Arc::new(model);
        Self {
            classifier: model.clone(),
            network: Box::new(move |input| logits(&model, input)),
            trained,
            input,
            log_mel,
        }
    }

    /// What training does between two updates of the weights, with the network alone, where its
    /// input is; the weights are random ones.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn training_step(&self) -> Result<Box<TrainingStep>> {
        let trained = self.trained;
        let weights = trained.initial(self.classifier.labels().len(), 0)?;
        Ok(Box::new(move |chunks, targets| {
            let mut layers = TrainedLayers::new(&weights, chunks.device())?;
            let logits = trained.forward(&mut layers, chunks)?;
            let (_, slope) = cross_entropy(&logits, targets)?;
            logits.gradients(&slope, &layers.variables().iter().collect::<Vec<_>>())
        }))
    }
}
