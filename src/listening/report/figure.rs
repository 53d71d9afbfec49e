//! The psychometric function as a figure.

use super::{Report, Threshold};
use crate::figure::PsychometricFigure;

/// Points of the curve.
const POINTS: usize = 200;

impl Report {
    /// The function of all participants together, or of the only one; of the first pair where there
    /// are several. None where nothing was fitted.
    pub fn figure(&self) -> Option<PsychometricFigure> {
        let (who, threshold) = match &self.pooled {
            Some(pooled) => {
                let who = format!("{} participants", pooled.participants);
                (who, pooled.summary.thresholds.first()?)
            }
            None => {
                let participant = self.participants.first()?;
                (participant.id.clone(), participant.summary.thresholds.first()?)
            }
        };
        Some(figure(&format!("{}, {who}", self.start.test.title), threshold))
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
        threshold: fit
            .within_levels
            .then(|| (fit.curve.threshold_db, fit.threshold_interval.map(|i| [i.low, i.high]))),
    }
}
