//! Batch norm folded to one scale and shift a channel, and a rectifier before or after it.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::element::{Element, FrozenWeights};
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;
use super::product::vectorised;
use super::rows::{repeated, rows_of_block, scale_shift};

/// Where negative values become zero. The derivative at exactly 0 is 0, as in PyTorch (Candle's
/// is 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rectifier {
    /// Nowhere.
    None,
    /// Before the norm, which sees `max(input, 0)`.
    Before,
    /// After it.
    After,
}

/// A batch norm's trained and running values, one each a channel.
#[derive(Clone, Debug)]
pub struct BatchNorm<'a> {
    /// Trained scale.
    pub weight: &'a [f32],
    /// Trained shift.
    pub bias: &'a [f32],
    /// Running mean.
    pub running_mean: &'a [f32],
    /// Running variance.
    pub running_var: &'a [f32],
    /// Added to the variance.
    pub eps: f64,
}

impl BatchNorm<'_> {
    /// The one scale and one shift a channel that it comes to in evaluation mode.
    pub(super) fn folded(&self) -> Result<[FrozenWeights; 2]> {
        let channels = self.weight.len();
        if [self.bias, self.running_mean, self.running_var].iter().any(|p| p.len() != channels) {
            bail!("batch norm: its four parts differ in length")
        }
        let folded = (0..channels).map(|c| {
            let scale =
                f64::from(self.weight[c]) / (f64::from(self.running_var[c]) + self.eps).sqrt();
            let shift = f64::from(self.bias[c]) - f64::from(self.running_mean[c]) * scale;
            (scale, shift)
        });
        let (scale, shift): (Vec<_>, Vec<_>) = folded.unzip();
        if scale.iter().chain(&shift).any(|value: &f64| !value.is_finite()) {
            bail!("batch norm: a running variance is negative or a value is not finite")
        }
        Ok([FrozenWeights::from_f64(scale), FrozenWeights::from_f64(shift)])
    }
}

/// `scale[c] * x + shift[c]` on `[B, ..., C]`: a batch norm in evaluation mode. With a rectifier
/// before it it is what follows each convolution of VGG13 and CRNN; with one after it, what stands
/// before each convolution of a dense net (He et al. 2016, Huang et al. 2017).
#[derive(Clone, Debug)]
pub struct Affine(Arc<AffineKernel>);

impl Affine {
    /// One scale and shift a channel, without a rectifier.
    ///
    /// # Errors
    /// Where the two differ in length or are empty.
    pub fn new(scale: &[f32], shift: &[f32]) -> Result<Self> {
        Self::of(FrozenWeights::new(scale.to_vec()), FrozenWeights::new(shift.to_vec()))
    }

    /// A batch norm in evaluation mode, without a rectifier.
    ///
    /// # Errors
    /// Where the lengths differ or are zero, or a value is not finite.
    pub fn from_batch_norm(norm: &BatchNorm<'_>) -> Result<Self> {
        let [scale, shift] = norm.folded()?;
        Self::of(scale, shift)
    }

    fn of(scale: FrozenWeights, shift: FrozenWeights) -> Result<Self> {
        if scale.len() != shift.len() || scale.len() == 0 {
            bail!("affine: {} scales but {} shifts", scale.len(), shift.len())
        }
        Ok(Self(Arc::new(AffineKernel { scale, shift, rectifier: Rectifier::None })))
    }

