//! The Listen tab: a whole blind test by keyboard alone, one that is gone on with, and its results.

use std::path::{Path, PathBuf};

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::audio::write_wav_f32;
use mondegreen::listening::{Answered, Entry, Part, read_log};
use mondegreen::ui::{ListenCommand, UiCommand};

use crate::driver::{Lab, SMALLEST, engine, has, lab, open, tree, until, until_said};

/// A folder with a pair and a session file.
fn test(protocol: &str, more: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let sound = |change: f32| -> Vec<f32> {
        (0..16_000)
            .map(|i| 0.3 * (i as f32 * 0.05).sin() + change * (i as f32 * 0.7).sin())
            .collect()
    };
    for (name, change) in [("secret_nat.wav", 0.0), ("secret_adv.wav", 0.02)] {
        write_wav_f32(&folder.path().join(name), &sound(change)).expect("a WAV");
    }
    let file = folder.path().join("test.toml");
    let text = format!(
        "version = 1\ntitle = \"Bells\"\nprotocol = \"{protocol}\"\n{more}\n[[stimuli]]\n\
         original = \"secret_nat.wav\"\nchanged = \"secret_adv.wav\"\n"
    );
    std::fs::write(&file, text).expect("the session file");
    (folder, file)
}

/// Opens the session file in the tab.
fn opened(lab: &mut Lab, file: &Path) {
    lab.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    lab.run_steps(3);
    let wish = UiCommand::Listening(ListenCommand::OpenTest(file.to_path_buf()));
    lab.state_mut().ask(wish);
    until(lab, "the pair", |lab| has(lab, "secret"));
}

fn press(lab: &mut Lab, keys: &[Key]) {
    for key in keys {
        lab.key_press(*key);
        lab.run_steps(2);
    }
}

/// Listens on the volume page and goes on: as soon as the device is open.
fn set_the_volume(lab: &mut Lab) {
    until_said(lab, "Set the volume");
    press(lab, &[Key::Space]);
    until(lab, "it is heard", |lab| {
        !lab.get_by_label("The volume is good").accesskit_node().is_disabled()
    });
    press(lab, &[Key::Enter]);
}

#[test]
#[cfg(target_os = "linux")]
fn sessions_are_taken_with_a_sound_card() {
    crate::sound::run_with_a_sound_card("listen::");
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_sound_device_nothing_can_be_answered() {
    crate::sound::run_without_a_sound_card("listen::inner_without_a_sound_device");
}

fn answers(log: &Path) -> Vec<Answered> {
    let answered = |entry| if let Entry::Answer(answered) = entry { Some(answered) } else { None };
    read_log(log).expect("a whole log").into_iter().filter_map(answered).collect()
}

#[test]
#[ignore = "needs a sound card: run by sessions_are_taken_with_a_sound_card"]
fn a_whole_abx_is_taken_by_keyboard_alone_and_nothing_tells_a_from_b() {
    let (folder, file) =
        test("abx", "trials = 6\npractice = 1\nconsent = \"May we?\"\npause_after = 4");
    let mut lab = lab();
    opened(&mut lab, &file);
    lab.get_by_label("Begin the session").click();
    until_said(&mut lab, "May we?");
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "Set the volume");
    // It must be heard first.
    press(&mut lab, &[Key::ArrowDown, Key::Enter]);
    assert!(has(&lab, "Set the volume"));
    set_the_volume(&mut lab);
    until_said(&mut lab, "First some practice");
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "Practice 1 of 1");
    press(&mut lab, &[Key::Num1, Key::Enter]);
    assert!(has(&lab, "Listen to each letter before you answer."), "{}", tree(&lab));
    press(&mut lab, &[Key::A, Key::B, Key::X, Key::Enter]);
    until(&mut lab, "feedback", |lab| has(lab, "Right") || has(lab, "Wrong"));
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "you are not told whether you are right");
    press(&mut lab, &[Key::Enter]);

    let mut pages = Vec::new();
    for trial in 1..=6 {
        let number = format!("Trial {trial} of 6");
        until_said(&mut lab, &number);
        // Nothing can be confirmed before it is chosen.
        press(&mut lab, &[Key::Enter]);
        assert!(has(&lab, &number), "{}", tree(&lab));
        let page = tree(&lab);
        for word in ["secret", "riginal", "dversarial", "SNR", "ight answers", "Bells", "Lab"] {
            assert!(!page.contains(word), "{word} is told: {page}");
        }
        pages.push(page.replace(&number, "Trial"));
        let answer = if trial % 2 == 0 { Key::Num1 } else { Key::Num2 };
        press(&mut lab, &[Key::A, Key::B, Key::X, answer, Key::Enter]);
        if trial == 4 {
            until_said(&mut lab, "4 of 6 trials are done");
            press(&mut lab, &[Key::Enter]);
        }
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
    until_said(&mut lab, "Thank you");
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "METHODS, FOR A PAPER");
    assert!(has(&lab, "95 % interval") && has(&lab, "P01"), "{}", tree(&lab));

    let answers = answers(&folder.path().join("logs/P01.jsonl"));
    assert_eq!(answers.len(), 7);
    let counted: Vec<_> = answers.iter().filter(|a| a.trial.part == Part::Test).collect();
    let right = counted.iter().filter(|answer| answer.right == Some(true)).count();
    assert!(has(&lab, &format!("{right}/6")), "{}", tree(&lab));
    assert!(counted.iter().all(|answer| answer.switches == 3), "{counted:?}");
    // What was pressed is what is kept.
    for (index, answer) in counted.iter().enumerate() {
        let choice = u8::from(index % 2 == 0);
        assert_eq!(answer.answer, mondegreen::listening::Answer::Choice(choice));
    }
}

