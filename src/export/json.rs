//! A result as JSON: the object of `attack --json`, and all that is needed to compute it again.
//!
//! JSON has no infinity: what is infinite, such as the SNR of a clip that was not changed, is null
//! like what is undefined.

use serde_json::{Map, Value, json};

use super::record::{Hashes, Record, Transfer};
use crate::attacks::{AttackOption, AttackSpec, Goal, Outcome};
use crate::audio::SAMPLE_RATE;
use crate::metrics::Metrics;
use crate::models::Verdict;
use crate::survival::Survived;

/// What [`record_json`] says it is.
pub const FORMAT: &str = "mondegreen result";

/// The version of [`record_json`]'s fields. Fields that are added do not change it.
pub const FORMAT_VERSION: u32 = 1;

/// The fields of `attack --json`; `clip` as people named it.
pub fn summary_json(record: &Record, clip: &str) -> Map<String, Value> {
    let outcome = &record.outcome;
    let labels = &outcome.original.labels;
    let mut fields = object(json!({
        "clip": clip,
        "model": record.model.to_string(),
        "attack": record.spec.id.name(),
        "target": outcome.goal.target().map(|target| labels.name(target)),
        "status": outcome.status.name(),
        "reason": outcome.status.reason(),
        "note": outcome.note,
        "original": label_json(&outcome.original, outcome.original.top().0),
        "adversarial": label_json(&outcome.adversarial, outcome.adversarial.top().0),
        "original_label_confidence_after": outcome.adversarial.probability(outcome.original_label),
        "margin_after": outcome.margin(),
        "iterations": outcome.iterations,
        "gradient_evaluations": outcome.gradient_evaluations,
        "seconds": outcome.seconds,
        "seed": outcome.seed,
        "sixteen_bit": outcome.sixteen_bit,
        "attack_options": spec_json(&record.spec),
    }));
    fields.append(&mut metrics_json(&outcome.metrics));
    if let Some(survival) = &record.survival {
        let all = survival.iter().map(|survived| Value::Object(survived_json(survived, outcome)));
        fields.insert("survival".to_owned(), all.collect());
    }
    if let Some(transfer) = &record.transfer {
        let all = transfer.iter().map(|one| Value::Object(transfer_json(one)));
        fields.insert("transfer".to_owned(), all.collect());
    }
    fields
}

/// Everything: the fields of [`summary_json`], and program, clip, weights, labels, all
/// probabilities, options, threads, device, and the command that computes it again.
pub fn record_json(record: &Record, hashes: &Hashes) -> Map<String, Value> {
    let source = record.clip.source();
    let mut fields = summary_json(record, &source.to_string_lossy());
    let (outcome, clip) = (&record.outcome, &record.clip);
    let labels = &outcome.original.labels;
    let all = |verdict: &Verdict| json!(verdict.probabilities.to_vec());
    let card = record.card.as_deref();
    fields.append(&mut object(json!({
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program": { "name": "mondegreen", "version": crate::VERSION },
        "name": record.name,
        "clip_details": {
            "name": &*clip.name,
            "path": clip.path.as_deref().map(|path| path.to_string_lossy()),
            "samples": clip.samples.len(),
            "seconds": clip.seconds(),
            "sample_rate": SAMPLE_RATE,
            "samples_sha256": hashes.clip,
            "source_rate": clip.source_rate,
            "source_channels": clip.source_channels,
            "clipped": clip.clipped,
        },
        "model_details": {
            "architecture": card.map(|card| card.id.name()),
            "title": record.model.title(),
            "weights_file": card.map(|card| card.file.to_string_lossy()),
            "weights_sha256": card.map(|card| card.weights_sha256.as_str()),
            "parameters": card.map(|card| card.parameters),
            "test_accuracy": card.and_then(|card| card.test_accuracy),
            "training_data": card.and_then(|card| card.training_data.as_deref()),
            "labels": labels.iter().collect::<Vec<_>>(),
        },
        "goal": match outcome.goal {
            Goal::Untargeted => "untargeted",
            Goal::Targeted(_) => "targeted",
        },
        "true_label": record.true_label.map(|label| labels.name(label)),
        "original_label": labels.name(outcome.original_label),
        "original_top": top_json(&outcome.original),
        "adversarial_top": top_json(&outcome.adversarial),
        "original_probabilities": all(&outcome.original),
        "adversarial_probabilities": all(&outcome.adversarial),
        "peak_to_peak": outcome.metrics.peak_to_peak,
        "adversarial_samples_sha256": hashes.adversarial,
        "threads": record.threads,
        "device": record.device,
        "command": record.command(&source.to_string_lossy()),
    })));
    if let (Some(survival), Some(Value::Array(told))) =
        (&record.survival, fields.get_mut("survival"))
    {
        for (survived, told) in survival.iter().zip(told) {
            if let (Ok(heard), Some(told)) = (&survived.result, told.as_object_mut()) {
                told.insert("probabilities".to_owned(), all(&heard.verdict));
                told.insert("clean_probabilities".to_owned(), all(&heard.clean));
            }
        }
    }
    if let (Some(transfer), Some(Value::Array(told))) =
        (&record.transfer, fields.get_mut("transfer"))
    {
        for (one, told) in transfer.iter().zip(told) {
            if let Some(told) = told.as_object_mut() {
                let labels = one.original.labels.iter().collect::<Vec<_>>();
                told.insert("labels".to_owned(), json!(labels));
                told.insert("original_probabilities".to_owned(), all(&one.original));
                told.insert("adversarial_probabilities".to_owned(), all(&one.adversarial));
            }
        }
    }
    fields
}

