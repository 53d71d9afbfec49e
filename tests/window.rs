//! The real window under a virtual display: clicked with xdotool, looked at pixel by pixel.

#![cfg(target_os = "linux")]

#[path = "window/driver.rs"]
mod driver;
#[path = "window/endurance.rs"]
mod endurance;
#[path = "window/frame_times.rs"]
mod frame_times;
#[path = "window/listen.rs"]
mod listen;
#[path = "window/snapshots.rs"]
mod snapshots;
#[path = "window/sound_card.rs"]
mod sound_card;

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use driver::{Area, Window};
use sound_card::SoundCard;

/// The share of an area that its commonest colour covers: 1 for nothing at all, little for levels.
fn plain(picture: &image::RgbImage, area: Area) -> f64 {
    let mut counts = std::collections::HashMap::new();
    let mut all = 0_usize;
    for (x, y) in area.pixels(2) {
        *counts.entry(picture.get_pixel(x, y).0).or_insert(0_usize) += 1;
        all += 1;
    }
    counts.values().max().copied().unwrap_or(0) as f64 / all.max(1) as f64
}

/// The share of pixels of an area that differ visibly.
fn changed(before: &image::RgbImage, after: &image::RgbImage, area: Area) -> f64 {
    let (mut count, mut all) = (0_usize, 0_usize);
    for (x, y) in area.pixels(1) {
        let (a, b) = (before.get_pixel(x, y).0, after.get_pixel(x, y).0);
        all += 1;
        count += usize::from(a.iter().zip(&b).any(|(a, b)| a.abs_diff(*b) > 12));
    }
    count as f64 / all.max(1) as f64
}

#[test]
fn the_window_opens_a_clip_names_it_attacks_and_survives_a_bad_file() {
    let folder = tempfile::tempdir().expect("a folder for the bad file");
    let bad = folder.path().join("bad.wav");
    std::fs::write(&bad, "not a sound").expect("the bad file is written");

    let mut window = Window::open([1280, 800], &[bad.as_os_str()]);
    window.wait_for("a notice about the bad file", |w| w.control_with("bad.wav").is_some());
    window.click("Dismiss notice");
    window.wait_for("the notice is gone", |w| w.control_with("bad.wav").is_none());
    let start = window.picture();
    let whole = Area { left: 0, top: 0, width: 1280, height: 800 };
    assert!(plain(&start, whole) < 0.9, "the window is blank");

    window.click("Glockenspiel");
    window.wait_for("the clip is named", |w| w.control_with("Glockenspiel 0.").is_some());
    window.settle();
    let named = window.picture();
    let original = window.area("Original spectrogram");
    let adversarial = window.area("Adversarial spectrogram");
    assert!(plain(&named, original) < 0.5, "the original spectrogram shows no levels");
    assert!(plain(&named, adversarial) > 0.8, "there is nothing adversarial yet");
    assert!(changed(&start, &named, original) > 0.5);

    window.click("Attack");
    window.wait_for("the attack goes on", |w| w.control_with("steps/s").is_some());
    window.wait_for("the attack has a result", |w| w.control_with("Result: C&W").is_some());
    window.settle();
    let attacked = window.picture();
    assert!(plain(&attacked, adversarial) < 0.5, "the adversarial spectrogram shows no levels");
    assert!(changed(&named, &attacked, adversarial) > 0.3);

    window.key("x");
    window.wait_for("the difference is shown", |w| w.control("Difference spectrogram").is_some());
    window.settle();
    let three = window.picture();
    let difference = window.area("Difference spectrogram");
    assert!(plain(&three, difference) < 0.5, "the difference shows no levels");

    // Zooming changes what is seen; a double click brings all back.
    let original = window.area("Original spectrogram");
    window.wheel(original, 4);
    window.settle();
    let zoomed = window.picture();
    assert!(changed(&three, &zoomed, original) > 0.1, "the wheel does not zoom");
    window.key("f");
    std::thread::sleep(Duration::from_millis(500));
    window.settle();

    let name = window.control_with("Theme: ").expect("a theme button").name;
    window.click(&name);
    window.click_with("Theme: ");
    window.wait_for("the light theme", |w| w.control("Theme: light").is_some());
    window.settle();
    let light = window.picture();
    let card = window.area("Attack");
    let below = Area { top: card.top + card.height + 4, height: 4, ..card };
    let bright = light.get_pixel(below.left + 2, below.top).0;
    assert!(bright.iter().all(|&channel| channel > 200), "not light: {bright:?}");
    assert!(window.is_alive());
}