    /// The same with a rectifier.
    pub fn with(&self, rectifier: Rectifier) -> Self {
        let AffineKernel { scale, shift, .. } = &*self.0;
        let (scale, shift) = (scale.clone(), shift.clone());
        Self(Arc::new(AffineKernel { scale, shift, rectifier }))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, ..., C]` with as many channels as there are scales.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            return self.forward_by_tensors(input);
        }
        kernel::apply(&self.0, input)
    }

    /// The layer off the CPU.
    pub(super) fn forward_by_tensors(&self, input: &Traced) -> Result<Traced> {
        let [scale, shift] = self.tensors(input.tensor())?;
        match self.0.rectifier {
            Rectifier::Before => portable::relu_affine(input, &scale, &shift),
            Rectifier::None => portable::affine(input, &scale, &shift, false),
            Rectifier::After => portable::affine(input, &scale, &shift, true),
        }
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.0.scale.len()
    }

    /// Factors and summands where a tensor is, in its type.
    pub(super) fn tensors(&self, like: &Tensor) -> Result<[Tensor; 2]> {
        let AffineKernel { scale, shift, .. } = &*self.0;
        Ok([scale.tensor(&[scale.len()], like)?, shift.tensor(&[shift.len()], like)?])
    }

    /// Where its rectifier is.
    pub(super) fn rectifier(&self) -> Rectifier {
        self.0.rectifier
    }

    /// The factor of each channel.
    pub(super) fn scale<T: Element>(&self) -> &[T] {
        self.0.scale.get()
    }

    /// What is added to each channel.
    pub(super) fn shift<T: Element>(&self) -> &[T] {
        self.0.shift.get()
    }
}

#[derive(Debug)]
struct AffineKernel {
    scale: FrozenWeights,
    shift: FrozenWeights,
    rectifier: Rectifier,
}

impl Kernel for AffineKernel {
    const NAME: &'static str = "affine";

    /// Where the rectifier lets gradients pass; empty without one or without a gradient.
    type Saved<T: Element> = Vec<bool>;

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() < 2 || input.last() != Some(&self.scale.len()) {
            bail!("affine: expected [B, ..., {}], got {input:?}", self.scale.len())
        }
        Ok(input.to_vec())
    }

    fn forward<T: Element>(
        &self,
        input: &[T],
        _shape: &[usize],
        keep: bool,
    ) -> (Vec<T>, Vec<bool>) {
        let (scale, shift) = (&*repeated(self.scale.get::<T>()), &*repeated(self.shift.get::<T>()));
        let mut output = vec![T::zero(); input.len()];
        match self.rectifier {
            Rectifier::None => {
                scale_shift(input, scale, shift, &mut output);
                return (output, Vec::new());
            }
            Rectifier::Before => {
                // Convolutions do this in their own pass: only tests and benchmarks come here.
                let rectify = |&x: &T| if x > T::zero() { x } else { T::zero() };
                let rectified: Vec<T> = input.iter().map(rectify).collect();
                scale_shift(&rectified, scale, shift, &mut output);
                let passes = input.iter().map(|&x| x > T::zero());
                return (output, if keep { passes.collect() } else { Vec::new() });
            }
            Rectifier::After => {}
        }
        let mut passes = vec![false; if keep { input.len() } else { 0 }];
        let size = rows_of_block(scale.len()) * scale.len();
        let blocks = output.par_chunks_mut(size).zip(input.par_chunks(size));
        if keep {
            blocks.zip(passes.par_chunks_mut(size)).for_each(|((output, input), passes)| {
                vectorised(Rectified { scale, shift, input, output, passes });
            });
        } else {
            blocks.for_each(|(output, input)| {
                vectorised(Rectified { scale, shift, input, output, passes: &mut [] });
            });
        }
        (output, passes)
    }

    fn backward<T: Element>(
        &self,
        passes: &Vec<bool>,
        gradient: &[T],
        shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let scale = &*repeated(self.scale.get::<T>());
        let mut result = vec![T::zero(); gradient.len()];
        if self.rectifier == Rectifier::None {
            scale_shift(gradient, scale, &vec![T::zero(); scale.len()], &mut result);
            return result;
        }
        let length = shape.iter().product::<usize>().max(1);
        let size = rows_of_block(scale.len()) * scale.len();
        let whole = result.par_chunks_mut(length).zip(gradient.par_chunks(length));
        whole.for_each(|(result, gradient)| {
            let blocks = result.par_chunks_mut(size).zip(gradient.par_chunks(size));
            blocks.zip(passes.par_chunks(size)).for_each(|((result, gradient), passes)| {
                vectorised(RectifiedAdjoint { scale, passes, gradient, result });
            });
        });
        result
    }
}

/// Some pixels of the output, and where gradients pass unless that is empty.
struct Rectified<'a, T> {
    scale: &'a [T],
    shift: &'a [T],
    input: &'a [T],
    output: &'a mut [T],
    passes: &'a mut [bool],
}

impl<T: Element> WithSimd for Rectified<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.scale.len();
        let pixels = self.input.chunks(width).zip(self.output.chunks_mut(width));
        if self.passes.is_empty() {
            for (input, output) in pixels {
                for ((y, &x), (&scale, &shift)) in
                    output.iter_mut().zip(input).zip(self.scale.iter().zip(self.shift))
                {
                    let z = scale * x + shift;
                    *y = if z > T::zero() { z } else { T::zero() };
                }
            }
            return;
        }
        for ((input, output), passes) in pixels.zip(self.passes.chunks_mut(width)) {
            let places = output.iter_mut().zip(passes).zip(input);
            for (((y, passes), &x), (&scale, &shift)) in
                places.zip(self.scale.iter().zip(self.shift))
            {
                let z = scale * x + shift;
                *passes = z > T::zero();
                *y = if z > T::zero() { z } else { T::zero() };
            }
        }
    }
}

/// The gradients of some pixels.
struct RectifiedAdjoint<'a, T> {
    scale: &'a [T],
    passes: &'a [bool],
    gradient: &'a [T],
    result: &'a mut [T],
}

impl<T: Element> WithSimd for RectifiedAdjoint<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.scale.len();
        let pixels = self.result.chunks_mut(width).zip(self.gradient.chunks(width));
        for ((result, gradient), passes) in pixels.zip(self.passes.chunks(width)) {
            let places = result.iter_mut().zip(gradient).zip(passes).zip(self.scale);
            for (((result, &g), &passes), &scale) in places {
                let scaled = g * scale;
                *result = if passes { scaled } else { T::zero() };
            }
        }
    }
}
