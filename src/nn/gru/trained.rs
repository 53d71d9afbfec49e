//! A recurrent layer whose weights are being trained.

use candle_core::{DType, Error, Result, Tensor, bail};
use rayon::prelude::*;

use super::steps::{Plan, Steps};
use super::{BiGruKernel, Direction};
use crate::nn::element::{Element, FrozenWeights};
use crate::nn::graph::Traced;
use crate::nn::kernel::{Kernel as _, with_slice};
use crate::nn::portable;
use crate::nn::product::{Stack, add_transposed};
use crate::nn::trained::{channel_sums, one_at_a_time};

/// Gates whose weights' gradients are one task.
const BLOCK: usize = 64;

/// [`super::BiGru`] of `input`, `[B, T, F] -> [B, T, 2H]`, for the directions that read forwards and
/// backwards with `weight_ih` `[3H, F]`, `weight_hh` `[3H, H]` and `bias` `[3H]` each, laid out as
/// in [`super::GruWeights`]; gradients flow back to all that are variables.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn bidirectional_gru(input: &Traced, directions: &[[Traced; 3]; 2]) -> Result<Traced> {
    if portable::is_needed(input) {
        return portable::trained_bidirectional_gru(input, directions);
    }
    match input.tensor().dtype() {
        DType::F32 => bidirectional_gru_of::<f32>(input, directions),
        DType::F64 => bidirectional_gru_of::<f64>(input, directions),
        dtype => Err(Error::UnsupportedDTypeForOp(dtype, BiGruKernel::NAME)),
    }
}

fn bidirectional_gru_of<T: Element>(
    input: &Traced,
    [forwards, backwards]: &[[Traced; 3]; 2],
) -> Result<Traced> {
    let values = input.tensor().contiguous()?;
    let shape = values.dims().to_vec();
    let features = shape.last().copied().unwrap_or(0);
    let kernel = BiGruKernel::new([
        direction::<T>(forwards, features, false)?,
        direction::<T>(backwards, features, true)?,
    ])?;
    let output_shape = kernel.output_shape(&shape)?;
    let (output, steps) = with_slice::<T, _>(&values, |x| Ok(kernel.forward(x, &shape, true)))?;
    let output = Tensor::from_vec(output, output_shape, values.device())?;
    let is_asked = input.is_tracked();
    let pullback = move |gradient: &Tensor, copies: usize| {
        one_at_a_time(copies)?;
        let device = gradient.device();
        let of_gates = with_slice::<T, _>(&gradient.contiguous()?, |gradient| {
            Ok(kernel.of_gates(&steps, gradient, shape[1]))
        })?;
        let of_input = is_asked
            .then(|| Tensor::from_vec(kernel.of_input(&of_gates), shape.clone(), device))
            .transpose()?;
        let mut gradients = vec![of_input];
        for ((direction, steps), of_gates) in kernel.directions.iter().zip(&steps).zip(&of_gates) {
            let Plan { features, hidden, .. } = direction.plan;
            let of_weights = with_slice::<T, _>(&values, |x| {
                Ok(weight_gradients(direction.plan, steps, x, shape[1], of_gates))
            })?;
            let widths = [&[3 * hidden, features][..], &[3 * hidden, hidden], &[3 * hidden]];
            for (values, shape) in of_weights.into_iter().zip(widths) {
                gradients.push(Some(Tensor::from_vec(values, shape, device)?));
            }
        }
        Ok(gradients)
    };
    let operands: Vec<_> = std::iter::once(input).chain(forwards).chain(backwards).collect();
    Ok(Traced::derived(output, &operands, Box::new(pullback)))
}

/// A direction with the weights of this training step.
fn direction<T: Element>(
    weights: &[Traced; 3],
    features: usize,
    reads_backwards: bool,
) -> Result<Direction> {
    let frozen = |weight: &Traced| {
        with_slice::<T, _>(&weight.tensor().contiguous()?, |values| {
            Ok(FrozenWeights::from_f64(values.iter().map(|v| v.to_f64()).collect()))
        })
    };
    let [weight_ih, weight_hh, bias] = weights;
    let hidden = bias.tensor().elem_count() / 3;
    for (weight, shape) in [(weight_ih, [3 * hidden, features]), (weight_hh, [3 * hidden, hidden])]
    {
        if weight.tensor().dims() != shape {
            bail!("gru: weights {:?} instead of {shape:?}", weight.tensor().dims())
        }
    }
    Direction::new(
        [frozen(weight_ih)?, frozen(weight_hh)?, frozen(bias)?],
        features,
        reads_backwards,
    )
}

/// The gradients of `weight_ih`, `weight_hh` and `bias`, from those `[B, T, 3H]` of the gates.
fn weight_gradients<T: Element>(
    plan: Plan,
    steps: &Steps<T>,
    input: &[T],
    length: usize,
    of_gates: &[T],
) -> [Vec<T>; 3] {
    let Plan { features, hidden, .. } = plan;
    // What the recurrent weights were multiplied with: the state before each step, 0 before the
    // first, and the same after the reset.
    let mut before = vec![T::zero(); steps.states.len()];
    for clip in 0..steps.states.len() / (length * hidden) {
        for (time, earlier) in plan.times(length) {
            if let Some(earlier) = earlier {
                let state = &steps.states[(clip * length + earlier) * hidden..][..hidden];
                before[(clip * length + time) * hidden..][..hidden].copy_from_slice(state);
            }
        }
    }
    let mut reset = before.clone();
    for (reset, gates) in reset.chunks_exact_mut(hidden).zip(steps.gates.chunks_exact(3 * hidden)) {
        for (h, &r) in reset.iter_mut().zip(gates) {
            *h *= r;
        }
    }
    let mut of_ih = vec![T::zero(); 3 * hidden * features];
    add_products(of_gates, 3 * hidden, 0, input, &mut of_ih);
    let mut of_hh = vec![T::zero(); 3 * hidden * hidden];
    let (of_rz, of_n) = of_hh.split_at_mut(2 * hidden * hidden);
    add_products(of_gates, 3 * hidden, 0, &before, of_rz);
    add_products(of_gates, 3 * hidden, 2 * hidden, &reset, of_n);
    [of_ih, of_hh, channel_sums(of_gates, 3 * hidden)]
}

/// `sums += left^T right` over all rows, of as many of left's columns, from `first`, as `sums` has
/// rows.
fn add_products<T: Element>(left: &[T], width: usize, first: usize, right: &[T], sums: &mut [T]) {
    let rows = left.len() / width;
    let depth = right.len() / rows.max(1);
    sums.par_chunks_mut(BLOCK * depth.max(1)).enumerate().for_each(|(block, sums)| {
        let left = Stack {
            data: left,
            starts: &[first + block * BLOCK],
            stride: width,
            columns: sums.len() / depth,
        };
        let right = Stack { data: right, starts: &[0], stride: depth, columns: depth };
        add_transposed(left, right, rows, sums);
    });
}
