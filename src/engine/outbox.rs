//! The way from the engine's threads to the window: events, and a call when there are new ones.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::message::{CommandId, Event, EventKind, Snapshot};

/// Keeps events until they are read, and wakes whoever reads them.
///
/// A window that is not shown may read late or never: snapshots of an attack that nobody has read
/// become one, so that what waits stays small.
#[derive(Clone)]
pub struct Outbox {
    waiting: Arc<Mutex<VecDeque<Event>>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    /// An empty outbox. `wake` is called when an event comes and none waited: not again before
    /// somebody has read.
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { waiting: Arc::default(), wake }
    }

    /// Adds one event.
    pub fn send(&self, command: CommandId, kind: EventKind) {
        let mut waiting = self.lock();
        let first = waiting.is_empty();
        match (waiting.back_mut(), kind) {
            (
                Some(Event { command: last, kind: EventKind::AttackProgress(older) }),
                EventKind::AttackProgress(newer),
            ) if *last == command => merge(older, *newer),
            (_, kind) => waiting.push_back(Event { command, kind }),
        }
        drop(waiting);
        if first {
            (self.wake)();
        }
    }

    /// Takes all events; never waits for more.
    pub fn take(&self) -> Vec<Event> {
        Vec::from(std::mem::take(&mut *self.lock()))
    }

    /// Runs a job and sends what it gives; its error or panic becomes [`EventKind::Failed`].
    pub fn answer(&self, command: CommandId, job: impl FnOnce() -> Result<EventKind, String>) {
        self.answer_or(command, EventKind::Failed, job);
    }

    /// The same where `failed` says what an error or a panic becomes.
    pub fn answer_or(
        &self,
        command: CommandId,
        failed: impl FnOnce(String) -> EventKind,
        job: impl FnOnce() -> Result<EventKind, String>,
    ) {
        let kind = match catch_unwind(AssertUnwindSafe(job)) {
            Ok(Ok(kind)) => kind,
            Ok(Err(reason)) => failed(reason),
            Err(panic) => failed(format!(
                "an internal error ended this job (everything else is unharmed): {}",
                panic_message(panic.as_ref())
            )),
        };
        self.send(command, kind);
    }

    /// Held only to move events in and out.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes one snapshot of two of the same attack: the newer, with the steps and the improvement
/// that only the older tells of.
fn merge(older: &mut Snapshot, newer: Snapshot) {
    let mut trace = std::mem::take(&mut older.trace);
    trace.extend(newer.trace);
    let improved = newer.improved.or_else(|| older.improved.take());
    *older = Snapshot { trace, improved, ..newer };
}

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it gave no reason")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::attacks::TracePoint;
    use crate::models::{Labels, Verdict};

    /// An outbox, and how often it has woken its reader.
    fn outbox() -> (Outbox, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let wake = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        (Outbox::new(Arc::new(wake)), woken)
    }

    /// What a job's answer becomes, after checking that it is one event, of this command, and that
    /// the reader was woken once.
    fn answer(job: impl FnOnce() -> Result<EventKind, String>) -> EventKind {
        let (outbox, woken) = outbox();
        outbox.answer(CommandId(7), job);
        let mut events = outbox.take();
        assert_eq!((events.len(), woken.load(Ordering::Relaxed)), (1, 1));
        let event = events.remove(0);
        assert_eq!(event.command, CommandId(7));
        event.kind
    }

    fn progress(iteration: usize, improved: bool) -> EventKind {
        let labels = Labels::new(["a", "b"].map(str::to_owned));
        let verdict = Verdict { labels, probabilities: Arc::new([0.25, 0.75]) };
        let point = TracePoint {
            iteration,
            original: 0.75,
            leading: 0.25,
            target: None,
            snr_db: 30.0,
            best_snr_db: None,
        };
        let samples: Arc<[f32]> = Arc::new([iteration as f32]);
        EventKind::AttackProgress(Box::new(Snapshot {
            iteration,
            of: 100,
            gradient_evaluations: iteration,
            stage: "test".to_owned(),
            seconds: 0.0,
            trace: vec![point],
            verdict: verdict.clone(),
            best_snr_db: None,
            improved: improved.then_some((samples, verdict)),
        }))
    }

    #[test]
    fn a_job_s_result_is_passed_on_and_its_error_said() {
        let saved = answer(|| Ok(EventKind::Saved(Vec::new())));
        assert!(matches!(saved, EventKind::Saved(_)));
        match answer(|| Err("the disk is full".to_owned())) {
            EventKind::Failed(reason) => assert_eq!(reason, "the disk is full"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_panicking_job_is_contained_and_its_message_told() {
        let formatted = answer(|| panic!("index {} is out of range", 41));
        let literal = answer(|| panic!("out of range"));
        let neither = answer(|| std::panic::panic_any(41));
        let expected = ["index 41 is out of range", "out of range", "it gave no reason"];
        for (kind, expected) in [formatted, literal, neither].into_iter().zip(expected) {
            match kind {
                EventKind::Failed(reason) => assert!(
                    reason.starts_with("an internal error ended this job")
                        && reason.ends_with(expected),
                    "{reason}"
                ),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn snapshots_that_nobody_reads_become_one_that_has_lost_nothing() {
        let (outbox, _) = outbox();
        for iteration in 1..=1000 {
            outbox.send(CommandId(1), progress(iteration, iteration == 400));
        }
        let mut events = outbox.take();
        assert_eq!(events.len(), 1);
        let EventKind::AttackProgress(snapshot) = events.remove(0).kind else { panic!() };
        assert!(snapshot.trace.iter().map(|point| point.iteration).eq(1..=1000));
        assert_eq!(snapshot.iteration, 1000);
        assert_eq!(snapshot.improved.unwrap().0[0], 400.0);
    }

    #[test]
    fn snapshots_of_another_attack_or_before_another_event_are_kept_apart() {
        let (outbox, _) = outbox();
        outbox.send(CommandId(1), progress(1, false));
        outbox.send(CommandId(2), progress(1, false));
        outbox.send(CommandId(3), EventKind::Saved(Vec::new()));
        outbox.send(CommandId(2), progress(2, false));
        let commands: Vec<_> = outbox.take().iter().map(|event| event.command.0).collect();
        assert_eq!(commands, [1, 2, 3, 2]);
    }

    #[test]
    fn the_reader_is_woken_once_until_it_has_read() {
        let (outbox, woken) = outbox();
        let woken = || woken.load(Ordering::Relaxed);
        for round in 1..=3 {
            for iteration in 1..=50 {
                outbox.send(CommandId(1), progress(iteration, false));
                outbox.send(CommandId(2), EventKind::Saved(Vec::new()));
            }
            assert_eq!(woken(), round);
            assert_eq!(outbox.take().len(), 100);
            assert!(outbox.take().is_empty());
        }
    }
}
