//! 2x2 max pooling with an exact gradient (Candle 0.11's is a quarter of the truth, and wrong on
//! odd sizes).

use std::sync::{Arc, LazyLock};

use candle_core::{Result, Tensor, bail};

use super::element::Element;
use super::kernel::{self, Kernel};

static KERNEL: LazyLock<Arc<MaxPoolKernel>> = LazyLock::new(|| Arc::new(MaxPoolKernel));

/// 2x2 max pooling with stride 2 of `[B, C, H, W]`; an odd last row or column is left out
/// (PyTorch's floor mode).
///
/// Where several elements of a window are the largest, the first in row-major order gets the
/// gradient, as in PyTorch.
///
/// # Errors
/// Where the input is not four-dimensional or smaller than one window.
pub fn max_pool_2x2(input: &Tensor) -> Result<Tensor> {
    kernel::apply(&KERNEL, input)
}

#[derive(Debug)]
struct MaxPoolKernel;

/// Calls `visit(output index, input index of the window's maximum)` for every window.
fn for_each_window<T: Element>(input: &[T], shape: &[usize], mut visit: impl FnMut(usize, usize)) {
    let &[batch, channels, height, width] = shape else { return };
    let mut output = 0;
    for plane in 0..batch * channels {
        for y in 0..height / 2 {
            let top = (plane * height + 2 * y) * width;
            for x in 0..width / 2 {
                let corner = top + 2 * x;
                let mut largest = corner;
                for index in [corner + 1, corner + width, corner + width + 1] {
                    if input[index] > input[largest] {
                        largest = index;
                    }
                }
                visit(output, largest);
                output += 1;
            }
        }
    }
}

impl Kernel for MaxPoolKernel {
    const NAME: &'static str = "max-pool-2x2";

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [batch, channels, height, width] if height >= 2 && width >= 2 => {
                Ok(vec![batch, channels, height / 2, width / 2])
            }
            _ => bail!("max-pool-2x2: expected [B, C, H >= 2, W >= 2], got {input:?}"),
        }
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> Vec<T> {
        let mut output = Vec::with_capacity(input.len() / 4);
        for_each_window(input, shape, |_, largest| output.push(input[largest]));
        output
    }

    fn backward<T: Element>(
        &self,
        input: &[T],
        _output: &[T],
        gradient: &[T],
        shape: &[usize],
    ) -> Vec<T> {
        let mut result = vec![T::zero(); input.len()];
        for_each_window(input, shape, |output, largest| result[largest] = gradient[output]);
        result
    }
}
