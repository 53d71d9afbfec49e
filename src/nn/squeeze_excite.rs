//! Squeeze-and-excitation: each channel weighted by what the whole image says of it.

use candle_core::{Result, bail};

use super::element::FrozenWeights;
use super::graph::Traced;
use super::pool::Edge;
use super::trained::{TracedSqueezeExcite, squeeze_excite_pool};

/// `y = x * s` with `s = sigmoid(W2 relu(W1 m + b1) + b2)` a channel, `m` being the mean over the
/// pixels (Hu et al. 2018): of images `[B, H, W, C]` and signals `[B, L, C]`. A max pool follows.
///
/// The gradient goes both ways by which `x` enters. The derivative of the rectifier at exactly 0
/// is 0.
#[derive(Clone, Debug)]
pub struct SqueezeExcite {
    squeeze_weight: FrozenWeights,
    squeeze_bias: FrozenWeights,
    excite_weight: FrozenWeights,
    excite_bias: FrozenWeights,
}

/// The two dense layers, as PyTorch keeps them; `R` is the reduced number of channels.
#[derive(Clone, Copy, Debug)]
pub struct SqueezeExciteWeights<'a> {
    /// `W1`, `[R, C]`.
    pub squeeze_weight: &'a [f32],
    /// `b1`, `[R]`.
    pub squeeze_bias: &'a [f32],
    /// `W2`, `[C, R]`.
    pub excite_weight: &'a [f32],
    /// `b2`, `[C]`.
    pub excite_bias: &'a [f32],
}

impl SqueezeExcite {
    /// From the weights of its two dense layers.
    ///
    /// # Errors
    /// Where the lengths do not fit together.
    pub fn new(weights: &SqueezeExciteWeights<'_>) -> Result<Self> {
        let SqueezeExciteWeights { squeeze_weight, squeeze_bias, excite_weight, excite_bias } =
            *weights;
        let (channels, reduced) = (excite_bias.len(), squeeze_bias.len());
        let pairs = channels * reduced;
        if pairs == 0 || squeeze_weight.len() != pairs || excite_weight.len() != pairs {
            bail!(
                "squeeze-excite: {} and {} weights for {channels} -> {reduced} -> {channels}",
                squeeze_weight.len(),
                excite_weight.len()
            )
        }
        let keep = |values: &[f32]| FrozenWeights::new(values.to_vec());
        Ok(Self {
            squeeze_weight: keep(squeeze_weight),
            squeeze_bias: keep(squeeze_bias),
            excite_weight: keep(excite_weight),
            excite_bias: keep(excite_bias),
        })
    }

    /// [`super::max_pool`] of the layer's output, without making that: what is remembered for the
    /// gradient is a quarter of the image and a byte for each value of that.
    ///
    /// # Errors
    /// Where the input is not `[B, H, W, C]` or `[B, L, C]`, or is smaller than a window.
    pub fn forward_pooled(&self, input: &Traced, edge: Edge) -> Result<Traced> {
        let (channels, reduced) = (self.excite_bias.len(), self.squeeze_bias.len());
        let shape = input.tensor().dims();
        if !matches!(shape.len(), 3 | 4) || shape.last() != Some(&channels) || shape.contains(&0) {
            bail!(
                "squeeze-excite: expected [B, H, W, {channels}] or [B, L, {channels}], got {shape:?}"
            )
        }
        let frozen = |weights: &FrozenWeights, shape: &[usize]| {
            weights.tensor(shape, input.tensor()).map(Traced::constant)
        };
        let weights = TracedSqueezeExcite {
            squeeze_weight: frozen(&self.squeeze_weight, &[reduced, channels])?,
            squeeze_bias: frozen(&self.squeeze_bias, &[reduced])?,
            excite_weight: frozen(&self.excite_weight, &[channels, reduced])?,
            excite_bias: frozen(&self.excite_bias, &[channels])?,
        };
        squeeze_excite_pool(input, &weights, edge)
    }
}
