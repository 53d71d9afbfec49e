//! GCNN while it is being trained.

use candle_core::{Result, Tensor};

use crate::models::classifier::ModelId;
use crate::models::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use crate::models::trunk::{self, Activation};
use crate::models::vgg13::CHUNK_FRAMES;
use crate::nn::{MeanOver, Traced, mean};

/// The network of GCNN, for training.
pub struct GcnnNetwork;

impl Network for GcnnNetwork {
    fn id(&self) -> ModelId {
        ModelId::Gcnn
    }

    fn feed(&self) -> Feed {
        Feed::StandardisedLogMel { hop: 512, frames: CHUNK_FRAMES }
    }

    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors> {
        let mut initial = Initial::new(seed);
        trunk::initial(&mut initial, Activation::Gate)?;
        initial.dense("fc", trunk::CHANNELS, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let x = trunk::traced(layers, input, Activation::Gate)?;
        layers.one_head(&mean(&x, MeanOver::Pixels)?, "fc")
    }
}
