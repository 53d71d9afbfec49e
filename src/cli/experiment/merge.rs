//! `experiment merge`: one run from the folders of several processes.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::failure;
use crate::cli::common::{self, Failure};
use crate::experiments::{Conflict, RunFolder, merge};

/// How many ids are told of each kind.
const TOLD: usize = 5;

/// Options of `experiment merge`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder of the whole run
    out: PathBuf,
    /// The folders that are to be joined, such as RUN/shards/*
    #[arg(value_name = "IN", required = true)]
    from: Vec<PathBuf>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Joins them, and says what overlaps and what is missing. Gaps and conflicts are a failure.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let from: Vec<_> = arguments.from.iter().map(RunFolder::new).collect();
    let merged = merge(&RunFolder::new(&arguments.out), &from).map_err(failure)?;
    if arguments.json {
        let gaps: Vec<_> = merged.gaps.iter().map(|item| &item.id).collect();
        common::say(json!({
            "rows": merged.rows,
            "answers": merged.answers,
            "overlaps": merged.overlaps,
            "conflicts": merged.conflicts.iter().map(|conflict| &conflict.id).collect::<Vec<_>>(),
            "gaps": gaps,
            "failed": merged.failed,
            "disputed": merged.disputed,
            "strangers": merged.strangers,
            "idle": merged.idle,
            "lost": merged.lost,
        }))?;
    } else {
        common::say(format_args!(
            "{} rows in {}, with {} answers on clean clips; {} items overlapped, {} are missing, {} \
             failed",
            merged.rows,
            arguments.out.display(),
            merged.answers,
            merged.overlaps,
            merged.gaps.len(),
            merged.failed
        ))?;
    }
    let tell = |count: usize, what: &str| {
        if count > 0 {
            eprintln!("mondegreen: {count} {what}");
        }
    };
    tell(
        merged.disputed,
        "items are not in the plans of all folders: a clip can be read on some machines only, or a \
         plan.jsonl was not copied whole; all of them count",
    );
    tell(
        merged.strangers,
        "rows are of no item of the plans (other options, weights or clips) and were not taken",
    );
    tell(merged.lost.len(), "rows were taken without the adversarial clip, whose file is missing");
    for folder in &merged.idle {
        eprintln!("mondegreen: nothing was begun in {} yet", folder.display());
    }
    for item in merged.gaps.iter().take(TOLD) {
        let (id, attack, model, clip) = (&item.id, &item.attack, &item.model, &item.clip);
        eprintln!("mondegreen: missing: {id} ({attack} on {model}, {clip})");
    }
    for Conflict { id, folders: [first, second] } in merged.conflicts.iter().take(TOLD) {
        let (first, second) = (first.display(), second.display());
        eprintln!(
            "mondegreen: {first} and {second} disagree on {id}; the first one's row is taken"
        );
    }
    match merged.gaps.len() + merged.conflicts.len() {
        0 => Ok(()),
        _ if merged.conflicts.is_empty() => Err(Failure::Failed(format!(
            "{} items are missing: `mondegreen experiment run {}` computes them",
            merged.gaps.len(),
            arguments.out.display()
        ))),
        _ => Err(Failure::Failed(format!(
            "folders disagree on {} items: they were computed by different programs or on \
             different devices; {} items are missing",
            merged.conflicts.len(),
            merged.gaps.len()
        ))),
    }
}
