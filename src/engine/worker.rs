//! The engine's thread: takes commands one by one; no error or panic of a job ends it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use rayon::ThreadPool;

use super::compute::Compute;
use super::device::DeviceChoice;
use super::handle::DeviceInUse;
use super::message::{AttackJob, Command, CommandId, Event, EventKind};
use super::trace::Tracer;
use crate::attacks::{Flow, Problem, Progress, Status};
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

    /// Sends one event.
    pub fn send(&self, command: CommandId, kind: EventKind) {
        // Nobody is left to read while the window closes.
        self.events.send(Event { command, kind }).ok();
        (self.wake)();
    }

    /// Runs a job and sends what it gives; its error or panic becomes [`EventKind::Failed`].
    pub fn answer(&self, command: CommandId, job: impl FnOnce() -> Result<EventKind, String>) {
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

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it gave no reason")
}

/// What the thread owns.
pub struct Worker {
    directories: Vec<PathBuf>,
    library: ModelLibrary,
    device: Compute,
    pool: ThreadPool,
    outbox: Outbox,
    cancelled: Arc<AtomicU64>,
}

impl Worker {
    /// A worker that has loaded nothing yet.
    pub fn new(
        directories: Vec<PathBuf>,
        device: Compute,
        pool: ThreadPool,
        outbox: Outbox,
        cancelled: Arc<AtomicU64>,
    ) -> Self {
        let library = ModelLibrary::new(directories.clone(), device.device.clone());
        Self { directories, library, device, pool, outbox, cancelled }
    }

    /// Takes commands until the engine's handle is dropped.
    pub fn run(mut self, inbox: &Receiver<(CommandId, Command)>) {
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
                        let error = self.device.explain(&error.to_string());
                        format!("{} failed on {}: {error}", model.title(), clip.name)
                    })?;
                Ok(EventKind::Classified { model, verdict })
            }
            Command::Attack(job) => self.attack(id, &job),
            Command::UseDevice(choice) => self.use_device(choice),
            Command::LoadClip { .. } | Command::Save(_) => {
                Err("file commands do not reach the models".to_owned())
            }
        }
    }

    /// The old device and its models are kept until the new one is open.
    fn use_device(&mut self, choice: DeviceChoice) -> Result<EventKind, String> {
        let device = choice.resolve().map_err(|error| error.to_string())?;
        let in_use = DeviceInUse::new(choice, &device);
        self.library = ModelLibrary::new(self.directories.clone(), device.device.clone());
        self.device = device;
        Ok(EventKind::DeviceChanged(in_use))
    }

    fn model(&mut self, id: ModelId) -> Result<Arc<dyn Classifier>, String> {
        self.library.get(id).map_err(|error| self.device.explain(&error.to_string()))
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
        let mut outcome =
            self.pool.install(|| attack.run(classifier.as_ref(), &problem, &mut observer));
        if let Status::Failed(reason) = &mut outcome.status {
            *reason = self.device.explain(reason);
        }
        if let Some(snapshot) = tracer.finish() {
            self.outbox.send(id, EventKind::AttackProgress(Box::new(snapshot)));
        }
        Ok(EventKind::AttackDone(Box::new(outcome)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::sync::mpsc;

    use candle_core::{Device, Tensor};

    use super::*;
    use crate::attacks::{AttackId, AttackSpec, Goal};
    use crate::audio::Clip;
    use crate::models::{Labels, ModelCard, ScoreKind};

    /// Says "Bark" of everything, once its memory suffices: never after `fails` says so.
    struct Cramped {
        card: ModelCard,
        labels: Labels,
        fails: Arc<AtomicBool>,
    }

    impl Classifier for Cramped {
        fn card(&self) -> &ModelCard {
            &self.card
        }

        fn labels(&self) -> &Labels {
            &self.labels
        }

        fn device(&self) -> &Device {
            &Device::Cpu
        }

        fn score_kind(&self) -> ScoreKind {
            ScoreKind::Logits
        }

        fn scores(&self, waveform: &Tensor) -> candle_core::Result<Tensor> {
            if self.fails.load(Ordering::Relaxed) {
                candle_core::bail!("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")")
            }
            let ones = waveform.sum_keepdim(1)?.affine(0.0, 1.0)?;
            ones.broadcast_mul(&Tensor::new(&[[1_f32, 0.0]], &Device::Cpu)?)
        }
    }

    #[test]
    fn too_little_memory_ends_a_job_with_advice_and_the_next_one_is_done() {
        let card = ModelCard {
            id: ModelId::Vgg13,
            parameters: 0,
            input: "",
            test_accuracy: None,
            training_data: None,
            weights_sha256: String::new(),
        };
        let fails = Arc::new(AtomicBool::new(false));
        let labels = Labels::new(vec!["Bark".to_owned(), "Meow".to_owned()]);
        let model = Cramped { card, labels, fails: Arc::clone(&fails) };
        let device = Compute { name: "small GPU".to_owned(), ..Compute::cpu() };
        let (sender, events) = mpsc::channel();
        let outbox = Outbox::new(sender, Arc::new(|| ()));
        let pool = crate::engine::thread_pool(Some(1)).unwrap();
        let mut worker = Worker::new(Vec::new(), device, pool, outbox, Arc::default());
        worker.library.keep(ModelId::Vgg13, Arc::new(model));
        let (commands, inbox) = mpsc::channel();
        let thread = std::thread::spawn(move || worker.run(&inbox));

        let clip = Clip::from_samples("Dog", vec![0.5; 3200]);
        let classify = || Command::Classify { clip: clip.clone(), model: ModelId::Vgg13 };
        let attack = || {
            Command::Attack(Box::new(AttackJob {
                clip: clip.clone(),
                model: ModelId::Vgg13,
                spec: AttackSpec::new(AttackId::Fgsm),
                goal: Goal::Untargeted,
                seed: 0,
            }))
        };
        let advice = "out of memory on small GPU: use";
        let ask = |command| {
            commands.send((CommandId(1), command)).unwrap();
            let mut answers = events.iter().map(|event| event.kind);
            answers.find(|kind| !matches!(kind, EventKind::AttackStarted)).unwrap()
        };
        for _ in 0..2 {
            fails.store(true, Ordering::Relaxed);
            match ask(classify()) {
                EventKind::Failed(reason) => assert!(reason.contains(advice), "{reason}"),
                other => panic!("{other:?}"),
            }
            match ask(attack()) {
                EventKind::AttackDone(outcome) => match outcome.status {
                    Status::Failed(reason) => assert!(reason.contains(advice), "{reason}"),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
            fails.store(false, Ordering::Relaxed);
            match ask(classify()) {
                EventKind::Classified { verdict, .. } => assert_eq!(verdict.title(), "Bark"),
                other => panic!("{other:?}"),
            }
        }
        drop(commands);
        thread.join().unwrap();
    }

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
