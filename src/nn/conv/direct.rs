//! Convolution as a matrix product with the taps' weights, for kernels of 1x1 and 1x3 and for images
//! or channels too few for tiles. Neighbourhoods are read where they lie in a copy of the image with
//! a border of zeros, so that nothing is unfolded.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::finish::{Finish, Target};
use super::tiles::with_scratch;
use super::{Dimensions, Window, split};
use crate::nn::element::Element;
use crate::nn::lanes::Lanes;
use crate::nn::product::{self, Packed, Rows, vectorised};
use crate::nn::rows;

/// Pixels that a task multiplies: enough to use a panel of weights well while it is in cache.
const BLOCK_PIXELS: usize = 192;

/// Images with a border of zeros, `[batch, height + taps - 1, width + taps - 1, inputs]`.
fn bordered<T: Element>(dimensions: &Dimensions, window: Window, input: &[T], copy: &mut [T]) {
    let Dimensions { height, width, inputs, .. } = *dimensions;
    let (above, left) = (window.height / 2, window.width / 2);
    let row = (width + 2 * left) * inputs;
    let images = copy.par_chunks_exact_mut((height + 2 * above) * row);
    images.zip(input.par_chunks_exact(height * width * inputs)).for_each(|(image, source)| {
        image[..above * row].fill(T::zero());
        image[(above + height) * row..].fill(T::zero());
        let rows = image[above * row..].chunks_exact_mut(row);
        for (target, source) in rows.zip(source.chunks_exact(width * inputs)) {
            target[..left * inputs].fill(T::zero());
            target[left * inputs..(left + width) * inputs].copy_from_slice(source);
            target[(left + width) * inputs..].fill(T::zero());
        }
    });
}

/// The convolution of `input` with taps' weights packed as `[taps * inputs, outputs]`, finished;
/// and the routes of its gradient if `keep` is set.
pub fn convolve<T: Element>(
    dimensions: &Dimensions,
    window: Window,
    input: &[T],
    weight: &Packed<T>,
    finish: &Finish<'_, T>,
    keep: bool,
) -> (Vec<T>, Vec<T>) {
    let Dimensions { batch, height, width, inputs, outputs } = *dimensions;
    let row = finish.side(width) * outputs;
    let mut values = vec![T::zero(); batch * finish.side(height) * row];
    let mut routes = vec![T::zero(); if keep { values.len() } else { 0 }];
    if values.is_empty() {
        return (values, routes);
    }
    // Pairs of rows, so that pooling windows stay whole.
    let rows_of_block = (BLOCK_PIXELS / width).max(1).next_multiple_of(2);
    let places: Vec<_> = (0..batch)
        .flat_map(|image| {
            (0..height)
                .step_by(rows_of_block)
                .map(move |first| (image, first..(first + rows_of_block).min(height)))
        })
        .collect();
    let lengths =
        places.iter().map(|(_, rows)| (finish.side(rows.end) - finish.side(rows.start)) * row);
    let blocks: Vec<_> = split(&mut values, lengths.clone())
        .into_iter()
        .zip(split(&mut routes, lengths.map(|length| if keep { length } else { 0 })))
        .zip(places.iter().cloned())
        .map(|((values, routes), (image, rows))| Block {
            image,
            target: Target { values, routes, height: rows.len(), width, channels: outputs },
            rows,
        })
        .collect();
    let (above, left) = (window.height / 2, window.width / 2);
    let wide = width + 2 * left;
    let taps: Vec<_> = (0..window.taps())
        .map(|tap| (tap / window.width * wide + tap % window.width) * inputs)
        .collect();
    let work = Work { dimensions, window, taps: &taps, weight, finish };
    if window.taps() == 1 {
        work.run(input, blocks);
    } else {
        let copied = batch * (height + 2 * above) * wide * inputs;
        with_scratch(copied, |copy: &mut [T]| {
            bordered(dimensions, window, input, copy);
            work.run(copy, blocks);
        });
    }
    (values, routes)
}

/// Some rows of one image.
struct Block<'a, T> {
    image: usize,
    rows: Range<usize>,
    target: Target<'a, T>,
}

/// What the blocks of a convolution share.
struct Work<'a, T> {
    dimensions: &'a Dimensions,
    window: Window,
    taps: &'a [usize],
    weight: &'a Packed<T>,
    finish: &'a Finish<'a, T>,
}

