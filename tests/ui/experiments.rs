//! The Experiments tab: planned, started, watched, stopped, gone on with, read, opened in the Lab.

use std::path::{Path, PathBuf};

use eframe::egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::ui::{ExperimentWish, UiCommand};

use crate::driver::{Kept, Lab, SMALLEST, engine, has, lab, open, until, until_said};

/// Short clips of three labels, a folder a label.
fn data(folder: &Path) -> PathBuf {
    let data = folder.join("three labels");
    for (file, label) in
        [("glockenspiel", "Glockenspiel"), ("cello", "Cello"), ("tambourine", "Tambourine")]
    {
        let path = data.join(label);
        std::fs::create_dir_all(&path).expect("a folder");
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/clips/{file}.flac"));
        let clip = mondegreen::audio::load(&clip, 60.0).expect("a bundled clip");
        mondegreen::audio::write_wav_f32(&path.join("a.wav"), &clip.samples[..24_000])
            .expect("a WAV");
    }
    data
}

/// Brings a control into view and clicks it.
fn click(harness: &mut Lab, name: &str) {
    harness.get_by_label(name).scroll_to_me();
    harness.run_steps(3);
    harness.get_by_label(name).click();
    harness.run_steps(3);
}

fn type_into(harness: &mut Lab, name: &str, text: &str) {
    click(harness, name);
    harness.get_by_label(name).type_text(text);
    harness.run_steps(2);
}

/// The tab with the data set and the folder filled in, and only VGG13 and these attacks chosen.
fn set_up(data: &Path, run: &Path, attacks: &[&str]) -> Lab {
    let mut harness = lab();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    harness.run_steps(3);
    assert!(has(&harness, "The paper's experiments, on your recordings"));
    click(&mut harness, "Plan");
    until_said(&mut harness, "Choose a data set first");
    type_into(&mut harness, "Data set", data.to_str().expect("UTF-8"));
    type_into(&mut harness, "Run's folder", run.to_str().expect("UTF-8"));
    click(&mut harness, "train");
    for model in ["CRNN", "GCNN", "Dense-mel", "Dense-wav"] {
        click(&mut harness, model);
    }
    for attack in ["White noise", "FGSM", "DeepFool", "Carlini & Wagner"] {
        if !attacks.contains(&attack) {
            click(&mut harness, attack);
        }
    }
    harness
}

#[test]
fn a_run_is_planned_worked_off_read_and_opened_in_the_lab() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (data(folder.path()), folder.path().join("run"));
    let mut harness = set_up(&data, &run, &["White noise", "FGSM"]);
    click(&mut harness, "Plan");
    until_said(&mut harness, "6 items to do, about");
    assert!(!run.join("results.jsonl").metadata().is_ok_and(|file| file.len() > 0), "it waits");
    // The set-up can't be changed under a run.
    let seed = harness.get_by_role_and_label(Role::SpinButton, "Seed");
    assert!(seed.accesskit_node().is_disabled());
    click(&mut harness, "Start");
    until_said(&mut harness, "6 of 6 items done");
    until_said(&mut harness, "The run is whole");
    let lines = std::fs::read_to_string(run.join("results.jsonl")).expect("rows");
    assert_eq!(lines.lines().count(), 6);
    assert_eq!(harness.query_all_by_label_contains("Open in the Lab: ").count(), 6);
    type_into(&mut harness, "Only rows with this word", "cello");
    harness.run_steps(2);
    assert_eq!(harness.query_all_by_label_contains("Open in the Lab: Cello").count(), 2);
    assert_eq!(harness.query_all_by_label_contains("Open in the Lab: ").count(), 2);

    click(&mut harness, "Tables");
    until_said(&mut harness, "TABLE 3: UNTARGETED ATTACKS ON EACH MODEL");
    assert!(has(&harness, "paper 31.14"));
    click(&mut harness, "Write report");
    until_said(&mut harness, "files were written to");
    let report = std::fs::read_to_string(run.join("report/report.md")).expect("a report");
    assert!(report.contains("6 of 6 items are done"), "{report}");

    click(&mut harness, "Rows");
    let name = "Open in the Lab: Cello/a.wav, Cello, VGG13, FGSM";
    click(&mut harness, name);
    until_said(&mut harness, "The row is computed again");
    until(&mut harness, "the clip is open", |h| h.query_by_label("Original spectrogram").is_some());
    assert_eq!(harness.state().settings().attack.id().name(), "fgsm");
    until(&mut harness, "its result", |h| h.query_by_label_contains("Result: FGSM").is_some());

    // A click anywhere on a row does the same.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    harness.run_steps(3);
    type_into(&mut harness, "Only rows with this word", " vgg13 white");
    assert_eq!(harness.query_all_by_label_contains("Open in the Lab: ").count(), 1);
    click(&mut harness, "a.wav");
    until(&mut harness, "its result", |h| h.query_by_label_contains("Result: Noise").is_some());

    // A recording that is elsewhere now is found where the form says.
    let moved = folder.path().join("moved");
    std::fs::rename(&data, &moved).expect("the data set moves");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    harness.run_steps(3);
    click(&mut harness, "a.wav");
    until_said(&mut harness, "choose where the data set lies");
    assert!(harness.query_by_label("Original spectrogram").is_none(), "the tab stays");
    harness.state_mut().ask(UiCommand::Experiment(ExperimentWish::SetData(moved)));
    harness.run_steps(3);
    click(&mut harness, "a.wav");
    until(&mut harness, "the clip is open", |h| h.query_by_label("Original spectrogram").is_some());
}

