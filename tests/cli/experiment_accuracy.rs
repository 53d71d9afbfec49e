//! Experiments without attacks: in shares, on FSDKaggle2018 as it is downloaded.

use std::path::{Path, PathBuf};

use crate::experiment::{data, path, tables, untargeted};
use crate::program::{run, says};

fn accuracy(place: &Path, data: &Path, more: &[&str]) -> Vec<String> {
    let words =
        ["experiment", "accuracy", path(place), "--data", path(data), "--model", "dense-mel"];
    words.iter().chain(more).map(|&word| word.to_owned()).collect()
}

fn answers(place: &Path) -> usize {
    let survey = std::fs::read_to_string(place.join("survey.jsonl")).expect("a survey");
    survey.lines().count()
}

#[test]
fn answers_are_shared_among_processes_and_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let (whole, shared) = (folder.path().join("whole"), folder.path().join("shared"));
    let all = ["--split", "all"];
    run(&accuracy(&whole, &data, &all)).done();
    assert_eq!(answers(&whole), 10);
    for (shard, count) in [("1/3", 4), ("3/3", 3)] {
        run(&accuracy(&shared, &data, &["--split", "all", "--shard", shard])).done();
        let share = shared.join("shards").join(shard.replace('/', "-of-"));
        assert_eq!(answers(&share), count);
    }
    let joined = folder.path().join("joined");
    let shards: Vec<PathBuf> = ["1-of-3", "3-of-3"].map(|i| shared.join("shards").join(i)).into();
    let merge = ["experiment", "merge", path(&joined), path(&shards[0]), path(&shards[1])];
    says(&run(&merge).done(), &["0 rows in ", "with 7 answers on clean clips"]);
    // The folder itself asks what no share did, and keeps that when they are joined once more.
    run(&["experiment", "run", path(&joined)]).done();
    says(&run(&merge).done(), &["10 answers on clean clips"]);
    assert_eq!(tables(&joined), tables(&whole));
}

#[test]
fn fsdkaggle2018_is_taken_as_it_is_downloaded_with_its_split_and_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let clips = data(folder.path());
    let kaggle = folder.path().join("FSDKaggle2018");
    for part in ["audio_train", "audio_test", "meta"] {
        std::fs::create_dir_all(kaggle.join(format!("FSDKaggle2018.{part}"))).expect("a folder");
    }
    let take = |clip: &str, to: &str| {
        std::fs::copy(clips.join(clip), kaggle.join(format!("FSDKaggle2018.{to}")))
            .expect("a copy");
    };
    take("Cello/a.wav", "audio_train/1.wav");
    take("Cello/b.wav", "audio_train/2.wav");
    take("Glockenspiel/a.wav", "audio_test/3.wav");
    let list = |name: &str, text: &str| {
        std::fs::write(kaggle.join("FSDKaggle2018.meta").join(name), text).expect("a list");
    };
    let head = "manually_verified,freesound_id,license";
    let lines = "1.wav,Cello,1,77,CC0\n2.wav,Cello,0,78,CC0\n";
    list("train_post_competition.csv", &format!("fname,label,{head}\n{lines}"));
    let test = "fname,label,usage,freesound_id,license\n3.wav,Glockenspiel,Private,79,CC0\n";
    list("test_post_competition_scoring_clips.csv", test);

    let place = folder.path().join("run");
    let named = |options: &[&str]| {
        run(&accuracy(&place, &kaggle, options)).done();
        let survey = std::fs::read_to_string(place.join("survey.jsonl")).expect("a survey");
        let clip = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).expect("an answer");
            line["clip"].as_str().expect("a clip").to_owned()
        };
        let mut clips: Vec<String> = survey.lines().map(clip).collect();
        clips.sort_unstable();
        clips
    };
    let [first, second, test] = ["audio_train/1.wav", "audio_train/2.wav", "audio_test/3.wav"]
        .map(|clip| format!("FSDKaggle2018.{clip}"));
    // Its test labels are what is reported on where nobody asks for others.
    assert_eq!(named(&[]).as_slice(), std::slice::from_ref(&test));
    let changed = |more: &[&'static str]| [&["--accept-change", "--split"], more].concat();
    assert_eq!(named(&changed(&["train"])), [first.clone(), second.clone()]);
    let verified = named(&changed(&["train", "--verified-only"]));
    assert_eq!(verified.as_slice(), std::slice::from_ref(&first));
    assert_eq!(named(&changed(&["all"])), [test.clone(), first.clone()]);
    // What was switched on can be switched off again.
    assert_eq!(named(&changed(&["all", "--verified-only=false"])), [test, first, second]);
}

#[test]
fn asking_the_other_models_can_be_switched_off_and_on_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    let asks = |options: &[&str]| {
        run(&untargeted(&place, &data, &[options, &["--plan"]].concat())).done();
        let written = std::fs::read_to_string(place.join("experiment.toml")).expect("it");
        written.contains("transfer = true")
    };
    assert!(!asks(&["--no-transfer"]));
    assert!(!asks(&[]));
    assert!(asks(&["--no-transfer=false"]));
}
