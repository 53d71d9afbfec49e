//! `mondegreen experiment`: the paper's experiments on a data set, resumable, on any number of
//! processes.

mod create;
mod merge;
mod plan;
mod report;
mod run;
mod session;
mod transfer;

use clap::{Args, Subcommand};

use super::common::Failure;
use crate::experiments::{ExperimentError, ExperimentKind};

/// Options of `experiment`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Away from the true label: Tables 1, 2, 3 and 5, Figures 1 and 3. Begins a run, or goes on
    Untargeted(create::Arguments),
    /// To each other label: Table 4 and Figure 2. Begins a run, or goes on
    Targeted(create::Arguments),
    /// What models make of the clean clips, without attacks: Table 1. Begins a run, or goes on
    Accuracy(create::Arguments),
    /// Go on with a run, or begin one from a configuration
    Run(run::Arguments),
    /// List a run's items and how long they will take, without attacking
    Plan(plan::Arguments),
    /// Ask the other models about a run's kept adversarial clips: Table 5 without new attacks
    Transfer(transfer::Arguments),
    /// Join the folders of several processes into one run
    Merge(merge::Arguments),
    /// Tables and figures beside the paper's, as Markdown, CSV, LaTeX, PNG and SVG
    Report(report::Arguments),
}

/// Does what was asked of a run.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.task {
        Task::Untargeted(task) => create::run(ExperimentKind::Untargeted, task),
        Task::Targeted(task) => create::run(ExperimentKind::Targeted, task),
        Task::Accuracy(task) => create::run(ExperimentKind::Accuracy, task),
        Task::Run(task) => run::run(task),
        Task::Plan(task) => plan::run(task),
        Task::Transfer(task) => transfer::run(task),
        Task::Merge(task) => merge::run(task),
        Task::Report(task) => report::run(task),
    }
}

/// What an experiment's error is to the command line.
fn failure(error: ExperimentError) -> Failure {
    match error {
        ExperimentError::Configuration { .. } => Failure::Usage(error.to_string()),
        error => Failure::Failed(error.to_string()),
    }
}
