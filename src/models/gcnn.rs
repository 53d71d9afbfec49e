//! GCNN of Iqbal, Kong, Plumbley and Wang, "General-purpose audio tagging from noisy labels using
//! convolutional neural networks", DCASE 2018 (the authors' code: tqbl/dcase2018_task2).
//!
//! VGG13 with gated convolutions: five blocks of twice [3x3 convolution to 2n channels, the first n
//! times the sigmoid of the others, batch norm] and a 2x2 max pool, 64-128-256-512-512 channels;
//! mean over time and frequency; dense.

use candle_core::{Result, Tensor};

use super::chunked::{self, ChunkClassifier, ChunkNetwork};
use super::classifier::ModelId;
use super::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use super::trunk::{self, Activation, Trunk};
use super::weights::{Weights, WeightsError};
use crate::nn::{Dense, MeanOver, Traced, mean};

/// The classifier with its weights.
pub type Gcnn = ChunkClassifier<GcnnLayers>;

/// The frozen layers.
pub struct GcnnLayers {
    trunk: Trunk,
    dense: Dense,
}

impl ChunkNetwork for GcnnLayers {
    const ID: ModelId = ModelId::Gcnn;

    fn take(weights: &mut Weights, labels: usize) -> std::result::Result<Self, WeightsError> {
        Ok(Self {
            trunk: Trunk::take(weights, Activation::Gate)?,
            dense: weights.take_dense(chunked::LAST_LAYER, trunk::CHANNELS, labels)?,
        })
    }

    fn logits(&self, chunks: &Traced) -> Result<Traced> {
        self.dense.forward(&mean(&self.trunk.forward(chunks)?, MeanOver::Pixels)?)
    }
}

/// The network of [`Gcnn`], for training.
pub struct GcnnNetwork;

impl Network for GcnnNetwork {
    fn id(&self) -> ModelId {
        ModelId::Gcnn
    }

    fn feed(&self) -> Feed {
        chunked::FEED
    }

    fn last_layer(&self) -> &'static str {
        chunked::LAST_LAYER
    }

    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors> {
        let mut initial = Initial::new(seed);
        trunk::initial(&mut initial, Activation::Gate)?;
        initial.dense(chunked::LAST_LAYER, trunk::CHANNELS, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let x = trunk::traced(layers, input, Activation::Gate)?;
        layers.one_head(&mean(&x, MeanOver::Pixels)?, chunked::LAST_LAYER)
    }
}
