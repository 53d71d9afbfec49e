//! 2x2 max pooling with an exact gradient (Candle 0.11's is a quarter of the truth, and wrong on
//! odd sizes).

use std::sync::{Arc, LazyLock};

use candle_core::{Result, bail};

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, Kernel};

static FLOOR: LazyLock<Arc<MaxPoolKernel>> =
    LazyLock::new(|| Arc::new(MaxPoolKernel { ceil: false }));
static CEIL: LazyLock<Arc<MaxPoolKernel>> =
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
    kernel::apply(if edge == Edge::Keep { &CEIL } else { &FLOOR }, input)
}

#[derive(Debug)]
struct MaxPoolKernel {
    ceil: bool,
}

impl MaxPoolKernel {
    fn side(&self, n: usize) -> usize {
        if self.ceil { n.div_ceil(2) } else { n / 2 }
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

    /// For each output, the index of the input in its image that it is.
    type Saved<T: Element> = Vec<u32>;

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

    fn forward<T: Element>(&self, input: &[T], shape: &[usize], _keep: bool) -> (Vec<T>, Vec<u32>) {
        let [_, height, width, channels] = dimensions(shape);
        let signal = shape.len() == 3;
        let size = height * width * channels;
        let rows = if signal { 1 } else { self.side(height) };
        let step = if signal { 1 } else { 2 };
        let (mut output, mut sources) = (Vec::new(), Vec::new());
        for image in input.chunks(size) {
            for y in 0..rows {
                for x in 0..self.side(width) {
                    let first = (y * step * width + 2 * x) * channels;
                    let start = output.len();
                    output.extend_from_slice(&image[first..first + channels]);
                    sources.extend((first..first + channels).map(|index| index as u32));
                    for (dy, dx) in [(0, 1), (1, 0), (1, 1)] {
                        if dy >= step || y * step + dy >= height || 2 * x + dx >= width {
                            continue;
                        }
                        let other = first + (dy * width + dx) * channels;
                        let best = output[start..].iter_mut().zip(&mut sources[start..]);
                        for ((best, source), index) in best.zip(other..) {
                            if image[index] > *best {
                                *best = image[index];
                                *source = index as u32;
                            }
                        }
                    }
                }
            }
        }
        (output, sources)
    }

    fn backward<T: Element>(
        &self,
        sources: &Vec<u32>,
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let size: usize = shape[1..].iter().product();
        let pooled = sources.len() / shape[0].max(1);
        let mut result = vec![T::zero(); copies * shape[0] * size];
        let images = result.chunks_mut(size.max(1)).zip(gradient.chunks(pooled.max(1)));
        for ((image, gradient), sources) in images.zip(sources.chunks(pooled.max(1)).cycle()) {
            for (&source, &g) in sources.iter().zip(gradient) {
                image[source as usize] += g;
            }
        }
        result
    }
}
