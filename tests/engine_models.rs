//! The engine with several models: surveys that give way to people, and files that people bring.

#[path = "support/own_model.rs"]
mod own_model;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mondegreen::assets::BUNDLED;
use mondegreen::attacks::{AttackId, AttackSpec, Goal};
use mondegreen::audio::{self, Clip};
use mondegreen::engine::{
    AttackJob, Command, CommandId, Engine, EngineOptions, Event, EventKind, SurvivalJob,
};
use mondegreen::models::{ModelId, ModelSource};
use mondegreen::survival::{Fate, Transform};

const DEADLINE: Duration = Duration::from_secs(300);

struct Bench {
    engine: Engine,
    events: Vec<Event>,
}

impl Bench {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors");
        let options = EngineOptions { model_directories: vec![folder], ..Default::default() };
        let engine = Engine::start(options, || ()).expect("an engine");
        Self { engine, events: Vec::new() }
    }

    /// Waits until a command has caused so many events, those of a running attack left out.
    fn answers(&mut self, id: CommandId, count: usize) -> Vec<EventKind> {
        let started = Instant::now();
        loop {
            self.events.extend(self.engine.try_events());
            let answers: Vec<_> = self
                .events
                .iter()
                .filter(|event| event.command == id && !is_under_way(&event.kind))
                .map(|event| event.kind.clone())
                .collect();
            if answers.len() >= count {
                return answers;
            }
            assert!(started.elapsed() < DEADLINE, "{} of {count} answers", answers.len());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn ask(&mut self, command: Command) -> EventKind {
        let id = self.engine.send(command);
        self.answers(id, 1).remove(0)
    }

    /// Where in time the first event stands that satisfies `wanted`.
    fn place(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().position(wanted).expect("it has happened")
    }

    fn label(&mut self, model: &ModelSource) -> String {
        match self.ask(Command::Classify { clip: bell(), model: model.clone() }) {
            EventKind::Classified { model: by, verdict } => {
                assert_eq!(by, *model);
                verdict.title()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn is_under_way(kind: &EventKind) -> bool {
    matches!(kind, EventKind::AttackStarted { .. } | EventKind::AttackProgress(_))
}

fn bell() -> Clip {
    let clip = audio::load_bytes(BUNDLED[0].name, BUNDLED[0].bytes, 60.0).expect("a clip");
    assert_eq!(&*clip.name, "Glockenspiel");
    clip
}

fn file(path: &Path) -> ModelSource {
    ModelSource::File(path.into())
}

#[test]
fn a_survey_tells_of_every_model_once_and_of_a_missing_one_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = file(&own_model::write(folder.path(), "toys.safetensors"));
    let missing = file(&folder.path().join("missing.safetensors"));
    let models = vec![ModelId::Vgg13.into(), missing.clone(), own.clone()];
    let mut bench = Bench::new();
    let id = bench.engine.send(Command::Survey { clip: bell(), models });
    let mut said = Vec::new();
    for answer in bench.answers(id, 5) {
        match answer {
            EventKind::ModelLoaded { model, card } => {
                said.push((model, card.labels.len().to_string()));
            }
            EventKind::Classified { model, verdict } => said.push((model, verdict.title())),
            EventKind::ModelNotLoaded { model, reason } => {
                assert!(reason.contains("missing.safetensors can't be read"), "{reason}");
                said.push((model, "missing".to_owned()));
            }
            other => panic!("{other:?}"),
        }
    }
    let said: Vec<_> = said.iter().map(|(model, said)| (model, said.as_str())).collect();
    let vgg = ModelId::Vgg13.into();
    assert_eq!(
        said,
        [(&vgg, "41"), (&vgg, "Glockenspiel"), (&missing, "missing"), (&own, "3"), (&own, "Bell"),]
    );
}

#[test]
fn an_attack_and_a_question_of_people_go_before_what_can_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let models: Vec<ModelSource> = (0..3)
        .map(|index| file(&own_model::write(folder.path(), &format!("{index}.safetensors"))))
        .collect();
    let mut bench = Bench::new();
    // The first command keeps the engine busy until all others are there.
    let first = bench.engine.send(Command::LoadModel(ModelId::Vgg13.into()));
    let clip = bell();
    let survey = bench.engine.send(Command::Survey { clip: clip.clone(), models: models.clone() });
    let preload = bench.engine.send(Command::Preload(vec![ModelId::Vgg13.into()]));
    let attack = bench.engine.send(Command::Attack(Box::new(AttackJob {
        clip: clip.clone(),
        model: ModelId::Vgg13.into(),
        spec: AttackSpec::new(AttackId::WhiteNoise),
        goal: Goal::Untargeted,
        seed: 0,
    })));
    let asked = bench.engine.send(Command::Classify { clip, model: models[2].clone() });
    bench.answers(first, 1);
    assert!(matches!(bench.answers(attack, 1)[0], EventKind::AttackDone(_)));
    assert!(matches!(bench.answers(asked, 1)[0], EventKind::Classified { .. }));
    bench.answers(preload, 1);
    // What people asked for is not named again: two models are loaded and asked.
    let told = bench.answers(survey, 4);
    let named = told.iter().filter(|kind| matches!(kind, EventKind::Classified { .. }));
    assert_eq!((told.len(), named.count()), (4, 2));
    let done = bench.place(|event| event.command == asked);
    let surveyed = bench.place(|event| event.command == survey);
    assert!(bench.place(|event| event.command == attack) < surveyed && done < surveyed);
}

#[test]
fn what_is_withdrawn_is_not_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = file(&own_model::write(folder.path(), "toys.safetensors"));
    let mut bench = Bench::new();
    bench.engine.send(Command::LoadModel(ModelId::Vgg13.into()));
    let survey = bench.engine.send(Command::Survey { clip: bell(), models: vec![own.clone()] });
    bench.engine.send(Command::Withdraw(survey));
    assert_eq!(bench.label(&ModelId::Vgg13.into()), "Glockenspiel");
    let id = bench.engine.send(Command::Preload(vec![own]));
    bench.answers(id, 1);
    assert!(bench.answers(survey, 0).is_empty());
}

#[test]
fn a_file_of_people_s_own_is_attacked_with_its_own_labels_and_hash() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = file(&own_model::write(folder.path(), "toys.safetensors"));
    let mut bench = Bench::new();
    let job = AttackJob {
        clip: bell(),
        model: own.clone(),
        spec: AttackSpec::new(AttackId::Fgsm),
        goal: Goal::Targeted(0),
        seed: 0,
    };
    let id = bench.engine.send(Command::Attack(Box::new(job)));
    let EventKind::AttackDone(outcome) = bench.answers(id, 1).remove(0) else { panic!() };
    assert_eq!(outcome.original.title(), "Bell");
    let labels: Vec<_> = outcome.adversarial.labels.iter().collect();
    assert_eq!(labels, own_model::LABELS);
    let started = bench.place(|event| matches!(event.kind, EventKind::AttackStarted { .. }));
    let EventKind::AttackStarted { card, .. } = &bench.events[started].kind else { panic!() };
    assert_eq!((card.id, card.weights_sha256.len()), (ModelId::Vgg13, 64));
    assert_eq!(card.test_accuracy, Some(0.875));
    assert_eq!(Some(card.file.as_path()), own.path());
}

#[test]
fn a_broken_file_says_why_and_what_was_loaded_before_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = own_model::write(folder.path(), "toys.safetensors");
    let own = file(&path);
    let mut bench = Bench::new();
    let load = || Command::ReloadModel(own.clone());
    let EventKind::ModelLoaded { card, .. } = bench.ask(load()) else { panic!() };
    for (broken, expected) in own_model::broken(folder.path()) {
        match bench.ask(Command::ReloadModel(file(&broken))) {
            EventKind::ModelNotLoaded { model, reason } => {
                assert_eq!(model, file(&broken));
                let name = broken.file_name().and_then(|name| name.to_str()).expect("a name");
                assert!(reason.contains(name) && reason.contains(expected), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        std::fs::copy(&broken, &path).expect("the file is overwritten");
        assert!(matches!(bench.ask(load()), EventKind::ModelNotLoaded { .. }));
        assert_eq!(bench.label(&own), "Bell");
    }
    // Other weights under the same name are another model, told by the hash.
    std::fs::copy(own_model::bundled(), &path).expect("the file is overwritten");
    let EventKind::ModelLoaded { card: now, .. } = bench.ask(load()) else { panic!() };
    assert_ne!(now.weights_sha256, card.weights_sha256);
    assert_eq!(bench.label(&own), "Glockenspiel");
    bench.engine.send(Command::ForgetModel(own.clone()));
    std::fs::remove_file(&path).expect("the file is removed");
    assert!(matches!(bench.ask(Command::LoadModel(own)), EventKind::ModelNotLoaded { .. }));
}

#[test]
fn a_clip_that_a_model_can_t_name_fails_alone() {
    let mut bench = Bench::new();
    bench.ask(Command::LoadModel(ModelId::Vgg13.into()));
    let empty = Clip::from_samples("Nothing", Arc::<[f32]>::from([]));
    let models = vec![ModelId::Vgg13.into()];
    let id = bench.engine.send(Command::Survey { clip: empty, models });
    match bench.answers(id, 1).remove(0) {
        EventKind::NotClassified { model, reason } => {
            assert_eq!(model, ModelId::Vgg13.into());
            assert!(reason.contains("Nothing"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.label(&ModelId::Vgg13.into()), "Glockenspiel");
}

/// A bell for an adversarial snare drum.
fn survival(original_label: usize, target: usize) -> Command {
    let drum = BUNDLED.iter().find(|clip| clip.name == "Snare drum").expect("a drum");
    Command::Survival(Box::new(SurvivalJob {
        clip: audio::load_bytes(drum.name, drum.bytes, 60.0).expect("a clip"),
        adversarial: bell().samples,
        model: ModelId::Vgg13.into(),
        original_label,
        goal: Goal::Targeted(target),
        seed: 0,
    }))
}

#[test]
fn survival_is_told_transform_by_transform_and_can_be_cancelled() {
    let mut bench = Bench::new();
    let named = match bench.ask(Command::Classify { clip: bell(), model: ModelId::Vgg13.into() }) {
        EventKind::Classified { verdict, .. } => verdict,
        other => panic!("{other:?}"),
    };
    let ranked = named.ranked(2);
    let (target, other) = (ranked[0].0, ranked[1].0);
    let id = bench.engine.send(survival(other, target));
    let answers = bench.answers(id, Transform::ALL.len() + 1);
    let mut told = Vec::new();
    for answer in &answers[..Transform::ALL.len()] {
        match answer {
            EventKind::Survived(survived) => told.push((survived.transform, survived.fate())),
            other => panic!("{other:?}"),
        }
    }
    assert!(told.iter().map(|(transform, _)| *transform).eq(Transform::ALL));
    assert_eq!(told[0].1, Some(Fate::Fooled), "24 bits change nothing");
    assert!(matches!(answers.last(), Some(EventKind::SurvivalDone)));

    // Stopped after what is under way, or before it began; the next command is done.
    let stopped = bench.engine.send(survival(other, target));
    bench.answers(stopped, 1);
    let waiting = bench.engine.send(survival(other, target));
    bench.engine.cancel();
    let after = bench.engine.send(Command::Classify { clip: bell(), model: ModelId::Vgg13.into() });
    bench.answers(after, 1);
    assert!(matches!(bench.answers(waiting, 1)[..], [EventKind::SurvivalDone]));
    let answers = bench.answers(stopped, 2);
    assert!(answers.len() < Transform::ALL.len(), "{} were told", answers.len());
    assert!(matches!(answers.last(), Some(EventKind::SurvivalDone)));

    match bench.ask(survival(41, target)) {
        EventKind::Failed(reason) => assert!(reason.contains("other labels"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
