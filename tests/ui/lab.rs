//! The Lab: a clip opened, named, attacked, looked at, listened to, saved.

use std::time::Duration;

use eframe::egui::{self, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::engine::{DeviceChoice, EngineOptions};
use mondegreen::ui::{NoticeKind, UiCommand};

use crate::driver::{Kept, Lab, SMALLEST, choose, drop_files, engine, has, lab, open, tree, until};

fn is_on(harness: &Lab, label: &str) -> bool {
    let toggled = harness.get_by_label(label).accesskit_node().toggled();
    toggled == Some(egui::accesskit::Toggled::True)
}

/// Opens the bundled Glockenspiel from the start sheet and waits until it is named.
fn open_glockenspiel(harness: &mut Lab) {
    harness.get_by_label("Glockenspiel").click();
    until(harness, "the clip is named", |h| has(h, "Glockenspiel 0."));
}

#[test]
fn a_bundled_clip_is_named_attacked_stopped_and_its_results_come_back() {
    let mut harness = lab();
    assert!(has(&harness, "No clip yet"));
    assert!(harness.query_by_label("Original spectrogram").is_none());
    open_glockenspiel(&mut harness);
    assert!(harness.query_by_label("Original spectrogram").is_some());
    assert!(!has(&harness, "Result: "));

    // A quick attack at a fixed SNR first.
    choose(&mut harness, "Attack method", "White noise");
    harness.get_by_label("Attack").click();
    until(&mut harness, "the noise's result", |h| has(h, "Result: Noise"));
    let result = harness.get_by_label_contains("Result: Noise");
    let name = result.accesskit_node().label().unwrap_or_default();
    assert!(name.contains("20.0 dB"), "{name}: noise was asked for at 20 dB");

    // Then a search, watched for some steps and stopped.
    choose(&mut harness, "Attack method", "Carlini & Wagner");
    harness.get_by_label("Attack").click();
    until(&mut harness, "progress", |h| has(h, "step ") && has(h, "steps/s"));
    let fraction = |h: &Lab| {
        h.get_by_label("Attack progress").accesskit_node().data().numeric_value().unwrap_or(0.0)
    };
    let before = fraction(&harness);
    until(&mut harness, "more progress", |h| {
        h.query_by_label("Attack progress").is_none() || fraction(h) > before
    });
    harness.get_by_label("Stop").click();
    until(&mut harness, "the search's result", |h| has(h, "Result: C&W"));
    assert!(harness.query_by_label("Attack").is_some(), "the large button attacks again");
    assert!(has(&harness, "gradients"), "the outcome tells its numbers");

    // Both are kept; the newest is shown, the older one comes back by a click.
    let noise = harness.get_by_label_contains("Result: Noise");
    assert!(!is_chosen(&noise));
    noise.click();
    harness.run_steps(3);
    assert!(is_chosen(&harness.get_by_label_contains("Result: Noise")));
    assert!(!is_chosen(&harness.get_by_label_contains("Result: C&W")));
    assert!(harness.state().notices().iter().all(|notice| notice.kind != NoticeKind::Error));
}

#[test]
fn what_survives_is_checked_stopped_and_kept_with_its_result() {
    let mut harness = open(&Kept::default(), engine(), [1280.0, 1600.0]);
    open_glockenspiel(&mut harness);
    assert!(harness.query_by_label("Check what survives").is_none(), "nothing to check yet");
    choose(&mut harness, "Attack method", "White noise");
    harness.get_by_label("Attack").click();
    until(&mut harness, "the noise's result", |h| has(h, "Result: Noise"));
    assert!(harness.query_by_label("Check what survives").is_none(), "it fools nobody");
    choose(&mut harness, "Attack method", "DeepFool");
    harness.get_by_label("Attack").click();
    until(&mut harness, "DeepFool's result", |h| has(h, "Result: DeepFool"));
    for measure in ["by frames of 20 ms", "noise to mask", "worst, at 0:", "peak to peak", "LUFS"] {
        assert!(has(&harness, measure), "{measure}");
    }

    harness.get_by_label("Check what survives").click();
    until(&mut harness, "something was found", |h| has(h, "24 bits: "));
    harness.get_by_label("Stop checking").click();
    until(&mut harness, "it has stopped", |h| h.query_by_label("Check what survives").is_some());
    assert!(!has(&harness, "noise at 40 dB: "), "it was stopped before the end");
    harness.get_by_label("Check what survives").click();
    until(&mut harness, "all is found", |h| has(h, "noise at 40 dB: "));
    until(&mut harness, "it has ended", |h| h.query_by_label("Stop checking").is_none());
    assert!(harness.query_by_label("Check what survives").is_none(), "nothing is left to check");
    assert!(has(&harness, "SURVIVES · ") && has(&harness, " OF 2"));
    let said = harness.get_by_label_contains("MP3 128 kbit/s: ");
    let said = said.value().unwrap_or_default();
    assert!(said.contains("fooled, ") || said.contains("misheard anyway, "), "{said}");

    // Another result has its own.
    harness.get_by_label("Attack").click();
    until(&mut harness, "a second result", |h| {
        h.query_all_by_label_contains("Result: DeepFool").count() == 2
    });
    assert!(!has(&harness, "MP3 128 kbit/s: "));
    harness.query_all_by_label_contains("Result: DeepFool").last().expect("the first one").click();
    harness.run_steps(3);
    assert!(has(&harness, "MP3 128 kbit/s: "));
}

fn is_chosen(node: &egui_kittest::Node<'_>) -> bool {
    node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

#[test]
fn a_search_left_alone_fools_the_model_and_the_pair_is_saved() {
    let mut harness = lab();
    open_glockenspiel(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut harness, "the search began", |h| h.query_by_label("Stop").is_some());
    until(&mut harness, "the search's result", |h| has(h, "Result: C&W"));
    let result = harness.get_by_label_contains("Result: C&W");
    let name = result.accesskit_node().label().unwrap_or_default();
    assert!(!name.contains("Glockenspiel") && !name.contains("not fooled"), "{name}");
    assert!(has(&harness, "fooled"));

    let folder = tempfile::tempdir().expect("a folder for the pair");
    harness.state_mut().ask(UiCommand::SavePair(folder.path().to_path_buf()));
    until(&mut harness, "the pair is saved", |h| !h.state().saved().is_empty());
    let saved = harness.state().saved();
    assert_eq!(saved.len(), 2);
    assert!(saved.iter().all(|path| path.starts_with(folder.path()) && path.is_file()));

    let nowhere = folder.path().join("missing").join("figure.png");
    harness.state_mut().ask(UiCommand::SaveFigure(nowhere));
    until(&mut harness, "the failed save is told", |h| {
        h.state().notices().iter().any(|notice| notice.kind == NoticeKind::Error)
    });
    assert!(has(&harness, "Result: C&W"), "a failed save loses nothing");
}

#[test]
fn an_unreadable_file_is_told_until_dismissed_and_the_clip_stays() {
    let mut harness = lab();
    open_glockenspiel(&mut harness);
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("not-a-sound.wav");
    std::fs::write(&path, "These are words.").expect("the file is written");
    drop_files(&mut harness, &[&path]);
    until(&mut harness, "a notice", |h| !h.state().notices().is_empty());
    assert!(has(&harness, "not-a-sound.wav"), "the notice names the file");
    assert!(has(&harness, "Glockenspiel 0."), "the clip and its name stay");
    harness.run_steps(30);
    harness.get_by_label("Dismiss notice").click();
    harness.run_steps(3);
    assert!(harness.state().notices().is_empty());
}

#[test]
fn a_target_is_found_by_search_and_aimed_at() {
    let mut harness = lab();
    open_glockenspiel(&mut harness);
    choose(&mut harness, "Attack method", "FGSM");
    harness.get_by_label("Targeted").click();
    harness.run_steps(3);
    // Without a target nothing is attacked, and it is said what is missing.
    harness.get_by_label("Attack").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Stop").is_none());
    assert!(has(&harness, "Choose the label"));

    harness.get_by_label("Target label").click();
    harness.run_steps(3);
    assert!(has(&harness, "Tearing"), "all labels are offered");
    let search = harness.get_by(|node| node.role() == egui::Role::TextInput);
    search.focus();
    harness.run_steps(2);
    harness.get_by(|node| node.role() == egui::Role::TextInput).type_text("bass d");
    harness.run_steps(3);
    assert!(!has(&harness, "Tearing"), "the search leaves out what does not fit");
    harness
        .query_all_by_label_contains("Bass drum")
        .find(|node| node.accesskit_node().role() == egui::Role::Button)
        .expect("what fits the search is offered")
        .click();
    harness.run_steps(3);
    let value = harness.get_by_label("Target label").value();
    assert_eq!(value.as_deref(), Some("Bass drum"));

    // By the keyboard alone: what was typed and given up is gone, Enter takes the first that fits.
    for (typed, key) in [("xyz", egui::Key::Escape), ("snare", egui::Key::Enter)] {
        harness.get_by_label("Target label").click();
        harness.run_steps(4);
        harness.get_by(|node| node.role() == egui::Role::TextInput).type_text(typed);
        harness.run_steps(3);
        harness.key_press(key);
        harness.run_steps(3);
    }
    let value = harness.get_by_label("Target label").value();
    assert_eq!(value.as_deref(), Some("Snare drum"));

    harness.get_by_label("Attack").click();
    until(&mut harness, "the aimed attack's result", |h| has(h, "Result: FGSM"));
}

#[test]
fn without_weights_the_window_lives_and_says_what_is_missing() {
    let empty = tempfile::tempdir().expect("an empty folder");
    let engine =
        EngineOptions { model_directories: vec![empty.path().to_path_buf()], ..Default::default() };
    let mut harness = open(&Kept::default(), engine, SMALLEST);
    until(&mut harness, "the missing model is told", |h| !h.state().notices().is_empty());
    harness.get_by_label("Glockenspiel").click();
    until(&mut harness, "the clip opens all the same", |h| {
        h.query_by_label("Original spectrogram").is_some()
    });
    let attack = harness.get_by_label("Attack");
    assert!(attack.accesskit_node().is_disabled());
    assert!(harness.query_by_label("Try again").is_some());
}

#[test]
fn a_build_for_the_cpu_says_so_and_offers_no_choice_of_device() {
    let mut harness = lab();
    until(&mut harness, "the model is loaded", |h| has(h, "parameters"));
    let choices = DeviceChoice::in_this_build();
    assert_eq!(harness.query_by_label("Device").is_some(), choices.len() > 1);
    assert_eq!(choices.len() > 1, cfg!(any(feature = "cuda", feature = "metal")));

    harness.state_mut().ask(UiCommand::UseDevice(DeviceChoice::Cpu));
    harness.run_steps(2);
    until(&mut harness, "the model is loaded again", |h| has(h, "parameters"));
    let said = has(&harness, "CPU · ");
    assert!(said || choices.len() > 1, "{}", tree(&harness));

    let absent = if cfg!(target_os = "macos") { DeviceChoice::Cuda } else { DeviceChoice::Metal };
    harness.state_mut().ask(UiCommand::UseDevice(absent));
    until(&mut harness, "it is told what is missing", |h| !h.state().notices().is_empty());
    until(&mut harness, "the model is loaded where it was", |h| has(h, "parameters"));
    open_glockenspiel(&mut harness);
}

#[test]
fn the_window_idles_without_painting() {
    let mut harness = lab();
    open_glockenspiel(&mut harness);
    // `run` panics where something keeps asking for frames.
    until(&mut harness, "all pictures are there", |h| !has(h, "listening"));
    std::thread::sleep(Duration::from_millis(500));
    harness.run();
    let steps = harness.run();
    assert!(steps <= 2, "{steps} frames although nothing moves");
}

#[test]
fn help_opens_and_closes_by_key() {
    let mut harness = open(&Kept::default(), engine(), SMALLEST);
    harness.key_press(Key::F1);
    harness.run_steps(3);
    assert!(has(&harness, "Listen to the adversarial clip"));
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!has(&harness, "Play or pause"));
}

/// Sound needs a device. This runs the test below in a process whose sound goes nowhere.
#[test]
#[cfg(target_os = "linux")]
fn sides_are_switched_by_key_while_playing() {
    let folder = tempfile::tempdir().expect("a folder for the sound configuration");
    let configuration = folder.path().join("asound.conf");
    std::fs::write(&configuration, "pcm.!default { type null }\nctl.!default { type null }\n")
        .expect("the sound configuration is written");
    let status = std::process::Command::new(std::env::current_exe().expect("this test's program"))
        .args(["--exact", "lab::inner_sides_are_switched_by_key_while_playing", "--ignored"])
        .env("ALSA_CONFIG_PATH", &configuration)
        .status()
        .expect("the inner test starts");
    assert!(status.success());
}

#[test]
#[ignore = "run by sides_are_switched_by_key_while_playing"]
fn inner_sides_are_switched_by_key_while_playing() {
    let mut harness = lab();
    open_glockenspiel(&mut harness);
    assert!(is_on(&harness, "Listen to the original"));
    // Nothing adversarial yet: B does nothing.
    harness.key_press(Key::B);
    harness.run_steps(3);
    assert!(is_on(&harness, "Listen to the original"));
    choose(&mut harness, "Attack method", "White noise");
    harness.get_by_label("Attack").click();
    until(&mut harness, "a result", |h| has(h, "Result: Noise"));

    harness.key_press(Key::L);
    harness.run_steps(3);
    assert!(is_on(&harness, "Loop"));
    harness.key_press(Key::Space);
    until(&mut harness, "it plays", |h| h.query_by_label("Pause").is_some());
    for (key, side) in [
        (Key::B, "Listen to the adversarial clip"),
        (Key::D, "Listen to the difference"),
        (Key::A, "Listen to the original"),
    ] {
        harness.key_press(key);
        harness.run_steps(3);
        assert!(is_on(&harness, side), "{side}");
        assert!(harness.query_by_label("Pause").is_some(), "switching does not stop");
    }
    harness.key_press(Key::Space);
    until(&mut harness, "it pauses", |h| h.query_by_label("Play").is_some());
}
