//! A whole test as a TOML file, to be shared, versioned and run again elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ListenError, Protocol, Stimuli, Stimulus};
use crate::{audio, files};

/// The version of session files that this program writes and reads.
pub const TEST_VERSION: u32 = 1;

/// The shortest part that can be looped, in seconds.
const SHORTEST_REGION: f64 = 0.1;

/// A listening test. Paths are relative to the file's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// [`TEST_VERSION`].
    pub version: u32,
    /// What the test is called.
    pub title: String,
    /// What is asked.
    pub protocol: Protocol,
    /// How many trials count; 16, or 50 where the level follows the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// What the hidden order is drawn with, up to 2^63 - 1; without one each session draws its own,
    /// which its log keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How the right answers are drawn.
    #[serde(default)]
    pub order: Order,
    /// Trials before the test, with "right" and "wrong", that do not count.
    #[serde(default = "two")]
    pub practice: usize,
    /// Trials among the others whose change is obvious: who misses them was not listening. They do
    /// not count.
    #[serde(default)]
    pub catch_trials: usize,
    /// SNR in dB of catch trials and of the first practice trials.
    #[serde(default)]
    pub catch_snr_db: f64,
    /// A pause after so many trials; none if 0.
    #[serde(default)]
    pub pause_after: usize,
    /// Level of significance.
    #[serde(default = "five_percent")]
    pub alpha: f64,
    /// What participants must agree to before anything is written of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// How sounds are played.
    #[serde(default)]
    pub playback: Playback,
    /// How the level follows the answers.
    #[serde(default)]
    pub adaptive: Adaptive,
    /// The pairs.
    #[serde(default)]
    pub stimuli: Vec<StimulusEntry>,
}

/// How the right answers are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each right answer as often as the other, within one, for every pair, in random order.
    #[default]
    Balanced,
    /// Each by a coin of its own: the binomial test then holds for any way of guessing, also for
    /// people who take care to give both answers equally often.
    Independent,
}

/// How sounds are played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Playback {
    /// Whether the end leads back to the beginning.
    #[serde(rename = "loop")]
    pub looping: bool,
    /// Length of the linear crossfade between sounds, in ms, from 1 to 50.
    pub crossfade_ms: f64,
    /// Whether switching begins anew: for sounds shorter than a second.
    pub restart_on_switch: bool,
    /// The part that is played, in seconds, at least 0.1 s long; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<[f64; 2]>,
}

impl Default for Playback {
    fn default() -> Self {
        Self { looping: true, crossfade_ms: 5.0, restart_on_switch: false, region: None }
    }
}

/// How the level follows the answers. The lower the SNR, the easier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adaptive {
    /// SNR in dB of the first trial.
    pub start_snr_db: f64,
    /// The lowest SNR in dB that is played.
    pub easiest_snr_db: f64,
    /// The highest SNR in dB that is played.
    pub hardest_snr_db: f64,
    /// Steps in dB of a staircase: the next one after every second reversal, the last for the rest.
    pub steps_db: Vec<f64>,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            start_snr_db: 10.0,
            easiest_snr_db: 0.0,
            hardest_snr_db: 80.0,
            steps_db: vec![8.0, 4.0, 2.0],
        }
    }
}

/// One pair, a ladder of one pair, or a folder of pairs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StimulusEntry {
    /// What the report calls it; the file's name if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sound as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<PathBuf>,
    /// The changed sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<PathBuf>,
    /// A folder of `NAME_nat.wav` and `NAME_adv.wav`, in the place of `original` and `changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// The perturbation at these SNRs in dB rather than its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snr_db: Vec<f64>,
}

fn two() -> usize {
    2
}

fn five_percent() -> f64 {
    0.05
}

impl TestFile {
    /// A test without stimuli.
    pub fn new(title: &str, protocol: Protocol) -> Self {
        Self {
            version: TEST_VERSION,
            title: title.to_owned(),
            protocol,
            trials: None,
            seed: None,
            order: Order::Balanced,
            practice: two(),
            catch_trials: 0,
            catch_snr_db: 0.0,
            pause_after: 0,
            alpha: five_percent(),
            consent: None,
            playback: Playback::default(),
            adaptive: Adaptive::default(),
            stimuli: Vec::new(),
        }
    }

    /// How many trials count.
    pub fn trial_count(&self) -> usize {
        self.trials.unwrap_or_else(|| self.protocol.usual_trials())
    }

