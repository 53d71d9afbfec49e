//! Means over the pixels of an image, or over one of its axes.

use std::sync::{Arc, LazyLock};

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;
use super::rows::{rows_of_block, sums};

/// What a mean is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeanOver {
    /// All pixels: `[B, H, W, C] -> [B, C]`, `[B, L, C] -> [B, C]`.
    Pixels,
    /// The first axis after the batch: `[B, H, W, C] -> [B, W, C]`, `[B, L, C] -> [B, C]`.
    Rows,
    /// The second: `[B, H, W, C] -> [B, H, C]`.
    Columns,
}

static PIXELS: LazyLock<Arc<MeanKernel>> =
    LazyLock::new(|| Arc::new(MeanKernel { over: MeanOver::Pixels }));
static ROWS: LazyLock<Arc<MeanKernel>> =
    LazyLock::new(|| Arc::new(MeanKernel { over: MeanOver::Rows }));
static COLUMNS: LazyLock<Arc<MeanKernel>> =
    LazyLock::new(|| Arc::new(MeanKernel { over: MeanOver::Columns }));

/// The mean of a channels-last image or signal.
///
/// # Errors
/// Where the input has other axes, or one of them is empty.
pub fn mean(input: &Traced, over: MeanOver) -> Result<Traced> {
    if portable::is_needed(input) {
        let axes: &[usize] = match (over, input.tensor().rank()) {
            (MeanOver::Pixels, 4) => &[1, 2],
            (MeanOver::Pixels | MeanOver::Rows, 3 | 4) => &[1],
            (MeanOver::Columns, 4) => &[2],
            _ => bail!("mean over {over:?}: can't take {:?}", input.tensor().dims()),
        };
        return portable::mean(input, axes);
    }
    let kernel = match over {
        MeanOver::Pixels => &PIXELS,
        MeanOver::Rows => &ROWS,
        MeanOver::Columns => &COLUMNS,
    };
    kernel::apply(kernel, input)
}

#[derive(Debug)]
struct MeanKernel {
    over: MeanOver,
}

impl MeanKernel {
    /// How many values make one mean, and how many numbers lie from one to the next.
    fn layout(&self, shape: &[usize]) -> Option<[usize; 2]> {
        match (self.over, shape) {
            (MeanOver::Pixels, &[_, height, width, channels]) => Some([height * width, channels]),
            (MeanOver::Rows, &[_, height, width, channels]) => Some([height, width * channels]),
            (MeanOver::Columns, &[_, _, width, channels]) => Some([width, channels]),
            (MeanOver::Pixels | MeanOver::Rows, &[_, length, channels]) => Some([length, channels]),
            _ => None,
        }
    }
}

impl Kernel for MeanKernel {
    const NAME: &'static str = "mean";

    type Saved<T: Element> = ();

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if self.layout(input).is_none() || input.contains(&0) {
            bail!("mean over {:?}: can't take {input:?}", self.over)
        }
        let mut shape = input.to_vec();
        match self.over {
            MeanOver::Pixels => drop(shape.drain(1..input.len() - 1)),
            MeanOver::Rows => drop(shape.remove(1)),
            MeanOver::Columns => drop(shape.remove(2)),
        }
        Ok(shape)
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize], _keep: bool) -> (Vec<T>, ()) {
        let Some([count, width]) = self.layout(shape) else { return (Vec::new(), ()) };
        let share = T::from_f64(1.0 / count as f64);
        let mut means = sums(input, count, width);
        means.iter_mut().for_each(|mean| *mean *= share);
        (means, ())
    }

    fn backward<T: Element>(
        &self,
        (): &(),
        gradient: &[T],
        shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let Some([count, width]) = self.layout(shape) else { return Vec::new() };
        let share = T::from_f64(1.0 / count as f64);
        let scaled: Vec<T> = gradient.iter().map(|&g| share * g).collect();
        let mut result = vec![T::zero(); count * gradient.len()];
        let rows = result.par_chunks_mut(width).with_min_len(rows_of_block(width)).enumerate();
        rows.for_each(|(row, target)| {
            target.copy_from_slice(&scaled[row / count * width..][..width]);
        });
        result
    }
}
