//! The command line: everything that the window computes, headless.

mod aftermath;
mod attack;
mod attack_options;
mod bench;
mod classify;
mod common;
mod compare;
mod evaluate;
mod experiment;
mod explain;
mod inspect;
mod listen;
mod measure;
mod measures;
mod train;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as _, FromArgMatches as _, Parser, Subcommand};

use crate::names::{self, UnknownName};
use crate::ui;
use common::{Compute, Failure};

/// Hear, see and measure what makes a sound-event classifier mishear.
#[derive(Debug, Parser)]
#[command(name = "mondegreen", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Task>,
    /// A clip to open in the window
    clip: Option<PathBuf>,
    #[command(flatten)]
    compute: Compute,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Name clips
    Classify(classify::Arguments),
    /// Make a model mishear a clip
    Attack(attack::Arguments),
    /// Set several attacks on several models beside each other on one clip
    Compare(compare::Arguments),
    /// Measure how far two clips are apart
    Measure(measure::Arguments),
    /// Show what a model is fed of a clip, and what it says of each part
    Inspect(inspect::Arguments),
    /// Show where in time and frequency a model's answer comes from
    Explain(explain::Arguments),
    /// Time models and attacks on this machine
    Bench(bench::Arguments),
    /// Measure how good models are on labelled clips
    Evaluate(evaluate::Arguments),
    /// The paper's experiments on a data set
    Experiment(experiment::Arguments),
    /// Blind listening tests: make, check, simulate, report
    Listen(listen::Arguments),
    /// Train a model, or go on with it
    Train(train::Arguments),
}

/// Runs the program as the command line says. Exit status 0 is done, 1 failed with a message on
/// stderr, 2 wrong usage.
pub fn main() -> ExitCode {
    let command = Arguments::augment_args(clap::Command::new("mondegreen"));
    if let Some(unknown) = mistyped_task(&command) {
        return fail(&Failure::Usage(unknown.to_string()));
    }
    let arguments = match Arguments::from_arg_matches(&command.get_matches()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let result = match arguments.command {
        Some(Task::Classify(task)) => classify::run(&task),
        Some(Task::Attack(task)) => attack::run(&task),
        Some(Task::Compare(task)) => compare::run(&task),
        Some(Task::Measure(task)) => measure::run(&task),
        Some(Task::Inspect(task)) => inspect::run(&task),
        Some(Task::Explain(task)) => explain::run(&task),
        Some(Task::Bench(task)) => bench::run(&task),
        Some(Task::Evaluate(task)) => evaluate::run(&task),
        Some(Task::Experiment(task)) => experiment::run(&task),
        Some(Task::Listen(task)) => listen::run(&task),
        Some(Task::Train(task)) => train::run(&task),
        None => window(arguments.clip, &arguments.compute),
    };
    match result {
        Ok(()) | Err(Failure::NobodyReads) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("mondegreen: {failure}");
    failure.exit_code()
}

/// A first argument that is no file but almost a subcommand: to the parser it would be a clip for
/// the window.
fn mistyped_task(command: &clap::Command) -> Option<UnknownName> {
    let first = std::env::args_os().nth(1)?;
    let first = first.to_str().filter(|first| !Path::new(first).exists())?;
    let word = first.chars().all(|c| c.is_ascii_alphabetic());
    let known: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
    if !word || first == "help" || known.contains(&first) {
        return None;
    }
    names::find("subcommand", &known, first).err().filter(|unknown| unknown.suggestion.is_some())
}

fn window(clip: Option<PathBuf>, compute: &Compute) -> Result<(), Failure> {
    let options = ui::Options { clip, engine: compute.engine_options() };
    ui::run(options).map_err(|error| {
        Failure::Failed(format!(
            "{error}. Without a window, `mondegreen attack CLIP -o ADV.wav --figure FIG.png` does the \
             same work, and `make demo` shows it"
        ))
    })
}
