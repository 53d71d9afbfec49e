//! The way of one direction of a recurrent layer through the steps, and back.

use super::super::element::Element;
use super::super::product::{Packed, Rows};
use super::super::rows::{matrix_product, product};

/// The dimensions of one direction, and which way it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub features: usize,
    pub hidden: usize,
    pub reads_backwards: bool,
}

/// Packed weights, either as they are or transposed for the adjoint.
#[derive(Debug)]
pub(super) struct Matrices<T> {
    /// From the input to all gates.
    pub input: Packed<T>,
    /// From the state to `r` and `z`.
    gates: Packed<T>,
    /// From the reset state to `n`.
    candidate: Packed<T>,
}

impl<T: Element> Matrices<T> {
    /// For the forward pass, of the elements of `weight_ih` and `weight_hh`.
    pub(super) fn forward(
        Plan { features, hidden, .. }: Plan,
        at_ih: impl Fn(usize) -> T + Sync,
        at_hh: impl Fn(usize) -> T + Sync,
    ) -> Self {
        let at_hh = |out, input| at_hh(out * hidden + input);
        Self {
            input: Packed::new(features, 3 * hidden, |input, out| at_ih(out * features + input)),
            gates: Packed::new(hidden, 2 * hidden, |input, out| at_hh(out, input)),
            candidate: Packed::new(hidden, hidden, |input, out| at_hh(2 * hidden + out, input)),
        }
    }

    /// For the adjoint.
    pub(super) fn adjoint(
        Plan { features, hidden, .. }: Plan,
        at_ih: impl Fn(usize) -> T + Sync,
        at_hh: impl Fn(usize) -> T + Sync,
    ) -> Self {
        let at_hh = |out, input| at_hh(out * hidden + input);
        Self {
            input: Packed::new(3 * hidden, features, |out, input| at_ih(out * features + input)),
            gates: Packed::new(2 * hidden, hidden, at_hh),
            candidate: Packed::new(hidden, hidden, |out, input| at_hh(2 * hidden + out, input)),
        }
    }
}

/// What one direction computed: the adjoint needs all of it.
#[derive(Default)]
pub(super) struct Steps<T> {
    /// `r`, `z` and `n`, `[B, T, 3H]`.
    pub gates: Vec<T>,
    /// `h'`, `[B, T, H]`.
    pub states: Vec<T>,
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

impl Plan {
    /// The time of each step and of the step before, in the order of the steps.
    pub(super) fn times(
        self,
        length: usize,
    ) -> impl DoubleEndedIterator<Item = (usize, Option<usize>)> {
        let last = length - 1;
        let time = move |step: usize| if self.reads_backwards { last - step } else { step };
        (0..length).map(move |step| (time(step), step.checked_sub(1).map(time)))
    }

    /// All steps of `[B, T, F]`.
    pub(super) fn run<T: Element>(
        self,
        matrices: &Matrices<T>,
        bias: &[T],
        input: &[T],
        [batch, length]: [usize; 2],
    ) -> Steps<T> {
        let Self { features, hidden, .. } = self;
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

    /// The gradients `[rows, T, 3H]` with respect to the arguments of all gates' activations, from
    /// those `[rows, T, 2H]` of both directions' states, those of this direction starting at
    /// `offset`; `rows` is a multiple of the batch. Times [`Matrices::input`] they are the input's.
    pub(super) fn pull_back<T: Element>(
        self,
        matrices: &Matrices<T>,
        steps: &Steps<T>,
        gradient: &[T],
        offset: usize,
        length: usize,
    ) -> Vec<T> {
        let hidden = self.hidden;
        let rows = gradient.len() / (length * 2 * hidden);
        let clips = (steps.states.len() / (length * hidden)).max(1);
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
        sums
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
