//! Element-wise layers: rectifier followed by folded batch norm, and standardisation.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::element::{Element, FrozenWeights};
use super::kernel::{self, Kernel};

/// `scale[c] * max(x, 0) + shift[c]` on `[B, C, ...]`: a rectifier and the batch norm after it.
///
/// The derivative of the rectifier at exactly 0 is 0, as in PyTorch (Candle's is 1).
#[derive(Clone, Debug)]
pub struct ReluAffine(Arc<ReluAffineKernel>);

/// A batch norm's trained and running values, one each a channel.
#[derive(Clone, Debug)]
pub struct BatchNorm<'a> {
    /// Trained scale.
    pub weight: &'a [f32],
    /// Trained shift.
    pub bias: &'a [f32],
    /// Running mean.
    pub running_mean: &'a [f32],
    /// Running variance.
    pub running_var: &'a [f32],
    /// Added to the variance.
    pub eps: f64,
}

impl ReluAffine {
    /// A rectifier and one scale and shift a channel.
    ///
    /// # Errors
    /// Where the two differ in length.
    pub fn new(scale: &[f32], shift: &[f32]) -> Result<Self> {
        if scale.len() != shift.len() {
            bail!("relu-affine: {} scales but {} shifts", scale.len(), shift.len())
        }
        Ok(Self(Arc::new(ReluAffineKernel {
            scale: FrozenWeights::new(scale.to_vec()),
            shift: FrozenWeights::new(shift.to_vec()),
        })))
    }

    /// A rectifier and a batch norm in evaluation mode, folded into scale and shift.
    ///
    /// # Errors
    /// Where the lengths differ.
    pub fn from_batch_norm(norm: &BatchNorm<'_>) -> Result<Self> {
        let channels = norm.weight.len();
        if [norm.bias, norm.running_mean, norm.running_var].iter().any(|p| p.len() != channels) {
            bail!("batch norm: its four parts differ in length")
        }
        let folded = (0..channels).map(|c| {
            let scale =
                f64::from(norm.weight[c]) / (f64::from(norm.running_var[c]) + norm.eps).sqrt();
            let shift = f64::from(norm.bias[c]) - f64::from(norm.running_mean[c]) * scale;
            (scale, shift)
        });
        let (scale, shift): (Vec<_>, Vec<_>) = folded.unzip();
        if scale.iter().chain(&shift).any(|value: &f64| !value.is_finite()) {
            bail!("batch norm: a running variance is negative or a value is not finite")
        }
        Ok(Self(Arc::new(ReluAffineKernel {
            scale: FrozenWeights::from_f64(scale),
            shift: FrozenWeights::from_f64(shift),
        })))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, C, ...]` with as many channels as there are scales.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        kernel::apply(&self.0, input)
    }

    /// How many numbers were trained.
    pub fn parameters(&self) -> usize {
        self.0.scale.len() + self.0.shift.len()
    }
}

#[derive(Debug)]
struct ReluAffineKernel {
    scale: FrozenWeights,
    shift: FrozenWeights,
}

impl Kernel for ReluAffineKernel {
    const NAME: &'static str = "relu-affine";

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() < 2 || input[1] != self.scale.len() {
            bail!("relu-affine: expected [B, {}, ...], got {input:?}", self.scale.len())
        }
        Ok(input.to_vec())
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> Vec<T> {
        let parameters = self.scale.get::<T>().iter().zip(self.shift.get::<T>()).cycle();
        let mut output = Vec::with_capacity(input.len());
        for (plane, (&scale, &shift)) in input.chunks(plane_length(shape)).zip(parameters) {
            output.extend(plane.iter().map(|&x| {
                let rectified = if x > T::zero() { x } else { T::zero() };
                scale * rectified + shift
            }));
        }
        output
    }

    fn backward<T: Element>(
        &self,
        input: &[T],
        _output: &[T],
        gradient: &[T],
        shape: &[usize],
    ) -> Vec<T> {
        let length = plane_length(shape);
        let planes = input.chunks(length).zip(gradient.chunks(length));
        let mut result = Vec::with_capacity(input.len());
        for ((x, g), &scale) in planes.zip(self.scale.get::<T>().iter().cycle()) {
            result.extend(
                x.iter().zip(g).map(|(&x, &g)| if x > T::zero() { scale * g } else { T::zero() }),
            );
        }
        result
    }
}

/// Elements of one channel of one example, at least 1 so that slices can be cut by it.
fn plane_length(shape: &[usize]) -> usize {
    shape[2..].iter().product::<usize>().max(1)
}

/// `(x - mean[d]) / std[d]` along the last axis: standardised log-mel bands.
#[derive(Clone, Debug)]
pub struct Standardise(Arc<StandardiseKernel>);

impl Standardise {
    /// From the training data's mean and standard deviation of each band.
    ///
    /// # Errors
    /// Where they differ in length or a deviation is not positive.
    pub fn new(mean: &[f32], std: &[f32]) -> Result<Self> {
        if mean.len() != std.len() || mean.is_empty() || std.iter().any(|&s| !(s > 0.0)) {
            bail!("standardise: needs one mean and one positive deviation a band")
        }
        Ok(Self(Arc::new(StandardiseKernel {
            mean: FrozenWeights::new(mean.to_vec()),
            std: FrozenWeights::new(std.to_vec()),
        })))
    }

    /// The standardised input.
    ///
    /// # Errors
    /// Where the last axis is not as long as there are bands.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        kernel::apply(&self.0, input)
    }
}

#[derive(Debug)]
struct StandardiseKernel {
    mean: FrozenWeights,
    std: FrozenWeights,
}

impl Kernel for StandardiseKernel {
    const NAME: &'static str = "standardise";

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.last() != Some(&self.mean.len()) {
            bail!("standardise: expected [..., {}], got {input:?}", self.mean.len())
        }
        Ok(input.to_vec())
    }

    fn forward<T: Element>(&self, input: &[T], _shape: &[usize]) -> Vec<T> {
        let bands = self.mean.get::<T>().iter().zip(self.std.get::<T>()).cycle();
        input.iter().zip(bands).map(|(&x, (&mean, &std))| (x - mean) / std).collect()
    }

    fn backward<T: Element>(
        &self,
        _input: &[T],
        _output: &[T],
        gradient: &[T],
        _shape: &[usize],
    ) -> Vec<T> {
        gradient.iter().zip(self.std.get::<T>().iter().cycle()).map(|(&g, &std)| g / std).collect()
    }
}
