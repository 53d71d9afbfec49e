//! Layers whose weights are being trained: operands are traced too, and statistics are the batch's.

use candle_core::{D, DType, Error, Result, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::element::Element;
use super::graph::Traced;
use super::kernel::with_slice;
use super::product::vectorised;

/// Pixels of a task: fixed, so that results do not depend on the number of threads.
const BLOCK: usize = 2048;

/// Pixels that are summed in the type of the values before that is added to a sum in `f64`: sums
/// over a batch's pixels would lose three digits in `f32`.
const RUN: usize = 64;

/// What a batch norm saw, one value a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The batch's mean.
    pub mean: Vec<f32>,
    /// The batch's variance, divided by the number of pixels.
    pub variance: Vec<f32>,
}

/// Batch norm over all but the last axis with the batch's own statistics, of `max(input, 0)` if
/// `rectified`: `scale (x - mean) / sqrt(variance + eps) + shift` (Ioffe and Szegedy, 2015).
///
/// # Errors
/// Where the input is empty or the channels do not fit.
pub fn batch_norm(
    input: &Traced,
    scale: &Traced,
    shift: &Traced,
    eps: f64,
    rectified: bool,
) -> Result<(Traced, Statistics)> {
    match input.tensor().dtype() {
        DType::F32 => batch_norm_of::<f32>(input, scale, shift, eps, rectified),
        DType::F64 => batch_norm_of::<f64>(input, scale, shift, eps, rectified),
        dtype => Err(Error::UnsupportedDTypeForOp(dtype, "batch norm")),
    }
}

fn batch_norm_of<T: Element>(
    input: &Traced,
    scale: &Traced,
    shift: &Traced,
    eps: f64,
    rectified: bool,
) -> Result<(Traced, Statistics)> {
    let values = input.tensor().contiguous()?;
    let shape = values.shape().clone();
    let factors = scale.tensor().to_vec1::<T>()?;
    let offsets = shift.tensor().to_vec1::<T>()?;
    let channels = factors.len();
    if values.dim(D::Minus1)? != channels || offsets.len() != channels || values.elem_count() == 0 {
        bail!("batch norm of {channels} channels can't take {shape:?}")
    }
    let count = (values.elem_count() / channels) as f64;
    let least = if rectified { T::zero() } else { T::from_f64(f64::NEG_INFINITY) };
    let (output, norm) = with_slice::<T, _>(&values, |x| {
        let sums = moments(x, &vec![T::zero(); channels], least, false);
        let mean: Vec<_> = sums.iter().map(|sum| T::from_f64(sum / count)).collect();
        let squares = moments(x, &mean, least, true);
        let variance: Vec<_> = squares.iter().map(|sum| sum / count).collect();
        let inverse = variance.iter().map(|v| T::from_f64(1.0 / (v + eps).sqrt())).collect();
        let norm = Norm { mean, inverse, least };
        let mut output = vec![T::zero(); x.len()];
        output.par_chunks_mut(BLOCK * channels).zip(x.par_chunks(BLOCK * channels)).for_each(
            |(output, x)| {
                vectorised(Apply { x, norm: &norm, scale: &factors, shift: &offsets, output });
            },
        );
        let statistics = Statistics {
            mean: norm.mean.iter().map(|m| m.to_f64() as f32).collect(),
            variance: variance.iter().map(|&v| v as f32).collect(),
        };
        Ok((output, (norm, statistics)))
    })?;
    let (norm, statistics) = norm;
    let output = Tensor::from_vec(output, shape.clone(), values.device())?;
    let pullback = move |gradient: &Tensor, copies: usize| {
        if copies != 1 {
            bail!("weights are trained with one gradient at a time")
        }
        let device = gradient.device();
        with_slice::<T, _>(&gradient.contiguous()?, |g| {
            with_slice::<T, _>(&values, |x| {
                // Of the shift, and of the scale.
                let [by_shift, by_scale] = sums(g, x, &norm.mean, &norm.inverse, norm.least);
                let mean_of = |sums: &[f64]| -> Vec<T> {
                    sums.iter().map(|sum| T::from_f64(sum / count)).collect()
                };
                let (level, slope) = (mean_of(&by_shift), mean_of(&by_scale));
                let mut result = vec![T::zero(); x.len()];
                let size = BLOCK * channels;
                let blocks = result.par_chunks_mut(size).zip(x.par_chunks(size));
                blocks.zip(g.par_chunks(size)).for_each(|((result, x), g)| {
                    let (norm, scale) = (&norm, &factors[..]);
                    vectorised(Adjoint { x, g, norm, scale, level: &level, slope: &slope, result });
                });
                let parameter = |sums: Vec<f64>| {
                    let values = sums.into_iter().map(T::from_f64).collect();
                    Tensor::from_vec(values, channels, device)
                };
                let input = Tensor::from_vec(result, shape.clone(), device)?;
                Ok(vec![Some(input), Some(parameter(by_scale)?), Some(parameter(by_shift)?)])
            })
        })
    };
    let output = Traced::derived(output, &[input, scale, shift], Box::new(pullback));
    Ok((output, statistics))
}

