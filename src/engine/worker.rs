//! The engine's thread: takes commands one by one; no error or panic of a job ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};

use rayon::ThreadPool;

use super::backlog::Backlog;
use super::compute::Compute;
use super::device::DeviceChoice;
use super::handle::DeviceInUse;
use super::message::{AttackJob, Command, CommandId, EventKind, SurvivalJob};
use super::outbox::Outbox;
use super::threads::{Background, background_pool};
use super::trace::Tracer;
use crate::attacks::{Flow, Problem, Progress, Status, explain};
use crate::audio::Clip;
use crate::models::{Classifier, ModelLibrary, ModelSource};
use crate::survival;

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
    directories: Vec<PathBuf>,
    library: ModelLibrary,
    device: Compute,
    pool: ThreadPool,
    priority: Background,
    outbox: Outbox,
    shared: Arc<Shared>,
    backlog: Backlog,
}

impl Worker {
    /// A worker that has loaded nothing yet and computes below the calling thread's priority.
    ///
    /// # Errors
    /// Where the computing threads can't be started.
    pub fn new(
        directories: Vec<PathBuf>,
        device: Compute,
        threads: Option<usize>,
        outbox: Outbox,
        shared: Arc<Shared>,
    ) -> Result<Self, String> {
        let priority = Background::below_this_thread();
        let pool = background_pool(threads, priority)?;
        shared.threads.store(pool.current_num_threads(), Ordering::Relaxed);
        let library = ModelLibrary::new(directories.clone(), device.device.clone());
        let backlog = Backlog::default();
        Ok(Self { directories, library, device, pool, priority, outbox, shared, backlog })
    }

    /// Takes commands until the engine's handle is dropped.
    pub fn run(mut self, inbox: &Receiver<(CommandId, Command)>) {
        // Loading a model or bookkeeping between steps must not hold up the window either.
        self.priority.enter();
        while let Some((id, command)) = self.next(inbox) {
            self.take(id, command);
        }
    }

    /// The next command; what can wait is worked off until there is one. None once the handle is
    /// gone.
    fn next(&mut self, inbox: &Receiver<(CommandId, Command)>) -> Option<(CommandId, Command)> {
        loop {
            if self.backlog.is_empty() {
                return inbox.recv().ok();
            }
            match inbox.try_recv() {
                Ok(command) => return Some(command),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => self.work_off(),
            }
        }
    }

    /// Does one piece of what can wait.
    fn work_off(&mut self) {
        let Some(piece) = self.backlog.next() else { return };
        let model = piece.model.clone();
        match &piece.clip {
            Some(clip) if self.library.has(&model) => {
                let (outbox, source) = (self.outbox.clone(), model.clone());
                let failed = |reason| EventKind::NotClassified { model: source, reason };
                outbox.answer_or(piece.command, failed, || self.classify(clip, model));
            }
            _ => {
                self.load(piece.command, &model, false);
                if piece.clip.is_some() && self.library.has(&model) {
                    self.backlog.put_back(piece);
                }
            }
        }
    }

    fn take(&mut self, id: CommandId, command: Command) {
        match command {
            Command::Preload(models) => self.backlog.add(id, models, None),
            Command::Survey { clip, models } => self.backlog.add(id, models, Some(&clip)),
            Command::Withdraw(command) => self.backlog.withdraw(command),
            Command::ForgetModel(model) => {
                self.backlog.drop_model(&model);
                self.library.forget(&model);
            }
            Command::LoadModel(model) => self.load(id, &model, false),
            Command::ReloadModel(model) => self.load(id, &model, true),
            Command::Classify { clip, model } => {
                self.backlog.settle(&model, &clip);
                self.answer(id, |worker| worker.classify(&clip, model));
            }
            Command::Inspect { clip, model } => self.answer(id, |worker| {
                let looks = |model: &dyn Classifier| model.inspect(&clip.samples);
                worker.ask(&clip, &model, looks).map(|it| EventKind::Inspected(Box::new(it)))
            }),
            Command::Explain { clip, model, label } => self.answer(id, |worker| {
                let why = |model: &dyn Classifier| explain(model, &clip.samples, label);
                worker.ask(&clip, &model, why).map(|it| EventKind::Explained(Box::new(it)))
            }),
            Command::Attack(job) => self.answer(id, |worker| worker.attack(id, &job)),
            Command::Survival(job) => self.answer(id, |worker| worker.survival(id, &job)),
            Command::UseDevice(choice) => self.answer(id, |worker| worker.use_device(choice)),
            Command::SetThreads(threads) => self.answer(id, |worker| worker.set_threads(threads)),
            Command::LoadClip { .. } | Command::OpenLab(_) | Command::Save(_) => {
                let failed = "files are read and written beside this thread".to_owned();
                self.answer(id, |_| Err(failed));
            }
        }
    }

