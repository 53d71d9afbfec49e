//! `listen`: tests are made, checked, taken, broken off, gone on with, and reported on.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::program::{command, number, run, says};

/// What is left of a line where the power went off.
const TORN: &[u8] = b"{\"kind\":\"answer\",\"trial\":4,\"pa";

/// A folder with a pair of sounds and a session file.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(protocol: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Self { folder };
        home.wav("bell_nat.wav", 8000, 0.0);
        home.wav("bell_adv.wav", 8000, 0.01);
        let text = format!(
            "version = 1\ntitle = \"Bells\"\nprotocol = \"{protocol}\"\n{more}\n\
             [[stimuli]]\noriginal = \"bell_nat.wav\"\nchanged = \"bell_adv.wav\"\n"
        );
        std::fs::write(home.path("test.toml"), text).expect("the session file");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn wav(&self, name: &str, samples: usize, change: f32) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 32_000,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer = hound::WavWriter::create(self.path(name), spec).expect("a WAV");
        for i in 0..samples {
            let x = 0.3 * (i as f32 * 0.05).sin() + change * (i as f32 * 0.7).sin();
            writer.write_sample(x).expect("a sample");
        }
        writer.finalize().expect("a whole WAV");
    }

    fn simulate(&self, log: &str, more: &[&str]) -> String {
        let (file, log) = (self.text("test.toml"), self.text(log));
        let mut arguments = vec!["listen", "simulate", &file, "-o", &log];
        arguments.extend(more);
        run(&arguments).done()
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a log");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON a line")).collect()
}

/// What was asked and said, without times and hashes.
fn answers(path: &Path) -> Vec<Value> {
    let mut answers: Vec<_> =
        lines(path).into_iter().filter(|line| line["kind"] == "answer").collect();
    for answer in &mut answers {
        let fields = answer.as_object_mut().expect("an object");
        fields.remove("time_ms").expect("a time");
        fields.remove("hash").expect("a hash");
    }
    answers
}

