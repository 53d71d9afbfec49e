//! Recording through cpal, without a microphone: ALSA's `file` plugin reads it from a pipe, at the
//! pace of whoever fills that.
//!
//! ALSA reads its configuration once a process, from the environment: each test runs itself again
//! as a child with its own.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use mondegreen::audio::recorder::{Phase, Recorder, RecorderState, capture};
use mondegreen::audio::{Direction, SoundDevice, devices, load};

/// Aborts the test binary when anything allocates or frees inside `assert_no_alloc`.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Set in the child: its folder.
const FOLDER: &str = "MONDEGREEN_TEST_FOLDER";

/// The rate that cpal chooses where everything goes, with two channels.
const RATE: usize = 48_000;

/// What it takes at a time, in frames. ALSA's plugin makes up what a shorter piece lacks.
const PERIOD: usize = 960;

/// Runs the test `name` again under an ALSA with this configuration; the child gets its folder.
fn child(name: &str, configuration: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Some(folder.into());
    }
    let folder = tempfile::tempdir().unwrap();
    for pipe in ["room", "stage"] {
        let made = Command::new("mkfifo").arg(folder.path().join(pipe)).status().unwrap();
        assert!(made.success());
    }
    let path = folder.path().join("asound.conf");
    let text = configuration.replace("@FOLDER@", folder.path().to_str().unwrap());
    std::fs::write(&path, text).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("ALSA_CONFIG_PATH", &path)
        .env(FOLDER, folder.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the child failed: {status}");
            return None;
        }
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("the child hangs");
        }
        sleep(Duration::from_millis(20));
    }
}

/// Two microphones, each a pipe: the default one, and one with a name.
const MICROPHONES: &str = r#"
pcm.!default {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "@FOLDER@/room"
    format "raw"
}
pcm.stage {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "@FOLDER@/stage"
    format "raw"
    hint { show on description "On the stage" }
}
"#;

/// Sound that comes in at the pace of the clock until it is dropped: a tone on both channels.
struct Source {
    stop: Arc<AtomicBool>,
}