#[test]
fn a_row_is_computed_again_with_options_that_the_lab_has_no_control_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (data(folder.path()), folder.path().join("run"));
    let mut harness = set_up(&data, &run, &["FGSM"]);
    click(&mut harness, "Plan");
    until_said(&mut harness, "3 items to do, about");
    let settings = run.join("experiment.toml");
    let words = std::fs::read_to_string(&settings).expect("a configuration");
    let by_hand = "\n[[attacks]]\nattack = \"pgd\"\nname = \"short\"\niterations = 3\n";
    std::fs::write(&settings, words + by_hand).expect("a configuration");
    click(&mut harness, "Stop");
    let is_idle = |h: &Lab| h.query_by_label("Plan").is_some();
    until(&mut harness, "it can be planned anew", is_idle);
    click(&mut harness, "Show this run");
    until(&mut harness, "the form follows", |h| {
        h.state().settings().experiment.attacks.contains(&"pgd".to_owned())
    });
    until(&mut harness, "it can be planned anew", is_idle);
    click(&mut harness, "Plan");
    until_said(&mut harness, "6 items to do, about");
    click(&mut harness, "Start");
    until_said(&mut harness, "6 of 6 items done");
    type_into(&mut harness, "Only rows with this word", "short");
    click(&mut harness, "Open in the Lab: Cello/a.wav, Cello, VGG13, short");
    until(&mut harness, "its result", |h| h.query_by_label_contains("Result: PGD").is_some());
    until_said(&mut harness, "3 steps at 40.0 dB SNR did not reach the goal");
}

#[test]
fn a_run_is_paused_stopped_and_gone_on_with_in_another_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (data(folder.path()), folder.path().join("run"));
    let mut harness = set_up(&data, &run, &["White noise", "Carlini & Wagner"]);
    click(&mut harness, "Plan");
    until_said(&mut harness, "6 items to do, about");
    click(&mut harness, "Start");
    until_said(&mut harness, "3 of 6 items done");
    click(&mut harness, "Pause");
    until_said(&mut harness, "paused");
    click(&mut harness, "Stop");
    until_said(&mut harness, "Not under way here. Plan goes on with what is left.");
    drop(harness);
    let before = std::fs::read_to_string(run.join("results.jsonl")).expect("rows");
    assert!(before.lines().count() >= 3);

    let mut harness = open(&Kept::default(), engine(), SMALLEST);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num4);
    harness.run_steps(3);
    type_into(&mut harness, "Run's folder", run.to_str().expect("UTF-8"));
    click(&mut harness, "Show this run");
    until_said(&mut harness, "Not under way here. Plan goes on with what is left.");
    let form = &harness.state().settings().experiment;
    assert_eq!(form.data, data.to_str().expect("UTF-8"), "the form follows the run");
    click(&mut harness, "Plan");
    until_said(&mut harness, "items to do, about");
    click(&mut harness, "Start");
    until_said(&mut harness, "6 of 6 items done");
    let after = std::fs::read_to_string(run.join("results.jsonl")).expect("rows");
    assert!(after.starts_with(&before), "nothing was done twice");
    assert_eq!(after.lines().count(), 6);

    // Its folder opens like a file, dropped or named on the command line.
    let mut other = lab();
    other.state_mut().ask(UiCommand::open(run));
    until_said(&mut other, "6 of 6 items done");
}

