//! Dense (fully connected) layer.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::element::{Element, FrozenWeights};
use super::gemm::{self, Threads};
use super::kernel::{self, Kernel};

/// A frozen dense layer `x W^T + b`: `[B, in] -> [B, out]`.
#[derive(Clone, Debug)]
pub struct Dense(Arc<DenseKernel>);

impl Dense {
    /// From weights `[out, in]` and a bias of length `out`.
    ///
    /// # Errors
    /// Where the lengths do not fit together.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize) -> Result<Self> {
        let outputs = bias.len();
        if weight.len() != outputs * inputs {
            bail!("dense: {} weights for {inputs} -> {outputs}", weight.len())
        }
        Ok(Self(Arc::new(DenseKernel {
            inputs,
            outputs,
            weight: FrozenWeights::new(weight.to_vec()),
            transposed: FrozenWeights::new(transpose(weight, outputs, inputs)),
            bias: FrozenWeights::new(bias.to_vec()),
        })))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, in]`.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        kernel::apply(&self.0, input)
    }

    /// How many numbers were trained.
    pub fn parameters(&self) -> usize {
        self.0.weight.len() + self.0.bias.len()
    }
}

fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|x| (0..rows).map(move |y| matrix[y * columns + x])).collect()
}

#[derive(Debug)]
struct DenseKernel {
    inputs: usize,
    outputs: usize,
    weight: FrozenWeights,
    transposed: FrozenWeights,
    bias: FrozenWeights,
}

impl Kernel for DenseKernel {
    const NAME: &'static str = "dense";

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [batch, length] if length == self.inputs => Ok(vec![batch, self.outputs]),
            _ => bail!("dense: expected [B, {}], got {input:?}", self.inputs),
        }
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> Vec<T> {
        let dimensions = [shape[0], self.inputs, self.outputs];
        let mut output = product(input, self.transposed.get(), dimensions);
        for (y, &bias) in output.iter_mut().zip(self.bias.get::<T>().iter().cycle()) {
            *y += bias;
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
        product(gradient, self.weight.get(), [shape[0], self.outputs, self.inputs])
    }
}

fn product<T: Element>(left: &[T], right: &[T], [rows, inner, width]: [usize; 3]) -> Vec<T> {
    let mut out = vec![T::zero(); rows * width];
    gemm::multiply(&mut out, width, left, right, [rows, inner, width], Threads::All);
    out
}
