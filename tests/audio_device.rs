//! What really leaves through cpal, without a sound card: ALSA's `file` plugin writes it to a pipe.
//!
//! ALSA reads its configuration once a process, from the environment: each test runs itself again
//! as a child with its own.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use mondegreen::audio::player::{FADE_SECONDS, Player, Side};
use mondegreen::audio::{Clip, Direction, devices, resample};
use mondegreen::listening::{
    Action, Answer, Environment, HEADROOM, Log, Protocol, Session, Slot, Stimulus, TestFile,
};

/// Set in the child: the pipe to read.
const PIPE: &str = "MONDEGREEN_TEST_PIPE";

/// Runs the test `name` again under an ALSA whose only card is `slave`, and waits for it.
fn run_child(name: &str, slave: &str, options: &str) {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("capture");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let configuration = include_str!("alsa/asound.conf")
        .replace("@CAPTURE@", pipe.to_str().unwrap())
        .replace("@SLAVE@", slave)
        .replace("@SLAVE_OPTIONS@", options);
    run_child_with(name, folder.path(), &configuration);
}

fn run_child_with(name: &str, folder: &Path, configuration: &str) {
    let path = folder.join("asound.conf");
    std::fs::write(&path, configuration).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("ALSA_CONFIG_PATH", &path)
        .env(PIPE, folder.join("capture"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the child failed: {status}");
            return;
        }
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("the child hangs");
        }
        sleep(Duration::from_millis(20));
    }
}

/// The reading end of the pipe; opened for writing too, so that opening never waits and the end
/// never comes.
fn pipe() -> Option<File> {
    let path = std::env::var_os(PIPE)?;
    Some(File::options().read(true).write(true).open(path).unwrap())
}

/// Reads `frames` frames of two samples of four bytes, and returns one channel of two equal ones.
fn read(pipe: &mut File, frames: usize, decode: fn([u8; 4]) -> f32) -> Vec<f32> {
    let mut bytes = vec![0; frames * 8];
    pipe.read_exact(&mut bytes).unwrap();
    let sample = |bytes: &[u8]| decode(bytes.try_into().unwrap());
    let frames = bytes.chunks_exact(8);
    let (left, right): (Vec<f32>, Vec<f32>) =
        frames.map(|frame| (sample(&frame[..4]), sample(&frame[4..]))).unzip();
    assert_eq!(left, right, "both channels are alike");
    left
}

/// Reads until sound begins (the device runs before the clip has been resampled), and returns what
/// was read from there on.
fn read_start(pipe: &mut File, decode: fn([u8; 4]) -> f32) -> Vec<f32> {
    for _ in 0..20_000 {
        let heard = read(pipe, 480, decode);
        if let Some(start) = heard.iter().position(|sample| *sample != 0.0) {
            return heard[start..].to_vec();
        }
        sleep(Duration::from_millis(1));
    }
    panic!("nothing is played");
}

/// The rate that cpal chooses where everything goes.
const RATE: u32 = 48_000;
const FADE: usize = (FADE_SECONDS * RATE as f64) as usize;

fn share(k: usize) -> f32 {
    ((k + 1) as f32 / FADE as f32).min(1.0)
}

fn tone(hz: f64, amplitude: f64, frames: usize) -> Arc<[f32]> {
    let step = std::f64::consts::TAU * hz / 32_000.0;
    (0..frames).map(|i| (amplitude * (i as f64 * step + 0.5).sin()) as f32).collect()
}

/// Original, adversarial and difference as they should leave at the device's rate.
struct Sides {
    original: Arc<[f32]>,
    adversarial: Arc<[f32]>,
    at_device: [Vec<f32>; 3],
}

fn sides(frames: usize) -> Sides {
    let (original, adversarial) = (tone(311.0, 0.5, frames), tone(419.0, 0.45, frames));
    let difference: Vec<f32> =
        adversarial.iter().zip(original.iter()).map(|(a, o)| a - o).collect();
    let at_device =
        [&*original, &*adversarial, &difference].map(|side| resample(side, 32_000, RATE).unwrap());
    Sides { original, adversarial, at_device }
}

