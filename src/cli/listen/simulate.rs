//! `mondegreen listen simulate`: a listener who is not there takes a test, to try a session file
//! and what is said of its answers before people do.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use super::super::common::{self, Failure};
use super::{failed, read};
use crate::listening::simulate::{self, Listener, now_ms};
use crate::listening::stats::Psychometric;
use crate::listening::{Log, LogFile, Session};

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Who {
    /// Hears nothing
    Guessing,
    /// Hears every difference
    Perfect,
    /// Hears as a psychometric function says (see --threshold)
    Hearing,
}

/// Options of `listen simulate`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The session file (TOML)
    file: PathBuf,
    /// Write the log here
    #[arg(short, long, value_name = "LOG.jsonl")]
    output: PathBuf,
    /// Go on with that log
    #[arg(long)]
    resume: bool,
    /// Who listens
    #[arg(long, default_value = "guessing")]
    listener: Who,
    /// SNR in dB at which 75 % are right
    #[arg(long, value_name = "DB", default_value_t = 40.0, value_parser = common::finite, allow_negative_numbers = true)]
    threshold: f64,
    /// Steepness of the psychometric function in 1/dB
    #[arg(long, default_value_t = 0.5, value_parser = common::positive)]
    slope: f64,
    /// The participant's pseudonym
    #[arg(long, default_value = "simulated", value_parser = NonEmptyStringValueParser::new())]
    participant: String,
    /// Seed of the hidden order, unless the file has one, and of the answers
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    /// Wait so many milliseconds after each answer, whose number is then said on stdout
    #[arg(long, value_name = "MS")]
    pause_ms: Option<u64>,
}

/// Takes the test.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (test, stimuli) = read(&arguments.file)?;
    let listener = match arguments.listener {
        Who::Guessing => Listener::Guessing,
        Who::Perfect => Listener::Perfect,
        Who::Hearing => Listener::Hearing(Psychometric {
            threshold_db: arguments.threshold,
            slope: arguments.slope,
            lapse: 0.0,
        }),
    };
    let session = if arguments.resume {
        Session::resume(&arguments.output, &test, stimuli, now_ms())
    } else {
        LogFile::create(&arguments.output).and_then(|log| {
            let name = &arguments.participant;
            Session::start(test, stimuli, name, arguments.seed, Log::File(log), now_ms())
        })
    };
    let mut session = session.map_err(|error| failed(&error))?;
    let mut said = Ok(());
    simulate::run(&mut session, listener, arguments.seed, now_ms, |session| {
        let Some(pause) = arguments.pause_ms else { return false };
        said = common::say(format_args!("answer {} is on the disk", session.answered()));
        std::thread::sleep(Duration::from_millis(pause));
        said.is_err()
    })
    .map_err(|error| failed(&error))?;
    said?;
    common::say(format_args!("{} answers in {}", session.answered(), arguments.output.display()))
}
