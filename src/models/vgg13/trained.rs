//! VGG13 while it is being trained: weights as variables, batch norms with the batch's statistics.

use candle_core::{Device, Result, Tensor};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Uniform};

use super::{BATCH_NORM_EPS, WIDTHS};
use crate::nn::trained::{Statistics, batch_norm, dense};
use crate::nn::{Edge, MeanOver, Traced, Window, convolution, max_pool, mean};

/// The trained numbers of a VGG13 under the names of its weights file.
#[derive(Clone, Debug)]
pub struct Vgg13Parameters {
    /// Name and value, in the order of the network.
    pub values: Vec<(String, Tensor)>,
}

/// One forward pass of a training step.
pub struct TrainingPass {
    /// Logits `[B, labels]`.
    pub logits: Traced,
    /// The parameters, in order; gradients can be asked for.
    pub parameters: Vec<Traced>,
    /// What each batch norm saw, in order.
    pub statistics: Vec<Statistics>,
}

impl Vgg13Parameters {
    /// Weights before training: Glorot's uniform distribution (Keras' default), biases and shifts
    /// zero, scales one.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn random(labels: usize, seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut values = Vec::new();
        let mut glorot = |name: String, shape: &[usize], fans: usize| -> Result<(String, Tensor)> {
            let limit = (6.0 / fans as f32).sqrt();
            let uniform = Uniform::new(-limit, limit).map_err(candle_core::Error::wrap)?;
            let count = shape.iter().product();
            let numbers: Vec<f32> = uniform.sample_iter(&mut rng).take(count).collect();
            Ok((name, Tensor::from_vec(numbers, shape, &Device::Cpu)?))
        };
        let flat = |name: String, width: usize, value: f32| -> Result<(String, Tensor)> {
            Ok((name, Tensor::full(value, width, &Device::Cpu)?))
        };
        let mut inputs = 1;
        for (block, width) in WIDTHS.into_iter().enumerate() {
            for half in 1..=2 {
                let (conv, norm) =
                    (format!("blocks.{block}.conv{half}"), format!("blocks.{block}.bn{half}"));
                let fans = 9 * (inputs + width);
                values.push(glorot(format!("{conv}.weight"), &[width, inputs, 3, 3], fans)?);
                values.push(flat(format!("{conv}.bias"), width, 0.0)?);
                values.push(flat(format!("{norm}.weight"), width, 1.0)?);
                values.push(flat(format!("{norm}.bias"), width, 0.0)?);
                inputs = width;
            }
        }
        values.push(glorot("fc.weight".to_owned(), &[labels, inputs], labels + inputs)?);
        values.push(flat("fc.bias".to_owned(), labels, 0.0)?);
        Ok(Self { values })
    }

    /// The logits of standardised log-mel chunks `[B, frames, bands]`, with what a training step
    /// needs.
    ///
    /// # Errors
    /// Where the input has another shape.
    pub fn forward(&self, chunks: &Tensor) -> Result<TrainingPass> {
        let parameters: Vec<_> =
            self.values.iter().map(|(_, value)| Traced::variable(value.clone())).collect();
        let (layers, last) = parameters.split_at(4 * 2 * WIDTHS.len());
        let mut statistics = Vec::new();
        let mut x = Traced::constant(chunks.unsqueeze(3)?);
        for (index, layer) in layers.chunks(4).enumerate() {
            let sums = convolution(&x, &layer[0], &layer[1], Window::SQUARE)?;
            let (normed, seen) = batch_norm(&sums, &layer[2], &layer[3], BATCH_NORM_EPS, true)?;
            statistics.push(seen);
            x = if index % 2 == 1 { max_pool(&normed, Edge::Drop)? } else { normed };
        }
        let means = mean(&x, MeanOver::Pixels)?;
        let logits = dense(&means, &last[0], &last[1])?;
        Ok(TrainingPass { logits, parameters, statistics })
    }
}
