//! 2x2 max pooling with an exact gradient (Candle 0.11's is a quarter of the truth, and wrong on
//! odd sizes).

use std::sync::{Arc, LazyLock};

use candle_core::{Result, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;
use super::product::vectorised;
use super::rows::rows_of_block;

pub(super) static FLOOR: LazyLock<Arc<MaxPoolKernel>> =
    LazyLock::new(|| Arc::new(MaxPoolKernel { ceil: false }));
pub(super) static CEIL: LazyLock<Arc<MaxPoolKernel>> =
    LazyLock::new(|| Arc::new(MaxPoolKernel { ceil: true }));

/// What happens to an odd last row or column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It is left out (PyTorch's default).
    Drop,
    /// It makes smaller windows (PyTorch's `ceil_mode`, TensorFlow's `padding="same"`).
    Keep,
}

/// Max pooling with stride 2: of `[B, H, W, C]` in 2x2 windows, of signals `[B, L, C]` in pairs.
///
/// Where several elements of a window are the largest, the first in row-major order gets the
/// gradient, as in PyTorch.
///
/// # Errors
/// Where the input has another number of axes or is smaller than one window.
pub fn max_pool(input: &Traced, edge: Edge) -> Result<Traced> {
    if portable::is_needed(input) {
        return portable::max_pool(input, edge);
    }
    kernel::apply(if edge == Edge::Keep { &CEIL } else { &FLOOR }, input)
}

/// See [`max_pool`].
#[derive(Debug)]
pub(super) struct MaxPoolKernel {
    ceil: bool,
}

impl MaxPoolKernel {
    fn side(&self, n: usize) -> usize {
        if self.ceil { n.div_ceil(2) } else { n / 2 }
    }

    /// Rows of the output, and how many of the input make one: a signal has but one row.
    fn rows(&self, shape: &[usize]) -> (usize, usize) {
        match *shape {
            [_, height, _, _] => (self.side(height), 2),
            _ => (1, 1),
        }
    }

    /// The adjoint plus `levels`, `[copies * B, C]`, at all of an image's pixels.
    pub(super) fn unpool<T: Element>(
        &self,
        routes: &[u8],
        gradient: &[T],
        levels: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let [batch, height, width, channels] = dimensions(shape);
        let (rows, step) = self.rows(shape);
        let (size, line) = (height * width * channels, step * width * channels);
        let pooled = self.side(width) * channels;
        let mut result = vec![T::zero(); copies * batch * size];
        let images = result.par_chunks_mut(size).zip(gradient.par_chunks(rows * pooled));
        images.zip(levels.par_chunks(channels)).enumerate().for_each(
            |(image, ((result, gradient), level))| {
                // Every copy's gradient takes the way of the one forward pass.
                let routes = &routes[image % batch * rows * pooled..][..rows * pooled];
                let lines = result.par_chunks_mut(line).zip(gradient.par_chunks(pooled));
                let lines = lines.zip(routes.par_chunks(pooled)).with_min_len(rows_of_block(line));
                lines.for_each(|((result, gradient), routes)| {
                    vectorised(UnpoolLine { gradient, routes, level, width, result });
                });
                // A last row that no window has.
                for pixel in result[size.min(rows * line)..].chunks_exact_mut(channels) {
                    pixel.copy_from_slice(level);
                }
            },
        );
        result
    }
}

/// Batch, height, width and channels; a signal has the height 1.
fn dimensions(shape: &[usize]) -> [usize; 4] {
    match *shape {
        [batch, height, width, channels] => [batch, height, width, channels],
        [batch, length, channels] => [batch, 1, length, channels],
        _ => [0; 4],
    }
}

impl Kernel for MaxPoolKernel {
    const NAME: &'static str = "max-pool";

