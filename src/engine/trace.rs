//! From an attack's every step to what people can follow: snapshots, a few dozen a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::Snapshot;
use crate::attacks::{Progress, TracePoint};
use crate::models::Verdict;

/// Least time between two snapshots: a frame at 30 a second.
const INTERVAL: Duration = Duration::from_millis(33);

/// Collects steps and gives a snapshot when one is due.
pub struct Tracer {
    started: Instant,
    last: Option<Instant>,
    /// The steps since the last snapshot that was given.
    pending: Option<Snapshot>,
    shown: Option<Arc<[f32]>>,
}

impl Tracer {
    /// Starts the clock.
    pub fn new() -> Self {
        Self { started: Instant::now(), last: None, pending: None, shown: None }
    }

    /// Takes one step in, and gives a snapshot of all since the last if one is due.
    pub fn step(&mut self, progress: &Progress<'_>) -> Option<Snapshot> {
        let (mut trace, earlier) =
            self.pending.take().map_or((Vec::new(), None), |s| (s.trace, s.improved));
        trace.push(TracePoint::of(progress));
        let improved = progress.best.and_then(|(samples, verdict)| self.improved(samples, verdict));
        self.pending = Some(Snapshot {
            iteration: progress.iteration,
            of: progress.of,
            gradient_evaluations: progress.gradient_evaluations,
            stage: progress.stage.to_owned(),
            seconds: self.started.elapsed().as_secs_f64(),
            trace,
            verdict: progress.verdict.clone(),
            best_snr_db: progress.best_snr_db,
            improved: improved.or(earlier),
        });
        if self.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return None;
        }
        self.last = Some(Instant::now());
        self.pending.take()
    }

    /// The steps that no snapshot has told of yet: an attack may end at any of them.
    pub fn finish(self) -> Option<Snapshot> {
        self.pending
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Labels;

    #[test]
    fn no_step_and_no_improvement_is_lost_however_fast_they_come_and_wherever_they_end() {
        let labels = Labels::new(["a", "b"].map(str::to_owned));
        let verdict = Verdict { labels, probabilities: Arc::new([0.25, 0.75]) };
        let best: Arc<[f32]> = Arc::new([0.5]);
        let mut tracer = Tracer::new();
        let mut snapshots = Vec::new();
        // 40 of 1000 steps, as if it had been cancelled then; the fourth finds something.
        for iteration in 1..=40 {
            let found = (iteration >= 4).then_some((&best, &verdict));
            snapshots.extend(tracer.step(&Progress {
                iteration,
                of: 1000,
                gradient_evaluations: iteration,
                stage: "test",
                snr_db: 10.0,
                best_snr_db: found.map(|_| 10.0),
                verdict: &verdict,
                original: 1,
                target: None,
                best: found,
            }));
        }
        snapshots.extend(tracer.finish());
        let told = snapshots.iter().flat_map(|s| &s.trace).map(|point| point.iteration);
        assert!(told.eq(1..=40));
        assert!(snapshots.len() < 40, "not throttled at all");
        assert_eq!(snapshots.iter().filter(|s| s.improved.is_some()).count(), 1);
        assert_eq!(snapshots[0].trace[0].leading, 0.25);
    }
}
