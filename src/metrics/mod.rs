//! Measures of a perturbation r = x' - x, from the samples of the clean and the adversarial clip.

mod snr;

pub use snr::{Metrics, snr_db};
