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
const FRAMES_A_TASK: usize = 64;

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
    fn in_range(self) -> Self {
        let window = self.window.clamp(128, 8192).next_power_of_two();
        Self { window, hop: self.hop.clamp(1, window) }
    }
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
        let frames = if samples.is_empty() { 0 } else { 1 + samples.len() / hop };
        let hann: Vec<f32> = (0..window)
            .map(|n| (0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / window as f64).cos()) as f32)
            .collect();
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
        let peak_db = decibels.par_iter().copied().reduce(|| SILENCE_DB, f32::max);
        Self { settings, samples: samples.len(), decibels, peak_db }
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
        if !(0.0..=self.seconds()).contains(&seconds) || !(0.0..=NYQUIST_HZ).contains(&hz) {
            return None;
        }
        let frame = seconds * f64::from(SAMPLE_RATE) / self.settings.hop as f64;
        let frame = (frame.round() as usize).min(self.frames().checked_sub(1)?);
        let bin = (hz / NYQUIST_HZ * (self.bins() - 1) as f64).round() as usize;
        self.frame(frame).get(bin).copied()
    }
}

/// Writes the windowed samples around `centre` to `frame`, zeros where there are none.
fn cut_frame(samples: &[f32], centre: usize, hann: &[f32], frame: &mut [f32]) {
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
