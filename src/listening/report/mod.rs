//! What logs say: per participant, pooled, corrected for many tests, in words and in numbers.

mod export;
mod figure;
mod logged;
mod methods;
mod threshold;
mod words;

pub use logged::LoggedSession;
pub use threshold::{MeanThreshold, Said, Threshold};

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::entry::{Answered, Start};
use super::stats::{self, Counts, Detection, DetectionModel, Grades, Interval};
use super::{Answer, ListenError, Part, Protocol, TestFile};
use threshold::{between, thresholds};

/// Power is told for people who are right this often.
pub const RATES: [f64; 3] = [0.7, 0.8, 0.9];

/// What answers of one participant, or of all, say.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Right answers of those that count.
    pub right: u64,
    /// Answers that count; grades that are equal do not.
    pub trials: u64,
    /// Exact one-sided binomial p; none where the level follows the answers, or with no trial.
    pub p: Option<f64>,
    /// Clopper and Pearson's 95 % interval of the share of right answers.
    pub interval: Interval,
    /// d' and bias, where the design has them.
    pub detection: Option<Detection>,
    /// Grades, where there are.
    pub grades: Option<Grades>,
    /// Thresholds, where there were several levels.
    pub thresholds: Vec<Threshold>,
    /// Right answers of catch trials, and how many there were.
    pub catches: (u64, u64),
}

/// A participant.
#[derive(Clone, Debug)]
pub struct Participant {
    /// The pseudonym.
    pub id: String,
    /// Their sessions.
    pub sessions: Vec<LoggedSession>,
    /// Whether there is a whole session. The number of trials is fixed before the start, so answers
    /// of others are not counted.
    pub complete: bool,
    /// What their answers say.
    pub summary: Summary,
    /// p, corrected for the number of participants after Holm; none for one that is not tested.
    pub p_holm: Option<f64>,
}

/// All participants together.
#[derive(Clone, Debug)]
pub struct Pooled {
    /// How many were complete, and are in it.
    pub participants: usize,
    /// What their answers say, but for thresholds, which each of them has.
    pub summary: Summary,
    /// Means of people's thresholds.
    pub thresholds: Vec<MeanThreshold>,
}

/// What the binomial test of a number of trials can show.
#[derive(Clone, Debug)]
pub struct TestPower {
    /// The fewest right answers that are significant; none where no number is.
    pub critical: Option<u64>,
    /// The exact size of the test.
    pub size: f64,
    /// Power at each of [`RATES`].
    pub power: [f64; 3],
    /// Trials needed for a power of 80 % at each of [`RATES`].
    pub needed: [Option<u64>; 3],
}

impl TestPower {
    /// Of a test; none where levels follow the answers, since their number of right ones means
    /// nothing then.
    pub fn of(test: &TestFile) -> Option<Self> {
        let (trials, alpha) = (test.trial_count() as u64, test.alpha);
        (!test.protocol.is_adaptive()).then(|| Self {
            critical: stats::critical(trials, 0.5, alpha),
            size: stats::size(trials, 0.5, alpha),
            power: RATES.map(|rate| stats::power(trials, 0.5, alpha, rate)),
            needed: RATES.map(|rate| stats::needed_trials(0.5, alpha, rate, 0.8)),
        })
    }
}

/// A report on logs of one test.
#[derive(Clone, Debug)]
pub struct Report {
    /// The first session's start: what was asked and how.
    pub start: Start,
    /// In the order of their pseudonyms.
    pub participants: Vec<Participant>,
    /// The complete ones together, where there are several.
    pub pooled: Option<Pooled>,
    /// What the binomial test of one session can show; none where it is not made.
    pub test: Option<TestPower>,
}

impl Report {
    /// Reads logs and computes everything; may take seconds where thresholds are fitted.
    ///
    /// # Errors
    /// Where a log can't be read or was changed, or they are of different tests.
    pub fn read(logs: &[PathBuf]) -> Result<Self, ListenError> {
        let sessions: Result<Vec<_>, _> =
            logs.iter().map(|path| LoggedSession::read(path)).collect();
        Self::new(sessions?)
    }

