//! Standardised log-mel bands.

use std::sync::Arc;

use candle_core::{Result, bail};

use super::element::{Element, FrozenWeights};
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;

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
