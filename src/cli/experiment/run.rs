//! `experiment run`: go on with a run, or begin one from a configuration.

use std::path::PathBuf;

use clap::Args;

use super::failure;
use super::session::Process;
use crate::cli::common::Failure;
use crate::experiments::{Configuration, RunFolder};

/// Options of `experiment run`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The run's folder
    run: PathBuf,
    /// Begin with this configuration (TOML)
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// One JSON object for each item that is done
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    process: Process,
}

/// Goes on until all items of this process are done.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let configuration = configuration(&arguments.run, arguments.config.as_ref())?;
    arguments.process.open(&arguments.run, configuration)?.go_on(arguments.json)
}

/// The configuration that is given, or the run's own.
pub fn configuration(
    run: &std::path::Path,
    given: Option<&PathBuf>,
) -> Result<Configuration, Failure> {
    let folder = RunFolder::new(run);
    let configuration = match given {
        Some(path) => Configuration::read(&crate::files::absolute(path)),
        None if folder.has_configuration() => {
            RunFolder::new(crate::files::absolute(run)).configuration()
        }
        None => {
            return Err(Failure::Usage(format!(
                "{} is no run's folder yet: begin one with --config FILE.toml, or with \
                 `mondegreen experiment untargeted {} --data DATA`",
                run.display(),
                run.display()
            )));
        }
    };
    configuration.map_err(failure)
}
