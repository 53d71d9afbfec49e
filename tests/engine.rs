//! The engine as the window uses it: real weights, real clips, its own thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mondegreen::assets::BUNDLED;
use mondegreen::attacks::{AttackId, AttackSpec, Goal, Outcome, Preset, Status};
use mondegreen::audio::{self, Clip};
use mondegreen::engine::{
    AttackJob, ClipSource, Command, CommandId, DeviceChoice, Engine, EngineOptions, Event,
    EventKind, SaveJob, Snapshot,
};
use mondegreen::metrics::snr_db;
use mondegreen::models::ModelId;

/// Generous: other tests compute beside this one.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a cancelled attack or a dropped engine may take: a few gradient steps on a loaded machine,
/// and a small part of what the attack would take.
const PROMPT: Duration = Duration::from_secs(10);

/// An engine, everything that it told so far, and how often it has woken its reader since.
struct Bench {
    engine: Engine,
    woken: Arc<AtomicUsize>,
    events: Vec<Event>,
}

impl Bench {
    fn new() -> Self {
        Self::with_models(Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors"))
    }

    fn with_models(folder: PathBuf) -> Self {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let wake = move || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        let options = EngineOptions { model_directories: vec![folder], ..Default::default() };
        let engine = Engine::start(options, wake).expect("an engine");
        Self { engine, woken, events: Vec::new() }
    }

    /// Collects events, read when woken, until one satisfies `wanted`; gives its place in `events`.
    fn wait(&mut self, wanted: impl Fn(&Event) -> bool) -> usize {
        let started = Instant::now();
        let mut seen = 0;
        loop {
            if self.woken.swap(0, Ordering::SeqCst) > 0 {
                self.events.extend(self.engine.try_events());
            }
            if let Some(at) = self.events[seen..].iter().position(&wanted) {
                return seen + at;
            }
            seen = self.events.len();
            assert!(started.elapsed() < DEADLINE, "no answer after {seen} events");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The last event of a command.
    fn answer(&mut self, id: CommandId) -> EventKind {
        let at = self.wait(|event| {
            let under_way = matches!(
                event.kind,
                EventKind::AttackStarted { .. } | EventKind::AttackProgress(_)
            );
            event.command == id && !under_way
        });
        self.events[at].kind.clone()
    }

    fn ask(&mut self, command: Command) -> EventKind {
        let id = self.engine.send(command);
        self.answer(id)
    }

    fn load(&mut self, index: usize) -> Clip {
        let source = ClipSource::Bundled(index);
        match self.ask(Command::LoadClip { source, limit_seconds: 60.0 }) {
            EventKind::ClipLoaded(clip) => clip,
            other => panic!("{other:?}"),
        }
    }

    fn failure(&mut self, command: Command) -> String {
        match self.ask(command) {
            EventKind::Failed(reason) | EventKind::ModelNotLoaded { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    fn outcome(&mut self, id: CommandId) -> Outcome {
        match self.answer(id) {
            EventKind::AttackDone(outcome) => *outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Everything that a command caused, in order.
    fn events_of(&self, id: CommandId) -> Vec<&EventKind> {
        self.events.iter().filter(|event| event.command == id).map(|event| &event.kind).collect()
    }

    fn snapshots(&self, id: CommandId) -> Vec<&Snapshot> {
        let events = self.events_of(id).into_iter();
        events
            .filter_map(|kind| match kind {
                EventKind::AttackProgress(snapshot) => Some(&**snapshot),
                _ => None,
            })
            .collect()
    }

    /// Waits until an attack has taken its first step.
    fn wait_for_progress(&mut self, id: CommandId) {
        self.wait(|event| {
            event.command == id && matches!(event.kind, EventKind::AttackProgress(_))
        });
    }

    /// Checks that a small job is still done as it should be.
    fn check_alive(&mut self) {
        let clip = knock();
        match self.ask(Command::Classify { clip, model: ModelId::Vgg13.into() }) {
            EventKind::Classified { verdict, .. } => assert_eq!(verdict.title(), "Knock"),
            other => panic!("{other:?}"),
        }
    }
}

/// The first second of the bundled knock, which a few steps of Carlini & Wagner's attack fool.
fn knock() -> Clip {
    let knock = BUNDLED.iter().find(|clip| clip.name == "Knock").expect("a knock");
    let clip = audio::load_bytes(knock.name, knock.bytes, 60.0).expect("a clip");
    Clip::from_samples(&clip.name, &clip.samples[..32_000])
}

fn attack(spec: AttackSpec) -> Command {
    let job = AttackJob {
        clip: knock(),
        model: ModelId::Vgg13.into(),
        spec,
        goal: Goal::Untargeted,
        seed: 3,
    };
    Command::Attack(Box::new(job))
}

/// Enough steps to fool the model on [`knock`].
fn short() -> AttackSpec {
    AttackSpec {
        searches: Some(1),
        iterations: Some(20),
        ..AttackSpec::new(AttackId::CarliniWagner)
    }
}

/// Minutes: 5000 steps, none of which may be left out early.
fn long() -> AttackSpec {
    AttackSpec { preset: Preset::Paper, ..AttackSpec::new(AttackId::CarliniWagner) }
}

/// Checks what must hold of every outcome for [`knock`].
fn check_outcome(outcome: &Outcome) {
    let clean = knock().samples;
    assert_eq!(outcome.samples.len(), clean.len());
    assert!(outcome.samples.iter().all(|sample| sample.abs() <= 1.0));
    let snr = snr_db(&clean, &outcome.samples);
    let stated = outcome.metrics.snr_db;
    assert!(snr == stated || (snr - stated).abs() < 1e-9, "{snr} {stated}");
}

/// Checks that the snapshots tell every step once and in order, and never of a worse best.
fn check_trace(snapshots: &[&Snapshot], outcome: &Outcome) {
    assert!(snapshots.is_sorted_by(|a, b| a.iteration < b.iteration));
    for snapshot in snapshots {
        let last = snapshot.trace.last().expect("a snapshot has a step");
        assert_eq!(last.iteration, snapshot.iteration);
        assert_eq!(last.best_snr_db, snapshot.best_snr_db);
        assert!(snapshot.iteration <= snapshot.of);
        if let Some((samples, _)) = &snapshot.improved {
            let snr = snr_db(&knock().samples, samples);
            let stated = snapshot.best_snr_db.expect("the best has an SNR");
            assert!((snr - stated).abs() < 1e-9, "{snr} {stated}");
        }
    }
    let trace: Vec<_> = snapshots.iter().flat_map(|snapshot| &snapshot.trace).collect();
    assert!(trace.iter().map(|point| point.iteration).eq(1..=outcome.iterations));
    assert!(trace.is_sorted_by(|a, b| a.best_snr_db <= b.best_snr_db));
    for point in &trace {
        let confidences = [point.original, point.leading];
        assert!(confidences.iter().all(|p| (0.0..=1.0).contains(p)), "{point:?}");
    }
    let last = trace.last().and_then(|point| point.best_snr_db);
    assert_eq!(last.unwrap_or(f64::INFINITY), outcome.metrics.snr_db);
}

#[test]
fn a_bundled_clip_is_loaded_and_named_and_a_model_tells_what_it_is() {
    let mut bench = Bench::new();
    let clip = bench.load(0);
    assert_eq!((&*clip.name, clip.source_rate, clip.source_channels), ("Glockenspiel", 32_000, 1));
    assert!((clip.seconds() - 3.04).abs() < 0.01, "{}", clip.seconds());
    match bench.ask(Command::LoadModel(ModelId::Vgg13.into())) {
        EventKind::ModelLoaded { model, card } => {
            assert_eq!(model, ModelId::Vgg13.into());
            assert_eq!(card.id, ModelId::Vgg13);
            assert!(card.parameters > 9_000_000);
            assert_eq!(card.weights_sha256.len(), 64);
        }
        other => panic!("{other:?}"),
    }
    match bench.ask(Command::Classify { clip, model: ModelId::Vgg13.into() }) {
        EventKind::Classified { model, verdict } => {
            assert_eq!(model, ModelId::Vgg13.into());
            assert_eq!(verdict.labels.name(verdict.top().0), BUNDLED[0].label);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_attack_tells_every_step_and_ends_with_what_it_told() {
    let mut bench = Bench::new();
    let id = bench.engine.send(attack(short()));
    let outcome = bench.outcome(id);
    assert_eq!(outcome.status, Status::Fooled);
    assert!(outcome.is_adversarial());
    assert_eq!(outcome.seed, 3);
    assert_eq!(outcome.iterations, 20);
    check_outcome(&outcome);
    let kinds = bench.events_of(id);
    assert!(matches!(kinds[0], EventKind::AttackStarted { .. }));
    assert!(matches!(kinds[kinds.len() - 1], EventKind::AttackDone(_)));
    let between = &kinds[1..kinds.len() - 1];
    assert!(!between.is_empty());
    assert!(between.iter().all(|kind| matches!(kind, EventKind::AttackProgress(_))));
    let snapshots = bench.snapshots(id);
    check_trace(&snapshots, &outcome);
    let shown = snapshots.iter().rev().find_map(|snapshot| snapshot.improved.as_ref());
    assert_eq!(shown.expect("it improved").0, outcome.samples);
}

#[test]
fn the_number_of_threads_changes_from_the_next_job_on_and_is_told_with_it() {
    let mut bench = Bench::new();
    let expected = [bench.engine.threads(), 3];
    let jobs = [None, Some(3)].map(|threads| {
        bench.engine.send(Command::SetThreads(threads));
        bench.engine.send(attack(short()))
    });
    for (job, expected) in jobs.into_iter().zip(expected) {
        bench.outcome(job);
        let started = bench.events_of(job)[0];
        assert!(
            matches!(started, EventKind::AttackStarted { threads, .. } if *threads == expected)
        );
    }
    assert_eq!(bench.engine.threads(), 3);
}

#[test]
fn cancelling_keeps_the_best_so_far_and_spares_what_is_sent_afterwards() {
    let mut bench = Bench::new();
    let running = bench.engine.send(attack(long()));
    let queued = bench.engine.send(attack(long()));
    bench.wait(|event| match &event.kind {
        EventKind::AttackProgress(snapshot) => snapshot.best_snr_db.is_some(),
        _ => false,
    });
    let cancelled = Instant::now();
    bench.engine.cancel();
    let afterwards = bench.engine.send(attack(AttackSpec::new(AttackId::WhiteNoise)));
    let outcome = bench.outcome(running);
    assert!(cancelled.elapsed() < PROMPT, "{:?}", cancelled.elapsed());
    assert_eq!(outcome.status, Status::Cancelled);
    assert!(outcome.iterations < 200, "{} of 5000 steps", outcome.iterations);
    assert!(outcome.is_adversarial(), "it had found something");
    assert!(outcome.metrics.snr_db.is_finite());
    check_outcome(&outcome);
    check_trace(&bench.snapshots(running), &outcome);

    let outcome = bench.outcome(queued);
    assert_eq!((outcome.status, outcome.iterations), (Status::Cancelled, 1));
    let outcome = bench.outcome(afterwards);
    assert!(
        matches!(outcome.status, Status::Fooled | Status::NotFooled(_)),
        "{:?}",
        outcome.status
    );
    assert!((outcome.metrics.snr_db - 20.0).abs() < 0.01);
    check_outcome(&outcome);
    bench.check_alive();
}

#[test]
fn files_are_read_and_written_while_an_attack_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::new();
    let id = bench.engine.send(attack(long()));
    bench.wait_for_progress(id);
    assert_eq!(&*bench.load(1).name, "Flute");
    let clip = knock();
    let adversarial: Arc<[f32]> = clip.samples.iter().map(|x| 0.5 * x).collect();
    let job = SaveJob::Pair { clip, adversarial, folder: folder.path().to_owned() };
    match bench.ask(Command::Save(job)) {
        EventKind::Saved(paths) => {
            assert_eq!(
                paths,
                ["Knock_nat.wav", "Knock_adv.wav"].map(|name| folder.path().join(name))
            );
            let written = audio::load(&paths[0], 60.0).expect("a WAV");
            assert_eq!(written.samples, knock().samples);
        }
        other => panic!("{other:?}"),
    }
    let done = |kind: &&EventKind| matches!(kind, EventKind::AttackDone(_));
    assert!(!bench.events_of(id).iter().any(done), "the attack was over before");
    bench.engine.cancel();
    assert_eq!(bench.outcome(id).status, Status::Cancelled);
}

#[test]
fn what_fails_says_why_and_the_engine_lives_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = |source| Command::LoadClip { source, limit_seconds: 60.0 };
    let mut bench = Bench::new();
    let missing = folder.path().join("missing.wav");
    let reason = bench.failure(load(ClipSource::File(missing.clone())));
    assert!(reason.contains(missing.to_str().expect("UTF-8")), "{reason}");
    let reason = bench.failure(load(ClipSource::Bundled(BUNDLED.len())));
    assert!(reason.contains(&format!("no bundled clip {}", BUNDLED.len())), "{reason}");
    let reason =
        bench.failure(Command::LoadClip { source: ClipSource::Bundled(0), limit_seconds: 1.0 });
    assert!(reason.contains("Glockenspiel") && reason.contains("too long"), "{reason}");
    let job = SaveJob::Pair {
        clip: knock(),
        adversarial: knock().samples,
        folder: folder.path().join("missing"),
    };
    let reason = bench.failure(Command::Save(job));
    assert!(reason.contains("does not exist"), "{reason}");
    // Nothing that the window would send, but the thread must outlive it.
    let empty = Clip::from_samples("Nothing", Vec::new());
    let reason =
        bench.failure(Command::Classify { clip: empty.clone(), model: ModelId::Vgg13.into() });
    assert!(!reason.is_empty());
    let spec = AttackSpec::new(AttackId::Fgsm);
    let job = AttackJob {
        clip: empty,
        model: ModelId::Vgg13.into(),
        spec,
        goal: Goal::Untargeted,
        seed: 0,
    };
    let id = bench.engine.send(Command::Attack(Box::new(job)));
    match bench.outcome(id).status {
        Status::Failed(reason) => assert!(reason.contains("silent"), "{reason}"),
        other => panic!("{other:?}"),
    }
    bench.check_alive();
}

#[test]
fn missing_weights_fail_every_job_until_they_are_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::with_models(folder.path().to_owned());
    let jobs = [
        Command::LoadModel(ModelId::Vgg13.into()),
        Command::Classify { clip: knock(), model: ModelId::Vgg13.into() },
        attack(short()),
    ];
    for job in jobs {
        let reason = bench.failure(job);
        assert!(reason.contains("vgg13.safetensors were not found"), "{reason}");
        assert!(reason.contains(folder.path().to_str().expect("UTF-8")), "{reason}");
    }
    let weights =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors/vgg13.safetensors");
    std::fs::copy(weights, folder.path().join("vgg13.safetensors")).expect("a copy");
    bench.check_alive();
}

#[test]
fn a_device_that_is_not_there_changes_nothing_and_one_that_is_takes_over() {
    let mut bench = Bench::new();
    bench.check_alive();
    let device = bench.engine.first_device();
    assert_eq!((device.name.as_str(), &device.notice), ("CPU", &None));
    let tries_a_gpu = DeviceChoice::Auto.tries_a_gpu().expect("auto is in every build");
    assert_eq!(tries_a_gpu, cfg!(any(feature = "cuda", feature = "metal")));
    assert_eq!(bench.engine.opening_device().is_some(), tries_a_gpu);
    // No system can have both kinds of GPU's drivers.
    let absent = if cfg!(target_os = "macos") { DeviceChoice::Cuda } else { DeviceChoice::Metal };
    let reason = bench.failure(Command::UseDevice(absent));
    assert!(reason.contains(absent.name()) && reason.contains("--device cpu"), "{reason}");
    bench.check_alive();
    match bench.ask(Command::UseDevice(DeviceChoice::Cpu)) {
        EventKind::DeviceChanged(device) => {
            assert_eq!((device.choice, device.name.as_str()), (DeviceChoice::Cpu, "CPU"));
            assert_eq!(device.notice, None);
        }
        other => panic!("{other:?}"),
    }
    bench.check_alive();
}

#[test]
fn dropping_the_engine_ends_its_attack() {
    let mut bench = Bench::new();
    let id = bench.engine.send(attack(long()));
    bench.engine.send(attack(long()));
    bench.wait_for_progress(id);
    let started = Instant::now();
    drop(bench);
    assert!(started.elapsed() < PROMPT, "{:?}", started.elapsed());
}

#[test]
fn the_same_seed_gives_the_same_samples() {
    let mut bench = Bench::new();
    for spec in
        [AttackSpec::new(AttackId::WhiteNoise), AttackSpec { iterations: Some(40), ..short() }]
    {
        let ids = [(); 2].map(|()| bench.engine.send(attack(spec)));
        let [first, second] = ids.map(|id| bench.outcome(id));
        assert!(first.metrics.snr_db.is_finite(), "nothing was changed");
        assert_eq!(first.samples, second.samples);
        assert_eq!(first.adversarial, second.adversarial);
        assert_eq!(first.iterations, second.iterations);
    }
}
