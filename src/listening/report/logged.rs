//! A session as its log tells of it.

use std::path::{Path, PathBuf};

use crate::listening::entry::{Answered, Entry, Start, Trial};
use crate::listening::log::{Verified, verify};
use crate::listening::plan::{Plan, PlannedTrial};
use crate::listening::{ListenError, Part};

/// One session, as its log tells of it.
#[derive(Clone, Debug)]
pub struct LoggedSession {
    /// The log.
    pub file: PathBuf,
    /// Its first line.
    pub start: Start,
    /// The answers, in order.
    pub answers: Vec<Answered>,
    /// Whether all trials were answered.
    pub complete: bool,
    /// Devices and their rates in Hz.
    pub played_on: Vec<(Option<String>, Option<u32>)>,
    /// How often it was taken up again.
    pub resumed: usize,
    /// The hash of the last line.
    pub last_hash: String,
    /// Bytes of a last line that is not whole.
    pub torn_bytes: u64,
}

impl LoggedSession {
    /// Reads and verifies a log: its hashes, and that its trials are those that its own test and
    /// seed give, each answered once and judged rightly.
    ///
    /// # Errors
    /// As [`verify`], and where it contradicts itself.
    pub fn read(path: &Path) -> Result<Self, ListenError> {
        let Verified { entries, last_hash, torn_bytes } = verify(path)?;
        let bad = |line: usize, problem: String| ListenError::Log {
            path: path.to_owned(),
            line,
            problem,
        };
        let mut entries = (1..).zip(entries);
        let Some((_, Entry::Start(start))) = entries.next() else {
            return Err(bad(1, "the first line is no start".to_owned()));
        };
        let plan = Plan::new(&start.test, start.stimuli.len(), start.seed);
        let mut session = Self {
            file: path.to_owned(),
            start: *start,
            answers: Vec::new(),
            complete: false,
            played_on: Vec::new(),
            resumed: 0,
            last_hash,
            torn_bytes,
        };
        let mut ended = false;
        for (line, entry) in entries {
            if ended {
                return Err(bad(line, "something follows the end of the session".to_owned()));
            }
            match entry {
                Entry::Answer(answered) => {
                    let number = session.answers.len();
                    let planned = plan.trials.get(number);
                    if !planned.is_some_and(|planned| is_trial(planned, number, &answered.trial)) {
                        let problem = "this is not the trial that the session's own seed gives \
                                       here; it was put there by other means";
                        return Err(bad(line, problem.to_owned()));
                    }
                    let protocol = session.start.test.protocol;
                    let right = answered.trial.arrangement.judge(protocol, answered.answer);
                    if right != answered.right {
                        let number = number + 1;
                        let problem = format!(
                            "answer {number} says of itself to be right or wrong, and is not"
                        );
                        return Err(bad(line, problem));
                    }
                    session.answers.push(answered);
                }
                Entry::Volume { device, playback_rate, .. } => {
                    let played_on = (device, playback_rate);
                    if !session.played_on.contains(&played_on) {
                        session.played_on.push(played_on);
                    }
                }
                Entry::Resume { .. } => session.resumed += 1,
                Entry::End { answers, .. } => {
                    let given = session.answers.len();
                    if answers != given || given != plan.trials.len() {
                        let of = plan.trials.len();
                        let problem = format!(
                            "it ends after {given} of {of} answers, and says that there were \
                             {answers}"
                        );
                        return Err(bad(line, problem));
                    }
                    ended = true;
                }
                Entry::Start(_) | Entry::Consent { .. } => {}
            }
        }
        // A crash may come between the last answer and the last line.
        session.complete = session.answers.len() >= plan.trials.len();
        if ended && torn_bytes > 0 {
            let problem = format!("{torn_bytes} bytes follow the end of the session");
            return Err(bad(session.answers.len(), problem));
        }
        Ok(session)
    }

    /// Its answers to trials of one part.
    pub(super) fn part(&self, part: Part) -> impl Iterator<Item = &Answered> {
        self.answers.iter().filter(move |answered| answered.trial.part == part)
    }
}

/// Whether a logged trial is the planned one of that number.
fn is_trial(planned: &PlannedTrial, number: usize, logged: &Trial) -> bool {
    (logged.trial, logged.part, logged.stimulus, logged.arrangement)
        == (number, planned.part, planned.stimulus, planned.arrangement)
}
