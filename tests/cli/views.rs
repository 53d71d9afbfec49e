//! `inspect`, `explain` and `measure`: what the window shows of one clip, headless.

use serde_json::Value;

use super::program::{bundled, knock, number, run, says};

#[test]
fn inspect_tells_each_part_and_writes_what_the_network_is_fed() {
    let home = tempfile::tempdir().expect("a folder");
    let table = home.path().join("mel.csv");
    let (clip, csv) = (bundled("glockenspiel"), table.to_str().expect("UTF-8"));
    let said = run(&["inspect", &clip, "--features", csv, "--json"]).json();
    let parts = said["parts"].as_array().expect("parts");
    assert_eq!(said["top"][0]["label"], "Glockenspiel");
    assert_eq!(said["features"]["bands"], 64);
    assert_eq!(parts.len(), 2);
    let lines: Vec<String> =
        std::fs::read_to_string(&table).expect("a table").lines().map(str::to_owned).collect();
    assert_eq!(lines.len() as f64, 1.0 + number(&said["features"]["frames"]));
    assert!(lines.iter().all(|line| line.split(',').count() == 65));
    // The frames are as far apart as it says.
    let moment = |line: &str| line.split(',').next().and_then(|t| t.parse::<f64>().ok());
    let [first, second] = [1, 2].map(|i| moment(&lines[i]).expect("a moment"));
    assert!((second - first - number(&said["features"]["hop_seconds"])).abs() < 1e-9);

    let text = run(&["inspect", &clip, "--model", "dense-wav"]).done();
    assert!(text.contains("the whole    ") && text.contains("learned filters"), "{text}");
}

#[test]
fn explain_s_shares_add_up_and_its_map_has_a_cell_for_each() {
    let home = tempfile::tempdir().expect("a folder");
    let table = home.path().join("map.csv");
    let (clip, csv) = (bundled("glockenspiel"), table.to_str().expect("UTF-8"));
    let arguments = ["explain", &clip, "--map", csv, "--window", "512", "--hop", "512", "--json"];
    let said = run(&arguments).json();
    assert_eq!(said["label"], "Glockenspiel");
    assert!(number(&said["lead"]) > 0.0);
    for name in ["times", "bands"] {
        let shares = said[name].as_array().expect("shares").iter();
        let sum: f64 = shares.map(|part: &Value| number(&part["share"])).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{name}: {sum}");
    }
    let text = std::fs::read_to_string(&table).expect("a table");
    let cells = text.lines().skip(1).flat_map(|line| line.split(',').skip(1));
    let sum: f64 = cells.map(|cell| cell.parse::<f64>().expect("a number")).sum();
    let told = number(&said["lead_per_decibel"]);
    assert!((sum - told).abs() < 1e-3 * told.abs().max(0.01), "{sum}, {told}");

    // What is not heard lags behind.
    let other = run(&["explain", &clip, "--label", "Tearing", "--json"]).json();
    assert!(number(&other["lead"]) < 0.0 && other["rival"] == "Glockenspiel");
    says(&run(&["explain", &clip, "--window", "1000"]).message(2), &["1000", "out of range"]);
    says(&run(&["explain", &clip, "--label", "Tering"]).message(2), &["Tearing"]);
}

#[test]
fn measure_tells_the_snr_of_the_whole_and_of_a_part() {
    let home = tempfile::tempdir().expect("a folder");
    let clip = knock(home.path());
    let [noisy, short] = ["noisy.wav", "short.wav"].map(|name| home.path().join(name));
    let text = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    let attack = ["attack", &text(&clip), "--attack", "white-noise", "--snr", "30"];
    run(&[&attack[..], &["-o", &text(&noisy)]].concat()).done();
    let whole = run(&["measure", &text(&clip), &text(&noisy), "--json"]).json();
    assert!((number(&whole["snr_db"]) - 30.0).abs() < 0.01 && whole["part"].is_null());
    let part = ["measure", &text(&clip), &text(&noisy), "--json", "--from", "0", "--to", "0.02"];
    let part = run(&part).json();
    assert_eq!(part["snr_db"], whole["snr_db"]);
    assert!(number(&part["part"]["snr_db"]).is_finite());
    assert_ne!(part["part"]["snr_db"], part["snr_db"]);

    let wrong = ["measure", &text(&clip), &text(&noisy), "--from", "0.2", "--to", "0.1"];
    says(&run(&wrong).message(2), &["no length"]);
    mondegreen::audio::write_wav_f32(&short, &[0.1; 4000]).expect("a clip");
    says(&run(&["measure", &text(&clip), &text(&short)]).message(1), &["same length", "short.wav"]);
}

#[test]
fn compare_sets_attacks_beside_each_other() {
    let home = tempfile::tempdir().expect("a folder");
    let clip = knock(home.path()).to_str().expect("UTF-8").to_owned();
    let [table, figure] = ["table.csv", "twins.svg"].map(|name| home.path().join(name));
    let text = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    let both = ["--attack", "white-noise", "--attack", "fgsm", "--model", "vgg13"];
    let (csv, svg) = (text(&table), text(&figure));
    let out = ["--csv", &csv, "--figure", &svg];
    let arguments = [&["compare", &clip][..], &both, &["--model", "dense-wav"], &out].concat();
    let said = run(&arguments).done();
    assert_eq!(said.lines().count(), 5, "{said}");
    says(&said, &["VGG13", "Dense-wav", "White noise", "FGSM", "20.00"]);
    assert_eq!(std::fs::read_to_string(&table).expect("a table").lines().count(), 5);
    let drawn = std::fs::read_to_string(&figure).expect("a figure");
    says(&drawn, &["heard by VGG13", "White noise, SNR 20.0 dB", "FGSM, SNR 20.0 dB"]);
    let lines = run(&[&["compare", &clip, "--json"][..], &both].concat()).done();
    let rows: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["attack"], &rows[1]["attack"]), (&"white-noise".into(), &"fgsm".into()));
    let aims = ["compare", &clip, "--attack", "deepfool", "--target", "Cello"];
    says(&run(&aims).message(2), &["deepfool cannot aim"]);
}
