//! Layers that are composed of operations whose gradients Candle gets right: Candle differentiates
//! them. Rectifiers are products with an indicator, since Candle's has the derivative 1 at 0.

use candle_core::{DType, Result, Tensor};
use candle_nn::ops::sigmoid;

use super::{first_largest, indicator};
use crate::nn::affine::Rectifier;
use crate::nn::graph::Traced;
use crate::nn::trained::{Statistics, TracedSqueezeExcite};

/// `max(x, 0)` with the derivative 0 at 0.
fn rectified(x: &Tensor) -> Result<Tensor> {
    x * indicator(&x.gt(&x.zeros_like()?)?, x)?
}

/// `min(max(0.2 x + 0.5, 0), 1)` with the derivative 0 at its kinks.
fn hard_sigmoid(x: &Tensor) -> Result<Tensor> {
    let line = ((x * 0.2)? + 0.5)?;
    let ones = line.ones_like()?;
    let above = indicator(&line.ge(&ones)?, x)?;
    let inside = (indicator(&line.gt(&line.zeros_like()?)?, x)? - &above)?;
    (line * inside)? + above
}

/// `scale * x + shift` along the last axis, perhaps rectified.
///
/// # Errors
/// Where the channels do not fit.
pub fn affine(input: &Traced, scale: &Tensor, shift: &Tensor, rectify: bool) -> Result<Traced> {
    input.map(|x| {
        let value = x.broadcast_mul(scale)?.broadcast_add(shift)?;
        if rectify { rectified(&value) } else { Ok(value) }
    })
}

/// `scale * x[..n] * sigmoid(x[n..]) + shift` along the last axis.
///
/// # Errors
/// Where the channels do not fit.
pub fn gate(input: &Traced, scale: &Tensor, shift: &Tensor) -> Result<Traced> {
    let channels = scale.elem_count();
    input.map(|x| {
        let last = x.rank() - 1;
        let linear = x.narrow(last, 0, channels)?.contiguous()?;
        let gate = sigmoid(&x.narrow(last, channels, channels)?.contiguous()?)?;
        (linear * gate)?.broadcast_mul(scale)?.broadcast_add(shift)
    })
}

/// The mean over some axes, which leave the result.
///
/// # Errors
/// Where there is no such axis.
pub fn mean(input: &Traced, axes: &[usize]) -> Result<Traced> {
    input.map(|x| {
        let count: usize = axes.iter().map(|&axis| x.dims()[axis]).product();
        x.sum(axes)? / count as f64
    })
}

/// Each channel times what two dense layers say of all channels' means.
///
/// # Errors
/// Where the channels do not fit.
pub fn squeeze_excite(input: &Traced, weights: &TracedSqueezeExcite) -> Result<Traced> {
    let TracedSqueezeExcite { squeeze_weight, squeeze_bias, excite_weight, excite_bias } = weights;
    let operands = [input, squeeze_weight, excite_weight, squeeze_bias, excite_bias];
    Traced::map_all(operands, |[x, squeeze, excite, squeeze_bias, excite_bias]| {
        let shape = x.dims();
        let (batch, channels) = (shape[0], shape[shape.len() - 1]);
        let pixels = x.reshape((batch, (), channels))?;
        let mean = (pixels.sum(1)? / pixels.dim(1)? as f64)?;
        let small = mean.matmul(&squeeze.t()?)?.broadcast_add(squeeze_bias)?;
        let large = rectified(&small)?.matmul(&excite.t()?)?.broadcast_add(excite_bias)?;
        let weights = sigmoid(&large)?.unsqueeze(1)?;
        pixels.broadcast_mul(&weights)?.reshape(shape)
    })
}

/// [`crate::nn::trained::batch_norm`].
///
/// # Errors
/// Where the channels do not fit.
pub fn trained_batch_norm(
    input: &Traced,
    scale: &Traced,
    shift: &Traced,
    eps: f64,
    rectifier: Rectifier,
) -> Result<(Traced, Statistics)> {
    let numbers = |values: &Tensor| values.to_dtype(DType::F32)?.flatten_all()?.to_vec1();
    let mut seen = Statistics { mean: Vec::new(), variance: Vec::new() };
    let output = Traced::map_all([input, scale, shift], |[x, scale, shift]| {
        let pixels = x.reshape(((), scale.elem_count()))?;
        let before = rectifier == Rectifier::Before;
        let pixels = if before { rectified(&pixels)? } else { pixels };
        let mean = pixels.mean_keepdim(0)?;
        let centred = pixels.broadcast_sub(&mean)?;
        let variance = centred.sqr()?.mean_keepdim(0)?;
        seen = Statistics { mean: numbers(&mean)?, variance: numbers(&variance)? };
        let deviation = (variance + eps)?.sqrt()?;
        let scaled = centred.broadcast_div(&deviation)?.broadcast_mul(scale)?;
        let output = scaled.broadcast_add(shift)?.reshape(x.dims())?;
        if rectifier == Rectifier::After { rectified(&output) } else { Ok(output) }
    })?;
    Ok((output, seen))
}

