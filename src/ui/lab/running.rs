//! An attack under way, as the window follows it.

use std::sync::Arc;

use crate::attacks::TracePoint;
use crate::engine::{AttackJob, CommandId, Snapshot};
use crate::models::{ModelCard, Verdict};

/// An attack that was asked for and has not ended.
pub struct Running {
    /// The command that started it.
    pub command: CommandId,
    /// What was asked for.
    pub job: AttackJob,
    /// How many threads compute it, once it began.
    pub threads: Option<usize>,
    /// The model that it attacks, once it began.
    pub card: Option<Box<ModelCard>>,
    /// Whether people have pressed Stop.
    pub stopping: bool,
    /// The latest snapshot.
    pub snapshot: Option<Snapshot>,
    /// All steps so far.
    pub trace: Vec<TracePoint>,
    /// The best adversarial samples so far and what the model hears in them.
    pub best: Option<(Arc<[f32]>, Verdict)>,
}

impl Running {
    /// An attack that was just asked for.
    pub fn new(command: CommandId, job: AttackJob) -> Self {
        Self {
            command,
            job,
            threads: None,
            card: None,
            stopping: false,
            snapshot: None,
            trace: Vec::new(),
            best: None,
        }
    }

    /// Takes in a snapshot.
    pub fn progress(&mut self, mut snapshot: Snapshot) {
        self.trace.append(&mut snapshot.trace);
        if let Some(improved) = snapshot.improved.take() {
            self.best = Some(improved);
        }
        self.snapshot = Some(snapshot);
    }

    /// How much is done, in \[0, 1\]: an attack may end before its last step, and where it found nothing
    /// it may go on after it.
    pub fn fraction(&self) -> f32 {
        match &self.snapshot {
            Some(snapshot) if snapshot.of > 0 => snapshot.iteration as f32 / snapshot.of as f32,
            _ => 0.0,
        }
    }

    /// Steps a second so far.
    pub fn speed(&self) -> Option<f64> {
        let snapshot = self.snapshot.as_ref()?;
        (snapshot.seconds > 0.0 && snapshot.iteration > 0)
            .then(|| snapshot.iteration as f64 / snapshot.seconds)
    }

    /// Seconds left to the last step, at the speed so far.
    pub fn seconds_left(&self) -> Option<f64> {
        let snapshot = self.snapshot.as_ref()?;
        Some(snapshot.of.saturating_sub(snapshot.iteration) as f64 / self.speed()?)
    }
}