    /// Does what a command asks, and tells what came of it.
    fn answer(&mut self, id: CommandId, work: impl FnOnce(&mut Self) -> Result<EventKind, String>) {
        let outbox = self.outbox.clone();
        outbox.answer(id, || work(self));
    }

    fn set_threads(&mut self, threads: Option<usize>) -> Result<EventKind, String> {
        self.pool = background_pool(threads, self.priority)?;
        let threads = self.pool.current_num_threads();
        self.shared.threads.store(threads, Ordering::Relaxed);
        Ok(EventKind::ThreadsSet(threads))
    }

    /// Loads a model, again if asked to, and tells of it.
    fn load(&mut self, id: CommandId, model: &ModelSource, afresh: bool) {
        let outbox = self.outbox.clone();
        let failed = |reason| EventKind::ModelNotLoaded { model: model.clone(), reason };
        outbox.answer_or(id, failed, || {
            let library = &mut self.library;
            let loaded = if afresh { library.reload(model) } else { library.get(model) };
            let loaded = loaded.map_err(|error| self.device.explain(&error.to_string()))?;
            let card = Box::new(loaded.card().clone());
            Ok(EventKind::ModelLoaded { model: model.clone(), card })
        });
    }

    fn classify(&mut self, clip: &Clip, model: ModelSource) -> Result<EventKind, String> {
        let verdict = self.ask(clip, &model, |classifier| classifier.classify(&clip.samples))?;
        Ok(EventKind::Classified { model, verdict })
    }

    /// Asks a model something about a clip, on the computing threads.
    fn ask<T: Send>(
        &mut self,
        clip: &Clip,
        model: &ModelSource,
        question: impl FnOnce(&dyn Classifier) -> candle_core::Result<T> + Send,
    ) -> Result<T, String> {
        let classifier = self.model(model)?;
        self.pool.install(|| question(classifier.as_ref())).map_err(|error| {
            let error = self.device.explain(&error.to_string());
            format!("{} failed on {}: {error}", model.title(), clip.name)
        })
    }

    /// The old device and its models are kept until the new one is open.
    fn use_device(&mut self, choice: DeviceChoice) -> Result<EventKind, String> {
        let device = choice.resolve().map_err(|error| error.to_string())?;
        let in_use = DeviceInUse::new(choice, &device);
        self.library = ModelLibrary::new(self.directories.clone(), device.device.clone());
        self.device = device;
        Ok(EventKind::DeviceChanged(in_use))
    }

    fn model(&mut self, source: &ModelSource) -> Result<Arc<dyn Classifier>, String> {
        self.library.get(source).map_err(|error| self.device.explain(&error.to_string()))
    }

    /// Whether a command shall go on.
    fn flow(&self, id: CommandId) -> Flow {
        let cancelled = self.shared.cancelled.load(Ordering::Relaxed) >= id.0;
        if cancelled { Flow::Stop } else { Flow::Continue }
    }

    fn survival(&mut self, id: CommandId, job: &SurvivalJob) -> Result<EventKind, String> {
        // Cancelled while it waited for its turn.
        if self.flow(id) == Flow::Stop {
            return Ok(EventKind::SurvivalDone);
        }
        let classifier = self.model(&job.model)?;
        let labels = classifier.labels().len();
        let known = |label: usize| label < labels;
        if !known(job.original_label) || !job.goal.target().is_none_or(known) {
            return Err(format!("{} has other labels than the result", job.model.title()));
        }
        let observer = |survived: &survival::Survived| {
            let mut survived = survived.clone();
            survived.result = survived.result.map_err(|error| self.device.explain(&error));
            self.outbox.send(id, EventKind::Survived(Box::new(survived)));
            self.flow(id)
        };
        let success = survival::Success {
            classifier: classifier.as_ref(),
            original_label: job.original_label,
            goal: job.goal,
            clean: &job.clip.samples,
            adversarial: &job.adversarial,
            seed: job.seed,
        };
        self.pool.install(|| survival::survival(&success, observer));
        Ok(EventKind::SurvivalDone)
    }

