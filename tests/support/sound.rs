//! Making sound files with ffmpeg and sox, and comparing clips.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder that goes away with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A float WAV of `seconds`, with [`signal`] on each channel.
    pub fn wav(&self, name: &str, rate: u32, channels: usize, seconds: f64) -> PathBuf {
        let frames = (seconds * f64::from(rate)).round() as usize;
        let samples = (0..frames).flat_map(|i| {
            let time = i as f64 / f64::from(rate);
            (0..channels).map(move |channel| signal(channel, time) as f32)
        });
        self.wav_of(name, rate, channels, samples)
    }

    /// A float WAV of these interleaved samples.
    pub fn wav_of(
        &self,
        name: &str,
        rate: u32,
        channels: usize,
        samples: impl IntoIterator<Item = f32>,
    ) -> PathBuf {
        let path = self.path(name);
        let spec = hound::WavSpec {
            channels: channels as u16,
            sample_rate: rate,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        samples.into_iter().for_each(|sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        path
    }

    /// Converts `from` with ffmpeg.
    pub fn convert(&self, from: &Path, to: &str, options: &[&str]) -> PathBuf {
        let path = self.path(to);
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y", "-i"]).arg(from).args(options).arg(&path);
        run(command);
        path
    }
}

/// Runs `command`; without the program the test fails and says what to do.
pub fn run(mut command: Command) {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().unwrap_or_else(|error| {
        panic!("{name} is needed for this test ({error}); run `make setup` once")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name} failed (is something missing? `make setup`): {errors}"
    );
}

/// What channel `channel` sounds like at `time` seconds: three tones below 3.5 kHz, so that every
/// rate from 8 kHz up can carry them.
pub fn signal(channel: usize, time: f64) -> f64 {
    let shift = channel as f64;
    let tone = |hz: f64, phase: f64| (TAU * hz * time + phase).sin();
    (0.30 + 0.02 * shift) * tone(440.0, shift) + 0.2 * tone(1_234.5, 1.0) + 0.1 * tone(3_210.0, 2.0)
}

/// The average of the channels at 32 kHz, as a clip should have it.
pub fn expected(channels: usize, frames: usize) -> Vec<f64> {
    let mean = |time: f64| {
        (0..channels).map(|channel| signal(channel, time)).sum::<f64>() / channels as f64
    };
    (0..frames).map(|i| mean(i as f64 / 32_000.0)).collect()
}

/// 10 log10 of the energy of `expected` over that of the difference, in dB, leaving out `edge`
/// samples at both ends.
pub fn snr(actual: &[f32], expected: &[f64], edge: usize) -> f64 {
    let length = actual.len().min(expected.len());
    assert!(length > 3 * edge, "too short to compare: {length}");
    let pairs = (edge..length - edge).map(|i| (f64::from(actual[i]), expected[i]));
    let (signal, noise) = pairs
        .fold((0.0, 0.0), |(signal, noise), (a, e)| (signal + e * e, noise + (a - e) * (a - e)));
    10.0 * (signal / noise.max(1e-30)).log10()
}

/// The best SNR over shifts of up to `reach` samples, and the shift (positive: `actual` is late).
pub fn aligned_snr(actual: &[f32], expected: &[f64], reach: isize) -> (f64, isize) {
    let at = |shift: isize| {
        let skip = shift.unsigned_abs();
        if shift >= 0 {
            snr(&actual[skip.min(actual.len())..], expected, 3_000)
        } else {
            snr(actual, &expected[skip.min(expected.len())..], 3_000)
        }
    };
    (-reach..=reach).map(|shift| (at(shift), shift)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}
