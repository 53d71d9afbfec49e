//! Log-mel spectrogram of a waveform, with its exact adjoint.
//!
//! The conventions are librosa's, as Iqbal et al. used them: frames centred on multiples of the
//! hop, periodic Hann window, power spectrum, Slaney mel filters, decibels relative to the clip's
//! largest mel power, floored at an absolute power of 1e-10, no dynamic-range limit:
//!
//! `y[t, m] = 10 log10(max(a, S[t, m])) - 10 log10(max(a, max S))`, `S = |STFT(x)|^2 F^T`.

mod analysis;

use std::sync::Arc;

use candle_core::{Result, bail};

use self::analysis::LogMelKernel;
use super::graph::Traced;
use super::kernel::{self, Kernel as _};
use super::portable;

/// How a clip is continued beyond its ends, for the frames centred near them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// Mirrored about the first and the last sample (librosa before 0.10).
    Reflect,
    /// With zeros (librosa since 0.10).
    Zero,
}

impl PadMode {
    const ALL: [Self; 2] = [Self::Reflect, Self::Zero];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reflect => "reflect",
            Self::Zero => "zero",
        }
    }

    /// The mode of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// The parameters of a log-mel spectrogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogMelConfig {
    /// Samples a second.
    pub sample_rate: f64,
    /// Samples a frame, also the transform's length.
    pub window: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// Mel bands from 0 Hz to half the sample rate.
    pub bands: usize,
    /// How the ends are continued.
    pub pad: PadMode,
}

impl LogMelConfig {
    /// Frames of a clip of so many samples.
    pub fn frames(&self, samples: usize) -> usize {
        samples / self.hop + 1
    }
}

/// The differentiable log-mel layer: `[B, N] -> [B, frames, bands]` in dB (0 dB = clip maximum).
///
/// Transforms run in `f64` whatever the type of the tensor, so that bands far below the maximum
/// keep their precision.
#[derive(Clone, Debug)]
pub struct LogMel(Arc<LogMelKernel>);

impl LogMel {
    /// A layer with these parameters.
    ///
    /// # Errors
    /// Where the window is odd or the hop zero.
    pub fn new(config: LogMelConfig) -> Result<Self> {
        if config.window < 2 || config.window % 2 == 1 || config.hop == 0 || config.bands == 0 {
            bail!("log-mel: an even window, a hop and a band are needed, got {config:?}")
        }
        Ok(Self(Arc::new(LogMelKernel::new(config))))
    }

    /// The log-mel spectrogram of waveforms `[B, N]`.
    ///
    /// # Errors
    /// Where the input is not `[B, N]` or too short to be mirrored.
    pub fn forward(&self, waveform: &Traced) -> Result<Traced> {
        if portable::is_needed(waveform) {
            self.0.output_shape(waveform.tensor().dims())?;
            return portable::log_mel(waveform, &self.0.matrices(waveform.tensor())?);
        }
        kernel::apply(&self.0, waveform)
    }

    /// The parameters.
    pub fn config(&self) -> &LogMelConfig {
        self.0.config()
    }
}
