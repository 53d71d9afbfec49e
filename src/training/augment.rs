//! Variations of a recording that a listener would still give the same name.

use std::f32::consts::TAU;

use audioadapter_buffers::direct::InterleavedSlice;
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};
use rubato::audioadapter_buffers;
use rubato::{Async, FixedAsync, PolynomialDegree, Resampler as _};
use serde::{Deserialize, Serialize};

use crate::audio::SAMPLE_RATE;

/// What is varied and how much; 0 leaves out a variation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Augmentation {
    /// Mixup's alpha (Zhang et al. 2018): shares are drawn from Beta(alpha, alpha).
    pub mixup: f64,
    /// Playing speed, and with it pitch: up to so many semitones up or down.
    pub semitones: f32,
    /// Gain of each recording, up to so many dB up or down.
    pub gain_db: f32,
    /// A shelf: highs up to so many dB louder or softer than lows, from a random corner on.
    pub shelf_db: f32,
    /// Share of examples with background noise, 10 to 50 dB below the recording.
    pub noise: f64,
    /// Masks of bands and of frames (SpecAugment, Park et al. 2019), so many of each.
    pub masks: usize,
}

impl Augmentation {
    /// Nothing is varied.
    pub const NONE: Self =
        Self { mixup: 0.0, semitones: 0.0, gain_db: 0.0, shelf_db: 0.0, noise: 0.0, masks: 0 };

    /// One recording, varied.
    ///
    /// # Errors
    /// What rubato says.
    pub fn vary(&self, samples: Vec<f32>, random: &mut impl Rng) -> candle_core::Result<Vec<f32>> {
        let mut samples = samples;
        if self.semitones > 0.0 && random.random_bool(0.7) {
            let semitones = random.random_range(-self.semitones..=self.semitones);
            samples = at_speed(&samples, (f64::from(semitones) / 12.0).exp2())?;
        }
        if self.shelf_db > 0.0 && random.random_bool(0.7) {
            let highs = decibels(random.random_range(-self.shelf_db..=self.shelf_db));
            let corner = 200.0 * 30.0_f32.powf(random.random());
            shelf(&mut samples, corner, highs);
        }
        if self.gain_db > 0.0 {
            let gain = decibels(random.random_range(-self.gain_db..=self.gain_db));
            samples.iter_mut().for_each(|s| *s *= gain);
        }
        Ok(samples)
    }

    /// Adds background noise, sometimes: white, or with more lows.
    pub fn add_noise(&self, samples: &mut [f32], random: &mut impl Rng) {
        if self.noise == 0.0 || !random.random_bool(self.noise) {
            return;
        }
        let mut noise: Vec<f32> =
            StandardNormal.sample_iter(&mut *random).take(samples.len()).collect();
        if random.random_bool(0.5) {
            let corner = 100.0 * 30.0_f32.powf(random.random());
            shelf(&mut noise, corner, decibels(-20.0));
        }
        let below = decibels(-random.random_range(10.0..50.0));
        let gain = below * rms(samples) / rms(&noise).max(f32::MIN_POSITIVE);
        for (sample, noise) in samples.iter_mut().zip(noise) {
            *sample += gain * noise;
        }
    }

    /// Sets random stripes of a log-mel `[frames, bands]` to `value`.
    pub fn mask(&self, log_mel: &mut [f32], bands: usize, value: f32, random: &mut impl Rng) {
        let frames = log_mel.len() / bands;
        for _ in 0..self.masks {
            let width = random.random_range(0..=bands / 8);
            let first = random.random_range(0..=bands - width);
            log_mel.chunks_mut(bands).for_each(|frame| frame[first..first + width].fill(value));
            let length = random.random_range(0..=frames / 8);
            let first = random.random_range(0..=frames - length);
            log_mel[first * bands..(first + length) * bands].fill(value);
        }
    }
}

/// Two sounds at once, the power shares `share` and `1 - share`, whatever their levels; the shorter
/// one begins somewhere within the longer one.
pub fn mix(first: &[f32], second: &[f32], share: f32, random: &mut impl Rng) -> Vec<f32> {
    let length = first.len().max(second.len());
    let mut mixed = vec![0.0; length];
    for (sound, share) in [(first, share), (second, 1.0 - share)] {
        let gain = 0.1 * share.sqrt() / rms(sound).max(1e-6);
        let start = random.random_range(0..=length - sound.len());
        for (sum, &sample) in mixed[start..].iter_mut().zip(sound) {
            *sum += gain * sample;
        }
    }
    mixed
}

