//! Sound in and out: decoding, resampling, writing WAV, playing.

mod clip;
mod container;
mod decode;
mod load_error;
pub mod player;
mod resample;
mod round;
mod write;

pub use clip::{Clip, SAMPLE_RATE};
pub use decode::{DEFAULT_LIMIT_SECONDS, MINIMUM_SECONDS, load, load_bytes};
pub use load_error::LoadError;
pub use resample::{ResampleError, resample};
pub use round::round_to_bits;
pub use write::{
    SaveError, WavDepth, check_place, file_name, wav_bytes, write_pair, write_wav, write_wav_f32,
};
