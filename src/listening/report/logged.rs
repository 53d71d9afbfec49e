//! A session as its log tells of it.

use std::path::{Path, PathBuf};

use crate::listening::entry::{Answered, Entry, Start};
use crate::listening::log::verify;
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
}

impl LoggedSession {
    /// Reads and verifies a log.
    ///
    /// # Errors
    /// As [`verify`].
    pub fn read(path: &Path) -> Result<Self, ListenError> {
        let (entries, last_hash) = verify(path)?;
        let mut entries = entries.into_iter();
        let Some(Entry::Start(start)) = entries.next() else {
            let problem = "the first line is no start".to_owned();
            return Err(ListenError::Log { path: path.to_owned(), line: 1, problem });
        };
        let mut session = Self {
            file: path.to_owned(),
            start: *start,
            answers: Vec::new(),
            complete: false,
            played_on: Vec::new(),
            resumed: 0,
            last_hash,
        };
        for entry in entries {
            match entry {
                Entry::Answer(answered) => {
                    let protocol = session.start.test.protocol;
                    let right = answered.trial.arrangement.judge(protocol, answered.answer);
                    if right != answered.right {
                        let number = session.answers.len() + 1;
                        return Err(ListenError::Log {
                            path: path.to_owned(),
                            line: number,
                            problem: format!(
                                "answer {number} says of itself to be right or wrong, and is not"
                            ),
                        });
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
                Entry::End { .. } => session.complete = true,
                Entry::Start(_) | Entry::Consent { .. } => {}
            }
        }
        // A crash may come between the last answer and the last line.
        let planned = session.start.test.trial_count();
        session.complete |= session.part(Part::Test).count() >= planned;
        Ok(session)
    }

    /// Its answers to trials of one part.
    pub(super) fn part(&self, part: Part) -> impl Iterator<Item = &Answered> {
        self.answers.iter().filter(move |answered| answered.trial.part == part)
    }
}
