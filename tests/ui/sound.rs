//! Recording and choosing devices in the window, with a pretended microphone.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui::Key;
use egui_kittest::kittest::Queryable as _;
use mondegreen::ui::UiCommand;

use crate::driver::{Lab, choose, has, keep, lab, tree, until};

/// Set in a child: its folder.
const FOLDER: &str = "MONDEGREEN_TEST_FOLDER";

/// Sound goes nowhere, or to a second device; it comes from a pipe.
const DEVICES: &str = r#"
pcm.!default {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "@FOLDER@/microphone"
    format "raw"
}
pcm.headphones {
    type null
    hint { show on description "Headphones" }
}
"#;

/// Runs the ignored test `name` in a process with these devices: ALSA reads its configuration once.
#[cfg(target_os = "linux")]
fn run_inner(name: &str, configuration: &str) {
    run_ignored(&["--exact", &format!("sound::{name}")], configuration);
}

/// Runs all ignored tests of a module in such a process, with sound that goes nowhere.
#[cfg(target_os = "linux")]
pub fn run_with_a_sound_card(module: &str) {
    run_ignored(&[module, "--skip", "inner_"], DEVICES);
}

/// Runs one ignored test in a process without any sound device.
#[cfg(target_os = "linux")]
pub fn run_without_a_sound_card(name: &str) {
    run_ignored(&["--exact", name], "pcm.!default { type hw card 31 }\n");
}

#[cfg(target_os = "linux")]
fn run_ignored(which: &[&str], configuration: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("microphone");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let path = folder.path().join("asound.conf");
    let text = configuration.replace("@FOLDER@", folder.path().to_str().expect("text"));
    std::fs::write(&path, text).expect("the sound configuration is written");
    let status = std::process::Command::new(std::env::current_exe().expect("this test's program"))
        .args(which)
        .arg("--ignored")
        .env("ALSA_CONFIG_PATH", &path)
        .env("XDG_DATA_HOME", folder.path())
        .env(FOLDER, folder.path())
        .status()
        .expect("the inner test starts");
    assert!(status.success());
}

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).map(PathBuf::from).expect("run by the test above")
}

