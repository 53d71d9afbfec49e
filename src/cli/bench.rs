//! `mondegreen bench`: how fast models and attacks are on this machine.

use std::io::BufRead as _;

use clap::Args;
use rayon::ThreadPool;
use serde_json::{Value, json};

use super::common::{self, Compute, Failure, Models, Prepared};
use crate::models::{ModelSource, WeightsError, search_directories};
use crate::timing::{ATTACKED_CLIP, CLIP_SECONDS, Case, Report, Subject, Timing, Workload};

/// Options of `bench`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Which model: vgg13, crnn, gcnn, dense-mel, dense-wav, a .safetensors file, or `all`
    #[arg(long, default_value = "all", value_parser = common::parse_models)]
    model: Models,
    /// How many chunks at once, one size or several
    #[arg(
        long, value_name = "N,...", value_delimiter = ',', default_value = "1,8",
        value_parser = clap::value_parser!(u16).range(1..=128)
    )]
    batch: Vec<u16>,
    /// How often each case is timed, in turn with the others, after a first time that does not count
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Time a training step with 32 chunks, too (on the CPU)
    #[arg(long)]
    training: bool,
    /// One JSON object a model and line on stdout
    #[arg(long)]
    json: bool,
    /// Time what is asked for: one case a line on stdin ("network-gradient 8"), one JSON object a
    /// line on stdout, after one that lists the cases. For scripts that take turns with another
    /// program
    #[arg(long, conflicts_with_all = ["rounds", "json"])]
    on_request: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Times every model that was asked for.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Prepared { pool, compute, .. } = arguments.compute.prepare()?;
    let (device, name) = (&compute.device, &compute.name);
    let failed = |source: &ModelSource, error: &dyn std::fmt::Display| {
        let reason = compute.explain(&error.to_string());
        Failure::Failed(format!("{} can't be timed: {reason}", source.title()))
    };
    let directories = search_directories(arguments.compute.models.as_deref());
    let mut batches: Vec<_> = arguments.batch.iter().map(|&batch| usize::from(batch)).collect();
    batches.sort_unstable();
    batches.dedup();
    let mut missing = Vec::new();
    for source in &arguments.model.sources {
        let subject = match Subject::load(source, &directories, device) {
            Ok(subject) => subject,
            Err(error @ WeightsError::NotFound { .. }) if arguments.model.all => {
                missing.push(error);
                continue;
            }
            Err(error) => return Err(failed(source, &error)),
        };
        let workload = Workload::new(subject, &batches, arguments.training)
            .map_err(|error| failed(source, &error))?;
        if arguments.on_request {
            let cases = workload.cases().map_err(|error| failed(source, &error))?;
            answer(source, &cases, &pool, |error| failed(source, error))?;
            continue;
        }
        let rounds = usize::from(arguments.rounds);
        let bar = common::progress_bar(workload.runs(rounds));
        bar.set_message(source.title());
        let report = pool.install(|| workload.measure(rounds, || bar.inc(1)));
        bar.finish_and_clear();
        let report = report.map_err(|error| failed(source, &error))?;
        let threads = pool.current_num_threads();
        if arguments.json {
            common::say(object(source, name, threads, rounds, &report))?;
        } else {
            table(source, name, threads, rounds, &report)?;
        }
    }
    match missing.first() {
        Some(error) if missing.len() == arguments.model.sources.len() => {
            Err(Failure::Failed(error.to_string()))
        }
        _ => {
            missing.iter().for_each(common::say_left_out);
            Ok(())
        }
    }
}

fn object(
    source: &ModelSource,
    device: &str,
    threads: usize,
    rounds: usize,
    report: &Report,
) -> Value {
    let timing = |timing: &Timing| {
        json!({
            "case": timing.name,
            "batch": timing.batch,
            "median_ms": timing.milliseconds.median,
            "low_ms": timing.milliseconds.low,
            "high_ms": timing.milliseconds.high,
        })
    };
    json!({
        "model": source.to_string(),
        "device": device,
        "threads": threads,
        "rounds": rounds,
        "timings": report.timings.iter().map(timing).collect::<Vec<_>>(),
        "top_10_ratio": report.top_10_ratio(),
        "log_mel_share": report.log_mel_share(),
        "attack_iterations_per_second": report.attack_iterations_per_second(),
        "attack_memory_bytes": report.attack_memory,
        "peak_memory_bytes": report.peak_memory,
    })
}

