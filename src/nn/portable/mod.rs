//! The layers in Candle's tensor operations, for devices that our kernels are not written for.
//!
//! Forward and adjoint are both written out, because some of Candle's gradients are wrong
//! (`max_pool2d`) and because `copies` of a gradient go back through one forward pass. What is used
//! of Candle is what its CUDA and Metal back ends both have: matrix products, `conv2d`, element-wise
//! operations with broadcasting, comparisons, concatenation, padding with zeros. Nothing is moved to
//! the CPU on the way.

mod composed;

use std::cell::Cell;

use candle_core::{D, DType, Result, Tensor, bail};

pub use composed::{
    GruTensors, affine, bidirectional_gru, gate, mean, pad, peak_normalise, squeeze_excite,
    trained_batch_norm, trained_bidirectional_gru,
};

use super::conv::Window;
use super::graph::Traced;
use super::pool::Edge;
use super::trained::one_at_a_time;

thread_local! {
    static FORCED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a layer must be computed by tensor operations: off the CPU.
pub fn is_needed(input: &Traced) -> bool {
    FORCED.get() || !input.tensor().device().is_cpu()
}

/// Computes as on a GPU, through Candle's tensor operations, wherever the tensors are: so that what
/// runs there can be checked where there is none.
pub fn by_tensor_operations<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(true));
    work()
}

/// `gradient * factor`, the factor being that of one copy.
fn times(gradient: &Tensor, factor: &Tensor, copies: usize) -> Result<Tensor> {
    let mut shape = vec![copies];
    shape.extend(factor.dims());
    let product = gradient.reshape(shape)?.broadcast_mul(&factor.unsqueeze(0)?)?;
    product.reshape(gradient.dims())
}

/// 1 where the condition holds, else 0, in the type of `like`.
fn indicator(condition: &Tensor, like: &Tensor) -> Result<Tensor> {
    condition.to_dtype(like.dtype())
}

/// "Same" convolution of `[B, H, W, in]` (or `[B, L, in]`) with `[out, in, taps]` and a bias.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn convolution(
    input: &Traced,
    weight: &Tensor,
    turned: &Tensor,
    bias: &Tensor,
    window: Window,
) -> Result<Traced> {
    let output = convolve(input.tensor(), weight, window)?.broadcast_add(bias)?;
    let turned = turned.clone();
    let pullback = move |gradient: &Tensor, _copies: usize| {
        Ok(vec![Some(convolve(gradient, &turned, window)?)])
    };
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// The same with a weight and a bias that are being trained.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn trained_convolution(
    input: &Traced,
    weight: &Traced,
    bias: &Traced,
    window: Window,
) -> Result<Traced> {
    let (x, w) = (input.tensor().clone(), weight.tensor().clone());
    let output = convolve(&x, &w, window)?.broadcast_add(bias.tensor())?;
    let is_asked = input.is_tracked();
    let pullback = move |gradient: &Tensor, copies: usize| {
        one_at_a_time(copies)?;
        let (outputs, inputs) = (w.dim(0)?, w.dim(1)?);
        let by_input = || {
            let turned = w.reshape((outputs, inputs, ()))?.flip(&[2])?.transpose(0, 1)?;
            convolve(gradient, &turned.contiguous()?, window)
        };
        // Each input channel's pixels, over all images, against the gradients of each output's.
        let (planes, padding) = planes(&x, window)?;
        let kernels = channels_first(gradient)?.transpose(0, 1)?.contiguous()?;
        let by_weight = planes.transpose(0, 1)?.contiguous()?.conv2d(&kernels, padding, 1, 1, 1)?;
        let by_weight = by_weight.transpose(0, 1)?.contiguous()?.reshape(w.dims())?;
        let by_bias = gradient.reshape(((), outputs))?.sum(0)?;
        Ok(vec![is_asked.then(by_input).transpose()?, Some(by_weight), Some(by_bias)])
    };
    Ok(Traced::derived(output, &[input, weight, bias], Box::new(pullback)))
}

/// From channels last, of images or signals, to images with channels first, as Candle's are.
fn channels_first(input: &Tensor) -> Result<Tensor> {
    let image = if input.rank() == 3 { input.unsqueeze(1)? } else { input.clone() };
    image.permute((0, 3, 1, 2))?.contiguous()
}

/// Images with channels first, and the padding that is left to do, the same on all sides.
fn planes(input: &Tensor, window: Window) -> Result<(Tensor, usize)> {
    let image = channels_first(input)?;
    if window == Window::SQUARE {
        return Ok((image, 1));
    }
    let image = image.pad_with_zeros(2, window.height / 2, window.height / 2)?;
    Ok((image.pad_with_zeros(3, window.width / 2, window.width / 2)?, 0))
}