    /// Reads and validates a file.
    ///
    /// # Errors
    /// Where it can't be read, is no TOML, has an unknown key or a value that can't be; the message
    /// names the key.
    pub fn read(path: &Path) -> Result<Self, ListenError> {
        let io = |source| ListenError::Io { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(io)?;
        let test: Self = toml::from_str(&text).map_err(|error| ListenError::Toml {
            path: path.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        test.validate()?;
        Ok(test)
    }

    /// Writes it as TOML; a file that is there is replaced as a whole.
    ///
    /// # Errors
    /// Where it is not valid or can't be written.
    pub fn write(&self, path: &Path) -> Result<(), ListenError> {
        self.validate()?;
        let text = toml::to_string_pretty(self).map_err(|error| ListenError::Toml {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        files::replace(path, text.as_bytes())
            .map_err(|source| ListenError::Io { path: path.to_owned(), source })
    }

    /// Writes the test with these pairs into a folder, which is made: `test.toml`, and both sounds of
    /// each pair as 32-bit float WAV in `pairs`. With `ladder` every pair is played at these SNRs in
    /// dB rather than its own. Gives the session file.
    ///
    /// # Errors
    /// Where the folder holds a test already, something can't be written, or the test is not valid.
    pub fn write_with_pairs(
        &mut self,
        folder: &Path,
        pairs: &[Stimulus],
        ladder: &[f64],
    ) -> Result<PathBuf, ListenError> {
        let file = folder.join("test.toml");
        let io = |path: &Path, source| ListenError::Io { path: path.to_owned(), source };
        if file.exists() {
            return Err(io(&file, std::io::ErrorKind::AlreadyExists.into()));
        }
        let sounds = folder.join("pairs");
        std::fs::create_dir_all(&sounds).map_err(|source| io(&sounds, source))?;
        self.stimuli.clear();
        for pair in pairs {
            let [original, changed] =
                audio::write_pair(&sounds, &pair.name, &pair.original, &pair.changed)?;
            let inside = |path: &Path| path.file_name().map(|name| Path::new("pairs").join(name));
            self.stimuli.push(StimulusEntry {
                name: Some(pair.name.clone()),
                original: inside(&original),
                changed: inside(&changed),
                folder: None,
                snr_db: ladder.to_vec(),
            });
        }
        self.write(&file)?;
        Ok(file)
    }

    /// Checks all that can be checked before there are any sounds, for so many pairs to come, each
    /// of them played at the SNRs of `ladder` if it has any.
    ///
    /// # Errors
    /// As [`Self::validate`] and, of too few trials, [`Self::prepare`].
    pub fn check_plan(&self, pairs: usize, ladder: &[f64]) -> Result<(), ListenError> {
        let to_come = StimulusEntry {
            original: Some(PathBuf::new()),
            changed: Some(PathBuf::new()),
            snr_db: ladder.to_vec(),
            ..StimulusEntry::default()
        };
        Self { stimuli: vec![to_come], ..self.clone() }.validate()?;
        self.check_count(pairs * ladder.len().max(1))
    }

    /// Whether each pair has a trial.
    fn check_count(&self, pairs: usize) -> Result<(), ListenError> {
        if pairs <= self.trial_count() {
            return Ok(());
        }
        let problem = format!("there are {pairs} pairs, so there must be as many trials or more");
        Err(ListenError::key("trials", problem))
    }

    /// Checks all that can be checked without the sounds.
    ///
    /// # Errors
    /// [`ListenError::Key`] for the first key that has a value that can't be.
    pub fn validate(&self) -> Result<(), ListenError> {
        let check = |good: bool, key: &str, problem: &str| {
            if good { Ok(()) } else { Err(ListenError::key(key, problem)) }
        };
        check(self.version == TEST_VERSION, "version", "this program knows version 1 only")?;
        check(!self.title.trim().is_empty(), "title", "the test needs a name")?;
        let consent = self.consent.as_ref().is_none_or(|text| !text.trim().is_empty());
        check(consent, "consent", "there is nothing to agree to; leave the key out")?;
        let trials = self.trial_count();
        check((1..=1000).contains(&trials), "trials", "it must be from 1 to 1000")?;
        let seed = self.seed.is_none_or(|seed| i64::try_from(seed).is_ok());
        check(seed, "seed", "it must be from 0 to 9223372036854775807")?;
        check(self.practice <= 100, "practice", "it must be from 0 to 100")?;
        let catches = self.catch_trials <= trials;
        check(catches, "catch_trials", "there can't be more of them than trials")?;
        let range = -20.0..=100.0;
        let obvious = (-20.0..=40.0).contains(&self.catch_snr_db);
        check(obvious, "catch_snr_db", "it must be from -20 to 40 dB, so that all can hear it")?;
        check(self.alpha > 0.0 && self.alpha < 0.5, "alpha", "it must be above 0 and below 0.5")?;
        let Playback { crossfade_ms, region, .. } = &self.playback;
        let fade = (1.0..=50.0).contains(crossfade_ms);
        check(fade, "playback.crossfade_ms", "it must be from 1 to 50 ms")?;
        if let Some([start, end]) = region {
            let long = *start >= 0.0 && end - start >= SHORTEST_REGION - 1e-9;
            check(long, "playback.region", "it must be [start, end] in seconds, 0.1 s or longer")?;
        }
        let adaptive = &self.adaptive;
        let (low, high) = (adaptive.easiest_snr_db, adaptive.hardest_snr_db);
        let ends = range.contains(&low) && range.contains(&high) && low + 5.0 <= high;
        check(
            ends,
            "adaptive.hardest_snr_db",
            "it must be at least 5 dB above easiest_snr_db, both from -20 to 100 dB",
        )?;
        let start = (low..=high).contains(&adaptive.start_snr_db);
        check(start, "adaptive.start_snr_db", "it must be from easiest_snr_db to hardest_snr_db")?;
        let steps = &adaptive.steps_db;
        let steps = !steps.is_empty() && steps.iter().all(|step| (0.1..=20.0).contains(step));
        check(steps, "adaptive.steps_db", "it must be one or more steps from 0.1 to 20 dB")?;
        check(!self.stimuli.is_empty(), "stimuli", "there must be at least one [[stimuli]]")?;
        for (index, entry) in self.stimuli.iter().enumerate() {
            self.validate_entry(index, entry)?;
        }
        Ok(())
    }

    fn validate_entry(&self, index: usize, entry: &StimulusEntry) -> Result<(), ListenError> {
        let key = |name: &str| format!("stimuli[{index}].{name}");
        if entry.folder.is_some() && entry.name.is_some() {
            let problem = "the pairs of a folder are called as their files are; leave it out";
            return Err(ListenError::key(key("name"), problem));
        }
        match (&entry.folder, &entry.original, &entry.changed) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            (Some(_), _, _) => {
                let problem = "a folder takes the place of original and changed; give one of both";
                return Err(ListenError::key(key("folder"), problem));
            }
            (None, None, _) => {
                return Err(ListenError::key(key("original"), "the original sound is missing"));
            }
            (None, _, None) => {
                return Err(ListenError::key(key("changed"), "the changed sound is missing"));
            }
        }
        if entry.snr_db.iter().any(|db| !(-20.0..=100.0).contains(db)) {
            return Err(ListenError::key(key("snr_db"), "SNRs must be from -20 to 100 dB"));
        }
        if self.protocol.is_adaptive() && !entry.snr_db.is_empty() {
            let problem = "a staircase sets the SNR itself; leave the ladder out";
            return Err(ListenError::key(key("snr_db"), problem));
        }
        Ok(())
    }

    /// Reads all sounds; paths are relative to `folder`.
    ///
    /// # Errors
    /// Where a sound can't be read or a pair does not fit, where there are fewer trials than pairs,
    /// or a sound is shorter than the part that is played.
    pub fn load(&self, folder: &Path) -> Result<Stimuli, ListenError> {
        self.validate()?;
        let mut pairs = Vec::new();
        for entry in &self.stimuli {
            let read = match (&entry.folder, &entry.original, &entry.changed) {
                (Some(pairs), _, _) => Stimulus::load_folder(&folder.join(pairs))?,
                (None, Some(original), Some(changed)) => {
                    let stem = original.file_stem().map(|stem| stem.to_string_lossy().into_owned());
                    let stem = stem.unwrap_or_default();
                    let stem = stem.strip_suffix("_nat").unwrap_or(&stem);
                    let name = entry.name.as_deref().unwrap_or(stem);
                    vec![Stimulus::load(name, &folder.join(original), &folder.join(changed))?]
                }
                _ => Vec::new(),
            };
            for pair in read {
                if entry.snr_db.is_empty() {
                    pairs.push(pair);
                } else {
                    pairs.extend(pair.ladder(&entry.snr_db)?);
                }
            }
        }
        self.prepare(pairs)
    }

    /// Checks pairs against the test and gives them their common gain.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn prepare(&self, pairs: Vec<Stimulus>) -> Result<Stimuli, ListenError> {
        if pairs.is_empty() {
            return Err(ListenError::key("stimuli", "there must be at least one pair"));
        }
        self.check_count(pairs.len())?;
        let mut names = BTreeSet::new();
        if let Some(pair) = pairs.iter().find(|pair| !names.insert(pair.name.as_str())) {
            let problem = format!(
                "two pairs are called \u{201c}{}\u{201d}, so that nobody could tell their answers \
                 apart: give each a name, and each SNR of a ladder once",
                pair.name
            );
            return Err(ListenError::key("stimuli", problem));
        }
        let scaled = self.protocol.is_adaptive() || self.catch_trials > 0 || self.practice > 0;
        if let Some(pair) = pairs.iter().find(|pair| scaled && !pair.snr_db().is_finite()) {
            return Err(ListenError::Silent { name: pair.name.clone() });
        }
        if let Some([_, end]) = self.playback.region
            && let Some(pair) = pairs.iter().find(|pair| pair.seconds() + 1e-3 < end)
        {
            let problem =
                format!("\u{201c}{}\u{201d} ends after {:.2} s", pair.name, pair.seconds());
            return Err(ListenError::key("playback.region", problem));
        }
        let mut lowest = scaled.then_some(self.catch_snr_db);
        if self.protocol.is_adaptive() {
            lowest = lowest.map(|db| db.min(self.adaptive.easiest_snr_db));
        }
        Ok(Stimuli::new(pairs, lowest))
    }
}

#[cfg(test)]
#[path = "test_file_tests.rs"]
mod tests;
