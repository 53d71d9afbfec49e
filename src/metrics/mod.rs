//! Measures of a perturbation r = x' - x, from the samples of the clean and the adversarial clip;
//! and of how well a classifier names clips.

mod classification;
mod loudness;
pub mod masking;
mod noise_to_mask;
mod perturbation;
mod region;
mod snr;

pub use classification::{Classification, ReliabilityBin};
pub use loudness::Loudness;
pub use noise_to_mask::NoiseToMask;
pub use perturbation::Metrics;
pub use region::{Region, RegionLevel};
pub use snr::{segmental_snr_db, snr_db};