#[test]
fn what_is_wrong_is_said_in_the_tab() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (data(folder.path()), folder.path().join("run"));
    let mut harness = set_up(&data.join("nowhere"), &run, &["FGSM"]);
    click(&mut harness, "Plan");
    until_said(&mut harness, "nowhere");
    assert!(harness.query_by_label("Start").is_none());
}

#[test]
fn a_run_that_was_not_looked_at_is_not_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (data(folder.path()), folder.path().join("run"));
    std::fs::create_dir_all(&run).expect("a folder");
    let mine = format!(
        "# Mine.\nexperiment = \"untargeted\"\ndata = \"{}\"\nsplit = \"train\"\n\
         models = [\"dense-mel\"]\n[[attacks]]\nattack = \"white-noise\"\n",
        data.display()
    );
    let settings = run.join("experiment.toml");
    std::fs::write(&settings, &mine).expect("a configuration");
    let mut harness = set_up(&data, &run, &["FGSM"]);
    until_said(&mut harness, "3 labels; recordings: 0 test, 3 train");
    click(&mut harness, "Plan");
    until_said(
        &mut harness,
        "holds a run already, which differs from the choices here in: attacks",
    );
    assert_eq!(std::fs::read_to_string(&settings).expect("it"), mine);
    click(&mut harness, "Show this run");
    until(&mut harness, "the form follows", |h| {
        h.state().settings().experiment.attacks == ["white-noise"]
    });
    click(&mut harness, "Plan");
    until_said(&mut harness, "3 items to do, about");
    assert_eq!(std::fs::read_to_string(&settings).expect("it"), mine, "its words stay");
}

#[test]
fn a_run_of_models_that_the_window_does_not_know_is_planned_and_its_shares_are_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (data(folder.path()), folder.path().join("run"));
    std::fs::create_dir_all(&run).expect("a folder");
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors");
    let weights = weights.join("dense-mel.safetensors");
    std::fs::copy(weights, run.join("mine.safetensors")).expect("weights");
    let mine = format!(
        "experiment = \"untargeted\"\ndata = \"{}\"\nsplit = \"train\"\n\
         models = [\"mine.safetensors\"]\n[[attacks]]\nattack = \"white-noise\"\n",
        data.display()
    );
    std::fs::write(run.join("experiment.toml"), mine).expect("a configuration");
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_mondegreen"));
    let share = program.args(["experiment", "run"]).arg(&run).args(["--shard", "1/2"]);
    assert!(share.output().expect("the program").status.success());

    let mut harness = lab();
    harness.state_mut().ask(UiCommand::open(run.clone()));
    until(&mut harness, "the form follows", |h| {
        h.state().settings().experiment.attacks == ["white-noise"]
    });
    let is_idle = |h: &Lab| h.query_by_label("Plan").is_some();
    until(&mut harness, "it was read", is_idle);
    click(&mut harness, "Plan");
    until_said(&mut harness, "items to do, about");
    assert!(has(&harness, "One share of this run has rows that are not joined yet"));
    click(&mut harness, "Stop");
    until(&mut harness, "it can be joined", is_idle);
    click(&mut harness, "Join them");
    until_said(&mut harness, "rows are joined");
    until(&mut harness, "nothing is left to join", |h| !has(h, "not joined yet"));
    assert!(std::fs::read_to_string(run.join("results.jsonl")).expect("rows").lines().count() > 0);
}

#[test]
fn a_run_without_attacks_says_what_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (data(folder.path()), folder.path().join("run"));
    let mut harness = set_up(&data, &run, &["FGSM"]);
    click(&mut harness, "Accuracy");
    click(&mut harness, "Plan");
    until_said(&mut harness, "3 answers on clean clips");
    click(&mut harness, "Tables");
    until_said(&mut harness, "TABLE 1: ACCURACY ON THE CLEAN CLIPS");
}
