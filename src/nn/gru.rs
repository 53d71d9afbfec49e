//! Bidirectional gated recurrent unit as Keras 2.2.4 computes it.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::element::{Element, Family, FrozenWeights, Prepared};
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable::{self, GruTensors};
use super::product::{Packed, Rows};
use super::rows::{matrix_product, product};

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
        let hidden = forwards.bias.len() / 3;
        for weights in [forwards, backwards] {
            let GruWeights { weight_ih, weight_hh, bias } = weights;
            let lengths = [weight_ih.len(), weight_hh.len(), bias.len()];
            let fits = lengths == [3 * hidden * features, 3 * hidden * hidden, 3 * hidden];
            if !fits || features == 0 || hidden == 0 {
                bail!("gru: weights of the lengths {lengths:?} for {features} -> {hidden} features")
            }
        }
        let direction = |weights: &GruWeights<'_>, reads_backwards| Direction {
            features,
            hidden,
            reads_backwards,
            weight_ih: FrozenWeights::new(weights.weight_ih.to_vec()),
            weight_hh: FrozenWeights::new(weights.weight_hh.to_vec()),
            bias: FrozenWeights::new(weights.bias.to_vec()),
            forward: Prepared::default(),
            backward: Prepared::default(),
        };
        let directions = [direction(forwards, false), direction(backwards, true)];
        Ok(Self(Arc::new(BiGruKernel { directions })))
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

#[derive(Debug)]
struct Direction {
    features: usize,
    hidden: usize,
    reads_backwards: bool,
    weight_ih: FrozenWeights,
    weight_hh: FrozenWeights,
    bias: FrozenWeights,
    forward: Prepared<AllMatrices>,
    backward: Prepared<AllMatrices>,
}

impl Direction {
    /// The weights where a tensor is, in its type.
    fn tensors(&self, like: &Tensor) -> Result<GruTensors> {
        let Self { features, hidden, weight_ih, weight_hh, bias, .. } = self;
        Ok(GruTensors {
            input: weight_ih.tensor(&[3 * hidden, *features], like)?,
            state: weight_hh.tensor(&[3 * hidden, *hidden], like)?,
            bias: bias.tensor(&[3 * hidden], like)?,
        })
    }
}

/// Packed weights, either as they are or transposed for the adjoint.
#[derive(Debug)]
struct Matrices<T> {
    /// From the input to all gates.
    input: Packed<T>,
    /// From the state to `r` and `z`.
    gates: Packed<T>,
    /// From the reset state to `n`.
    candidate: Packed<T>,
}

#[derive(Debug)]
struct AllMatrices;

impl Family for AllMatrices {
    type Of<T: Element> = Matrices<T>;
}

/// What one direction computed: the adjoint needs all of it.
#[derive(Default)]
struct Steps<T> {
    /// `r`, `z` and `n`, `[B, T, 3H]`.
    gates: Vec<T>,
    /// `h'`, `[B, T, H]`.
    states: Vec<T>,
}

/// Some rows of `length` numbers, the first at `first`, each `stride` behind the one before.
fn starts(count: usize, first: usize, stride: usize) -> Vec<usize> {
    (0..count).map(|row| first + row * stride).collect()
}

fn hard_sigmoid<T: Element>(x: T) -> T {
    let y = T::from_f64(0.2) * x + T::from_f64(0.5);
    if y < T::zero() {
        T::zero()
    } else if y > T::one() {
        T::one()
    } else {
        y
    }
}

/// The derivative of [`hard_sigmoid`] where it has the value `y`.
fn hard_sigmoid_slope<T: Element>(y: T) -> T {
    if y > T::zero() && y < T::one() { T::from_f64(0.2) } else { T::zero() }
}

impl Direction {
    fn weight<T: Element>(weights: &FrozenWeights, index: usize) -> T {
        T::from_f64(weights.at(index))
    }

    fn forward_matrices<T: Element>(&self) -> &Matrices<T> {
        let Self { features, hidden, .. } = *self;
        let at_hh = |out, input| Self::weight(&self.weight_hh, out * hidden + input);
        self.forward.get_or_init(|| Matrices {
            input: Packed::new(features, 3 * hidden, |input, out| {
                Self::weight(&self.weight_ih, out * features + input)
            }),
            gates: Packed::new(hidden, 2 * hidden, |input, out| at_hh(out, input)),
            candidate: Packed::new(hidden, hidden, |input, out| at_hh(2 * hidden + out, input)),
        })
    }

