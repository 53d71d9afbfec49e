//! 3x3 convolution, stride 1, zero padding ("same"), in two dimensions.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::element::{Element, FrozenWeights};
use super::gemm::{self, Threads};
use super::kernel::{self, Kernel};

/// The nine taps of the kernel.
const TAPS: usize = 9;

/// A tile of unfolded columns stays near this many elements, so that it lives in a core's cache
/// between being written and being multiplied.
const TILE_ELEMENTS: usize = 96 * 1024;

/// A frozen 3x3 convolution with bias: `[B, in, H, W] -> [B, out, H, W]`.
///
/// Input patches are unfolded tile by tile and multiplied with the weights; the gradient with
/// respect to the input is the same operation with the kernel turned by 180 degrees and its two
/// channel axes exchanged.
#[derive(Clone, Debug)]
pub struct Conv3x3(Arc<ConvKernel>);

impl Conv3x3 {
    /// From weights `[out, in, 3, 3]` and a bias of length `out`.
    ///
    /// # Errors
    /// Where the lengths do not fit together.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize) -> Result<Self> {
        let outputs = bias.len();
        if weight.len() != outputs * inputs * TAPS {
            bail!("conv3x3: {} weights for {inputs} -> {outputs} channels", weight.len())
        }
        let mut turned = vec![0.0; weight.len()];
        for output in 0..outputs {
            for input in 0..inputs {
                for tap in 0..TAPS {
                    turned[(input * outputs + output) * TAPS + TAPS - 1 - tap] =
                        weight[(output * inputs + input) * TAPS + tap];
                }
            }
        }
        Ok(Self(Arc::new(ConvKernel {
            inputs,
            outputs,
            weight: FrozenWeights::new(weight.to_vec()),
            turned: FrozenWeights::new(turned),
            bias: FrozenWeights::new(bias.to_vec()),
        })))
    }

    /// The convolution of `input`.
    ///
    /// # Errors
    /// Where the input is not `[B, in, H, W]`.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        kernel::apply(&self.0, input)
    }

    /// How many numbers were trained.
    pub fn parameters(&self) -> usize {
        self.0.weight.len() + self.0.bias.len()
    }
}

#[derive(Debug)]
struct ConvKernel {
    inputs: usize,
    outputs: usize,
    weight: FrozenWeights,
    turned: FrozenWeights,
    bias: FrozenWeights,
}

impl Kernel for ConvKernel {
    const NAME: &'static str = "conv3x3";

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [batch, channels, height, width] if channels == self.inputs => {
                Ok(vec![batch, self.outputs, height, width])
            }
            _ => bail!("conv3x3: expected [B, {}, H, W], got {input:?}", self.inputs),
        }
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> Vec<T> {
        let mut output = convolve(input, self.weight.get(), shape, self.outputs);
        let pixels = shape[2] * shape[3];
        if pixels > 0 {
            for (plane, &bias) in output.chunks_mut(pixels).zip(self.bias.get::<T>().iter().cycle())
            {
                for y in plane {
                    *y += bias;
                }
            }
        }
        output
    }

    fn backward<T: Element>(
        &self,
        _input: &[T],
        _output: &[T],
        gradient: &[T],
        shape: &[usize],
    ) -> Vec<T> {
        let shape = [shape[0], self.outputs, shape[2], shape[3]];
        convolve(gradient, self.turned.get(), &shape, self.inputs)
    }
}

/// The output that threads write different pixels of.
struct Output<T>(*mut T);

// SAFETY: tiles write disjoint pixels.
#[expect(unsafe_code, reason = "tiles of one output are written by several threads")]
unsafe impl<T: Send> Sync for Output<T> {}

/// Convolution of `[B, in, H, W]` with `[out, in, 3, 3]`, without bias.
fn convolve<T: Element>(input: &[T], weight: &[T], shape: &[usize], outputs: usize) -> Vec<T> {
    let &[batch, inputs, height, width] = shape else { return Vec::new() };
    let pixels = height * width;
    let inner = inputs * TAPS;
    let mut output = vec![T::zero(); batch * outputs * pixels];
    if output.is_empty() || inner == 0 {
        return output;
    }
    let tile_rows = (TILE_ELEMENTS / (inner * width)).clamp(1, height);
    let tiles_per_image = height.div_ceil(tile_rows);
    let tiles = batch * tiles_per_image;
    // Few tiles cannot keep the cores busy: then each product is spread over them instead.
    let threads = if tiles < rayon::current_num_threads() { Threads::All } else { Threads::One };
    let base = Output(output.as_mut_ptr());
    let run = |columns: &mut Vec<T>, tile: usize| {
        let base = &base;
        let (image, first) = (tile / tiles_per_image, tile % tiles_per_image * tile_rows);
        let rows = first..(first + tile_rows).min(height);
        let tile_pixels = rows.len() * width;
        let image_input = &input[image * inputs * pixels..(image + 1) * inputs * pixels];
        columns.resize(inner * tile_pixels, T::zero());
        unfold(columns, image_input, height, width, rows.clone());
        // SAFETY: this tile's pixels of every output plane lie inside `output`, and no other tile
        // has them; weight holds [outputs, inner] and columns [inner, tile_pixels].
        #[expect(unsafe_code, reason = "tiles of one output are written by several threads")]
        unsafe {
            let start = base.0.add(image * outputs * pixels + first * width);
            let dimensions = [outputs, inner, tile_pixels];
            gemm::multiply_raw(start, pixels, weight, columns, dimensions, threads);
        }
    };
    if threads == Threads::All {
        let mut columns = Vec::new();
        (0..tiles).for_each(|tile| run(&mut columns, tile));
    } else {
        (0..tiles).into_par_iter().for_each_init(Vec::new, run);
    }
    output
}

/// Writes the 3x3 neighbourhoods of the pixels in `rows` as columns `[inputs * 9, pixels]`.
fn unfold<T: Element>(
    columns: &mut [T],
    input: &[T],
    height: usize,
    width: usize,
    rows: std::ops::Range<usize>,
) {
    let tile_pixels = rows.len() * width;
    for (line, column) in columns.chunks_exact_mut(tile_pixels).enumerate() {
        let (channel, tap) = (line / TAPS, line % TAPS);
        let plane = &input[channel * height * width..(channel + 1) * height * width];
        let (down, right) = (tap / 3, tap % 3);
        for (y, out) in rows.clone().zip(column.chunks_exact_mut(width)) {
            // The tap looks at row y + down - 1 and column x + right - 1; outside is zero.
            let source = y + down;
            if source == 0 || source > height {
                out.fill(T::zero());
                continue;
            }
            let row = &plane[(source - 1) * width..source * width];
            match right {
                0 => {
                    out[0] = T::zero();
                    out[1..].copy_from_slice(&row[..width - 1]);
                }
                1 => out.copy_from_slice(row),
                _ => {
                    out[..width - 1].copy_from_slice(&row[1..]);
                    out[width - 1] = T::zero();
                }
            }
        }
    }
}
