//! VGG13 while it is being trained.

use candle_core::{Result, Tensor};

use super::CHUNK_FRAMES;
use crate::models::classifier::ModelId;
use crate::models::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use crate::models::trunk::{self, Activation};
use crate::nn::{MeanOver, Traced, mean};

/// The network of [`super::Vgg13`], for training.
pub struct Vgg13Network;

impl Network for Vgg13Network {
    fn id(&self) -> ModelId {
        ModelId::Vgg13
    }

    fn feed(&self) -> Feed {
        Feed::StandardisedLogMel { hop: 512, frames: CHUNK_FRAMES }
    }

    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors> {
        let mut initial = Initial::new(seed);
        trunk::initial(&mut initial, Activation::Rectifier)?;
        initial.dense("fc", trunk::CHANNELS, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let x = trunk::traced(layers, input, Activation::Rectifier)?;
        layers.one_head(&mean(&x, MeanOver::Pixels)?, "fc")
    }
}
