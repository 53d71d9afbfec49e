//! The short-time Fourier transform of a clip in decibels.

use rayon::prelude::*;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

use super::NYQUIST_HZ;
use crate::audio::SAMPLE_RATE;

/// The level of digital silence, in dB: nothing in a [`Spectrogram`] is below.
pub const SILENCE_DB: f32 = -200.0;

/// How many frames one parallel task transforms: enough to pay for its buffers.
pub(super) const FRAMES_A_TASK: usize = 64;

/// Window and hop of a spectrogram, in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StftSettings {
    /// Length of the Hann window and of the transform: a power of two in 128..=8192.
    pub window: usize,
    /// Step from one frame to the next, in 1..=`window`.
    pub hop: usize,
}

impl Default for StftSettings {
    /// 32 ms windows every 8 ms.
    fn default() -> Self {
        Self { window: 1024, hop: 256 }
    }
}

impl StftSettings {
    /// These settings with window and hop brought into their ranges.
    pub fn in_range(self) -> Self {
        let window = self.window.clamp(128, 8192).next_power_of_two();
        Self { window, hop: self.hop.clamp(1, window) }
    }

    /// How many frames so many samples have.
    pub(super) fn frames(self, samples: usize) -> usize {
        if samples == 0 { 0 } else { 1 + samples / self.hop }
    }
}

/// A periodic Hann window.
pub(super) fn hann(window: usize) -> Vec<f32> {
    (0..window)
        .map(|n| (0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / window as f64).cos()) as f32)
        .collect()
}

/// Magnitudes in dB relative to full scale over time and frequency: a sine of amplitude 1 at the
/// frequency of a bin is 0 dB there.
///
/// Periodic Hann window; frame `i` is centred on sample `i * hop`, with zeros before the first and
/// after the last sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrogram {
    settings: StftSettings,
    samples: usize,
    /// Frame by frame, from 0 Hz up.
    decibels: Vec<f32>,
    peak_db: f32,
}

impl Spectrogram {
    /// Transforms mono samples at 32 kHz, on all threads of the current rayon pool.
    ///
    /// Settings out of range are brought into it. No samples give no frames.
    pub fn compute(samples: &[f32], settings: StftSettings) -> Self {
        let settings = settings.in_range();
        let StftSettings { window, hop } = settings;
        let bins = window / 2 + 1;
        let frames = settings.frames(samples.len());
        let hann = hann(window);
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(window);
        // The window's samples sum to window / 2, and a sine shares its amplitude between a
        // positive and a negative frequency.
        let scale = (4.0 / window as f32).powi(2);

        let mut decibels = vec![SILENCE_DB; frames * bins];
        decibels.par_chunks_mut(FRAMES_A_TASK * bins).enumerate().for_each(|(task, chunk)| {
            let mut frame = fft.make_input_vec();
            let mut spectrum = fft.make_output_vec();
            let mut scratch = fft.make_scratch_vec();
            for (index, out) in chunk.chunks_exact_mut(bins).enumerate() {
                cut_frame(samples, (task * FRAMES_A_TASK + index) * hop, &hann, &mut frame);
                // Fails only for buffers of another length or an imaginary part at 0 Hz, neither
                // of which a forward transform with its own buffers has.
                if fft.process_with_scratch(&mut frame, &mut spectrum, &mut scratch).is_ok() {
                    to_decibels(&spectrum, scale, out);
                }
            }
        });
        Self::from_decibels(settings, samples.len(), decibels)
    }

    /// Levels that were computed elsewhere, of so many samples: frame by frame, from 0 Hz up, as
    /// many as the settings, which must be in their ranges, give.
    pub(super) fn from_decibels(
        settings: StftSettings,
        samples: usize,
        decibels: Vec<f32>,
    ) -> Self {
        let peak_db = decibels.par_iter().copied().reduce(|| SILENCE_DB, f32::max);
        Self { settings, samples, decibels, peak_db }
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.decibels.len() / self.bins()
    }

    /// How many frequencies a frame has, evenly spaced from 0 Hz to [`NYQUIST_HZ`] inclusive.
    pub fn bins(&self) -> usize {
        self.settings.window / 2 + 1
    }

