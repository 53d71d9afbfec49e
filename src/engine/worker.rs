//! The engine's thread: takes commands one by one; no error or panic of a job ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;

use rayon::ThreadPool;

use super::message::{AttackJob, Command, CommandId, EventKind};
use super::outbox::Outbox;
use super::threads::{Background, background_pool};
use super::trace::Tracer;
use crate::attacks::{Flow, Problem, Progress};
use crate::models::{Classifier, ModelId, ModelLibrary};

/// Numbers that the window and the thread share.
#[derive(Debug, Default)]
pub struct Shared {
    /// The latest command that was cancelled, and with it all before it.
    pub cancelled: AtomicU64,
    /// How many threads compute.
    pub threads: AtomicUsize,
}

/// What the thread owns.
pub struct Worker {
    library: ModelLibrary,
    pool: ThreadPool,
    priority: Background,
    outbox: Outbox,
    shared: Arc<Shared>,
}

impl Worker {
    /// A worker that has loaded nothing yet and computes below the calling thread's priority.
    ///
    /// # Errors
    /// Where the computing threads can't be started.
    pub fn new(
        directories: Vec<PathBuf>,
        threads: Option<usize>,
        outbox: Outbox,
        shared: Arc<Shared>,
    ) -> Result<Self, String> {
        let priority = Background::below_this_thread();
        let pool = background_pool(threads, priority)?;
        shared.threads.store(pool.current_num_threads(), Ordering::Relaxed);
        Ok(Self { library: ModelLibrary::new(directories), pool, priority, outbox, shared })
    }

    /// Takes commands until the engine's handle is dropped.
    pub fn run(mut self, inbox: &Receiver<(CommandId, Command)>) {
        // Loading a model or bookkeeping between steps must not hold up the window either.
        self.priority.enter();
        for (id, command) in inbox {
            let outbox = self.outbox.clone();
            outbox.answer(id, || self.compute(id, command));
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
            Command::SetThreads(threads) => {
                self.pool = background_pool(threads, self.priority)?;
                let threads = self.pool.current_num_threads();
                self.shared.threads.store(threads, Ordering::Relaxed);
                Ok(EventKind::ThreadsSet(threads))
            }
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
        self.outbox.send(id, EventKind::AttackStarted { threads: self.pool.current_num_threads() });
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
            let cancelled = self.shared.cancelled.load(Ordering::Relaxed) >= id.0;
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
