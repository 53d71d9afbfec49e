//! The command line as scripts and people use it: the real program, its real weights, real files.

#[path = "cli/program.rs"]
mod program;

#[path = "cli/bench.rs"]
mod bench;

#[path = "support/own_model.rs"]
mod own_model;

#[path = "cli/own_models.rs"]
mod own_models;

#[path = "cli/weights.rs"]
mod weights;

#[path = "cli/attack.rs"]
mod attack;

#[path = "cli/views.rs"]
mod views;

#[path = "cli/export.rs"]
mod export;

#[path = "cli/experiment.rs"]
mod experiment;

#[path = "cli/experiment_accuracy.rs"]
mod experiment_accuracy;

#[path = "cli/experiment_mishaps.rs"]
mod experiment_mishaps;

#[path = "cli/listen.rs"]
mod listen;

use std::io::Read as _;
use std::process::Stdio;

use program::{bundled, command, fields, finish, number, run, says};
use serde_json::Value;

#[test]
fn classify_gives_one_json_object_a_line_and_nothing_else() {
    let clips = ["glockenspiel", "tambourine", "gunshot"].map(bundled);
    let labels = ["Glockenspiel", "Tambourine", "Gunshot_or_gunfire"];
    let [first, second, third] = &clips;
    let stdout = run(&["classify", first, second, third, "--json", "--model", "vgg13"]).done();
    assert_eq!(stdout.lines().count(), clips.len(), "{stdout}");
    for ((line, clip), label) in stdout.lines().zip(&clips).zip(labels) {
        let value: Value = serde_json::from_str(line).expect("an object a line");
        assert_eq!(fields(&value), ["clip", "confidence", "label", "model", "top"].into());
        assert_eq!(value["clip"], clip.as_str());
        assert_eq!(value["model"], "vgg13");
        assert_eq!(value["label"], label);
        let top = value["top"].as_array().expect("a list");
        assert_eq!(top.len(), 5);
        assert!(top.iter().all(|entry| fields(entry) == ["confidence", "label"].into()));
        assert_eq!(top[0]["label"], value["label"]);
        assert_eq!(top[0]["confidence"], value["confidence"]);
        assert!(top.is_sorted_by(|a, b| number(&a["confidence"]) >= number(&b["confidence"])));
    }
}

#[test]
fn all_labels_sum_to_one() {
    let value = run(&["classify", &bundled("tambourine"), "--json", "--top", "41"]).json();
    let top = value["top"].as_array().expect("a list");
    assert_eq!(top.len(), 41);
    let sum: f64 = top.iter().map(|entry| number(&entry["confidence"])).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");
}

#[test]
fn classify_for_people_names_clip_and_model_and_as_many_labels_as_asked() {
    let clip = bundled("tambourine");
    let stdout = run(&["classify", &clip, "--top", "2"]).done();
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    assert_eq!(lines[0], format!("{clip}  VGG13"));
    assert!(lines[1].ends_with("  Tambourine"), "{stdout}");
    let confidence: f64 = lines[1].split_whitespace().next().unwrap_or("").parse().expect("0.99");
    assert!((0.9..=1.0).contains(&confidence), "{stdout}");
}

