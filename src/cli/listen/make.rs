//! `mondegreen listen make`: from clips, models and attacks to a test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::super::common::{self, Compute, Failure, Models};
use super::failed;
use crate::attacks::{AttackId, AttackSpec, Flow, Goal, Problem, Progress, Status};
use crate::audio::{self, Clip};
use crate::listening::{Protocol, Stimulus, TestFile};
use crate::names;

/// Options of `listen make`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Clips, of any kind that can be decoded
    #[arg(required = true)]
    clips: Vec<PathBuf>,
    /// Folder for the session file and the pairs; it is made if it is not there
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Whom to fool: a model, a weights file, or `all`
    #[arg(long, default_value = "vgg13", value_parser = common::parse_models)]
    model: Models,
    /// With which attacks, separated by commas
    #[arg(long, default_value = "carlini-wagner", value_delimiter = ',', value_parser = AttackId::find)]
    attack: Vec<AttackId>,
    /// What is asked: abx, 2afc, same-different, triple, staircase-2-down-1-up,
    /// staircase-3-down-1-up or quest-plus
    #[arg(long, default_value = "abx", value_parser = protocol)]
    protocol: Protocol,
    /// How many trials count
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    trials: Option<u32>,
    /// Play each perturbation at these SNRs in dB rather than its own, separated by commas
    #[arg(
        long,
        value_name = "DB,DB,...",
        value_delimiter = ',',
        allow_hyphen_values = true,
        value_parser = common::finite
    )]
    ladder: Vec<f64>,
    /// What the test is called
    #[arg(long, default_value = "Listening test")]
    title: String,
    /// Seed of the attacks
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    compute: Compute,
}

fn protocol(name: &str) -> Result<Protocol, names::UnknownName> {
    let known = Protocol::ALL.map(Protocol::name);
    names::find("protocol", &known, name).map(|index| Protocol::ALL[index])
}

/// Attacks every clip and writes a test of the pairs that came of it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.output.join("test.toml").exists() {
        return Err(Failure::Failed(format!(
            "\u{201c}{}\u{201d} holds a test already; choose another folder",
            arguments.output.display()
        )));
    }
    let mut test = TestFile::new(&arguments.title, arguments.protocol);
    test.trials = arguments.trials.map(|trials| trials as usize);
    let mut prepared = arguments.compute.prepare()?;
    let models = prepared.models(&arguments.model)?;
    let count = arguments.clips.len() * models.len() * arguments.attack.len();
    // Before minutes of attacks rather than after them.
    test.check_plan(count, &arguments.ladder).map_err(|error| failed(&error))?;
    // Nor does a clip that can't be read, or a folder that can't be made, cost any.
    let clips: Result<Vec<_>, _> = arguments.clips.iter().map(|path| clip(path)).collect();
    let clips = clips?;
    std::fs::create_dir_all(&arguments.output).map_err(|error| {
        Failure::Failed(format!(
            "the folder \u{201c}{}\u{201d} can't be made: {error}; choose another one",
            arguments.output.display()
        ))
    })?;
    let bar = common::progress_bar(count);
    let (mut names, mut pairs) = (BTreeSet::new(), Vec::new());
    let (mut left_out, mut not_adversarial) = (0, Vec::new());
    for clip in &clips {
        for (source, model) in &models {
            for &attack in &arguments.attack {
                bar.set_message(format!("{}: {}", source.title(), attack.title()));
                let problem = Problem {
                    samples: Arc::clone(&clip.samples),
                    goal: Goal::Untargeted,
                    true_label: None,
                    seed: arguments.seed,
                    sixteen_bit: false,
                };
                let mut observer = |_: &Progress<'_>| Flow::Continue;
                let attack_run = AttackSpec::new(attack).build();
                let outcome = prepared
                    .pool
                    .install(|| attack_run.run(model.as_ref(), &problem, &mut observer));
                bar.inc(1);
                let what = format!(
                    "{} with {} on {}: {}",
                    clip.name,
                    attack.name(),
                    source.title(),
                    outcome.status.name()
                );
                if outcome.metrics.peak <= 0.0 {
                    bar.suspend(|| eprintln!("mondegreen: left out: {what}"));
                    left_out += 1;
                    continue;
                }
                if outcome.status != Status::Fooled {
                    not_adversarial.push(what);
                }
                let name = unique(
                    &mut names,
                    &audio::file_name(&format!(
                        "{}-{}-{}",
                        clip.name,
                        source.title(),
                        attack.name()
                    )),
                );
                let changed = Clip { samples: outcome.samples, ..clip.clone() };
                let pair = Stimulus::from_clips(&name, clip, &changed);
                pairs.push(pair.map_err(|error| failed(&error))?);
            }
        }
    }
    bar.finish_and_clear();
    if pairs.is_empty() {
        return Err(Failure::Failed(
            "no attack changed a clip, so there is nothing to compare; try others".to_owned(),
        ));
    }
    let file = test
        .write_with_pairs(&arguments.output, &pairs, &arguments.ladder)
        .map_err(|error| failed(&error))?;
    let stimuli = test.load(&arguments.output).map_err(|error| {
        // It was written, so that what does not fit can be mended by hand.
        Failure::Failed(format!("{}: {error}", file.display()))
    })?;
    let (count, s) = (stimuli.pairs.len(), if stimuli.pairs.len() == 1 { "" } else { "s" });
    common::say(format_args!("{}: {count} pair{s}", file.display()))?;
    for what in not_adversarial {
        common::say(format_args!("  changed, but no adversarial sound: {what}"))?;
    }
    if left_out > 0 { Err(Failure::Partly(left_out)) } else { Ok(()) }
}

fn clip(path: &Path) -> Result<Clip, Failure> {
    if path.is_dir() {
        return Err(Failure::Failed(format!(
            "\u{201c}{}\u{201d} is a folder; name clips, which are attacked here. Pairs that are \
             there already (NAME_nat.wav and NAME_adv.wav) need no attack: name their folder in a \
             session file, as [[stimuli]] with folder = \"...\" (docs/listening-log.md)",
            path.display()
        )));
    }
    audio::load(path, audio::DEFAULT_LIMIT_SECONDS)
        .map_err(|error| Failure::Failed(error.to_string()))
}

fn unique(names: &mut BTreeSet<String>, name: &str) -> String {
    let numbered = |index: usize| match index {
        1 => name.to_owned(),
        _ => format!("{name}-{index}"),
    };
    let free = (1..).map(numbered).find(|name| !names.contains(name));
    let free = free.unwrap_or_else(|| name.to_owned());
    names.insert(free.clone());
    free
}
