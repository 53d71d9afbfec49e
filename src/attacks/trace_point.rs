//! One step of an attack in numbers: what curves and tables of an attack are made of.

use super::Progress;

/// One step of an attack in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TracePoint {
    /// The step.
    pub iteration: usize,
    /// Confidence of the original label.
    pub original: f32,
    /// Confidence of the most probable other label.
    pub leading: f32,
    /// Confidence of the target, if there is one.
    pub target: Option<f32>,
    /// SNR in dB of this step.
    pub snr_db: f64,
    /// SNR in dB of the best so far.
    pub best_snr_db: Option<f64>,
}

impl TracePoint {
    /// The step that an observer is told of.
    pub fn of(progress: &Progress<'_>) -> Self {
        let verdict = progress.verdict;
        let leading = verdict
            .ranked(2)
            .into_iter()
            .find(|&(label, _)| label != progress.original)
            .map_or(0.0, |(_, probability)| probability);
        Self {
            iteration: progress.iteration,
            original: verdict.probability(progress.original),
            leading,
            target: progress.target.map(|target| verdict.probability(target)),
            snr_db: progress.snr_db,
            best_snr_db: progress.best_snr_db,
        }
    }
}
