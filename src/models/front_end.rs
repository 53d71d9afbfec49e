//! The log-mel spectrogram that four of the five networks look at.

use crate::audio::SAMPLE_RATE;
use crate::nn::{LogMelConfig, PadMode};

/// Mel bands.
pub const BANDS: usize = 64;

/// Samples of a frame.
pub const FRAME_SAMPLES: usize = 1024;

/// A log-mel spectrogram with so many samples from one frame to the next.
pub fn log_mel(hop: usize, pad: PadMode) -> LogMelConfig {
    LogMelConfig {
        sample_rate: f64::from(SAMPLE_RATE),
        window: FRAME_SAMPLES,
        hop,
        bands: BANDS,
        pad,
    }
}
