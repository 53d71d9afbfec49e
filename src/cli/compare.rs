//! `mondegreen compare`: several attacks against several models on one clip.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::attack_options::Options;
use super::common::{self, Compute, Failure, Loaded, Models, Prepared};
use crate::attacks::{AttackId, Flow, Goal, Outcome, Problem, Progress, Status};
use crate::audio::{self, Clip};
use crate::dsp::{Look, StftSettings};
use crate::export::{Record, summary_json};
use crate::figure::{Figure, MOST_TWINS, Twin, Twins};
use crate::files;
use crate::models::{ModelSource, TargetChoice, Verdict};

/// Options of `compare`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The clip, of any kind that can be decoded
    clip: PathBuf,
    /// Whom to fool; can be given several times; `all` is all five
    #[arg(long, default_value = "all", value_parser = common::parse_models)]
    model: Vec<Models>,
    /// With which attack; can be given several times
    #[arg(long, default_values = ["white-noise", "fgsm", "deepfool", "carlini-wagner"])]
    #[arg(value_parser = AttackId::find)]
    attack: Vec<AttackId>,
    /// Into which label (default: any other), `random` or `least-likely`
    #[arg(long, value_name = "LABEL")]
    target: Option<String>,
    #[command(flatten)]
    options: Options,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the table here
    #[arg(long, value_name = "CSV")]
    csv: Option<PathBuf>,
    /// Write the clip and what each attack made of it for the first model here (PNG or SVG)
    #[arg(long, value_name = "FIG.png")]
    figure: Option<PathBuf>,
    /// One JSON object a line on stdout, as `attack --json` gives it
    #[arg(long)]
    json: bool,
    /// Longest clip that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    #[command(flatten)]
    compute: Compute,
}

/// Attacks the clip with everything that was named and says how each ended; one that fails does not
/// keep the others from being made.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    for attack in &arguments.attack {
        arguments.options.check(*attack, arguments.target.is_some())?;
    }
    if let Some(path) = &arguments.csv {
        common::check_table(path)?;
    }
    let place = arguments.figure.as_deref().map_or(Ok(()), Figure::check_place);
    place.map_err(|error| Failure::Failed(error.to_string()))?;
    if arguments.figure.is_some() && arguments.attack.len() > MOST_TWINS {
        return Err(Failure::Usage(format!("a figure has room for {MOST_TWINS} attacks")));
    }
    let mut prepared = arguments.compute.prepare()?;
    let clip = common::load(&arguments.clip, arguments.limit)?;
    let mut models = Vec::new();
    for wanted in &arguments.model {
        models.extend(prepared.models(wanted)?);
    }
    let bar = common::progress_bar(models.len() * arguments.attack.len());
    let mut failed = 0;
    let mut table = vec![COLUMNS.map(str::to_owned)];
    let mut twins = None;
    for loaded in &models {
        let goal = goal(arguments, &prepared, loaded, &clip)?;
        let mut of_model = Vec::new();
        for &attack in &arguments.attack {
            bar.set_message(format!("{} against {}", attack.title(), loaded.0.title()));
            let record = attacked(arguments, &prepared, loaded, &clip, goal, attack);
            bar.inc(1);
            if let Status::Failed(reason) = &record.outcome.status {
                eprintln!("mondegreen: {} on {}: {reason}", attack.title(), loaded.0.title());
                failed += 1;
            }
            if arguments.json {
                let fields = summary_json(&record, &arguments.clip.to_string_lossy());
                bar.suspend(|| common::say(Value::Object(fields)))?;
            }
            table.push(cells(&loaded.0, attack, &record.outcome));
            of_model.push(record);
        }
        twins.get_or_insert_with(|| side_by_side(&clip, &loaded.0, &of_model));
    }
    bar.finish_and_clear();
    if !arguments.json {
        say_table(&table)?;
    }
    if let Some(path) = &arguments.csv {
        write_table(path, &table)?;
    }
    if let (Some(path), Some(twins)) = (&arguments.figure, twins) {
        twins.write(path).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    if failed > 0 { Err(Failure::Partly(failed)) } else { Ok(()) }
}