/// Pictures of the real window for the README; `scripts/screenshots.sh` runs this.
#[test]
#[ignore = "makes pictures: scripts/screenshots.sh"]
fn screenshots() {
    let folder = std::env::var_os("MONDEGREEN_SCREENSHOTS").unwrap_or_else(|| "screenshots".into());
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).expect("the folder for the pictures");
    let home = tempfile::tempdir().expect("a folder for the sound card");
    let card = SoundCard::new(home.path());
    let environment: [(&str, &OsStr); 1] = [("ALSA_CONFIG_PATH", &card.configuration)];
    for (size, suffix) in [([1280, 800], ""), ([1024, 640], "-1024x640")] {
        let mut window = Window::open_with(size, 1, &[], &environment);
        window.wait_for("the model is loaded", |w| w.control_with("parameters").is_some());
        window.theme("dark");
        if suffix.is_empty() {
            window.save(&folder.join("lab-start.png"));
        }
        window.click("Glockenspiel");
        window.wait_for("the clip is named", |w| w.control_with("Glockenspiel 0.").is_some());
        window.click("Attack");
        window.wait_for("the attack goes on", |w| w.control_with("steps/s").is_some());
        if suffix.is_empty() {
            std::thread::sleep(Duration::from_secs(4));
            window.save_moving(&folder.join("lab-attacking.png"));
        }
        window.wait_for("the attack has a result", |w| w.control_with("Result: C&W").is_some());
        window.point_at("Adversarial spectrogram", 0.62, 0.35);
        window.save(&folder.join(format!("lab-dark{suffix}.png")));
        if suffix.is_empty() {
            other_views(&mut window, &folder);
        }
        window.theme("light");
        window.point_at("Adversarial spectrogram", 0.62, 0.35);
        window.save(&folder.join(format!("lab-light{suffix}.png")));
    }
}

/// What the machine sees, the presenter's view, the tour, a comparison.
fn other_views(window: &mut Window, folder: &Path) {
    window.key("m");
    window.wait_for("the machine's view", |w| w.control_with("every 16 ms").is_some());
    std::thread::sleep(Duration::from_secs(3));
    window.save(&folder.join("machine-view.png"));
    window.key("m");
    window.key("F5");
    window.wait_for("the presenter's view", |w| w.control("Show all").is_some());
    window.save(&folder.join("presenter.png"));
    window.key("F5");
    window.wait_for("everything", |w| w.control("Present").is_some());
    window.click("Tour");
    window.wait_for("the tour", |w| w.control("End the tour").is_some());
    window.save(&folder.join("tour.png"));
    window.click("End the tour");
    window.wait_for("no tour", |w| w.control("End the tour").is_none());
    window.click("Compare tab");
    window.wait_for("the choices", |w| w.control("GCNN").is_some());
    for model in ["CRNN", "GCNN"] {
        window.click(model);
    }
    window.click_with("Compare: ");
    window.wait_for("the comparison", |w| w.control_with("12 of 12 done").is_some());
    window.save(&folder.join("compare.png"));
    a_session(window, folder);
    a_run(window, folder);
    window.click("Lab tab");
    window.wait_for("the Lab", |w| w.control("Attack method").is_some());
}

/// A listening test being put together, and a trial of it.
fn a_session(window: &mut Window, folder: &Path) {
    window.key("ctrl+3");
    window.click("Add the pair from the Lab");
    window.wait_for("the pair", |w| w.control_with("3.04 s").is_some());
    window.save(&folder.join("listen.png"));
    window.click("Begin the session");
    for (page, keys) in
        [("Set the volume", ["space", "Return"]), ("First some practice", ["Return", "a"])]
    {
        window.wait_for(page, |w| w.control_with(page).is_some());
        for key in keys {
            window.key(key);
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    for key in ["b", "x", "1"] {
        window.key(key);
        std::thread::sleep(Duration::from_millis(500));
    }
    window.save_moving(&folder.join("listen-trial.png"));
    window.key("Escape");
    window.settle();
    window.key("Return");
    window.wait_for("the tabs", |w| w.control("Lab tab").is_some());
}

/// A small run of the paper's first experiment on bundled clips.
fn a_run(window: &mut Window, folder: &Path) {
    let home = tempfile::Builder::new().prefix("my-").rand_bytes(2).tempdir();
    let home = home.expect("a folder for the data set");
    let clips = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/clips");
    for (file, label) in [
        ("cello", "Cello"),
        ("clarinet", "Clarinet"),
        ("double-bass", "Double_bass"),
        ("flute", "Flute"),
        ("glockenspiel", "Glockenspiel"),
        ("knock", "Knock"),
        ("trumpet", "Trumpet"),
        ("violin", "Violin_or_fiddle"),
    ] {
        let there = home.path().join("clips").join(label);
        std::fs::create_dir_all(&there).expect("a folder for the label");
        let name = format!("{file}.flac");
        std::fs::copy(clips.join(&name), there.join(&name)).expect("a clip");
    }
    window.key("ctrl+4");
    window.wait_for("the experiments", |w| w.control_with("Plan").is_some());
    window.click("Data set");
    let data = home.path().join("clips").display().to_string();
    window.xdotool(&["key", "ctrl+a", "type", &data]);
    window.settle();
    for choice in ["train", "CRNN", "GCNN", "Carlini & Wagner"] {
        window.click(choice);
    }
    window.click("Plan");
    window.wait_for("the plan", |w| w.control_with("items to do, about").is_some());
    window.save(&folder.join("experiments-plan.png"));
    window.click("Start");
    window.wait_for("the end of the run", |w| w.control_with("The run is whole").is_some());
    window.save(&folder.join("experiments.png"));
    window.click("Tables");
    window.wait_for("the tables", |w| w.control_with("TABLE 2").is_some());
    window.save(&folder.join("experiments-tables.png"));
    window.click("Figures");
    window.wait_for("the figures", |w| w.control_with("Figure 1: labels").is_some());
    window.save(&folder.join("experiments-figures.png"));
}
