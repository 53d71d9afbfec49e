//! A spectrogram as a picture.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ColourMap, FrequencyAxis, NYQUIST_HZ, SILENCE_DB, Spectrogram};

/// How many rows one parallel task colours: a few, so that a cache line of the levels, which lie
/// column by column, is used while it is hot.
const ROWS_A_TASK: usize = 32;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audio::SAMPLE_RATE;
    use crate::dsp::StftSettings;

    fn sine(hz: f64, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| {
                (0.1 * (std::f64::consts::TAU * hz * n as f64 / f64::from(SAMPLE_RATE)).sin())
                    as f32
            })
            .collect()
    }

    fn grey(axis: FrequencyAxis) -> Look {
        Look { axis, colour_map: ColourMap::Grey, floor_db: -100.0, ceiling_db: -20.0 }
    }

    /// The grey level at a pixel.
    fn at(picture: &Picture, x: usize, y: usize) -> u8 {
        picture.rgb[(y * picture.width + x) * 3]
    }

    #[test]
    fn a_thin_partial_is_at_its_height_and_full_level_on_every_axis_and_size() {
        for axis in FrequencyAxis::ALL {
            for (window, height) in [(8192, 50), (8192, 700), (1024, 64), (1024, 1000)] {
                // On a bin of every window.
                let hz = 2250.0;
                let settings = StftSettings { window, hop: 256 };
                let spectrogram = Spectrogram::compute(&sine(hz, 32_000), settings);
                let picture = render(&spectrogram, &grey(axis), 40, height);
                let column: Vec<u8> = (0..height).map(|y| at(&picture, 20, y)).collect();
                let loudest = column.iter().copied().max().unwrap();
                assert_eq!(loudest, 255, "{axis:?}, window {window}, {height} rows");
                let expected = ((1.0 - axis.unit(hz)) * height as f64) as usize;
                let rows: Vec<usize> = (0..height).filter(|&y| column[y] == loudest).collect();
                assert!(
                    rows.iter().any(|row| row.abs_diff(expected) <= 1),
                    "{axis:?}: rows {rows:?}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn a_click_stays_visible_where_many_frames_share_a_column() {
        let mut samples = vec![0.0; 320_000];
        samples[200_000] = 1.0;
        let spectrogram = Spectrogram::compute(&samples, StftSettings { window: 256, hop: 64 });
        let picture = render(&spectrogram, &grey(FrequencyAxis::Linear), 100, 20);
        assert_eq!(picture.width, 100);
        let bright: Vec<usize> = (0..100).filter(|&x| at(&picture, x, 10) > 0).collect();
        assert_eq!(bright, [62], "the column of 200 000 of 320 000 samples");
    }

    #[test]
    fn low_rows_of_a_logarithmic_axis_have_no_steps() {
        // Between two bins, 35 rows apart: the skirts of the window fall by 6 dB and more a bin,
        // which in blocks would be steps of 19 grey levels.
        let samples = sine(140.0, 64_000);
        let spectrogram = Spectrogram::compute(&samples, StftSettings::default());
        let picture = render(&spectrogram, &grey(FrequencyAxis::Log), 10, 800);
        let column: Vec<u8> = (500..700).map(|y| at(&picture, 5, y)).collect();
        let widest = column.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
        assert!(widest.unwrap() < 12, "{widest:?} grey levels from one row to the next");
    }

    #[test]
    fn the_first_row_is_the_highest_frequency() {
        let spectrogram = Spectrogram::compute(&sine(15_000.0, 8000), StftSettings::default());
        let picture = render(&spectrogram, &grey(FrequencyAxis::Linear), 10, 100);
        assert!(at(&picture, 5, 6) > 200);
        assert_eq!(at(&picture, 5, 94), 0);
    }

    #[test]
    fn no_samples_and_no_size_give_a_dark_picture() {
        let none = Spectrogram::compute(&[], StftSettings::default());
        let picture = render(&none, &Look::default(), 800, 30);
        assert_eq!((picture.width, picture.height, picture.rgb.len()), (1, 30, 90));
        assert_eq!(picture.rgb[..3], ColourMap::Magma.rgb(0.0));
        let one = Spectrogram::compute(&[1.0], StftSettings::default());
        assert_eq!(render(&one, &Look::default(), 0, 0).rgb.len(), 3);
    }

    #[test]
    fn a_range_turned_over_is_a_threshold() {
        let look = Look { floor_db: -20.0, ceiling_db: -90.0, ..Look::default() };
        assert_eq!((look.unit(-21.0), look.unit(-19.0)), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn any_size_is_filled(samples in 0usize..3000, width in 0usize..300,
                              height in 0usize..300, axis in 0usize..3, exponent in 7u32..12) {
            let settings = StftSettings { window: 1 << exponent, hop: 64 };
            let spectrogram = Spectrogram::compute(&sine(440.0, samples), settings);
            let look = grey(FrequencyAxis::ALL[axis]);
            let picture = render(&spectrogram, &look, width, height);
            prop_assert_eq!(picture.width, spectrogram.frames().min(width).max(1));
            prop_assert_eq!(picture.height, height.max(1));
            prop_assert_eq!(picture.rgb.len(), picture.width * picture.height * 3);
        }
    }
}
