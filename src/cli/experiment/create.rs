//! `experiment untargeted`, `targeted` and `accuracy`: begin a run from options, or go on with it.

use std::path::PathBuf;

use clap::Args;

use super::failure;
use super::plan::say;
use super::session::Process;
use crate::attacks::{AttackId, Preset};
use crate::cli::common::{self, Failure};
use crate::experiments::{AttackEntry, Configuration, ExperimentKind, Keep, RunFolder, Split};
use crate::files::absolute;
use crate::models::ModelSource;

/// Options of these.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The run's folder; it is made where it is not there
    run: PathBuf,
    /// Which recordings: test, train or all [default: test]
    #[arg(long, value_name = "SPLIT", value_parser = split)]
    split: Option<Split>,
    /// Only recordings whose label somebody verified (FSDKaggle2018's flag) [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    verified_only: Option<bool>,
    /// A label whose clips are attacked, and that is aimed at; may be given again [default: all, or
    /// the paper's six where targets are aimed at]
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// Most clips of each label [default: 6]
    #[arg(long, value_name = "N")]
    clips: Option<usize>,
    /// A model, by name or file, or all; may be given again [default: all]
    #[arg(long = "model", value_name = "MODEL")]
    contestants: Vec<String>,
    /// An attack; may be given again [default: the paper's]
    #[arg(long = "attack", value_name = "ATTACK", value_parser = AttackId::find)]
    attacks: Vec<AttackId>,
    /// How long attacks search: quick, paper or best [default: quick]
    #[arg(long, value_parser = Preset::find)]
    preset: Option<Preset>,
    /// Seed of the choice of clips and of everything random [default: 0]
    #[arg(long)]
    seed: Option<u32>,
    /// Do not ask the other models about successes [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_transfer: Option<bool>,
    /// Keep adversarial clips: wav (32-bit float) or safetensors
    #[arg(long, value_name = "FORMAT", value_parser = keep)]
    keep: Option<Keep>,
    /// Longest clip that is accepted, in seconds [default: 60]
    #[arg(long, value_parser = common::positive)]
    limit: Option<f64>,
    /// Attack nothing yet: say what is to do and how long it will take, as `experiment plan`
    #[arg(long)]
    plan: bool,
    /// One JSON object for each item that is done, or with --plan for each that is to do
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    process: Process,
}

fn split(text: &str) -> Result<Split, String> {
    let all = [Split::Test, Split::Train, Split::All];
    let found = all.into_iter().find(|split| split.name() == text);
    found.ok_or_else(|| "it must be test, train or all".to_owned())
}

fn keep(text: &str) -> Result<Keep, String> {
    match text {
        "nothing" => Ok(Keep::Nothing),
        "wav" => Ok(Keep::Wav),
        "safetensors" => Ok(Keep::Safetensors),
        _ => Err("it must be wav, safetensors or nothing".to_owned()),
    }
}

/// Begins the run or goes on with it.
pub fn run(kind: ExperimentKind, arguments: &Arguments) -> Result<(), Failure> {
    // What its configuration names must mean the same wherever the next process is started.
    let folder = RunFolder::new(absolute(&arguments.run));
    let configuration = if folder.has_configuration() {
        let mut there = folder.configuration().map_err(failure)?;
        if there.experiment != kind {
            return Err(Failure::Usage(format!(
                "{} holds a run of the experiment \u{201c}{}\u{201d}; give another folder",
                arguments.run.display(),
                there.experiment.name()
            )));
        }
        if let Some(data) = &arguments.process.data {
            there.data = absolute(data);
        }
        configuration(arguments, there)?
    } else {
        let Some(data) = &arguments.process.data else {
            return Err(Failure::Usage(
                "a new run needs --data: a folder with one folder a label, a CSV list (file, \
                 label, split), or FSDKaggle2018"
                    .to_owned(),
            ));
        };
        let preset = arguments.preset.unwrap_or(Preset::Quick);
        configuration(arguments, Configuration::new(kind, absolute(data), preset))?
    };
    let mut session = arguments.process.open(&arguments.run, configuration)?;
    if arguments.plan { say(&session, arguments.json) } else { session.go_on(arguments.json) }
}

/// A configuration with the options that were given.
fn configuration(arguments: &Arguments, from: Configuration) -> Result<Configuration, Failure> {
    let mut it = from;
    if let Some(split) = arguments.split {
        it.split = split;
    }
    it.verified_only = arguments.verified_only.unwrap_or(it.verified_only);
    if !arguments.labels.is_empty() {
        it.labels.clone_from(&arguments.labels);
    }
    if let Some(clips) = arguments.clips {
        it.clips_per_label = clips;
    }
    if arguments.contestants.iter().any(|name| name == "all") {
        it.models = Configuration::all_models();
    } else if !arguments.contestants.is_empty() {
        let name = |name: &String| match ModelSource::find(name) {
            Ok(ModelSource::File(path)) => Ok(absolute(&path).to_string_lossy().into_owned()),
            Ok(source) => Ok(source.to_string()),
            Err(error) => Err(Failure::Usage(error.to_string())),
        };
        it.models = arguments.contestants.iter().map(name).collect::<Result<_, _>>()?;
    }
    if !arguments.attacks.is_empty() {
        let preset = arguments.preset.unwrap_or(Preset::Quick);
        let entry = |&id: &AttackId| AttackEntry::new(id, preset);
        it.attacks = arguments.attacks.iter().map(entry).collect();
    } else if let Some(preset) = arguments.preset {
        it.attacks.iter_mut().for_each(|entry| entry.set_preset(preset));
    }
    if let Some(seed) = arguments.seed {
        it.seed = u64::from(seed);
    }
    it.transfer = arguments.no_transfer.map_or(it.transfer, |no| !no);
    if let Some(keep) = arguments.keep {
        it.keep = keep;
    }
    it.limit_seconds = arguments.limit.unwrap_or(it.limit_seconds);
    it.check().map_err(Failure::Usage)?;
    Ok(it)
}
