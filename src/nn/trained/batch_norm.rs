//! Batch norm with the batch's own statistics, with a rectifier before or after it in the same pass.

use candle_core::{D, DType, Error, Result, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::nn::affine::Rectifier;
use crate::nn::element::Element;
use crate::nn::graph::Traced;
use crate::nn::kernel::with_slice;
use crate::nn::portable;
use crate::nn::product::vectorised;
use crate::nn::rows::{repeated, rows_of_block};

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

/// Batch norm over all but the last axis with the batch's own statistics:
/// `scale (x - mean) / sqrt(variance + eps) + shift` (Ioffe and Szegedy, 2015), and a rectifier
/// whose derivative at exactly 0 is 0.
///
/// # Errors
/// Where the input is empty or the channels do not fit.
pub fn batch_norm(
    input: &Traced,
    scale: &Traced,
    shift: &Traced,
    eps: f64,
    rectifier: Rectifier,
) -> Result<(Traced, Statistics)> {
    if portable::is_needed(input) {
        return portable::trained_batch_norm(input, scale, shift, eps, rectifier);
    }
    match input.tensor().dtype() {
        DType::F32 => batch_norm_of::<f32>(input, scale, shift, eps, rectifier),
        DType::F64 => batch_norm_of::<f64>(input, scale, shift, eps, rectifier),
        dtype => Err(Error::UnsupportedDTypeForOp(dtype, "batch norm")),
    }
}

fn batch_norm_of<T: Element>(
    input: &Traced,
    scale: &Traced,
    shift: &Traced,
    eps: f64,
    rectifier: Rectifier,
) -> Result<(Traced, Statistics)> {
    let values = input.tensor().contiguous()?;
    let shape = values.shape().clone();
    let scales = scale.tensor().to_vec1::<T>()?;
    let shifts = shift.tensor().to_vec1::<T>()?;
    let channels = scales.len();
    if values.dim(D::Minus1)? != channels || shifts.len() != channels || values.elem_count() == 0 {
        bail!("batch norm of {channels} channels can't take {shape:?}")
    }
    let count = (values.elem_count() / channels) as f64;
    let limit = |at: Rectifier| {
        if rectifier == at { T::zero() } else { T::from_f64(f64::NEG_INFINITY) }
    };
    let least = limit(Rectifier::Before);
    let (output, norm, statistics) = with_slice::<T, _>(&values, |x| {
        let (mean, variance) = moments(x, channels, least);
        let inverse: Vec<f64> = variance.iter().map(|v| 1.0 / (v + eps).sqrt()).collect();
        let norm = Norm {
            mean: mean.iter().map(|&m| T::from_f64(m)).collect(),
            factor: scales.iter().zip(&inverse).map(|(s, i)| T::from_f64(s.to_f64() * i)).collect(),
            inverse,
            shift: shifts,
            least,
            floor: limit(Rectifier::After),
        };
        let output = norm.apply(x);
        let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        Ok((output, norm, Statistics { mean: single(mean), variance: single(variance) }))
    })?;
    let output = Tensor::from_vec(output, shape.clone(), values.device())?;
    let pullback = move |gradient: &Tensor, copies: usize| {
        super::one_at_a_time(copies)?;
        let device = gradient.device();
        with_slice::<T, _>(&gradient.contiguous()?, |g| {
            with_slice::<T, _>(&values, |x| {
                let [by_shift, by_scale] = norm.parameter_gradients(g, x);
                let result = norm.input_gradient(g, x, &by_shift, &by_scale, count);
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

/// `max(factor (max(x, least) - mean) + shift, floor)`, one value each a channel.
struct Norm<T> {
    mean: Vec<T>,
    /// One over the standard deviation.
    inverse: Vec<f64>,
    /// The trained scale over the standard deviation.
    factor: Vec<T>,
    shift: Vec<T>,
    least: T,
    floor: T,
}

impl<T: Element> Norm<T> {
    /// Its values for as many pixels as make a good inner loop.
    fn repeated(&self) -> [Vec<T>; 3] {
        [&self.mean, &self.factor, &self.shift].map(|parameter| repeated(parameter))
    }

    fn channels<'a>(&self, [mean, factor, shift]: &'a [Vec<T>; 3]) -> Channels<'a, T> {
        Channels { mean, factor, shift, least: self.least, floor: self.floor }
    }

    fn apply(&self, x: &[T]) -> Vec<T> {
        let size = block(self.mean.len());
        let mut output = vec![T::zero(); x.len()];
        let parameters = self.repeated();
        let norm = self.channels(&parameters);
        output.par_chunks_mut(size).zip(x.par_chunks(size)).for_each(|(output, x)| {
            vectorised(Apply { x, norm, output });
        });
        output
    }

    /// The gradients of shift and scale.
    fn parameter_gradients(&self, g: &[T], x: &[T]) -> [Vec<f64>; 2] {
        let channels = self.mean.len();
        let size = block(channels);
        let parameters = self.repeated();
        let norm = self.channels(&parameters);
        let parts: Vec<_> = g
            .par_chunks(size)
            .zip(x.par_chunks(size))
            .map(|(g, x)| vectorised(Sums { g, x, channels, norm }))
            .collect();
        let mut total = [vec![0.0; channels], vec![0.0; channels]];
        for part in parts {
            for (total, part) in total.iter_mut().zip(part) {
                total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
            }
        }
        total[1].iter_mut().zip(&self.inverse).for_each(|(sum, inverse)| *sum *= inverse);
        total
    }

    /// `factor (g - mean of g - (x - mean) / deviation * mean of its products with g)`, where the
    /// rectifiers let it pass.
    fn input_gradient(
        &self,
        g: &[T],
        x: &[T],
        by_shift: &[f64],
        by_scale: &[f64],
        count: f64,
    ) -> Vec<T> {
        let size = block(self.mean.len());
        let factors = self.factor.iter().map(|f| f.to_f64());
        let level: Vec<T> =
            factors.clone().zip(by_shift).map(|(f, sum)| T::from_f64(-f * sum / count)).collect();
        let slope: Vec<T> = factors
            .zip(by_scale.iter().zip(&self.inverse))
            .map(|(f, (sum, inverse))| T::from_f64(-f * inverse * sum / count))
            .collect();
        let [level, slope] = [&level, &slope].map(|parameter| repeated(parameter));
        let (level, slope) = (&level[..], &slope[..]);
        let parameters = self.repeated();
        let norm = self.channels(&parameters);
        let mut result = vec![T::zero(); x.len()];
        let blocks = result.par_chunks_mut(size).zip(x.par_chunks(size)).zip(g.par_chunks(size));
        blocks.for_each(|((result, x), g)| {
            vectorised(Adjoint { x, g, norm, level, slope, result });
        });
        result
    }
}

/// Values of a task.
fn block(channels: usize) -> usize {
    rows_of_block(channels).next_multiple_of(RUN) * channels
}

/// Mean and variance of `max(x, least)` of each channel, in one pass over the memory.
fn moments<T: Element>(x: &[T], channels: usize, least: T) -> (Vec<f64>, Vec<f64>) {
    let blocks = x.par_chunks(block(channels));
    let parts: Vec<_> = blocks
        .map(|x| {
            let count = (x.len() / channels) as f64;
            let origin = vec![T::zero(); channels];
            let sums = vectorised(Moments { x, origin: &repeated(&origin), channels, least })[0]
                .iter()
                .map(|sum| sum / count)
                .collect::<Vec<_>>();
            // Squares about the block's own mean, while it is in the cache.
            let origin: Vec<T> = sums.iter().map(|&mean| T::from_f64(mean)).collect();
            let about = vectorised(Moments { x, origin: &repeated(&origin), channels, least });
            (count, origin, about)
        })
        .collect();
    let total = (x.len() / channels) as f64;
    (0..channels)
        .map(|c| {
            let of = |(count, origin, [sums, squares]): &(f64, Vec<T>, [Vec<f64>; 2])| {
                (*count, origin[c].to_f64(), sums[c], squares[c])
            };
            let sum: f64 = parts.iter().map(of).map(|(n, o, sum, _)| n * o + sum).sum();
            let mean = sum / total;
            let squares = parts.iter().map(of).map(|(n, origin, sum, squares)| {
                let by = origin - mean;
                squares + 2.0 * by * sum + n * by * by
            });
            let squares = squares.sum::<f64>();
            // Rounding may leave less than nothing; what is not a number stays so.
            (mean, if squares < 0.0 { 0.0 } else { squares } / total)
        })
        .unzip()
}

/// The sum over all pixels of each channel.
pub fn channel_sums<T: Element>(values: &[T], channels: usize) -> Vec<T> {
    let origin = repeated(&vec![T::zero(); channels]);
    let least = T::from_f64(f64::NEG_INFINITY);
    let blocks = values.par_chunks(block(channels));
    let parts: Vec<_> = blocks
        .map(|x| vectorised(Moments { x, origin: &origin, channels, least })[0].clone())
        .collect();
    (0..channels).map(|c| T::from_f64(parts.iter().map(|part| part[c]).sum())).collect()
}

/// Adds sums, repeated like the channels, to larger ones, and starts them again.
#[inline(always)]
fn carry<T: Element>(total: &mut [f64], sums: &mut [T]) {
    for sums in sums.chunks_mut(total.len()) {
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += sum.to_f64();
            *sum = T::zero();
        }
    }
}

/// The sums of `max(x, least) - origin` and of its squares.
struct Moments<'a, T> {
    x: &'a [T],
    origin: &'a [T],
    channels: usize,
    least: T,
}

impl<T: Element> WithSimd for Moments<'_, T> {
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> [Vec<f64>; 2] {
        let Self { x, origin, channels, least } = self;
        let width = origin.len();
        let mut total = [vec![0.0; channels], vec![0.0; channels]];
        let mut sums = [vec![T::zero(); width], vec![T::zero(); width]];
        for x in x.chunks(RUN * channels) {
            let [first, second] = &mut sums;
            for x in x.chunks(width) {
                let n = x.len();
                let (origin, first, second) = (&origin[..n], &mut first[..n], &mut second[..n]);
                for i in 0..n {
                    let difference = if x[i] < least { least } else { x[i] } - origin[i];
                    first[i] += difference;
                    second[i] += difference * difference;
                }
            }
            carry(&mut total[0], first);
            carry(&mut total[1], second);
        }
        total
    }
}

/// A [`Norm`]'s values, [`repeated`].
#[derive(Clone, Copy)]
struct Channels<'a, T> {
    mean: &'a [T],
    factor: &'a [T],
    shift: &'a [T],
    least: T,
    floor: T,
}

impl<T: Element> Channels<'_, T> {
    fn width(&self) -> usize {
        self.mean.len()
    }

    /// For the first so many values: the loops' lengths are then known to be equal.
    #[inline(always)]
    fn first(&self, n: usize) -> Self {
        let Self { mean, factor, shift, .. } = *self;
        Self { mean: &mean[..n], factor: &factor[..n], shift: &shift[..n], ..*self }
    }

    /// `max(x, least)`; what is not a number stays so.
    #[inline(always)]
    fn rectified(&self, x: T) -> T {
        if x < self.least { self.least } else { x }
    }
}