#[test]
#[ignore = "needs a sound card: run by sessions_are_taken_with_a_sound_card"]
fn a_session_that_was_broken_off_or_crashed_is_gone_on_with() {
    let (folder, file) = test("2afc", "trials = 5\npractice = 0\nseed = 3");
    let log = folder.path().join("logs/P01.jsonl");
    let mut first = lab();
    opened(&mut first, &file);
    first.get_by_label("Begin the session").click();
    set_the_volume(&mut first);
    press(&mut first, &[Key::Enter]);
    for answer in [Key::Num1, Key::Num2] {
        press(&mut first, &[Key::A, Key::B, answer, Key::Enter]);
    }
    until_said(&mut first, "Trial 3 of 5");
    // Escape asks first.
    press(&mut first, &[Key::Escape]);
    until_said(&mut first, "Break off?");
    press(&mut first, &[Key::Escape]);
    until(&mut first, "it goes on", |lab| !has(lab, "Break off?"));
    // The window is gone, with an answer chosen and not confirmed.
    press(&mut first, &[Key::Num1]);
    drop(first);
    assert_eq!(answers(&log).len(), 2);

    let mut second = open(&Default::default(), engine(), SMALLEST);
    opened(&mut second, &file);
    until_said(&mut second, "P01: 2 of 5 answers");
    second.get_by_label("Go on with P01").click();
    set_the_volume(&mut second);
    press(&mut second, &[Key::Enter]);
    until_said(&mut second, "Trial 3 of 5");
    for _ in 3..=5 {
        press(&mut second, &[Key::A, Key::B, Key::Num1, Key::Enter]);
    }
    until_said(&mut second, "Thank you");
    let kept = answers(&log);
    assert_eq!(kept.iter().map(|a| a.trial.trial).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    press(&mut second, &[Key::Enter]);
    until_said(&mut second, "METHODS, FOR A PAPER");
    assert!(has(&second, "P01") && !has(&second, "unfinished"));
}

#[test]
#[ignore = "needs a sound card: run by sessions_are_taken_with_a_sound_card"]
fn breaking_off_is_asked_before_every_page_and_its_keys_are_not_the_pages() {
    let (folder, file) = test("same-different", "trials = 2\npractice = 1\nconsent = \"May we?\"");
    let log = folder.path().join("logs/P01.jsonl");
    let mut lab = lab();
    opened(&mut lab, &file);
    lab.get_by_label("Begin the session").click();
    until_said(&mut lab, "May we?");
    let lines = || read_log(&log).expect("a whole log").len();
    let before = lines();
    press(&mut lab, &[Key::Escape]);
    until_said(&mut lab, "Break off?");
    press(&mut lab, &[Key::Enter]);
    until(&mut lab, "it was broken off", |lab| has(lab, "Go on with P01"));
    assert_eq!(lines(), before, "nobody agreed to anything");
    lab.get_by_label("Go on with P01").click();
    until_said(&mut lab, "May we?");
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "Set the volume");
    press(&mut lab, &[Key::ArrowDown, Key::ArrowDown]);
    set_the_volume(&mut lab);
    until_said(&mut lab, "First some practice");
    press(&mut lab, &[Key::Escape, Key::Enter]);
    until(&mut lab, "it was broken off", |lab| has(lab, "Go on with P01"));
    // The volume is still what was chosen, and soft before anybody chose.
    lab.get_by_label("Go on with P01").click();
    until_said(&mut lab, "22 dB");
    set_the_volume(&mut lab);
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "Practice 1 of 1");
    press(&mut lab, &[Key::A, Key::B, Key::Num1, Key::Enter]);
    until(&mut lab, "feedback", |lab| {
        has(lab, "That is how it was") || has(lab, "other way round")
    });
}

