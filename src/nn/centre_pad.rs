//! Short waveforms brought to a least length.

use std::sync::Arc;

use candle_core::{Result, bail};

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;

/// Puts waveforms `[B, N]` that are shorter than a least length, or of a length between multiples of
/// a step, into the middle of a longer one, with zeros around them; of an odd number of zeros the one more comes last. Longer ones stay as they are.
#[derive(Clone, Debug)]
pub struct CentrePad(Arc<CentrePadKernel>);

impl CentrePad {
    /// To at least so many samples.
    pub fn new(least: usize) -> Self {
        Self(Arc::new(CentrePadKernel { least, step: 1 }))
    }

    /// The same, to a multiple of `step` samples (at least 1).
    pub fn to_multiple_of(&self, step: usize) -> Self {
        Self(Arc::new(CentrePadKernel { step: step.max(1), ..*self.0 }))
    }

    /// How many zeros come before a waveform of so many samples.
    pub fn before(&self, samples: usize) -> usize {
        (self.0.length(samples) - samples) / 2
    }

    /// The padded waveforms, `[B, max(N, least)]` or more.
    ///
    /// # Errors
    /// Where the input is not `[B, N]`.
    pub fn forward(&self, waveform: &Traced) -> Result<Traced> {
        if portable::is_needed(waveform) {
            let (_, samples) = waveform.tensor().dims2()?;
            let missing = self.0.length(samples) - samples;
            return portable::pad(waveform, missing / 2, missing - missing / 2);
        }
        kernel::apply(&self.0, waveform)
    }
}

#[derive(Debug)]
struct CentrePadKernel {
    least: usize,
    step: usize,
}

impl CentrePadKernel {
    /// Samples after padding.
    fn length(&self, samples: usize) -> usize {
        samples.max(self.least).next_multiple_of(self.step)
    }
}

impl Kernel for CentrePadKernel {
    const NAME: &'static str = "centre-pad";

    type Saved<T: Element> = ();

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [batch, samples] if samples > 0 => Ok(vec![batch, self.length(samples)]),
            _ => bail!("centre-pad: expected [B, N], got {input:?}"),
        }
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize], _keep: bool) -> (Vec<T>, ()) {
        let samples = shape[1];
        let length = self.length(samples);
        let before = (length - samples) / 2;
        let mut output = vec![T::zero(); shape[0] * length];
        for (target, source) in output.chunks_mut(length).zip(input.chunks(samples)) {
            target[before..before + samples].copy_from_slice(source);
        }
        (output, ())
    }

    fn backward<T: Element>(
        &self,
        (): &(),
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let samples = shape[1];
        let length = self.length(samples);
        let before = (length - samples) / 2;
        let mut result = Vec::with_capacity(copies * shape[0] * samples);
        for clip in gradient.chunks(length) {
            result.extend_from_slice(&clip[before..before + samples]);
        }
        result
    }
}
