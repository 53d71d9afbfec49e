//! Training and evaluation as people run them: on small data sets made here, with the program.

use std::f32::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mondegreen::audio::write_wav_f32;
use mondegreen::training::{DataSet, Part, UNVERIFIED_WEIGHT};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// Half a second of a tone of any pitch or of noise.
fn sound(noise: bool, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let hertz: f32 = random.random_range(300.0..3000.0);
    let sample = |i: usize| if noise { 0.0 } else { (TAU * hertz * i as f32 / 32_000.0).sin() };
    (0..16_000)
        .map(|i| 0.3 * sample(i) + random.random_range(-1.0..1.0) * if noise { 0.3 } else { 1e-3 })
        .collect()
}

fn write(path: &Path, noise: bool, seed: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_wav_f32(path, &sound(noise, seed)).unwrap();
}

/// Twelve recordings to learn from and eight to test, as one folder a label.
fn tones_and_noises(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    for (part, count, first) in [("train", 6, 0), ("test", 4, 100)] {
        for index in 0..count {
            let name = format!("{index}.wav");
            write(&data.join(part).join("Noise").join(&name), true, first + index);
            write(&data.join(part).join("Tone").join(&name), false, first + index);
        }
    }
    data
}

fn mondegreen(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mondegreen"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn done(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn train(data: &Path, out: &Path, cache: &Path, more: &[&str]) -> Command {
    let mut command = mondegreen(&["train", "--model", "vgg13", "--batch", "4", "--crop", "0.25"]);
    command.args(["--full-from", "1", "--threads", "2", "--averaging", "0.5", "--json"]);
    command.arg("--data").arg(data).arg("--out").arg(out).arg("--cache").arg(cache).args(more);
    command
}

#[test]
fn a_network_learns_to_tell_tones_from_noise_and_is_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (tones_and_noises(folder.path()), folder.path().join("own.safetensors"));
    let more = ["--epochs", "30", "--validation", "0.34", "--learning-rate", "3e-4"];
    let output = train(&data, &out, folder.path(), &more).output().unwrap();
    let summary: Value = serde_json::from_str(&done(&output)).unwrap();
    assert!(summary["test_accuracy"].as_f64().unwrap() >= 0.875, "{summary}");
    // Validation after each epoch is in the log, and its picture is beside it.
    let log = fs::read_to_string(out.with_extension("training.csv")).unwrap();
    assert_eq!(log.lines().count(), 31);
    assert!(log.lines().skip(1).all(|line| line.split(',').all(|cell| !cell.is_empty())), "{log}");
    assert!(image::open(out.with_extension("training.png")).is_ok());

    let report = folder.path().join("report");
    let mut evaluate = mondegreen(&["evaluate", "--json", "--model"]);
    evaluate.arg(&out).arg(&data).arg("--out").arg(&report);
    let evaluation: Value = serde_json::from_str(&done(&evaluate.output().unwrap())).unwrap();
    assert_eq!(evaluation["accuracy"], summary["test_accuracy"]);
    assert_eq!(evaluation["clips"], 8);
    assert!(evaluation["recall"]["Tone"].as_f64().unwrap() >= 0.5, "{evaluation}");
    let table = fs::read_to_string(report.join("own-confusion.csv")).unwrap();
    let rows: Vec<_> = table.lines().collect();
    assert_eq!((rows[0], rows.len()), ("true label,Noise,Tone", 3));
    let clips: usize = rows[1..]
        .iter()
        .flat_map(|row| row.split(',').skip(1).map(|cell| cell.parse::<usize>().unwrap()))
        .sum();
    assert_eq!(clips, 8);
    for picture in ["own-confusion.png", "own-calibration.png"] {
        assert!(image::open(report.join(picture)).is_ok(), "{picture}");
    }

    // A model that never heard of these labels.
    let mut other = mondegreen(&["evaluate", "--model", "vgg13"]);
    let output = other.arg(&data).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("Noise"), "{message}");
}

#[test]
fn a_killed_run_ends_as_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = tones_and_noises(folder.path());
    let watched = ["--validation", "0.34", "--patience", "1", "--checkpoint-minutes", "0.0001"];
    let more = [&["--epochs", "5"], &watched[..]].concat();
    let whole = folder.path().join("whole.safetensors");
    done(&train(&data, &whole, folder.path(), &more).output().unwrap());

    let torn = folder.path().join("torn.safetensors");
    let mut run = train(&data, &torn, folder.path(), &more).spawn().unwrap();
    let checkpoint = torn.with_extension("checkpoint");
    let started = Instant::now();
    while !checkpoint.exists() {
        assert!(started.elapsed() < Duration::from_secs(300), "there is no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(!torn.exists(), "it was over before it was killed");
    let output = train(&data, &torn, folder.path(), &more).output().unwrap();
    done(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("goes on after step"));
    let expected = fs::read(&whole).unwrap();
    assert!(fs::read(&torn).unwrap() == expected, "the weights differ");
    // A run that is over gives the same again, the best epoch's weights, and trains no further.
    fs::remove_file(&torn).unwrap();
    done(&train(&data, &torn, folder.path(), &more).output().unwrap());
    assert!(fs::read(&torn).unwrap() == expected, "the weights differ once it is over");

    // Other settings are no continuation.
    let other = [&["--epochs", "6"], &watched[..]].concat();
    let output = train(&data, &torn, folder.path(), &other).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("epochs") && message.contains("--fresh"), "{message}");
    // Nor is half a checkpoint one.
    let bytes = fs::read(&checkpoint).unwrap();
    fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    let output = train(&data, &torn, folder.path(), &more).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("torn.checkpoint") && message.contains("--fresh"), "{message}");
}

