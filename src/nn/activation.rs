//! Element-wise layers: rectifier followed by folded batch norm, and standardisation.

use std::sync::Arc;

use candle_core::{Result, bail};

use super::element::{Element, FrozenWeights};
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;

/// `scale[c] * max(x, 0) + shift[c]` on `[B, ..., C]`: a rectifier and the batch norm after it.
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

impl BatchNorm<'_> {
    /// The one scale and one shift a channel that it comes to in evaluation mode.
    pub(super) fn folded(&self) -> Result<[FrozenWeights; 2]> {
        let channels = self.weight.len();
        if [self.bias, self.running_mean, self.running_var].iter().any(|p| p.len() != channels) {
            bail!("batch norm: its four parts differ in length")
        }
        let folded = (0..channels).map(|c| {
            let scale =
                f64::from(self.weight[c]) / (f64::from(self.running_var[c]) + self.eps).sqrt();
            let shift = f64::from(self.bias[c]) - f64::from(self.running_mean[c]) * scale;
            (scale, shift)
        });
        let (scale, shift): (Vec<_>, Vec<_>) = folded.unzip();
        if scale.iter().chain(&shift).any(|value: &f64| !value.is_finite()) {
            bail!("batch norm: a running variance is negative or a value is not finite")
        }
        Ok([FrozenWeights::from_f64(scale), FrozenWeights::from_f64(shift)])
    }
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
        let [scale, shift] = norm.folded()?;
        Ok(Self(Arc::new(ReluAffineKernel { scale, shift })))
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Where the input is not `[B, ..., C]` with as many channels as there are scales.
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            return self.forward_by_tensors(input);
        }
        kernel::apply(&self.0, input)
    }

    /// The layer off the CPU.
    pub(super) fn forward_by_tensors(&self, input: &Traced) -> Result<Traced> {
        let (like, channels) = (input.tensor(), self.channels());
        let scale = self.0.scale.tensor(&[channels], like)?;
        portable::relu_affine(input, &scale, &self.0.shift.tensor(&[channels], like)?)
    }

    /// How many channels there are.
    pub fn channels(&self) -> usize {
        self.0.scale.len()
    }

    /// The factor of each channel.
    pub(super) fn scale<T: Element>(&self) -> &[T] {
        self.0.scale.get()
    }

    /// What is added to each channel.
    pub(super) fn shift<T: Element>(&self) -> &[T] {
        self.0.shift.get()
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
        if input.len() < 2 || input.last() != Some(&self.scale.len()) {
            bail!("relu-affine: expected [B, ..., {}], got {input:?}", self.scale.len())
        }
        Ok(input.to_vec())
    }

    type Saved<T: Element> = Vec<bool>;

    fn forward<T: Element>(
        &self,
        input: &[T],
        _shape: &[usize],
        keep: bool,
    ) -> (Vec<T>, Vec<bool>) {
        let parameters = self.scale.get::<T>().iter().zip(self.shift.get::<T>()).cycle();
        let values = input.iter().zip(parameters).map(|(&x, (&scale, &shift))| {
            let rectified = if x > T::zero() { x } else { T::zero() };
            scale * rectified + shift
        });
        let passes = input.iter().map(|&x| x > T::zero());
        (values.collect(), if keep { passes.collect() } else { Vec::new() })
    }

    fn backward<T: Element>(
        &self,
        passes: &Vec<bool>,
        gradient: &[T],
        _shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let scales = self.scale.get::<T>().iter().cycle();
        let places = gradient.iter().zip(passes.iter().cycle()).zip(scales);
        places.map(|((&g, &passes), &scale)| if passes { scale * g } else { T::zero() }).collect()
    }
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
    pub fn forward(&self, input: &Traced) -> Result<Traced> {
        if portable::is_needed(input) {
            let (like, bands) = (input.tensor(), self.0.mean.len());
            let mean = self.0.mean.tensor(&[bands], like)?;
            return portable::standardise(input, &mean, &self.0.std.tensor(&[bands], like)?);
        }
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

    type Saved<T: Element> = ();

    fn forward<T: Element>(&self, input: &[T], _shape: &[usize], _keep: bool) -> (Vec<T>, ()) {
        let bands = self.mean.get::<T>().iter().zip(self.std.get::<T>()).cycle();
        (input.iter().zip(bands).map(|(&x, (&mean, &std))| (x - mean) / std).collect(), ())
    }

    fn backward<T: Element>(
        &self,
        (): &(),
        gradient: &[T],
        _shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        gradient.iter().zip(self.std.get::<T>().iter().cycle()).map(|(&g, &std)| g / std).collect()
    }
}
