//! `attack`: what it says, what it writes, and whether the two agree.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use super::program::{bundled, command, fields, knock, number, run, samples, says, snr_db};

/// DESIGN's fields of `attack --json`, and the reason where the goal was not reached.
const FIELDS: [&str; 30] = [
    "adversarial",
    "attack",
    "attack_options",
    "clip",
    "gradient_evaluations",
    "iterations",
    "loudness_adversarial_lufs",
    "loudness_difference_lu",
    "loudness_original_lufs",
    "loudness_perturbation_lufs",
    "margin_after",
    "model",
    "noise_to_mask_db",
    "noise_to_mask_worst_db",
    "noise_to_mask_worst_seconds",
    "note",
    "original",
    "original_label_confidence_after",
    "peak",
    "peak_dbfs",
    "peak_to_peak_dbfs",
    "reason",
    "seconds",
    "seed",
    "segmental_snr_db",
    "sixteen_bit",
    "snr_db",
    "status",
    "target",
    "target_rule",
];

/// Enough of Carlini & Wagner's attack to fool VGG13 on [`knock`].
const SHORT: [&str; 6] = ["--attack", "carlini-wagner", "--searches", "1", "--iterations", "20"];

/// A folder with a clip to attack and places for what comes out.
struct Lab {
    folder: TempDir,
    clip: PathBuf,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clip = knock(folder.path());
        Self { folder, clip }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Attacks the clip, writing both sides, checks the JSON's shape and that the files say the
    /// same, and gives the JSON.
    fn attack(&self, options: &[&str]) -> Value {
        let (clean, adversarial) = (self.path("nat.wav"), self.path("adv.wav"));
        let mut arguments: Vec<&str> = vec!["attack", text(&self.clip), "--json"];
        arguments.extend(["-o", text(&adversarial), "--original", text(&clean)]);
        arguments.extend(options);
        let value = run(&arguments).json();
        let mut expected = BTreeSet::from(FIELDS);
        expected.extend(options.contains(&"--survival").then_some("survival"));
        assert_eq!(fields(&value), expected);
        for side in ["original", "adversarial"] {
            assert_eq!(fields(&value[side]), ["confidence", "label"].into());
        }
        assert_eq!(value["clip"], text(&self.clip));
        assert_eq!(value["model"], "vgg13");
        assert_eq!(value["original"]["label"], "Knock");
        assert!(number(&value["seconds"]) > 0.0);
        let given = options.iter().position(|option| *option == "--label");
        let original = given.map_or("Knock", |at| options[at + 1]);
        self.check_files(&value, original);
        value
    }