/// Channels last to channels last.
fn convolve(input: &Tensor, weight: &Tensor, window: Window) -> Result<Tensor> {
    let (planes, padding) = planes(input, window)?;
    let (outputs, inputs) = (weight.dim(0)?, weight.dim(1)?);
    let weight = weight.reshape((outputs, inputs, window.height, window.width))?;
    let output = planes.conv2d(&weight, padding, 1, 1, 1)?.permute((0, 2, 3, 1))?.contiguous()?;
    if input.rank() == 3 { output.squeeze(1) } else { Ok(output) }
}

/// `scale * max(x, 0) + shift` along the last axis.
///
/// # Errors
/// Where the channels do not fit.
pub fn relu_affine(input: &Traced, scale: &Tensor, shift: &Tensor) -> Result<Traced> {
    let x = input.tensor();
    let passes = indicator(&x.gt(&x.zeros_like()?)?, x)?.broadcast_mul(scale)?;
    let output = (x * &passes)?.broadcast_add(shift)?;
    let pullback =
        move |gradient: &Tensor, copies: usize| Ok(vec![Some(times(gradient, &passes, copies)?)]);
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// `(x - mean) / deviation` along the last axis.
///
/// # Errors
/// Where the bands do not fit.
pub fn standardise(input: &Traced, mean: &Tensor, deviation: &Tensor) -> Result<Traced> {
    let output = input.tensor().broadcast_sub(mean)?.broadcast_div(deviation)?;
    let deviation = deviation.clone();
    let pullback = move |gradient: &Tensor, _copies: usize| {
        Ok(vec![Some(gradient.broadcast_div(&deviation)?)])
    };
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// `x weight^T + bias`.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn dense(input: &Traced, weight: &Tensor, bias: &Tensor) -> Result<Traced> {
    let output = input.tensor().matmul(&weight.t()?)?.broadcast_add(bias)?;
    let weight = weight.clone();
    let pullback =
        move |gradient: &Tensor, _copies: usize| Ok(vec![Some(gradient.matmul(&weight)?)]);
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// Max pooling with stride 2 of `[B, H, W, C]`, or of pairs of `[B, L, C]`.
///
/// # Errors
/// Where the input has another number of axes.
pub fn max_pool(input: &Traced, edge: Edge) -> Result<Traced> {
    let x = input.tensor();
    let signal = x.rank() == 3;
    let image = if signal { x.unsqueeze(1)? } else { x.clone() };
    let (batch, height, width, channels) = image.dims4()?;
    let step = if signal { 1 } else { 2 };
    let image = fit(&image, 1, step, edge)?;
    let image = fit(&image, 2, 2, edge)?;
    let (even_height, even_width) = (image.dim(1)?, image.dim(2)?);
    let (rows, columns) = (even_height / step, even_width / 2);
    // The elements of each window, row by row.
    let windows = image.reshape(vec![batch * rows, step, columns, 2, channels])?;
    let elements = (0..2 * step)
        .map(|i| windows.narrow(1, i / 2, 1)?.narrow(3, i % 2, 1)?.squeeze(3)?.squeeze(1))
        .collect::<Result<Vec<_>>>()?;
    let mut largest = elements[0].contiguous()?;
    for element in &elements[1..] {
        largest = largest.maximum(element)?;
    }
    // Of equal elements the first is the window's.
    let mut free = largest.ones_like()?;
    let mut owners = Vec::new();
    for element in &elements {
        let owner = (indicator(&element.eq(&largest)?, x)? * &free)?;
        free = (free - &owner)?;
        owners.push(owner);
    }
    let shape =
        if signal { vec![batch, columns, channels] } else { vec![batch, rows, columns, channels] };
    let output = largest.reshape(shape)?;
    let before = x.dims().to_vec();
    let pullback = move |gradient: &Tensor, copies: usize| {
        let gradient = gradient.reshape((copies * batch * rows, columns, channels))?;
        let parts = owners
            .iter()
            .map(|owner| times(&gradient, owner, copies)?.unsqueeze(2))
            .collect::<Result<Vec<_>>>()?;
        // Columns of a row of windows side by side, then the rows.
        let lines = parts
            .chunks(2)
            .map(|pair| Tensor::cat(pair, 2)?.unsqueeze(1))
            .collect::<Result<Vec<_>>>()?;
        let image = Tensor::cat(&lines, 1)?;
        let image = image.reshape((copies * batch, even_height, even_width, channels))?;
        let image = unfit(&unfit(&image, 1, height)?, 2, width)?;
        let mut shape = before.clone();
        shape[0] = copies * batch;
        Ok(vec![Some(image.reshape(shape)?)])
    };
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// Makes an axis a multiple of `step` long: shorter, or longer by values that are never largest.
fn fit(image: &Tensor, axis: usize, step: usize, edge: Edge) -> Result<Tensor> {
    let length = image.dim(axis)?;
    let rest = length % step;
    if rest == 0 {
        return Ok(image.clone());
    }
    if edge == Edge::Drop {
        return image.narrow(axis, 0, length - rest)?.contiguous();
    }
    let mut shape = image.dims().to_vec();
    shape[axis] = step - rest;
    let lowest = Tensor::full(f32::MIN, shape, image.device())?.to_dtype(image.dtype())?;
    Tensor::cat(&[image, &lowest], axis)
}

/// The adjoint of [`fit`].
fn unfit(gradient: &Tensor, axis: usize, length: usize) -> Result<Tensor> {
    let fitted = gradient.dim(axis)?;
    if fitted < length {
        gradient.pad_with_zeros(axis, 0, length - fitted)
    } else {
        gradient.narrow(axis, 0, length)?.contiguous()
    }
}

/// 1 at the first of the largest (or, negated, smallest) of each row of `[B, N]`, else 0.
fn first_largest(rows: &Tensor) -> Result<Tensor> {
    let (_, length) = rows.dims2()?;
    let index = rows.argmax_keepdim(1)?.to_dtype(DType::U32)?;
    let places = Tensor::arange(0, length as u32, rows.device())?.unsqueeze(0)?;
    indicator(&places.broadcast_eq(&index)?, rows)
}

/// `[B, frames, bands]` to `[B * chunks, length, bands]`, chunks starting at `starts`; a clip that
/// is shorter than a chunk is continued with its smallest value.
///
/// # Errors
/// Where the input has another number of axes.
pub fn chunks(input: &Traced, starts: &[usize], length: usize) -> Result<Traced> {
    let x = input.tensor();
    let (batch, frames, bands) = x.dims3()?;
    if frames < length {
        let rows = x.reshape((batch, frames * bands))?;
        let smallest = first_largest(&rows.neg()?)?;
        let floor = (&rows * &smallest)?.sum_keepdim(1)?;
        let missing = (length - frames) * bands;
        let floors = floor.broadcast_as((batch, missing))?.contiguous()?;
        let output = Tensor::cat(&[&rows, &floors], 1)?.reshape((batch, length, bands))?;
        let pullback = move |gradient: &Tensor, copies: usize| {
            let gradient = gradient.reshape((copies * batch, length * bands))?;
            let inside = gradient.narrow(1, 0, frames * bands)?.contiguous()?;
            let behind = gradient.narrow(1, frames * bands, missing)?.sum_keepdim(1)?;
            let behind = behind.broadcast_as(inside.dims())?.contiguous()?;
            let result = (inside + times(&behind, &smallest, copies)?)?;
            Ok(vec![Some(result.reshape((copies * batch, frames, bands))?)])
        };
        return Ok(Traced::derived(output, &[input], Box::new(pullback)));
    }
    let parts = starts
        .iter()
        .map(|&start| x.narrow(1, start, length)?.unsqueeze(1))
        .collect::<Result<Vec<_>>>()?;
    let count = starts.len();
    let output = Tensor::cat(&parts, 1)?.reshape((batch * count, length, bands))?;
    let starts = starts.to_vec();
    let pullback = move |gradient: &Tensor, copies: usize| {
        let gradient = gradient.reshape((copies * batch, count, length, bands))?;
        let mut sum: Option<Tensor> = None;
        for (chunk, &start) in starts.iter().enumerate() {
            let part = gradient.narrow(1, chunk, 1)?.squeeze(1)?.contiguous()?;
            let part = part.pad_with_zeros(1, start, frames - start - length)?;
            sum = Some(match sum {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
        Ok(vec![sum])
    };
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// The matrices of a log-mel spectrogram.
#[derive(Clone)]
pub struct LogMelMatrices {
    /// The window times cosines and times negative sines, `[window, 2 * bins]`.
    pub transform: Tensor,
    /// `[bins, bands]`.
    pub filters: Tensor,
    /// Samples of a frame.
    pub window: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// Whether the clip is mirrored at its ends, not continued with zeros.
    pub reflect: bool,
    /// Smaller powers are taken as this.
    pub floor: f64,
}

/// `[B, N]` to decibels `[B, frames, bands]` relative to each clip's largest.
///
/// # Errors
/// Where the hop does not divide the window, or the input has another number of axes.
pub fn log_mel(input: &Traced, matrices: &LogMelMatrices) -> Result<Traced> {
    let (batch, samples) = input.tensor().dims2()?;
    let LogMelMatrices { transform, filters, window, hop, reflect, floor } = matrices.clone();
    if window % hop != 0 {
        bail!("log-mel: off the CPU the hop ({hop}) must divide the window ({window})")
    }
    let frames = samples / hop + 1;
    let overlap = window / hop;
    let length = (frames + overlap - 1) * hop;
    let padded = pad_ends(input.tensor(), window / 2, reflect)?;
    let blocks = padded.narrow(1, 0, length)?.reshape((batch, frames + overlap - 1, hop))?;
    let pieces = (0..overlap).map(|i| blocks.narrow(1, i, frames)).collect::<Result<Vec<_>>>()?;
    let cut = Tensor::cat(&pieces, 2)?.reshape((batch * frames, window))?;
    let spectrum = cut.matmul(&transform)?;
    let bins = filters.dim(0)?;
    let squares = spectrum.sqr()?;
    let power = (squares.narrow(1, 0, bins)? + squares.narrow(1, bins, bins)?)?;
    let mel = power.matmul(&filters)?;
    let bands = mel.dim(1)?;
    let floors = (mel.zeros_like()? + floor)?;
    let audible = indicator(&mel.gt(&floors)?, &mel)?;
    let mel = mel.maximum(&floors)?;
    let decibels = (mel.log()? * (10.0 / std::f64::consts::LN_10))?;
    let rows = decibels.reshape((batch, frames * bands))?;
    let loudest = first_largest(&rows)?;
    let reference = (&rows * &loudest)?.sum_keepdim(1)?;
    let output = rows.broadcast_sub(&reference)?.reshape((batch, frames, bands))?;
    let slope = ((audible / mel)? * (10.0 / std::f64::consts::LN_10))?;
    let slope = slope.reshape((batch, frames * bands))?;
    let pullback = move |gradient: &Tensor, copies: usize| {
        let gradient = gradient.reshape((copies * batch, frames * bands))?;
        let total = gradient.sum_keepdim(D::Minus1)?;
        let total = total.broadcast_as(gradient.dims())?.contiguous()?;
        let gradient = (gradient - times(&total, &loudest, copies)?)?;
        let by_mel = times(&gradient, &slope, copies)?.reshape((copies * batch * frames, bands))?;
        let by_power = (by_mel.matmul(&filters.t()?.contiguous()?)? * 2.0)?;
        let by_both = Tensor::cat(&[&by_power, &by_power], 1)?;
        let by_spectrum = times(&by_both, &spectrum, copies)?;
        let by_frame = by_spectrum.matmul(&transform.t()?.contiguous()?)?;
        let by_frame = by_frame.reshape((copies * batch, frames, window))?;
        let mut sum: Option<Tensor> = None;
        for i in 0..overlap {
            let piece = by_frame.narrow(2, i * hop, hop)?.contiguous()?;
            let piece = piece.pad_with_zeros(1, i, overlap - 1 - i)?;
            sum = Some(match sum {
                Some(sum) => (sum + piece)?,
                None => piece,
            });
        }
        let Some(sum) = sum else { bail!("log-mel: an empty window") };
        let by_padded = sum.reshape((copies * batch, length))?;
        // Samples behind the last frame have no influence.
        let by_padded = by_padded.pad_with_zeros(1, 0, samples + window - length)?;
        Ok(vec![Some(pad_ends_adjoint(&by_padded, window / 2, samples, reflect)?)])
    };
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// `[B, N]` with `pad` samples more at each end.
fn pad_ends(samples: &Tensor, pad: usize, reflect: bool) -> Result<Tensor> {
    if !reflect {
        return samples.pad_with_zeros(1, pad, pad);
    }
    let length = samples.dim(1)?;
    let before = samples.narrow(1, 1, pad)?.contiguous()?.flip(&[1])?;
    let after = samples.narrow(1, length - 1 - pad, pad)?.contiguous()?.flip(&[1])?;
    Tensor::cat(&[&before, samples, &after], 1)
}

/// The adjoint of [`pad_ends`].
fn pad_ends_adjoint(gradient: &Tensor, pad: usize, length: usize, reflect: bool) -> Result<Tensor> {
    let inside = gradient.narrow(1, pad, length)?.contiguous()?;
    if !reflect {
        return Ok(inside);
    }
    let before = gradient.narrow(1, 0, pad)?.contiguous()?.flip(&[1])?;
    let after = gradient.narrow(1, pad + length, pad)?.contiguous()?.flip(&[1])?;
    let before = before.pad_with_zeros(1, 1, length - 1 - pad)?;
    let after = after.pad_with_zeros(1, length - 1 - pad, 1)?;
    (inside + before)? + after
}