fn assert_same(actual: &[f32], expected: impl Iterator<Item = f32>, tolerance: f32, what: &str) {
    let mut count = 0;
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).abs() <= tolerance, "{what}: sample {i} is {a}, not {e}");
        count += 1;
    }
    assert_eq!(count, actual.len(), "{what}: the expected sound is shorter");
}

/// Where `heard` first leaves `expected`.
fn departure(heard: &[f32], expected: &[f32]) -> usize {
    let pairs = heard.iter().zip(expected);
    pairs.into_iter().position(|(h, e)| (h - e).abs() > 1e-4).expect("it never switches")
}

/// Plays, switches through all sides while playing, and listens to the end.
fn play_and_switch(pipe: &mut File, decode: fn([u8; 4]) -> f32, tolerance: f32) {
    let sides = sides(128_000);
    let mut player = Player::new();
    player.set_clip(sides.original.clone(), Some(sides.adversarial.clone()));
    player.set_gain_db(-6.0);
    let gain = 10.0_f32.powf(-0.3);
    let level = sides
        .at_device
        .each_ref()
        .map(|side| side.iter().map(|sample| sample * gain).collect::<Vec<f32>>());
    player.play();
    let mut heard = read_start(pipe, decode);
    for side in [Side::Adversarial, Side::Difference, Side::Original] {
        heard.extend(read(pipe, 40_000, decode));
        player.set_side(side);
    }
    while heard.len() < 300_000 {
        heard.extend(read(pipe, 40_000, decode));
    }
    assert_eq!(player.notice(), None);
    assert!(player.state().device.is_some());

    let frames = level[0].len();
    assert_eq!(frames, 192_000);
    assert_same(&heard[..FADE], (0..FADE).map(|k| level[0][k] * share(k)), tolerance, "fade-in");
    let (mut from, mut at) = (0, FADE);
    for to in [1, 2, 0] {
        let switch = at + departure(&heard[at..], &level[from][at..]);
        // The first steps of the crossfade may be too small to be told apart.
        let faded = |begin: usize, k: usize| {
            let i = begin + k;
            level[from][i] * (1.0 - share(k)) + level[to][i] * share(k)
        };
        let fits = |begin: &usize| {
            (0..FADE).all(|k| (heard[begin + k] - faded(*begin, k)).abs() <= tolerance)
        };
        let begin = (switch.saturating_sub(8)..=switch).find(fits);
        let begin = begin.expect("the crossfade is not the linear one of 5 ms");
        assert_same(&heard[at..begin], level[from][at..begin].iter().copied(), tolerance, "side");
        (from, at) = (to, begin + FADE);
        println!("switched at {:.3} s", begin as f64 / f64::from(RATE));
    }
    let end = frames - FADE;
    assert_same(&heard[at..end], level[0][at..end].iter().copied(), tolerance, "last side");
    let out = (0..FADE).map(|k| level[0][end + k] * (1.0 - share(k)));
    assert_same(&heard[end..frames], out, tolerance, "fade-out");
    let after = heard[frames..].iter().enumerate().find(|(_, sample)| **sample != 0.0);
    assert_eq!(after, None, "silence after the end");
    let state = player.state();
    assert_eq!((state.playing, state.position_seconds), (false, 0.0));
}

#[test]
fn float_output_is_what_the_mixer_made() {
    const NAME: &str = "float_output_is_what_the_mixer_made";
    let Some(mut pipe) = pipe() else { return run_child(NAME, "null", "") };
    play_and_switch(&mut pipe, f32::from_le_bytes, 1e-6);
}

#[test]
fn integer_output_is_what_the_mixer_made() {
    const NAME: &str = "integer_output_is_what_the_mixer_made";
    // The `linear` plugin takes integers only; cpal then chooses 32 bits.
    let Some(mut pipe) = pipe() else {
        return run_child(NAME, "linear", "slave { pcm { type null } format S32_LE }");
    };
    play_and_switch(&mut pipe, |bytes| i32::from_le_bytes(bytes) as f32 / 2.0_f32.powi(31), 1e-6);
}