    /// Checks SNR, peak, label and the original label's confidence against the files that were written.
    fn check_files(&self, value: &Value, original: &str) {
        let clean = samples(&self.path("nat.wav"));
        let adversarial = samples(&self.path("adv.wav"));
        assert_eq!(clean, samples(&self.clip));
        let snr = snr_db(&clean, &adversarial);
        if snr.is_finite() {
            assert!((snr - number(&value["snr_db"])).abs() < 0.01, "{snr}: {value}");
        } else {
            assert_eq!(value["snr_db"], Value::Null);
        }
        let differences = clean.iter().zip(&adversarial);
        let residual = differences.map(|(&x, &y)| (f64::from(y) - f64::from(x)).abs());
        let peak = residual.fold(0.0, f64::max);
        assert!((peak - number(&value["peak"])).abs() <= 1e-9, "{peak}: {value}");
        if peak > 0.0 {
            assert!((20.0 * peak.log10() - number(&value["peak_dbfs"])).abs() < 1e-3, "{value}");
            let both = number(&value["peak_to_peak_dbfs"]) - number(&value["peak_dbfs"]);
            assert!((-6.03..=0.0).contains(&both), "{value}");
            assert!((-10.0..=35.0).contains(&number(&value["segmental_snr_db"])), "{value}");
            let [mean, worst] = ["noise_to_mask_db", "noise_to_mask_worst_db"];
            assert!(number(&value[mean]) <= number(&value[worst]), "{value}");
            assert!(number(&value["noise_to_mask_worst_seconds"]) * 32_000.0 <= clean.len() as f64);
            let loudness = ["original", "adversarial"]
                .map(|side| number(&value[&format!("loudness_{side}_lufs")]));
            let difference = number(&value["loudness_difference_lu"]);
            assert!((loudness[1] - loudness[0] - difference).abs() < 1e-9, "{value}");
            assert!(number(&value["loudness_perturbation_lufs"]) < 0.0, "{value}");
        } else {
            for field in ["peak_dbfs", "noise_to_mask_db", "loudness_perturbation_lufs"] {
                assert_eq!(value[field], Value::Null, "{field}");
            }
        }
        let written = self.path("adv.wav");
        let named = run(&["classify", text(&written), "--json", "--top", "41"]).json();
        assert_eq!(named["label"], value["adversarial"]["label"]);
        let confidence = number(&value["adversarial"]["confidence"]);
        assert!((number(&named["confidence"]) - confidence).abs() < 1e-6);
        let entries = named["top"].as_array().expect("a list");
        let original =
            entries.iter().find(|entry| entry["label"] == original).expect("all 41 labels");
        let after = number(&value["original_label_confidence_after"]);
        assert!((number(&original["confidence"]) - after).abs() < 1e-6);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn attacks_at_a_fixed_snr_reach_it_to_a_hundredth_of_a_db() {
    let lab = Lab::new();
    for (attack, gradients) in [("white-noise", 0), ("fgsm", 1)] {
        for (options, snr) in [(&[][..], 20.0), (&["--snr", "-3.5"][..], -3.5)] {
            let value = lab.attack(&[&["--attack", attack], options].concat());
            assert_eq!(value["attack"], attack);
            assert_eq!(value["target"], Value::Null);
            assert_eq!(value["iterations"], 1);
            assert_eq!(value["gradient_evaluations"], gradients);
            assert!((number(&value["snr_db"]) - snr).abs() < 0.01, "{value}");
            check_status(&value);
        }
    }
}

/// The status must be what the labels say, and a reason is there if the goal was not reached.
fn check_status(value: &Value) {
    let fooled = value["adversarial"]["label"] != value["original"]["label"];
    assert_eq!(value["status"], if fooled { "fooled" } else { "not fooled" });
    assert_eq!(value["reason"].is_null(), fooled, "{value}");
}

#[test]
fn carlini_and_wagner_fool_the_model_and_the_figure_shows_it() {
    let lab = Lab::new();
    let figure = lab.path("figure.png");
    let value = lab.attack(&[&SHORT[..], &["--figure", text(&figure)]].concat());
    assert_eq!(value["attack"], "carlini-wagner");
    assert_eq!(value["status"], "fooled", "{value}");
    check_status(&value);
    assert_eq!(value["iterations"], 20);
    assert!((1.0..=20.0).contains(&number(&value["gradient_evaluations"])));
    assert!(number(&value["snr_db"]) > 30.0, "{value}");
    let picture = image::open(&figure).expect("a PNG").to_rgb8();
    assert_eq!(picture.width(), 2_100);
    assert!((600..=1_500).contains(&picture.height()), "{}", picture.height());
    let colours: HashSet<_> = picture.pixels().map(|pixel| pixel.0).collect();
    assert!(colours.len() > 100, "{} colours", colours.len());
}

#[test]
fn a_targeted_attack_ends_at_its_label() {
    let lab = Lab::new();
    let value = lab.attack(&[&SHORT[..], &["--target", "bass drum"]].concat());
    assert_eq!(value["target"], "Bass_drum");
    assert_eq!(value["status"], "fooled", "{value}");
    assert_eq!(value["adversarial"]["label"], "Bass_drum");
}

#[test]
fn a_random_target_follows_from_the_seed_and_the_least_likely_one_from_the_clip() {
    let attack = |target: &str, seed: &str| {
        let clip = bundled("glockenspiel");
        let arguments =
            ["attack", &clip, "--attack", "fgsm", "--target", target, "--seed", seed, "--json"];
        run(&arguments).json()
    };
    let targets = ["1", "1", "2", "3"].map(|seed| {
        let value = attack("random", seed);
        assert_eq!(value["target_rule"], "random");
        assert_ne!(value["target"], "Glockenspiel");
        value["target"].as_str().expect("a label").to_owned()
    });
    assert_eq!(targets[0], targets[1]);
    assert!(targets.iter().collect::<HashSet<_>>().len() > 1, "{targets:?}");

    let clip = bundled("glockenspiel");
    let all = run(&["classify", &clip, "--json", "--top", "41"]).json();
    let last = all["top"].as_array().and_then(|top| top.last()).expect("41 labels").clone();
    let value = attack("Least-Likely", "1");
    assert_eq!(value["target_rule"], "least-likely");
    assert_eq!(value["target"], last["label"], "the label at the end of the list");

    // A label by its name has no rule, and people are told in words.
    assert_eq!(attack("Tearing", "1")["target_rule"], Value::Null);
    let words = run(&["attack", &clip, "--attack", "fgsm", "--target", "random"]).done();
    says(&words, &["target", "drawn at random, seed 0"]);
}

#[test]
fn a_clip_that_is_where_it_should_go_is_left_alone() {
    let lab = Lab::new();
    for (options, status) in [
        (["--label", "Bark"], "already misclassified"),
        (["--target", "knock"], "already the target"),
    ] {
        let value = lab.attack(&options);
        assert_eq!(value["status"], status);
        assert_eq!(value["snr_db"], Value::Null);
        assert_eq!(value["peak"], 0.0);
        assert_eq!(value["iterations"], 0);
        assert_eq!(value["original"], value["adversarial"]);
    }
}

#[test]
fn the_same_seed_gives_the_same_file_and_another_another() {
    let lab = Lab::new();
    let noise = |seed: &str| {
        let value = lab.attack(&["--attack", "white-noise", "--seed", seed]);
        assert_eq!(value["seed"].to_string(), seed);
        std::fs::read(lab.path("adv.wav")).expect("the file")
    };
    let first = noise("7");
    assert_eq!(first, noise("7"));
    assert_ne!(first, noise("18446744073709551615"));
}

#[test]
fn for_people_the_result_and_the_files_are_told_in_words() {
    let lab = Lab::new();
    let (adversarial, figure) = (lab.path("adv.wav"), lab.path("figure.SVG"));
    let arguments =
        ["attack", text(&lab.clip), "--attack", "white-noise", "--snr", "12.5", "--threads", "1"];
    let files = ["-o", text(&adversarial), "--figure", text(&figure)];
    let stdout = run(&[&arguments[..], &files].concat()).done();
    says(&stdout, &["White noise: ", "original     Knock 0.", "12.50 dB", " gradients"]);
    says(&stdout, &[text(&adversarial), text(&figure)]);
    let svg = std::fs::read_to_string(&figure).expect("an SVG");
    assert!(svg.starts_with("<?xml") && svg.trim_end().ends_with("</svg>"));
    says(&svg, &["Original: Knock", "SNR 12.5 dB", "data:image/png;base64,"]);
}

#[test]
fn a_place_that_cannot_be_written_to_is_told_before_the_search() {
    let lab = Lab::new();
    let missing = |name: &str| lab.path("missing").join(name);
    let inside = |name: &str| lab.clip.join(name);
    let folder = |name: &str| {
        let path = lab.path(name);
        std::fs::create_dir_all(&path).expect("a folder");
        path
    };
    let cases = [
        ("-o", missing("adv.wav"), "the folder"),
        ("-o", inside("adv.wav"), "the folder"),
        ("-o", folder("adv.wav"), "is a folder; choose another name"),
        ("--original", missing("nat.wav"), "the folder"),
        ("--figure", missing("figure.png"), "choose a folder that exists"),
        ("--figure", inside("figure.png"), "choose a folder that exists"),
        ("--figure", folder("figure.png"), "choose a folder that exists"),
        ("--figure", lab.path("figure.jpg"), "end it in .png or .svg"),
    ];
    for (option, path, expected) in &cases {
        // The paper's setting: after its thousands of steps this test would run for hours.
        let arguments = ["attack", text(&lab.clip), "--preset", "paper", option, text(path)];
        says(&run(&arguments).message(1), &[text(path), expected]);
    }
    assert_eq!(std::fs::read_dir(lab.path("adv.wav")).expect("a folder").count(), 0);
}

#[test]
fn a_clip_that_cannot_be_read_or_an_snr_out_of_reach_fails_with_its_name() {
    let lab = Lab::new();
    let missing = lab.path("missing.wav");
    let message = run(&["attack", text(&missing)]).message(1);
    says(&message, &[text(&missing), "does not exist"]);
    let clip = bundled("tambourine");
    let loud = run(&["attack", &clip, "--attack", "white-noise", "--snr", "-300"]);
    assert_eq!(loud.status, 1);
    says(&loud.stdout, &["failed"]);
    says(&loud.stderr, &[&clip, "-300.00 dB can't be reached"]);
}

#[test]
fn one_file_for_two_outputs_is_refused_before_the_search() {
    let lab = Lab::new();
    let path = lab.path("both.wav");
    let done = run(&["attack", text(&lab.clip), "-o", text(&path), "--original", text(&path)]);
    says(&done.message(2), &["both.wav", "two outputs"]);
    assert!(!path.exists());
}

#[test]
fn the_clip_itself_is_never_overwritten() {
    let lab = Lab::new();
    let before = std::fs::read(&lab.clip).expect("the clip");
    let name = lab.clip.file_name().expect("a name").to_str().expect("UTF-8");
    // The same file by another name.
    let roundabout = lab.folder.path().join(".").join(name);
    let done = run(&["attack", text(&lab.clip), "-o", text(&roundabout)]);
    says(&done.message(2), &["the clip itself"]);
    assert_eq!(std::fs::read(&lab.clip).expect("the clip"), before);
}

#[test]
fn a_target_that_is_the_true_label_is_refused_and_writes_nothing() {
    let lab = Lab::new();
    let path = lab.path("adv.wav");
    let options = ["--label", "knock", "--target", "Knock", "-o", text(&path)];
    let done = run(&[&["attack", text(&lab.clip)], &options[..]].concat());
    says(&done.message(2), &["the clip's own label"]);
    assert!(!path.exists());
}

#[test]
fn an_interrupted_search_keeps_its_best() {
    let lab = Lab::new();
    let path = lab.path("adv.wav");
    let options = ["--preset", "best", "--iterations", "20000", "--json", "-o", text(&path)];
    let mut attack = command(&[&["attack", text(&lab.clip)], &options[..]].concat());
    let attack = attack.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = attack.spawn().expect("the program starts");
    // A model is loaded and fooled long before that, and all those steps take hours.
    std::thread::sleep(std::time::Duration::from_secs(12));
    let id = child.id().to_string();
    let told = std::process::Command::new("kill").args(["-INT", &id]).status();
    assert!(told.expect("kill").success());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(value["status"], "cancelled", "{value}");
    assert!(number(&value["snr_db"]) > 20.0 && path.exists(), "{value}");
}

#[test]
fn what_can_not_be_reached_or_means_nothing_is_said_before_or_instead() {
    let lab = Lab::new();
    let attack = |options: &[&str]| run(&[&["attack", text(&lab.clip)], options].concat());
    let bits = ["--attack", "white-noise", "--wav-bits", "16"];
    says(&attack(&bits).message(2), &["--wav-bits", "none is written"]);
    let sure = ["--model", "dense-wav", "--confidence", "1"];
    says(
        &attack(&sure).message(2),
        &["Dense-wav: the model gives probabilities", "confidence below 1", "log scores"],
    );
    // With 16 bits a softer noise is nothing at all.
    let noise = |snr| attack(&["--attack", "white-noise", "--snr", snr, "--16-bit"]);
    let refused = noise("120");
    assert_eq!(refused.status, 1);
    says(&refused.stderr, &["among 16-bit samples no such change"]);
    says(&noise("30").done(), &["SNR          30.0"]);
}

#[test]
fn survival_and_transfer_tell_what_becomes_of_the_result() {
    let lab = Lab::new();
    let value = lab.attack(&[&SHORT[..], &["--survival"]].concat());
    assert_eq!(value["status"], "fooled", "{value}");
    let survival = value["survival"].as_array().expect("a list");
    assert_eq!(survival.len(), 22);
    for entry in survival {
        let names = [
            "clean_confidence",
            "clean_label",
            "confidence",
            "label",
            "original_label_confidence",
            "reason",
            "snr_db",
            "status",
            "transform",
        ];
        assert_eq!(fields(entry), names.into());
        let status = match (entry["clean_label"] != "Knock", entry["label"] != "Knock") {
            (true, _) => "misheard anyway",
            (false, true) => "fooled",
            (false, false) => "not fooled",
        };
        assert_eq!(entry["status"], status, "{entry}");
        assert_eq!(entry["reason"], Value::Null);
        assert!((0.0..=1.0).contains(&number(&entry["confidence"])));
    }
    let find = |name: &str| survival.iter().find(|entry| entry["transform"] == name);
    // Rounding to 24 bits is far below the perturbation.
    let rounded = find("24-bit").expect("24 bits");
    assert_eq!(rounded["label"], value["adversarial"]["label"]);
    assert!(number(&rounded["snr_db"]) > 90.0, "{rounded}");
    // The file that was written, a sample later, is heard as told.
    let mut shifted = samples(&lab.path("adv.wav"));
    shifted.rotate_right(1);
    shifted[0] = 0.0;
    let later = lab.path("later.wav");
    mondegreen::audio::write_wav_f32(&later, &shifted).expect("the file is written");
    let named = run(&["classify", text(&later), "--json"]).json();
    let told = find("shift-1").expect("one sample later");
    assert_eq!(named["label"], told["label"]);
    assert!((number(&named["confidence"]) - number(&told["confidence"])).abs() < 1e-6);

    // Models without a file are left out, which is said on stderr.
    let adversarial = lab.path("adv.wav");
    let files = ["-o", text(&adversarial), "--transfer", "--json"];
    let done = run(&[&["attack", text(&lab.clip)], &SHORT[..], &files[..]].concat());
    assert_eq!(done.status, 0, "{}", done.stderr);
    let value: Value = serde_json::from_str(&done.stdout).expect("one JSON object");
    let transfer = value["transfer"].as_array().expect("a list");
    let models: Vec<_> = transfer.iter().map(|entry| entry["model"].as_str().unwrap()).collect();
    assert!(!models.contains(&"vgg13") && !models.is_empty(), "{models:?}");
    for entry in transfer {
        assert_eq!(fields(entry), ["adversarial", "fooled", "model", "original"].into());
        let fooled = entry["original"]["label"] != entry["adversarial"]["label"];
        assert_eq!(entry["fooled"], fooled, "{entry}");
        let model = entry["model"].as_str().expect("a name");
        let named = run(&["classify", text(&adversarial), "--json", "--model", model]).json();
        assert_eq!(named["label"], entry["adversarial"]["label"]);
    }
}

#[test]
fn what_was_made_for_16_bits_is_the_same_in_a_16_bit_file() {
    let lab = Lab::new();
    let value = lab.attack(&[&SHORT[..], &["--16-bit", "--survival"]].concat());
    assert_eq!(value["status"], "fooled", "{value}");
    assert_eq!(value["sixteen_bit"], true);
    let survival = value["survival"].as_array().expect("a list");
    let rounded = survival.iter().find(|entry| entry["transform"] == "16-bit").expect("16 bits");
    assert_eq!((&rounded["status"], &rounded["snr_db"]), (&"fooled".into(), &Value::Null));
    for sample in samples(&lab.path("adv.wav")) {
        assert_eq!((sample * 32_768.0).fract(), 0.0);
    }
}

#[test]
fn for_people_survival_and_transfer_are_tables() {
    let lab = Lab::new();
    let with = |attack: &[&str]| {
        run(&[&["attack", text(&lab.clip), "--survival", "--transfer"], attack].concat())
    };
    // What fools nobody has nothing to survive.
    let done = with(&["--attack", "white-noise", "--snr", "12.5"]);
    says(&done.stdout, &["other models"]);
    says(&done.stderr, &["the result fools nobody, so there is nothing to survive"]);
    assert!(!done.stdout.contains("survives "), "{}", done.stdout);
    let done = with(&["--attack", "fgsm", "--snr", "3"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let stdout = done.stdout;
    says(&stdout, &["other models", "CRNN", "->", "survives ", " of ", "MP3 128 kbit/s"]);
    says(&stdout, &["segmental", "noise/mask", "peak to peak", "LUFS"]);
    assert_eq!(stdout.lines().filter(|line| line.contains("kbit/s")).count(), 10, "{stdout}");
}
