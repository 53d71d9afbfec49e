//! What logs say: per participant, pooled, corrected for many tests, in words and in numbers.

mod export;
mod figure;
mod methods;
mod words;

pub use words::p_text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::adaptive::Tracker;
use super::entry::{Answered, Entry, Start};
use super::log::verify;
use super::stats::{self, Counts, Detection, DetectionModel, Fit, Grades, Interval, LevelCount};
use super::{Answer, ListenError, Part, Protocol, Stimulus};

/// Simulated listeners for the interval of a threshold.
const REPLICATES: usize = 1000;
/// The seed of that simulation: the same answers give the same interval.
const BOOTSTRAP_SEED: u64 = 0x7EA5;
/// Different SNRs from which on a psychometric function is fitted.
const LEAST_LEVELS: usize = 3;
/// Power is told for people who are right this often.
pub const RATES: [f64; 3] = [0.7, 0.8, 0.9];

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

    fn part(&self, part: Part) -> impl Iterator<Item = &Answered> {
        self.answers.iter().filter(move |answered| answered.trial.part == part)
    }
}

/// A threshold in dB SNR.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// Of which pair; of all where there is none.
    pub stimulus: Option<String>,
    /// The fitted psychometric function.
    pub fit: Fit,
    /// What was fitted.
    pub levels: Vec<LevelCount>,
    /// What the staircase itself settled at (70.7 % or 79.4 % right), or the mean of QUEST+'s
    /// posterior, in dB SNR.
    pub tracked_db: Option<f64>,
}

/// What may be said of a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said {
    /// It is at so many dB SNR.
    At(f64),
    /// The change is heard up to the highest SNR that was played, in dB: it lies above.
    Above(f64),
    /// It is not heard down to the lowest: it lies below.
    Below(f64),
    /// Nothing: guessing explains the answers as well.
    Nothing,
}

/// The logarithm of the likelihood that a function must win over guessing: half of the 95 % point of
/// a chi-squared distribution with two degrees of freedom.
const LEAST_EVIDENCE: f64 = 2.996;

impl Threshold {
    /// What may be said of it.
    pub fn said(&self) -> Said {
        let trials: u64 = self.levels.iter().map(|level| level.trials).sum();
        let guessing = trials as f64 * 0.5_f64.ln();
        let ends = self.levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), level| {
            (l.min(level.snr_db), h.max(level.snr_db))
        });
        let threshold = self.fit.curve.threshold_db;
        if self.fit.log_likelihood - guessing < LEAST_EVIDENCE {
            Said::Nothing
        } else if threshold > ends.1 {
            Said::Above(ends.1)
        } else if threshold < ends.0 {
            Said::Below(ends.0)
        } else {
            Said::At(threshold)
        }
    }

    /// Its interval, where there is a threshold to have one.
    pub fn interval(&self) -> Option<Interval> {
        self.fit.threshold_interval.filter(|_| matches!(self.said(), Said::At(_)))
    }
}

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
    /// Whether all sessions are whole. The number of trials is fixed before the start, so others are
    /// not tested.
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

/// The mean over people of a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanThreshold {
    /// Of which pair or ladder; of the only one where there is none.
    pub stimulus: Option<String>,
    /// The mean in dB SNR.
    pub mean_db: f64,
    /// Its 95 % interval between people after Student; none of one.
    pub interval: Option<Interval>,
    /// How many people have one.
    pub people: usize,
}

/// Means over those who have a threshold.
fn between(participants: &[Participant]) -> Vec<MeanThreshold> {
    let mut all: BTreeMap<Option<String>, Vec<f64>> = BTreeMap::new();
    let complete = participants.iter().filter(|participant| participant.complete);
    for threshold in complete.flat_map(|participant| &participant.summary.thresholds) {
        if let Said::At(db) = threshold.said() {
            all.entry(threshold.stimulus.clone()).or_default().push(db);
        }
    }
    let mean = |(stimulus, values): (Option<String>, Vec<f64>)| {
        let grades = stats::grades(&values)?;
        let (mean_db, interval) = (grades.mean, grades.interval);
        Some(MeanThreshold { stimulus, mean_db, interval, people: values.len() })
    };
    all.into_iter().filter_map(mean).collect()
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
    /// The fewest right answers that are significant with the trials of one session; none where no
    /// number is, and where the binomial test is not made.
    pub critical: Option<u64>,
    /// The exact size of the test with these trials.
    pub size: f64,
    /// Power at each of [`RATES`].
    pub power: [f64; 3],
    /// Trials needed for a power of 80 % at each of [`RATES`].
    pub needed: [Option<u64>; 3],
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
                let complete = sessions.iter().all(|session| session.complete);
                // Whoever looks before the end would know how it goes.
                let told: &[LoggedSession] = if complete { &sessions } else { &[] };
                let summary = summarise(&start, &told.iter().collect::<Vec<_>>());
                Participant { id, complete, summary, sessions, p_holm: None }
            })
            .collect();
        correct(&mut participants);
        let complete: Vec<&LoggedSession> = participants
            .iter()
            .filter(|participant| participant.complete)
            .flat_map(|participant| &participant.sessions)
            .collect();
        let several = participants.iter().filter(|participant| participant.complete).count();
        let pooled = (several > 1).then(|| {
            let mut summary = summarise(&start, &complete);
            // A function through answers of people with other thresholds is nobody's.
            summary.thresholds.clear();
            Pooled { participants: several, summary, thresholds: between(&participants) }
        });
        let (trials, alpha) = (start.test.trial_count() as u64, start.test.alpha);
        let tested = !start.test.protocol.is_adaptive();
        Ok(Self {
            critical: stats::critical(trials, 0.5, alpha).filter(|_| tested),
            size: stats::size(trials, 0.5, alpha),
            power: RATES.map(|rate| stats::power(trials, 0.5, alpha, rate)),
            needed: RATES.map(|rate| stats::needed_trials(0.5, alpha, rate, 0.8)),
            start,
            participants,
            pooled,
        })
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.start.test.protocol
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

