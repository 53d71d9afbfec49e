//! `attack --export` and `--wav-bits`: what is written says and holds what the run did.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;
use zip::ZipArchive;

use super::program::{fields, knock, run, samples, says};

/// An attack that takes a moment and random numbers, so that its seed matters.
const QUICK: [&str; 6] = ["--attack", "white-noise", "--snr", "30", "--seed", "7"];

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a JSON file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_folder_has_all_and_its_own_command_gives_the_same_samples_again() {
    let home = tempfile::tempdir().expect("a folder");
    let clip = knock(home.path());
    let all = home.path().join("all");
    let mut arguments = vec!["attack", text(&clip), "--json", "--transfer", "--threads", "1"];
    arguments.extend(QUICK);
    arguments.extend(["--export", text(&all)]);
    let said = run(&arguments).json();
    let endings = ["_adv.wav", "_nat.wav", "_steps.csv", ".json", ".png", ".svg"];
    for ending in endings {
        assert!(all.join(format!("knock{ending}")).is_file(), "{ending}");
    }
    let whole = json(&all.join("knock.json"));
    // The rule belongs to the call that was made; the file's own command names the label itself.
    // The models that were asked beside it say more in the file.
    for field in fields(&said).into_iter().filter(|field| *field != "target_rule") {
        assert!(whole.get(field).is_some(), "{field}");
        assert!(field == "transfer" || said[field] == whole[field], "{field}");
    }
    assert_eq!(whole["transfer"].as_array().map(Vec::len), Some(4));
    assert_eq!(whole["threads"], 1);
    assert_eq!(whole["model_details"]["weights_sha256"].as_str().map(str::len), Some(64));
    assert_eq!(whole["original_probabilities"].as_array().map(Vec::len), Some(41));
    assert_eq!(samples(&all.join("knock_nat.wav")), samples(&clip));

    // The command in the file, in the file's folder.
    let command = whole["command"].as_str().expect("a command");
    let mut words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..3], ["mondegreen", "attack", "knock_nat.wav"], "{command}");
    let (source, again) = (all.join("knock_nat.wav"), home.path().join("again.wav"));
    words[2] = text(&source);
    words.extend(["-o", text(&again)]);
    run(&words[1..]).done();
    assert_eq!(samples(&again), samples(&all.join("knock_adv.wav")));
}

#[test]
fn a_zip_with_fewer_bits_says_what_they_do_to_the_result() {
    let home = tempfile::tempdir().expect("a folder");
    let clip = knock(home.path());
    let archive = home.path().join("all.zip");
    let mut arguments = vec!["attack", text(&clip), "--wav-bits", "16"];
    arguments.extend(QUICK);
    arguments.extend(["--export", text(&archive)]);
    let run = run(&arguments);
    assert_eq!(run.status, 0, "{}", run.stderr);
    says(&run.stderr, &["VGG13", "16 bits"]);
    says(&run.stdout, &["written", "all.zip"]);
    let mut zip = ZipArchive::new(File::open(&archive).expect("the ZIP")).expect("a ZIP");
    let mut wav = Vec::new();
    zip.by_name("knock_adv.wav").expect("the sound").read_to_end(&mut wav).expect("a file");
    let spec = hound::WavReader::new(wav.as_slice()).expect("a WAV").spec();
    assert_eq!((spec.bits_per_sample, spec.sample_rate, spec.channels), (16, 32_000, 1));
    let mut told = String::new();
    zip.by_name("knock.json").expect("the JSON").read_to_string(&mut told).expect("text");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let note = told["wav_bits_note"].as_str().expect("a note");
    assert!(run.stderr.contains(note), "{} / {note}", run.stderr);
}

#[test]
fn json_says_what_a_file_of_fewer_bits_is_heard_as() {
    let home = tempfile::tempdir().expect("a folder");
    let clip = knock(home.path());
    let file = home.path().join("adv.wav");
    let mut arguments = vec!["attack", text(&clip), "--attack", "deepfool", "--json"];
    arguments.extend(["-o", text(&file), "--wav-bits", "16"]);
    let done = run(&arguments);
    assert_eq!(done.status, 0, "{}", done.stderr);
    says(&done.stderr, &["VGG13", "16 bits"]);
    let told: Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(told["status"], "fooled", "{told}");
    let named = run(&["classify", text(&file), "--json"]).json();
    let written = &told["written"];
    assert_eq!((&written["transform"], &written["label"]), (&"16-bit".into(), &named["label"]));
    let fools = named["label"] != told["original"]["label"];
    assert_eq!(written["status"] == "fooled", fools, "{written}");
    // Without rounding there is nothing to say.
    arguments.truncate(arguments.len() - 2);
    assert_eq!(run(&arguments).json()["written"], Value::Null);
}

#[test]
fn a_place_that_takes_nothing_is_refused_before_the_attack() {
    let home = tempfile::tempdir().expect("a folder");
    let clip = knock(home.path());
    let nowhere = home.path().join("missing").join("deep");
    let message = run(&["attack", text(&clip), "--export", text(&nowhere)]).message(1);
    says(&message, &["deep", "can't be written"]);
    let message = run(&["attack", text(&clip), "--wav-bits", "8"]).message(2);
    says(&message, &["--wav-bits", "32, 24 or 16"]);
    let message =
        run(&["attack", text(&clip), "-o", text(&nowhere), "--export", text(&nowhere)]).message(2);
    says(&message, &["given for two outputs"]);
}
