//! What is left of an adversarial clip after what happens to recordings: saved with fewer bits,
//! resampled, compressed, turned down, filtered, played beside noise.

mod codec;
mod evaluate;
mod low_pass;
mod transform;

pub use evaluate::{Fate, Heard, Success, Survived, count, survival, survival_of};
pub use transform::{Transform, TransformError};

#[cfg(test)]
mod tests;
