//! `experiment report`: tables and figures of one or several runs.

use std::path::PathBuf;

use clap::Args;

use super::failure;
use crate::cli::common::{self, Failure};
use crate::experiments::{Examples, RunFolder, write_report};

/// Options of `experiment report`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The run's folder; several runs (untargeted and targeted) make one report
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Where the report goes [default: the first run's folder, in report]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Id of an item for Figure 3, whose adversarial clip was kept; may be given again
    #[arg(long = "example", value_name = "ID")]
    examples: Vec<String>,
    /// No Figure 3: spectrograms of recordings that may not be shown
    #[arg(long, conflicts_with = "examples")]
    no_examples: bool,
}

/// Writes the report, and says where.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders: Vec<_> =
        arguments.runs.iter().map(|run| RunFolder::new(crate::files::absolute(run))).collect();
    let beside = || folders.first().map(|run| run.path().join("report")).unwrap_or_default();
    let out = arguments.out.clone().unwrap_or_else(beside);
    let examples = match (arguments.no_examples, &arguments.examples) {
        (true, _) => Examples::None,
        (false, ids) if ids.is_empty() => Examples::Some,
        (false, ids) => Examples::Of(ids.clone()),
    };
    let written = write_report(&folders, &out, &examples).map_err(failure)?;
    common::say(format_args!("{} ({} files)", out.join("report.md").display(), written.len()))
}
