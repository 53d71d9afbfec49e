//! Bidirectional gated recurrent unit as Keras 2.2.4 computes it.

mod steps;
mod trained;

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::element::{Element, Family, FrozenWeights, Prepared};
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable::{self, GruTensors};
use super::rows::matrix_product;
use steps::{Matrices, Plan, Steps};

pub use trained::bidirectional_gru;

/// A frozen bidirectional GRU, `[B, T, F] -> [B, T, 2H]`: at each step the state of the direction
/// that reads forwards, then that of the one that reads backwards.
///
/// Each direction is, as in Keras 2.2.4 with `GRU(H, activation="relu")` (and as in Cho et al.
/// 2014, but for the activations), with `h` the state before the step, at first 0:
///
/// ```text
/// r = hard_sigmoid(W_r x + U_r h + b_r)
/// z = hard_sigmoid(W_z x + U_z h + b_z)
/// n = relu(W_n x + U_n (r * h) + b_n)
/// h' = z * h + (1 - z) * n
/// ```
///
/// with `hard_sigmoid(a) = min(max(0.2 a + 0.5, 0), 1)`. PyTorch's GRU resets after the product with
/// `U_n` instead, and takes sigmoid and tanh. The derivatives at the kinks are 0.
#[derive(Clone, Debug)]
pub struct BiGru(Arc<BiGruKernel>);

/// One direction's weights, laid out as in PyTorch's `GRU`: matrices `[out, in]`, the three gates
/// one below the other in the order `r`, `z`, `n` (Keras: transposed, and `z`, `r`, `n`).
#[derive(Clone, Copy, Debug)]
pub struct GruWeights<'a> {
    /// `W`, `[3H, F]`: PyTorch's `weight_ih_l0`.
    pub weight_ih: &'a [f32],
    /// `U`, `[3H, H]`: PyTorch's `weight_hh_l0`.
    pub weight_hh: &'a [f32],
    /// `b`, `[3H]`; there is only one.
    pub bias: &'a [f32],
}

impl BiGru {
    /// From the weights of the direction that reads forwards and of the one that reads backwards,
    /// for inputs of so many features.
    ///
    /// # Errors
    /// Where the lengths do not fit together.
    pub fn new(
        forwards: &GruWeights<'_>,
        backwards: &GruWeights<'_>,
        features: usize,
    ) -> Result<Self> {
        let direction = |weights: &GruWeights<'_>, reads_backwards| {
            let GruWeights { weight_ih, weight_hh, bias } = weights;
            let weights = [weight_ih, weight_hh, bias];
            let frozen = weights.map(|values| FrozenWeights::new(values.to_vec()));
            Direction::new(frozen, features, reads_backwards)
        };
        BiGruKernel::new([direction(forwards, false)?, direction(backwards, true)?])
            .map(|kernel| Self(Arc::new(kernel)))
    }

    /// The states at every step.
    ///
    /// # Errors
    /// Where the input is not `[B, T, F]` with at least one step.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            let [forwards, backwards] = &self.0.directions;
            let tensors = [forwards.tensors(input.tensor())?, backwards.tensors(input.tensor())?];
            return portable::bidirectional_gru(input, &tensors);
        }
        kernel::apply(&self.0, input)
    }
}

#[derive(Debug)]
struct BiGruKernel {
    directions: [Direction; 2],
}

impl BiGruKernel {
    fn new(directions: [Direction; 2]) -> Result<Self> {
        let [one, other] = &directions;
        if one.plan.hidden != other.plan.hidden {
            bail!("gru: {} states forwards, {} backwards", one.plan.hidden, other.plan.hidden)
        }
        Ok(Self { directions })
    }

    /// For each direction, the gradients of its gates ([`Plan::pull_back`]).
    fn of_gates<T: Element>(
        &self,
        [forwards, backwards]: &[Steps<T>; 2],
        gradient: &[T],
        length: usize,
    ) -> [Vec<T>; 2] {
        let [one, other] = &self.directions;
        let (of_one, of_other) = rayon::join(
            || one.plan.pull_back(one.adjoint_matrices(), forwards, gradient, 0, length),
            || {
                let offset = one.plan.hidden;
                other.plan.pull_back(other.adjoint_matrices(), backwards, gradient, offset, length)
            },
        );
        [of_one, of_other]
    }