    /// As [`Self::read`], of sessions that were read.
    ///
    /// # Errors
    /// Where there is none, or they are of different tests.
    pub fn new(sessions: Vec<LoggedSession>) -> Result<Self, ListenError> {
        let Some(first) = sessions.first() else {
            return Err(ListenError::Report("there is no log to report on".to_owned()));
        };
        let start = first.start.clone();
        let mut people: BTreeMap<String, Vec<LoggedSession>> = BTreeMap::new();
        for session in sessions {
            let (a, b) = (&start, &session.start);
            if a.test != b.test || a.stimuli != b.stimuli {
                return Err(ListenError::Report(format!(
                    "the logs are of different tests: \u{201c}{}\u{201d} is not the one that the \
                     first log is of; report on them one by one",
                    session.file.display()
                )));
            }
            let own = people.entry(session.start.participant.clone()).or_default();
            // One of them may be a copy from when fewer answers were there.
            if let Some(twin) = own.iter().find(|other| other.start == session.start) {
                return Err(ListenError::Report(format!(
                    "\u{201c}{}\u{201d} and \u{201c}{}\u{201d} are the same session; name its \
                     whole log once",
                    twin.file.display(),
                    session.file.display()
                )));
            }
            own.push(session);
        }
        let mut participants: Vec<Participant> = people
            .into_iter()
            .map(|(id, sessions)| {
                // Whoever looks before the end would know how it goes.
                let told: Vec<_> = sessions.iter().filter(|session| session.complete).collect();
                let summary = summarise(&start, &told);
                Participant { id, complete: !told.is_empty(), summary, sessions, p_holm: None }
            })
            .collect();
        correct(&mut participants);
        let complete: Vec<&LoggedSession> = participants
            .iter()
            .flat_map(|participant| &participant.sessions)
            .filter(|session| session.complete)
            .collect();
        let several = participants.iter().filter(|participant| participant.complete).count();
        let pooled = (several > 1).then(|| {
            let mut summary = summarise(&start, &complete);
            // A function through answers of people with other thresholds is nobody's.
            summary.thresholds.clear();
            Pooled { participants: several, summary, thresholds: between(&participants) }
        });
        Ok(Self { test: TestPower::of(&start.test), start, participants, pooled })
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.start.test.protocol
    }
}

impl Participant {
    /// Sessions that are not whole, and are not counted.
    pub fn unfinished(&self) -> usize {
        self.sessions.iter().filter(|session| !session.complete).count()
    }

    /// Whether a session that counts had no sound device: nothing was heard then.
    pub fn without_sound(&self) -> bool {
        let counted = self.sessions.iter().filter(|session| session.complete);
        counted.flat_map(|session| &session.played_on).any(|(device, _)| device.is_none())
    }
}

/// Corrects the p-values of those who are tested.
fn correct(participants: &mut [Participant]) {
    let tested: Vec<(usize, f64)> = participants
        .iter()
        .enumerate()
        .filter(|(_, participant)| participant.complete)
        .filter_map(|(index, participant)| Some((index, participant.summary.p?)))
        .collect();
    let corrected = stats::holm(&tested.iter().map(|(_, p)| *p).collect::<Vec<_>>());
    for ((index, _), p) in tested.into_iter().zip(corrected) {
        if let Some(participant) = participants.get_mut(index) {
            participant.p_holm = Some(p);
        }
    }
}

fn summarise(start: &Start, sessions: &[&LoggedSession]) -> Summary {
    let protocol = start.test.protocol;
    let answers: Vec<&Answered> =
        sessions.iter().flat_map(|session| session.part(Part::Test)).collect();
    let catches: Vec<&Answered> =
        sessions.iter().flat_map(|session| session.part(Part::Catch)).collect();
    let right = |answers: &[&Answered]| {
        answers.iter().filter(|answered| answered.right == Some(true)).count() as u64
    };
    let differences: Vec<f64> = answers
        .iter()
        .filter_map(|answered| match answered.answer {
            Answer::Grades(grades) => Some(answered.trial.arrangement.grade_difference(grades)),
            Answer::Choice(_) => None,
        })
        .collect();
    let trials = answers.iter().filter(|answered| answered.right.is_some()).count() as u64;
    let hits = right(&answers);
    Summary {
        right: hits,
        trials,
        p: (!protocol.is_adaptive() && trials > 0).then(|| stats::p_value(hits, trials, 0.5)),
        interval: stats::clopper_pearson(hits, trials, 0.95),
        detection: detect(protocol, start.stimuli.len(), &answers),
        grades: stats::grades(&differences),
        thresholds: thresholds(start, sessions, &answers),
        catches: (right(&catches), catches.len() as u64),
    }
}

/// d' with the model of the design; none for grades and where the level changes.
fn detect(protocol: Protocol, pairs: usize, answers: &[&Answered]) -> Option<Detection> {
    let mut counts = Counts::default();
    // What "yes" is: "A" in ABX and 2AFC, "different" in same/different.
    let yes = u8::from(protocol == Protocol::SameDifferent);
    for answered in answers {
        let Answer::Choice(choice) = answered.answer else { return None };
        let said_yes = u64::from(choice == yes);
        if answered.trial.arrangement.right(protocol) == yes {
            counts.signal += 1;
            counts.hits += said_yes;
        } else {
            counts.noise += 1;
            counts.false_alarms += said_yes;
        }
    }
    let model = DetectionModel::for_pairs(pairs);
    match protocol {
        _ if counts.signal + counts.noise == 0 => None,
        Protocol::Abx => Some(stats::abx(counts, model)),
        Protocol::TwoAfc => Some(stats::two_afc(counts)),
        Protocol::SameDifferent => Some(stats::same_different(counts, model)),
        _ => None,
    }
}
