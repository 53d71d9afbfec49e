//! What leaves the window and comes back: exports, with what fewer bits do, and lab files.

use eframe::egui;
use egui_kittest::kittest::Queryable as _;
use mondegreen::export::Destination;
use mondegreen::ui::{NoticeKind, UiCommand};

use crate::driver::{Lab, choose, has, lab, saved, until};

/// A window with white noise on the bundled snare drum.
fn with_result() -> Lab {
    let mut harness = lab();
    harness.get_by_label("Snare drum").click();
    until(&mut harness, "the clip is named", |h| {
        has(h, "Snare drum 0.") || has(h, "Snare drum 1.")
    });
    choose(&mut harness, "Attack method", "White noise");
    harness.get_by_label("Attack").click();
    until(&mut harness, "the noise's result", |h| has(h, "Result: Noise"));
    harness
}

#[test]
fn an_export_says_what_fewer_bits_do_before_it_is_written() {
    let mut harness = with_result();
    harness.get_by_label("Export…").click();
    harness.run_steps(3);
    assert!(has(&harness, "JSON with all measures"));
    harness.get_by_label("16 bits").click();
    until(&mut harness, "the rounded file was heard", |h| {
        has(h, "With 16 bits") || has(h, "does not fool VGG13 in the first place")
    });
    harness.get_by_label("Close").click();
    harness.run_steps(3);
    let folder = tempfile::tempdir().unwrap();
    let files = saved(
        &mut harness,
        UiCommand::Export(Destination::NewFolderIn(folder.path().to_path_buf())),
    );
    let names: Vec<String> = files
        .iter()
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    for ending in ["_nat.wav", "_adv.wav", ".png", ".svg", "_steps.csv", ".json", "README.txt"] {
        assert!(names.iter().any(|name| name.ends_with(ending)), "{ending}: {names:?}");
    }
    let sound = files.iter().find(|path| path.to_string_lossy().ends_with("_adv.wav")).unwrap();
    let bytes = std::fs::read(sound).unwrap();
    assert_eq!(u16::from_le_bytes([bytes[34], bytes[35]]), 16, "bits a sample");
}

#[test]
fn a_saved_lab_opens_in_another_window_with_its_results() {
    let mut harness = with_result();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drum.mondegreen");
    harness.state_mut().ask(UiCommand::SetLoop(Some((0.1, 0.3))));
    harness.key_press(egui::Key::M);
    until(&mut harness, "the machine's view", |h| has(h, "Original, whole clip, part 1 of 1"));
    let files = saved(&mut harness, UiCommand::SaveLab(path.clone()));
    assert_eq!(files, std::slice::from_ref(&path));

    let mut other = lab();
    other.state_mut().ask(UiCommand::open(path.clone()));
    until(&mut other, "the result is there", |h| has(h, "Result: Noise"));
    assert!(other.query_by_label("Adversarial spectrogram").is_some());
    assert!(has(&other, "20.0 dB"));
    until(&mut other, "the chosen part and the machine's view are as they were", |h| {
        has(h, "Original, whole clip, part 1 of 1") && has(h, "0.10–0.30 s")
    });
    // Again: nothing is doubled.
    other.state_mut().ask(UiCommand::open(path.clone()));
    other.run_steps(20);
    assert_eq!(other.query_all_by_label_contains("Result: Noise").count(), 1);
    assert!(other.state().notices().iter().next().is_none());

    std::fs::write(&path, b"not a lab").unwrap();
    other.state_mut().ask(UiCommand::open(path));
    until(&mut other, "it is refused", |h| {
        h.state().notices().iter().any(|notice| notice.kind == NoticeKind::Error)
    });
    assert!(has(&other, "is no lab of Mondegreen") && has(&other, "Result: Noise"));
}

/// Asks the window to close, as the desktop does; whether it does not.
fn stays_open(harness: &mut Lab) -> bool {
    let root = harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
    root.events.push(egui::ViewportEvent::Close);
    harness.step();
    let commands = &harness.output().viewport_output[&egui::ViewportId::ROOT].commands;
    let stays = commands.contains(&egui::ViewportCommand::CancelClose);
    let root = harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
    root.events.clear();
    harness.run_steps(3);
    stays
}

#[test]
fn results_in_no_file_are_not_given_up_without_a_word() {
    let mut harness = lab();
    assert!(!stays_open(&mut harness), "there is nothing to lose");
    let mut harness = with_result();
    assert!(stays_open(&mut harness));
    assert!(has(&harness, "One result of this session is in no file"));
    harness.get_by_label("Stay").click();
    harness.run_steps(3);
    assert!(!has(&harness, "Close without saving?"));
    assert!(stays_open(&mut harness));
    assert!(!stays_open(&mut harness), "who asks twice means it");
    harness.get_by_label("Stay").click();
    harness.run_steps(3);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drum.mondegreen");
    saved(&mut harness, UiCommand::SaveLab(path.clone()));
    assert!(!stays_open(&mut harness), "a file has it");
    assert_eq!(harness.state().settings().recent.first(), Some(&path));

    let mut other = lab();
    other.state_mut().ask(UiCommand::open(path));
    until(&mut other, "the result is there", |h| has(h, "Result: Noise"));
    assert!(!stays_open(&mut other), "it came from a file");
}
