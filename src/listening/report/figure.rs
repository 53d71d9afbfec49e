//! The psychometric function as a figure.

use super::{Participant, Report, Said, Threshold};
use crate::figure::PsychometricFigure;

/// Points of the curve.
const POINTS: usize = 200;

impl Report {
    /// The function of each participant and each pair or ladder.
    pub fn figures(&self) -> Vec<PsychometricFigure> {
        let of = |participant: &Participant, threshold: &Threshold| {
            let which = threshold.stimulus.as_ref().map(|name| format!(", {name}"));
            let (title, who) = (&self.start.test.title, &participant.id);
            figure(&format!("{title}, {who}{}", which.unwrap_or_default()), threshold)
        };
        let people = self.participants.iter();
        let all = people.flat_map(|person| {
            person.summary.thresholds.iter().map(move |threshold| of(person, threshold))
        });
        all.collect()
    }
}

fn figure(title: &str, threshold: &Threshold) -> PsychometricFigure {
    let levels = &threshold.levels;
    let (low, high) = levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), l| {
        (low.min(l.snr_db), high.max(l.snr_db))
    });
    let (low, high) = (low - 2.0, high + 2.0);
    let at = |index: usize| low + (high - low) * index as f64 / POINTS as f64;
    let fit = &threshold.fit;
    PsychometricFigure {
        title: title.to_owned(),
        points: levels
            .iter()
            .map(|l| (l.snr_db, l.right as f64 / l.trials.max(1) as f64, l.trials))
            .collect(),
        curve: (0..=POINTS).map(at).map(|snr| (snr, fit.curve.right(snr))).collect(),
        threshold: match threshold.said() {
            Said::At(db) => Some((db, threshold.interval().map(|i| [i.low, i.high]))),
            _ => None,
        },
    }
}
