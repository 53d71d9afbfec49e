//! What is done to a clip.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use thiserror::Error;

use super::codec;
use super::low_pass::low_pass;
use crate::audio::{ResampleError, SAMPLE_RATE, resample, round_to_bits};

/// Why a transform could not be applied.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TransformError {
    /// There is nothing to transform.
    #[error("the clip has no samples")]
    Empty,
    /// A sample is infinite or not a number.
    #[error("the clip has samples that are no numbers")]
    NotFinite,
    /// Noise relative to silence has no level.
    #[error("the clip is silent, so that noise {0} dB below it has no level")]
    Silent(i32),
    /// It could not be resampled.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// Encoding or decoding failed.
    #[error("{codec} failed: {reason}")]
    Codec {
        /// The format.
        codec: &'static str,
        /// What the encoder or decoder says.
        reason: String,
    },
}

/// Something that happens to recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// Rounded to integers of so many bits, as in a WAV or FLAC file.
    Rounded {
        /// 16 or 24, as files have.
        bits: u32,
        /// With triangular dither of one step to either side (TPDF) before rounding.
        dithered: bool,
    },
    /// Resampled and back.
    Resampled {
        /// The other rate in Hz.
        rate: u32,
    },
    /// MP3 at a constant bit rate.
    Mp3 {
        /// Bit rate in kbit/s.
        kbps: u32,
    },
    /// Opus, which works at 48 kHz: with resampling there and back.
    Opus {
        /// Bit rate in kbit/s.
        kbps: u32,
    },
    /// Ogg Vorbis.
    Vorbis {
        /// About this bit rate in kbit/s.
        kbps: u32,
    },
    /// AAC of low complexity.
    Aac {
        /// Bit rate in kbit/s.
        kbps: u32,
    },
    /// Turned down, or up.
    Gain {
        /// Gain in dB.
        db: i32,
    },
    /// Later by some samples, zeros before.
    Shifted {
        /// By how many samples.
        samples: usize,
    },
    /// Without what is above a frequency.
    LowPass {
        /// The frequency in Hz.
        hz: u32,
    },
    /// Beside white noise.
    Noise {
        /// The clip's level over the noise's in dB.
        snr_db: i32,
    },
}

/// Of the generator, whose first streams are the attacks'.
const STREAM: u64 = u64::MAX;

impl Transform {
    /// What is tried, in the order in which it is shown.
    pub const ALL: [Self; 22] = [
        Self::Rounded { bits: 24, dithered: false },
        Self::Rounded { bits: 24, dithered: true },
        Self::Rounded { bits: 16, dithered: false },
        Self::Rounded { bits: 16, dithered: true },
        Self::Resampled { rate: 44_100 },
        Self::Resampled { rate: 48_000 },
        Self::Mp3 { kbps: 320 },
        Self::Mp3 { kbps: 128 },
        Self::Mp3 { kbps: 64 },
        Self::Opus { kbps: 128 },
        Self::Opus { kbps: 64 },
        Self::Opus { kbps: 32 },
        Self::Vorbis { kbps: 128 },
        Self::Vorbis { kbps: 64 },
        Self::Aac { kbps: 128 },
        Self::Aac { kbps: 64 },
        Self::Gain { db: -6 },
        Self::Shifted { samples: 1 },
        Self::LowPass { hz: 8000 },
        Self::LowPass { hz: 4000 },
        Self::Noise { snr_db: 60 },
        Self::Noise { snr_db: 40 },
    ];

    /// The name in JSON and tables, without spaces.
    pub fn name(self) -> String {
        match self {
            Self::Rounded { bits, dithered: false } => format!("{bits}-bit"),
            Self::Rounded { bits, dithered: true } => format!("{bits}-bit-dithered"),
            Self::Resampled { rate } => format!("{rate}-hz-and-back"),
            Self::Mp3 { kbps } => format!("mp3-{kbps}"),
            Self::Opus { kbps } => format!("opus-{kbps}"),
            Self::Vorbis { kbps } => format!("vorbis-{kbps}"),
            Self::Aac { kbps } => format!("aac-{kbps}"),
            Self::Gain { db } => format!("gain-{db}-db").replace("--", "-minus-"),
            Self::Shifted { samples } => format!("shift-{samples}"),
            Self::LowPass { hz } => format!("low-pass-{hz}-hz"),
            Self::Noise { snr_db } => format!("noise-{snr_db}-db"),
        }
    }

    /// The name for people.
    pub fn title(self) -> String {
        match self {
            Self::Rounded { bits, dithered: false } => format!("{bits} bits"),
            Self::Rounded { bits, dithered: true } => format!("{bits} bits, dithered"),
            Self::Resampled { rate } => format!("{} kHz and back", f64::from(rate) / 1000.0),
            Self::Mp3 { kbps } => format!("MP3 {kbps} kbit/s"),
            Self::Opus { kbps } => format!("Opus {kbps} kbit/s"),
            Self::Vorbis { kbps } => format!("Vorbis ~{kbps} kbit/s"),
            Self::Aac { kbps } => format!("AAC {kbps} kbit/s"),
            Self::Gain { db } => format!("{db} dB").replace('-', "−"),
            Self::Shifted { samples: 1 } => "one sample later".to_owned(),
            Self::Shifted { samples } => format!("{samples} samples later"),
            Self::LowPass { hz } => format!("low-pass {} kHz", f64::from(hz) / 1000.0),
            Self::Noise { snr_db } => format!("noise at {snr_db} dB"),
        }
    }