/// The batch's own statistics in the form that is computed with.
struct Norm<T> {
    mean: Vec<T>,
    /// One over the standard deviation.
    inverse: Vec<T>,
    /// Smaller inputs are taken as this.
    least: T,
}

/// For each channel, the sums over pixels of `g` and of `g * (max(x, least) - mean) * inverse`.
fn sums<T: Element>(g: &[T], x: &[T], mean: &[T], inverse: &[T], least: T) -> [Vec<f64>; 2] {
    let channels = mean.len();
    let size = BLOCK * channels;
    let parts: Vec<_> = g
        .par_chunks(size)
        .zip(x.par_chunks(size))
        .map(|(g, x)| vectorised(Sums { g, x, mean, inverse, least }))
        .collect();
    let mut total = [vec![0.0; channels], vec![0.0; channels]];
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            add(total, &part);
        }
    }
    total
}

/// Adds sums to larger ones.
#[inline(always)]
fn add<T: Element>(total: &mut [f64], part: &[T]) {
    for (sum, value) in total.iter_mut().zip(part) {
        *sum += value.to_f64();
    }
}

/// For each channel, the sum over pixels of `max(x, least) - mean`, or of its square.
fn moments<T: Element>(x: &[T], mean: &[T], least: T, squared: bool) -> Vec<f64> {
    let channels = mean.len();
    let parts: Vec<_> = x
        .par_chunks(BLOCK * channels)
        .map(|x| vectorised(Moments { x, mean, least, squared }))
        .collect();
    let mut total = vec![0.0; channels];
    for part in parts {
        add(&mut total, &part);
    }
    total
}

/// The sum over all pixels of each channel.
pub(super) fn channel_sums<T: Element>(values: &[T], channels: usize) -> Vec<T> {
    let least = T::from_f64(f64::NEG_INFINITY);
    let sums = moments(values, &vec![T::zero(); channels], least, false);
    sums.into_iter().map(T::from_f64).collect()
}

struct Sums<'a, T> {
    g: &'a [T],
    x: &'a [T],
    mean: &'a [T],
    inverse: &'a [T],
    least: T,
}

impl<T: Element> WithSimd for Sums<'_, T> {
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> [Vec<f64>; 2] {
        let Self { g, x, mean, inverse, least } = self;
        let channels = mean.len();
        let mut total = [vec![0.0; channels], vec![0.0; channels]];
        for (g, x) in g.chunks(RUN * channels).zip(x.chunks(RUN * channels)) {
            let (mut first, mut second) = (vec![T::zero(); channels], vec![T::zero(); channels]);
            for (g, x) in g.chunks_exact(channels).zip(x.chunks_exact(channels)) {
                for c in 0..channels {
                    let x = if x[c] > least { x[c] } else { least };
                    first[c] += g[c];
                    second[c] += g[c] * ((x - mean[c]) * inverse[c]);
                }
            }
            add(&mut total[0], &first);
            add(&mut total[1], &second);
        }
        total
    }
}

struct Moments<'a, T> {
    x: &'a [T],
    mean: &'a [T],
    least: T,
    squared: bool,
}

