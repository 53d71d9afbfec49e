//! A spectrogram as a picture.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ColourMap, FrequencyAxis, NYQUIST_HZ, SILENCE_DB, Spectrogram};

/// How a spectrogram looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Layout of the frequencies.
    pub axis: FrequencyAxis,
    /// Colours of the levels.
    pub colour_map: ColourMap,
    /// The level in dB re full scale that is darkest, with everything below.
    pub floor_db: f32,
    /// The level in dB re full scale that is lightest, with everything above.
    pub ceiling_db: f32,
}

impl Default for Look {
    /// Mel and magma from -110 to -20 dB: partials of a clip of usual level (rms 0.05) are nearly
    /// at the top, and a perturbation 46 dB below it is still seen.
    fn default() -> Self {
        Self {
            axis: FrequencyAxis::default(),
            colour_map: ColourMap::default(),
            floor_db: -110.0,
            ceiling_db: -20.0,
        }
    }
}

impl Look {
    /// The level in \[0, 1\] at which a colour map shows `decibels`.
    pub fn unit(&self, decibels: f32) -> f32 {
        // A range turned over or empty becomes a threshold instead of a division by zero.
        let span = (self.ceiling_db - self.floor_db).max(1e-3);
        ((decibels - self.floor_db) / span).clamp(0.0, 1.0)
    }
}

/// An 8-bit sRGB picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// Three bytes a pixel, row by row; the first row is the top, the highest frequency.
    pub rgb: Vec<u8>,
}

/// Draws a spectrogram over its whole duration and the whole axis, in parallel.
///
/// There is a column a frame, or `max_width` columns, each showing the loudest of its frames. A row
/// shows the loudest point in its span of frequencies of the straight lines between the bins: thin
/// partials stay visible where a row covers many bins, and where it covers a part of one the steps
/// are smooth. No frames give one column of the darkest colour.
pub fn render(spectrogram: &Spectrogram, look: &Look, max_width: usize, height: usize) -> Picture {
    let frames = spectrogram.frames();
    let width = frames.min(max_width).max(1);
    let height = height.max(1);
    let spans = row_spans(look.axis, spectrogram.bins(), height);

    // First column by column, where a frame's bins lie side by side, then turned to rows.
    let mut levels = vec![0u8; width * height];
    levels.par_chunks_mut(height).enumerate().for_each_init(
        || vec![SILENCE_DB; spectrogram.bins()],
        |pooled, (column, levels)| {
            pooled.fill(SILENCE_DB);
            for frame in column * frames / width..(column + 1) * frames / width {
                for (loudest, &level) in pooled.iter_mut().zip(spectrogram.frame(frame)) {
                    *loudest = loudest.max(level);
                }
            }
            for (level, span) in levels.iter_mut().zip(&spans) {
                *level = (look.unit(span.loudest(pooled)) * 255.0).round() as u8;
            }
        },
    );

    let colours = look.colour_map.table();
    let mut rgb = vec![0; width * height * 3];
    // A few rows at a time, so that a cache line of the column-wise levels is used while it is hot.
    const ROWS_A_TASK: usize = 32;
    rgb.par_chunks_mut(ROWS_A_TASK * width * 3).enumerate().for_each(|(task, rows)| {
        let first = task * ROWS_A_TASK;
        for (x, column) in levels.chunks_exact(height).enumerate() {
            let column = column[first..].iter().take(ROWS_A_TASK);
            for (y, &level) in column.enumerate() {
                let at = (y * width + x) * 3;
                rows[at..at + 3].copy_from_slice(&colours[usize::from(level)]);
            }
        }
    });
    Picture { width, height, rgb }
}

/// The bins that one row of a picture covers, as fractional positions.
struct Span {
    low: Point,
    high: Point,
    /// The bins inside.
    bins: std::ops::Range<usize>,
}

/// A position between two neighbouring bins.
struct Point {
    below: usize,
    above: usize,
    fraction: f32,
}

impl Point {
    fn new(position: f64, bins: usize) -> Self {
        let below = (position.floor() as usize).min(bins - 1);
        Self {
            below,
            above: (below + 1).min(bins - 1),
            fraction: (position - below as f64).clamp(0.0, 1.0) as f32,
        }
    }

    fn level(&self, frame: &[f32]) -> f32 {
        frame[self.below] + self.fraction * (frame[self.above] - frame[self.below])
    }
}

impl Span {
    /// The highest point of the line through the bins' levels within this span.
    fn loudest(&self, frame: &[f32]) -> f32 {
        let ends = self.low.level(frame).max(self.high.level(frame));
        frame[self.bins.clone()].iter().copied().fold(ends, f32::max)
    }
}

/// The spans of all rows from the top down.
fn row_spans(axis: FrequencyAxis, bins: usize, height: usize) -> Vec<Span> {
    let position =
        |row: usize| axis.hz(1.0 - row as f64 / height as f64) / NYQUIST_HZ * (bins - 1) as f64;
    (0..height)
        .map(|row| {
            let (low, high) = (position(row + 1), position(row));
            let first = (low.ceil() as usize).min(bins);
            let last = (high.floor() as usize + 1).clamp(first, bins);
            Span { low: Point::new(low, bins), high: Point::new(high, bins), bins: first..last }
        })
        .collect()
}
