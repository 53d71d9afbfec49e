//! CRNN while it is being trained.

use candle_core::{Result, Tensor};

use super::STATES;
use crate::models::classifier::ModelId;
use crate::models::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use crate::models::trunk::{self, Activation};
use crate::models::vgg13::CHUNK_FRAMES;
use crate::nn::{MeanOver, Traced, mean};

/// The network of CRNN, for training.
pub struct CrnnNetwork;

impl Network for CrnnNetwork {
    fn id(&self) -> ModelId {
        ModelId::Crnn
    }

    fn feed(&self) -> Feed {
        Feed::StandardisedLogMel { hop: 512, frames: CHUNK_FRAMES }
    }

    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors> {
        let mut initial = Initial::new(seed);
        trunk::initial(&mut initial, Activation::Rectifier)?;
        initial.bidirectional_gru("gru", trunk::CHANNELS, STATES)?;
        initial.dense("fc", 2 * STATES, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let x = trunk::traced(layers, input, Activation::Rectifier)?;
        let states = layers.bidirectional_gru(&mean(&x, MeanOver::Columns)?, "gru")?;
        layers.one_head(&mean(&states, MeanOver::Rows)?, "fc")
    }
}