impl<T: Element> WithSimd for Moments<'_, T> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Vec<f64> {
        let Self { x, mean, least, squared } = self;
        let channels = mean.len();
        let mut total = vec![0.0; channels];
        for x in x.chunks(RUN * channels) {
            let mut sums = vec![T::zero(); channels];
            for x in x.chunks_exact(channels) {
                for (c, sum) in sums.iter_mut().enumerate() {
                    let difference = if x[c] > least { x[c] } else { least } - mean[c];
                    *sum += if squared { difference * difference } else { difference };
                }
            }
            add(&mut total, &sums);
        }
        total
    }
}

struct Apply<'a, T> {
    x: &'a [T],
    norm: &'a Norm<T>,
    scale: &'a [T],
    shift: &'a [T],
    output: &'a mut [T],
}

impl<T: Element> WithSimd for Apply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { x, norm: Norm { mean, inverse, least }, scale, shift, output } = self;
        let channels = scale.len();
        for (x, y) in x.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            for c in 0..channels {
                let x = if x[c] > *least { x[c] } else { *least };
                y[c] = (x - mean[c]) * inverse[c] * scale[c] + shift[c];
            }
        }
    }
}

/// `scale / deviation (g - level - slope (x - mean) / deviation)`, nothing below `least`.
struct Adjoint<'a, T> {
    x: &'a [T],
    g: &'a [T],
    norm: &'a Norm<T>,
    scale: &'a [T],
    level: &'a [T],
    slope: &'a [T],
    result: &'a mut [T],
}

impl<T: Element> WithSimd for Adjoint<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { x, g, norm: Norm { mean, inverse, least }, scale, level, slope, result } = self;
        let channels = scale.len();
        let pixels = x.chunks_exact(channels).zip(g.chunks_exact(channels));
        for ((x, g), result) in pixels.zip(result.chunks_exact_mut(channels)) {
            for c in 0..channels {
                let standard = (x[c] - mean[c]) * inverse[c];
                let slope = scale[c] * inverse[c] * (g[c] - level[c] - slope[c] * standard);
                result[c] = if x[c] > *least { slope } else { T::zero() };
            }
        }
    }
}

/// `input weight^T + bias`: `[B, in]` with `[out, in]` and `[out]`.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn dense(input: &Traced, weight: &Traced, bias: &Traced) -> Result<Traced> {
    let (x, w) = (input.tensor().clone(), weight.tensor().clone());
    let output = x.matmul(&w.t()?)?.broadcast_add(bias.tensor())?;
    let pullback = move |gradient: &Tensor, copies: usize| {
        if copies != 1 {
            bail!("weights are trained with one gradient at a time")
        }
        let by_weight = gradient.t()?.matmul(&x)?;
        Ok(vec![Some(gradient.matmul(&w)?), Some(by_weight), Some(gradient.sum(0)?)])
    };
    Ok(Traced::derived(output, &[input, weight, bias], Box::new(pullback)))
}

/// The mean cross entropy of target probabilities `[B, labels]` with the mean of the heads'
/// softmaxes of `logits` `[B, heads, labels]`, and its gradient with respect to the logits. A row of
/// targets may sum to another number than 1: that is the example's weight.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn cross_entropy(logits: &Traced, targets: &Tensor) -> Result<(f64, Tensor)> {
    let logits = logits.tensor();
    let (batch, heads, _) = logits.dims3()?;
    let log_softmax = candle_nn::ops::log_softmax(logits, 2)?;
    // log(mean(exp)), by the largest head's.
    let largest = log_softmax.max_keepdim(1)?;
    let relative = log_softmax.broadcast_sub(&largest)?.exp()?;
    let log_mean = (relative.mean_keepdim(1)?.log()? + &largest)?;
    let targets = targets.unsqueeze(1)?;
    let products = (&log_mean * &targets)?.sum_all()?.to_dtype(DType::F64)?;
    let loss = -products.to_scalar::<f64>()? / batch as f64;
    // How much of each target's loss is each head's, as the heads' probabilities are.
    let share = log_softmax.broadcast_sub(&log_mean)?.exp()?.broadcast_mul(&targets)?;
    let gradient = (log_softmax.exp()?.broadcast_mul(&share.sum_keepdim(2)?)? - share)?;
    Ok((loss, (gradient / (heads * batch) as f64)?))
}