fn thresholds(start: &Start, sessions: &[&LoggedSession], answers: &[&Answered]) -> Vec<Threshold> {
    let protocol = start.test.protocol;
    let fit = |levels: Vec<LevelCount>, stimulus, tracked_db| {
        if levels.len() < LEAST_LEVELS {
            return None;
        }
        let fit = stats::fit_with_intervals(&levels, REPLICATES, BOOTSTRAP_SEED)?;
        Some(Threshold { stimulus, fit, levels, tracked_db })
    };
    if protocol.is_adaptive() {
        let stimuli = start.stimuli.iter().enumerate();
        let fits = stimuli.filter_map(|(index, stimulus)| {
            let levels = level_counts(answers, &[index]);
            fit(levels, Some(stimulus.name.clone()), tracked(start, sessions, index))
        });
        fits.collect()
    } else if protocol == Protocol::Triple {
        Vec::new()
    } else {
        // One ladder at a time: other pairs are heard at other SNRs.
        let mut ladders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, stimulus) in start.stimuli.iter().enumerate() {
            ladders.entry(Stimulus::ladder_of(&stimulus.name)).or_default().push(index);
        }
        let single = ladders.len() == 1;
        let fits = ladders.into_iter().filter_map(|(name, steps)| {
            let levels = level_counts(answers, &steps);
            let name = (!single).then(|| name.to_owned());
            fit(levels, name, None)
        });
        fits.collect()
    }
}

/// Right answers at each SNR of these pairs, to a tenth of a dB.
fn level_counts(answers: &[&Answered], stimuli: &[usize]) -> Vec<LevelCount> {
    let mut levels: BTreeMap<i64, LevelCount> = BTreeMap::new();
    for answered in answers {
        let (Some(snr), Some(right)) = (answered.trial.snr_db, answered.right) else { continue };
        if !stimuli.contains(&answered.trial.stimulus) {
            continue;
        }
        let key = (snr * 10.0).round() as i64;
        let empty = LevelCount { snr_db: key as f64 / 10.0, right: 0, trials: 0 };
        let level = levels.entry(key).or_insert(empty);
        level.trials += 1;
        level.right += u64::from(right);
    }
    levels.into_values().collect()
}

/// What the tracker of a pair settled at: the mean over sessions.
fn tracked(start: &Start, sessions: &[&LoggedSession], stimulus: usize) -> Option<f64> {
    let estimates: Option<Vec<f64>> = sessions
        .iter()
        .map(|session| {
            let mut tracker = Tracker::new(start.test.protocol, &start.test.adaptive)?;
            let own = session.part(Part::Test).filter(|a| a.trial.stimulus == stimulus);
            own.filter_map(|answered| answered.right).for_each(|right| tracker.answer(right));
            tracker.estimate()
        })
        .collect();
    let estimates = estimates?;
    let count = estimates.len() as f64;
    (count > 0.0).then(|| estimates.iter().sum::<f64>() / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(right: [u64; 4]) -> Said {
        let levels: Vec<LevelCount> = right
            .into_iter()
            .zip([10.0, 20.0, 30.0, 40.0])
            .map(|(right, snr_db)| LevelCount { snr_db, right, trials: 12 })
            .collect();
        let fit = stats::fit(&levels).expect("a function");
        Threshold { stimulus: None, fit, levels, tracked_db: None }.said()
    }

    #[test]
    fn a_threshold_is_told_only_where_answers_tell_one() {
        let Said::At(db) = said([12, 12, 6, 6]) else { panic!("a clear threshold") };
        assert!((20.0..30.0).contains(&db), "{db}");
        assert_eq!(said([6, 7, 5, 6]), Said::Nothing);
        assert_eq!(said([12, 12, 12, 12]), Said::Above(40.0));
        assert!(!matches!(said([8, 5, 7, 6]), Said::At(_)));
    }
}