#[test]
fn a_loop_has_no_gap_and_no_click() {
    let Some(mut pipe) = pipe() else {
        return run_child("a_loop_has_no_gap_and_no_click", "null", "");
    };
    let sides = sides(32_000);
    let mut player = Player::new();
    player.set_clip(sides.original.clone(), Some(sides.adversarial.clone()));
    player.set_side(Side::Adversarial);
    player.set_looping(true);
    player.set_loop(Some((0.2, 0.6)));
    player.seek(0.2);
    player.play();
    let mut heard = read_start(&mut pipe, f32::from_le_bytes);
    heard.extend(read(&mut pipe, 200_000, f32::from_le_bytes));
    let side = &sides.at_device[1];
    let (first, last) = (9_600, 28_800);
    let period = last - first - FADE;
    let expected = |i: usize| {
        let (round, at) = (i / period, first + i % period);
        if round == 0 && i < FADE {
            return side[at] * share(i);
        }
        if round > 0 && i % period < FADE {
            let k = i % period;
            return side[last - FADE + k] * (1.0 - share(k)) + side[at] * share(k);
        }
        side[at]
    };
    assert!(heard.len() > 7 * period);
    assert_same(&heard, (0..heard.len()).map(expected), 1e-6, "loop");
    assert!(player.state().playing);
}

#[test]
fn a_clip_exchanged_while_playing_goes_on_in_place_and_is_freed() {
    const NAME: &str = "a_clip_exchanged_while_playing_goes_on_in_place_and_is_freed";
    let Some(mut pipe) = pipe() else { return run_child(NAME, "null", "") };
    const FRAMES: usize = 256_000;
    let sides = sides(FRAMES);
    let mut player = Player::new();
    player.set_clip(sides.original.clone(), Some(sides.original.clone()));
    player.set_side(Side::Adversarial);
    player.play();
    let mut heard = read_start(&mut pipe, f32::from_le_bytes);
    let old = Arc::downgrade(&sides.original);
    player.set_clip(tone(1.0, 0.0, FRAMES), Some(sides.adversarial.clone()));
    drop(sides.original);
    // Slowly, for the new clip has to be resampled meanwhile.
    while heard.len() < 300_000 {
        heard.extend(read(&mut pipe, 4_800, f32::from_le_bytes));
        sleep(Duration::from_millis(10));
    }
    let [before, after, _] = &sides.at_device;
    let switch = FADE + departure(&heard[FADE..], &before[FADE..]);
    let fits = |begin: &usize| {
        (0..FADE).all(|k| {
            let i = begin + k;
            let expected = before[i] * (1.0 - share(k)) + after[i] * share(k);
            (heard[i] - expected).abs() <= 1e-6
        })
    };
    let begin = (switch.saturating_sub(8)..=switch).find(fits).expect("no crossfade in place");
    let rest = after[begin + FADE..heard.len()].iter().copied();
    assert_same(&heard[begin + FADE..], rest, 1e-6, "the new clip");
    let deadline = Instant::now() + Duration::from_secs(5);
    while old.strong_count() > 0 && Instant::now() < deadline {
        player.maintain();
        sleep(Duration::from_millis(5));
    }
    assert_eq!(old.strong_count(), 0, "the old clip is freed");
}