fn decibels(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}

fn rms(samples: &[f32]) -> f32 {
    let power: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
    (power / samples.len().max(1) as f64).sqrt() as f32
}

/// Multiplies what is above `corner` Hz (first order) by `gain`.
fn shelf(samples: &mut [f32], corner: f32, gain: f32) {
    let follow = 1.0 - (-TAU * corner / SAMPLE_RATE as f32).exp();
    let mut lows = 0.0;
    for sample in samples {
        lows += follow * (*sample - lows);
        *sample = lows + gain * (*sample - lows);
    }
}

/// Played `speed` times as fast.
fn at_speed(samples: &[f32], speed: f64) -> candle_core::Result<Vec<f32>> {
    let mut resampler = Async::<f32>::new_poly(
        1.0 / speed,
        1.0,
        PolynomialDegree::Cubic,
        4096,
        1,
        FixedAsync::Input,
    )
    .map_err(candle_core::Error::wrap)?;
    let input =
        InterleavedSlice::new(samples, 1, samples.len()).map_err(candle_core::Error::wrap)?;
    let output = resampler.process_all(&input, samples.len(), None);
    Ok(output.map_err(candle_core::Error::wrap)?.take_data())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn tone(hertz: f32, length: usize) -> Vec<f32> {
        (0..length).map(|i| (TAU * hertz * i as f32 / SAMPLE_RATE as f32).sin()).collect()
    }

    /// Zero crossings upwards a second.
    fn pitch(samples: &[f32]) -> f32 {
        let crossings = samples.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        crossings as f32 * SAMPLE_RATE as f32 / samples.len() as f32
    }

    #[test]
    fn an_octave_up_is_half_as_long() {
        let fast = at_speed(&tone(500.0, 32_000), 2.0).unwrap();
        assert!((fast.len() as i64 - 16_000).abs() < 64, "{}", fast.len());
        assert!((pitch(&fast) - 1000.0).abs() < 10.0, "{}", pitch(&fast));
    }

    #[test]
    fn a_shelf_leaves_lows_and_turns_highs_down() {
        let mut low = tone(30.0, 32_000);
        let mut high = tone(12_000.0, 32_000);
        let before = rms(&low);
        shelf(&mut low, 1_000.0, 0.1);
        shelf(&mut high, 1_000.0, 0.1);
        assert!((rms(&low) / before - 1.0).abs() < 0.02);
        assert!(rms(&high) / before < 0.2);
    }

    #[test]
    fn shares_of_a_mix_are_shares_of_its_power() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let (loud, soft) = (tone(300.0, 32_000), tone(5_000.0, 32_000));
        let soft: Vec<_> = soft.iter().map(|s| s * 1e-3).collect();
        let mixed = mix(&loud, &soft, 0.8, &mut random);
        let part = |tone: &[f32]| {
            let product: f32 = tone.iter().zip(&mixed).map(|(a, b)| a * b).sum();
            (product / tone.iter().map(|s| s * s).sum::<f32>().sqrt()).powi(2)
        };
        let share = part(&loud) / (part(&loud) + part(&soft));
        assert!((share - 0.8).abs() < 0.01, "{share}");
    }

    #[test]
    fn masks_are_stripes_of_one_value() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut log_mel = vec![1.0; 64 * 64];
        Augmentation { masks: 4, ..Augmentation::NONE }.mask(&mut log_mel, 64, -7.0, &mut random);
        let masked = log_mel.iter().filter(|v| **v == -7.0).count();
        assert!(masked > 0 && masked < log_mel.len() * 3 / 4, "{masked}");
        assert!(log_mel.iter().all(|v| *v == 1.0 || *v == -7.0));
    }

    #[test]
    fn noise_is_below_the_recording() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let clean = tone(700.0, 32_000);
        let mut noisy = clean.clone();
        Augmentation { noise: 1.0, ..Augmentation::NONE }.add_noise(&mut noisy, &mut random);
        let snr = crate::metrics::snr_db(&clean, &noisy);
        assert!((9.9..50.1).contains(&snr), "{snr}");
    }
}
