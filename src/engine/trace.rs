//! From an attack's every step to what people can follow: snapshots, a few dozen a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::{Snapshot, TracePoint};
use crate::attacks::Progress;
use crate::models::Verdict;

/// Least time between two snapshots: a frame at 30 a second.
const INTERVAL: Duration = Duration::from_millis(33);

/// Collects steps and gives a snapshot when one is due.
pub struct Tracer {
    started: Instant,
    last: Option<Instant>,
    trace: Vec<TracePoint>,
    shown: Option<Arc<[f32]>>,
}

impl Tracer {
    /// Starts the clock.
    pub fn new() -> Self {
        Self { started: Instant::now(), last: None, trace: Vec::new(), shown: None }
    }

    /// Takes one step in, and gives a snapshot of all since the last if one is due.
    pub fn step(&mut self, progress: &Progress<'_>) -> Option<Snapshot> {
        self.trace.push(point(progress));
        let due = self.last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if !due && progress.iteration < progress.of {
            return None;
        }
        self.last = Some(Instant::now());
        let improved = progress.best.and_then(|(samples, verdict)| self.improved(samples, verdict));
        Some(Snapshot {
            iteration: progress.iteration,
            of: progress.of,
            gradient_evaluations: progress.gradient_evaluations,
            stage: progress.stage.to_owned(),
            seconds: self.started.elapsed().as_secs_f64(),
            trace: std::mem::take(&mut self.trace),
            verdict: progress.verdict.clone(),
            best_snr_db: progress.best_snr_db,
            improved,
        })
    }

    fn improved(
        &mut self,
        samples: &Arc<[f32]>,
        verdict: &Verdict,
    ) -> Option<(Arc<[f32]>, Verdict)> {
        if self.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(shown, samples)) {
            return None;
        }
        self.shown = Some(Arc::clone(samples));
        Some((Arc::clone(samples), verdict.clone()))
    }
}

fn point(progress: &Progress<'_>) -> TracePoint {
    let verdict = progress.verdict;
    let leading = verdict
        .ranked(2)
        .into_iter()
        .find(|&(label, _)| label != progress.original)
        .map_or(0.0, |(_, probability)| probability);
    TracePoint {
        iteration: progress.iteration,
        original: verdict.probability(progress.original),
        leading,
        target: progress.target.map(|target| verdict.probability(target)),
        snr_db: progress.snr_db,
        best_snr_db: progress.best_snr_db,
    }
}
