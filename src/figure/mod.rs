//! Figures for paper: Figure 3 of one clip (original and adversarial spectrogram side by side),
//! curves, histograms over labels, confusion and other matrices, and psychometric functions.

mod bars;
mod confusion;
mod curves;
mod drawing;
mod error;
mod layout;
mod matrices;
mod psychometric;
mod raster;
mod ticks;
mod twins;
mod type_setting;

use std::path::Path;
use std::sync::Arc;

use crate::dsp::{Look, StftSettings};
use crate::files;

pub use bars::{Histogram, Histograms};
pub use confusion::Confusion;
pub use curves::{Chart, Curve, Curves};
pub use error::FigureError;
pub use matrices::{Matrices, Matrix};
pub use psychometric::PsychometricFigure;
pub use raster::DEFAULT_WIDTH_PX;
pub use ticks::round_ticks;
pub use twins::{MOST_TWINS, Twin, Twins};

/// What the figure shows.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The clip's name.
    pub clip: String,
    /// The model's name for people.
    pub model: String,
    /// The attack's name for people.
    pub attack: String,
    /// The clean samples at 32 kHz.
    pub original: Arc<[f32]>,
    /// The adversarial samples at 32 kHz, as many.
    pub adversarial: Arc<[f32]>,
    /// The model's label for the clean clip and its probability.
    pub original_label: (String, f32),
    /// The model's label for the adversarial clip and its probability.
    pub adversarial_label: (String, f32),
    /// SNR in dB.
    pub snr_db: f64,
    /// Window and hop of the spectrograms.
    pub stft: StftSettings,
    /// Axis, colours and dB range, the same for both sides.
    pub look: Look,
}

enum Format {
    Png,
    Svg,
}

impl Format {
    fn of(path: &Path) -> Result<Self, FigureError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "png" => Ok(Self::Png),
            "svg" => Ok(Self::Svg),
            _ => Err(FigureError::Ending { path: path.to_path_buf() }),
        }
    }
}

impl Figure {
    /// The figure as an SVG document, 7 inches wide as a page of two columns: text and axes as
    /// vectors, spectrograms as embedded PNG.
    pub fn to_svg(&self) -> String {
        layout::svg(self)
    }

    /// The figure as a PNG file, `width_px` pixels wide, with its resolution set so that it prints
    /// 7 inches wide; 2100 ([`DEFAULT_WIDTH_PX`]) are 300 dpi. Looks the same on every machine.
    ///
    /// # Errors
    /// [`FigureError::Width`] outside of 200..=16384, [`FigureError::Drawing`] where the picture
    /// finds no memory.
    pub fn to_png(&self, width_px: u32) -> Result<Vec<u8>, FigureError> {
        raster::png(&self.to_svg(), width_px)
    }

    /// Checks, before anything is drawn, that `path` names a figure and may become a file.
    ///
    /// # Errors
    /// [`FigureError::Ending`] for an ending other than .png and .svg, [`FigureError::Write`] where
    /// the folder is missing or `path` is a folder itself.
    pub fn check_place(path: &Path) -> Result<(), FigureError> {
        Format::of(path)?;
        files::check_place(path)
            .map_err(|source| FigureError::Write { path: path.to_path_buf(), source })
    }

    /// Writes the figure to a file, as PNG of [`DEFAULT_WIDTH_PX`] or as SVG by the name's ending.
    ///
    /// A file of that name is replaced once the new one is whole; after an error it is as it was.
    ///
    /// # Errors
    /// [`FigureError::Ending`] for any other ending, [`FigureError::Write`] where the folder is
    /// missing or not writable, and what [`to_png`](Self::to_png) fails with.
    pub fn write(&self, path: &Path) -> Result<(), FigureError> {
        write(&self.to_svg(), path)
    }
}

/// Writes an SVG document as PNG or as it is, by the name's ending.
fn write(svg: &str, path: &Path) -> Result<(), FigureError> {
    let bytes = match Format::of(path)? {
        Format::Png => raster::png(svg, DEFAULT_WIDTH_PX)?,
        Format::Svg => svg.as_bytes().to_vec(),
    };
    files::replace(path, &bytes)
        .map_err(|source| FigureError::Write { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests;
