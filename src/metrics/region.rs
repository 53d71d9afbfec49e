//! How much of a clip lies in a stretch of time and a band of frequencies.

use std::f64::consts::FRAC_PI_2;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use crate::audio::SAMPLE_RATE;

/// Samples on either side of a stretch that are filtered with it, so that neither its cut nor the
/// filter's own length shows in it: a quarter of a second.
const MARGIN: usize = 8192;

/// How wide a band's edges are at most, in Hz.
const WIDEST_EDGE_HZ: f64 = 100.0;

/// How wide they are at least, in Hz: narrower ones would ring for longer than the margin.
const NARROWEST_EDGE_HZ: f64 = 10.0;

/// A stretch of time, of all frequencies or of a band of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// From when to when, in seconds.
    pub seconds: [f64; 2],
    /// From which frequency to which, in Hz; none for all of them.
    pub hz: Option<[f64; 2]>,
}

/// What lies in a region.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegionLevel {
    /// Sum of squares.
    pub energy: f64,
    /// Largest absolute sample.
    pub peak: f64,
}

impl RegionLevel {
    /// The largest sample in dB relative to full scale.
    pub fn peak_dbfs(&self) -> f64 {
        20.0 * self.peak.log10()
    }

    /// The SNR in dB of this as the signal and `noise`: infinite without noise.
    pub fn snr_db(&self, noise: &Self) -> f64 {
        if noise.energy == 0.0 {
            f64::INFINITY
        } else {
            10.0 * (self.energy / noise.energy).log10()
        }
    }
}

impl Region {
    /// What of mono samples at 32 kHz lies in it.
    ///
    /// A stretch of all frequencies is summed as it is. A band is cut out first, by a filter without
    /// delay in the frequency domain; its edges (a fifth of the band wide, 10 to 100 Hz) are
    /// quarters of a sine, so that the energies of neighbouring bands add up to that of both.
    pub fn level_of(&self, samples: &[f32]) -> RegionLevel {
        let [start, end] = self.seconds.map(|seconds| {
            let sample = (seconds * f64::from(SAMPLE_RATE)).round();
            (sample.max(0.0) as usize).min(samples.len())
        });
        if end <= start {
            return RegionLevel::default();
        }
        match self.hz {
            None => level(samples[start..end].iter().map(|&x| f64::from(x))),
            Some(band) => {
                let from = start.saturating_sub(MARGIN);
                let to = (end + MARGIN).min(samples.len());
                let filtered = cut_out(&samples[from..to], [start - from, to - end], band);
                level(filtered[start - from..end - from].iter().copied())
            }
        }
    }

    /// The same of what was changed: of the differences of two clips' samples.
    pub fn level_of_change(&self, original: &[f32], adversarial: &[f32]) -> RegionLevel {
        let change: Vec<f32> = original.iter().zip(adversarial).map(|(x, y)| y - x).collect();
        self.level_of(&change)
    }
}

fn level(samples: impl Iterator<Item = f64>) -> RegionLevel {
    samples.fold(RegionLevel::default(), |sum, x| RegionLevel {
        energy: sum.energy + x * x,
        peak: sum.peak.max(x.abs()),
    })
}

/// A band of some samples, of which so many at either end are only there for the filter.
fn cut_out(samples: &[f32], margins: [usize; 2], band: [f64; 2]) -> Vec<f64> {
    let length = samples.len();
    // Zeros behind, so that the filter does not lead from the end to the beginning.
    let padded = (length + MARGIN).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(padded);
    let mut frame = forward.make_input_vec();
    for (index, (out, &x)) in frame.iter_mut().zip(samples).enumerate() {
        *out = f64::from(x) * fade(index, margins[0]) * fade(length - 1 - index, margins[1]);
    }
    let mut spectrum = forward.make_output_vec();
    // Neither transform fails with buffers of its own and real ends.
    forward.process(&mut frame, &mut spectrum).ok();
    let step = f64::from(SAMPLE_RATE) / padded as f64;
    for (bin, value) in spectrum.iter_mut().enumerate() {
        *value *= gain(bin as f64 * step, band);
    }
    if let Some(last) = spectrum.last_mut() {
        *last = Complex::new(last.re, 0.0);
    }
    planner.plan_fft_inverse(padded).process(&mut spectrum, &mut frame).ok();
    frame.truncate(length);
    frame.iter_mut().for_each(|x| *x /= padded as f64);
    frame
}

/// Rises from 0 at the outer end of a margin to 1 where it meets the stretch.
fn fade(index: usize, margin: usize) -> f64 {
    if index >= margin {
        return 1.0;
    }
    (FRAC_PI_2 * (index as f64 + 0.5) / margin as f64).sin().powi(2)
}

