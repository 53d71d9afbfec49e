//! `mondegreen listen`: blind listening tests without a window.

mod make;
mod report;
mod simulate;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::common::{self, Failure};
use crate::listening::{ListenError, LoggedSession, RATES, Stimuli, TestFile, TestPower, verify};

/// Options of `listen`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a test: attack clips, write the pairs and a session file
    Make(Box<make::Arguments>),
    /// Check a session file and its sounds, and say what the test can show
    Validate(Validate),
    /// Statistics of logs of one test
    Report(report::Arguments),
    /// Check that nothing in a log was changed; last lines that are missing, and a log that was
    /// written anew as a whole, only show beside a last hash that was noted down before
    Verify(Verify),
    /// Let a simulated listener take a test
    Simulate(simulate::Arguments),
}

/// Options of `listen validate`.
#[derive(Args, Debug)]
struct Validate {
    /// The session file (TOML)
    file: PathBuf,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Options of `listen verify`.
#[derive(Args, Debug)]
struct Verify {
    /// The logs
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// One JSON object a line on stdout
    #[arg(long)]
    json: bool,
}

/// Does what the subcommand says.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.task {
        Task::Make(arguments) => make::run(arguments),
        Task::Validate(arguments) => validate(arguments),
        Task::Report(arguments) => report::run(arguments),
        Task::Verify(arguments) => verify_logs(arguments),
        Task::Simulate(arguments) => simulate::run(arguments),
    }
}

fn failed(error: &ListenError) -> Failure {
    Failure::Failed(error.to_string())
}

/// A session file and its sounds.
fn read(file: &Path) -> Result<(TestFile, Stimuli), Failure> {
    let test = TestFile::read(file).map_err(|error| failed(&error))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let stimuli = test.load(folder).map_err(|error| failed(&error))?;
    Ok((test, stimuli))
}

fn validate(arguments: &Validate) -> Result<(), Failure> {
    let (test, stimuli) = read(&arguments.file)?;
    let (trials, alpha) = (test.trial_count() as u64, test.alpha);
    let power = TestPower::of(&test);
    if arguments.json {
        return common::say(json!({
            "file": arguments.file.to_string_lossy(),
            "title": test.title,
            "protocol": test.protocol.name(),
            "trials": trials,
            "practice": test.practice,
            "catch_trials": test.catch_trials,
            "critical": power.as_ref().and_then(|power| power.critical),
            "exact_size": power.as_ref().map(|power| power.size),
            "power": power.as_ref().map(TestPower::to_json),
            "stimuli": stimuli.pairs.iter().map(|pair| json!({
                "name": pair.name,
                "snr_db": Some(pair.snr_db()).filter(|snr| snr.is_finite()),
                "seconds": pair.seconds(),
                "sha256": pair.sha256(),
            })).collect::<Vec<_>>(),
        }));
    }
    common::say(format_args!(
        "{}: valid. {}, {trials} trials, {} to practise, {} to catch",
        test.title,
        test.protocol.title(),
        test.practice,
        test.catch_trials
    ))?;
    for pair in &stimuli.pairs {
        let snr = pair.snr_db();
        common::say(format_args!("  {}: {:.2} s, SNR {snr:.1} dB", pair.name, pair.seconds()))?;
    }
    let Some(power) = power else {
        return common::say(format_args!(
            "The SNR follows the answers, between {} and {} dB: {:.0} trials for each pair. There is \
             no test against chance; the report tells a threshold where the answers tell one.",
            test.adaptive.easiest_snr_db,
            test.adaptive.hardest_snr_db,
            trials as f64 / stimuli.pairs.len().max(1) as f64
        ));
    };
    match power.critical {
        None => common::say(format_args!(
            "With {trials} trials nothing can be significant at {alpha}: take more"
        )),
        Some(right) => common::say(format_args!(
            "{right} of {trials} right answers are significant at {alpha}. Power where {}.{}",
            RATES
                .iter()
                .zip(power.power)
                .map(|(rate, power)| format!("{:.0} % are right: {power:.2}", 100.0 * rate))
                .collect::<Vec<_>>()
                .join(", "),
            test.protocol.power_caveat()
        )),
    }
}

fn verify_logs(arguments: &Verify) -> Result<(), Failure> {
    let mut bad = 0;
    for path in &arguments.logs {
        let read = verify(path).and_then(|verified| {
            LoggedSession::read(path).map(|session| (session, verified.entries.len()))
        });
        match read {
            Ok((session, lines)) if arguments.json => common::say(json!({
                "log": path.to_string_lossy(), "lines": lines, "answers": session.answers.len(),
                "complete": session.complete, "last_hash": session.last_hash,
                "torn_bytes": session.torn_bytes,
            }))?,
            Ok((session, lines)) => {
                let torn = match session.torn_bytes {
                    0 => String::new(),
                    bytes => format!(" and {bytes} bytes of a line without an end"),
                };
                common::say(format_args!(
                    "{}: the chain of {lines} lines holds{torn}, {} answers, {}, last hash {}",
                    path.display(),
                    session.answers.len(),
                    if session.complete { "complete" } else { "unfinished" },
                    session.last_hash
                ))?;
            }
            Err(error) => {
                eprintln!("mondegreen: {error}");
                bad += 1;
            }
        }
    }
    if bad > 0 { Err(Failure::Partly(bad)) } else { Ok(()) }
}
