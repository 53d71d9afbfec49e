//! The gradient of a convolution with respect to its weights: how it is trained.
//!
//! Winograd's filtering is linear in the kernel as it is in the image, so that its adjoint with
//! respect to the kernel saves as many multiplications: with `V = B^T d B` of a tile's inputs and
//! `D = A g A^T` of the gradients of its outputs, the gradient of the transformed kernel is the sum
//! of `V^T D` over tiles, and that of the kernel `G^T (...) G`.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::tiles::{stride, transform_inputs, with_scratch};
use super::{Algorithm, Dimensions, Window, choose, split};
use crate::nn::element::Element;
use crate::nn::lanes::Lanes;
use crate::nn::product::{self, Stack, vectorised};
use crate::nn::winograd::{self, KernelTransform};

/// Transformed inputs and gradients that are computed before they are multiplied, in elements: they
/// stay in a cache of 16 MB.
const GROUP_ELEMENTS: usize = 3 << 20;

/// With so few channel pairs transforming the image and the gradient, which nothing else reads, costs
/// more than the multiplications that it saves (measured).
const MOST_PAIRS_DIRECT: usize = 1 << 10;

/// Inputs and gradients that all taps' products are added of before the next: in a core's cache.
const BLOCK_ELEMENTS: usize = 1 << 17;

/// Weights whose partial sums a task adds.
const REDUCED: usize = 1 << 14;

/// Partial sums of weights are kept apart for this many groups of images, whatever the number of
/// threads, so that results don't depend on it.
const IMAGE_GROUPS: usize = 8;

/// Outputs whose weights are brought into order together: 64 bytes of `f32`.
const LINE: usize = 16;

/// The gradient of the weights `[outputs, inputs, taps]` of a convolution of `input`, from that of
/// its sums.
pub fn weight_gradient<T: Element>(
    dimensions: &Dimensions,
    window: Window,
    input: &[T],
    gradient: &[T],
) -> Vec<T> {
    let algorithm = match choose(dimensions, window) {
        _ if dimensions.inputs * dimensions.outputs <= MOST_PAIRS_DIRECT => Algorithm::Direct,
        algorithm => algorithm,
    };
    weight_gradient_by(algorithm, dimensions, window, input, gradient)
}

/// The same by a given algorithm.
pub fn weight_gradient_by<T: Element>(
    algorithm: Algorithm,
    dimensions: &Dimensions,
    window: Window,
    input: &[T],
    gradient: &[T],
) -> Vec<T> {
    let by_tap = match algorithm {
        Algorithm::LargeTiles => by_tiles::<T, 6>(dimensions, input, gradient),
        Algorithm::SmallTiles => by_tiles::<T, 4>(dimensions, input, gradient),
        Algorithm::Few | Algorithm::Direct => by_taps(dimensions, window, input, gradient),
    };
    // From [taps, inputs, outputs] to PyTorch's order, a cache line of outputs at a time.
    let taps = window.taps();
    let Dimensions { inputs, outputs, .. } = *dimensions;
    let mut result = vec![T::zero(); by_tap.len()];
    let groups = result.par_chunks_mut(inputs * taps * LINE).enumerate();
    groups.for_each(|(group, weights)| {
        let count = weights.len() / (inputs * taps);
        for input in 0..inputs {
            for tap in 0..taps {
                let start = (tap * inputs + input) * outputs + group * LINE;
                for (output, &value) in by_tap[start..start + count].iter().enumerate() {
                    weights[(output * inputs + input) * taps + tap] = value;
                }
            }
        }
    });
    result
}

