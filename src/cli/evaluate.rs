//! `mondegreen evaluate`: how good a model is on labelled clips.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::common::{self, Compute, Failure, Loaded, Prepared};
use crate::audio;
use crate::training::{DataSet, Evaluation, Part, TrainingError, evaluate};

/// How many confused pairs are told.
const CONFUSIONS: usize = 5;

/// Which recordings are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Those to report on
    Test,
    /// Those to learn from
    Train,
    /// All
    All,
}

/// Options of `evaluate`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// A folder with one folder a label, a CSV list (file, label, split), or FSDKaggle2018
    #[arg(value_name = "DIR|CSV")]
    data: PathBuf,
    /// Who names the clips: a model, a weights file, or `all`
    #[arg(long, default_value = "vgg13", value_parser = common::parse_models)]
    model: common::Models,
    /// Which of the recordings; those of a data set without a split are all to learn from
    #[arg(long, default_value = "test")]
    part: Which,
    /// Folder for confusion matrix, recall and calibration of each model, as CSV and PNG
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// One JSON object a line on stdout
    #[arg(long)]
    json: bool,
    /// Longest clip that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    #[command(flatten)]
    compute: Compute,
}

/// Evaluates each model; a clip that can't be read is said and left out.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |error: TrainingError| Failure::Failed(error.to_string());
    let data = DataSet::open(&arguments.data).map_err(failed)?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder)
            .map_err(|source| failed(TrainingError::Write { path: folder.clone(), source }))?;
    }
    let mut prepared = arguments.compute.prepare()?;
    let (mut unread, mut problems) = (0, 0);
    for loaded in prepared.models(&arguments.model)? {
        // What one model or its report fails at loses no other's.
        let evaluation = match measure(arguments, &data, &loaded, &prepared) {
            Ok(evaluation) => evaluation,
            Err(error) => {
                eprintln!("mondegreen: {}: {error}", loaded.0.title());
                problems += 1;
                continue;
            }
        };
        if unread == 0 {
            evaluation.failed.iter().for_each(|message| eprintln!("mondegreen: {message}"));
            unread = evaluation.failed.len();
        }
        print(arguments, &loaded, &evaluation)?;
        if let Some(folder) = &arguments.out
            && let Err(error) = write(&evaluation, folder, &loaded)
        {
            eprintln!("mondegreen: {error}");
            problems += 1;
        }
    }
    let failures = unread + problems;
    if failures > 0 { Err(Failure::Partly(failures)) } else { Ok(()) }
}

fn write(
    evaluation: &Evaluation,
    folder: &Path,
    (source, model): &Loaded,
) -> Result<(), TrainingError> {
    let card = model.card();
    let stem = card.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_else(|| card.id.name().to_owned());
    evaluation.write(folder, &name, &source.title())
}

fn measure(
    arguments: &Arguments,
    data: &DataSet,
    (source, model): &Loaded,
    prepared: &Prepared,
) -> Result<Evaluation, Failure> {
    let part = match arguments.part {
        Which::Test => Some(Part::Test),
        Which::Train => Some(Part::Train),
        Which::All => None,
    };
    let count = part.map_or(data.recordings.len(), |part| data.part(part).len());
    let bar = common::progress_bar(count);
    bar.set_message(source.title());
    let evaluation = prepared
        .pool
        .install(|| evaluate(model.as_ref(), data, part, arguments.limit, || bar.inc(1)));
    bar.finish_and_clear();
    evaluation.map_err(|error| Failure::Failed(prepared.compute.explain(&error.to_string())))
}

fn print(
    arguments: &Arguments,
    (source, model): &Loaded,
    evaluation: &Evaluation,
) -> Result<(), Failure> {
    let Evaluation { labels, said, .. } = evaluation;
    let confusions = evaluation.confusions(CONFUSIONS);
    if arguments.json {
        let recall: Map<String, Value> = labels
            .iter()
            .zip(said.recall())
            .filter_map(|(label, recall)| Some((label.to_owned(), json!(recall?))))
            .collect();
        let confusions: Vec<_> = confusions
            .iter()
            .map(|&(truth, named, clips)| {
                json!({ "label": labels.name(truth), "named": labels.name(named), "clips": clips })
            })
            .collect();
        return common::say(json!({
            "model": source.to_string(),
            "weights_sha256": model.card().weights_sha256,
            "clips": said.len(),
            "accuracy": said.accuracy(),
            "balanced_accuracy": said.balanced_accuracy(),
            "map_at_3": said.map_at_3(),
            "cross_entropy": said.cross_entropy(),
            "calibration_error": said.calibration_error(),
            "confidence_where_correct": said.confidence_where_correct(),
            "recall": recall,
            "confusions": confusions,
        }));
    }
    common::say(format_args!(
        "{}: accuracy {:.1} % of {} clips (mean recall of the labels {:.1} %), MAP@3 {:.3}",
        source.title(),
        100.0 * said.accuracy(),
        said.len(),
        100.0 * said.balanced_accuracy(),
        said.map_at_3()
    ))?;
    common::say(format_args!(
        "  cross entropy {:.3}, calibration error {:.3}, confidence where correct {}",
        said.cross_entropy(),
        said.calibration_error(),
        common::confidence(said.confidence_where_correct())
    ))?;
    let counts = said.counts();
    for (label, recall) in said.recall().into_iter().enumerate() {
        if let Some(recall) = recall {
            let (title, clips) = (labels.title(label), counts[label]);
            common::say(format_args!("  {:5.1} %  {title} ({clips})", 100.0 * recall))?;
        }
    }
    for (truth, named, clips) in confusions {
        let (truth, named) = (labels.title(truth), labels.title(named));
        common::say(format_args!("  taken for another: {truth} for {named}, {clips} clips"))?;
    }
    Ok(())
}
