//! What the eye sees: spectrograms, frequency axes, colour maps and pictures of them, and the mel
//! scale that the models share. Nothing here has a gradient or knows of a model or a window.

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
