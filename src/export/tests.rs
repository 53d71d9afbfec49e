//! What is exported reads back, in a folder and in a ZIP, and says what it says.

use std::io::Cursor;
use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::attacks::{AttackId, AttackSpec, Goal, Outcome, Preset, Status, TracePoint};
use crate::audio::{Clip, WavDepth};
use crate::metrics::Metrics;
use crate::models::{Labels, ModelCard, ModelId, Verdict};
use crate::survival::{Fate, Heard, Survived, Transform};

fn verdict(probabilities: [f32; 3]) -> Verdict {
    let labels = Labels::new(["Bark", "Meow", "Robin"].map(str::to_owned));
    Verdict { labels, probabilities: Arc::new(probabilities) }
}

/// A targeted success of four seconds.
pub(crate) fn record() -> Record {
    let sine = |n: usize| (n as f32 * 0.05).sin() * 0.25;
    let clean: Vec<f32> = (0..128_000).map(sine).collect();
    let adversarial: Vec<f32> =
        clean.iter().enumerate().map(|(n, x)| x + sine(3 * n) * 1e-3).collect();
    let metrics = Metrics::of(&clean, &adversarial);
    let mut clip = Clip::from_samples("Dog: \"Rex\"", clean);
    clip.source_rate = 44_100;
    let mut card = ModelCard::new(ModelId::Gcnn, verdict([0.0; 3]).labels);
    card.weights_sha256 = "ab".repeat(32);
    let point = TracePoint {
        iteration: 1,
        original: 0.8,
        leading: 0.1,
        target: Some(0.1),
        snr_db: 47.0,
        best_snr_db: None,
    };
    Record {
        name: None,
        clip,
        model: ModelId::Gcnn.into(),
        card: Some(Box::new(card)),
        spec: AttackSpec {
            preset: Preset::Paper,
            iterations: Some(30),
            ..AttackSpec::new(AttackId::CarliniWagner)
        },
        true_label: None,
        outcome: Outcome {
            status: Status::Fooled,
            original_label: 0,
            original: verdict([0.8, 0.1, 0.1]),
            adversarial: verdict([0.1, 0.2, 0.7]),
            samples: adversarial.into(),
            metrics,
            iterations: 30,
            gradient_evaluations: 31,
            seconds: 1.5,
            seed: 7,
            goal: Goal::Targeted(2),
            sixteen_bit: false,
            note: Some("found by a walk".to_owned()),
        },
        threads: Some(2),
        device: Some("CPU".to_owned()),
        trace: vec![point, TracePoint { iteration: 2, best_snr_db: Some(46.0), ..point }].into(),
        survival: None,
        transfer: Some(vec![Transfer {
            model: ModelId::Vgg13.into(),
            original: verdict([0.9, 0.05, 0.05]),
            adversarial: verdict([0.6, 0.2, 0.2]),
        }]),
    }
}

pub(crate) fn rounded(fate: Fate) -> Survived {
    let heard = Heard {
        verdict: verdict([0.6, 0.2, 0.2]),
        clean: verdict([0.8, 0.1, 0.1]),
        fate,
        snr_db: 60.0,
    };
    let transform = Transform::Rounded { bits: 16, dithered: false };
    Survived { transform, result: Ok(heard) }
}

#[test]
fn the_whole_json_has_all_that_the_command_line_says_and_what_reproduces_it() {
    let record = record();
    let summary = summary_json(&record, &record.clip.source().to_string_lossy());
    let whole = record_json(&record, &Hashes::of(&record));
    for (name, value) in summary.iter().filter(|(name, _)| *name != "transfer") {
        assert_eq!(whole.get(name), Some(value), "{name}");
    }
    let whole = Value::Object(whole);
    assert_eq!(whole["program"]["version"], crate::VERSION);
    assert_eq!(whole["clip_details"]["source_rate"], 44_100);
    let hash = sha256_of_samples(&record.clip.samples);
    assert_eq!(whole["clip_details"]["samples_sha256"], hash);
    assert_eq!(whole["model_details"]["weights_sha256"], "ab".repeat(32));
    assert_eq!(whole["attack_options"]["preset"], "paper");
    assert_eq!(whole["attack_options"]["iterations"], 30);
    assert_eq!(whole["attack_options"]["searches"], Value::Null);
    assert!(whole["attack_options"].get("momentum").is_none(), "the attack takes none");
    assert_eq!((&whole["seed"], &whole["threads"]), (&7.into(), &2.into()));
    assert_eq!(whole["adversarial_probabilities"].as_array().map(Vec::len), Some(3));
    assert_eq!(whole["adversarial_top"][0]["label"], "Robin");
    assert_eq!(whole["transfer"][0]["fooled"], false);
    let command = whole["command"].as_str().unwrap();
    for part in [
        "attack \"Dog: _Rex_\" --model gcnn --attack carlini-wagner --target Robin",
        "--preset paper",
        "--iterations 30",
        "--seed 7 --threads 2",
    ] {
        assert!(command.contains(part), "{command}");
    }
    assert!(!command.contains("--snr") && !command.contains("--confidence"), "{command}");
}

#[test]
fn the_hash_of_samples_is_that_of_their_bytes_in_a_wav() {
    let samples: Vec<f32> = (0..10_000).map(|n| n as f32 / 10_000.0).collect();
    let wav = crate::audio::wav_bytes(&samples, WavDepth::Float32).unwrap();
    assert_eq!(sha256_of_samples(&samples), sha256(&wav[wav.len() - 40_000..]));
}

