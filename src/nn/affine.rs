//! Batch norm folded to one scale and shift a channel, and the rectifier after it.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::activation::BatchNorm;
use super::element::{Element, FrozenWeights};
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;
use super::product::vectorised;
use super::rows::{repeated, rows_of_block, scale_shift};

/// `scale[c] * x + shift[c]` on `[B, ..., C]`: a batch norm in evaluation mode; rectified, it is
/// what stands before each convolution of a dense net (He et al. 2016, Huang et al. 2017).
///
/// The derivative of the rectifier at exactly 0 is 0, as in PyTorch.
#[derive(Clone, Debug)]
pub struct Affine(Arc<AffineKernel>);

impl Affine {
    /// One scale and shift a channel.
    ///
    /// # Errors
    /// Where the two differ in length or are empty.
    pub fn new(scale: &[f32], shift: &[f32]) -> Result<Self> {
        if scale.len() != shift.len() || scale.is_empty() {
            bail!("affine: {} scales but {} shifts", scale.len(), shift.len())
        }
        Ok(Self(Arc::new(AffineKernel {
            scale: FrozenWeights::new(scale.to_vec()),
            shift: FrozenWeights::new(shift.to_vec()),
            rectified: false,
        })))
    }

    /// A batch norm in evaluation mode.
    ///
    /// # Errors
    /// Where the lengths differ or are zero.
    pub fn from_batch_norm(norm: &BatchNorm<'_>) -> Result<Self> {
        let [scale, shift] = norm.folded()?;
        if scale.len() == 0 {
            bail!("batch norm: no channels")
        }
        Ok(Self(Arc::new(AffineKernel { scale, shift, rectified: false })))
    }

    /// The same followed by a rectifier: `max(scale[c] * x + shift[c], 0)`.
    pub fn rectified(&self) -> Self {
        let AffineKernel { scale, shift, .. } = &*self.0;
        let (scale, shift) = (scale.clone(), shift.clone());
        Self(Arc::new(AffineKernel { scale, shift, rectified: true }))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, ..., C]` with as many channels as there are scales.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            let [scale, shift] = self.tensors(input.tensor())?;
            return portable::affine(input, &scale, &shift, self.is_rectified());
        }
        kernel::apply(&self.0, input)
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

    /// Whether a rectifier follows.
    pub(super) fn is_rectified(&self) -> bool {
        self.0.rectified
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
    rectified: bool,
}

impl Kernel for AffineKernel {
    const NAME: &'static str = "affine";

    /// Where the rectifier lets gradients pass; empty without one.
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
        if !self.rectified {
            scale_shift(input, scale, shift, &mut output);
            return (output, Vec::new());
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
        if !self.rectified {
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