/// See [`Norm::apply`].
struct Apply<'a, T> {
    x: &'a [T],
    norm: Channels<'a, T>,
    output: &'a mut [T],
}

impl<T: Element> WithSimd for Apply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { x, norm, output } = self;
        let width = norm.width();
        for (x, y) in x.chunks(width).zip(output.chunks_mut(width)) {
            let n = x.len();
            let (norm, y) = (norm.first(n), &mut y[..n]);
            for i in 0..n {
                let centred = norm.rectified(x[i]) - norm.mean[i];
                let value = centred * norm.factor[i] + norm.shift[i];
                y[i] = if value < norm.floor { norm.floor } else { value };
            }
        }
    }
}

/// The sums of `g` and of `g * (max(x, least) - mean)` where the second rectifier lets `g` pass.
struct Sums<'a, T> {
    g: &'a [T],
    x: &'a [T],
    channels: usize,
    norm: Channels<'a, T>,
}

impl<T: Element> WithSimd for Sums<'_, T> {
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> [Vec<f64>; 2] {
        let Self { g, x, channels, norm } = self;
        let width = norm.width();
        let mut total = [vec![0.0; channels], vec![0.0; channels]];
        let mut sums = [vec![T::zero(); width], vec![T::zero(); width]];
        for (g, x) in g.chunks(RUN * channels).zip(x.chunks(RUN * channels)) {
            let [first, second] = &mut sums;
            for (g, x) in g.chunks(width).zip(x.chunks(width)) {
                let n = x.len();
                let (norm, g) = (norm.first(n), &g[..n]);
                let (first, second) = (&mut first[..n], &mut second[..n]);
                for i in 0..n {
                    let difference = norm.rectified(x[i]) - norm.mean[i];
                    let passes = difference * norm.factor[i] + norm.shift[i] > norm.floor;
                    let g = if passes { g[i] } else { T::zero() };
                    first[i] += g;
                    second[i] += g * difference;
                }
            }
            carry(&mut total[0], first);
            carry(&mut total[1], second);
        }
        total
    }
}

/// `factor g + level + slope (x - mean)`: `g` only where the second rectifier lets it pass, the
/// whole only where the first does.
struct Adjoint<'a, T> {
    x: &'a [T],
    g: &'a [T],
    norm: Channels<'a, T>,
    level: &'a [T],
    slope: &'a [T],
    result: &'a mut [T],
}

impl<T: Element> WithSimd for Adjoint<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { x, g, norm, level, slope, result } = self;
        let width = norm.width();
        let pixels = x.chunks(width).zip(g.chunks(width));
        for ((x, g), result) in pixels.zip(result.chunks_mut(width)) {
            let n = x.len();
            let (norm, g) = (norm.first(n), &g[..n]);
            let (level, slope, result) = (&level[..n], &slope[..n], &mut result[..n]);
            for i in 0..n {
                let difference = x[i] - norm.mean[i];
                let passes = difference * norm.factor[i] + norm.shift[i] > norm.floor;
                let g = if passes { g[i] * norm.factor[i] } else { T::zero() };
                let value = g + level[i] + slope[i] * difference;
                result[i] = if x[i] > norm.least { value } else { T::zero() };
            }
        }
    }
}
