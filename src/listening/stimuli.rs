//! The pairs of sounds that are compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::ListenError;
use crate::audio::{self, Clip, DEFAULT_LIMIT_SECONDS};
use crate::metrics::snr_db;

/// The largest magnitude that is played, linear: -6 dB of full scale. What a resampler adds between
/// samples stays below full scale, so that no limiter ever touches one side and not the other.
pub const HEADROOM: f32 = 0.5;

/// A sound and the same sound with a perturbation.
#[derive(Clone, Debug, PartialEq)]
pub struct Stimulus {
    /// What the report calls it. Participants never see it.
    pub name: String,
    /// The sound as it was, mono at [`SAMPLE_RATE`](crate::audio::SAMPLE_RATE).
    pub original: Arc<[f32]>,
    /// The changed sound, as long.
    pub changed: Arc<[f32]>,
    /// Where the two were read from, in that order, if they were files.
    pub files: Option<[PathBuf; 2]>,
}

impl Stimulus {
    /// A pair of clips.
    ///
    /// # Errors
    /// [`ListenError::Unequal`] where rate, channels or length differ, [`ListenError::Identical`]
    /// where nothing does.
    pub fn from_clips(name: &str, original: &Clip, changed: &Clip) -> Result<Self, ListenError> {
        let title = |clip: &Clip| format!("\u{201c}{}\u{201d}", clip.source().display());
        let (first, second) = (title(original), title(changed));
        let unequal = |difference| {
            Err(ListenError::Unequal {
                original: first.clone(),
                changed: second.clone(),
                difference,
            })
        };
        let (a, b) = (original.source_rate, changed.source_rate);
        if a != b {
            return unequal(format!("one has {a} Hz, the other {b} Hz"));
        }
        let (a, b) = (original.source_channels, changed.source_channels);
        if a != b {
            return unequal(format!("one has {a} channels, the other {b}"));
        }
        let (a, b) = (original.samples.len(), changed.samples.len());
        if a != b {
            return unequal(format!("one has {a} samples, the other {b}"));
        }
        if original.samples == changed.samples {
            return Err(ListenError::Identical { original: first, changed: second });
        }
        let files = original.path.as_deref().zip(changed.path.as_deref());
        Ok(Self {
            name: name.to_owned(),
            original: original.samples.clone(),
            changed: changed.samples.clone(),
            files: files.map(|(a, b)| [a.to_owned(), b.to_owned()]),
        })
    }

    /// Reads a pair of sound files.
    ///
    /// # Errors
    /// Where one can't be read, and as [`Self::from_clips`].
    pub fn load(name: &str, original: &Path, changed: &Path) -> Result<Self, ListenError> {
        let original = audio::load(original, DEFAULT_LIMIT_SECONDS)?;
        let changed = audio::load(changed, DEFAULT_LIMIT_SECONDS)?;
        Self::from_clips(name, &original, &changed)
    }