#[test]
fn a_folder_and_a_zip_hold_the_same_files_and_name_their_hashes() {
    let record = record();
    let home = tempfile::tempdir().unwrap();
    let zip_path = home.path().join("all.ZIP");
    assert_eq!(Destination::of(zip_path.clone()), Destination::Zip(zip_path.clone()));
    let contents = Contents::default();
    let export = |to: &Destination| {
        check_destination(to).unwrap();
        write(&record, "GCNN", contents, Pictures::default(), None, to).unwrap()
    };
    assert_eq!(export(&Destination::Zip(zip_path.clone())), std::slice::from_ref(&zip_path));
    let first = export(&Destination::NewFolderIn(home.path().to_path_buf()));
    let second = export(&Destination::NewFolderIn(home.path().to_path_buf()));
    assert_eq!(first[0].parent().unwrap(), home.path().join("Dog_ _Rex_ carlini-wagner"));
    assert_eq!(second[0].parent().unwrap(), home.path().join("Dog_ _Rex_ carlini-wagner-2"));
    let names: Vec<_> =
        first.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let expected = ["_nat.wav", "_adv.wav", ".png", ".svg", "_steps.csv", ".json"];
    let expected = expected.map(|ending| format!("Dog_ _Rex_{ending}"));
    assert_eq!(names[..6], expected);
    assert_eq!(names[6..], ["README.txt"]);

    let mut archive = zip::ZipArchive::new(std::fs::File::open(&zip_path).unwrap()).unwrap();
    for (path, name) in first.iter().zip(&names) {
        let packed = read_entry(&mut archive, name, 1 << 24).unwrap();
        assert_eq!(packed, Some(std::fs::read(path).unwrap()), "{name}");
    }
    let json: Value = serde_json::from_slice(&std::fs::read(&first[5]).unwrap()).unwrap();
    for (path, name) in first[..5].iter().zip(&names) {
        assert_eq!(json["files_sha256"][name], sha256(&std::fs::read(path).unwrap()), "{name}");
    }
    let command = json["command"].as_str().unwrap();
    assert!(command.contains("attack \"Dog_ _Rex__nat.wav\""), "{command}");
    let trace = std::fs::read_to_string(&first[4]).unwrap();
    assert_eq!(read_trace(&trace), Ok(record.trace.to_vec()));
    let wav = std::fs::read(&first[1]).unwrap();
    let mut reader = hound::WavReader::new(Cursor::new(wav)).unwrap();
    let read: Vec<f32> = reader.samples::<f32>().map(Result::unwrap).collect();
    assert_eq!(read, *record.outcome.samples);
}

#[test]
fn fewer_bits_are_written_only_with_what_they_do_to_the_result() {
    let record = record();
    let home = tempfile::tempdir().unwrap();
    let contents =
        Contents { depth: WavDepth::Int16, png: false, svg: false, ..Contents::default() };
    let to = Destination::Folder(home.path().join("few"));
    let lost = rounded(Fate::NotFooled);
    let written = write(&record, "GCNN", contents, Pictures::default(), Some(&lost), &to).unwrap();
    let json: Value = serde_json::from_slice(&std::fs::read(&written[3]).unwrap()).unwrap();
    let note = json["wav_bits_note"].as_str().unwrap();
    assert!(note.contains("does not fool GCNN any more: it hears Bark 0.60"), "{note}");
    assert_eq!(json["wav_bits"], 16);
    assert!(json["command"].is_null(), "a rounded clip is another clip: {json}");
    let read_me = std::fs::read_to_string(written.last().unwrap()).unwrap();
    assert!(read_me.contains(note), "{read_me}");
    assert!(read_me.contains("export the sound with 32-bit float samples, too"), "{read_me}");

    let clip = Clip {
        path: Some(std::path::PathBuf::from("/home/dog.flac").into()),
        ..record.clip.clone()
    };
    let mut of_a_file = Record { clip, ..record.clone() };
    of_a_file.outcome.status = Status::Cancelled;
    let pictures = Pictures::default();
    let written = write(&of_a_file, "GCNN", contents, pictures, Some(&lost), &to).unwrap();
    let json: Value = serde_json::from_slice(&std::fs::read(&written[3]).unwrap()).unwrap();
    assert!(json["command"].as_str().unwrap().contains("attack /home/dog.flac"), "{json}");
    let read_me = std::fs::read_to_string(written.last().unwrap()).unwrap();
    assert!(read_me.contains("stopped by hand"), "{read_me}");

    assert!(rounding_words(&record.outcome, &rounded(Fate::Fooled), "GCNN").fools);
    let clean = Outcome { adversarial: verdict([0.8, 0.1, 0.1]), ..record.outcome };
    let words = rounding_words(&clean, &lost, "GCNN");
    assert!(!words.fools && words.words.contains("in the first place"), "{words:?}");
    assert_eq!(rounding(WavDepth::Float32), None);
}

#[test]
fn a_place_that_takes_nothing_is_told_before_and_leaves_no_trace_after() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "here").unwrap();
    for to in [
        Destination::Folder(file.clone()),
        Destination::Folder(home.path().join("missing").join("deep")),
        Destination::Zip(home.path().join("missing").join("all.zip")),
    ] {
        let error = check_destination(&to).unwrap_err().to_string();
        assert!(error.contains("can't be written"), "{error}");
        let written = write(&record(), "GCNN", Contents::default(), Pictures::default(), None, &to);
        assert!(written.is_err(), "{to:?}");
    }
    let none = Contents {
        wavs: false,
        json: false,
        trace: false,
        png: false,
        svg: false,
        ..Contents::default()
    };
    let to = Destination::Folder(home.path().join("none"));
    let error = write(&record(), "GCNN", none, Pictures::default(), None, &to).unwrap_err();
    assert!(error.to_string().contains("nothing was chosen"));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "only the file is there");
}