/// `{"label", "confidence"}` of one label; null where the model was not asked.
pub fn label_json(verdict: &Verdict, label: usize) -> Value {
    if verdict.probabilities.is_empty() {
        return Value::Null;
    }
    json!({ "label": verdict.labels.name(label), "confidence": verdict.probability(label) })
}

/// The five most probable labels.
fn top_json(verdict: &Verdict) -> Value {
    verdict.ranked(5).into_iter().map(|(label, _)| label_json(verdict, label)).collect()
}

/// What one other model says.
pub fn transfer_json(transfer: &Transfer) -> Map<String, Value> {
    object(json!({
        "model": transfer.model.to_string(),
        "fooled": transfer.fooled(),
        "original": label_json(&transfer.original, transfer.original.top().0),
        "adversarial": label_json(&transfer.adversarial, transfer.adversarial.top().0),
    }))
}

/// What became of a result by one transform.
pub fn survived_json(survived: &Survived, outcome: &Outcome) -> Map<String, Value> {
    let heard = survived.result.as_ref().ok();
    let verdict = heard.map(|heard| &heard.verdict);
    object(json!({
        "transform": survived.transform.name(),
        "status": survived.status(),
        "label": verdict.map(|verdict| verdict.labels.name(verdict.top().0)),
        "confidence": verdict.map(|verdict| verdict.top().1),
        "original_label_confidence":
            verdict.map(|verdict| verdict.probability(outcome.original_label)),
        "clean_label": heard.map(|heard| heard.clean.labels.name(heard.clean.top().0)),
        "clean_confidence": heard.map(|heard| heard.clean.top().1),
        "snr_db": heard.map(|heard| heard.snr_db),
        "reason": survived.result.as_ref().err(),
    }))
}

/// The measures of a perturbation.
pub fn metrics_json(metrics: &Metrics) -> Map<String, Value> {
    let (loudness, mask) = (&metrics.loudness, &metrics.noise_to_mask);
    object(json!({
        "snr_db": metrics.snr_db,
        "segmental_snr_db": metrics.segmental_snr_db,
        "peak": metrics.peak,
        "peak_dbfs": metrics.peak_dbfs(),
        "peak_to_peak_dbfs": metrics.peak_to_peak_dbfs(),
        "loudness_original_lufs": loudness.original_lufs,
        "loudness_adversarial_lufs": loudness.adversarial_lufs,
        "loudness_difference_lu": loudness.difference_lu(),
        "loudness_perturbation_lufs": loudness.perturbation_lufs,
        "noise_to_mask_db": mask.total_db,
        "noise_to_mask_worst_db": mask.worst_frame_db,
        "noise_to_mask_worst_seconds": mask.worst_frame_db.is_finite().then_some(mask.worst_seconds),
    }))
}

/// The options that the attack takes; null is the preset's own.
pub fn spec_json(spec: &AttackSpec) -> Value {
    // Named one by one, so that an option that is added can't be forgotten here.
    let AttackSpec {
        id,
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
    } = *spec;
    let all = [
        (AttackOption::Snr, "snr_db", json!(snr_db)),
        (AttackOption::Linf, "linf_dbfs", json!(linf_dbfs)),
        (AttackOption::Preset, "preset", json!(preset.name())),
        (AttackOption::Confidence, "confidence", json!(confidence)),
        (AttackOption::Searches, "searches", json!(searches)),
        (AttackOption::Iterations, "iterations", json!(iterations)),
        (AttackOption::Candidates, "candidates", json!(candidates)),
        (AttackOption::Overshoot, "overshoot", json!(overshoot)),
        (AttackOption::Momentum, "momentum", json!(momentum)),
        (AttackOption::RandomStart, "random_start", json!(random_start)),
        (AttackOption::LogScores, "log_scores", json!(log_scores)),
    ];
    let mut taken: Map<String, Value> = all
        .into_iter()
        .filter(|(option, ..)| id.takes(*option))
        .map(|(_, name, value)| (name.to_owned(), value))
        .collect();
    taken.insert("sixteen_bit".to_owned(), json!(sixteen_bit));
    taken.into()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_infinite_or_undefined_is_null() {
        let same = metrics_json(&Metrics::of(&[0.1; 3200], &[0.1; 3200]));
        let finite: Vec<_> = same.iter().filter(|(_, value)| !value.is_null()).collect();
        let names: Vec<_> = finite.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["peak", "segmental_snr_db"], "{same:?}");
    }

    #[test]
    fn a_short_clip_has_every_measure_but_loudness() {
        let noisy: Vec<f32> = (0..3200).map(|n| 0.1 + 0.001 * (n % 7) as f32).collect();
        for (name, value) in &metrics_json(&Metrics::of(&[0.1; 3200], &noisy)) {
            assert_eq!(value.is_null(), name.starts_with("loudness"), "{name}: {value}");
        }
    }
}