/// `[9, inputs, outputs]` by Winograd's filtering with tiles of `N x N` inputs.
fn by_tiles<T: Element, const N: usize>(
    dimensions: &Dimensions,
    input: &[T],
    gradient: &[T],
) -> Vec<T> {
    let m = winograd::outputs(N);
    let Dimensions { batch, height, width, inputs, outputs } = *dimensions;
    let (tile_rows, tile_columns) = (height.div_ceil(m), width.div_ceil(m));
    let pixels = height * width;
    let rows: Vec<_> = (0..batch).flat_map(|i| (0..tile_rows).map(move |row| (i, row))).collect();
    let row_elements = N * N * tile_columns * (inputs + outputs);
    let rows_of_group = (GROUP_ELEMENTS / row_elements).clamp(1, rows.len().max(1));
    let mut sums = vec![T::zero(); N * N * inputs * outputs];
    // Each row of tiles is transformed into a part of its own.
    let (image_part, gradient_part) =
        (N * N * stride(tile_columns, inputs), N * N * stride(tile_columns, outputs));
    for group in rows.chunks(rows_of_group) {
        with_scratch(group.len() * image_part, |images: &mut [T]| {
            with_scratch(group.len() * gradient_part, |gradients: &mut [T]| {
                let parts = images.par_chunks_mut(image_part);
                let parts = parts.zip(gradients.par_chunks_mut(gradient_part));
                parts.zip(group).for_each(|((image_part, gradient_part), &(image, row))| {
                    vectorised(TransformRow::<T, N> {
                        dimensions,
                        image: &input[image * pixels * inputs..][..pixels * inputs],
                        gradient: &gradient[image * pixels * outputs..][..pixels * outputs],
                        row,
                        transformed: image_part,
                        gradients: gradient_part,
                    });
                });
                let positions = sums.par_chunks_mut(inputs * outputs).enumerate();
                positions.for_each(|(position, sums)| {
                    let starts = |part: usize, channels: usize| -> Vec<usize> {
                        let start = position * stride(tile_columns, channels);
                        (0..group.len()).map(|row| row * part + start).collect()
                    };
                    let left = Stack {
                        data: &*images,
                        starts: &starts(image_part, inputs),
                        stride: inputs,
                        columns: inputs,
                    };
                    let right = Stack {
                        data: &*gradients,
                        starts: &starts(gradient_part, outputs),
                        stride: outputs,
                        columns: outputs,
                    };
                    product::add_transposed(left, right, tile_columns, sums);
                });
            });
        });
    }
    let mut by_tap = vec![T::zero(); 9 * inputs * outputs];
    // One task an input: its nine taps lie apart in the result.
    let mut taps: Vec<Vec<&mut [T]>> = (0..inputs).map(|_| Vec::new()).collect();
    for (index, row) in
        split(&mut by_tap, std::iter::repeat_n(outputs, 9 * inputs)).into_iter().enumerate()
    {
        taps[index % inputs].push(row);
    }
    taps.into_par_iter().enumerate().for_each(|(input, taps)| {
        vectorised(TransformBack::<T, N> { sums: &sums, inputs, input, taps });
    });
    by_tap
}

/// Transforms the inputs of one row of tiles, and the gradients of its outputs.
struct TransformRow<'a, T, const N: usize> {
    dimensions: &'a Dimensions,
    image: &'a [T],
    gradient: &'a [T],
    row: usize,
    transformed: &'a mut [T],
    gradients: &'a mut [T],
}

impl<T: Element, const N: usize> WithSimd for TransformRow<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { dimensions, image, gradient, row, transformed, gradients } = self;
        transform_inputs::<S, T, N>(simd, dimensions, image, row..row + 1, transformed);
        let m = winograd::outputs(N);
        let Dimensions { height, width, outputs, .. } = *dimensions;
        let tiles = width.div_ceil(m);
        let apart = stride(tiles, outputs);
        for tile in 0..tiles {
            for channel in (0..outputs).step_by(Lanes::<S, T>::COUNT) {
                let count = Lanes::<S, T>::COUNT.min(outputs - channel);
                let mut patch = [[Lanes::splat(simd, T::zero()); N]; N];
                for (dy, lanes) in patch.iter_mut().enumerate().take(m) {
                    for (dx, lanes) in lanes.iter_mut().enumerate().take(m) {
                        let (y, x) = (row * m + dy, tile * m + dx);
                        if y < height && x < width {
                            let start = (y * width + x) * outputs + channel;
                            *lanes = Lanes::load(simd, &gradient[start..start + count]);
                        }
                    }
                }
                winograd::transform_output_adjoint(&mut patch);
                for (position, lanes) in patch.iter().flatten().enumerate() {
                    let start = position * apart + tile * outputs + channel;
                    lanes.store(&mut gradients[start..start + count]);
                }
            }
        }
    }
}

