//! CRNN of Iqbal, Kong, Plumbley and Wang, "General-purpose audio tagging from noisy labels using
//! convolutional neural networks", DCASE 2018 (the authors' code: tqbl/dcase2018_task2).
//!
//! VGG13's convolutions, under the same names; mean over frequency; a bidirectional GRU as Keras
//! 2.2.4 computes it, with rectified candidates; mean over time; dense.

use candle_core::{Result, Tensor};

use super::chunked::{self, ChunkClassifier, ChunkNetwork};
use super::classifier::ModelId;
use super::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use super::trunk::{self, Activation, Trunk};
use super::weights::{Weights, WeightsError};
use crate::nn::{BiGru, Dense, MeanOver, Traced, mean};

/// States of each direction of the recurrent layer.
const STATES: usize = 512;

/// The classifier with its weights.
pub type Crnn = ChunkClassifier<CrnnLayers>;

/// The frozen layers.
pub struct CrnnLayers {
    trunk: Trunk,
    gru: BiGru,
    dense: Dense,
}

impl ChunkNetwork for CrnnLayers {
    const ID: ModelId = ModelId::Crnn;

    fn take(weights: &mut Weights, labels: usize) -> std::result::Result<Self, WeightsError> {
        Ok(Self {
            trunk: Trunk::take(weights, Activation::Rectifier)?,
            gru: weights.take_bidirectional_gru("gru", trunk::CHANNELS, STATES)?,
            dense: weights.take_dense(chunked::LAST_LAYER, 2 * STATES, labels)?,
        })
    }

    fn logits(&self, chunks: &Traced) -> Result<Traced> {
        let steps = mean(&self.trunk.forward(chunks)?, MeanOver::Columns)?;
        self.dense.forward(&mean(&self.gru.forward(&steps)?, MeanOver::Rows)?)
    }
}

/// The network of [`Crnn`], for training.
pub struct CrnnNetwork;

impl Network for CrnnNetwork {
    fn id(&self) -> ModelId {
        ModelId::Crnn
    }

    fn feed(&self) -> Feed {
        chunked::FEED
    }

    fn last_layer(&self) -> &'static str {
        chunked::LAST_LAYER
    }

    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors> {
        let mut initial = Initial::new(seed);
        trunk::initial(&mut initial, Activation::Rectifier)?;
        initial.bidirectional_gru("gru", trunk::CHANNELS, STATES)?;
        initial.dense(chunked::LAST_LAYER, 2 * STATES, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let steps = mean(&trunk::traced(layers, input, Activation::Rectifier)?, MeanOver::Columns)?;
        let states = layers.bidirectional_gru(&steps, "gru")?;
        layers.one_head(&mean(&states, MeanOver::Rows)?, chunked::LAST_LAYER)
    }
}