#[test]
fn data_sets_are_read_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let at = |name: &str| root.join(name);
    // One folder a label, without a split.
    write(&at("plain/Bark/a.wav"), true, 0);
    write(&at("plain/Meow/b.wav"), false, 1);
    let plain = DataSet::open(&at("plain")).unwrap();
    assert_eq!(plain.labels.iter().collect::<Vec<_>>(), ["Bark", "Meow"]);
    assert!(plain.recordings.iter().all(|r| r.part == Part::Train && r.verified));

    // A list with a split and groups; paths are relative to it.
    let list =
        "file,label,split,group\nplain/Meow/b.wav,Meow,train,g1\nplain/Bark/a.wav,Bark,test,\n";
    fs::write(at("list.csv"), list).unwrap();
    let listed = DataSet::open(&at("list.csv")).unwrap();
    assert_eq!(listed.recordings[0].group.as_deref(), Some("g1"));
    assert_eq!((listed.recordings[1].part, listed.recordings[1].label), (Part::Test, 0));

    // FSDKaggle2018 of Zenodo...
    write(&at("zenodo/FSDKaggle2018.audio_train/1.wav"), true, 0);
    write(&at("zenodo/FSDKaggle2018.audio_train/2.wav"), false, 0);
    write(&at("zenodo/FSDKaggle2018.audio_test/3.wav"), false, 0);
    fs::create_dir_all(at("zenodo/FSDKaggle2018.meta")).unwrap();
    let train = "fname,label,manually_verified,freesound_id,license\n\
                 1.wav,Bark,1,77,CC0\n2.wav,Meow,0,78,CC0\n";
    let test = "fname,label,usage,freesound_id,license\n3.wav,Meow,Private,79,CC0\n";
    fs::write(at("zenodo/FSDKaggle2018.meta/train_post_competition.csv"), train).unwrap();
    let scoring = "zenodo/FSDKaggle2018.meta/test_post_competition_scoring_clips.csv";
    fs::write(at(scoring), test).unwrap();
    let zenodo = DataSet::open(&at("zenodo")).unwrap();
    let weights: Vec<_> =
        zenodo.recordings.iter().map(mondegreen::training::Recording::weight).collect();
    assert_eq!(weights, [1.0, UNVERIFIED_WEIGHT, 1.0]);
    assert_eq!(zenodo.recordings[0].group.as_deref(), Some("77"));
    assert_eq!(zenodo.part(Part::Test).len(), 1);

    // ...and of Kaggle, whose test list has clips without a label.
    write(&at("kaggle/audio_train/1.wav"), true, 0);
    write(&at("kaggle/audio_train/2.wav"), false, 0);
    write(&at("kaggle/audio_test/3.wav"), false, 0);
    let train = "fname,label,manually_verified\n1.wav,Bark,1\n2.wav,Meow,0\n";
    fs::write(at("kaggle/train.csv"), train).unwrap();
    let test = "fname,label,usage\n3.wav,Meow,Public\n4.wav,None,Ignored\n";
    fs::write(at("kaggle/test_post_competition.csv"), test).unwrap();
    let kaggle = DataSet::open(&at("kaggle")).unwrap();
    assert_eq!((kaggle.part(Part::Train).len(), kaggle.part(Part::Test).len()), (2, 1));

    // A label may be called "train".
    write(&at("traffic/train/a.wav"), true, 0);
    write(&at("traffic/siren/b.wav"), false, 1);
    let traffic = DataSet::open(&at("traffic")).unwrap();
    assert_eq!(traffic.labels.iter().collect::<Vec<_>>(), ["siren", "train"]);

    // What is no data set says so, with what to do.
    let message = |path: &str| DataSet::open(&at(path)).unwrap_err().to_string();
    fs::create_dir_all(at("empty")).unwrap();
    assert!(message("empty").contains("one folder a label"), "{}", message("empty"));
    fs::write(at("gap.csv"), "file,label\nplain/Bark/a.wav,Bark\nnone.wav,Meow\n").unwrap();
    assert!(message("gap.csv").contains("none.wav"), "{}", message("gap.csv"));
    fs::write(at("odd.csv"), "file,label,split\nplain/Bark/a.wav,Bark,exam\n").unwrap();
    assert!(message("odd.csv").contains("line 2"), "{}", message("odd.csv"));
    fs::write(at("columns.csv"), "path,name\na,b\n").unwrap();
    assert!(message("columns.csv").contains("file"), "{}", message("columns.csv"));
    write(&at("alike/Bass_drum/a.wav"), true, 0);
    write(&at("alike/bass drum/b.wav"), false, 1);
    assert!(message("alike").contains("one label to people"), "{}", message("alike"));
    assert!(message("nowhere").contains("nowhere"), "{}", message("nowhere"));
}
