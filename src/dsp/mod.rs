//! What the eye sees: spectrograms, gradients over time and frequency, a model's bands, frequency
//! axes, colour maps and pictures of them, and the mel scale that the models share. Nothing here is
//! differentiated through, runs a model or knows of a window.

mod axis;
mod bands;
mod colour;
mod grid;
pub mod mel;
mod picture;
mod relevance;
mod spectrogram;

pub use axis::{FrequencyAxis, NYQUIST_HZ};
pub use bands::{BandAxis, Heights};
pub use colour::ColourMap;
pub use grid::Grid;
pub use picture::{Look, Picture, render};
pub use relevance::{Relevance, Weighing};
pub use spectrogram::{SILENCE_DB, Spectrogram, StftSettings};
