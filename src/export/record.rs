//! All there is to say of one result.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::attacks::{AttackOption, AttackSpec, Outcome, Preset, TracePoint};
use crate::audio::Clip;
use crate::dsp::{Look, StftSettings};
use crate::figure::Figure;
use crate::models::{ModelCard, ModelSource, Verdict};
use crate::survival::Survived;

/// What another model than the attacked one says of both clips.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// The model.
    pub model: ModelSource,
    /// What it says of the clean clip.
    pub original: Verdict,
    /// What it says of the adversarial one.
    pub adversarial: Verdict,
}

impl Transfer {
    /// Whether it hears something else in the adversarial clip than in the clean one.
    pub fn fooled(&self) -> bool {
        self.original.top().0 != self.adversarial.top().0
    }
}

/// One result with all that is needed to compute it again. Cloning copies neither samples nor steps.
#[derive(Clone, Debug)]
pub struct Record {
    /// What people called the result, if they did.
    pub name: Option<String>,
    /// The clean clip.
    pub clip: Clip,
    /// Whom to fool.
    pub model: ModelSource,
    /// The attacked model as it was then, with the hash of its weights, once it was loaded.
    pub card: Option<Box<ModelCard>>,
    /// The attack with its options.
    pub spec: AttackSpec,
    /// The clip's true label, where one was given.
    pub true_label: Option<usize>,
    /// What came of it, with goal and seed.
    pub outcome: Outcome,
    /// How many threads computed it, where that is known.
    pub threads: Option<usize>,
    /// Where it was computed, where that is known.
    pub device: Option<String>,
    /// Its steps.
    pub trace: Arc<[TracePoint]>,
    /// What survives, as far as it was asked.
    pub survival: Option<Vec<Survived>>,
    /// What other models say, as far as they were asked.
    pub transfer: Option<Vec<Transfer>>,
}

/// How the spectrograms of a figure are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pictures {
    /// Window and hop.
    pub stft: StftSettings,
    /// Axis, colours and range.
    pub look: Look,
}

impl Record {
    /// Whether the samples differ from the clean ones at all.
    pub fn was_changed(&self) -> bool {
        self.outcome.metrics.peak > 0.0
    }

    /// The figure of the result: both spectrograms side by side.
    pub fn figure(&self, model: String, pictures: Pictures) -> Figure {
        let top = |verdict: &Verdict| (verdict.title(), verdict.top().1);
        Figure {
            clip: self.clip.name.to_string(),
            model,
            attack: self.spec.id.title().to_owned(),
            original: self.clip.samples.clone(),
            adversarial: self.outcome.samples.clone(),
            original_label: top(&self.outcome.original),
            adversarial_label: top(&self.outcome.adversarial),
            snr_db: self.outcome.metrics.snr_db,
            stft: pictures.stft,
            look: pictures.look,
        }
    }

    /// The command that computes the result again from the clip in a file of that name; words with
    /// spaces are in double quotes.
    pub fn command(&self, clip: &str) -> String {
        let labels = &self.outcome.original.labels;
        let mut words = vec!["mondegreen".to_owned(), "attack".to_owned(), clip.to_owned()];
        let mut option = |name: &str, value: Option<String>| {
            words.push(format!("--{name}"));
            words.extend(value);
        };
        option("model", Some(self.model.to_string()));
        option("attack", Some(self.spec.id.name().to_owned()));
        if let Some(target) = self.outcome.goal.target() {
            option("target", Some(labels.name(target).to_owned()));
        }
        if let Some(label) = self.true_label {
            option("label", Some(labels.name(label).to_owned()));
        }
        let taken = |which| self.spec.id.takes(which);
        let AttackSpec {
            id: _,
            snr_db,
            linf_dbfs,
            preset,
            confidence,
            searches,
            iterations,
            candidates,
            overshoot,
            momentum,
            random_start,
            log_scores,
            sixteen_bit,
        } = self.spec;
        let default = AttackSpec::new(self.spec.id);
        if taken(AttackOption::Linf) && linf_dbfs.is_some() {
            // A value that may begin with a minus stands behind an equals sign.
            option(&format!("linf-dbfs={}", linf_dbfs.unwrap_or_default()), None);
        } else if taken(AttackOption::Snr) {
            option(&format!("snr={snr_db}"), None);
        }
        if taken(AttackOption::Preset) && preset != Preset::Quick {
            option("preset", Some(preset.name().to_owned()));
        }
        let number = |value: Option<usize>| value.map(|value| value.to_string());
        let given = [
            (
                AttackOption::Confidence,
                "confidence",
                (confidence != default.confidence).then(|| confidence.to_string()),
            ),
            (AttackOption::Searches, "searches", number(searches)),
            (AttackOption::Iterations, "iterations", number(iterations)),
            (AttackOption::Candidates, "candidates", number(candidates)),
            (AttackOption::Overshoot, "overshoot", overshoot.map(|share| share.to_string())),
            (
                AttackOption::Momentum,
                "momentum",
                (momentum != default.momentum).then(|| momentum.to_string()),
            ),
        ];
        for (which, name, value) in given {
            if taken(which) && value.is_some() {
                option(name, value);
            }
        }
        if taken(AttackOption::RandomStart) && random_start {
            option("random-start", None);
        }
        if taken(AttackOption::LogScores) && log_scores {
            option("log-scores", None);
        }
        if sixteen_bit {
            option("16-bit", None);
        }
        option("seed", Some(self.outcome.seed.to_string()));
        if let Some(threads) = self.threads {
            option("threads", Some(threads.to_string()));
        }
        let quoted = words.into_iter().map(|word| {
            if word.contains(|c: char| c.is_whitespace() || "\"'&;()<>|$`\\*?!#".contains(c)) {
                format!("\"{}\"", word.replace(['"', '`', '$'], "_"))
            } else {
                word
            }
        });
        quoted.collect::<Vec<_>>().join(" ")
    }
}

/// Hashes of a result's samples, as [`sha256_of_samples`] gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// Of the clean clip.
    pub clip: String,
    /// Of the adversarial one.
    pub adversarial: String,
}

impl Hashes {
    /// The hashes of a result whose samples are at hand.
    pub fn of(record: &Record) -> Self {
        Self {
            clip: sha256_of_samples(&record.clip.samples),
            adversarial: sha256_of_samples(&record.outcome.samples),
        }
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::digest(bytes).as_slice())
}

/// SHA-256 of samples as 32-bit floats, lowest byte first, in hexadecimal: as they lie in a WAV of
/// 32 bits behind its header.
pub fn sha256_of_samples(samples: &[f32]) -> String {
    let mut hasher = Sha256::new();
    for block in samples.chunks(4096) {
        let bytes: Vec<u8> = block.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        hasher.update(&bytes);
    }
    hexadecimal(hasher.finalize().as_slice())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string can't fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}