#[test]
#[ignore = "needs a sound card: run by sessions_are_taken_with_a_sound_card"]
fn answers_to_a_session_file_that_was_changed_are_still_listed() {
    let (folder, file) = test("2afc", "trials = 2\npractice = 0");
    let mut lab = lab();
    opened(&mut lab, &file);
    lab.get_by_label("Begin the session").click();
    set_the_volume(&mut lab);
    press(&mut lab, &[Key::Enter]);
    for _ in 0..2 {
        press(&mut lab, &[Key::A, Key::B, Key::Num1, Key::Enter]);
    }
    until_said(&mut lab, "Thank you");
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "METHODS, FOR A PAPER");
    let text = std::fs::read_to_string(&file).expect("the session file");
    std::fs::write(&file, text.replace("practice = 0", "practice = 1")).expect("the session file");
    let mut other = open(&Default::default(), engine(), SMALLEST);
    opened(&mut other, &file);
    until_said(&mut other, "P01: of another session file");
    other.get_by_label("Results of P01 alone").click();
    until_said(&mut other, "METHODS, FOR A PAPER");
    drop(folder);
}

#[test]
#[ignore = "needs a sound card: run by sessions_are_taken_with_a_sound_card"]
fn grades_are_given_by_keys_and_one_of_them_must_be_the_reference() {
    let (folder, file) = test("triple", "trials = 1\npractice = 0");
    let mut lab = lab();
    opened(&mut lab, &file);
    lab.get_by_label("Begin the session").click();
    set_the_volume(&mut lab);
    press(&mut lab, &[Key::Enter]);
    until_said(&mut lab, "Trial 1 of 1");
    // What nobody graded is no answer.
    press(&mut lab, &[Key::R, Key::A, Key::B, Key::Enter]);
    until_said(&mut lab, "Grade what you hear");
    // B is heard and gets 4.0, then 4.1; A gets 3.0: no 5.0 is left for the reference.
    press(&mut lab, &[Key::R, Key::B, Key::Num4, Key::ArrowUp, Key::A, Key::Num3, Key::Enter]);
    until_said(&mut lab, "give that one 5.0");
    press(&mut lab, &[Key::Num5, Key::Enter]);
    until_said(&mut lab, "Thank you");
    let kept = answers(&folder.path().join("logs/P01.jsonl"));
    assert_eq!(kept[0].answer, mondegreen::listening::Answer::Grades([5.0, 4.1]));
}