fn goal(
    arguments: &Arguments,
    prepared: &Prepared,
    (source, model): &Loaded,
    clip: &Clip,
) -> Result<Goal, Failure> {
    let Some(name) = &arguments.target else { return Ok(Goal::Untargeted) };
    let choice = TargetChoice::find(model.labels(), name);
    match choice.map_err(|error| Failure::Usage(error.to_string()))? {
        TargetChoice::Label(label) => Ok(Goal::Targeted(label)),
        TargetChoice::Rule(rule) => {
            let verdict = prepared.pool.install(|| model.classify(&clip.samples));
            let verdict =
                verdict.map_err(|error| prepared.failure(&arguments.clip, &error.to_string()))?;
            let target = rule.target(&verdict, verdict.top().0, arguments.seed);
            target.map(Goal::Targeted).ok_or_else(|| {
                Failure::Usage(format!("{} has no other label to aim at", source.title()))
            })
        }
    }
}

fn attacked(
    arguments: &Arguments,
    prepared: &Prepared,
    (source, model): &Loaded,
    clip: &Clip,
    goal: Goal,
    attack: AttackId,
) -> Record {
    let spec = arguments.options.spec(attack);
    let problem = Problem {
        samples: Arc::clone(&clip.samples),
        goal,
        true_label: None,
        seed: arguments.seed,
        sixteen_bit: spec.sixteen_bit,
    };
    let mut observer = |_: &Progress<'_>| Flow::Continue;
    let outcome =
        prepared.pool.install(|| spec.build().run(model.as_ref(), &problem, &mut observer));
    Record {
        name: None,
        clip: clip.clone(),
        model: source.clone(),
        card: Some(Box::new(model.card().clone())),
        spec,
        true_label: None,
        outcome,
        threads: Some(prepared.pool.current_num_threads()),
        device: Some(prepared.compute.name.clone()),
        trace: Arc::new([]),
        survival: None,
        transfer: None,
    }
}

const COLUMNS: [&str; 8] =
    ["model", "attack", "status", "hears now", "sure", "SNR, dB", "gradients", "seconds"];

fn cells(source: &ModelSource, attack: AttackId, outcome: &Outcome) -> [String; 8] {
    [
        source.title(),
        attack.title().to_owned(),
        outcome.status.name().to_owned(),
        outcome.adversarial.title(),
        format!("{:.2}", outcome.adversarial.top().1),
        format!("{:.2}", outcome.metrics.snr_db),
        outcome.gradient_evaluations.to_string(),
        format!("{:.1}", outcome.seconds),
    ]
}

fn say_table(table: &[[String; 8]]) -> Result<(), Failure> {
    let width = |column: usize| {
        table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    for row in table {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            // Numbers stand at the right.
            if column < 4 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        common::say(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn write_table(path: &Path, table: &[[String; 8]]) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in table {
        writer.write_record(row).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::Failed(error.to_string()))?;
    files::replace(path, &bytes).map_err(|error| common::unwritten(path, &error))
}

/// The clip and what each attack made of it.
fn side_by_side(clip: &Clip, source: &ModelSource, records: &[Record]) -> Twins {
    let top = |verdict: &Verdict| (verdict.title(), verdict.top().1);
    let twin = |record: &Record| Twin {
        attack: record.spec.id.title().to_owned(),
        samples: record.outcome.samples.clone(),
        label: top(&record.outcome.adversarial),
        snr_db: record.outcome.metrics.snr_db,
    };
    let original = records.first().map(|record| top(&record.outcome.original));
    Twins {
        clip: clip.name.to_string(),
        model: source.title(),
        original: clip.samples.clone(),
        original_label: original.unwrap_or_default(),
        twins: records.iter().map(twin).collect(),
        stft: StftSettings::default(),
        look: Look::default(),
    }
}
