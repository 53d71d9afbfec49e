//! A result from its JSON: the inverse of [`crate::export::record_json`].

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::attacks::{AttackId, AttackSpec, Goal, Outcome, Preset, Status, TracePoint};
use crate::audio::Clip;
use crate::export::{FORMAT, FORMAT_VERSION, Record, Transfer};
use crate::metrics::{Loudness, Metrics, NoiseToMask};
use crate::models::{Labels, ModelCard, ModelId, ModelSource, Verdict};
use crate::survival::{Fate, Heard, Survived, Transform};

/// A result's JSON as it is read. Fields that are not named here are for people and other programs.
#[derive(Deserialize)]
pub(super) struct Told {
    format: String,
    format_version: u32,
    name: Option<String>,
    model: String,
    model_details: ModelDetails,
    attack: String,
    attack_options: Options,
    target: Option<String>,
    true_label: Option<String>,
    status: String,
    reason: Option<String>,
    note: Option<String>,
    original_label: String,
    original_probabilities: Vec<f32>,
    adversarial_probabilities: Vec<f32>,
    iterations: usize,
    gradient_evaluations: usize,
    seconds: f64,
    seed: u64,
    sixteen_bit: bool,
    threads: Option<usize>,
    device: Option<String>,
    /// The hash of the adversarial samples.
    pub(super) adversarial_samples_sha256: String,
    #[serde(flatten)]
    measures: Measures,
    survival: Option<Vec<ToldSurvived>>,
    transfer: Option<Vec<ToldTransfer>>,
}