/// From the gradients of one input's transformed kernels to those of its taps, `[outputs]` each.
struct TransformBack<'a, T, const N: usize> {
    sums: &'a [T],
    inputs: usize,
    input: usize,
    taps: Vec<&'a mut [T]>,
}

impl<T: Element, const N: usize> WithSimd for TransformBack<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, inputs, input, mut taps } = self;
        let outputs = sums.len() / (N * N * inputs);
        let transform = KernelTransform::<T, N>::new();
        let zero = Lanes::splat(simd, T::zero());
        for first in (0..outputs).step_by(Lanes::<S, T>::COUNT) {
            let end = (first + Lanes::<S, T>::COUNT).min(outputs);
            let mut values = [[zero; N]; N];
            for (position, lanes) in values.iter_mut().flatten().enumerate() {
                let start = (position * inputs + input) * outputs;
                *lanes = Lanes::load(simd, &sums[start + first..start + end]);
            }
            let kernel = transform.adjoint(&values, zero);
            for (tap, lanes) in taps.iter_mut().zip(kernel.iter().flatten()) {
                lanes.store(&mut tap[first..end]);
            }
        }
    }
}

/// `[taps, inputs, outputs]`, each tap's the product of shifted pixels and gradients.
fn by_taps<T: Element>(
    dimensions: &Dimensions,
    window: Window,
    input: &[T],
    gradient: &[T],
) -> Vec<T> {
    let Dimensions { batch, height, width, inputs, outputs } = *dimensions;
    let pairs = inputs * outputs;
    let (above, left) = (window.height / 2, window.width / 2);
    let lines = batch * height;
    let lines_of_group = batch.div_ceil(IMAGE_GROUPS).max(1) * height;
    let lines_of_block = (BLOCK_ELEMENTS / (width * (inputs + outputs)).max(1)).max(1);
    let groups: Vec<_> = (0..lines).step_by(lines_of_group.max(1)).collect();
    let partial = groups.into_par_iter().map(|first| {
        let mut sums = vec![T::zero(); window.taps() * pairs];
        let last = (first + lines_of_group).min(lines);
        for block in (first..last).step_by(lines_of_block) {
            let block = block..(block + lines_of_block).min(last);
            for (tap, sums) in sums.chunks_exact_mut(pairs.max(1)).enumerate() {
                let (down, right) = (tap / window.width, tap % window.width);
                // Columns, and then lines, whose neighbour at this tap lies in the image.
                let columns =
                    left.saturating_sub(right)..width.min((width + left).saturating_sub(right));
                if columns.is_empty() {
                    continue;
                }
                let inside =
                    |line: &usize| (above..above + height).contains(&(line % height + down));
                let (images, gradients): (Vec<_>, Vec<_>) = block
                    .clone()
                    .filter(inside)
                    .map(|line| {
                        let start = line * width + columns.start;
                        let neighbour = start + (down * width + right) - (above * width + left);
                        (neighbour * inputs, start * outputs)
                    })
                    .unzip();
                product::add_transposed(
                    Stack { data: input, starts: &images, stride: inputs, columns: inputs },
                    Stack { data: gradient, starts: &gradients, stride: outputs, columns: outputs },
                    columns.len(),
                    sums,
                );
            }
        }
        sums
    });
    let parts: Vec<_> = partial.collect();
    let mut total = vec![T::zero(); window.taps() * pairs];
    total.par_chunks_mut(REDUCED).enumerate().for_each(|(chunk, total)| {
        for part in &parts {
            for (sum, &value) in total.iter_mut().zip(&part[chunk * REDUCED..]) {
                *sum += value;
            }
        }
    });
    total
}