    fn backward_matrices<T: Element>(&self) -> &Matrices<T> {
        let Self { features, hidden, .. } = *self;
        let at_hh = |out, input| Self::weight(&self.weight_hh, out * hidden + input);
        self.backward.get_or_init(|| Matrices {
            input: Packed::new(3 * hidden, features, |out, input| {
                Self::weight(&self.weight_ih, out * features + input)
            }),
            gates: Packed::new(2 * hidden, hidden, at_hh),
            candidate: Packed::new(hidden, hidden, |out, input| at_hh(2 * hidden + out, input)),
        })
    }

    /// The time of each step and of the step before, in the order of the steps.
    fn times(&self, length: usize) -> impl DoubleEndedIterator<Item = (usize, Option<usize>)> {
        let last = length - 1;
        let time = move |step: usize| if self.reads_backwards { last - step } else { step };
        (0..length).map(move |step| (time(step), step.checked_sub(1).map(time)))
    }

    fn run<T: Element>(&self, input: &[T], [batch, length]: [usize; 2]) -> Steps<T> {
        let Self { features, hidden, .. } = *self;
        let matrices = self.forward_matrices::<T>();
        let bias = self.bias.get::<T>();
        let mut gates = matrix_product(input, features, &matrices.input);
        for row in gates.chunks_exact_mut(3 * hidden) {
            for (sum, &bias) in row.iter_mut().zip(bias) {
                *sum += bias;
            }
        }
        let mut states = vec![T::zero(); batch * length * hidden];
        // Before the first step all states are 0, and so are their products.
        let mut state = vec![T::zero(); batch * hidden];
        for (time, before) in self.times(length) {
            let places = || (0..batch).map(|clip| (clip * length + time) * 3 * hidden);
            let recurrent = before.map(|_| matrix_product(&state, hidden, &matrices.gates));
            for (clip, place) in places().enumerate() {
                let gates = &mut gates[place..place + 2 * hidden];
                if let Some(sums) = &recurrent {
                    for (gate, &sum) in gates.iter_mut().zip(&sums[clip * 2 * hidden..]) {
                        *gate += sum;
                    }
                }
                gates.iter_mut().for_each(|gate| *gate = hard_sigmoid(*gate));
            }
            let recurrent = before.map(|_| {
                let mut reset = state.clone();
                for (reset, place) in reset.chunks_exact_mut(hidden).zip(places()) {
                    for (h, &r) in reset.iter_mut().zip(&gates[place..]) {
                        *h *= r;
                    }
                }
                matrix_product(&reset, hidden, &matrices.candidate)
            });
            for (clip, place) in places().enumerate() {
                let (_, gates) = gates[place..place + 3 * hidden].split_at_mut(hidden);
                let (z, n) = gates.split_at_mut(hidden);
                if let Some(sums) = &recurrent {
                    for (n, &sum) in n.iter_mut().zip(&sums[clip * hidden..]) {
                        *n += sum;
                    }
                }
                let state = &mut state[clip * hidden..][..hidden];
                for ((h, &z), n) in state.iter_mut().zip(&*z).zip(n) {
                    // Written so that what is not a number stays so.
                    *n = if *n < T::zero() { T::zero() } else { *n };
                    *h = z * *h + (T::one() - z) * *n;
                }
                states[(clip * length + time) * hidden..][..hidden].copy_from_slice(state);
            }
        }
        Steps { gates, states }
    }

