//! A convolution whose weights are being trained.

use std::sync::Arc;

use candle_core::{DType, Error, Result, Tensor, bail};

use super::layer::{ConvKernel, extent};
use super::learning::weight_gradient;
use super::{Dimensions, Window};
use crate::nn::element::Element;
use crate::nn::graph::Traced;
use crate::nn::kernel::{Kernel as _, with_slice};
use crate::nn::portable;
use crate::nn::trained::{channel_sums, one_at_a_time};

/// The convolution of `input`, `[B, H, W, in]` or `[B, L, in]`, with weights `[out, in, taps...]`
/// and a bias `[out]`; gradients flow back to all three that are variables.
///
/// # Errors
/// Where the shapes do not fit together.
pub fn convolution(
    input: &Traced,
    weight: &Traced,
    bias: &Traced,
    window: Window,
) -> Result<Traced> {
    if portable::is_needed(input) {
        return portable::trained_convolution(input, weight, bias, window);
    }
    match input.tensor().dtype() {
        DType::F32 => convolution_of::<f32>(input, weight, bias, window),
        DType::F64 => convolution_of::<f64>(input, weight, bias, window),
        dtype => Err(Error::UnsupportedDTypeForOp(dtype, "convolution")),
    }
}

fn convolution_of<T: Element>(
    input: &Traced,
    weight: &Traced,
    bias: &Traced,
    window: Window,
) -> Result<Traced> {
    let image = input.tensor().contiguous()?;
    let shape = image.dims().to_vec();
    let (Some(&inputs), Some(extent)) = (shape.last(), extent(&shape)) else {
        bail!("convolution: expected [B, H, W, C] or [B, L, C], got {shape:?}")
    };
    let outputs = bias.tensor().elem_count();
    let weight_shape = weight.tensor().dims().to_vec();
    if weight_shape.iter().product::<usize>() != outputs * inputs * window.taps() {
        bail!("convolution: weights {weight_shape:?} for {inputs} -> {outputs} channels")
    }
    let frozen = |tensor: &Traced| {
        with_slice::<T, _>(&tensor.tensor().contiguous()?, |values| Ok(T::frozen(values)))
    };
    let kernel = Arc::new(ConvKernel::new(frozen(weight)?, frozen(bias)?, inputs, window));
    let output_shape = kernel.output_shape(&shape)?;
    let (output, _) = with_slice::<T, _>(&image, |x| Ok(kernel.forward(x, &shape, false)))?;
    let output = Tensor::from_vec(output, output_shape, image.device())?;
    let asked = [input, weight, bias].map(Traced::is_tracked);
    let pullback = move |gradient: &Tensor, copies: usize| {
        one_at_a_time(copies)?;
        let device = gradient.device();
        let [batch, height, width] = extent;
        let dimensions = Dimensions { batch, height, width, inputs, outputs };
        with_slice::<T, _>(&gradient.contiguous()?, |gradient| {
            let by_input = asked[0].then(|| {
                let values = kernel.backward(&Vec::new(), gradient, &shape, 1);
                Tensor::from_vec(values, shape.clone(), device)
            });
            let by_weight = asked[1].then(|| {
                let values = with_slice::<T, _>(&image, |image| {
                    Ok(weight_gradient(&dimensions, window, image, gradient))
                })?;
                Tensor::from_vec(values, weight_shape.clone(), device)
            });
            let by_bias = asked[2]
                .then(|| Tensor::from_vec(channel_sums(gradient, outputs), outputs, device));
            Ok(vec![by_input.transpose()?, by_weight.transpose()?, by_bias.transpose()?])
        })
    };
    Ok(Traced::derived(output, &[input, weight, bias], Box::new(pullback)))
}
