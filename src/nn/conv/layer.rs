//! The convolution layer.

use std::sync::{Arc, OnceLock};

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::finish::{Activation, Finish, FinishAdjoint};
use super::tiles::with_scratch;
use super::{Direction, Weights, Window};
use crate::nn::affine::{Affine, BatchNorm, Rectifier};
use crate::nn::element::{Element, FrozenWeights};
use crate::nn::graph::Traced;
use crate::nn::kernel::{self, Kernel};
use crate::nn::pool::Edge;
use crate::nn::portable;
use crate::nn::product::vectorised;

/// A frozen convolution with bias, perhaps followed by a rectifier, the batch norm after it and a
/// 2x2 max pool: `[B, H, W, in] -> [B, H, W, out]`, or `[B, L, in] -> [B, L, out]` for signals.
///
/// What follows the convolution is computed before its sums are written; of the forward pass only
/// where each output's gradient goes is remembered, and only where a gradient is asked for.
#[derive(Clone, Debug)]
pub struct Conv(Arc<ConvKernel>);

impl Conv {
    /// From weights `[out, in, taps]`, as PyTorch keeps them, and a bias of length `out`.
    ///
    /// # Errors
    /// Where the lengths do not fit together.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, window: Window) -> Result<Self> {
        let outputs = bias.len();
        if weight.len() != outputs * inputs * window.taps() || weight.is_empty() {
            bail!("convolution: {} weights for {inputs} -> {outputs} channels", weight.len())
        }
        let weight = FrozenWeights::new(weight.to_vec());
        let bias = FrozenWeights::new(bias.to_vec());
        Ok(Self(Arc::new(ConvKernel::new(weight, bias, inputs, window))))
    }

    /// From weights `[out, in, taps]` without a bias, and the batch norm after them in evaluation
    /// mode, folded into them.
    ///
    /// # Errors
    /// Where the lengths do not fit together.
    pub fn normalised(
        weight: &[f32],
        inputs: usize,
        window: Window,
        norm: &BatchNorm<'_>,
    ) -> Result<Self> {
        let [scale, shift] = norm.folded()?;
        let kernel = (inputs * window.taps()).max(1);
        if weight.len() != scale.len() * kernel {
            bail!("convolution: {} weights before a norm of {}", weight.len(), scale.len())
        }
        let scaled = weight.chunks(kernel).enumerate().flat_map(|(output, kernel)| {
            let scale = scale.at(output);
            kernel.iter().map(move |&w| f64::from(w) * scale)
        });
        let weight = FrozenWeights::from_f64(scaled.collect());
        Ok(Self(Arc::new(ConvKernel::new(weight, shift, inputs, window))))
    }

    /// The same convolution followed by a rectifier alone.
    ///
    /// # Errors
    /// None that the convolution itself has not had.
    pub fn rectified(&self) -> Result<Self> {
        let outputs = self.0.forward.outputs;
        let same = Affine::new(&vec![1.0; outputs], &vec![0.0; outputs])?;
        self.then(&same.with(Rectifier::Before), false)
    }

    /// The same convolution followed by a batch norm with a rectifier before it, and with `pool` by a
    /// 2x2 max pool that leaves out an odd last row or column.
    ///
    /// # Errors
    /// Where the norm is of another number of channels, or its rectifier is elsewhere.
    pub fn then(&self, norm: &Affine, pool: bool) -> Result<Self> {
        let kernel = &*self.0;
        if norm.channels() != kernel.forward.outputs {
            bail!("a norm of {} channels after {} outputs", norm.channels(), kernel.forward.outputs)
        }
        if norm.rectifier() != Rectifier::Before {
            bail!("a norm after a convolution needs its rectifier before it")
        }
        let Weights { inputs, window, .. } = kernel.forward;
        let (weight, bias) = (kernel.weight.clone(), kernel.bias.clone());
        Ok(Self(Arc::new(ConvKernel {
            norm: Some(norm.clone()),
            pool,
            ..ConvKernel::new(weight, bias, inputs, window)
        })))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, H, W, in]` or `[B, L, in]`.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            return self.0.forward_by_tensors(input);
        }
        kernel::apply(&self.0, input)
    }
}

#[derive(Debug)]
pub(super) struct ConvKernel {
    forward: Weights,
    backward: Weights,
    weight: FrozenWeights,
    bias: FrozenWeights,
    norm: Option<Affine>,
    pool: bool,
    /// For the gradient by tensor operations: the kernel turned, its channels exchanged.
    turned: OnceLock<FrozenWeights>,
}

impl ConvKernel {
    /// The convolution alone.
    pub(super) fn new(
        weight: FrozenWeights,
        bias: FrozenWeights,
        inputs: usize,
        window: Window,
    ) -> Self {
        let outputs = bias.len();
        Self {
            forward: Weights::new(inputs, outputs, window),
            backward: Weights::new(outputs, inputs, window),
            weight,
            bias,
            norm: None,
            pool: false,
            turned: OnceLock::new(),
        }
    }

    /// The layer off the CPU.
    fn forward_by_tensors(&self, input: &Traced) -> Result<Traced> {
        let Weights { inputs, outputs, window, .. } = self.forward;
        let taps = window.taps();
        self.output_shape(input.tensor().dims())?;
        let turned = self.turned.get_or_init(|| {
            let at = |i: usize| {
                let (input, output, tap) = (i / taps / outputs, i / taps % outputs, i % taps);
                self.weight.at((output * inputs + input) * taps + taps - 1 - tap)
            };
            FrozenWeights::from_f64((0..self.weight.len()).map(at).collect())
        });
        let like = input.tensor();
        let weight = self.weight.tensor(&[outputs, inputs, taps], like)?;
        let turned = turned.tensor(&[inputs, outputs, taps], like)?;
        let bias = self.bias.tensor(&[outputs], like)?;
        let sums = portable::convolution(input, &weight, &turned, &bias, window)?;
        let Some(norm) = &self.norm else { return Ok(sums) };
        let values = norm.forward_by_tensors(&sums)?;
        if self.pool { portable::max_pool(&values, Edge::Drop) } else { Ok(values) }
    }

    fn activation<T: Element>(&self) -> Option<Activation<'_, T>> {
        self.norm.as_ref().map(|norm| Activation {
            scale: norm.scale(),
            shift: norm.shift(),
            pool: self.pool,
        })
    }

    /// The gradients of the sums from those of the finished values, into `sums`.
    fn unfinish<T: Element>(
        &self,
        activation: &Activation<'_, T>,
        routes: &[T],
        gradient: &[T],
        [height, width]: [usize; 2],
        sums: &mut [T],
    ) {
        let outputs = self.forward.outputs;
        let side = |n: usize| if self.pool { n / 2 } else { n };
        let finished = side(height) * side(width) * outputs;
        // Few rows a task, so that one image keeps all threads busy.
        const ROWS: usize = 8;
        sums.par_chunks_mut(width * outputs).chunks(ROWS).enumerate().for_each(|(task, lines)| {
            for (line, sums) in (task * ROWS..).zip(lines) {
                let (image, y) = (line / height, line % height);
                let gradient = &gradient[image * finished..(image + 1) * finished];
                // Every copy's gradient takes the way of the one forward pass.
                let start = image * finished % routes.len().max(1);
                let routes = &routes[start..start + finished];
                vectorised(FinishAdjoint { activation, gradient, routes, y, sums });
            }
        });
    }
}

/// Batch, height and width of a shape that has them; a signal has the height 1.
pub(super) fn extent(shape: &[usize]) -> Option<[usize; 3]> {
    match *shape {
        [batch, height, width, _] => Some([batch, height, width]),
        [batch, length, _] => Some([batch, 1, length]),
        _ => None,
    }
}

impl Kernel for ConvKernel {
    const NAME: &'static str = "convolution";

    type Saved<T: Element> = Vec<T>;

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let Weights { inputs, outputs, .. } = self.forward;
        let half = if self.pool { 2 } else { 1 };
        match *input {
            [batch, height, width, channels]
                if channels == inputs && height >= half && width >= half =>
            {
                Ok(vec![batch, height / half, width / half, outputs])
            }
            [batch, length, channels] if channels == inputs && !self.pool => {
                Ok(vec![batch, length, outputs])
            }
            _ => bail!("convolution: expected [B, H, W, {inputs}], got {input:?}"),
        }
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize], keep: bool) -> (Vec<T>, Vec<T>) {
        let Some(extent) = extent(shape) else { return Default::default() };
        let finish = Finish { bias: self.bias.get(), activation: self.activation() };
        let keep = keep && self.norm.is_some();
        self.forward.convolve(&self.weight, Direction::Forward, input, extent, &finish, keep)
    }

    fn backward<T: Element>(
        &self,
        routes: &Vec<T>,
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let Some([batch, height, width]) = extent(shape) else { return Vec::new() };
        let extent = [batch * copies, height, width];
        let finish = Finish { bias: &[], activation: None };
        let convolve = |gradient: &[T]| {
            let weight = &self.weight;
            self.backward.convolve(weight, Direction::Backward, gradient, extent, &finish, false).0
        };
        match self.activation() {
            None => convolve(gradient),
            Some(activation) => {
                let length = batch * copies * height * width * self.forward.outputs;
                with_scratch(length, |sums: &mut [T]| {
                    self.unfinish(&activation, routes, gradient, [height, width], sums);
                    convolve(sums)
                })
            }
        }
    }
}
