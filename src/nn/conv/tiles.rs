//! Convolution by Winograd's minimal filtering, in three phases for a group of tiles: transform the
//! inputs, multiply at each position, transform back.

use std::cell::Cell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::finish::{Finish, Target};
use super::{Dimensions, split};
use crate::nn::element::Element;
use crate::nn::lanes::Lanes;
use crate::nn::product::{self, Packed, Rows, vectorised};
use crate::nn::winograd;

/// Tiles whose transformed inputs and sums stay in a core's cache while they are multiplied.
const BLOCK_TILES: usize = 48;

/// With fewer tiles than this for a thread, threads share out the positions instead of the tiles,
/// so that each transformed kernel is read only once.
const FEW_TILES: usize = 64;

/// From one position's values to the next position's, for so many tiles and channels.
///
/// A little more than there are values: distances of a multiple of 4096 bytes would make all
/// positions of a tile compete for the same few places of the cache.
pub fn stride(tiles: usize, channels: usize) -> usize {
    tiles * channels + 16
}

/// Some rows of tiles of one image.
struct Block<'a, T> {
    image: &'a [T],
    tile_rows: Range<usize>,
    target: Target<'a, T>,
}

/// The convolution of `input` with kernels transformed for tiles of `N x N` inputs, finished; and
/// the routes of its gradient if `keep` is set.
pub fn convolve<T: Element, const N: usize>(
    dimensions: &Dimensions,
    input: &[T],
    kernels: &[Packed<T>],
    finish: &Finish<'_, T>,
    keep: bool,
) -> (Vec<T>, Vec<T>) {
    let m = winograd::outputs(N);
    let Dimensions { batch, height, width, inputs, outputs } = *dimensions;
    let (tile_rows, tile_columns) = (height.div_ceil(m), width.div_ceil(m));
    let row = finish.side(width) * outputs;
    let size = finish.side(height) * row;
    let mut values = vec![T::zero(); batch * size];
    let mut routes = vec![T::zero(); if keep { values.len() } else { 0 }];
    let threads = rayon::current_num_threads();
    let few = batch * tile_rows * tile_columns < threads * FEW_TILES;
    let rows_of_block = rows_of_block(tile_rows, tile_columns, if few { 1 } else { threads });
    // Rows of the target that a block of tile rows starts at.
    let start = |tile_row: usize| finish.side(height.min(tile_row * m));
    let ranges: Vec<_> = (0..batch)
        .flat_map(|image| {
            (0..tile_rows)
                .step_by(rows_of_block)
                .map(move |first| (image, first..(first + rows_of_block).min(tile_rows)))
        })
        .collect();
    let lengths = ranges.iter().map(|(_, rows)| (start(rows.end) - start(rows.start)) * row);
    let mut blocks: Vec<_> = ranges
        .iter()
        .zip(split(&mut values, lengths.clone()))
        .zip(split(&mut routes, lengths.map(|length| if keep { length } else { 0 })))
        .map(|(((image, tile_rows), values), routes)| Block {
            image: &input[image * height * width * inputs..(image + 1) * height * width * inputs],
            target: Target {
                values,
                routes,
                height: height.min(tile_rows.end * m) - tile_rows.start * m,
                width,
                channels: outputs,
            },
            tile_rows: tile_rows.clone(),
        })
        .collect();
    let group = Group::<T, N> { dimensions, kernels, finish };
    if few {
        group.run(&mut blocks, threads > 1);
    } else {
        blocks.par_iter_mut().for_each(|block| group.run(std::slice::from_mut(block), false));
    }
    drop(blocks);
    (values, routes)
}

/// Rows of tiles of a block, so that a block has about [`BLOCK_TILES`] and threads get equally many.
fn rows_of_block(tile_rows: usize, tile_columns: usize, threads: usize) -> usize {
    let blocks = (tile_rows * tile_columns).div_ceil(BLOCK_TILES).next_multiple_of(threads);
    tile_rows.div_ceil(blocks).max(1)
}

/// What the phases of a convolution share.
struct Group<'a, T, const N: usize> {
    dimensions: &'a Dimensions,
    kernels: &'a [Packed<T>],
    finish: &'a Finish<'a, T>,
}

impl<T: Element, const N: usize> Group<'_, T, N> {
    /// Convolves some blocks; with `parallel`, on all threads.
    fn run(&self, blocks: &mut [Block<'_, T>], parallel: bool) {
        let Dimensions { inputs, outputs, width, .. } = *self.dimensions;
        let tile_columns = width.div_ceil(winograd::outputs(N));
        let tiles: Vec<_> = blocks.iter().map(|b| b.tile_rows.len() * tile_columns).collect();
        let mut firsts = Vec::new();
        let (mut all, mut length) = (0, 0);
        for &tiles in &tiles {
            firsts.push((all, length));
            all += tiles;
            length += N * N * stride(tiles, inputs);
        }
        let starts = |position: usize| -> Vec<usize> {
            let places = tiles.iter().zip(&firsts).flat_map(|(&tiles, (_, first))| {
                let start = first + position * stride(tiles, inputs);
                (0..tiles).map(move |tile| start + tile * inputs)
            });
            places.collect()
        };
        let apart = stride(all, outputs);
        with_scratch(length, |transformed: &mut [T]| {
            with_scratch(N * N * apart, |sums: &mut [T]| {
                let lengths = tiles.iter().map(|&tiles| N * N * stride(tiles, inputs));
                let parts = split(transformed, lengths);
                for_each(blocks.iter().zip(parts).collect(), parallel, |(block, part)| {
                    vectorised(Transform { group: self, block, transformed: part });
                });
                let products = sums.chunks_exact_mut(apart).zip(self.kernels).enumerate();
                for_each(products.collect(), parallel, |(position, (sums, kernel))| {
                    let rows = Rows {
                        data: &*transformed,
                        starts: &starts(position),
                        taps: &[0],
                        depth: inputs,
                    };
                    product::multiply(rows, kernel, 0..kernel.panels(), sums, outputs);
                });
                let sums = &*sums;
                for_each(
                    blocks.iter_mut().zip(&firsts).collect(),
                    parallel,
                    |(block, (first, _))| {
                        let sums = &sums[first * outputs..];
                        vectorised(TransformBack { group: self, block, sums, stride: apart });
                    },
                );
            });
        });
    }
}

