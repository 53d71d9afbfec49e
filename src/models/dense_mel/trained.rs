//! Dense-mel while it is being trained.

use candle_core::{Result, Tensor};

use super::{FIRST, HOP, LAYOUT, LEAST_SAMPLES};
use crate::models::classifier::ModelId;
use crate::models::dense_net;
use crate::models::front_end::BANDS;
use crate::models::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use crate::nn::{Rectifier, Traced, Window};

/// The network of dense-mel, for training.
pub struct DenseMelNetwork;

impl Network for DenseMelNetwork {
    fn id(&self) -> ModelId {
        ModelId::DenseMel
    }

    fn feed(&self) -> Feed {
        Feed::LogMel { hop: HOP, frames: LEAST_SAMPLES / HOP + 1 }
    }

    fn last_layer(&self) -> &'static str {
        dense_net::LAST_LAYER
    }

    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors> {
        let mut initial = Initial::new(seed);
        initial.batch_norm("bn0", BANDS)?;
        initial.unbiased("conv0", 1, FIRST, &[3, 3])?;
        dense_net::initial(&mut initial, &LAYOUT, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let (batch, frames, bands) = input.dims3()?;
        let x = layers.batch_norm(&Traced::constant(input.clone()), "bn0", Rectifier::None)?;
        let x = x.reshape((batch, frames, bands, 1))?;
        let y = layers.unbiased(&x, "conv0", Window::SQUARE)?;
        let x = Traced::concatenate(&[&x, &y])?;
        dense_net::classify_trained(layers, &LAYOUT, &x)
    }
}
