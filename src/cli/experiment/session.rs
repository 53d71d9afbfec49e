//! What all that opens a run shares: options of a process, models, threads, and how it is stopped.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;

use super::failure;
use crate::cli::common::{self, Compute, Failure, Prepared};
use crate::engine::{automatic_threads, thread_pool};
use crate::experiments::{
    Configuration, Contestant, Control, ExperimentKind, Machine, News, Run, RunFolder, Shard,
    Share, results,
};
use crate::files::absolute;

/// Which items this process does, and on what.
#[derive(Args, Debug)]
pub struct Process {
    /// Only the i-th of n equal shares, with --items of those; its rows go to RUN/shards/i-of-n
    #[arg(long, value_name = "i/n", value_parser = Shard::parse)]
    pub shard: Option<Shard>,
    /// Only the items whose ids are in this file, one a line (- reads them from stdin)
    #[arg(long, value_name = "FILE")]
    pub items: Option<PathBuf>,
    /// Do items again that failed before, or whose success not all other models were asked about
    #[arg(long)]
    pub retry: bool,
    /// Go on although configuration, data set or weights changed since the run began
    #[arg(long)]
    pub accept_change: bool,
    /// The data set, where it lies elsewhere than the configuration says
    #[arg(long, value_name = "DIR|CSV")]
    pub data: Option<PathBuf>,
    /// Items at a time (default: one for each of --threads, or of the cores; 1 on a GPU)
    #[arg(long, value_name = "N", value_parser = crate::engine::parse_threads)]
    pub jobs: Option<usize>,
    #[command(flatten)]
    pub compute: Compute,
}

/// All that an open run needs.
pub struct Session {
    /// Where and with what is computed.
    pub machine: Machine,
    /// Stops it.
    pub control: Control,
    /// The run.
    pub run: Run,
}

impl Process {
    /// Opens or begins a run; Ctrl-C stops it from here on.
    pub fn open(&self, folder: &Path, configuration: Configuration) -> Result<Session, Failure> {
        let mut configuration = configuration;
        if let Some(data) = &self.data {
            configuration.data = absolute(data);
        }
        let share = Share {
            shard: self.shard,
            ids: self.items.as_deref().map(read_ids).transpose()?,
            retry: self.retry,
            accept_change: self.accept_change,
        };
        let mut prepared = self.compute.prepare()?;
        let machine = self.machine(&configuration, &mut prepared)?;
        let control = Control::default();
        common::stop_on_signals(&control.stop)?;
        let bar = common::progress_bar(0);
        bar.set_message("clean clips named");
        let mut tell = |news: News<'_>| {
            if let News::Surveyed { done, of } = news {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
            }
        };
        let folder = RunFolder::new(folder);
        let run = Run::open(&folder, configuration, &machine, share, &control, &mut tell);
        bar.finish_and_clear();
        let run = run.map_err(failure)?;
        let shares = self.shard.is_none().then(|| folder.unmerged_shards()).flatten();
        if let Some(shares) = shares.filter(|_| !run.is_whole()) {
            let run = folder.path().display();
            eprintln!(
                "mondegreen: {shares} shares of this run have rows that are not joined yet, and \
                 would be computed again: `mondegreen experiment merge {run} {run}/shards/*` first"
            );
        }
        for clip in &run.left_out {
            eprintln!("mondegreen: {clip}");
        }
        Ok(Session { run, machine, control })
    }

    fn machine(
        &self,
        configuration: &Configuration,
        prepared: &mut Prepared,
    ) -> Result<Machine, Failure> {
        let sources = configuration.sources().map_err(Failure::Usage)?;
        let mut models = Vec::new();
        for source in &sources {
            models.push(Contestant::new(source, prepared.model(source)?));
        }
        let on_cpu = prepared.compute.device.is_cpu();
        let threads = self.compute.threads.unwrap_or_else(automatic_threads);
        // A kernel on one thread wastes nothing on waiting for others; a GPU is one thing.
        let jobs = self.jobs.unwrap_or(if on_cpu { threads } else { 1 });
        let each = Some((threads / jobs).max(1));
        let pools: Result<Vec<_>, _> = (0..jobs).map(|_| thread_pool(each)).collect();
        let compute = prepared.compute.clone();
        Ok(Machine {
            models,
            pools: pools.map_err(Failure::Failed)?,
            device: compute.name.clone(),
            explain: Box::new(move |error| compute.explain(error)),
        })
    }
}

/// Ids, one a line; empty lines and what follows a blank do not count.
fn read_ids(path: &Path) -> Result<Vec<String>, Failure> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let text = text
        .map_err(|error| Failure::Failed(format!("{} can't be read: {error}", path.display())))?;
    let ids = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(ids.map(str::to_owned).collect())
}

impl Session {
    /// Works off all open items and says how it went: rows as JSON on stdout where asked for, a bar
    /// on a terminal, and a summary.
    pub fn go_on(&mut self, json: bool) -> Result<(), Failure> {
        let bar: ProgressBar = common::progress_bar(self.run.open.len());
        let mut said = Ok(());
        let mut failed = 0;
        let control = &self.control;
        let mut tell = |news: News<'_>| match news {
            News::Done(row) => {
                bar.inc(1);
                if row.is_failed() {
                    failed += 1;
                    let reason = row.reason.as_deref().unwrap_or("it failed");
                    bar.suspend(|| eprintln!("mondegreen: {} ({}): {reason}", row.id, row.clip));
                }
                if json && said.is_ok() {
                    said = serde_json::to_string(row)
                        .map_err(|error| Failure::Failed(error.to_string()))
                        .and_then(common::say);
                    if said.is_err() {
                        control.stop.store(true, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            }
            News::Step(item, step, of) => {
                bar.set_message(format!("{} on {}, {step} of {of}", item.attack, item.model));
            }
            News::Begun(_) | News::Surveyed { .. } => {}
        };
        let added = self.run.go_on(&self.machine, &self.control, &mut tell);
        bar.finish_and_clear();
        said?;
        let added = added.map_err(failure)?;
        let (done, open) = (self.run.rows.len(), self.run.open.len());
        let folder = self.run.folder.path().display();
        let accuracy = self.run.configuration.experiment == ExperimentKind::Accuracy;
        if accuracy && !json {
            let table =
                results(std::slice::from_ref(&self.run.folder)).map_err(failure)?.accuracies();
            common::say(table.to_markdown())?;
        } else if !json {
            common::say(format_args!(
                "{added} items done now, {done} in all, {open} to do, in {folder}"
            ))?;
        }
        if open > 0 {
            return Err(Failure::Failed(
                "stopped; all that was finished is kept, and the same command goes on".to_owned(),
            ));
        }
        let still = self.run.rows.iter().filter(|row| row.is_failed()).count();
        if still > failed && failed == 0 {
            eprintln!("mondegreen: {still} items failed before; --retry does them again");
        }
        if self.run.left_out.iter().any(|clip| clip.model.is_some()) {
            eprintln!("mondegreen: --retry asks models that failed again");
        }
        // What failed at an earlier start was told then: a scheduler need not start it once more.
        match failed + self.run.broken_now {
            0 => Ok(()),
            failed => Err(Failure::Partly(failed)),
        }
    }
}
