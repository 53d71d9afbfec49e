//! `experiment plan`: what a run will do, and how long it will take.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::session::{Process, Session};
use crate::cli::common::{self, Failure};
use crate::experiments::{Estimate, Item, duration_words};

/// Options of `experiment plan`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The run's folder; it is made where it is not there
    run: PathBuf,
    /// Begin with this configuration (TOML)
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// One JSON object for each item that is still to do
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    process: Process,
}

/// Asks the models about the clean clips, as far as that was not done, and lists the items.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let configuration = super::run::configuration(&arguments.run, arguments.config.as_ref())?;
    let session = arguments.process.open(&arguments.run, configuration)?;
    say(&session, arguments.json)
}

/// Lists what is to do, or says how long that will take.
pub fn say(session: &Session, json: bool) -> Result<(), Failure> {
    let run = &session.run;
    let open: Vec<&Item> = run.open.iter().map(|&place| &run.items[place]).collect();
    if json {
        for item in open {
            let line = serde_json::to_string(item);
            common::say(line.map_err(|error| Failure::Failed(error.to_string()))?)?;
        }
        return Ok(());
    }
    let mut estimate = Estimate::probe(&run.configuration, &session.machine);
    run.rows.iter().for_each(|row| estimate.learn(row));
    let jobs = session.machine.pools.len();
    let clips: std::collections::BTreeSet<_> = run.items.iter().map(|item| &item.clip).collect();
    common::say(format_args!(
        "{} items on {} clips of {} labels; {} are done, {} to do",
        run.items.len(),
        clips.len(),
        run.candidates.labels.len(),
        run.rows.len(),
        open.len()
    ))?;
    let mut groups: BTreeMap<(&str, &str), Vec<&Item>> = BTreeMap::new();
    for item in &open {
        groups.entry((&item.attack, &item.model)).or_default().push(item);
    }
    for ((attack, model), items) in groups {
        let seconds = estimate.total(items.iter().copied(), jobs);
        let count = items.len();
        common::say(format_args!(
            "  {count:>6}  {attack} on {model}, about {}",
            duration_words(seconds)
        ))?;
    }
    let total = duration_words(estimate.total(open.iter().copied(), jobs));
    let places = if jobs == 1 { "one item".to_owned() } else { format!("{jobs} items") };
    common::say(format_args!("about {total} with {places} at a time on {}", session.machine.device))
}
