//! Squeeze-and-excitation and the max pool after it, in one operation.
//!
//! The excitation is one positive factor a channel, so that pooling first leaves a quarter of the
//! values to weigh; the means that it comes from are those of the whole image.

use candle_core::{DType, Error, Result, Tensor, bail};

use crate::nn::element::Element;
use crate::nn::graph::Traced;
use crate::nn::kernel::{Kernel as _, with_slice};
use crate::nn::pool::{self, Edge};
use crate::nn::portable;
use crate::nn::rows::{self, weigh};

/// The weights of squeeze-and-excitation, as PyTorch keeps them; `R` is the reduced number of
/// channels.
#[derive(Clone)]
pub struct TracedSqueezeExcite {
    /// `W1`, `[R, C]`.
    pub squeeze_weight: Traced,
    /// `b1`, `[R]`.
    pub squeeze_bias: Traced,
    /// `W2`, `[C, R]`.
    pub excite_weight: Traced,
    /// `b2`, `[C]`.
    pub excite_bias: Traced,
}

/// Max pooling, as [`crate::nn::max_pool`], of `x * sigmoid(W2 relu(W1 m + b1) + b2)`, `m` being the
/// mean of each channel of `x`, `[B, H, W, C]` or `[B, L, C]`.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn squeeze_excite_pool(
    input: &Traced,
    weights: &TracedSqueezeExcite,
    edge: Edge,
) -> Result<Traced> {
    if portable::is_needed(input) {
        return portable::max_pool(&portable::squeeze_excite(input, weights)?, edge);
    }
    match input.tensor().dtype() {
        DType::F32 => squeeze_excite_pool_of::<f32>(input, weights, edge),
        DType::F64 => squeeze_excite_pool_of::<f64>(input, weights, edge),
        dtype => Err(Error::UnsupportedDTypeForOp(dtype, "squeeze-excite")),
    }
}

/// 1 where a value is positive, else 0.
fn passes(values: &Tensor) -> Result<Tensor> {
    values.gt(&values.zeros_like()?)?.to_dtype(values.dtype())
}

fn squeeze_excite_pool_of<T: Element>(
    input: &Traced,
    weights: &TracedSqueezeExcite,
    edge: Edge,
) -> Result<Traced> {
    let image = input.tensor().contiguous()?;
    let shape = image.dims().to_vec();
    let [batch, ref axes @ .., channels] = shape[..] else { bail!("squeeze-excite: a number") };
    let pixels: usize = axes.iter().product();
    let pool = if edge == Edge::Keep { &pool::CEIL } else { &pool::FLOOR };
    let pooled_shape = pool.output_shape(&shape)?;
    let [squeeze, excite] =
        [&weights.squeeze_weight, &weights.excite_weight].map(|weight| weight.tensor().clone());
    let (means, (pooled, routes)) = with_slice::<T, _>(&image, |x| {
        let mut means = rows::sums(x, pixels, channels);
        let share = T::from_f64(1.0 / pixels as f64);
        means.iter_mut().for_each(|mean| *mean *= share);
        Ok((means, pool.forward(x, &shape, true)))
    })?;
    let device = image.device();
    let means = Tensor::from_vec(means, (batch, channels), device)?;
    let hidden = means.matmul(&squeeze.t()?)?.broadcast_add(weights.squeeze_bias.tensor())?;
    let hidden = (&hidden * passes(&hidden)?)?;
    let scales = hidden.matmul(&excite.t()?)?.broadcast_add(weights.excite_bias.tensor())?;
    let scales = candle_nn::ops::sigmoid(&scales)?;
    let output = with_slice::<T, _>(&scales, |scales| {
        Ok(weigh(&pooled, scales, &vec![T::zero(); scales.len()], channels))
    })?;
    let output = Tensor::from_vec(output, pooled_shape, device)?;
    let TracedSqueezeExcite { squeeze_weight, squeeze_bias, excite_weight, excite_bias } = weights;
    let operands = [input, squeeze_weight, squeeze_bias, excite_weight, excite_bias];
    let trains = operands[1..].iter().any(|weight| weight.is_tracked());
    let pullback = move |gradient: &Tensor, copies: usize| {
        if trains {
            super::one_at_a_time(copies)?;
        }
        let device = gradient.device();
        let gradient = gradient.contiguous()?;
        let by_scales = with_slice::<T, _>(&gradient, |g| {
            let count = pooled.len() / (batch * channels);
            let sums = rows::sums_of_products(g, &pooled, count, channels);
            Tensor::from_vec(sums, (copies * batch, channels), device)
        })?;
        // Every copy's gradient goes back through the one forward pass.
        let again = |values: Tensor| values.repeat((copies, 1));
        let slopes = again((&scales * (1.0 - &scales)?)?)?;
        let by_excited = (by_scales * slopes)?;
        let by_hidden = (by_excited.matmul(&excite)? * again(passes(&hidden)?)?)?;
        let by_means = (by_hidden.matmul(&squeeze)? / pixels as f64)?;
        let by_input = with_slice::<T, _>(&gradient, |g| {
            with_slice::<T, _>(&scales, |scales| {
                with_slice::<T, _>(&by_means, |levels| {
                    let weighed = weigh(g, scales, &vec![T::zero(); levels.len()], channels);
                    Ok(pool.unpool(&routes, &weighed, levels, &shape, copies))
                })
            })
        })?;
        let mut stacked = shape.clone();
        stacked[0] *= copies;
        let mut gradients = vec![Some(Tensor::from_vec(by_input, stacked, device)?)];
        if trains {
            gradients.push(Some(by_hidden.t()?.matmul(&means)?));
            gradients.push(Some(by_hidden.sum(0)?));
            gradients.push(Some(by_excited.t()?.matmul(&hidden)?));
            gradients.push(Some(by_excited.sum(0)?));
        }
        Ok(gradients)
    };
    Ok(Traced::derived(output, &operands, Box::new(pullback)))
}