#[derive(Deserialize)]
struct ModelDetails {
    architecture: Option<String>,
    weights_file: Option<PathBuf>,
    weights_sha256: Option<String>,
    parameters: Option<usize>,
    test_accuracy: Option<f64>,
    training_data: Option<String>,
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct Options {
    snr_db: Option<f64>,
    linf_dbfs: Option<f64>,
    preset: Option<String>,
    confidence: Option<f64>,
    searches: Option<usize>,
    iterations: Option<usize>,
    candidates: Option<usize>,
    overshoot: Option<f64>,
    momentum: Option<f64>,
    random_start: Option<bool>,
    log_scores: Option<bool>,
}

#[derive(Deserialize)]
struct Measures {
    snr_db: Option<f64>,
    segmental_snr_db: Option<f64>,
    peak: f64,
    peak_to_peak: f64,
    loudness_original_lufs: Option<f64>,
    loudness_adversarial_lufs: Option<f64>,
    loudness_perturbation_lufs: Option<f64>,
    noise_to_mask_db: Option<f64>,
    noise_to_mask_worst_db: Option<f64>,
    noise_to_mask_worst_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct ToldSurvived {
    transform: String,
    status: String,
    probabilities: Option<Vec<f32>>,
    clean_probabilities: Option<Vec<f32>>,
    snr_db: Option<f64>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct ToldTransfer {
    model: String,
    labels: Vec<String>,
    original_probabilities: Vec<f32>,
    adversarial_probabilities: Vec<f32>,
}

impl Told {
    /// The result, with its clip, its samples and its steps where they are at hand.
    ///
    /// # Errors
    /// What is not as a result's JSON is, in a few words.
    pub(super) fn record(
        self,
        clip: Clip,
        samples: Arc<[f32]>,
        trace: Arc<[TracePoint]>,
    ) -> Result<Record, String> {
        if self.format != FORMAT {
            return Err(format!("it is no {FORMAT}"));
        }
        if self.format_version > FORMAT_VERSION {
            return Err(format!("a result is of the newer format {}", self.format_version));
        }
        let details = self.model_details;
        let labels = Labels::new(details.labels);
        let label = |name: &str| {
            let place = labels.iter().position(|known| known == name);
            place.ok_or_else(|| format!("there is no label {name}"))
        };
        let id = AttackId::find(&self.attack).map_err(|error| error.to_string())?;
        let target = self.target.as_deref().map(label).transpose()?;
        let outcome = Outcome {
            status: status(&self.status, self.reason)?,
            original_label: label(&self.original_label)?,
            original: verdict(&labels, self.original_probabilities)?,
            adversarial: verdict(&labels, self.adversarial_probabilities)?,
            samples,
            metrics: self.measures.metrics(),
            iterations: self.iterations,
            gradient_evaluations: self.gradient_evaluations,
            seconds: self.seconds,
            seed: self.seed,
            goal: target.map_or(Goal::Untargeted, Goal::Targeted),
            sixteen_bit: self.sixteen_bit,
            note: self.note,
        };
        let card = match details.architecture {
            Some(architecture) => {
                let id = ModelId::find(&architecture).map_err(|error| error.to_string())?;
                Some(Box::new(ModelCard {
                    parameters: details.parameters.unwrap_or_default(),
                    test_accuracy: details.test_accuracy,
                    training_data: details.training_data,
                    file: details.weights_file.unwrap_or_default(),
                    weights_sha256: details.weights_sha256.unwrap_or_default(),
                    ..ModelCard::new(id, labels.clone())
                }))
            }
            None => None,
        };
        let survival = self.survival.map(|told| {
            let known = told.into_iter().filter_map(|told| told.survived(&labels).transpose());
            known.collect::<Result<Vec<_>, String>>()
        });
        let transfer =
            self.transfer.map(|told| told.into_iter().map(ToldTransfer::transfer).collect());
        Ok(Record {
            name: self.name,
            clip,
            model: source(&self.model)?,
            card,
            spec: self.attack_options.spec(id, self.sixteen_bit)?,
            true_label: self.true_label.as_deref().map(label).transpose()?,
            outcome,
            threads: self.threads,
            device: self.device,
            trace,
            survival: survival.transpose()?,
            transfer: transfer.transpose()?,
        })
    }
}

impl Options {
    fn spec(self, id: AttackId, sixteen_bit: bool) -> Result<AttackSpec, String> {
        let default = AttackSpec::new(id);
        let preset = self.preset.map(|name| Preset::find(&name)).transpose();
        Ok(AttackSpec {
            id,
            snr_db: self.snr_db.unwrap_or(default.snr_db),
            linf_dbfs: self.linf_dbfs,
            preset: preset.map_err(|error| error.to_string())?.unwrap_or(default.preset),
            confidence: self.confidence.unwrap_or(default.confidence),
            searches: self.searches,
            iterations: self.iterations,
            candidates: self.candidates,
            overshoot: self.overshoot,
            momentum: self.momentum.unwrap_or(default.momentum),
            random_start: self.random_start.unwrap_or(default.random_start),
            log_scores: self.log_scores.unwrap_or(default.log_scores),
            sixteen_bit,
        })
    }
}

impl Measures {
    /// JSON has no infinity; what may be infinite is so where it is null.
    fn metrics(&self) -> Metrics {
        Metrics {
            snr_db: self.snr_db.unwrap_or(f64::INFINITY),
            segmental_snr_db: self.segmental_snr_db,
            peak: self.peak,
            peak_to_peak: self.peak_to_peak,
            loudness: Loudness {
                original_lufs: self.loudness_original_lufs,
                adversarial_lufs: self.loudness_adversarial_lufs,
                perturbation_lufs: self.loudness_perturbation_lufs,
            },
            noise_to_mask: NoiseToMask {
                total_db: self.noise_to_mask_db.unwrap_or(f64::NEG_INFINITY),
                worst_frame_db: self.noise_to_mask_worst_db.unwrap_or(f64::NEG_INFINITY),
                worst_seconds: self.noise_to_mask_worst_seconds.unwrap_or_default(),
            },
        }
    }
}

impl ToldSurvived {
    /// None for a transform that this version does not know.
    fn survived(self, labels: &Labels) -> Result<Option<Survived>, String> {
        let known = Transform::ALL.into_iter().find(|known| known.name() == self.transform);
        let Some(transform) = known else { return Ok(None) };
        let fate = match self.status.as_str() {
            "fooled" => Fate::Fooled,
            "not fooled" => Fate::NotFooled,
            "misheard anyway" => Fate::MisheardAnyway,
            _ => {
                let result = Err(self.reason.unwrap_or_default());
                return Ok(Some(Survived { transform, result }));
            }
        };
        let missing = || format!("{} has no probabilities", self.transform);
        let heard = Heard {
            verdict: verdict(labels, self.probabilities.ok_or_else(missing)?)?,
            clean: verdict(labels, self.clean_probabilities.ok_or_else(missing)?)?,
            fate,
            snr_db: self.snr_db.unwrap_or(f64::INFINITY),
        };
        Ok(Some(Survived { transform, result: Ok(heard) }))
    }
}

impl ToldTransfer {
    fn transfer(self) -> Result<Transfer, String> {
        let labels = Labels::new(self.labels);
        Ok(Transfer {
            model: source(&self.model)?,
            original: verdict(&labels, self.original_probabilities)?,
            adversarial: verdict(&labels, self.adversarial_probabilities)?,
        })
    }
}

fn source(name: &str) -> Result<ModelSource, String> {
    ModelSource::find(name).map_err(|error| error.to_string())
}

/// As many probabilities as labels, or none where the model was not asked.
fn verdict(labels: &Labels, probabilities: Vec<f32>) -> Result<Verdict, String> {
    if !probabilities.is_empty() && probabilities.len() != labels.len() {
        let (are, labels) = (probabilities.len(), labels.len());
        return Err(format!("there are {are} probabilities for {labels} labels"));
    }
    Ok(Verdict { labels: labels.clone(), probabilities: probabilities.into() })
}

fn status(name: &str, reason: Option<String>) -> Result<Status, String> {
    let reason = reason.unwrap_or_default();
    let all = [
        Status::Fooled,
        Status::NotFooled(reason.clone()),
        Status::AlreadyMisclassified,
        Status::AlreadyTheTarget,
        Status::Cancelled,
        Status::Failed(reason),
    ];
    let found = all.into_iter().find(|status| status.name() == name);
    found.ok_or_else(|| format!("no attack ends as \u{201c}{name}\u{201d}"))
}
