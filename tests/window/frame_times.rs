//! How long frames take in the real window, idle and while an attack runs, and whether the sound
//! drops out. `scripts/frame-times.sh` runs this; it measures and judges nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::driver::Window;
use super::sound_card::SoundCard;

/// How long to measure while nothing but the player runs, and while an attack runs, in seconds.
const IDLE: f64 = 8.0;
const ATTACKING: f64 = 20.0;

/// A line of the log, see `MONDEGREEN_FRAME_LOG`; none where a field is empty.
pub type Frame = Vec<Option<f64>>;

pub fn frames(log: &Path) -> (Vec<String>, Vec<Frame>) {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>();
    let frame = |line: &str| line.split(',').map(|field| field.parse().ok()).collect::<Frame>();
    // The last line may be half written.
    let frames = lines.map(frame).filter(|frame| frame.len() == names.len()).collect();
    (names, frames)
}

/// What to do with mouse and keys for some seconds: read levels off the spectrograms, and switch
/// sides once a second.
fn play_about(window: &Window, seconds: f64) {
    let [width, height] = [1280.0, 800.0];
    let mut arguments: Vec<String> = Vec::new();
    let steps = (seconds * 25.0) as usize;
    for step in 0..steps {
        // Over all panes and back, at varying heights.
        let across = (step as f64 * 0.031).sin() * 0.5 + 0.5;
        let down = (step as f64 * 0.047).cos() * 0.5 + 0.5;
        let x = width * (0.24 + 0.52 * across);
        let y = height * (0.14 + 0.34 * down);
        arguments.extend(["mousemove".to_owned(), format!("{x:.0}"), format!("{y:.0}")]);
        arguments.extend(["sleep".to_owned(), "0.04".to_owned()]);
        if step % 25 == 12 {
            let key = ["b", "d", "a"][step / 25 % 3];
            arguments.extend(["key".to_owned(), key.to_owned()]);
        }
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    window.xdotool(&arguments);
}

/// Waits until the log's last frame is one that `done` accepts.
pub fn wait_for_frame(what: &str, log: &Path, done: impl Fn(&dyn Fn(&str) -> f64) -> bool) {
    let start = Instant::now();
    loop {
        let (names, frames) = frames(log);
        let column = |name: &str| {
            let index = names.iter().position(|known| known == name);
            index.and_then(|index| frames.last()?[index]).unwrap_or(-1.0)
        };
        if !frames.is_empty() && done(&column) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A word from the environment of the script.
fn text(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// A number from there.
fn number(name: &str, default: f64) -> f64 {
    text(name, "").parse().unwrap_or(default)
}

#[test]
#[ignore = "measures: scripts/frame-times.sh"]
fn frame_times() {
    let home = tempfile::tempdir().expect("a home for the program");
    let kept = std::env::var_os("MONDEGREEN_FRAME_TIMES").map(PathBuf::from);
    let log = kept.unwrap_or_else(|| home.path().join("frames.csv"));
    std::fs::remove_file(&log).ok();
    // An attack that outlasts the measurement, all three panes, and a loop.
    let (search, model) = (text("SEARCH", "paper"), text("MODEL", "vgg13"));
    let settings = format!(
        r#"{{"settings": "(attack: (preset: \"{search}\"), model: \"{model}\", panes: (true, true, true), looping: true)"}}"#
    );
    let folder = home.path().join("mondegreen");
    std::fs::create_dir_all(&folder).expect("the folder for the settings");
    std::fs::write(folder.join("app.ron"), settings).expect("the settings are written");
    let card = SoundCard::new(home.path());

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clip = root.join(text("CLIP", "assets/clips/glockenspiel.flac"));
    let environment: [(&str, &OsStr); 2] =
        [("MONDEGREEN_FRAME_LOG", log.as_os_str()), ("ALSA_CONFIG_PATH", &card.configuration)];
    let window = Window::open_unwatched([1280, 800], &[clip.as_os_str()], &environment, &home);
    std::thread::sleep(Duration::from_secs(4));
    window.key("space");
    wait_for_frame("playing", &log, |column| column("playing") == 1.0);
    std::thread::sleep(Duration::from_secs(1));
    let heard_before = card.noticed.heard.load(Relaxed);
    let dry = || (card.noticed.dry.load(Relaxed), card.noticed.blind.load(Relaxed));
    let at_start = dry();
    play_about(&window, number("IDLE", IDLE));
    let at_attack = dry();
    window.key("ctrl+Return");
    wait_for_frame("an attack", &log, |column| column("attacking") == 1.0);
    // The clean clip is named and the search begins.
    std::thread::sleep(Duration::from_secs_f64(number("WARM_UP", 1.0)));
    play_about(&window, number("ATTACKING", ATTACKING));
    let at_end = dry();
    let heard = card.noticed.heard.load(Relaxed) - heard_before;
    std::thread::sleep(Duration::from_millis(1200));
    drop(window);

    let (names, frames) = frames(&log);
    let index = |name: &str| names.iter().position(|known| known == name).expect("a column");
    let (attacking, playing) = (index("attacking"), index("playing"));
    let steps = frames.iter().filter_map(|frame| frame[index("steps")]).fold(0.0, f64::max);
    println!("the attack had {steps} steps at the end");
    println!("milliseconds a frame       n    median      90 %      99 %       max");
    for (phase, flag) in [("idle", 0.0), ("attacking", 1.0)] {
        let of_phase: Vec<&Frame> = frames
            .iter()
            .filter(|frame| frame[playing] == Some(1.0) && frame[attacking] == Some(flag))
            // Pressing the key that begins the phase, and waiting for that, do not belong to it.
            .skip(10)
            .collect();
        let column = |name: &str| -> Vec<f64> {
            of_phase.iter().filter_map(|frame| frame[index(name)]).collect()
        };
        let sum =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
        let ours = sum(&column("logic_ms"), &column("ui_ms"));
        let paint: Vec<f64> = column("frame_ms").iter().zip(&ours).map(|(f, o)| f - o).collect();
        for (what, values) in [
            ("events and layout", ours),
            ("tessellation, OpenGL", paint),
            ("frame, both", column("frame_ms")),
            ("processor, all", column("cpu_ms")),
            ("between frames", column("interval_ms")),
        ] {
            print_line(phase, what, values);
        }
    }
    let last = |name: &str| frames.last().and_then(|frame| frame[index(name)]).unwrap_or(-1.0);
    let (dropouts, late) = (last("dropouts"), last("late"));
    println!(
        "sound: {:.1} s heard; the player counted {dropouts} dropouts, {late} late callbacks",
        heard as f64 * 0.005
    );
    println!(
        "the card ran dry {} times idle, {} times attacking (could not tell: {})",
        at_attack.0 - at_start.0,
        at_end.0 - at_attack.0,
        at_end.1 - at_start.1
    );
}

fn print_line(phase: &str, what: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().saturating_sub(1);
        values.get((share * last as f64).round() as usize).copied().unwrap_or(f64::NAN)
    };
    println!(
        "{phase:9} {what:20}{:6} {:9.2} {:9.2} {:9.2} {:9.2}",
        values.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}
