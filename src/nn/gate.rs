//! Gated linear units.

use std::sync::Arc;

use candle_core::{Result, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::affine::{Affine, Rectifier};
use super::element::Element;
use super::exp::sigmoid;
use super::graph::Traced;
use super::kernel::{self, RereadingKernel};
use super::portable;
use super::product::vectorised;
use super::rows::rows_of_block;

/// A gated linear unit (Dauphin et al. 2017), perhaps with the batch norm after it in the same pass:
/// `[B, ..., 2n] -> [B, ..., n]`, `y[c] = scale[c] * x[c] * sigmoid(x[n + c]) + shift[c]`.
///
/// PyTorch's `glu` along the channels. The adjoint computes the sigmoids once more: that is cheaper
/// than memory for two derivatives of each output.
#[derive(Clone, Debug)]
pub struct Gate(Arc<GateKernel>);

impl Gate {
    /// A gate from `2 * channels` to `channels`.
    ///
    /// # Errors
    /// Where there are no channels.
    pub fn new(channels: usize) -> Result<Self> {
        Self::with_norm(&Affine::new(&vec![1.0; channels], &vec![0.0; channels])?)
    }

    /// A gate followed by a batch norm of as many channels as it lets through.
    ///
    /// # Errors
    /// Where the norm is rectified or has no channels.
    pub fn with_norm(norm: &Affine) -> Result<Self> {
        if norm.channels() == 0 || norm.rectifier() != Rectifier::None {
            bail!("gate: needs at least one channel, and a norm without a rectifier")
        }
        Ok(Self(Arc::new(GateKernel { norm: norm.clone() })))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, ..., 2n]` for the `n` channels of the gate.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            let [scale, shift] = self.0.norm.tensors(input.tensor())?;
            return portable::gate(input, &scale, &shift);
        }
        kernel::apply_rereading(&self.0, input)
    }
}

#[derive(Debug)]
struct GateKernel {
    norm: Affine,
}

impl RereadingKernel for GateKernel {
    const NAME: &'static str = "gate";

    type Saved<T: Element> = ();

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let channels = self.norm.channels();
        match input {
            [outer @ .., last] if !outer.is_empty() && *last == 2 * channels => {
                Ok([outer, &[channels]].concat())
            }
            _ => bail!("gate: expected [B, ..., {}], got {input:?}", 2 * channels),
        }
    }

    fn forward<T: Element>(&self, input: &[T], _shape: &[usize]) -> (Vec<T>, ()) {
        let (scale, shift) = (self.norm.scale(), self.norm.shift());
        let size = rows_of_block(2 * scale.len()) * scale.len();
        let mut output = vec![T::zero(); input.len() / 2];
        let blocks = output.par_chunks_mut(size).zip(input.par_chunks(2 * size));
        blocks.for_each(|(output, input)| {
            vectorised(Forward { scale, shift, input, output });
        });
        (output, ())
    }

    fn backward<T: Element>(
        &self,
        (): &(),
        input: &[T],
        gradient: &[T],
        _shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let scale = self.norm.scale();
        let size = rows_of_block(2 * scale.len()) * scale.len();
        let mut result = vec![T::zero(); copies * input.len()];
        if input.is_empty() {
            return result;
        }
        let whole = result.par_chunks_mut(input.len()).zip(gradient.par_chunks(input.len() / 2));
        whole.for_each(|(result, gradient)| {
            let blocks = result.par_chunks_mut(2 * size).zip(gradient.par_chunks(size));
            blocks.zip(input.par_chunks(2 * size)).for_each(|((result, gradient), input)| {
                vectorised(Backward { scale, input, gradient, result });
            });
        });
        result
    }
}

/// Some pixels of the output.
struct Forward<'a, T> {
    scale: &'a [T],
    shift: &'a [T],
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Element> WithSimd for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let n = self.scale.len();
        let (scale, shift) = (&self.scale[..n], &self.shift[..n]);
        let pixels = self.input.chunks_exact(2 * n).zip(self.output.chunks_exact_mut(n));
        for (input, output) in pixels {
            let (linear, gate) = input.split_at(n);
            let (gate, output) = (&gate[..n], &mut output[..n]);
            for c in 0..n {
                output[c] = scale[c] * (linear[c] * sigmoid(gate[c])[0]) + shift[c];
            }
        }
    }
}

/// The gradients of some pixels.
struct Backward<'a, T> {
    scale: &'a [T],
    input: &'a [T],
    gradient: &'a [T],
    result: &'a mut [T],
}

impl<T: Element> WithSimd for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let n = self.scale.len();
        let scale = &self.scale[..n];
        let pixels = self.input.chunks_exact(2 * n).zip(self.result.chunks_exact_mut(2 * n));
        for ((input, result), gradient) in pixels.zip(self.gradient.chunks_exact(n)) {
            let (linear, gate) = input.split_at(n);
            let (of_linear, of_gate) = result.split_at_mut(n);
            let (gate, of_gate, gradient) = (&gate[..n], &mut of_gate[..n], &gradient[..n]);
            for c in 0..n {
                let [open, slope] = sigmoid(gate[c]);
                let g = scale[c] * gradient[c];
                of_linear[c] = g * open;
                of_gate[c] = g * (linear[c] * slope);
            }
        }
    }
}
