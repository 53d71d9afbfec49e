//! Squeeze-and-excitation: each channel weighted by what the whole image says of it.

use std::sync::Arc;

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::element::{Element, Family, FrozenWeights, Prepared};
use super::exp::sigmoid;
use super::graph::Traced;
use super::kernel::{self, RereadingKernel};
use super::pool::Edge;
use super::portable;
use super::product::Packed;
use super::rows::{matrix_product, repeated, scale_shift, sums, sums_of_products};
use super::trained::{TracedSqueezeExcite, squeeze_excite_pool};

/// `y = x * s` with `s = sigmoid(W2 relu(W1 m + b1) + b2)` a channel, `m` being the mean over the
/// pixels (Hu et al. 2018): of images `[B, H, W, C]` and signals `[B, L, C]`.
///
/// The gradient goes both ways by which `x` enters. The derivative of the rectifier at exactly 0
/// is 0.
#[derive(Clone, Debug)]
pub struct SqueezeExcite(Arc<SqueezeExciteKernel>);

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
        Ok(Self(Arc::new(SqueezeExciteKernel {
            squeeze_weight: keep(squeeze_weight),
            squeeze_bias: keep(squeeze_bias),
            excite_weight: keep(excite_weight),
            excite_bias: keep(excite_bias),
            matrices: Prepared::default(),
        })))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, H, W, C]` or `[B, L, C]` with at least one pixel.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            let kernel = &*self.0;
            let (like, channels, reduced) =
                (input.tensor(), kernel.excite_bias.len(), kernel.squeeze_bias.len());
            return portable::squeeze_excite(
                input,
                [
                    &kernel.squeeze_weight.tensor(&[reduced, channels], like)?,
                    &kernel.excite_weight.tensor(&[channels, reduced], like)?,
                ],
                [
                    &kernel.squeeze_bias.tensor(&[reduced], like)?,
                    &kernel.excite_bias.tensor(&[channels], like)?,
                ],
            );
        }
        kernel::apply_rereading(&self.0, input)
    }
}

impl SqueezeExcite {
    /// [`super::max_pool`] of the layer's output, without making that: what is remembered for the
    /// gradient is a quarter of the image and a byte for each value of that.
    ///
    /// # Errors
    /// Those of [`Self::forward`], and where the image is smaller than a window.
    pub fn forward_pooled(&self, input: &Traced, edge: Edge) -> Result<Traced> {
        let kernel = &*self.0;
        kernel.output_shape(input.tensor().dims())?;
        let (channels, reduced) = (kernel.excite_bias.len(), kernel.squeeze_bias.len());
        let frozen = |weights: &FrozenWeights, shape: &[usize]| {
            weights.tensor(shape, input.tensor()).map(Traced::constant)
        };
        let weights = TracedSqueezeExcite {
            squeeze_weight: frozen(&kernel.squeeze_weight, &[reduced, channels])?,
            squeeze_bias: frozen(&kernel.squeeze_bias, &[reduced])?,
            excite_weight: frozen(&kernel.excite_weight, &[channels, reduced])?,
            excite_bias: frozen(&kernel.excite_bias, &[channels])?,
        };
        squeeze_excite_pool(input, &weights, edge)
    }
}

/// Both matrices and their transposes.
#[derive(Debug)]
struct Matrices<T> {
    squeeze: Packed<T>,
    excite: Packed<T>,
    squeeze_back: Packed<T>,
    excite_back: Packed<T>,
}

#[derive(Debug)]
struct AllMatrices;

impl Family for AllMatrices {
    type Of<T: Element> = Matrices<T>;
}

#[derive(Debug)]
struct SqueezeExciteKernel {
    squeeze_weight: FrozenWeights,
    squeeze_bias: FrozenWeights,
    excite_weight: FrozenWeights,
    excite_bias: FrozenWeights,
    matrices: Prepared<AllMatrices>,
}

impl SqueezeExciteKernel {
    fn matrices<T: Element>(&self) -> &Matrices<T> {
        let (channels, reduced) = (self.excite_bias.len(), self.squeeze_bias.len());
        let squeeze = |r: usize, c: usize| T::from_f64(self.squeeze_weight.at(r * channels + c));
        let excite = |c: usize, r: usize| T::from_f64(self.excite_weight.at(c * reduced + r));
        self.matrices.get_or_init(|| Matrices {
            squeeze: Packed::new(channels, reduced, |c, r| squeeze(r, c)),
            excite: Packed::new(reduced, channels, |r, c| excite(c, r)),
            squeeze_back: Packed::new(reduced, channels, squeeze),
            excite_back: Packed::new(channels, reduced, excite),
        })
    }
}

/// `target = scale * source + shift` of each image; scales and shifts are `[images, channels]`, the
/// scales starting again where they end before the images do.
pub(super) fn weigh<T: Element>(
    source: &[T],
    scales: &[T],
    shifts: &[T],
    channels: usize,
) -> Vec<T> {
    let mut target = vec![T::zero(); source.len()];
    let length = source.len() / (shifts.len() / channels).max(1);
    let images = target.par_chunks_mut(length.max(1)).zip(source.par_chunks(length.max(1)));
    images.zip(shifts.par_chunks(channels)).enumerate().for_each(
        |(image, ((target, source), shifts))| {
            let start = image * channels % scales.len();
            let scales = repeated(&scales[start..start + channels]);
            scale_shift(source, &scales, &repeated(shifts), target);
        },
    );
    target
}

/// What the adjoint needs besides the image.
struct Excitation<T> {
    /// `s` and its derivative with respect to the sigmoid's argument, `[B, C]`.
    scales: Vec<T>,
    slopes: Vec<T>,
    /// Which of the reduced channels are positive, `[B, R]`.
    passes: Vec<bool>,
}

/// Images, pixels and channels.
fn dimensions(shape: &[usize]) -> [usize; 3] {
    match *shape {
        [batch, ref pixels @ .., channels] => [batch, pixels.iter().product(), channels],
        _ => [0; 3],
    }
}

impl RereadingKernel for SqueezeExciteKernel {
    const NAME: &'static str = "squeeze-excite";

    type Saved<T: Element> = Excitation<T>;

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let channels = self.excite_bias.len();
        let axes = matches!(input.len(), 3 | 4) && input.last() == Some(&channels);
        if !axes || input.contains(&0) {
            bail!(
                "squeeze-excite: expected [B, H, W, {channels}] or [B, L, {channels}], got {input:?}"
            )
        }
        Ok(input.to_vec())
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> (Vec<T>, Excitation<T>) {
        let [_, pixels, channels] = dimensions(shape);
        let matrices = self.matrices::<T>();
        let reduced = self.squeeze_bias.len();
        let share = T::from_f64(1.0 / pixels as f64);
        let mut means = sums(input, pixels, channels);
        means.iter_mut().for_each(|mean| *mean *= share);
        let mut hidden = matrix_product(&means, channels, &matrices.squeeze);
        let biases = self.squeeze_bias.get::<T>().iter().cycle();
        for (h, &bias) in hidden.iter_mut().zip(biases) {
            let z = *h + bias;
            *h = if z > T::zero() { z } else { T::zero() };
        }
        let passes = hidden.iter().map(|&h| h > T::zero()).collect();
        let mut scales = matrix_product(&hidden, reduced, &matrices.excite);
        let mut slopes = vec![T::zero(); scales.len()];
        let biases = self.excite_bias.get::<T>().iter().cycle();
        for ((scale, slope), &bias) in scales.iter_mut().zip(&mut slopes).zip(biases) {
            [*scale, *slope] = sigmoid(*scale + bias);
        }
        let output = weigh(input, &scales, &vec![T::zero(); scales.len()], channels);
        (output, Excitation { scales, slopes, passes })
    }

    fn backward<T: Element>(
        &self,
        saved: &Excitation<T>,
        input: &[T],
        gradient: &[T],
        shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let [_, pixels, channels] = dimensions(shape);
        let matrices = self.matrices::<T>();
        let share = T::from_f64(1.0 / pixels as f64);
        let mut excited = sums_of_products(gradient, input, pixels, channels);
        for (g, &slope) in excited.iter_mut().zip(saved.slopes.iter().cycle()) {
            *g *= slope;
        }
        let mut hidden = matrix_product(&excited, channels, &matrices.excite_back);
        for (g, &passes) in hidden.iter_mut().zip(saved.passes.iter().cycle()) {
            *g = if passes { share * *g } else { T::zero() };
        }
        let means = matrix_product(&hidden, self.squeeze_bias.len(), &matrices.squeeze_back);
        weigh(gradient, &saved.scales, &means, channels)
    }
}
