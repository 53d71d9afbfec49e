//! VGG13 while it is being trained.

use candle_core::{Result, Tensor};

use super::{CHUNK_FRAMES, WIDTHS};
use crate::models::classifier::ModelId;
use crate::models::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use crate::nn::trained::Rectifier;
use crate::nn::{Edge, MeanOver, Traced, Window, max_pool, mean};

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
        let mut inputs = 1;
        for (block, width) in WIDTHS.into_iter().enumerate() {
            for half in 1..=2 {
                initial.convolution(
                    &format!("blocks.{block}.conv{half}"),
                    inputs,
                    width,
                    &[3, 3],
                )?;
                initial.batch_norm(&format!("blocks.{block}.bn{half}"), width)?;
                inputs = width;
            }
        }
        initial.dense("fc", inputs, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let mut x = Traced::constant(input.unsqueeze(3)?);
        for block in 0..WIDTHS.len() {
            for half in 1..=2 {
                let conv = format!("blocks.{block}.conv{half}");
                let sums = layers.convolution(&x, &conv, Window::SQUARE)?;
                x = layers.batch_norm(
                    &sums,
                    &format!("blocks.{block}.bn{half}"),
                    Rectifier::Before,
                )?;
            }
            x = max_pool(&x, Edge::Drop)?;
        }
        let logits = layers.dense(&mean(&x, MeanOver::Pixels)?, "fc")?;
        let (batch, labels) = logits.tensor().dims2()?;
        logits.reshape((batch, 1, labels))
    }
}