#[test]
fn the_chosen_device_plays_and_one_that_is_gone_is_stood_in_for() {
    const NAME: &str = "the_chosen_device_plays_and_one_that_is_gone_is_stood_in_for";
    let folder = std::env::var_os(PIPE).map(std::path::PathBuf::from);
    let Some(capture) = folder else {
        let folder = tempfile::tempdir().unwrap();
        let card = |name: &str, pipe: &str, description: &str| {
            let path = folder.path().join(pipe);
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            let hint = match description {
                "" => String::new(),
                words => format!("hint {{ show on description \"{words}\" }}"),
            };
            let path = path.display();
            format!(
                "pcm.{name} {{ type file slave.pcm {{ type null }} file \"{path}\" \
                 format \"raw\" {hint} }}\n"
            )
        };
        let configuration = card("!default", "capture", "")
            + &card("headphones", "headphones", "Headphones")
            + &card("beamer", "beamer", "The beamer's loudspeakers");
        return run_child_with(NAME, folder.path(), &configuration);
    };
    let open = |name: &str| {
        let path = capture.with_file_name(name);
        File::options().read(true).write(true).open(path).unwrap()
    };
    let (mut default, mut headphones) = (open("capture"), open("headphones"));
    let listed = devices(Direction::Output).unwrap();
    let names: Vec<&str> = listed.iter().map(|device| device.name.as_str()).collect();
    assert!(names.contains(&"Headphones"), "{names:?}");
    assert!(names.contains(&"The beamer's loudspeakers"), "{names:?}");
    let chosen = listed.iter().find(|device| device.name == "Headphones").cloned().unwrap();

    let sides = sides(128_000);
    let mut player = Player::new();
    player.set_device(Some(chosen.clone()));
    player.set_clip(sides.original.clone(), None);
    player.set_looping(true);
    player.play();
    let heard = read_start(&mut headphones, f32::from_le_bytes);
    assert!(heard.iter().any(|sample| sample.abs() > 0.01));
    assert_eq!(player.state().device.as_deref(), Some("Headphones"));
    assert_eq!(player.notice(), None);

    // The other one goes on where this one was.
    let before = player.state().position_seconds;
    player.set_device(None);
    let drained = std::thread::spawn(move || {
        // What is still in the pipe, so that the device can be closed.
        std::io::copy(&mut headphones, &mut std::io::sink()).ok();
    });
    read_start(&mut default, f32::from_le_bytes);
    assert!(player.state().playing);
    assert!(player.state().position_seconds >= before);
    drop(drained);

    let mut gone = chosen;
    (gone.id, gone.name) = ("usb".to_owned(), "A card that was pulled out".to_owned());
    let drained = std::thread::spawn(move || {
        std::io::copy(&mut default, &mut std::io::sink()).ok();
    });
    player.set_device(Some(gone));
    let deadline = Instant::now() + Duration::from_secs(20);
    while player.notice().is_none() && Instant::now() < deadline {
        player.maintain();
        sleep(Duration::from_millis(5));
    }
    let notice = player.notice().expect("it is told");
    assert!(notice.contains("A card that was pulled out") && notice.contains("not there"));
    assert!(player.state().device.is_some(), "the default plays");
    drop(drained);
}

#[test]
fn without_a_device_everything_but_the_sound_works() {
    const NAME: &str = "without_a_device_everything_but_the_sound_works";
    if std::env::var_os(PIPE).is_none() {
        let folder = tempfile::tempdir().unwrap();
        return run_child_with(NAME, folder.path(), "# no devices at all\n");
    }
    let mut player = Player::new();
    assert_eq!(player.notice(), None, "nothing was tried yet");
    player.play();
    assert!(!player.state().playing, "nothing to play");
    player.set_clip(tone(300.0, 0.5, 32_000), Some(tone(300.0, 0.4, 32_000)));
    player.seek(0.5);
    for _ in 0..2 {
        player.play();
        let deadline = Instant::now() + Duration::from_secs(10);
        while (player.notice().is_none() || player.state().playing) && Instant::now() < deadline {
            player.maintain();
            sleep(Duration::from_millis(5));
        }
        let notice = player.notice().expect("a notice");
        assert!(notice.starts_with("No sound output: "), "{notice}");
        let state = player.state();
        assert!(!state.playing);
        assert_eq!((state.position_seconds, state.device), (0.5, None));
    }
    player.set_side(Side::Difference);
    player.set_looping(true);
    player.set_loop(Some((0.1, 0.9)));
    player.set_difference_gain_db(40.0);
    player.seek(7.0);
    let state = player.state();
    assert_eq!((state.side, state.looping), (Side::Difference, true));
    assert_eq!(state.loop_region, Some((0.1, 0.9)));
    assert_eq!((state.position_seconds, state.duration_seconds), (1.0, 1.0));
    player.set_clip(tone(300.0, 0.5, 32_000), None);
    assert_eq!(player.state().side, Side::Original, "no adversarial any more");
    assert_eq!(player.state().position_seconds, 1.0, "as long as before: the position stays");
    player.set_clip(tone(300.0, 0.5, 64_000), None);
    let state = player.state();
    assert_eq!((state.position_seconds, state.duration_seconds), (0.0, 2.0));
    assert_eq!(state.loop_region, None);
    player.clear();
    assert_eq!(player.state().duration_seconds, 0.0);
}

