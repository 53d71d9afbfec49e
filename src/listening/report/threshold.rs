//! Thresholds: what answers at several levels say of what can just be heard.

use std::collections::BTreeMap;

use super::{LoggedSession, Participant};
use crate::listening::adaptive::Tracker;
use crate::listening::entry::{Answered, Start};
use crate::listening::stats::{self, Fit, Interval, LevelCount};
use crate::listening::{Part, Protocol, Stimulus};

/// Simulated listeners for the interval of a threshold.
const REPLICATES: usize = 1000;
/// The seed of that simulation: the same answers give the same interval.
const BOOTSTRAP_SEED: u64 = 0x7EA5;
/// Different SNRs from which on a psychometric function is fitted.
const LEAST_LEVELS: usize = 3;

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
    /// Of how many that were complete.
    pub of: usize,
}

/// Means over those who have a threshold.
pub(super) fn between(participants: &[Participant]) -> Vec<MeanThreshold> {
    let mut all: BTreeMap<Option<String>, Vec<f64>> = BTreeMap::new();
    let of = participants.iter().filter(|participant| participant.complete).count();
    let complete = participants.iter().filter(|participant| participant.complete);
    for threshold in complete.flat_map(|participant| &participant.summary.thresholds) {
        if let Said::At(db) = threshold.said() {
            all.entry(threshold.stimulus.clone()).or_default().push(db);
        }
    }
    let mean = |(stimulus, values): (Option<String>, Vec<f64>)| {
        let grades = stats::grades(&values)?;
        let (mean_db, interval) = (grades.mean, grades.interval);
        Some(MeanThreshold { stimulus, mean_db, interval, people: values.len(), of })
    };
    all.into_iter().filter_map(mean).collect()
}

/// Thresholds of each pair of a staircase, or of each ladder.
pub(super) fn thresholds(
    start: &Start,
    sessions: &[&LoggedSession],
    answers: &[&Answered],
) -> Vec<Threshold> {
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
