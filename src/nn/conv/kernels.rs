//! A layer's weights in the order in which products read them: as they are, or transformed for
//! Winograd's tiles. In training both are made anew in each step.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::nn::element::Element;
use crate::nn::lanes::Lanes;
use crate::nn::product::{Packed, vectorised};
use crate::nn::winograd::KernelTransform;

/// The matrix `[taps * inputs, outputs]` of the weights that `at(output, input, tap)` gives.
pub fn taps<T: Element>(
    [taps, inputs, outputs]: [usize; 3],
    at: impl Fn(usize, usize, usize) -> f64 + Sync,
) -> Packed<T> {
    let mut packed = Packed::zeroed(taps * inputs, outputs);
    let width = packed.width();
    packed.panels_mut().into_par_iter().enumerate().for_each(|(panel, data)| {
        let panel = panel * width..((panel + 1) * width).min(outputs);
        for input in 0..inputs {
            for (column, output) in panel.clone().enumerate() {
                for tap in 0..taps {
                    let row = tap * inputs + input;
                    data[row * width + column] = T::from_f64(at(output, input, tap));
                }
            }
        }
    });
    packed
}

/// Kernels transformed for tiles of `N x N` inputs: one matrix `[inputs, outputs]` a position.
///
/// Computed in `f64`: the rounding of a transformed kernel would be part of every output.
pub fn transformed<T: Element, const N: usize>(
    inputs: usize,
    outputs: usize,
    at: impl Fn(usize, usize, usize) -> f64 + Sync,
) -> Vec<Packed<T>> {
    let mut positions = vec![Packed::<T>::zeroed(inputs, outputs); N * N];
    let Some(width) = positions.first().map(Packed::width) else { return positions };
    // One task a panel, of all positions.
    let mut panels: Vec<Vec<&mut [T]>> = Vec::new();
    for position in &mut positions {
        for (index, panel) in position.panels_mut().into_iter().enumerate() {
            match panels.get_mut(index) {
                Some(panels) => panels.push(panel),
                None => panels.push(vec![panel]),
            }
        }
    }
    panels.into_par_iter().enumerate().for_each(|(panel, mut panels)| {
        let outputs = panel * width..((panel + 1) * width).min(outputs);
        let mut kernels = vec![0.0; 9 * width];
        let mut values = vec![0.0; N * N * width];
        for input in 0..inputs {
            for (column, output) in outputs.clone().enumerate() {
                for tap in 0..9 {
                    kernels[tap * width + column] = at(output, input, tap);
                }
            }
            vectorised(Transform::<N> { kernels: &kernels, values: &mut values });
            for (panel, values) in panels.iter_mut().zip(values.chunks_exact(width)) {
                let line = &mut panel[input * width..(input + 1) * width];
                for (target, &value) in line.iter_mut().zip(values) {
                    *target = T::from_f64(value);
                }
            }
        }
    });
    positions
}

/// From kernels `[9, width]` to `[N * N, width]`.
struct Transform<'a, const N: usize> {
    kernels: &'a [f64],
    values: &'a mut [f64],
}

impl<const N: usize> WithSimd for Transform<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.kernels.len() / 9;
        let transform = KernelTransform::<f64, N>::new();
        let zero = Lanes::splat(simd, 0.0);
        for first in (0..width).step_by(Lanes::<S, f64>::COUNT) {
            let end = (first + Lanes::<S, f64>::COUNT).min(width);
            let mut kernel = [[zero; 3]; 3];
            for (tap, lanes) in kernel.iter_mut().flatten().enumerate() {
                *lanes = Lanes::load(simd, &self.kernels[tap * width + first..tap * width + end]);
            }
            let values = transform.apply(&kernel, zero);
            for (position, lanes) in values.iter().flatten().enumerate() {
                lanes.store(&mut self.values[position * width + first..position * width + end]);
            }
        }
    }
}