/// What is heard of a letter from the start on, after silence.
fn hear(pipe: &mut File, player: &Player, side: Side, frames: usize) -> Vec<f32> {
    player.pause();
    // What is still in the pipe, and the fade-out.
    while read(pipe, 4_800, f32::from_le_bytes).iter().any(|sample| *sample != 0.0) {}
    player.seek(0.0);
    player.set_side(side);
    player.play();
    let mut heard = read_start(pipe, f32::from_le_bytes);
    heard.extend(read(pipe, frames, f32::from_le_bytes));
    player.pause();
    heard.truncate(frames);
    heard
}

#[test]
fn the_letters_of_a_blind_trial_differ_in_nothing_but_the_perturbation() {
    const NAME: &str = "the_letters_of_a_blind_trial_differ_in_nothing_but_the_perturbation";
    let Some(mut pipe) = pipe() else { return run_child(NAME, "null", "") };
    // Loud, so that all goes through the common gain.
    let original = tone(311.0, 0.9, 32_000);
    let changed: Arc<[f32]> =
        original.iter().zip(&*tone(1733.0, 0.004, 32_000)).map(|(x, r)| x + r).collect();
    let clips = [&original, &changed].map(|samples| Clip::from_samples("x", samples.clone()));
    let pair = Stimulus::from_clips("x", &clips[0], &clips[1]).unwrap();
    let mut test = TestFile::new("x", Protocol::Abx);
    (test.trials, test.practice) = (Some(6), 0);
    let stimuli = test.prepare(vec![pair]).unwrap();
    let gain = stimuli.gain;
    assert!((gain - HEADROOM / 0.9).abs() < 0.01);
    let mut session = Session::start(test, stimuli, "P", 4, Log::Nowhere, 0).unwrap();
    session.act(Action::Volume(0.0, Environment::default()), 0).unwrap();
    session.act(Action::Next, 0).unwrap();

    let at_device = |samples: &[f32]| resample(samples, 32_000, RATE).unwrap();
    let clean: Vec<f32> = at_device(&original.iter().map(|x| x * gain).collect::<Vec<_>>());
    let dirty: Vec<f32> = at_device(&changed.iter().map(|x| x * gain).collect::<Vec<_>>());
    let mut player = Player::new();
    player.set_clip(original.clone(), None);
    player.play();
    read_start(&mut pipe, f32::from_le_bytes);
    let mut x_was = [0; 2];
    for _ in 0..6 {
        let sounds = session.sounds().unwrap();
        let [a, b] = sounds.sounds.clone();
        player.pause();
        // As the window does: what was heard before is silent at once.
        player.clear();
        player.maintain();
        player.set_clip(a, Some(b));
        let side = |slot| {
            let (_, index) = sounds.slots.iter().find(|(other, _)| *other == slot).unwrap();
            if *index == 0 { Side::Original } else { Side::Adversarial }
        };
        let [a, b, x] =
            [Slot::A, Slot::B, Slot::X].map(|slot| hear(&mut pipe, &player, side(slot), 20_000));
        // Bit for bit.
        let same = [x == a, x == b];
        assert!(same[0] != same[1], "X is one of both and not the other");
        let choice = u8::from(same[1]);
        x_was[usize::from(choice)] += 1;
        // One letter is the original to the last step of 5 ms, the other the changed one.
        let (first, second) = if a[FADE + 9] == clean[FADE + 9] { (&a, &b) } else { (&b, &a) };
        let faded = |side: &[f32]| -> Vec<f32> {
            side.iter().enumerate().take(20_000).map(|(k, x)| x * share(k)).collect()
        };
        assert_same(first, faded(&clean).into_iter(), 1e-6, "the original");
        assert_same(second, faded(&dirty).into_iter(), 1e-6, "the changed one");
        let answer = Action::Answer { answer: Answer::Choice(choice), seconds: 1.0, switches: 2 };
        session.act(answer, 0).unwrap();
        assert_eq!(session.last_right(), Some(true), "ears that hear everything are right");
    }
    assert_eq!(x_was, [3, 3], "balanced");
    assert!(session.is_over());
    assert_eq!(player.notice(), None);
}