#[test]
fn a_pair_of_the_lab_becomes_a_test() {
    let mut lab = lab();
    lab.get_by_label("Knock").click();
    until(&mut lab, "the clip is named", |lab| has(lab, "VGG13: Knock"));
    crate::driver::choose(&mut lab, "Attack method", "White noise");
    lab.get_by_label("Attack").click();
    until(&mut lab, "a result", |lab| has(lab, "Result: Noise"));
    lab.get_by_label("Listen tab").click();
    lab.run_steps(3);
    assert!(has(&lab, "Add a pair of sounds first."));
    lab.get_by_label("Add the pair from the Lab").click();
    lab.run_steps(3);
    assert!(has(&lab, "Knock, Noise") && has(&lab, "SNR 20.0 dB"), "{}", tree(&lab));
    assert!(has(&lab, "12 of 16 right are significant"), "{}", tree(&lab));
    let folder = tempfile::tempdir().expect("a folder");
    let save = ListenCommand::SaveIn(folder.path().to_path_buf());
    lab.state_mut().ask(UiCommand::Listening(save));
    until(&mut lab, "it is saved", |lab| has(lab, "The test was saved as"));
    let file = folder.path().join("Listening test/test.toml");
    let saved = mondegreen::listening::TestFile::read(&file).expect("a session file");
    let stimuli = saved.load(file.parent().expect("a folder")).expect("its sounds");
    assert!((stimuli.pairs[0].snr_db() - 20.0).abs() < 0.1);
}

#[test]
fn what_an_experiment_kept_is_a_folder_of_pairs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, run) = (folder.path().join("data/Bark"), folder.path().join("run"));
    std::fs::create_dir_all(&data).expect("a data set");
    std::fs::create_dir_all(run.join("adversarial")).expect("a run");
    let sound = |change: f32| -> Vec<f32> {
        (0..16_000).map(|i| 0.3 * (i as f32 * 0.05).sin() + change * (i as f32).sin()).collect()
    };
    write_wav_f32(&data.join("dog.wav"), &sound(0.0)).expect("a WAV");
    write_wav_f32(&run.join("adversarial/1.wav"), &sound(0.02)).expect("a WAV");
    let configuration = "experiment = \"untargeted\"\ndata = \"../data\"\nkeep = \"wav\"\n";
    std::fs::write(run.join("experiment.toml"), configuration).expect("a configuration");
    let row = |id: &str, status: &str, kept: &str| {
        format!(
            "{{\"id\":\"{id}\",\"work\":\"\",\"clip\":\"Bark/dog.wav\",\"label\":\"Bark\",\
             \"model\":\"vgg13\",\"attack\":\"fgsm\",\"target\":null,\"status\":\"{status}\",\
             \"reason\":null,\"original_confidence\":0.9,\"new_label\":\"Cough\",\
             \"new_confidence\":0.5,\"original_confidence_after\":0.4,\"snr_db\":20.0,\
             \"peak\":0.02,\"iterations\":1,\"gradients\":1,\"seconds\":0.1,\"clip_seconds\":0.5,\
             \"seed\":0,\"samples_sha256\":\"\",\"kept\":{kept},\"transfer\":null}}\n"
        )
    };
    let rows = |lines: &[String]| {
        std::fs::write(run.join("results.jsonl"), lines.concat()).expect("rows");
    };
    rows(&[row("1", "not fooled", "null")]);
    let mut lab = lab();
    lab.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    lab.run_steps(3);
    let add = UiCommand::Listening(ListenCommand::AddFolder(run.clone()));
    lab.state_mut().ask(add.clone());
    until_said(&mut lab, "no success yet whose adversarial clip was kept");
    rows(&[
        row("1", "fooled", "\"adversarial/1.wav\""),
        row("2", "not fooled", "\"adversarial/2.wav\""),
    ]);
    lab.state_mut().ask(add);
    until(&mut lab, "the pair", |lab| has(lab, "dog, fgsm on vgg13"));
    assert!(has(&lab, "0.50 s · SNR 23.5 dB"));
}

#[test]
#[ignore = "run by without_a_sound_device_nothing_can_be_answered"]
fn inner_without_a_sound_device() {
    let (_folder, file) = test("2afc", "trials = 2\npractice = 0");
    let mut lab = lab();
    opened(&mut lab, &file);
    lab.get_by_label("Begin the session").click();
    until_said(&mut lab, "Set the volume");
    press(&mut lab, &[Key::Space]);
    until_said(&mut lab, "No sound output");
    press(&mut lab, &[Key::Enter]);
    assert!(has(&lab, "Set the volume"), "nothing was heard, so nothing goes on");
}
