//! Measures of a perturbation r = x' - x, from the samples of the clean and the adversarial clip;
//! and of how well a classifier names clips.

mod classification;
mod snr;

pub use classification::{Classification, ReliabilityBin};
pub use snr::{Metrics, snr_db};
