//! `mondegreen bench`: that it says what it promises. How fast anything is, no test asserts.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use super::program::{command, fields, number, run, says};

#[test]
fn bench_gives_one_json_object_with_positive_times() {
    let value = run(&[
        "bench", "--model", "vgg13", "--rounds", "1", "--batch", "2,1", "--device", "cpu", "--json",
    ])
    .json();
    let expected = [
        "attack_iterations_per_second",
        "attack_memory_bytes",
        "device",
        "log_mel_share",
        "model",
        "peak_memory_bytes",
        "rounds",
        "threads",
        "timings",
        "top_10_ratio",
    ];
    assert_eq!(fields(&value), expected.into());
    assert_eq!((&value["model"], &value["device"]), (&"vgg13".into(), &"CPU".into()));
    assert_eq!(value["rounds"], 1);
    assert!(number(&value["threads"]) >= 1.0);
    for ratio in ["attack_iterations_per_second", "log_mel_share", "top_10_ratio"] {
        assert!(number(&value[ratio]) > 0.0, "{value}");
    }
    if cfg!(target_os = "linux") {
        let attack = number(&value["attack_memory_bytes"]);
        // The weights alone take 38 MB as f32.
        assert!((38e6..=number(&value["peak_memory_bytes"])).contains(&attack), "{value}");
    }
    let timings = value["timings"].as_array().expect("a list");
    let case = |timing: &Value| {
        format!("{} {}", timing["case"].as_str().expect("a name"), timing["batch"])
    };
    assert_eq!(
        timings.iter().map(case).collect::<Vec<_>>(),
        [
            "forward 1",
            "gradient 1",
            "network-forward 1",
            "network-gradient 1",
            "forward 2",
            "gradient 2",
            "network-forward 2",
            "network-gradient 2",
            "log-mel-forward 1",
            "log-mel-gradient 1",
            "top-10-gradients 1",
            "attack 1",
        ]
    );
    for timing in timings {
        assert_eq!(fields(timing), ["batch", "case", "high_ms", "low_ms", "median_ms"].into());
        let [low, median, high] = ["low_ms", "median_ms", "high_ms"].map(|f| number(&timing[f]));
        assert!(0.0 < low && low <= median && median <= high && high < 1e6, "{timing}");
    }
}

#[test]
fn bench_for_people_names_every_case_and_leaves_out_ratios_that_need_batch_1() {
    let options = ["--rounds", "1", "--batch", "2", "--threads", "1", "--device", "cpu"];
    let stdout = run(&[&["bench", "--model", "vgg13"][..], &options].concat()).done();
    says(&stdout, &["VGG13 on the CPU, 1 thread, 1 round", "network alone", "iterations a second"]);
    says(&stdout, &["log-mel of 10 s", "10 class gradients", "most memory"]);
    assert!(!stdout.contains("times as long"), "{stdout}");
}

#[test]
fn bench_times_what_a_script_asks_for() {
    let mut child =
        command(&["bench", "--on-request", "--training", "--batch", "1", "--device", "cpu"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"log-mel-forward 1\ntraining-step 32\nnetwork-forward 8\n").expect("read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    assert_eq!(fields(&lines[0]), ["cases", "model", "threads"].into());
    let cases = lines[0]["cases"].as_array().expect("a list");
    for (line, (name, batch)) in
        lines[1..].iter().zip([("log-mel-forward", 1), ("training-step", 32)])
    {
        assert_eq!((&line["case"], &line["batch"]), (&name.into(), &batch.into()));
        assert!(cases.contains(&format!("{name} {batch}").into()));
        let milliseconds = number(&line["ms"]);
        assert!(milliseconds > 0.0 && milliseconds < 1e6, "{line}");
    }
    // Batch 8 was not prepared.
    assert_eq!(output.status.code(), Some(2));
    says(&String::from_utf8_lossy(&output.stderr), &["network-forward 8", "network-forward 1"]);
}

#[test]
fn bench_refuses_what_it_cannot_time() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["bench", "--model", "vgg14"], &["vgg14", "did you mean vgg13?"]),
        (&["bench", "--batch", "0"], &["--batch"]),
        (&["bench", "--batch", "1;8"], &["--batch"]),
        (&["bench", "--rounds", "0"], &["--rounds"]),
        (&["bench", "--on-request", "--json"], &["--on-request"]),
    ];
    for (arguments, expected) in cases {
        says(&run(arguments).message(2), expected);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().to_str().expect("UTF-8");
    let message = run(&["bench", "--models", empty]).message(1);
    says(&message, &["vgg13.safetensors", empty, "--models DIR"]);
}