    /// All pairs `NAME_nat.wav` and `NAME_adv.wav` of a folder, in the order of their names.
    ///
    /// # Errors
    /// Where there is none, one without its partner, or one that can't be read.
    pub fn load_folder(folder: &Path) -> Result<Vec<Self>, ListenError> {
        let io = |source| ListenError::Io { path: folder.to_owned(), source };
        let mut pairs: BTreeMap<String, [Option<PathBuf>; 2]> = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let lower = name.to_ascii_lowercase();
            for (side, ending) in ["_nat.wav", "_adv.wav"].into_iter().enumerate() {
                if let Some(stem) = lower.strip_suffix(ending).and_then(|s| name.get(..s.len())) {
                    pairs.entry(stem.to_owned()).or_default()[side] = Some(path.clone());
                }
            }
        }
        if pairs.is_empty() {
            return Err(ListenError::NoPairs { path: folder.to_owned() });
        }
        let mut stimuli = Vec::new();
        for (name, pair) in pairs {
            stimuli.push(match pair {
                [Some(original), Some(changed)] => Self::load(&name, &original, &changed)?,
                [Some(path), None] => {
                    return Err(ListenError::HalfPair { path, missing: format!("{name}_adv.wav") });
                }
                [_, changed] => {
                    let path = changed.unwrap_or_else(|| folder.to_owned());
                    return Err(ListenError::HalfPair { path, missing: format!("{name}_nat.wav") });
                }
            });
        }
        Ok(stimuli)
    }

    /// SNR of the changed sound in dB.
    pub fn snr_db(&self) -> f64 {
        snr_db(&self.original, &self.changed)
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.original.len() as f64 / f64::from(audio::SAMPLE_RATE)
    }

    /// SHA-256 of the samples of both sounds (32-bit floats, little endian, original first), in
    /// hexadecimal: a log names by it what was heard.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for sample in self.original.iter().chain(self.changed.iter()) {
            hash.update(sample.to_le_bytes());
        }
        hex(&hash.finalize())
    }

    /// What the steps of a ladder have in common in their names, which [`Self::ladder`] gives.
    pub fn ladder_of(name: &str) -> &str {
        let step = name
            .rsplit_once(" at ")
            .filter(|(_, db)| db.strip_suffix(" dB").is_some_and(|db| db.parse::<f64>().is_ok()));
        step.map_or(name, |(ladder, _)| ladder)
    }

    /// The same perturbation at other strengths: one stimulus an SNR in dB.
    ///
    /// # Errors
    /// [`ListenError::Silent`] where the original is.
    pub fn ladder(&self, snrs_db: &[f64]) -> Result<Vec<Self>, ListenError> {
        if !(self.snr_db().is_finite()) {
            return Err(ListenError::Silent { name: self.name.clone() });
        }
        let step = |&db: &f64| Self {
            name: format!("{} at {db} dB", self.name),
            changed: at_snr(&self.original, &self.changed, db),
            ..self.clone()
        };
        Ok(snrs_db.iter().map(step).collect())
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// x + g (x' - x) with the gain g that gives this SNR in dB. It may leave \[-1, 1\]: the headroom of
/// all [`Stimuli`] brings it back before it is played.
pub fn at_snr(original: &[f32], changed: &[f32], db: f64) -> Arc<[f32]> {
    let gain = 10_f64.powf((snr_db(original, changed) - db) / 20.0);
    let scaled =
        |(&x, &y): (&f32, &f32)| (f64::from(x) + gain * (f64::from(y) - f64::from(x))) as f32;
    original.iter().zip(changed).map(scaled).collect()
}

/// All pairs of a test, with the one gain they are played at.
#[derive(Clone, Debug)]
pub struct Stimuli {
    /// The pairs; at least one.
    pub pairs: Vec<Stimulus>,
    /// Linear, at most 1, the same for everything that is heard in the test: neither a side nor a
    /// level may be told by its loudness.
    pub gain: f32,
}

impl Stimuli {
    /// Pairs and their common gain, from the largest magnitude of both sides of all pairs, each also
    /// at the lowest SNR in dB that a staircase or a catch trial may play.
    pub fn new(pairs: Vec<Stimulus>, lowest_snr_db: Option<f64>) -> Self {
        let magnitude = |samples: &[f32]| samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        let mut peak = 0.0_f32;
        for pair in &pairs {
            peak = peak.max(magnitude(&pair.original)).max(magnitude(&pair.changed));
            if let Some(db) = lowest_snr_db.filter(|db| pair.snr_db() > *db) {
                peak = peak.max(magnitude(&at_snr(&pair.original, &pair.changed, db)));
            }
        }
        let gain = if peak > HEADROOM { HEADROOM / peak } else { 1.0 };
        Self { pairs, gain }
    }

    /// A sound of a pair as it is played: the original, or the changed one, at another SNR in dB if
    /// that is given.
    pub fn sound(&self, pair: usize, changed: bool, snr_db: Option<f64>) -> Arc<[f32]> {
        let Some(stimulus) = self.pairs.get(pair) else { return Arc::from([]) };
        let sound = match (changed, snr_db) {
            (false, _) => stimulus.original.clone(),
            (true, None) => stimulus.changed.clone(),
            (true, Some(db)) => at_snr(&stimulus.original, &stimulus.changed, db),
        };
        // Always samples of its own: a player prepares what it has not had before, and a sound that it
        // had in the last trial would be ready sooner.
        sound.iter().map(|x| x * self.gain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(name: &str, samples: &[f32]) -> Clip {
        Clip::from_samples(name, samples)
    }

    fn pair(original: &[f32], changed: &[f32]) -> Stimulus {
        Stimulus::from_clips("pair", &clip("a", original), &clip("b", changed)).unwrap()
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_names() {
        let whole = clip("whole", &[0.1; 400]);
        let mut rate = clip("fast", &[0.2; 400]);
        rate.source_rate = 48_000;
        let mut stereo = clip("wide", &[0.2; 400]);
        stereo.source_channels = 2;
        let cases = [
            (clip("short", &[0.1; 399]), "400 samples, the other 399"),
            (rate, "32000 Hz, the other 48000"),
            (stereo, "1 channels, the other 2"),
            (clip("twin", &[0.1; 400]), "the same to the last bit"),
        ];
        for (other, expected) in cases {
            let message = Stimulus::from_clips("x", &whole, &other).unwrap_err().to_string();
            assert!(message.contains("whole") && message.contains(&*other.name), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_ladder_has_the_snrs_it_says_and_leaves_the_original() {
        let original: Vec<f32> = (0..4000).map(|i| (i as f32 * 0.05).sin() * 0.5).collect();
        let changed: Vec<f32> =
            original.iter().enumerate().map(|(i, x)| x + 0.01 * (i as f32 * 0.9).sin()).collect();
        let steps = pair(&original, &changed).ladder(&[0.0, 20.0, 35.5]).unwrap();
        for (step, db) in steps.iter().zip([0.0, 20.0, 35.5]) {
            assert!((step.snr_db() - db).abs() < 1e-3, "{} is {}", step.name, step.snr_db());
            assert_eq!(*step.original, original[..]);
        }
        assert_eq!(steps[2].name, "pair at 35.5 dB");
        assert!(steps.iter().all(|step| Stimulus::ladder_of(&step.name) == "pair"));
        assert_eq!(Stimulus::ladder_of("Looking at me"), "Looking at me");
        let silent = pair(&[0.0; 8], &[0.1; 8]).ladder(&[10.0]).unwrap_err();
        assert!(silent.to_string().contains("silent"));
    }

    #[test]
    fn one_gain_keeps_everything_that_may_be_played_below_the_ceiling() {
        let (x, y) = ([0.9_f32, -0.3, 0.2, 0.0], [0.9_f32, -0.2, 0.2, 0.05]);
        let quiet = pair(&[0.1, 0.0, 0.1, 0.0], &[0.1, 0.0, 0.11, 0.0]);
        let stimuli = Stimuli::new(vec![pair(&x, &y), quiet], Some(-10.0));
        let mut largest = 0.0_f32;
        for index in 0..2 {
            for (changed, snr) in [(false, None), (true, None), (true, Some(-10.0))] {
                for sample in stimuli.sound(index, changed, snr).iter() {
                    largest = largest.max(sample.abs());
                }
            }
        }
        assert!((largest - HEADROOM).abs() < 1e-6, "{largest}");
        // Loudness relations between pairs stay.
        assert!(
            (stimuli.sound(1, false, None)[0] / stimuli.sound(0, false, None)[0] - 1.0 / 9.0).abs()
                < 1e-6
        );
        // What is soft already passes bit for bit.
        let soft = Stimuli::new(vec![pair(&[0.1, 0.2], &[0.1, 0.3])], None);
        assert_eq!(*soft.sound(0, true, None), [0.1, 0.3]);
        // And is not the same allocation twice, which would be ready sooner.
        assert!(!Arc::ptr_eq(&soft.sound(0, false, None), &soft.sound(0, false, None)));
    }
}