#[test]
fn a_bad_clip_does_not_keep_the_others_from_being_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.wav");
    std::fs::write(&bad, "not a sound").expect("the bad file");
    let bad = bad.to_str().expect("UTF-8");
    let missing = folder.path().join("missing.wav");
    let missing = missing.to_str().expect("UTF-8");
    let (first, last) = (bundled("tambourine"), bundled("gunshot"));
    let run = run(&["classify", &first, bad, missing, &last, "--json"]);
    assert_eq!(run.status, 1);
    let labels: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an object a line")["label"].clone())
        .collect();
    assert_eq!(labels, ["Tambourine", "Gunshot_or_gunfire"]);
    says(
        &run.stderr,
        &[bad, "is not a sound file", missing, "does not exist", "2 things could not be done"],
    );
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_was_meant() {
    let clip = bundled("tambourine");
    let cases: &[(&[&str], &[&str])] = &[
        (&["classify"], &["required", "CLIP"]),
        (&["clasify", &clip], &["clasify", "did you mean classify?"]),
        (&["classify", &clip, "--model", "vgg14"], &["vgg14", "did you mean vgg13?"]),
        (&["attack", &clip, "--attack", "fgms"], &["fgms", "did you mean fgsm?"]),
        (&["attack", &clip, "--target", "hihatt"], &["hihatt", "did you mean Hi-hat?"]),
        (&["attack", &clip, "--label", "nock"], &["nock", "did you mean Knock?"]),
        (&["attack", &clip, "--target", "qqq"], &["qqq", "there are: Acoustic_guitar"]),
        (&["attack", &clip, "--preset", "papr"], &["papr", "did you mean paper?"]),
        (&["classify", &clip, "--device", "cudda"], &["cudda", "did you mean cuda?"]),
        (&["attack", &clip, "--attack", "white-noise", "--target", "Knock"], &["cannot aim"]),
        (&["attack", &clip, "--snr", "20"], &["carlini-wagner", "takes no --snr"]),
        (&["attack", &clip, "--attack", "fgsm", "--snr", "nan"], &["--snr", "a number"]),
        (&["attack", &clip, "--attack", "deepfool", "--target", "Knock"], &["cannot aim"]),
        (&["attack", &clip, "--attack", "deepfool", "--snr", "9"], &["deepfool", "no --snr"]),
        (&["attack", &clip, "--attack", "fgsm", "--preset", "best"], &["fgsm takes no --preset"]),
        (&["attack", &clip, "--candidates", "5"], &["takes no --candidates", "for deepfool"]),
        (&["attack", &clip, "--momentum", "1"], &["takes no --momentum", "for pgd"]),
        (&["attack", &clip, "--attack", "pgd", "--momentum", "2"], &["--momentum", "0 to 1"]),
        (&["attack", &clip, "--attack", "lbfgs", "--confidence", "1"], &["no --confidence"]),
        (&["attack", &clip, "--attack", "pgd", "--snr", "9", "--linf-dbfs=-60"], &["--linf-dbfs"]),
        (&["attack", &clip, "--log-scores"], &["VGG13", "logits", "--log-scores"]),
        (&["attack", &clip, "--confidence", "nan"], &["--confidence", "a number"]),
        (&["attack", &clip, "--confidence=-1"], &["--confidence", "0 or more"]),
        (&["attack", &clip, "--iterations", "0"], &["--iterations"]),
        (&["classify", &clip, "--limit", "nan"], &["--limit", "a number"]),
        (&["classify", &clip, "--limit", "0"], &["--limit", "more than 0"]),
        (&["classify", &clip, "--threads", "0"], &["--threads", "from 1 to"]),
        (&["classify", &clip, "--threads", "60000"], &["--threads", "from 1 to"]),
        (&["classify", &clip, "--top", "0"], &["--top"]),
        (&["train", "--model", "vgg14", "--data", "d", "--out", "o"], &["did you mean vgg13?"]),
        (
            &["train", "--model", "vgg13", "--data", "d", "--out", "weights.checkpoint"],
            &["weights.checkpoint", "end in .safetensors"],
        ),
        (
            &["train", "--model", "vgg13", "--data", "d", "--out", "o", "--semitones", "1e39"],
            &["--semitones", "0 to 24"],
        ),
        (&["evaluate", "d", "--part", "exam"], &["exam", "test, train, all"]),
    ];
    for (arguments, expected) in cases {
        says(&run(arguments).message(2), expected);
    }
}

#[test]
fn a_device_that_this_build_lacks_says_which_one_to_take() {
    let clip = bundled("tambourine");
    let built = [("cuda", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))];
    for (device, _) in built.into_iter().filter(|(_, built)| !built) {
        let message = run(&["classify", &clip, "--device", device]).message(2);
        says(&message, &[device, "use --device cpu"]);
    }
}

#[test]
fn a_clip_longer_than_the_limit_is_refused_with_both_lengths() {
    let clip = bundled("tambourine");
    let message = run(&["classify", &clip, "--limit", "1.5"]).message(1);
    says(&message, &[&clip, "too long: 1.829 s", "1.5 s"]);
}

#[test]
fn without_a_display_the_window_says_how_to_go_on() {
    let mut command = command(&[bundled("tambourine")]);
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(variable);
    }
    let message = finish(command).message(1);
    says(&message, &["no display", "xvfb-run mondegreen", "mondegreen attack CLIP -o ADV.wav"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let clip = bundled("tambourine");
    let mut child = command(&["classify", &clip, &clip, &clip, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!(stderr, "");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_stdout_is_a_clear_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let mut command = command(&["classify", &bundled("tambourine")]);
    command.stdout(full).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    says(&stderr, &["can't be written to stdout", "No space left"]);
    assert!(!stderr.contains("panicked"), "{stderr}");
}