/// A case in words.
fn words(name: &str) -> String {
    match name {
        "forward" => "one chunk of sound: forward".to_owned(),
        "gradient" => "one chunk of sound: forward and gradient".to_owned(),
        "network-forward" => "network alone: forward".to_owned(),
        "network-gradient" => "network alone: forward and gradient".to_owned(),
        "log-mel-forward" => format!("log-mel of {CLIP_SECONDS} s: forward"),
        "log-mel-gradient" => format!("log-mel of {CLIP_SECONDS} s: forward and gradient"),
        "top-10-gradients" => "one chunk of sound: 10 class gradients".to_owned(),
        "training-step" => "training step, network alone".to_owned(),
        "attack" => format!("Carlini & Wagner on {}", ATTACKED_CLIP.name),
        other => other.to_owned(),
    }
}

fn table(
    source: &ModelSource,
    device: &str,
    threads: usize,
    rounds: usize,
    report: &Report,
) -> Result<(), Failure> {
    let plural =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    common::say(format_args!(
        "{} on the {device}, {}, {}",
        source.title(),
        plural(threads, "thread"),
        plural(rounds, "round")
    ))?;
    common::say(format_args!(
        "  {:42} {:>5} {:>10}   10 % to 90 %",
        "milliseconds", "batch", "median"
    ))?;
    for timing in &report.timings {
        let spread = timing.milliseconds;
        common::say(format_args!(
            "  {:42} {:>5} {:>10.2}   {:.2} to {:.2}",
            words(timing.name),
            timing.batch,
            spread.median,
            spread.low,
            spread.high
        ))?;
    }
    if let Some(speed) = report.attack_iterations_per_second() {
        common::say(format_args!("  attack iterations a second: {speed:.1}"))?;
    }
    if let Some(ratio) = report.top_10_ratio() {
        common::say(format_args!("  10 class gradients take {ratio:.2} times as long as one"))?;
    }
    if let Some(share) = report.log_mel_share() {
        let share = 100.0 * share;
        common::say(format_args!(
            "  log-mel and its gradient: {share:.1} % of the network's for as much sound"
        ))?;
    }
    let megabytes = |bytes: Option<u64>| {
        bytes.map_or("unknown on this system".to_owned(), |b| format!("{:.0} MB", b as f64 / 1e6))
    };
    common::say(format_args!(
        "  most memory: {} after an attack on {CLIP_SECONDS} s, {} after everything",
        megabytes(report.attack_memory),
        megabytes(report.peak_memory)
    ))
}

/// Times one case for each line on stdin until it ends.
fn answer(
    source: &ModelSource,
    cases: &[Case<'_>],
    pool: &ThreadPool,
    failed: impl Fn(&candle_core::Error) -> Failure,
) -> Result<(), Failure> {
    let names: Vec<_> = cases.iter().map(|case| format!("{} {}", case.name, case.batch)).collect();
    common::say(json!({
        "model": source.to_string(), "threads": pool.current_num_threads(), "cases": names,
    }))?;
    for line in std::io::stdin().lock().lines() {
        let line =
            line.map_err(|error| Failure::Failed(format!("stdin can't be read: {error}")))?;
        let index = crate::names::find("case", &names, line.trim())
            .map_err(|error| Failure::Usage(error.to_string()))?;
        let case = &cases[index];
        let (milliseconds, _) = pool.install(|| case.time()).map_err(|error| failed(&error))?;
        common::say(json!({ "case": case.name, "batch": case.batch, "ms": milliseconds }))?;
    }
    Ok(())
}
