//! The real window in all its states, beside the pictures that a person looked at and approved.
//!
//! `MONDEGREEN_RENEW_SNAPSHOTS=1 cargo test --release --test window snapshots` makes the pictures
//! afresh; look at them before they are committed. They are half as large as the window: enough to
//! see what moved, was cut off or changed its colour, and small.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use image::RgbImage;
use image::imageops::{FilterType, resize};

use super::driver::Window;

/// By how much a channel of a pixel must differ to count: more than rounding in another renderer.
const VISIBLE: u8 = 40;

/// The share of pixels that may differ: times and rates are never the same.
const MAY_DIFFER: f64 = 0.01;

/// The same where curves grow and a picture is computed while it is taken.
const MAY_DIFFER_MOVING: f64 = 0.12;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/window/snapshots")
}

/// The share of pixels that differ visibly; all of them where the sizes do.
fn difference(one: &RgbImage, other: &RgbImage) -> f64 {
    if one.dimensions() != other.dimensions() {
        return 1.0;
    }
    let differ = one
        .pixels()
        .zip(other.pixels())
        .filter(|(a, b)| a.0.iter().zip(&b.0).any(|(a, b)| a.abs_diff(*b) > VISIBLE));
    differ.count() as f64 / one.pixels().len() as f64
}

/// Compares with the approved picture of that name, or makes it.
fn check(window: &Window, name: &str, scale: u32, may_differ: f64) {
    let picture = window.picture();
    let (width, height) = (picture.width() / (2 * scale), picture.height() / (2 * scale));
    let picture = resize(&picture, width, height, FilterType::Triangle);
    let path = folder().join(format!("{name}.png"));
    if std::env::var_os("MONDEGREEN_RENEW_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(folder()).expect("the folder of the pictures");
        picture.save(&path).expect("the picture is written");
        return;
    }
    let approved = image::open(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into_rgb8();
    let share = difference(&picture, &approved);
    if share > may_differ {
        let now = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        picture.save(&now).expect("the picture is written");
        panic!(
            "{:.1} % of {name} looks different: compare {} with {}",
            100.0 * share,
            now.display(),
            path.display()
        );
    }
}

/// At rest, with the pointer where it lights nothing.
fn still(window: &mut Window, name: &str) {
    window.xdotool(&["mousemove", "2", "400"]);
    window.settle();
    check(window, name, 1, MAY_DIFFER);
}

/// White noise on the glockenspiel: quick, and the same everywhere.
fn with_result(window: &mut Window) {
    window.wait_for("the model is loaded", |w| w.control_with("parameters").is_some());
    window.click("Glockenspiel");
    window.wait_for("the clip is named", |w| w.control_with("Glockenspiel 0.").is_some());
    window.click("Attack method");
    window.click("White noise");
    window.click("Attack");
    window.wait_for("the result", |w| w.control_with("Result: Noise").is_some());
    // The other models have their say.
    window.wait_for("all verdicts", |w| {
        w.control_with("Dense-wav: Glockenspiel").is_some_and(|c| c.name.contains("adversarial"))
    });
}

#[test]
fn snapshots_of_every_state() {
    let home = tempfile::tempdir().expect("a folder");
    let bad = home.path().join("bad.wav");
    std::fs::write(&bad, "not a sound").expect("the bad file is written");
    // A sound card that does not exist, whatever this machine has.
    let silent = home.path().join("asound.conf");
    std::fs::write(&silent, "pcm.!default { type hw card 31 }\n").expect("the configuration");
    let environment: [(&str, &OsStr); 1] = [("ALSA_CONFIG_PATH", silent.as_os_str())];

    let mut window = Window::open_with([1280, 800], 1, &[], &environment);
    window.theme("dark");
    window.wait_for("the model is loaded", |w| w.control_with("parameters").is_some());
    still(&mut window, "empty");
    window.click("Glockenspiel");
    window.wait_for("the clip is named", |w| w.control_with("Glockenspiel 0.").is_some());
    window.wait_for("the others name it", |w| w.control_with("Dense-wav: Glock").is_some());
    still(&mut window, "named");
    window.key("space");
    window.wait_for("no sound device", |w| w.control_with("Dismiss notice").is_some());
    still(&mut window, "no-device");
    window.click("Dismiss notice");
    window.click("Attack");
    window.wait_for("the attack goes on", |w| w.control_with("steps/s").is_some());
    std::thread::sleep(Duration::from_secs(2));
    check(&window, "attacking", 1, MAY_DIFFER_MOVING);
    window.key("ctrl+Return");
    window.wait_for("the result", |w| w.control_with("Result: C&W").is_some());
    window.click("Delete");
    with_result(&mut window);
    window.key("x");
    still(&mut window, "done");
    window.theme("light");
    still(&mut window, "done-light");
    window.key("ctrl+e");
    window.wait_for("the export sheet", |w| w.control_with("JSON with all").is_some());
    still(&mut window, "export");
    window.key("Escape");
    window.key("F1");
    window.wait_for("the help", |w| w.control_with("Play or pause").is_some());
    still(&mut window, "help");
    window.key("Escape");
    window.theme("dark");
    window.key("F5");
    still(&mut window, "presenter");
    window.key("F5");
    window.key("ctrl+2");
    window.wait_for("the table", |w| w.control_with("Open in the Lab").is_some());
    std::thread::sleep(Duration::from_secs(1));
    still(&mut window, "compare");
    drop(window);

    let mut window = Window::open_with([1280, 800], 1, &[bad.as_os_str()], &[]);
    window.theme("dark");
    window.wait_for("the model is loaded", |w| w.control_with("parameters").is_some());
    window.wait_for("the notice", |w| w.control_with("bad.wav").is_some());
    still(&mut window, "failed");
}

#[test]
fn snapshots_of_the_smallest_and_the_sharpest_screen() {
    for (name, size, scale) in [("smallest", [1024, 640], 1), ("4k", [3840, 2160], 2)] {
        let mut window = Window::open_with(size, scale, &[], &[]);
        window.theme("dark");
        with_result(&mut window);
        window.xdotool(&["mousemove", "2", "400"]);
        window.settle();
        check(&window, name, scale, MAY_DIFFER);
    }
}
