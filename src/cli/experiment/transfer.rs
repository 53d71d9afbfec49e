//! `experiment transfer`: the other models, from adversarial clips that were kept.

use std::path::PathBuf;

use clap::Args;

use super::failure;
use super::session::Process;
use crate::cli::common::{self, Failure};

/// Options of `experiment transfer`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder of an untargeted run
    run: PathBuf,
    #[command(flatten)]
    process: Process,
}

/// Asks the other models about each success that they were not asked about.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let configuration = super::run::configuration(&arguments.run, None)?;
    let mut session = arguments.process.open(&arguments.run, configuration)?;
    let bar = common::progress_bar(session.run.rows.iter().filter(|row| row.fooled()).count());
    let done = session.run.transfer(&session.machine, &session.control, || bar.inc(1));
    bar.finish_and_clear();
    let done = done.map_err(failure)?;
    common::say(format_args!(
        "the other models were asked about {} successes now, about {} before; of {} nothing was \
         kept{}",
        done.asked,
        done.before,
        done.lost,
        if done.lost > 0 { " (see keep in the configuration)" } else { "" }
    ))?;
    for reason in &done.broken {
        eprintln!("mondegreen: {reason}");
    }
    if done.left > 0 {
        return Err(Failure::Failed(format!(
            "stopped with {} successes to go; what was answered is kept, and the same command goes \
             on",
            done.left
        )));
    }
    match done.broken.len() {
        0 => Ok(()),
        broken => Err(Failure::Partly(broken)),
    }
}