    /// Duration of the samples in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples as f64 / f64::from(SAMPLE_RATE)
    }

    /// The window and hop it was computed with.
    pub fn settings(&self) -> StftSettings {
        self.settings
    }

    /// The loudest level in it, [`SILENCE_DB`] where there is none.
    pub fn peak_db(&self) -> f32 {
        self.peak_db
    }

    /// The levels of one frame in dB, from 0 Hz up; nothing for a frame that does not exist.
    pub fn frame(&self, index: usize) -> &[f32] {
        let bins = self.bins();
        self.decibels.get(index * bins..(index + 1) * bins).unwrap_or_default()
    }

    /// The level in dB at the frame and bin nearest to a point, `None` outside of the clip or of
    /// 0..=[`NYQUIST_HZ`].
    pub fn decibels_at(&self, seconds: f64, hz: f64) -> Option<f32> {
        self.decibels.get(self.cell_at(seconds, hz)?).copied()
    }

    /// Where among all levels the one is that is nearest to a point.
    pub(super) fn cell_at(&self, seconds: f64, hz: f64) -> Option<usize> {
        if !(0.0..=self.seconds()).contains(&seconds) || !(0.0..=NYQUIST_HZ).contains(&hz) {
            return None;
        }
        let frame = seconds * f64::from(SAMPLE_RATE) / self.settings.hop as f64;
        let frame = (frame.round() as usize).min(self.frames().checked_sub(1)?);
        let bin = (hz / NYQUIST_HZ * (self.bins() - 1) as f64).round() as usize;
        Some(frame * self.bins() + bin)
    }
}

/// Writes the windowed samples around `centre` to `frame`, zeros where there are none.
pub(super) fn cut_frame(samples: &[f32], centre: usize, hann: &[f32], frame: &mut [f32]) {
    let half = hann.len() / 2;
    let before = half.saturating_sub(centre).min(frame.len());
    let start = (centre + before).saturating_sub(half).min(samples.len());
    let end = (centre + half).clamp(start, samples.len());
    let after = before + (end - start);
    frame[..before].fill(0.0);
    frame[after..].fill(0.0);
    let inside = frame[before..after].iter_mut().zip(&samples[start..end]);
    for ((out, &sample), &weight) in inside.zip(&hann[before..after]) {
        *out = sample * weight;
    }
}

