//! Axes of bands: what a model has instead of a frequency axis.

use std::sync::Arc;

use super::axis::{FrequencyAxis, NYQUIST_HZ};

/// Bands of equal height, lowest at the bottom, whose centres rise in frequency.
///
/// Between the centres, and from the outer ones to 0 Hz and [`NYQUIST_HZ`], frequency is laid out
/// evenly.
#[derive(Clone, Debug, PartialEq)]
pub struct BandAxis {
    centres: Arc<[f64]>,
}

impl BandAxis {
    /// Bands with these centres in Hz, which must not fall.
    pub fn new(centres: impl Into<Arc<[f64]>>) -> Self {
        Self { centres: centres.into() }
    }

    /// How many bands there are.
    pub fn bands(&self) -> usize {
        self.centres.len()
    }

    /// The band at a height in \[0, 1\], and its centre in Hz; none where there are no bands.
    pub fn band_at(&self, unit: f64) -> Option<(usize, f64)> {
        let last = self.bands().checked_sub(1)?;
        let band = ((unit.max(0.0) * self.bands() as f64) as usize).min(last);
        Some((band, self.centres[band]))
    }

    /// A point of the line that leads through all centres: height and frequency.
    fn knot(&self, index: usize) -> (f64, f64) {
        let bands = self.bands();
        match index {
            0 => (0.0, 0.0),
            index if index > bands => (1.0, NYQUIST_HZ),
            index => ((index as f64 - 0.5) / bands as f64, self.centres[index - 1]),
        }
    }

    /// The frequency in Hz at a height in \[0, 1\].
    pub fn hz(&self, unit: f64) -> f64 {
        let unit = unit.clamp(0.0, 1.0);
        let after = ((unit * self.bands() as f64 + 0.5) as usize + 1).min(self.bands() + 1);
        let ((low, from), (high, to)) = (self.knot(after - 1), self.knot(after));
        from + (to - from) * ((unit - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The height in \[0, 1\] at which a frequency in Hz lies, the inverse of [`hz`](Self::hz);
    /// frequencies off the axis land on its end.
    pub fn unit(&self, hz: f64) -> f64 {
        let hz = hz.clamp(0.0, NYQUIST_HZ);
        let after = self.centres.partition_point(|&centre| centre <= hz) + 1;
        let ((low, from), (high, to)) = (self.knot(after - 1), self.knot(after));
        if to > from {
            low + (high - low) * ((hz - from) / (to - from)).clamp(0.0, 1.0)
        } else {
            low
        }
    }
}

/// How the heights of a picture stand for frequencies.
#[derive(Clone, Debug, PartialEq)]
pub enum Heights {
    /// Evenly on a scale.
    Axis(FrequencyAxis),
    /// As a model's bands.
    Bands(BandAxis),
}

impl Heights {
    /// The frequency in Hz at a height in \[0, 1\].
    pub fn hz(&self, unit: f64) -> f64 {
        match self {
            Self::Axis(axis) => axis.hz(unit),
            Self::Bands(bands) => bands.hz(unit),
        }
    }

    /// The height in \[0, 1\] of a frequency in Hz.
    pub fn unit(&self, hz: f64) -> f64 {
        match self {
            Self::Axis(axis) => axis.unit(hz),
            Self::Bands(bands) => bands.unit(hz),
        }
    }

    /// About so many round frequencies in Hz with their labels, rising.
    pub fn ticks(&self, about: usize) -> Vec<(f64, String)> {
        match self {
            Self::Axis(axis) => axis.ticks(about),
            Self::Bands(_) => FrequencyAxis::Mel.ticks(about),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::mel::{band_centres, hz_to_mel};

    #[test]
    fn heights_and_frequencies_are_inverse_and_bands_are_equally_high() {
        let axis = BandAxis::new([100.0, 300.0, 1000.0, 5000.0]);
        for (unit, hz) in [(0.0, 0.0), (0.125, 100.0), (0.375, 300.0), (0.5, 650.0), (1.0, 16e3)] {
            assert!((axis.hz(unit) - hz).abs() < 1e-9, "{unit}");
            assert!((axis.unit(hz) - unit).abs() < 1e-12, "{hz}");
        }
        let bands = [0.0, 0.24, 0.26, 0.6, 0.99, 1.0].map(|unit| axis.band_at(unit).unwrap().0);
        assert_eq!(bands, [0, 0, 1, 2, 3, 3]);
        assert_eq!((axis.hz(-1.0), axis.hz(2.0)), (0.0, 16e3));
        assert_eq!((axis.unit(-5.0), axis.unit(1e6)), (0.0, 1.0));
        assert_eq!(BandAxis::new([]).band_at(0.5), None);
        assert!((BandAxis::new([]).hz(0.5) - 8000.0).abs() < 1e-9);
    }

    #[test]
    fn mel_bands_lie_almost_as_on_the_mel_axis() {
        let axis = BandAxis::new(band_centres(64, NYQUIST_HZ));
        for hz in [200.0, 1000.0, 4000.0, 9000.0] {
            let (ours, mel) = (axis.unit(hz), FrequencyAxis::Mel.unit(hz));
            assert!((ours - mel).abs() < 0.01, "{hz}: {ours} and {mel}");
        }
        let steps: Vec<f64> = band_centres(64, NYQUIST_HZ)
            .windows(2)
            .map(|c| hz_to_mel(c[1]) - hz_to_mel(c[0]))
            .collect();
        assert!(steps.iter().all(|step| (step - steps[0]).abs() < 1e-9));
    }

    #[test]
    fn bands_that_share_a_frequency_divide_nothing_by_zero() {
        let axis = BandAxis::new([500.0, 500.0, 500.0, 2000.0]);
        for unit in [0.0, 0.2, 0.4, 0.6, 0.9] {
            assert!(axis.hz(unit).is_finite());
        }
        assert!(axis.unit(500.0).is_finite() && axis.unit(499.0) < axis.unit(501.0));
    }
}