#[test]
fn a_valid_test_says_what_it_can_show() {
    let home = Home::new("abx", "");
    let file = home.text("test.toml");
    let stdout = run(&["listen", "validate", &file]).done();
    says(&stdout, &["Bells: valid", "16 trials", "12 of 16", "SNR 29.", "0.80"]);
    let json = run(&["listen", "validate", &file, "--json"]).json();
    assert_eq!(json["critical"], 12);
    assert!((number(&json["exact_size"]) - 2517.0 / 65536.0).abs() < 1e-12);
    assert_eq!(json["stimuli"][0]["sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn what_is_wrong_with_a_test_is_said_with_its_key_or_its_files() {
    let cases: &[(&str, &[&str])] = &[
        ("trials = 0", &["\u{201c}trials\u{201d}", "1 to 1000"]),
        ("trails = 8", &["test.toml", "line 4", "trails"]),
        ("alpha = 0.7", &["\u{201c}alpha\u{201d}"]),
        ("[playback]\nregion = [0.1, 0.15]", &["playback.region", "0.1 s"]),
        ("[playback]\nregion = [0.1, 0.9]", &["playback.region", "bell", "0.25 s"]),
    ];
    for (line, expected) in cases {
        let home = Home::new("abx", line);
        says(&run(&["listen", "validate", &home.text("test.toml")]).message(1), expected);
    }
    let home = Home::new("abx", "");
    home.wav("bell_adv.wav", 7999, 0.01);
    let message = run(&["listen", "validate", &home.text("test.toml")]).message(1);
    says(&message, &["bell_nat.wav", "bell_adv.wav", "8000 samples", "7999"]);
    std::fs::remove_file(home.path("bell_adv.wav")).expect("it is removed");
    let message = run(&["listen", "validate", &home.text("test.toml")]).message(1);
    says(&message, &["bell_adv.wav", "does not exist"]);
}

#[cfg(unix)]
#[test]
fn kill_9_after_any_answer_loses_none_and_the_order_stays() {
    let home = Home::new("abx", "trials = 6\ncatch_trials = 1\nconsent = \"Yes?\"");
    home.simulate("whole.jsonl", &["--seed", "5"]);
    let whole = answers(&home.path("whole.jsonl"));
    assert_eq!(whole.len(), 2 + 6 + 1);
    let (file, log) = (home.text("test.toml"), home.text("killed.jsonl"));
    let arguments =
        ["listen", "simulate", &file, "-o", &log, "--seed", "5", "--pause-ms", "60000", "--resume"];
    for done in 1..=whole.len() {
        // The first run begins the log; each later one goes on with it.
        let count = if done == 1 { arguments.len() - 1 } else { arguments.len() };
        let mut child = command(&arguments[..count])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut said = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut said).expect("it says so");
        assert_eq!(said, format!("answer {done} is on the disk\n"));
        // SIGKILL.
        child.kill().expect("it is killed");
        child.wait().expect("it is gone");
        assert_eq!(answers(&home.path("killed.jsonl")), whole[..done]);
        if done == 4 {
            // And a power cut in the middle of a line.
            let mut bytes = std::fs::read(home.path("killed.jsonl")).expect("the log");
            bytes.extend_from_slice(TORN);
            std::fs::write(home.path("killed.jsonl"), bytes).expect("the log");
        }
    }
    let more = ["listen", "simulate", &file, "-o", &log, "--seed", "5", "--resume"];
    run(&more).done();
    assert_eq!(answers(&home.path("killed.jsonl")), whole);
    run(&["listen", "verify", &log]).done();
    let resumed = lines(&home.path("killed.jsonl"));
    let torn = resumed.iter().filter(|line| line["dropped_bytes"] == TORN.len());
    assert_eq!(torn.count(), 1);
    assert_eq!(resumed.iter().filter(|line| line["kind"] == "end").count(), 1);
}

#[test]
fn a_changed_log_is_found_out() {
    let home = Home::new("2afc", "");
    home.simulate("log.jsonl", &[]);
    let log = home.text("log.jsonl");
    says(&run(&["listen", "verify", &log]).done(), &["lines holds", "complete", "last hash"]);
    let text = std::fs::read_to_string(&log).expect("the log");
    let changed = text.replacen("\"right\":false", "\"right\":true", 1);
    assert_ne!(text, changed);
    std::fs::write(&log, changed).expect("the log");
    for task in ["verify", "report"] {
        let run = run(&["listen", task, &log]);
        assert_eq!(run.status, 1);
        says(&run.stderr, &["log.jsonl", "line", "hash does not fit"]);
    }
}

#[test]
fn a_session_that_was_broken_off_does_not_hide_a_whole_one() {
    let home = Home::new("abx", "");
    home.simulate("whole.jsonl", &["--listener", "perfect"]);
    home.simulate("part.jsonl", &["--listener", "perfect", "--seed", "9"]);
    let part = home.path("part.jsonl");
    let text = std::fs::read_to_string(&part).expect("the log");
    let half: String = text.lines().take(10).map(|line| format!("{line}\n")).collect();
    std::fs::write(&part, half).expect("the log");
    let logs = [home.text("whole.jsonl"), home.text("part.jsonl")];
    let json = run(&["listen", "report", &logs[0], &logs[1], "--json"]).json();
    let person = &json["participants"][0];
    assert_eq!((&person["complete"], &person["result"]["right"]), (&true.into(), &16.into()));
    assert_eq!(person["sessions"][1]["seed"], serde_json::Value::Null);
    let stdout = run(&["listen", "report", &logs[0], &logs[1]]).done();
    says(&stdout, &["16/16", "1 unfinished left out", "One unfinished session is not counted"]);
    says(&stdout, &["1 listener took part", "1 unfinished session is not evaluated"]);
}

#[test]
fn thresholds_of_several_people_are_told_with_how_many_have_one() {
    let home = Home::new("staircase-2-down-1-up", "trials = 60");
    let people = [("a", "guessing"), ("b", "perfect"), ("c", "hearing")];
    let logs = people.map(|(name, listener)| {
        let log = format!("{name}.jsonl");
        home.simulate(&log, &["--listener", listener, "--participant", name]);
        home.text(&log)
    });
    let figure = home.text("curves.png");
    let all = ["listen", "report", &logs[0], &logs[1], &logs[2]];
    let stdout = run(&[&all[..], &["--figure", &figure]].concat()).done();
    says(&stdout, &["(1 of 3)", "over 1 of 3 people", "without 2 who have none"]);
    assert!(!stdout.contains("Too few"), "{stdout}");
    // One figure for each of them.
    for name in ["curves.png", "curves-2.png", "curves-3.png"] {
        assert!(home.path(name).exists(), "{name}");
    }
    let json = run(&[&all[..], &["--json"]].concat()).json();
    assert!(json["exact_size"].is_null() && json["power"].is_null(), "{json}");
}

#[test]
fn a_report_tells_of_each_participant_and_of_all() {
    let home = Home::new("abx", "seed = 3");
    home.simulate("a.jsonl", &["--participant", "P01", "--listener", "perfect"]);
    home.simulate("b.jsonl", &["--participant", "P02", "--seed", "4"]);
    let (a, b) = (home.text("a.jsonl"), home.text("b.jsonl"));
    let csv = home.text("all.csv");
    let json = run(&["listen", "report", &a, &b, "--json", "--csv", &csv]).json();
    assert_eq!(json["protocol"], "abx");
    let people = json["participants"].as_array().expect("a list");
    assert_eq!(people.len(), 2);
    let perfect = &people[0]["result"];
    assert_eq!((&perfect["right"], &perfect["trials"]), (&16.into(), &16.into()));
    assert!((number(&perfect["p"]) - 0.5_f64.powi(16)).abs() < 1e-16);
    assert!((number(&people[0]["p_holm"]) - 0.5_f64.powi(15)).abs() < 1e-16);
    assert!(number(&perfect["d_prime"]) > 2.0);
    let both = number(&perfect["right"]) + number(&people[1]["result"]["right"]);
    assert_eq!(number(&json["pooled"]["result"]["right"]), both);
    let methods = json["methods"].as_str().expect("a text");
    says(methods, &["2 listeners", "ABX", "16 trials", "SNR of 29.", "seed (ChaCha8): 3", "Holm"]);
    let table = std::fs::read_to_string(csv).expect("the CSV");
    assert_eq!(table.lines().count(), 1 + 2 * 18);

    let stdout = run(&["listen", "report", &a, &b]).done();
    says(&stdout, &["P01", "16/16", "Significant (p < 0.001)", "Not significant", "does not show"]);
    assert!(!stdout.contains("inaudible"), "{stdout}");
    // Logs of another test are not mixed in, nor one twice.
    let other = Home::new("2afc", "");
    other.simulate("c.jsonl", &[]);
    let message = run(&["listen", "report", &a, &other.text("c.jsonl")]).message(1);
    says(&message, &["different tests", "c.jsonl"]);
    says(&run(&["listen", "report", &a, &a]).message(1), &["the same session"]);
}

#[test]
fn a_staircase_is_reported_with_its_threshold_and_drawn() {
    let home =
        Home::new("staircase-2-down-1-up", "trials = 80\n[adaptive]\nsteps_db = [8, 4, 2]\n");
    let hearing = ["--listener", "hearing", "--threshold", "38", "--seed", "2"];
    home.simulate("log.jsonl", &hearing);
    let (log, figure) = (home.text("log.jsonl"), home.text("curve.png"));
    let json = run(&["listen", "report", &log, "--json", "--figure", &figure]).json();
    let threshold = &json["participants"][0]["result"]["thresholds"][0];
    assert!((number(&threshold["threshold_db"]) - 38.0).abs() < 4.0, "{threshold}");
    assert!(json["participants"][0]["result"]["p"].is_null());
    assert!(image::open(&figure).expect("a picture").width() > 500);
    says(&run(&["listen", "report", &log]).done(), &["just heard at an SNR of 3", "staircase"]);

    // What can't be drawn is said.
    let abx = Home::new("abx", "");
    abx.simulate("log.jsonl", &[]);
    let arguments = ["listen", "report", &abx.text("log.jsonl"), "--figure", &figure];
    says(&run(&arguments).message(1), &["no psychometric function"]);
}

#[test]
fn an_unfinished_session_is_told_of_and_not_tested() {
    let home = Home::new("abx", "");
    home.simulate("log.jsonl", &["--listener", "perfect"]);
    let log = home.path("log.jsonl");
    let text = std::fs::read_to_string(&log).expect("the log");
    let lines: Vec<_> = text.lines().collect();
    let half: String = lines[..10].iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(&log, half).expect("the log");
    let log = home.text("log.jsonl");
    let json = run(&["listen", "report", &log, "--json"]).json();
    assert_eq!(json["participants"][0]["complete"], false);
    assert!(json["participants"][0]["result"]["p"].is_null());
    says(&run(&["listen", "report", &log]).done(), &["unfinished", "Not told yet"]);
}

#[test]
fn a_test_is_made_of_clips_models_and_attacks() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("made");
    let folder = folder.to_str().expect("UTF-8");
    let clip = super::program::bundled("tambourine");
    let arguments = [
        "listen",
        "make",
        &clip,
        "-o",
        folder,
        "--attack",
        "white-noise,fgsm",
        "--protocol",
        "2afc",
        "--trials",
        "8",
        "--ladder",
        "20,30,40",
    ];
    let noise = "no adversarial sound: tambourine with white-noise on VGG13: not fooled";
    says(&run(&arguments).done(), &["test.toml", "6 pairs", noise]);
    let file = format!("{folder}/test.toml");
    says(&run(&["listen", "validate", &file]).done(), &["8 trials", "at 40 dB", "SNR 40.0 dB"]);
    says(&run(&arguments).message(1), &["holds a test already"]);
    let mut bad = arguments;
    bad[8] = "2afcc";
    says(&run(&bad).message(2), &["2afcc", "did you mean 2afc?"]);
}

#[test]
fn a_test_that_can_not_be_is_refused_before_any_attack() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("made");
    let folder = folder.to_str().expect("UTF-8");
    let clip = super::program::bundled("tambourine");
    let make = |more: &[&str]| {
        run(&[&["listen", "make", &clip, "-o", folder, "--attack", "white-noise"], more].concat())
    };
    says(&make(&["--trials", "2", "--ladder", "20,30,40"]).message(1), &["3 pairs", "trials"]);
    says(&make(&["--ladder", "-25,40"]).message(1), &["SNRs must be from -20 to 100 dB"]);
    let quest = ["--protocol", "quest-plus", "--ladder", "20,30"];
    says(&make(&quest).message(1), &["a staircase sets the SNR itself"]);
    assert!(!std::path::Path::new(folder).exists());
}
