//! Dense-wav while it is being trained.

use candle_core::{Device, Result, Tensor};

use super::filters::gabor;
use super::{FILTERS, INITIAL_SCALE, LAYOUT, LEAST_SAMPLES, POOLS, STRIDE, STRIDES, WINDOW};
use crate::models::classifier::ModelId;
use crate::models::dense_net;
use crate::models::network::{Feed, Initial, NamedTensors, Network, TrainedLayers};
use crate::nn::{Edge, Rectifier, Traced, convolution, log_1p, max_pool};

/// The network of dense-wav, for training.
pub struct DenseWavNetwork;

impl Network for DenseWavNetwork {
    fn id(&self) -> ModelId {
        ModelId::DenseWav
    }

    fn feed(&self) -> Feed {
        Feed::Waveform { samples: LEAST_SAMPLES }
    }

    fn last_layer(&self) -> &'static str {
        dense_net::LAST_LAYER
    }

    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors> {
        let mut initial = Initial::new(seed);
        initial.batch_norm("bn0", 1)?;
        let filters = Tensor::from_vec(gabor(), (FILTERS, 1, STRIDE * STRIDES), &Device::Cpu)?;
        initial.value("filters.weight", filters);
        initial.constant("bn_filters.weight", FILTERS, INITIAL_SCALE)?;
        initial.constant("bn_filters.bias", FILTERS, 0.0)?;
        dense_net::initial(&mut initial, &LAYOUT, labels)?;
        Ok(initial.finish())
    }

    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced> {
        let (batch, samples) = input.dims2()?;
        let missing = samples.next_multiple_of(STRIDE) - samples;
        let input = input.pad_with_zeros(1, 0, missing)?.unsqueeze(2)?;
        let x = layers.batch_norm(&Traced::constant(input), "bn0", Rectifier::None)?;
        let x = x.reshape((batch, (samples + missing) / STRIDE, STRIDE))?;
        // From PyTorch's order of a filter's taps to that of pieces of the waveform.
        let filters = layers.get("filters.weight")?.map(|weight| {
            weight.reshape((FILTERS, STRIDES, STRIDE))?.transpose(1, 2)?.contiguous()
        })?;
        let zero =
            Traced::constant(Tensor::zeros(FILTERS, x.tensor().dtype(), x.tensor().device())?);
        let x = convolution(&x, &filters, &zero, WINDOW)?;
        let mut x = layers.batch_norm(&x, "bn_filters", Rectifier::After)?;
        for _ in 0..POOLS {
            x = max_pool(&x, Edge::Keep)?;
        }
        dense_net::classify_trained(layers, &LAYOUT, &log_1p(&x)?)
    }
}