impl Source {
    fn new(pipe: &Path, hz: f64, amplitude: f64) -> Self {
        // Open for reading too, so that opening never waits.
        let mut pipe = File::options().read(true).write(true).open(pipe).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let ends = stop.clone();
        std::thread::spawn(move || {
            let step = std::f64::consts::TAU * hz / RATE as f64;
            let mut frame = 0_u64;
            let start = Instant::now();
            loop {
                // After the end silence, so that a device that is being closed is not held up.
                let level = if ends.load(Ordering::SeqCst) { 0.0 } else { amplitude };
                let mut bytes = Vec::with_capacity(PERIOD * 8);
                for _ in 0..PERIOD {
                    let sample = (level * (frame as f64 * step).sin()) as f32;
                    bytes.extend_from_slice(&sample.to_le_bytes());
                    bytes.extend_from_slice(&sample.to_le_bytes());
                    frame += 1;
                }
                pipe.write_all(&bytes).unwrap();
                let due = start + Duration::from_secs_f64(frame as f64 / RATE as f64);
                sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        Self { stop }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn until(recorder: &Recorder, what: &str, done: impl Fn(&RecorderState) -> bool) -> RecorderState {
    let start = Instant::now();
    loop {
        let state = recorder.state();
        if done(&state) {
            return state;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {what}: {state:?}");
        sleep(Duration::from_millis(5));
    }
}

/// The frequency of the strongest of some tones.
fn strongest(samples: &[f32], tones: &[f64]) -> f64 {
    let power = |hz: f64| {
        let step = std::f64::consts::TAU * hz / 32_000.0;
        let (sin, cos) = samples.iter().enumerate().fold((0.0, 0.0), |(s, c), (i, x)| {
            let (sin, cos) = (i as f64 * step).sin_cos();
            (s + f64::from(*x) * sin, c + f64::from(*x) * cos)
        });
        sin * sin + cos * cos
    };
    tones.iter().copied().max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap()
}

#[test]
fn what_the_microphone_hears_is_metered_recorded_and_kept() {
    const NAME: &str = "what_the_microphone_hears_is_metered_recorded_and_kept";
    let Some(folder) = child(NAME, MICROPHONES) else { return };
    let _source = Source::new(&folder.join("room"), 440.0, 0.25);
    let recorder = Recorder::open(None, Some(folder.join("recordings")), || {});
    let state = until(&recorder, "a level", |state| state.level_dbfs > -20.0);
    assert_eq!(state.phase, Phase::Ready);
    assert!((state.level_dbfs + 12.04).abs() < 1.0, "{}", state.level_dbfs);
    recorder.start(Duration::ZERO);
    until(&recorder, "half a second", |state| state.seconds >= 0.5);
    recorder.stop();
    let state = until(&recorder, "the end", |state| state.phase == Phase::Over);
    assert_eq!(state.failure, None);
    let recording = recorder.take().expect("a recording");
    assert!(recorder.take().is_none(), "once");
    assert!(recording.notes.is_empty(), "{:?}", recording.notes);
    let clip = recording.clip;
    assert!((0.5..2.0).contains(&clip.seconds()), "{}", clip.seconds());
    assert_eq!((clip.source_rate, clip.source_channels), (RATE as u32, 2));
    let peak = clip.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!((peak - 0.25).abs() < 0.01, "{peak}");
    assert_eq!(strongest(&clip.samples, &[220.0, 440.0, 880.0]), 440.0);
    let kept = load(clip.path.as_deref().expect("a file"), 60.0).expect("it opens");
    assert_eq!((&*kept.name, &kept.samples), ("Recording 1", &clip.samples));
}

#[test]
fn another_microphone_is_chosen_by_name_and_a_missing_one_is_stood_in_for() {
    const NAME: &str = "another_microphone_is_chosen_by_name_and_a_missing_one_is_stood_in_for";
    let Some(folder) = child(NAME, MICROPHONES) else { return };
    let _room = Source::new(&folder.join("room"), 440.0, 0.25);
    let _stage = Source::new(&folder.join("stage"), 1_000.0, 0.25);
    let listed = devices(Direction::Input).unwrap();
    let stage = listed.iter().find(|device| device.name == "On the stage").cloned();
    let gone = SoundDevice { id: "usb".to_owned(), name: "A headset".to_owned() };
    for (chosen, hz, missing) in
        [(stage.expect("it is listed"), 1_000.0, None), (gone, 440.0, Some("A headset"))]
    {
        let recorder = Recorder::open(Some(chosen), Some(folder.clone()), || {});
        let state = until(&recorder, "it is open", |state| state.phase == Phase::Ready);
        assert_eq!(state.missing.as_deref(), missing);
        recorder.start(Duration::from_millis(100));
        until(&recorder, "some sound", |s| s.phase == Phase::Recording && s.seconds >= 0.3);
        recorder.stop();
        until(&recorder, "the end", |state| state.phase == Phase::Over);
        let clip = recorder.take().expect("a recording").clip;
        assert_eq!(strongest(&clip.samples, &[440.0, 1_000.0]), hz);
    }
}

#[test]
fn a_muted_microphone_is_told_and_nothing_is_kept() {
    const NAME: &str = "a_muted_microphone_is_told_and_nothing_is_kept";
    let Some(folder) = child(NAME, MICROPHONES) else { return };
    let _source = Source::new(&folder.join("room"), 440.0, 0.0);
    let kept = folder.join("recordings");
    let recorder = Recorder::open(None, Some(kept.clone()), || {});
    until(&recorder, "it is open", |state| state.phase == Phase::Ready);
    recorder.start(Duration::ZERO);
    until(&recorder, "some silence", |state| state.seconds >= 0.3);
    recorder.stop();
    let state = until(&recorder, "the end", |state| state.phase == Phase::Over);
    let failure = state.failure.expect("a reason");
    assert!(failure.contains("silence") && failure.contains("muted"), "{failure}");
    assert!(recorder.take().is_none() && !kept.exists());
}

#[test]
fn without_a_microphone_it_says_so() {
    const NAME: &str = "without_a_microphone_it_says_so";
    let Some(folder) = child(NAME, "# no devices at all\n") else { return };
    let recorder = Recorder::open(None, Some(folder), || {});
    let state = until(&recorder, "a failure", |state| state.phase == Phase::Over);
    let failure = state.failure.expect("a reason");
    assert!(failure.starts_with("No microphone: "), "{failure}");
    recorder.start(Duration::ZERO);
    recorder.stop();
    assert!(recorder.take().is_none());
}

#[test]
fn a_device_that_only_plays_gives_a_reason() {
    const NAME: &str = "a_device_that_only_plays_gives_a_reason";
    let configuration = "pcm.!default { type hw card 99 }\n";
    let Some(folder) = child(NAME, configuration) else { return };
    let recorder = Recorder::open(None, Some(folder), || {});
    let state = until(&recorder, "a failure", |state| state.phase == Phase::Over);
    assert!(state.failure.expect("a reason").starts_with("No microphone: "));
}

#[test]
fn the_callback_neither_allocates_nor_frees() {
    let (mut capture, mut captured) = capture(4_800, 2);
    let sound: Vec<f32> = (0..960).map(|i| (i as f32 * 0.01).sin()).collect();
    let integers: Vec<i16> = (0..960).map(|i| (i * 30) as i16).collect();
    let mut samples = Vec::with_capacity(480 * 40);
    for round in 0..20 {
        assert_no_alloc(|| {
            capture.take(&sound);
            capture.take(&integers);
        });
        // Now and then nobody empties the queue, until it is full.
        if round % 7 != 0 {
            captured.drain(&mut samples);
        }
    }
    assert!(samples.len() > 480 * 10);
}