/// The gain of a band's filter at a frequency: edges are centred on its ends.
fn gain(hz: f64, [low, high]: [f64; 2]) -> f64 {
    let highest = f64::from(SAMPLE_RATE) / 2.0;
    let edge = ((high - low) / 5.0).clamp(NARROWEST_EDGE_HZ, WIDEST_EDGE_HZ);
    let rise = |by: f64| (FRAC_PI_2 * (by / edge + 0.5).clamp(0.0, 1.0)).sin();
    // Nothing is beyond the ends of the axis.
    let lower = if low <= 0.0 { 1.0 } else { rise(hz - low) };
    let upper = if high >= highest { 1.0 } else { rise(high - hz) };
    lower * upper
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds of sines, (frequency, amplitude) each.
    fn sines(parts: &[(f64, f64)]) -> Vec<f32> {
        let rate = f64::from(SAMPLE_RATE);
        let sample = |n: i32| {
            let wave = |&(hz, a): &(f64, f64)| {
                a * (std::f64::consts::TAU * hz * f64::from(n) / rate).sin()
            };
            parts.iter().map(wave).sum::<f64>() as f32
        };
        (0..64_000).map(sample).collect()
    }

    fn noise(amplitude: f32) -> Vec<f32> {
        let mut state = 7u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            amplitude * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
        };
        (0..64_000).map(|_| next()).collect()
    }

    fn region(seconds: [f64; 2], hz: Option<[f64; 2]>) -> Region {
        Region { seconds, hz }
    }

    #[test]
    fn a_sine_inside_of_the_band_is_there_as_a_whole_and_one_outside_is_not() {
        // Energy of a sine: amplitude^2 / 2 a sample.
        let clip = sines(&[(440.0, 0.5), (3000.0, 0.01)]);
        let band = region([0.5, 1.5], Some([2500.0, 3500.0])).level_of(&clip);
        let expected = 32_000.0 * 0.01 * 0.01 / 2.0;
        assert!((band.energy / expected - 1.0).abs() < 1e-3, "{}", band.energy / expected);
        assert!((band.peak_dbfs() - -40.0).abs() < 0.05, "{}", band.peak_dbfs());
        let empty = region([0.5, 1.5], Some([6000.0, 8000.0])).level_of(&clip);
        assert!(empty.energy < 1e-9 * expected, "{}", empty.energy / expected);
    }

    #[test]
    fn the_snr_of_a_band_is_that_of_the_sines_in_it() {
        let clip = sines(&[(440.0, 0.5), (3000.0, 0.1)]);
        // 40 dB below the upper sine, 6 dB above the lower one.
        let change = sines(&[(440.0, 1.0), (3000.0, 0.001)]);
        let adversarial: Vec<f32> = clip.iter().zip(&change).map(|(x, r)| x + r).collect();
        for (hz, snr_db) in [([2000.0, 4000.0], 40.0), ([300.0, 600.0], -6.0206)] {
            let band = region([0.4, 1.1], Some(hz));
            let (signal, noise) = (band.level_of(&clip), band.level_of_change(&clip, &adversarial));
            let found = signal.snr_db(&noise);
            assert!((found - snr_db).abs() < 0.02, "{hz:?}: {found}");
        }
    }

    #[test]
    fn all_frequencies_are_the_samples_themselves() {
        let clip = [0.5, -0.25, 0.125, 0.0];
        let at = |sample: f64| sample / f64::from(SAMPLE_RATE);
        let level = region([at(1.0), at(3.0)], None).level_of(&clip);
        assert_eq!(level, RegionLevel { energy: 0.0625 + 0.015_625, peak: 0.25 });
        assert_eq!(region([0.0, 1.0], None).level_of_change(&clip, &clip).energy, 0.0);
        assert_eq!(level.snr_db(&RegionLevel::default()), f64::INFINITY);
        for seconds in [[0.5, 0.2], [3.0, 4.0], [f64::NAN, f64::NAN]] {
            assert_eq!(region(seconds, Some([100.0, 200.0])).level_of(&clip).energy, 0.0);
        }
        let whole = region([0.0, 2.0], Some([0.0, 16_000.0])).level_of(&noise(0.1));
        let sum = region([0.0, 2.0], None).level_of(&noise(0.1));
        assert!((whole.energy / sum.energy - 1.0).abs() < 1e-9);
    }

    #[test]
    fn neighbouring_bands_add_up() {
        let clip = noise(0.3);
        let energy = |hz| region([0.3, 1.7], Some(hz)).level_of(&clip).energy;
        let both = energy([1000.0, 3000.0]);
        let parts = energy([1000.0, 2000.0]) + energy([2000.0, 3000.0]);
        assert!((parts / both - 1.0).abs() < 0.01, "{}", parts / both);
    }

    #[test]
    fn what_is_outside_of_the_stretch_does_not_ring_into_it() {
        let mut clip = vec![0.0; 64_000];
        clip[16_000] = 1.0;
        let click = region([0.49, 0.51], Some([1000.0, 5000.0])).level_of(&clip);
        // A click is white, and the band is a quarter of all frequencies.
        assert!((click.energy - 0.25).abs() < 0.01, "{}", click.energy);
        let later = region([0.7, 0.9], Some([1000.0, 5000.0])).level_of(&clip);
        assert!(later.energy < 1e-6 * click.energy, "{}", later.energy);
    }
}
