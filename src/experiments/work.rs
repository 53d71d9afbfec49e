//! One item: its clip, its attack, what the other models say.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::candidates::Candidate;
use super::configuration::{Configuration, ExperimentKind, Keep};
use super::error::ExperimentError;
use super::folder::KEPT;
use super::machine::{Contestant, Machine};
use super::plan::Item;
use super::row::{Asked, Row, heard, spelled_as};
use super::survey::Heard;
use crate::attacks::{Flow, Goal, Problem, Progress, Status};
use crate::audio::{self, Clip, WavDepth};
use crate::files;
use crate::models::ScoreKind;

/// What is said where something panicked.
const BROKEN: &str = "the program failed here; please report it with the clip and the model";

/// Does an item on the threads of the pool that it is called in. None where it was stopped before
/// its end: then there is nothing to keep.
///
/// # Errors
/// Where the adversarial clip can't be kept. Everything else that goes wrong is a row.
pub(super) fn attack(
    configuration: &Configuration,
    machine: &Machine,
    clip: &Candidate,
    item: &Item,
    folder: &Path,
    observer: &mut dyn FnMut(&Progress<'_>) -> Flow,
) -> Result<Option<Row>, ExperimentError> {
    let attempt = AssertUnwindSafe(|| try_attack(configuration, machine, clip, item, observer));
    let done = match catch_unwind(attempt) {
        Ok(Ok(done)) => done,
        Ok(Err(reason)) => return Ok(Some(Row::failed(item, (machine.explain)(&reason)))),
        Err(_) => {
            return Ok(Some(Row::failed(item, BROKEN.to_owned())));
        }
    };
    let Some((mut row, clip, samples)) = done else { return Ok(None) };
    if row.is_failed() {
        row.reason = row.reason.map(|reason| (machine.explain)(&reason));
        return Ok(Some(row));
    }
    row.kept = keep(configuration.keep, item, &clip, &samples, folder)?;
    Ok(Some(row))
}

/// A row, the clean clip and the adversarial samples.
type Done = (Row, Clip, std::sync::Arc<[f32]>);

fn try_attack(
    configuration: &Configuration,
    machine: &Machine,
    candidate: &Candidate,
    item: &Item,
    observer: &mut dyn FnMut(&Progress<'_>) -> Flow,
) -> Result<Option<Done>, String> {
    let model = machine.model(&item.model).ok_or("its model is not loaded")?;
    let entry = configuration.attacks.iter().find(|entry| entry.title() == item.attack);
    let mut spec = entry.ok_or("its attack is not configured")?.spec()?;
    spec.log_scores &= model.score_kind() == ScoreKind::Probabilities;
    let clip = audio::load(&candidate.path, configuration.limit_seconds)
        .map_err(|error| error.to_string())?;
    let sha256 = crate::export::sha256_of_samples(&clip.samples);
    if item.clip_sha256.as_ref().is_some_and(|planned| *planned != sha256) {
        return Err("the clip was changed since the models named it; try failures again \
                    (--retry), and they name it anew"
            .to_owned());
    }
    let find = |label: &str| model.labels().find(label).map_err(|error| error.to_string());
    let goal = match &item.target {
        Some(target) => Goal::Targeted(find(target)?),
        None => Goal::Untargeted,
    };
    let problem = Problem {
        samples: clip.samples.clone(),
        goal,
        true_label: Some(find(&item.label)?),
        seed: item.seed,
        sixteen_bit: spec.sixteen_bit,
    };
    let mut observer = |progress: &Progress<'_>| observer(progress);
    let outcome = spec.build().run(model.as_ref(), &problem, &mut observer);
    if outcome.status == Status::Cancelled {
        return Ok(None);
    }
    let row = Row::of(item, &outcome, clip.seconds());
    let mut row = Row { clip_sha256: Some(sha256), ..row };
    let wanted = configuration.transfer && configuration.experiment == ExperimentKind::Untargeted;
    if wanted && row.fooled() {
        // A find of hours is one, whatever becomes of the question.
        match ask_others(machine, item, &clip.samples, &outcome.samples) {
            Ok(all) => row.transfer = Some(all),
            Err(error) => {
                row.unasked = Some((machine.explain)(&error));
            }
        }
    }
    Ok(Some((row, clip, outcome.samples)))
}

/// Asks all other models about both clips.
///
/// # Errors
/// Where one of them fails.
pub(super) fn ask_others(
    machine: &Machine,
    item: &Item,
    clean: &[f32],
    adversarial: &[f32],
) -> Result<Vec<Asked>, String> {
    let others = machine.models.iter().filter(|one| one.name != item.model);
    let ask = |one: &Contestant| {
        let classify = |samples| one.model.classify(samples).map_err(|error| error.to_string());
        let (heard_now, confidence) = heard(&classify(adversarial)?);
        let (heard_then, _) = heard(&classify(clean)?);
        let spelled = |label| spelled_as(&item.label, label);
        let (clean, heard) = (spelled(heard_then), spelled(heard_now));
        let (model, weights) = (one.name.clone(), Some(one.weights()));
        Ok(Asked { model, weights, clean, heard, confidence })
    };
    others.map(ask).collect()
}

/// What a model says of a clean clip. Where the clip can't be read or the model fails, that is the
/// answer, and why.
pub(super) fn survey(
    machine: &Machine,
    one: &Contestant,
    candidate: &Candidate,
    limit_seconds: f64,
) -> Heard {
    let line = Heard {
        clip: candidate.name.clone(),
        label: candidate.label.clone(),
        model: one.name.clone(),
        weights: one.weights(),
        heard: None,
        confidence: 0.0,
        seconds: 0.0,
        reason: None,
        clip_sha256: None,
    };
    let clip = match audio::load(&candidate.path, limit_seconds) {
        Ok(clip) => clip,
        Err(error) => return Heard { reason: Some(error.to_string()), ..line },
    };
    let clip_sha256 = Some(crate::export::sha256_of_samples(&clip.samples));
    let line = Heard { seconds: clip.seconds(), clip_sha256, ..line };
    let verdict = match catch_unwind(AssertUnwindSafe(|| one.model.classify(&clip.samples))) {
        Ok(Ok(verdict)) => verdict,
        broken => {
            let reason = match broken {
                Ok(Err(error)) => (machine.explain)(&error.to_string()),
                _ => BROKEN.to_owned(),
            };
            return Heard { reason: Some(reason), ..line };
        }
    };
    let (label, confidence) = heard(&verdict);
    Heard { heard: Some(spelled_as(&candidate.label, label)), confidence, ..line }
}

/// Keeps the adversarial clip as asked for; says in which file of the run's folder.
fn keep(
    keep: Keep,
    item: &Item,
    clip: &Clip,
    adversarial: &[f32],
    folder: &Path,
) -> Result<Option<String>, ExperimentError> {
    let (name, bytes) = match keep {
        Keep::Nothing => return Ok(None),
        Keep::Wav => {
            let name = format!("{KEPT}/{}.wav", item.id);
            let bytes = audio::wav_bytes(adversarial, WavDepth::Float32);
            (name.clone(), bytes.map_err(ExperimentError::write(&folder.join(name)))?)
        }
        Keep::Safetensors => {
            let name = format!("{KEPT}/{}.safetensors", item.id);
            let bytes = tensors(item, &clip.samples, adversarial)
                .map_err(|error| std::io::Error::other(error.to_string()));
            (name.clone(), bytes.map_err(ExperimentError::write(&folder.join(name)))?)
        }
    };
    let path = folder.join(&name);
    let parent = folder.join(KEPT);
    std::fs::create_dir_all(&parent).map_err(ExperimentError::write(&parent))?;
    files::replace(&path, &bytes).map_err(ExperimentError::write(&path))?;
    Ok(Some(name))
}

/// `original`, `adversarial` and their difference in double precision, which is exact.
fn tensors(
    item: &Item,
    clean: &[f32],
    adversarial: &[f32],
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;
    let singles =
        |samples: &[f32]| samples.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let difference = clean.iter().zip(adversarial).map(|(&x, &y)| f64::from(y) - f64::from(x));
    let difference: Vec<u8> = difference.flat_map(f64::to_le_bytes).collect();
    let (clean_bytes, adversarial_bytes) = (singles(clean), singles(adversarial));
    let shape = vec![clean.len()];
    let views = [
        ("original", TensorView::new(Dtype::F32, shape.clone(), &clean_bytes)?),
        ("adversarial", TensorView::new(Dtype::F32, shape.clone(), &adversarial_bytes)?),
        ("perturbation", TensorView::new(Dtype::F64, shape, &difference)?),
    ];
    let about = [
        ("clip", item.clip.as_str()),
        ("label", &item.label),
        ("model", &item.model),
        ("attack", &item.attack),
        ("target", item.target.as_deref().unwrap_or("")),
        ("sample_rate", "32000"),
    ];
    let about = about.map(|(key, value)| (key.to_owned(), value.to_owned()));
    safetensors::serialize(views, Some(about.into_iter().collect()))
}
