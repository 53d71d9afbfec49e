//! The engine's thread: takes commands one by one; no error or panic of a job ends it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use rayon::ThreadPool;

use super::message::{AttackJob, ClipSource, Command, CommandId, Event, EventKind, SaveJob};
use super::trace::Tracer;
use crate::assets::BUNDLED;
use crate::attacks::{Flow, Problem, Progress};
use crate::audio::{self, Clip};
use crate::models::{Classifier, ModelId, ModelLibrary};

/// Sends events and wakes whoever reads them.
#[derive(Clone)]
pub struct Outbox {
    events: Sender<Event>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    /// An outbox for this channel.
    pub fn new(events: Sender<Event>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { events, wake }
    }

    fn send(&self, command: CommandId, kind: EventKind) {
        // Nobody is left to read while the window closes.
        self.events.send(Event { command, kind }).ok();
        (self.wake)();
    }

    /// Runs a job and sends what it gives; its error or panic becomes [`EventKind::Failed`].
    fn answer(&self, command: CommandId, job: impl FnOnce() -> Result<EventKind, String>) {
        let kind = match catch_unwind(AssertUnwindSafe(job)) {
            Ok(Ok(kind)) => kind,
            Ok(Err(reason)) => EventKind::Failed(reason),
            Err(panic) => EventKind::Failed(format!(
                "an internal error ended this job (everything else is unharmed): {}",
                panic_message(panic.as_ref())
            )),
        };
        self.send(command, kind);
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it gave no reason")
}

/// What the thread owns.
pub struct Worker {
    library: ModelLibrary,
    pool: ThreadPool,
    outbox: Outbox,
    cancelled: Arc<AtomicU64>,
}

impl Worker {
    /// A worker that has loaded nothing yet.
    pub fn new(
        directories: Vec<PathBuf>,
        pool: ThreadPool,
        outbox: Outbox,
        cancelled: Arc<AtomicU64>,
    ) -> Self {
        Self { library: ModelLibrary::new(directories), pool, outbox, cancelled }
    }

    /// Takes commands until the engine's handle is dropped.
    pub fn run(mut self, inbox: &Receiver<(CommandId, Command)>) {
        for (id, command) in inbox {
            match command {
                Command::LoadClip { source, limit_seconds } => {
                    self.aside(id, move || load_clip(&source, limit_seconds));
                }
                Command::Save(job) => self.aside(id, move || save(&job).map(EventKind::Saved)),
                command => {
                    let outbox = self.outbox.clone();
                    outbox.answer(id, || self.compute(id, command));
                }
            }
        }
    }

    /// Runs a job that needs no model on a thread of its own.
    fn aside(
        &self,
        id: CommandId,
        job: impl FnOnce() -> Result<EventKind, String> + Send + 'static,
    ) {
        let outbox = self.outbox.clone();
        let started = std::thread::Builder::new()
            .name("file".to_owned())
            .spawn(move || outbox.answer(id, job));
        if let Err(error) = started {
            let reason = format!("no thread could be started for it: {error}");
            self.outbox.send(id, EventKind::Failed(reason));
        }
    }

    fn compute(&mut self, id: CommandId, command: Command) -> Result<EventKind, String> {
        match command {
            Command::LoadModel(model) => {
                Ok(EventKind::ModelLoaded(self.model(model)?.card().clone()))
            }
            Command::Classify { clip, model } => {
                let classifier = self.model(model)?;
                let verdict =
                    self.pool.install(|| classifier.classify(&clip.samples)).map_err(|error| {
                        format!("{} failed on {}: {error}", model.title(), clip.name)
                    })?;
                Ok(EventKind::Classified { model, verdict })
            }
            Command::Attack(job) => self.attack(id, &job),
            Command::LoadClip { .. } | Command::Save(_) => {
                Err("file commands do not reach the models".to_owned())
            }
        }
    }

    fn model(&mut self, id: ModelId) -> Result<Arc<dyn Classifier>, String> {
        self.library.get(id).map_err(|error| error.to_string())
    }

    fn attack(&mut self, id: CommandId, job: &AttackJob) -> Result<EventKind, String> {
        let classifier = self.model(job.model)?;
        self.outbox.send(id, EventKind::AttackStarted);
        let problem = Problem {
            samples: Arc::clone(&job.clip.samples),
            goal: job.goal,
            true_label: None,
            seed: job.seed,
        };
        let mut tracer = Tracer::new();
        let mut observer = |progress: &Progress<'_>| {
            if let Some(snapshot) = tracer.step(progress) {
                self.outbox.send(id, EventKind::AttackProgress(Box::new(snapshot)));
            }
            let cancelled = self.cancelled.load(Ordering::Relaxed) >= id.0;
            if cancelled { Flow::Stop } else { Flow::Continue }
        };
        let attack = job.spec.build();
        let outcome =
            self.pool.install(|| attack.run(classifier.as_ref(), &problem, &mut observer));
        if let Some(snapshot) = tracer.finish() {
            self.outbox.send(id, EventKind::AttackProgress(Box::new(snapshot)));
        }
        Ok(EventKind::AttackDone(Box::new(outcome)))
    }
}

fn load_clip(source: &ClipSource, limit_seconds: f64) -> Result<EventKind, String> {
    let clip: Result<Clip, _> = match source {
        ClipSource::File(path) => audio::load(path, limit_seconds),
        ClipSource::Bundled(index) => {
            let bundled =
                BUNDLED.get(*index).ok_or_else(|| format!("there is no bundled clip {index}"))?;
            audio::load_bytes(bundled.name, bundled.bytes, limit_seconds)
        }
    };
    clip.map(EventKind::ClipLoaded).map_err(|error| error.to_string())
}

fn save(job: &SaveJob) -> Result<Vec<PathBuf>, String> {
    match job {
        SaveJob::Pair { clip, adversarial, folder } => {
            audio::write_pair(folder, &clip.name, &clip.samples, adversarial)
                .map(Vec::from)
                .map_err(|error| error.to_string())
        }
        SaveJob::Figure { figure, path } => {
            figure.write(path).map(|()| vec![path.clone()]).map_err(|error| error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use super::*;

    /// What a job's answer becomes, after checking that it is one event, of this command, and that
    /// the reader was woken once.
    fn answer(job: impl FnOnce() -> Result<EventKind, String>) -> EventKind {
        let (sender, events) = mpsc::channel();
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let wake = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        Outbox::new(sender, Arc::new(wake)).answer(CommandId(7), job);
        let mut events: Vec<_> = events.try_iter().collect();
        assert_eq!((events.len(), woken.load(Ordering::Relaxed)), (1, 1));
        let event = events.remove(0);
        assert_eq!(event.command, CommandId(7));
        event.kind
    }

    #[test]
    fn a_job_s_result_is_passed_on_and_its_error_said() {
        assert!(matches!(answer(|| Ok(EventKind::AttackStarted)), EventKind::AttackStarted));
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
}