/// Transforms a block's inputs.
struct Transform<'a, 'b, T, const N: usize> {
    group: &'a Group<'a, T, N>,
    block: &'a Block<'b, T>,
    transformed: &'a mut [T],
}

impl<T: Element, const N: usize> WithSimd for Transform<'_, '_, T, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Block { image, tile_rows, .. } = self.block;
        let dimensions = self.group.dimensions;
        transform_inputs::<S, T, N>(simd, dimensions, image, tile_rows.clone(), self.transformed);
    }
}

/// Transforms a block's sums back and finishes them; `stride` is from one position to the next.
struct TransformBack<'a, 'b, T, const N: usize> {
    group: &'a Group<'a, T, N>,
    block: &'a mut Block<'b, T>,
    sums: &'a [T],
    stride: usize,
}

impl<T: Element, const N: usize> WithSimd for TransformBack<'_, '_, T, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { group, block, sums, stride } = self;
        let Dimensions { outputs, width, .. } = *group.dimensions;
        let m = winograd::outputs(N);
        let tile_columns = width.div_ceil(m);
        let zero = Lanes::splat(simd, T::zero());
        for tile in 0..block.tile_rows.len() * tile_columns {
            let (y, x) = (tile / tile_columns * m, tile % tile_columns * m);
            for channel in (0..outputs).step_by(Lanes::<S, T>::COUNT) {
                let count = Lanes::<S, T>::COUNT.min(outputs - channel);
                let place = tile * outputs + channel;
                let mut patch = [[zero; N]; N];
                for (row, lanes) in patch.iter_mut().enumerate() {
                    for (column, lanes) in lanes.iter_mut().enumerate() {
                        let start = (row * N + column) * stride + place;
                        *lanes = Lanes::load(simd, &sums[start..start + count]);
                    }
                }
                winograd::transform_output(&mut patch);
                let at = [y, x, channel];
                if N == 4 {
                    group.finish.write::<S, 2, N>(simd, &patch, &mut block.target, at);
                } else {
                    group.finish.write::<S, 4, N>(simd, &patch, &mut block.target, at);
                }
            }
        }
    }
}

/// Writes `B^T d B` of the tiles of some rows of tiles as `[tiles, channels]`, one position
/// [`stride`] behind the other.
#[inline(always)]
pub fn transform_inputs<S: Simd, T: Element, const N: usize>(
    simd: S,
    dimensions: &Dimensions,
    image: &[T],
    tile_rows: Range<usize>,
    transformed: &mut [T],
) {
    let Dimensions { height, width, inputs, .. } = *dimensions;
    let m = winograd::outputs(N);
    let tile_columns = width.div_ceil(m);
    let tiles = tile_rows.len() * tile_columns;
    let apart = stride(tiles, inputs);
    for tile in 0..tiles {
        // The first input is one above and left of the first output.
        let y = (tile_rows.start + tile / tile_columns) * m;
        let x = tile % tile_columns * m;
        let inside = y > 0 && x > 0 && y + m < height && x + m < width;
        for channel in (0..inputs).step_by(Lanes::<S, T>::COUNT) {
            let count = Lanes::<S, T>::COUNT.min(inputs - channel);
            let mut patch = [[Lanes::splat(simd, T::zero()); N]; N];
            for (dy, row) in patch.iter_mut().enumerate() {
                for (dx, lanes) in row.iter_mut().enumerate() {
                    let (y, x) = (y + dy, x + dx);
                    if inside || ((1..=height).contains(&y) && (1..=width).contains(&x)) {
                        let start = ((y - 1) * width + x - 1) * inputs + channel;
                        *lanes = Lanes::load(simd, &image[start..start + count]);
                    }
                }
            }
            winograd::transform_input(&mut patch);
            for (position, lanes) in patch.iter().flatten().enumerate() {
                let start = position * apart + tile * inputs + channel;
                lanes.store(&mut transformed[start..start + count]);
            }
        }
    }
}

/// Runs `work` on every item, on all threads if `parallel`.
pub fn for_each<I: Send>(items: Vec<I>, parallel: bool, work: impl Fn(I) + Sync + Send) {
    if parallel {
        items.into_par_iter().for_each(work);
    } else {
        items.into_iter().for_each(work);
    }
}

/// Lends memory that is kept for the next call on this thread, with whatever is in it.
pub fn with_scratch<T: Element, R>(length: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    thread_local! {
        static KEPT: Cell<Vec<Box<dyn std::any::Any>>> = const { Cell::new(Vec::new()) };
    }
    // Taken out while in use: work that this thread steals meanwhile must find other memory.
    let mut kept = KEPT.take();
    let mut memory = kept
        .iter()
        .position(|memory| memory.is::<Vec<T>>())
        .and_then(|index| kept.swap_remove(index).downcast::<Vec<T>>().ok())
        .unwrap_or_default();
    KEPT.set(kept);
    if memory.len() < length {
        memory.resize(length, T::zero());
    }
    let result = work(&mut memory[..length]);
    let mut kept = KEPT.take();
    kept.push(memory);
    KEPT.set(kept);
    result
}