/// One direction's weights of a recurrent layer: `[3H, F]`, `[3H, H]`, `[3H]` in the order r, z, n.
pub struct GruTensors {
    /// From the input.
    pub input: Tensor,
    /// From the state.
    pub state: Tensor,
    /// Added.
    pub bias: Tensor,
}

/// The states of both directions at every step, `[B, T, F] -> [B, T, 2H]`.
///
/// # Errors
/// Where the features do not fit.
pub fn bidirectional_gru(input: &Traced, directions: &[GruTensors; 2]) -> Result<Traced> {
    input.map(|x| {
        let [forwards, backwards] = directions.each_ref().map(|d| [&d.input, &d.state, &d.bias]);
        both_states(x, forwards, backwards)
    })
}

/// [`bidirectional_gru`] with weights that are being trained.
///
/// # Errors
/// Where the features do not fit.
pub fn trained_bidirectional_gru(
    input: &Traced,
    [[a, b, c], [d, e, f]]: &[[Traced; 3]; 2],
) -> Result<Traced> {
    Traced::map_all([input, a, b, c, d, e, f], |[x, a, b, c, d, e, f]| {
        both_states(x, [a, b, c], [d, e, f])
    })
}

fn both_states(x: &Tensor, forwards: [&Tensor; 3], backwards: [&Tensor; 3]) -> Result<Tensor> {
    Tensor::cat(&[states(x, forwards, false)?, states(x, backwards, true)?], 2)
}

fn states(
    x: &Tensor,
    [of_input, of_state, bias]: [&Tensor; 3],
    reads_backwards: bool,
) -> Result<Tensor> {
    let (batch, steps, features) = x.dims3()?;
    let hidden = bias.elem_count() / 3;
    let projected = x
        .reshape((batch * steps, features))?
        .matmul(&of_input.t()?)?
        .broadcast_add(bias)?
        .reshape((batch, steps, 3 * hidden))?;
    let gates = of_state.narrow(0, 0, 2 * hidden)?.t()?;
    let candidate = of_state.narrow(0, 2 * hidden, hidden)?.t()?;
    let mut state = Tensor::zeros((batch, hidden), x.dtype(), x.device())?;
    let mut states = vec![state.clone(); steps];
    for step in 0..steps {
        let step = if reads_backwards { steps - 1 - step } else { step };
        let of_input = projected.narrow(1, step, 1)?.squeeze(1)?;
        let opened = (of_input.narrow(1, 0, 2 * hidden)? + state.matmul(&gates)?)?;
        let opened = hard_sigmoid(&opened)?;
        let reset = opened.narrow(1, 0, hidden)?;
        let keep = opened.narrow(1, hidden, hidden)?;
        let of_state = (reset * &state)?.matmul(&candidate)?;
        let new = rectified(&(of_input.narrow(1, 2 * hidden, hidden)? + of_state)?)?;
        // z h + (1 - z) n
        state = (&new + (keep * (&state - &new)?)?)?;
        states[step] = state.clone();
    }
    Tensor::stack(&states, 1)
}

/// Waveforms divided by their largest absolute value, the first of equals; silence as it is.
///
/// # Errors
/// Where the input is not `[B, N]`.
pub fn peak_normalise(input: &Traced) -> Result<Traced> {
    input.map(|x| {
        let magnitudes = x.detach().abs()?;
        let place = first_largest(&magnitudes)?;
        let signs = (&place * x.detach().sign()?)?;
        let peak = (x * signs)?.sum_keepdim(1)?;
        let silent = indicator(&peak.eq(&peak.zeros_like()?)?, x)?;
        x.broadcast_div(&(peak + silent)?)
    })
}

/// Waveforms with zeros before and behind them.
///
/// # Errors
/// Where the input is not `[B, N]`.
pub fn pad(input: &Traced, before: usize, behind: usize) -> Result<Traced> {
    input.map(|x| x.pad_with_zeros(1, before, behind))
}