/// Somebody whistles into the microphone for as long as the process lives.
fn whistle(pipe: &Path) {
    let mut pipe = File::options().read(true).write(true).open(pipe).expect("the pipe opens");
    std::thread::spawn(move || {
        let (start, mut frame) = (Instant::now(), 0_u32);
        loop {
            let mut bytes = Vec::new();
            for _ in 0..960 {
                let sample = 0.3 * (f64::from(frame) * 0.13).sin() as f32;
                bytes.extend_from_slice(&sample.to_le_bytes());
                bytes.extend_from_slice(&sample.to_le_bytes());
                frame += 1;
            }
            pipe.write_all(&bytes).expect("the pipe takes it");
            let due = start + Duration::from_secs_f64(f64::from(frame) / 48_000.0);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_recording_becomes_the_clip_on_the_desk() {
    run_inner("inner_a_recording_becomes_the_clip_on_the_desk", DEVICES);
}

#[test]
#[ignore = "run by a_recording_becomes_the_clip_on_the_desk"]
fn inner_a_recording_becomes_the_clip_on_the_desk() {
    let folder = folder();
    whistle(&folder.join("microphone"));
    let mut lab = lab();
    lab.get_by_label("Record…").click();
    until(&mut lab, "the microphone is open", |lab| lab.query_by_label("Record").is_some());
    let level = |lab: &Lab| lab.get_by_label("Level").value().unwrap_or_default();
    until(&mut lab, "a level", |lab| level(lab).contains("peak −10"));
    assert!(has(&lab, "A good level."), "{}", tree(&lab));

    // The first try is thrown away.
    lab.get_by_label("Record").click();
    until(&mut lab, "it records", |lab| lab.query_by_label("Stop and use it").is_some());
    lab.key_press(Key::Escape);
    lab.run_steps(3);
    assert!(lab.query_by_label("Discard").is_some(), "Escape loses nothing");
    lab.get_by_label("Discard").click();
    until(&mut lab, "it listens again", |lab| lab.query_by_label("Record").is_some());

    // The second one by the space bar.
    lab.key_press(Key::Space);
    until(&mut lab, "it records", |lab| lab.query_by_label("Stop and use it").is_some());
    until(&mut lab, "half a second", |lab| has(lab, "0:00.6") || has(lab, "0:00.7"));
    lab.get_by_label("Stop and use it").click();
    until(&mut lab, "it is on the desk", |lab| lab.query_by_label("Recording 1").is_some());
    assert!(lab.query_by_label("Level").is_none(), "the sheet is closed");
    until(&mut lab, "it is named", |lab| has(lab, "VGG13: "));
    assert!(lab.state().notices().is_empty());
    let kept = lab.state().settings().recent.clone();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].starts_with(&folder) && kept[0].is_file(), "{kept:?}");

    // It opens again as the same clip.
    lab.get_by_label("Bundled clips").click();
    lab.run_steps(3);
    lab.get_by_label("Knock").click();
    until(&mut lab, "another clip", |lab| has(lab, "VGG13: Knock"));
    lab.state_mut().ask(UiCommand::OpenFile(kept[0].clone()));
    until(&mut lab, "the recording", |lab| lab.query_by_label("Recording 1").is_some());
}

#[test]
#[cfg(target_os = "linux")]
fn the_limiter_tells_how_much_it_leaves() {
    run_inner("inner_the_limiter_tells_how_much_it_leaves", DEVICES);
}

#[test]
#[ignore = "run by the_limiter_tells_how_much_it_leaves"]
fn inner_the_limiter_tells_how_much_it_leaves() {
    let mut lab = lab();
    lab.get_by_label("Knock").click();
    until(&mut lab, "the clip is named", |lab| has(lab, "VGG13: Knock"));
    choose(&mut lab, "Attack method", "White noise");
    lab.get_by_label("Attack").click();
    until(&mut lab, "a result", |lab| has(lab, "Result: Noise"));
    lab.state_mut().ask(UiCommand::SetLooping(true));
    lab.state_mut().ask(UiCommand::SetDifferenceGain(60.0));
    lab.state_mut().ask(UiCommand::Listen(mondegreen::audio::player::Side::Difference));
    lab.state_mut().ask(UiCommand::PlayOrPause);
    lab.run_steps(3);
    lab.get_by_label("Sound settings").click();
    until(&mut lab, "it is limited", |lab| has(lab, "Just now it is limited to +"));
    // What is soft enough is not.
    lab.state_mut().ask(UiCommand::SetDifferenceGain(0.0));
    until(&mut lab, "it is not limited", |lab| !has(lab, "Just now it is limited"));
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_microphone_the_sheet_says_so() {
    run_inner("inner_without_a_microphone_the_sheet_says_so", "# no devices\n");
}

#[test]
#[ignore = "run by without_a_microphone_the_sheet_says_so"]
fn inner_without_a_microphone_the_sheet_says_so() {
    let mut lab = lab();
    lab.get_by_label("Record…").click();
    until(&mut lab, "the reason", |lab| has(lab, "No microphone: "));
    assert!(lab.query_by_label("Try again").is_some());
    assert!(lab.query_by_label("Record").is_none());
    lab.get_by_label("Close").click();
    lab.run_steps(3);
    assert!(!has(&lab, "No microphone: "));
    // Nothing keeps asking for frames.
    lab.run();
}

#[test]
#[cfg(target_os = "linux")]
fn the_output_device_is_chosen_and_kept() {
    run_inner("inner_the_output_device_is_chosen_and_kept", DEVICES);
}

#[test]
#[ignore = "run by the_output_device_is_chosen_and_kept"]
fn inner_the_output_device_is_chosen_and_kept() {
    let mut lab = lab();
    lab.get_by_label("Knock").click();
    until(&mut lab, "the clip is named", |lab| has(lab, "VGG13: Knock"));
    lab.get_by_label("Sound settings").click();
    lab.run_steps(3);
    assert!(has(&lab, "A limiter protects your ears"));
    lab.get_by_label("Output device").click();
    until(&mut lab, "the devices are listed", |lab| has(lab, "Headphones"));
    lab.get_by_label("Headphones").click();
    lab.run_steps(3);
    let output = lab.state().settings().output.clone().expect("a device");
    assert_eq!((output.id.as_str(), output.name.as_str()), ("headphones", "Headphones"));
    lab.key_press(Key::Escape);
    lab.run_steps(3);
    lab.state_mut().ask(UiCommand::SetLooping(true));
    lab.state_mut().ask(UiCommand::PlayOrPause);
    until(&mut lab, "it plays", |lab| lab.query_by_label("Pause").is_some());
    lab.get_by_label("Sound settings").click();
    until(&mut lab, "on that device", |lab| has(lab, "Open now: Headphones"));
    assert!(lab.state().notices().is_empty());
    lab.state_mut().ask(UiCommand::PlayOrPause);
    lab.run_steps(3);

    // Next time that device is gone, and the default stands in.
    let kept = keep(&mut lab);
    let text = eframe::Storage::get_string(&kept, "settings").expect("settings");
    assert!(text.contains("headphones"), "{text}");
    let mut kept = kept;
    let text = text.replace("headphones", "usb").replace("Headphones", "Lost headphones");
    eframe::Storage::set_string(&mut kept, "settings", text);
    drop(lab);
    let mut lab = crate::driver::open(&kept, crate::driver::engine(), crate::driver::USUAL);
    lab.get_by_label("Knock").click();
    until(&mut lab, "the clip is named", |lab| has(lab, "VGG13: Knock"));
    lab.state_mut().ask(UiCommand::PlayOrPause);
    until(&mut lab, "it is told", |lab| has(lab, "Lost headphones"));
    choose(&mut lab, "Attack method", "FGSM");
    assert!(lab.query_by_label("Attack").is_some(), "all else works");
}
