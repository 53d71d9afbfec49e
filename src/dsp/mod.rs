//! What the eye sees: spectrograms, frequency axes, colour maps and pictures of them, and the mel
//! scale that the models share. Nothing here has a gradient or knows of a model or a window.

mod axis;
mod colour;
pub mod mel;
mod picture;
mod spectrogram;

pub use axis::{FrequencyAxis, NYQUIST_HZ};
pub use colour::ColourMap;
pub use picture::{Look, Picture, render};
pub use spectrogram::{SILENCE_DB, Spectrogram, StftSettings};
