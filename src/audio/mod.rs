//! Sound in and out: decoding, resampling, writing WAV, playing.

mod clip;

pub use clip::{Clip, SAMPLE_RATE};
