//! The one form in which sound travels through the program.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The sample rate of every [`Clip`], in Hz. All models listen at this rate.
pub const SAMPLE_RATE: u32 = 32_000;

/// A mono recording: `f32` samples in \[-1, 1\] at [`SAMPLE_RATE`]. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// What people call it: the file's stem, or the name of a bundled clip.
    pub name: Arc<str>,
    /// Where it was read from, if it was a file.
    pub path: Option<Arc<Path>>,
    /// The samples, never normalised.
    pub samples: Arc<[f32]>,
    /// Sample rate of the source before resampling, in Hz.
    pub source_rate: u32,
    /// Channel count of the source before mixing down.
    pub source_channels: usize,
    /// Whether samples (of the file itself, or after channel averaging or resampling) left \[-1, 1\] and
    /// were clipped to it.
    pub clipped: bool,
}

impl Clip {
    /// A clip from samples that are mono at [`SAMPLE_RATE`] already.
    pub fn from_samples(name: &str, samples: impl Into<Arc<[f32]>>) -> Self {
        Self {
            name: name.into(),
            path: None,
            samples: samples.into(),
            source_rate: SAMPLE_RATE,
            source_channels: 1,
            clipped: false,
        }
    }

    /// Duration in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(SAMPLE_RATE)
    }

    /// The clip's path for messages, or its name where it has none.
    pub fn source(&self) -> PathBuf {
        self.path.as_deref().map_or_else(|| PathBuf::from(&*self.name), Path::to_path_buf)
    }
}