    /// What happens, in a sentence.
    pub fn explanation(self) -> String {
        match self {
            Self::Rounded { bits, dithered } => {
                let how = if dithered { "after triangular dither of one step" } else { "plainly" };
                format!(
                    "Saved as integers of {bits} bits, rounded {how}, as WAV and FLAC files are."
                )
            }
            Self::Resampled { .. } => {
                "Converted to another sample rate and back to the models' 32 kHz.".to_owned()
            }
            Self::Mp3 { .. } => "Encoded as MP3 (mono, constant bit rate) and decoded.".to_owned(),
            Self::Opus { .. } => {
                "Encoded as Opus (mono, 48 kHz), as calls and messengers do, and decoded."
                    .to_owned()
            }
            Self::Vorbis { .. } => {
                "Encoded as Ogg Vorbis (mono, about this bit rate) and decoded.".to_owned()
            }
            Self::Aac { .. } => "Encoded as AAC of low complexity (mono) and decoded.".to_owned(),
            Self::Gain { db } => {
                let turned = if db < 0 { "down" } else { "up" };
                format!("Turned {turned} by {} dB, as a volume control does.", db.abs())
            }
            Self::Shifted { samples } => {
                let ms = 1000.0 * samples as f64 / f64::from(SAMPLE_RATE);
                format!("The same sound {ms:.2} ms later: models cut it elsewhere.")
            }
            Self::LowPass { .. } => {
                "Without the higher frequencies, as over old telephones and small speakers."
                    .to_owned()
            }
            Self::Noise { snr_db } => {
                format!("Beside white noise that is {snr_db} dB quieter than the clip.")
            }
        }
    }

    /// The clip after the transform: mono at 32 kHz, as long as before, not delayed (unless it is
    /// shifted), in \[-1, 1\]. The same `seed` gives the same dither and noise.
    ///
    /// # Errors
    /// A [`TransformError`] for clips without samples or with infinite ones, for noise beside
    /// silence, and where an encoder or decoder fails.
    pub fn apply(self, samples: &[f32], seed: u64) -> Result<Vec<f32>, TransformError> {
        if samples.is_empty() {
            return Err(TransformError::Empty);
        }
        if samples.iter().any(|sample| !sample.is_finite()) {
            return Err(TransformError::NotFinite);
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        // Attacks draw from the same seed: their noise must not come back as this one.
        random.set_stream(STREAM);
        let mut result = match self {
            Self::Rounded { bits, dithered } => {
                rounded(samples, bits, dithered.then_some(&mut random))
            }
            Self::Resampled { rate } => {
                resample(&resample(samples, SAMPLE_RATE, rate)?, rate, SAMPLE_RATE)?
            }
            Self::Mp3 { kbps } => contain("MP3", || codec::mp3(samples, SAMPLE_RATE, kbps))?,
            Self::Opus { kbps } => {
                let at_48 = resample(samples, SAMPLE_RATE, codec::OPUS_RATE)?;
                let decoded = contain("Opus", || codec::opus(&at_48, kbps))?;
                resample(&decoded, codec::OPUS_RATE, SAMPLE_RATE)?
            }
            Self::Vorbis { kbps } => {
                contain("Vorbis", || codec::vorbis(samples, SAMPLE_RATE, kbps))?
            }
            Self::Aac { kbps } => contain("AAC", || codec::aac(samples, SAMPLE_RATE, kbps))?,
            Self::Gain { db } => {
                let gain = 10_f64.powf(f64::from(db) / 20.0);
                samples.iter().map(|&x| (f64::from(x) * gain) as f32).collect()
            }
            Self::Shifted { samples: count } => {
                let zeros = std::iter::repeat_n(0.0, count);
                zeros.chain(samples.iter().copied()).take(samples.len()).collect()
            }
            Self::LowPass { hz } => low_pass(samples, f64::from(SAMPLE_RATE), f64::from(hz)),
            Self::Noise { snr_db } => noisy(samples, snr_db, &mut random)?,
        };
        result.resize(samples.len(), 0.0);
        for sample in &mut result {
            *sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        }
        Ok(result)
    }
}

/// Runs a codec; a panic in it becomes an error.
fn contain(
    codec: &'static str,
    work: impl FnOnce() -> Result<Vec<f32>, String>,
) -> Result<Vec<f32>, TransformError> {
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let reason = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(format!("it crashed ({})", reason.unwrap_or_else(|| "internal error".to_owned())))
    });
    done.map_err(|reason| TransformError::Codec { codec, reason })
}

/// Rounded to steps of 2^(1 - bits) from -1 to the largest integer below 1.
fn rounded(samples: &[f32], bits: u32, mut dither: Option<&mut ChaCha8Rng>) -> Vec<f32> {
    let steps = 2_f64.powi(bits.cast_signed() - 1);
    let round = |&x: &f32| {
        let dither =
            dither.as_mut().map_or(0.0, |random| random.random::<f64>() - random.random::<f64>());
        round_to_bits(f64::from(x) + dither / steps, bits)
    };
    samples.iter().map(round).collect()
}

/// With white Gaussian noise so many dB below the clip.
fn noisy(
    samples: &[f32],
    snr_db: i32,
    random: &mut ChaCha8Rng,
) -> Result<Vec<f32>, TransformError> {
    let energy = |samples: &[f64]| samples.iter().map(|x| x * x).sum::<f64>();
    let clip: Vec<f64> = samples.iter().copied().map(f64::from).collect();
    let noise: Vec<f64> = clip.iter().map(|_| StandardNormal.sample(random)).collect();
    let wanted = energy(&clip) / 10_f64.powf(f64::from(snr_db) / 10.0);
    if wanted == 0.0 {
        return Err(TransformError::Silent(snr_db));
    }
    let gain = (wanted / energy(&noise)).sqrt();
    Ok(clip.iter().zip(&noise).map(|(x, noise)| (x + gain * noise) as f32).collect())
}
