//! A whole blind test in the real window, by keyboard alone.

use std::ffi::OsStr;
use std::time::Duration;

use mondegreen::audio::write_wav_f32;
use mondegreen::listening::{Answer, Entry, Part, read_log};

use super::driver::{Area, Window};
use super::sound_card::SoundCard;

const TRIALS: usize = 5;

/// Everything below the trial's number and its bar.
const PAGE: Area = Area { left: 0, top: 260, width: 1280, height: 540 };

fn pixels(picture: &image::RgbImage) -> Vec<[u8; 3]> {
    PAGE.pixels(1).map(|(x, y)| picture.get_pixel(x, y).0).collect()
}

#[test]
fn an_abx_is_taken_by_keyboard_alone_and_its_pages_look_alike() {
    let folder = tempfile::tempdir().expect("a folder");
    let sound = |change: f32| -> Vec<f32> {
        (0..32_000)
            .map(|i| 0.3 * (i as f32 * 0.05).sin() + change * (i as f32 * 0.7).sin())
            .collect()
    };
    for (name, change) in [("secret_nat.wav", 0.0), ("secret_adv.wav", 0.02)] {
        write_wav_f32(&folder.path().join(name), &sound(change)).expect("a WAV");
    }
    let file = folder.path().join("test.toml");
    let text = format!(
        "version = 1\ntitle = \"Bells\"\nprotocol = \"abx\"\ntrials = {TRIALS}\npractice = 0\n\
         [[stimuli]]\noriginal = \"secret_nat.wav\"\nchanged = \"secret_adv.wav\"\n"
    );
    std::fs::write(&file, text).expect("the session file");

    let card = SoundCard::new(folder.path());
    let environment: [(&str, &OsStr); 1] = [("ALSA_CONFIG_PATH", &card.configuration)];
    let mut window = Window::open_with([1280, 800], 1, &[file.as_os_str()], &environment);
    window.wait_for("the pair", |w| w.control_with("secret").is_some());
    window.click("Begin the session");
    window.wait_for("the volume page", |w| w.control("Set the volume").is_some());
    window.key("space");
    // The device opens meanwhile.
    std::thread::sleep(Duration::from_secs(3));
    window.key("Return");
    window.wait_for("the test", |w| w.control("The test").is_some());
    window.key("Return");
    let mut first: Option<Vec<[u8; 3]>> = None;
    for trial in 1..=TRIALS {
        let number = format!("Trial {trial} of {TRIALS}");
        window.wait_for(&number, |w| w.control(&number).is_some());
        window.settle();
        for control in window.controls() {
            for word in ["secret", "riginal", "dversarial", "SNR", "Bells"] {
                assert!(!control.name.contains(word), "{control:?}");
            }
        }
        let page = pixels(&window.picture());
        let first = first.get_or_insert_with(|| page.clone());
        assert!(*first == page, "trial {trial} looks different");
        for key in ["a", "b", "x", if trial % 2 == 0 { "2" } else { "1" }] {
            window.key(key);
            // The playhead moves: the page is never at rest.
            std::thread::sleep(Duration::from_millis(300));
        }
        window.key("Return");
    }
    window.wait_for("the end", |w| w.control_with("Thank you").is_some());
    window.key("Return");
    window.wait_for("the results", |w| w.control_with("95 % interval").is_some());
    assert!(window.is_alive());

    let log = read_log(&folder.path().join("logs/P01.jsonl")).expect("a whole log");
    let said: Vec<Answer> = log
        .iter()
        .filter_map(|entry| match entry {
            Entry::Answer(answered) if answered.trial.part == Part::Test => Some(answered.answer),
            _ => None,
        })
        .collect();
    let pressed: Vec<_> = (1..=TRIALS).map(|i| Answer::Choice(u8::from(i % 2 == 0))).collect();
    assert_eq!(said, pressed);
    assert!(matches!(log.last(), Some(Entry::End { answers: TRIALS, .. })));
}
