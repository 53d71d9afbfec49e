//! How soon the real window is there, whether it rests when nothing moves, and what 200 attacks
//! leave in memory. `scripts/endurance.sh` runs this; it measures and judges nothing.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::driver::Window;
use super::frame_times::{Frame, frames, wait_for_frame};

/// How long the window is left alone, in seconds.
const REST: u64 = 10;

/// How many attacks are made, and how many between two looks at the memory.
const ATTACKS: usize = 200;
const EACH: usize = 25;

/// Memory of a process that is in use now, in MiB.
fn resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kibibytes.unwrap_or(f64::NAN) / 1024.0
}

#[test]
#[ignore = "measures: scripts/endurance.sh"]
fn endurance() {
    let home = tempfile::tempdir().expect("a home for the program");
    let log = home.path().join("frames.csv");
    let folder = home.path().join("mondegreen");
    std::fs::create_dir_all(&folder).expect("the folder for the settings");
    let settings = r#"{"settings": "(attack: (attack: \"fgsm\"), panes: (true, true, true))"}"#;
    std::fs::write(folder.join("app.ron"), settings).expect("the settings are written");
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/clips/glockenspiel.flac");
    let environment: [(&str, &OsStr); 1] = [("MONDEGREEN_FRAME_LOG", log.as_os_str())];

    for round in ["cold or warm disk", "warm disk"] {
        let window = Window::open_unwatched([1280, 800], &[], &environment, &home);
        println!("first frame ({round}): {:.2} s", window.first_frame.as_secs_f64());
    }

    let window = Window::open_unwatched([1280, 800], &[clip.as_os_str()], &environment, &home);
    // All models are loaded, and have named the clip.
    std::thread::sleep(Duration::from_secs(15));
    window.key("Escape");
    std::thread::sleep(Duration::from_secs(2));
    let moment = |frame: &Frame| frame[0].unwrap_or(f64::NAN);
    std::thread::sleep(Duration::from_secs(REST));
    window.key("Escape");
    std::thread::sleep(Duration::from_millis(1500));
    window.key("Escape");
    std::thread::sleep(Duration::from_millis(1500));
    let (_, drawn) = frames(&log);
    // The longest gap is the rest, if it rested.
    let gaps = drawn.windows(2).map(|pair| moment(&pair[1]) - moment(&pair[0]));
    println!(
        "left alone for {REST} s: longest time without a frame {:.1} s",
        gaps.fold(0.0, f64::max)
    );

    println!("attacks   memory, MiB");
    println!("{:7} {:13.0}", 0, resident(window.process()));
    for attack in 1..=ATTACKS {
        let (names, before) = frames(&log);
        let attacking = names.iter().position(|name| name == "attacking").expect("the column");
        let begun = before.len();
        window.key("ctrl+Return");
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let (_, now) = frames(&log);
            if now.iter().skip(begun).any(|frame| frame[attacking] == Some(1.0)) {
                break;
            }
            // Lines reach the file with a later frame.
            window.key("Escape");
        }
        wait_for_frame("the attack's end", &log, |column| {
            window.key("Escape");
            column("attacking") == 0.0
        });
        if attack % EACH == 0 {
            println!("{attack:7} {:13.0}", resident(window.process()));
        }
    }
}
