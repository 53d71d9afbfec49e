//! Numbers over time and bands, such as what a model is fed, as a picture.

use std::sync::Arc;

use rayon::prelude::*;

use super::{ColourMap, Picture};

/// Numbers over time and bands.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Frame by frame, lowest band first.
    values: Arc<[f32]>,
    bands: usize,
    /// Where in the clip the first frame is centred, in seconds; before it where the clip was
    /// padded.
    start: f64,
    /// From one frame to the next, in seconds.
    hop: f64,
}

impl Grid {
    /// A grid of `values`, `bands` (at least 1) a frame. The first frame is centred on `start`, the
    /// others follow at `hop`, both in seconds. Values that do not fill a frame are left out.
    pub fn new(values: Arc<[f32]>, bands: usize, start: f64, hop: f64) -> Self {
        Self { values, bands: bands.max(1), start, hop: hop.max(1e-6) }
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.values.len() / self.bands
    }

    /// How many bands a frame has.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// Where in the clip the first frame is centred, in seconds.
    pub fn start(&self) -> f64 {
        self.start
    }

    /// From one frame to the next, in seconds.
    pub fn hop(&self) -> f64 {
        self.hop
    }

    /// The value of a band in the frame nearest to a moment in seconds.
    pub fn at(&self, seconds: f64, band: usize) -> Option<f32> {
        let frame = ((seconds - self.start) / self.hop).round();
        let frames = self.frames();
        // A clip may end half a hop after the centre of its last frame.
        let inside = frame >= 0.0 && frame <= frames as f64 && frames > 0 && band < self.bands;
        inside.then(|| self.values[(frame as usize).min(frames - 1) * self.bands + band])
    }

    /// This grid less another one of the same shape.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        let same = self.bands == other.bands && self.values.len() == other.values.len();
        same.then(|| {
            let pairs = self.values.iter().zip(other.values.iter());
            Self { values: pairs.map(|(a, b)| a - b).collect(), ..self.clone() }
        })
    }

    /// Round ends of a range that holds all values but the lowest hundredth, which may be digital
    /// silence.
    pub fn range(&self) -> [f32; 2] {
        let mut values: Vec<f32> = self.values.iter().copied().filter(|v| v.is_finite()).collect();
        if values.is_empty() {
            return [0.0, 1.0];
        }
        let hundredth = values.len() / 100;
        let (_, &mut low, rest) = values.select_nth_unstable_by(hundredth, f32::total_cmp);
        let high = rest.iter().copied().fold(low, f32::max);
        let step = round_step((high - low).max(1e-3) / 10.0);
        let low = (low / step).floor() * step;
        [low, ((high / step).ceil() * step).max(low + step)]
    }

    /// A round number that no absolute value exceeds.
    pub fn bound(&self) -> f32 {
        let values = self.values.iter().copied().filter(|value| value.is_finite());
        let largest = values.fold(1e-3_f32, |most, value| most.max(value.abs()));
        let step = round_step(largest / 10.0);
        (largest / step).ceil() * step
    }

    /// Draws it with a row a band, in parallel. `unit` says where in \[0, 1\] of the colour map a
    /// value lies. There is a column a frame, or `max_width` columns, each showing the highest of
    /// its frames.
    pub fn render(
        &self,
        unit: impl Fn(f32) -> f32 + Sync,
        colour_map: ColourMap,
        max_width: usize,
    ) -> Picture {
        let frames = self.frames();
        let width = frames.min(max_width).max(1);
        let colours = colour_map.table();
        let mut rgb = vec![0; width * self.bands * 3];
        rgb.par_chunks_mut(width * 3).enumerate().for_each(|(row, pixels)| {
            let band = self.bands - 1 - row;
            for (column, pixel) in pixels.chunks_exact_mut(3).enumerate() {
                let pooled = column * frames / width..(column + 1) * frames / width;
                let levels = pooled.map(|frame| unit(self.values[frame * self.bands + band]));
                let level = levels.fold(0.0, f32::max).clamp(0.0, 1.0);
                pixel.copy_from_slice(&colours[usize::from((level * 255.0).round() as u8)]);
            }
        });
        Picture { width, height: self.bands, rgb }
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
fn round_step(least: f32) -> f32 {
    let power = 10f32.powf(least.max(1e-6).log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|factor| factor * power);
    steps.into_iter().find(|&step| step >= least * 0.999).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bands, frames at 0.1 s, 0.15 s, ...
    fn grid(values: &[f32]) -> Grid {
        Grid::new(values.into(), 2, 0.1, 0.05)
    }

    #[test]
    fn values_are_found_where_they_are_in_time() {
        let grid = grid(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!((grid.frames(), grid.bands()), (3, 2));
        assert_eq!(grid.at(0.1, 1), Some(2.0));
        assert_eq!(grid.at(0.17, 0), Some(3.0));
        assert_eq!(grid.at(0.2, 1), Some(6.0));
        assert_eq!(grid.at(0.24, 1), Some(6.0));
        for (seconds, band) in [(0.0, 0), (0.3, 0), (0.1, 2), (f64::NAN, 0)] {
            assert_eq!(grid.at(seconds, band), None, "{seconds} s, band {band}");
        }
    }

    #[test]
    fn a_difference_needs_the_same_shape() {
        let (a, b) = (grid(&[3.0, 5.0]), grid(&[1.0, 7.0]));
        assert_eq!(a.minus(&b).unwrap().values[..], [2.0, -2.0]);
        assert_eq!(a.minus(&grid(&[1.0, 7.0, 0.0, 0.0])), None);
        assert_eq!(a.minus(&b).unwrap().bound(), 2.0);
    }

    #[test]
    fn ranges_are_round_and_leave_out_the_lowest_hundredth() {
        let mut values: Vec<f32> = (0..1000).map(|i| -63.0 + 0.06 * i as f32).collect();
        values[0] = -1000.0;
        assert_eq!(grid(&values).range(), [-70.0, 0.0]);
        assert_eq!(grid(&[]).range(), [0.0, 1.0]);
        let [low, high] = grid(&[0.5; 8]).range();
        assert!(low <= 0.5 && high > low, "{low} to {high}");
        assert!((grid(&[0.1, -0.37]).bound() - 0.4).abs() < 1e-6);
    }

    #[test]
    fn the_first_row_is_the_highest_band_and_a_column_shows_its_highest_frame() {
        let values: Vec<f32> = (0..20).flat_map(|i| [0.0, f32::from(u8::from(i == 7))]).collect();
        let picture = grid(&values).render(|value| value, ColourMap::Grey, 10);
        assert_eq!((picture.width, picture.height), (10, 2));
        let lit: Vec<usize> = (0..20).filter(|pixel| picture.rgb[pixel * 3] == 255).collect();
        assert_eq!(lit, [3], "frame 7 of 20 in ten columns, upper row");
        let none = grid(&[]).render(|value| value, ColourMap::Grey, 10);
        assert_eq!((none.width, none.height, none.rgb.len()), (1, 2, 6));
    }
}
