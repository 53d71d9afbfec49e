//! Sound in and out: decoding, resampling, writing WAV, playing, recording.

mod clip;
mod container;
mod decode;
mod devices;
mod load_error;
pub mod player;
pub mod recorder;
mod resample;
mod round;
mod write;

pub use clip::{Clip, SAMPLE_RATE};
pub use decode::{DEFAULT_LIMIT_SECONDS, MINIMUM_SECONDS, load, load_bytes};
pub use devices::{DeviceList, Direction, SoundDevice, devices};
pub use load_error::LoadError;
pub use resample::{ResampleError, resample};
pub use round::round_to_bits;
pub use write::{
    SaveError, WavDepth, check_place, file_name, wav_bytes, write_pair, write_wav, write_wav_f32,
};