    /// The gradients with respect to the input, from those `[rows, T, 2H]` of both directions'
    /// states, those of this direction starting at `offset`; `rows` is a multiple of the batch.
    fn pull_back<T: Element>(
        &self,
        steps: &Steps<T>,
        gradient: &[T],
        offset: usize,
        length: usize,
    ) -> Vec<T> {
        let hidden = self.hidden;
        let matrices = self.backward_matrices::<T>();
        let rows = gradient.len() / (length * 2 * hidden);
        let clips = (steps.states.len() / (length * hidden)).max(1);
        // Gradients with respect to the arguments of all gates' activations.
        let mut sums = vec![T::zero(); rows * length * 3 * hidden];
        // Of the state after the step, by way of the steps after it.
        let mut carried = vec![T::zero(); rows * hidden];
        for (time, before) in self.times(length).rev() {
            for row in 0..rows {
                let step = Step::of(steps, row % clips, length, hidden, (time, before));
                let gradient = &gradient[(row * length + time) * 2 * hidden + offset..][..hidden];
                let sums = &mut sums[(row * length + time) * 3 * hidden..][..3 * hidden];
                let (_, sums) = sums.split_at_mut(hidden);
                let (of_z, of_n) = sums.split_at_mut(hidden);
                let carried = &mut carried[row * hidden..][..hidden];
                for i in 0..hidden {
                    let g = gradient[i] + carried[i];
                    let (z, n) = (step.z[i], step.n[i]);
                    let h = step.state(i);
                    of_z[i] = g * (h - n) * hard_sigmoid_slope(z);
                    of_n[i] = if n > T::zero() { g * (T::one() - z) } else { T::zero() };
                    carried[i] = g * z;
                }
            }
            if before.is_none() {
                continue;
            }
            let first = time * 3 * hidden;
            let of_n = starts(rows, first + 2 * hidden, length * 3 * hidden);
            let of_n = Rows { data: &sums, starts: &of_n, taps: &[0], depth: hidden };
            let of_reset = product(of_n, &matrices.candidate);
            for (row, of_reset) in of_reset.chunks_exact(hidden).enumerate() {
                let step = Step::of(steps, row % clips, length, hidden, (time, before));
                let of_r = &mut sums[(row * length + time) * 3 * hidden..][..hidden];
                let carried = &mut carried[row * hidden..][..hidden];
                for i in 0..hidden {
                    let r = step.r[i];
                    of_r[i] = of_reset[i] * step.state(i) * hard_sigmoid_slope(r);
                    carried[i] += of_reset[i] * r;
                }
            }
            let of_gates = starts(rows, first, length * 3 * hidden);
            let of_gates = Rows { data: &sums, starts: &of_gates, taps: &[0], depth: 2 * hidden };
            for (sum, g) in carried.iter_mut().zip(product(of_gates, &matrices.gates)) {
                *sum += g;
            }
        }
        matrix_product(&sums, 3 * hidden, &matrices.input)
    }
}

/// One step of one clip.
struct Step<'a, T> {
    r: &'a [T],
    z: &'a [T],
    n: &'a [T],
    /// The state before it; empty at the first step.
    before: &'a [T],
}

impl<'a, T: Element> Step<'a, T> {
    fn of(
        steps: &'a Steps<T>,
        clip: usize,
        length: usize,
        hidden: usize,
        (time, before): (usize, Option<usize>),
    ) -> Self {
        let gates = &steps.gates[(clip * length + time) * 3 * hidden..];
        let (r, gates) = gates.split_at(hidden);
        let (z, n) = gates.split_at(hidden);
        let before = before
            .map_or(&[][..], |before| &steps.states[(clip * length + before) * hidden..][..hidden]);
        Self { r, z, n: &n[..hidden], before }
    }

    fn state(&self, i: usize) -> T {
        self.before.get(i).copied().unwrap_or_else(T::zero)
    }
}

impl Kernel for BiGruKernel {
    const NAME: &'static str = "gru";

    type Saved<T: Element> = [Steps<T>; 2];

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let Direction { features, hidden, .. } = self.directions[0];
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
        let hidden = self.directions[0].hidden;
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
        [forwards, backwards]: &[Steps<T>; 2],
        gradient: &[T],
        shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let [one, two] = &self.directions;
        let length = shape[1];
        let (mut sum, other) = rayon::join(
            || one.pull_back(forwards, gradient, 0, length),
            || two.pull_back(backwards, gradient, one.hidden, length),
        );
        sum.par_iter_mut().zip(other).with_min_len(1 << 14).for_each(|(sum, g)| *sum += g);
        sum
    }
}