    /// For each output, which of its window's elements it is, row by row.
    type Saved<T: Element> = Vec<u8>;

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let shape = match *input {
            [batch, height, width, channels] => {
                vec![batch, self.side(height), self.side(width), channels]
            }
            [batch, length, channels] => vec![batch, self.side(length), channels],
            _ => Vec::new(),
        };
        if shape.is_empty() || shape.contains(&0) {
            bail!("max-pool: expected [B, H >= 2, W >= 2, C] or [B, L >= 2, C], got {input:?}")
        }
        Ok(shape)
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize], _keep: bool) -> (Vec<T>, Vec<u8>) {
        let [batch, height, width, channels] = dimensions(shape);
        let (rows, step) = self.rows(shape);
        let pooled = self.side(width) * channels;
        let mut output = vec![T::zero(); batch * rows * pooled];
        let mut routes = vec![0; output.len()];
        let lines = output.par_chunks_mut(pooled).zip(routes.par_chunks_mut(pooled)).enumerate();
        let least = rows_of_block(step * width * channels);
        lines.with_min_len(least).for_each(|(line, (output, routes))| {
            let y = line % rows * step;
            let first = (line / rows * height + y) * width * channels;
            let window = &input[first..][..step.min(height - y) * width * channels];
            vectorised(PoolLine { window, width, channels, output, routes });
        });
        (output, routes)
    }

    fn backward<T: Element>(
        &self,
        routes: &Vec<u8>,
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let [batch, _, _, channels] = dimensions(shape);
        let levels = vec![T::zero(); copies * batch * channels];
        self.unpool(routes, gradient, &levels, shape, copies)
    }
}

/// One row of the output.
struct PoolLine<'a, T> {
    /// Two rows of the image, or one where there is no second.
    window: &'a [T],
    width: usize,
    channels: usize,
    output: &'a mut [T],
    routes: &'a mut [u8],
}

impl<T: Element> WithSimd for PoolLine<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { window, width, channels, output, routes } = self;
        let pixels = output.chunks_exact_mut(channels).zip(routes.chunks_exact_mut(channels));
        for (x, (output, routes)) in pixels.enumerate() {
            let first = &window[2 * x * channels..][..channels];
            // Where the window ends, the first stands in: it is not larger than itself.
            let mut others = [first; 3];
            if 2 * x + 1 < width {
                others[0] = &window[(2 * x + 1) * channels..][..channels];
            }
            if window.len() > width * channels {
                others[1] = &window[(width + 2 * x) * channels..][..channels];
                if 2 * x + 1 < width {
                    others[2] = &window[(width + 2 * x + 1) * channels..][..channels];
                }
            }
            let [right, below, across] = others;
            let (output, routes) = (&mut output[..channels], &mut routes[..channels]);
            for c in 0..channels {
                let (mut best, mut route) = (first[c], 0);
                route = if right[c] > best { 1 } else { route };
                best = if right[c] > best { right[c] } else { best };
                route = if below[c] > best { 2 } else { route };
                best = if below[c] > best { below[c] } else { best };
                route = if across[c] > best { 3 } else { route };
                best = if across[c] > best { across[c] } else { best };
                output[c] = best;
                routes[c] = route;
            }
        }
    }
}

/// The gradients of the rows that one row of the output was made from.
struct UnpoolLine<'a, T> {
    gradient: &'a [T],
    routes: &'a [u8],
    level: &'a [T],
    width: usize,
    /// Two rows, or one where there is no second.
    result: &'a mut [T],
}

impl<T: Element> WithSimd for UnpoolLine<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { gradient, routes, level, width, result } = self;
        let channels = level.len();
        for (down, row) in result.chunks_exact_mut(width * channels).enumerate() {
            let (inside, outside) = row.split_at_mut(row.len().min(2 * gradient.len()));
            for pixel in outside.chunks_exact_mut(channels) {
                pixel.copy_from_slice(level);
            }
            let pairs = inside.chunks_mut(2 * channels).zip(gradient.chunks_exact(channels));
            for ((pair, gradient), routes) in pairs.zip(routes.chunks_exact(channels)) {
                for (right, pixel) in pair.chunks_exact_mut(channels).enumerate() {
                    let own = (2 * down + right) as u8;
                    let places = pixel.iter_mut().zip(level).zip(gradient.iter().zip(routes));
                    for ((result, &level), (&g, &route)) in places {
                        *result = level + if route == own { g } else { T::zero() };
                    }
                }
            }
        }
    }
}
