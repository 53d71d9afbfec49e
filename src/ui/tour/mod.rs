//! The tour: ten steps for a class, which drive the real Lab and point at its parts.

mod card;
mod steps;

pub use card::{Turn, show};
pub use steps::{FIRST_ATTACK, STEPS};
