//! 2x2 max pooling with an exact gradient (Candle 0.11's is a quarter of the truth, and wrong on
//! odd sizes).

use std::sync::{Arc, LazyLock};

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;

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
    if portable::is_needed(input) {
        return portable::max_pool(input, edge);
    }
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
        let [batch, height, width, channels] = dimensions(shape);
        let signal = shape.len() == 3;
        // Rows and columns of a window.
        let step = if signal { 1 } else { 2 };
        let rows = if signal { 1 } else { self.side(height) };
        let row = self.side(width) * channels;
        let mut output = vec![T::zero(); batch * rows * row];
        let mut sources = vec![0; output.len()];
        let lines = output.par_chunks_mut(row).zip(sources.par_chunks_mut(row)).enumerate();
        lines.for_each(|(line, (output, sources))| {
            let image = &input[line / rows * height * width * channels..];
            let y = line % rows * step;
            let windows = output.chunks_exact_mut(channels).zip(sources.chunks_exact_mut(channels));
            for (x, (best, sources)) in windows.enumerate() {
                let first = (y * width + 2 * x) * channels;
                best.copy_from_slice(&image[first..first + channels]);
                for (source, index) in sources.iter_mut().zip(first..) {
                    *source = index as u32;
                }
                for (dy, dx) in [(0, 1), (1, 0), (1, 1)] {
                    if dy >= step || y + dy >= height || 2 * x + dx >= width {
                        continue;
                    }
                    let other = first + (dy * width + dx) * channels;
                    let values = &image[other..other + channels];
                    for (((best, source), &value), index) in
                        best.iter_mut().zip(&mut *sources).zip(values).zip(other as u32..)
                    {
                        let larger = value > *best;
                        *best = if larger { value } else { *best };
                        *source = if larger { index } else { *source };
                    }
                }
            }
        });
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
        let images = result.par_chunks_mut(size.max(1)).zip(gradient.par_chunks(pooled.max(1)));
        images.enumerate().for_each(|(image, (result, gradient))| {
            let sources = &sources[image % shape[0] * pooled..][..pooled];
            for (&source, &g) in sources.iter().zip(gradient) {
                result[source as usize] = g;
            }
        });
        result
    }
}