    fn attack(&mut self, id: CommandId, job: &AttackJob) -> Result<EventKind, String> {
        let classifier = self.model(&job.model)?;
        let threads = self.pool.current_num_threads();
        let card = Box::new(classifier.card().clone());
        self.outbox.send(id, EventKind::AttackStarted { threads, card });
        let problem = Problem {
            samples: Arc::clone(&job.clip.samples),
            goal: job.goal,
            true_label: None,
            seed: job.seed,
            sixteen_bit: job.spec.sixteen_bit,
        };
        let mut tracer = Tracer::new();
        let mut observer = |progress: &Progress<'_>| {
            if let Some(snapshot) = tracer.step(progress) {
                self.outbox.send(id, EventKind::AttackProgress(Box::new(snapshot)));
            }
            self.flow(id)
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
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use candle_core::{Device, Tensor};

    use super::*;
    use crate::attacks::{AttackId, AttackSpec, Goal};
    use crate::audio::Clip;
    use crate::models::{Labels, ModelCard, ModelId, ScoreKind};
    use crate::nn::Traced;

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

        fn trace(&self, waveform: &Traced) -> candle_core::Result<Traced> {
            if self.fails.load(Ordering::Relaxed) {
                candle_core::bail!("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")")
            }
            waveform.map(|waveform| {
                let ones = waveform.sum_keepdim(1)?.affine(0.0, 1.0)?;
                ones.broadcast_mul(&Tensor::new(&[[1_f32, 0.0]], &Device::Cpu)?)
            })
        }
    }

    #[test]
    fn too_little_memory_ends_a_job_with_advice_and_the_next_one_is_done() {
        let labels = Labels::new(vec!["Bark".to_owned(), "Meow".to_owned()]);
        let card = ModelCard::new(ModelId::Vgg13, labels.clone());
        let fails = Arc::new(AtomicBool::new(false));
        let model = Cramped { card, labels, fails: Arc::clone(&fails) };
        let device = Compute { name: "small GPU".to_owned(), ..Compute::cpu() };
        let outbox = Outbox::new(Arc::new(|| ()));
        let events = outbox.clone();
        let mut worker = Worker::new(Vec::new(), device, Some(1), outbox, Arc::default()).unwrap();
        worker.library.keep(ModelId::Vgg13.into(), Arc::new(model));
        let (commands, inbox) = mpsc::channel();
        let thread = std::thread::spawn(move || worker.run(&inbox));

        let clip = Clip::from_samples("Dog", vec![0.5; 3200]);
        let classify = || Command::Classify { clip: clip.clone(), model: ModelId::Vgg13.into() };
        let attack = || {
            Command::Attack(Box::new(AttackJob {
                clip: clip.clone(),
                model: ModelId::Vgg13.into(),
                spec: AttackSpec::new(AttackId::Fgsm),
                goal: Goal::Untargeted,
                seed: 0,
            }))
        };
        let advice = "out of memory on small GPU: use";
        let ask = |command| {
            commands.send((CommandId(1), command)).unwrap();
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                let mut answers = events.take().into_iter().map(|event| event.kind);
                let answer = answers.find(|kind| !matches!(kind, EventKind::AttackStarted { .. }));
                if let Some(answer) = answer {
                    return answer;
                }
                assert!(Instant::now() < deadline, "no answer");
                std::thread::sleep(Duration::from_millis(2));
            }
        };
        for _ in 0..2 {
            fails.store(true, Ordering::Relaxed);
            match ask(classify()) {
                EventKind::Failed(reason) => assert!(reason.contains(advice), "{reason}"),
                other => panic!("{other:?}"),
            }
            let (inspected, explained) = (clip.clone(), clip.clone());
            let model = || ModelId::Vgg13.into();
            for looks in [
                Command::Inspect { clip: inspected, model: model() },
                Command::Explain { clip: explained, model: model(), label: Some(1) },
            ] {
                match ask(looks) {
                    EventKind::Failed(reason) => assert!(reason.contains(advice), "{reason}"),
                    other => panic!("{other:?}"),
                }
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
            match ask(Command::Inspect { clip: clip.clone(), model: model() }) {
                EventKind::Inspected(it) => {
                    assert_eq!((it.parts.len(), it.verdict.title().as_str()), (1, "Bark"));
                }
                other => panic!("{other:?}"),
            }
            let why = Command::Explain { clip: clip.clone(), model: model(), label: None };
            match ask(why) {
                EventKind::Explained(it) => {
                    assert_eq!((it.label, it.rival, it.gradient.len()), (0, 1, 3200));
                    assert!((it.lead - 1.0).abs() < 1e-5, "{}", it.lead);
                }
                other => panic!("{other:?}"),
            }
        }
        drop(commands);
        thread.join().unwrap();
    }
}