    /// The gradients of the input from those of the gates.
    fn of_input<T: Element>(&self, [of_one, of_other]: &[Vec<T>; 2]) -> Vec<T> {
        let [one, other] = &self.directions;
        let (mut sum, part) = rayon::join(|| one.of_input(of_one), || other.of_input(of_other));
        sum.par_iter_mut().zip(part).with_min_len(1 << 14).for_each(|(sum, g)| *sum += g);
        sum
    }
}

/// One direction with its weights.
#[derive(Debug)]
struct Direction {
    plan: Plan,
    weight_ih: FrozenWeights,
    weight_hh: FrozenWeights,
    bias: FrozenWeights,
    forward: Prepared<AllMatrices>,
    backward: Prepared<AllMatrices>,
}

#[derive(Debug)]
struct AllMatrices;

impl Family for AllMatrices {
    type Of<T: Element> = Matrices<T>;
}

impl Direction {
    /// From `weight_ih`, `weight_hh` and `bias` as in [`GruWeights`].
    fn new(
        [weight_ih, weight_hh, bias]: [FrozenWeights; 3],
        features: usize,
        reads_backwards: bool,
    ) -> Result<Self> {
        let hidden = bias.len() / 3;
        let lengths = [weight_ih.len(), weight_hh.len(), bias.len()];
        let fits = lengths == [3 * hidden * features, 3 * hidden * hidden, 3 * hidden];
        if !fits || features == 0 || hidden == 0 {
            bail!("gru: weights of the lengths {lengths:?} for {features} -> {hidden} features")
        }
        let plan = Plan { features, hidden, reads_backwards };
        let (forward, backward) = (Prepared::default(), Prepared::default());
        Ok(Self { plan, weight_ih, weight_hh, bias, forward, backward })
    }

    /// The weights where a tensor is, in its type.
    fn tensors(&self, like: &Tensor) -> Result<GruTensors> {
        let Plan { features, hidden, .. } = self.plan;
        Ok(GruTensors {
            input: self.weight_ih.tensor(&[3 * hidden, features], like)?,
            state: self.weight_hh.tensor(&[3 * hidden, hidden], like)?,
            bias: self.bias.tensor(&[3 * hidden], like)?,
        })
    }

    fn elements<T: Element>(weights: &FrozenWeights) -> impl Fn(usize) -> T {
        |index| T::from_f64(weights.at(index))
    }

    fn adjoint_matrices<T: Element>(&self) -> &Matrices<T> {
        let (at_ih, at_hh) = (Self::elements(&self.weight_ih), Self::elements(&self.weight_hh));
        self.backward.get_or_init(|| Matrices::adjoint(self.plan, at_ih, at_hh))
    }

    fn run<T: Element>(&self, input: &[T], extent: [usize; 2]) -> Steps<T> {
        let (at_ih, at_hh) = (Self::elements(&self.weight_ih), Self::elements(&self.weight_hh));
        let matrices = self.forward.get_or_init(|| Matrices::forward(self.plan, at_ih, at_hh));
        self.plan.run(matrices, self.bias.get::<T>(), input, extent)
    }

    fn of_input<T: Element>(&self, of_gates: &[T]) -> Vec<T> {
        matrix_product(of_gates, 3 * self.plan.hidden, &self.adjoint_matrices().input)
    }
}

impl Kernel for BiGruKernel {
    const NAME: &'static str = "gru";

    type Saved<T: Element> = [Steps<T>; 2];

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let Plan { features, hidden, .. } = self.directions[0].plan;
        match *input {
            [batch, length, width] if width == features && length > 0 => {
                Ok(vec![batch, length, 2 * hidden])
            }
            _ => bail!("gru: expected [B, T, {features}], got {input:?}"),
        }
    }

    fn forward<T: Element>(
        &self,
        input: &[T],
        shape: &[usize],
        _keep: bool,
    ) -> (Vec<T>, [Steps<T>; 2]) {
        let [forwards, backwards] = &self.directions;
        let extent = [shape[0], shape[1]];
        let (forwards, backwards) =
            rayon::join(|| forwards.run(input, extent), || backwards.run(input, extent));
        let hidden = self.directions[0].plan.hidden;
        let mut output = Vec::with_capacity(2 * forwards.states.len());
        let steps = forwards.states.chunks_exact(hidden).zip(backwards.states.chunks_exact(hidden));
        for (forwards, backwards) in steps {
            output.extend_from_slice(forwards);
            output.extend_from_slice(backwards);
        }
        (output, [forwards, backwards])
    }

    fn backward<T: Element>(
        &self,
        steps: &[Steps<T>; 2],
        gradient: &[T],
        shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        self.of_input(&self.of_gates(steps, gradient, shape[1]))
    }
}