impl<T: Element> Work<'_, T> {
    fn run(&self, data: &[T], blocks: Vec<Block<'_, T>>) {
        if blocks.len() >= rayon::current_num_threads() {
            blocks.into_par_iter().for_each(|block| self.whole(data, block));
        } else {
            blocks.into_iter().for_each(|block| self.by_channels(data, block));
        }
    }

    /// Where each pixel's neighbourhood starts.
    fn starts(&self, block: &Block<'_, T>) -> Vec<usize> {
        let Dimensions { height, width, inputs, .. } = *self.dimensions;
        let wide = width + self.window.width / 2 * 2;
        let top = block.image * (height + self.window.height / 2 * 2);
        let rows = block.rows.clone();
        rows.flat_map(|y| (0..width).map(move |x| ((top + y) * wide + x) * inputs)).collect()
    }

    /// A block on this thread.
    fn whole(&self, data: &[T], mut block: Block<'_, T>) {
        let Dimensions { inputs, outputs, .. } = *self.dimensions;
        let starts = self.starts(&block);
        let rows = Rows { data, starts: &starts, taps: self.taps, depth: inputs };
        if self.finish.activation.is_none() {
            let values = block.target.values;
            product::multiply(rows, self.weight, 0..self.weight.panels(), values, outputs);
            if !self.finish.bias.is_empty() {
                vectorised(AddBias { bias: self.finish.bias, values });
            }
            return;
        }
        with_scratch(starts.len() * outputs, |sums: &mut [T]| {
            product::multiply(rows, self.weight, 0..self.weight.panels(), sums, outputs);
            vectorised(FinishAll { finish: self.finish, sums, target: &mut block.target });
        });
    }

    /// A block on all threads, which share out the channels, so that each weight is read once.
    fn by_channels(&self, data: &[T], mut block: Block<'_, T>) {
        let starts = self.starts(&block);
        let depth = self.dimensions.inputs;
        let rows = Rows { data, starts: &starts, taps: self.taps, depth };
        let sums = &rows::product(rows, self.weight);
        vectorised(FinishAll { finish: self.finish, sums, target: &mut block.target });
    }
}

/// Adds one value a channel.
struct AddBias<'a, T> {
    bias: &'a [T],
    values: &'a mut [T],
}

impl<T: Element> WithSimd for AddBias<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for pixel in self.values.chunks_exact_mut(self.bias.len()) {
            for (value, &bias) in pixel.iter_mut().zip(self.bias) {
                *value += bias;
            }
        }
    }
}

/// Finishes the sums `[height, width, channels]` of a target.
struct FinishAll<'a, 'b, T> {
    finish: &'a Finish<'a, T>,
    sums: &'a [T],
    target: &'a mut Target<'b, T>,
}

impl<T: Element> WithSimd for FinishAll<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { finish, sums, target } = self;
        let (width, channels) = (target.width, target.channels);
        for y in (0..target.height).step_by(2) {
            for x in (0..width).step_by(2) {
                for channel in (0..channels).step_by(Lanes::<S, T>::COUNT) {
                    let count = Lanes::<S, T>::COUNT.min(channels - channel);
                    let mut square = [[Lanes::splat(simd, T::zero()); 2]; 2];
                    for (dy, row) in square.iter_mut().enumerate() {
                        for (dx, lanes) in row.iter_mut().enumerate() {
                            let start = ((y + dy) * width + x + dx) * channels + channel;
                            if y + dy < target.height && x + dx < width {
                                *lanes = Lanes::load(simd, &sums[start..start + count]);
                            }
                        }
                    }
                    finish.write::<S, 2, 2>(simd, &square, target, [y, x, channel]);
                }
            }
        }
    }
}

/// The convolution for very few outputs, unfinished: all taps' products `[taps * outputs]` of each
/// pixel first, then the sums of the neighbours' taps. `weight` is packed as
/// `[inputs, taps * outputs]`.
pub fn convolve_few<T: Element>(
    dimensions: &Dimensions,
    window: Window,
    input: &[T],
    weight: &Packed<T>,
) -> Vec<T> {
    let Dimensions { batch, height, width, inputs, outputs } = *dimensions;
    let (above, left) = (window.height / 2, window.width / 2);
    let products = window.taps() * outputs;
    let mut values = vec![T::zero(); batch * height * width * outputs];
    if values.is_empty() {
        return values;
    }
    let pixels = height * width;
    let mut taps = vec![T::zero(); batch * pixels * products];
    let chunks = taps.par_chunks_mut(BLOCK_PIXELS * products);
    chunks.zip(input.par_chunks(BLOCK_PIXELS * inputs)).for_each(|(taps, input)| {
        let starts: Vec<_> = (0..input.len() / inputs).map(|pixel| pixel * inputs).collect();
        let rows = Rows { data: input, starts: &starts, taps: &[0], depth: inputs };
        product::multiply(rows, weight, 0..weight.panels(), taps, products);
    });
    values.par_chunks_mut(width * outputs).enumerate().for_each(|(line, row)| {
        let (image, y) = (line / height, line % height);
        for tap in 0..window.taps() {
            let (down, right) = (tap / window.width, tap % window.width);
            let source = y + down;
            if source < above || source - above >= height {
                continue;
            }
            let line = image * pixels + (source - above) * width;
            for (x, sums) in row.chunks_exact_mut(outputs).enumerate() {
                let source = x + right;
                if source >= left && source - left < width {
                    let start = (line + source - left) * products + tap * outputs;
                    for (sum, &value) in sums.iter_mut().zip(&taps[start..start + outputs]) {
                        *sum += value;
                    }
                }
            }
        }
    });
    values
}
