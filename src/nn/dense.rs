//! Dense (fully connected) layer.

use std::sync::Arc;

use candle_core::{Result, bail};

use super::element::{Element, Family, FrozenWeights, Prepared};
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;
use super::product::Packed;
use super::rows::matrix_product;

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
            forward: Prepared::default(),
            backward: Prepared::default(),
            bias: FrozenWeights::new(bias.to_vec()),
        })))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, in]`.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            let DenseKernel { inputs, outputs, weight, bias, .. } = &*self.0;
            let weight = weight.tensor(&[*outputs, *inputs], input.tensor())?;
            let bias = bias.tensor(&[*outputs], input.tensor())?;
            return portable::dense(input, &weight, &bias);
        }
        kernel::apply(&self.0, input)
    }
}

#[derive(Debug)]
struct Matrices;

impl Family for Matrices {
    type Of<T: Element> = Packed<T>;
}

#[derive(Debug)]
struct DenseKernel {
    inputs: usize,
    outputs: usize,
    weight: FrozenWeights,
    forward: Prepared<Matrices>,
    backward: Prepared<Matrices>,
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

    type Saved<T: Element> = ();

    fn forward<T: Element>(&self, input: &[T], _shape: &[usize], _keep: bool) -> (Vec<T>, ()) {
        let weight = self.forward.get_or_init(|| {
            Packed::new(self.inputs, self.outputs, |input, output| {
                T::from_f64(self.weight.at(output * self.inputs + input))
            })
        });
        let mut output = matrix_product(input, self.inputs, weight);
        for (y, &bias) in output.iter_mut().zip(self.bias.get::<T>().iter().cycle()) {
            *y += bias;
        }
        (output, ())
    }

    fn backward<T: Element>(
        &self,
        (): &(),
        gradient: &[T],
        _shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let weight = self.backward.get_or_init(|| {
            Packed::new(self.outputs, self.inputs, |output, input| {
                T::from_f64(self.weight.at(output * self.inputs + input))
            })
        });
        matrix_product(gradient, self.outputs, weight)
    }
}