/// Levels of a spectrum whose power is to be multiplied by `scale`, in dB.
fn to_decibels(spectrum: &[Complex<f32>], scale: f32, out: &mut [f32]) {
    let silence = 10f32.powf(SILENCE_DB / 10.0);
    let decibels_an_octave = 10.0 * std::f32::consts::LOG10_2;
    for (level, bin) in out.iter_mut().zip(spectrum) {
        // `max` also turns a NaN into silence.
        *level = decibels_an_octave * (bin.norm_sqr() * scale).max(silence).log2();
    }
    // 0 Hz and half the sample rate have no negative counterpart to share with.
    let ends = [0, out.len() - 1];
    for end in ends {
        out[end] = (out[end] - 2.0 * decibels_an_octave).max(SILENCE_DB);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: f64 = SAMPLE_RATE as f64;

    fn sine(hz: f64, amplitude: f64, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| (amplitude * (std::f64::consts::TAU * hz * n as f64 / RATE).sin()) as f32)
            .collect()
    }

    /// Noise in [-amplitude, amplitude] from a linear congruential generator.
    fn noise(amplitude: f32, samples: usize) -> Vec<f32> {
        let mut state = 1u32;
        (0..samples)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                amplitude * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
            })
            .collect()
    }

    #[test]
    fn a_full_scale_sine_is_0_db_at_its_bin_with_every_window() {
        for window in [128, 256, 1024, 8192] {
            let settings = StftSettings { window, hop: window / 4 };
            let bin = window / 8;
            let hz = bin as f64 * RATE / window as f64;
            let spectrogram = Spectrogram::compute(&sine(hz, 1.0, 32_000), settings);
            let level = spectrogram.decibels_at(0.5, hz).unwrap();
            assert!(level.abs() < 1e-3, "{window}: {level} dB");
            // The Hann window's main lobe: half the amplitude one bin beside, nothing further off.
            let frame = spectrogram.frame(spectrogram.frames() / 2);
            assert!((frame[bin + 1] - -6.02).abs() < 0.01, "{window}: {}", frame[bin + 1]);
            assert!(frame[bin + 3] < -100.0, "{window}: {}", frame[bin + 3]);
            let tenth = Spectrogram::compute(&sine(hz, 0.1, 32_000), settings);
            assert!((tenth.peak_db() - -20.0).abs() < 0.2, "{window}: {}", tenth.peak_db());
        }
    }

    #[test]
    fn a_constant_and_the_highest_frequency_are_0_db_too() {
        let settings = StftSettings::default();
        let constant = Spectrogram::compute(&vec![1.0; 8192], settings);
        assert!(constant.decibels_at(0.1, 0.0).unwrap().abs() < 1e-3);
        let alternating: Vec<f32> =
            (0..8192).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let highest = Spectrogram::compute(&alternating, settings);
        assert!(highest.decibels_at(0.1, NYQUIST_HZ).unwrap().abs() < 1e-3);
    }

    #[test]
    fn the_power_of_all_bins_is_the_power_of_the_windowed_samples() {
        let samples = noise(0.3, 20_000);
        for window in [128, 512, 2048] {
            let spectrogram =
                Spectrogram::compute(&samples, StftSettings { window, hop: window / 2 });
            let (index, bins) = (4, spectrogram.bins());
            let powers = spectrogram.frame(index).iter().enumerate().map(|(bin, &db)| {
                // A sine of amplitude a has power a^2 / 2; 0 Hz and the highest have a^2.
                let share = if bin == 0 || bin == bins - 1 { 1.0 } else { 0.5 };
                share * 10f64.powf(f64::from(db) / 10.0)
            });
            let centre = index * window / 2;
            let windowed: f64 = (0..window)
                .map(|n| {
                    let phase = std::f64::consts::TAU * n as f64 / window as f64;
                    let hann = 0.5 - 0.5 * phase.cos();
                    (hann * f64::from(samples[centre - window / 2 + n])).powi(2)
                })
                .sum();
            // Parseval: sum |X|^2 = window * sum (w x)^2, and levels are |X| / (window / 2).
            let expected = windowed * 4.0 / window as f64;
            let sum: f64 = powers.sum();
            assert!((sum / expected - 1.0).abs() < 1e-4, "{window}: {sum} vs {expected}");
        }
    }

    #[test]
    fn an_impulse_shows_in_the_frames_around_it_only() {
        let mut samples = vec![0.0; 32_000];
        samples[16_000] = 1.0;
        let spectrogram = Spectrogram::compute(&samples, StftSettings { window: 512, hop: 128 });
        for index in 0..spectrogram.frames() {
            let loud = spectrogram.frame(index).iter().all(|&db| db > -140.0);
            assert_eq!(loud, (index * 128).abs_diff(16_000) < 256, "frame {index}");
        }
    }

    #[test]
    fn short_clips_and_none_at_all() {
        let settings = StftSettings::default();
        let none = Spectrogram::compute(&[], settings);
        assert_eq!((none.frames(), none.bins(), none.seconds()), (0, 513, 0.0));
        assert_eq!(none.peak_db(), SILENCE_DB);
        assert_eq!(none.decibels_at(0.0, 100.0), None);
        for (samples, frames) in [(1, 1), (100, 1), (255, 1), (256, 2), (1000, 4), (32_000, 126)] {
            let spectrogram = Spectrogram::compute(&noise(0.5, samples), settings);
            assert_eq!(spectrogram.frames(), frames, "{samples} samples");
            assert!(spectrogram.peak_db() > -80.0, "{samples} samples");
            assert!(spectrogram.decibels_at(spectrogram.seconds(), NYQUIST_HZ).is_some());
        }
        assert!(none.frame(0).is_empty());
    }

    #[test]
    fn silence_and_samples_that_are_no_numbers_have_a_floor() {
        let silent = Spectrogram::compute(&[0.0; 4000], StftSettings::default());
        assert!(silent.frame(3).iter().all(|&db| (db - SILENCE_DB).abs() < 1e-3));
        let broken = Spectrogram::compute(&[f32::NAN; 4000], StftSettings::default());
        assert!((broken.peak_db() - SILENCE_DB).abs() < 1e-3);
    }

    #[test]
    fn outside_of_the_clip_there_is_no_level() {
        let spectrogram = Spectrogram::compute(&noise(0.1, 32_000), StftSettings::default());
        for (seconds, hz) in [(-0.1, 100.0), (1.1, 100.0), (0.5, -1.0), (0.5, 16_001.0)] {
            assert_eq!(spectrogram.decibels_at(seconds, hz), None);
        }
        assert_eq!(spectrogram.decibels_at(f64::NAN, 100.0), None);
    }

    proptest! {
        #[test]
        fn any_settings_and_length_work(window in 0usize..20_000, hop in 0usize..20_000,
                                        samples in 0usize..3000) {
            // A clip of 3000 samples at a hop of 1 is slow with long windows and proves no more.
            let samples = if hop < 8 { samples.min(200) } else { samples };
            let spectrogram =
                Spectrogram::compute(&noise(0.5, samples), StftSettings { window, hop });
            let used = spectrogram.settings();
            prop_assert!(used.window.is_power_of_two() && (128..=8192).contains(&used.window));
            prop_assert!((1..=used.window).contains(&used.hop));
            let frames = if samples == 0 { 0 } else { 1 + samples / used.hop };
            prop_assert_eq!(spectrogram.frames(), frames);
            prop_assert!(spectrogram.peak_db().is_finite());
        }
    }
}
