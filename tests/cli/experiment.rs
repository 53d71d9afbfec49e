//! Experiments as people run them: killed, resumed, shared among processes, on a full disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::program::{command, finish, run, says};

/// Half a second of some bundled clips, a folder a label: items on these are quick.
const CLIPS: [(&str, &str); 5] = [
    ("glockenspiel", "Glockenspiel"),
    ("cello", "Cello"),
    ("tambourine", "Tambourine"),
    ("clarinet", "Clarinet"),
    ("gunshot", "Gunshot_or_gunfire"),
];

pub fn data(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    for (file, label) in CLIPS {
        let path = data.join(label);
        std::fs::create_dir_all(&path).expect("a folder");
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/clips/{file}.flac"));
        let clip = mondegreen::audio::load(&clip, 60.0).expect("a bundled clip");
        for (name, start) in [("a.wav", 0), ("b.wav", 8_000)] {
            let samples = &clip.samples[start..start + 24_000];
            mondegreen::audio::write_wav_f32(&path.join(name), samples).expect("a WAV");
        }
    }
    data
}

/// `experiment untargeted` with what every test here gives.
pub fn untargeted(run: &Path, data: &Path, more: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = ["experiment", "untargeted"].map(str::to_owned).to_vec();
    words.push(run.display().to_string());
    words.extend(["--data".to_owned(), data.display().to_string()]);
    let always = "--split train --model vgg13 --model dense-mel --attack white-noise --attack fgsm";
    words.extend(always.split(' ').map(str::to_owned));
    words.extend(more.iter().map(|&word| word.to_owned()));
    words
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Rows by id, without what differs between two runs of the same.
pub fn rows(folder: &Path) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(folder.join("results.jsonl")).expect("rows");
    let row = |line: &str| {
        let mut row: Value = serde_json::from_str(line).expect("a row");
        row["seconds"] = Value::Null;
        (row["id"].as_str().expect("an id").to_owned(), row)
    };
    text.lines().map(row).collect()
}

/// All tables of a run's report, by the names of their files.
pub fn tables(run_folder: &Path) -> BTreeMap<String, String> {
    let out = tempfile::tempdir().expect("a folder");
    let words = ["experiment", "report", path(run_folder), "--no-examples", "--out"];
    run(&[&words[..], &[path(out.path())]].concat()).done();
    let files = std::fs::read_dir(out.path()).expect("a report").flatten();
    let tables =
        files.map(|file| file.path()).filter(|file| file.extension() == Some("csv".as_ref()));
    let read = |file: PathBuf| {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&file).expect("a table"))
    };
    tables.map(read).collect()
}

pub fn line_count(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("results.jsonl")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_run_that_is_killed_ten_times_has_the_rows_of_one_that_was_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let more = ["--attack", "deepfool", "--jobs", "2"];
    says(&run(&untargeted(&whole, &data, &more)).done(), &["0 to do"]);
    let expected = rows(&whole);
    assert!(expected.len() >= 20, "{} rows", expected.len());
    let (mut kills, mut grew) = (0, 0);
    while kills < 10 {
        let before = line_count(&killed);
        let starts = || {
            let log = std::fs::read_to_string(killed.join("log.txt")).unwrap_or_default();
            log.matches("started").count()
        };
        let started = starts();
        let mut process = command(&untargeted(&killed, &data, &more))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // At another moment each time, some of them while a row is written, and all of the later
        // ones after there are rows, however slow the machine is.
        let mut waits_for = |there: &dyn Fn() -> bool| {
            while !there() && process.try_wait().expect("a process").is_none() {
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        waits_for(&|| starts() > started);
        if kills >= 5 {
            waits_for(&|| line_count(&killed) > before);
        }
        std::thread::sleep(Duration::from_millis(23 * kills));
        process.kill().expect("kill -9");
        process.wait().expect("it ends");
        kills += 1;
        grew += usize::from(line_count(&killed) > before);
    }
    assert!(grew > 0, "no kill left anything behind");
    says(&run(&untargeted(&killed, &data, &more)).done(), &["0 to do"]);
    assert_eq!(rows(&killed), expected);
    assert_eq!(line_count(&killed), expected.len(), "an item was done twice");
    let of_whole = tables(&whole);
    assert!(of_whole.contains_key("table1.csv") && of_whole.contains_key("table3.csv"));
    assert_eq!(tables(&killed), of_whole);
    // Again, and nothing is left to do.
    says(&run(&untargeted(&killed, &data, &more)).done(), &["0 items done now"]);
}

#[test]
fn four_shards_joined_are_one_run_and_gaps_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let (whole, shared) = (folder.path().join("whole"), folder.path().join("shared"));
    run(&untargeted(&whole, &data, &[])).done();
    let joined = folder.path().join("joined");
    let merge = |shards: &[usize]| {
        let mut words = vec!["experiment".to_owned(), "merge".to_owned(), path(&joined).to_owned()];
        words.extend(shards.iter().map(|i| format!("{}/shards/{i}-of-4", path(&shared))));
        run(&words)
    };
    run(&untargeted(&shared, &data, &["--plan"])).done();
    for index in 1..=4 {
        run(&untargeted(&shared, &data, &["--shard", &format!("{index}/4")])).done();
    }
    let gaps = merge(&[1, 2, 4]);
    assert_eq!(gaps.status, 1);
    says(&gaps.stdout, &["0 items overlapped"]);
    says(&gaps.stderr, &["missing: ", "items are missing: `mondegreen experiment run"]);
    says(&merge(&[1, 2, 3, 4]).done(), &["0 are missing, 0 failed"]);
    assert_eq!(rows(&joined), rows(&whole));
    assert_eq!(tables(&joined), tables(&whole));
    // Joined again, nothing is added; only what two of the folders have done overlaps.
    let lines = line_count(&joined);
    says(&merge(&[1, 2, 3, 4]).done(), &["; 0 items overlapped"]);
    let twice = line_count(&shared.join("shards/1-of-4"));
    says(&merge(&[1, 2, 3, 4, 1]).done(), &[&format!("; {twice} items overlapped")]);
    assert_eq!(line_count(&joined), lines);
    let report = folder.path().join("report");
    run(&["experiment", "report", path(&shared), "--out", path(&report), "--no-examples"]).done();
    let report = std::fs::read_to_string(report.join("report.md")).expect("a report");
    says(&report, &["4 shares of the run have rows that are not counted here"]);
    // A folder whose rows are others is told by its name.
    let rows_file = shared.join("shards/2-of-4/results.jsonl");
    let text = std::fs::read_to_string(&rows_file).expect("rows");
    std::fs::write(&rows_file, text.replace("\"peak\":0.", "\"peak\":1.")).expect("other rows");
    let other = merge(&[1, 2, 3, 4]);
    assert_eq!(other.status, 1);
    says(&other.stderr, &["2-of-4 disagree on", "folders disagree on"]);
    let one = run(&["experiment", "run", path(&joined)]).done();
    says(&one, &["0 items done now"]);
}

#[test]
fn a_changed_configuration_is_noticed_and_told_by_its_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    run(&untargeted(&place, &data, &["--clips", "1"])).done();
    let toml = place.join("experiment.toml");
    let text = std::fs::read_to_string(&toml).expect("a configuration");
    std::fs::write(&toml, text.replace("seed = 0", "seed = 1").replace("label = 1", "label = 2"))
        .expect("a changed configuration");
    let message = run(&["experiment", "run", path(&place)]).message(1);
    says(&message, &["clips_per_label in the configuration, seed in", "--accept-change"]);
    std::fs::write(&toml, text.replace("per_label = 1", "per_label = 2")).expect("a change");
    let before = rows(&place);
    run(&["experiment", "run", path(&place), "--accept-change"]).done();
    let after = rows(&place);
    assert!(after.len() > before.len());
    assert!(before.iter().all(|(id, row)| after[id] == *row), "an old row was done again");
    std::fs::write(&toml, text.replace("seed = 0", "sede = 0")).expect("a mistake");
    let message = run(&["experiment", "run", path(&place)]).message(2);
    says(&message, &["experiment.toml", "unknown field `sede`"]);
    // Another data set under the same name.
    std::fs::write(&toml, &text).expect("what it was");
    std::fs::remove_file(data.join("Cello/b.wav")).expect("a clip less");
    let message = run(&["experiment", "run", path(&place), "--accept-change"]).done();
    says(&message, &["0 to do"]);
    let survey = || std::fs::read_to_string(place.join("survey.jsonl")).expect("a survey");
    assert!(survey().contains("Cello/a.wav") && !survey().contains("Cello/b.wav"));
    // Another sound of the same length under the same name, as soon as anybody looks.
    std::fs::copy(data.join("Clarinet/a.wav"), data.join("Cello/a.wav")).expect("another sound");
    run(&["experiment", "run", path(&place), "--retry"]).done();
    let heard = survey();
    let cello: Vec<_> = heard.lines().filter(|line| line.contains("Cello/a.wav")).collect();
    assert!(!cello.is_empty() && cello.iter().all(|line| line.contains("\"heard\":\"Clarinet\"")));
    let plan = std::fs::read_to_string(place.join("plan.jsonl")).expect("a plan");
    assert!(!plan.contains("Cello/a.wav") && plan.contains("Clarinet/"));
    // Before anything is attacked people may think again.
    let fresh = folder.path().join("fresh");
    let plan = run(&untargeted(&fresh, &data, &["--clips", "1", "--plan"])).done();
    says(&plan, &["to do", "about "]);
    run(&untargeted(&fresh, &data, &["--clips", "2", "--plan"])).done();
    assert_eq!(line_count(&fresh), 0);
    let named = folder.path().join("named");
    let words = ["experiment", "accuracy", path(&named), "--split", "all"];
    let words = [&words[..], &["--model", "vgg13", "--data", path(&data)]].concat();
    says(&run(&words).done(), &["Table 1", "VGG13", "paper 80.93"]);
}

#[test]
fn failures_are_rows_with_reasons_and_are_tried_again_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    run(&["experiment", "plan", path(&place)]).message(2);
    let wrong = run(&untargeted(&place, &data, &["--label", "cellow"])).message(2);
    says(&wrong, &["labels: there is no label named", "did you mean Cello?"]);
    assert!(!place.exists(), "what can't be begun leaves no folder behind");
    run(&untargeted(&place, &data, &["--clips", "1"])).done();
    let done = rows(&place);
    let clip = done.values().next().expect("a row")["clip"].as_str().expect("a name").to_owned();
    let (there, away) = (data.join(&clip), folder.path().join("away.wav"));
    std::fs::remove_file(place.join("results.jsonl")).expect("rows go");
    std::fs::rename(&there, &away).expect("a clip goes");
    std::fs::write(
        &there,
        std::fs::read(&away).expect("a clip").iter().map(|_| 0).collect::<Vec<u8>>(),
    )
    .expect("rubbish of the same size");
    let failed = run(&["experiment", "run", path(&place), "--json"]);
    assert_eq!(failed.status, 1, "{}", failed.stderr);
    says(&failed.stderr, &[&clip, "is not a sound file", "could not be done"]);
    let broken = rows(&place);
    assert_eq!(broken.len(), done.len());
    assert_eq!(broken.values().filter(|row| row["status"] == "failed").count(), 4);
    std::fs::rename(&away, &there).expect("the clip comes back");
    let quiet = run(&["experiment", "run", path(&place)]);
    assert_eq!(quiet.status, 0);
    says(&quiet.stderr, &["4 items failed before; --retry"]);
    run(&["experiment", "run", path(&place), "--retry"]).done();
    assert_eq!(rows(&place), done);
}

#[test]
fn a_clip_that_cannot_be_read_is_left_out_told_and_asked_again_with_retry() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    let (there, away) = (data.join("Cello/a.wav"), folder.path().join("away.wav"));
    let sound = std::fs::read(&there).expect("a clip");
    std::fs::rename(&there, &away).expect("a clip goes");
    std::fs::write(&there, vec![0; sound.len()]).expect("rubbish of the same size");
    let first = run(&untargeted(&place, &data, &[]));
    assert_eq!(first.status, 0, "{}", first.stderr);
    says(&first.stderr, &["Cello/a.wav was left out", "is not a sound file"]);
    let before = rows(&place);
    assert!(before.values().all(|row| row["clip"] != "Cello/a.wav"));
    run(&["experiment", "report", path(&place)]).done();
    let report = std::fs::read_to_string(place.join("report/report.md")).expect("a report");
    says(&report, &["### Failures", "Cello/a.wav was left out"]);
    std::fs::rename(&away, &there).expect("the clip comes back");
    run(&["experiment", "run", path(&place), "--retry"]).done();
    run(&["experiment", "report", path(&place)]).done();
    let report = std::fs::read_to_string(place.join("report/report.md")).expect("a report");
    assert!(!report.contains("was left out"), "{report}");
}

#[test]
fn ids_from_a_list_are_done_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    let config = folder.path().join("quick.toml");
    let text = format!(
        "experiment = \"targeted\"\ndata = \"{}\"\nsplit = \"train\"\nmodels = [\"vgg13\"]\n\
         labels = [\"cello\", \"Clarinet\"]\n[[attacks]]\nattack = \"fgsm\"\n",
        data.display()
    );
    std::fs::write(&config, text).expect("a configuration");
    let plan =
        run(&["experiment", "plan", path(&place), "--config", path(&config), "--json"]).done();
    let items: Vec<Value> =
        plan.lines().map(|l| serde_json::from_str(l).expect("an item")).collect();
    assert!(items.len() >= 2, "{plan}");
    assert!(items.iter().all(|item| item["target"] != item["label"] && item["target"].is_string()));
    let ids = folder.path().join("ids.txt");
    let id = items[1]["id"].as_str().expect("an id");
    std::fs::write(&ids, format!("{id}\n\n")).expect("a list");
    let words = ["experiment", "run", path(&place), "--items", path(&ids)];
    says(&run(&words).done(), &["1 items done now"]);
    assert_eq!(rows(&place).keys().collect::<Vec<_>>(), [id]);
    std::fs::write(&ids, "0123\n").expect("a list");
    says(&run(&words).message(1), &["there is no item 0123"]);
    let words = run(&["experiment", "plan", path(&place)]).done();
    says(&words, &["1 are done", "fgsm on vgg13, about", "on CPU"]);
}

#[test]
fn kept_clips_answer_for_the_other_models_without_new_attacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let (asked, kept) = (folder.path().join("asked"), folder.path().join("kept"));
    let more = ["--clips", "1", "--attack", "deepfool"];
    run(&untargeted(&asked, &data, &more)).done();
    for format in ["wav", "safetensors"] {
        let place = kept.join(format);
        let more = [&more[..], &["--no-transfer", "--keep", format]].concat();
        run(&untargeted(&place, &data, &more)).done();
        assert!(rows(&place).values().all(|row| row["transfer"].is_null()));
        let stdout = run(&["experiment", "transfer", path(&place)]).done();
        says(&stdout, &[" 0 before; of 0 nothing was kept"]);
        let transfer = |folder: &Path| -> Vec<Value> {
            rows(folder).values().map(|row| row["transfer"].clone()).collect()
        };
        assert_eq!(transfer(&place), transfer(&asked), "{format}");
        assert!(transfer(&place).iter().any(Value::is_array));
        let row = rows(&place).into_values().find(|row| row["status"] == "fooled").expect("one");
        let file = place.join(row["kept"].as_str().expect("a file"));
        assert!(file.is_file() && file.extension().is_some_and(|ending| ending == format));
        if format == "wav" {
            let samples = crate::program::samples(&file);
            let hash = mondegreen::export::sha256_of_samples(&samples);
            assert_eq!(row["samples_sha256"], hash);
            let clip = data.join(row["clip"].as_str().expect("a clip"));
            let clean = mondegreen::audio::load(&clip, 60.0).expect("the clip").samples;
            let metrics = mondegreen::metrics::Metrics::of(&clean, &samples);
            for (name, value) in mondegreen::export::metrics_json(&metrics) {
                let told = if row[&name].is_null() { &row["measures"][&name] } else { &row[&name] };
                assert_eq!(*told, value, "{name}");
            }
            let margin = row["measures"]["margin"].as_f64().expect("a margin");
            assert!(margin > 0.0, "{margin}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_costs_nothing_that_was_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let (whole, full) = (folder.path().join("whole"), folder.path().join("full"));
    run(&untargeted(&whole, &data, &[])).done();
    // No file may grow beyond some kilobytes, as if the disk were full in the midst of the rows.
    let size = |file: &str| std::fs::metadata(whole.join(file)).expect("a file").len();
    // Bash counts in kilobytes.
    let blocks = (size("results.jsonl") / 1024).saturating_sub(2);
    assert!(blocks * 1024 > size("plan.jsonl").max(size("survey.jsonl")), "only the rows are cut");
    let mut limited = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    limited.args(["-c", &script, env!("CARGO_BIN_EXE_mondegreen")]);
    limited.args(untargeted(&full, &data, &[])).current_dir(env!("CARGO_MANIFEST_DIR"));
    let stopped = finish(limited);
    assert_eq!(stopped.status, 1, "{}", stopped.stderr);
    says(&stopped.stderr, &["results.jsonl can't be written", "What was finished before is kept"]);
    let kept = rows(&full);
    assert!(!kept.is_empty() && kept.len() < rows(&whole).len());
    run(&untargeted(&full, &data, &[])).done();
    assert_eq!(rows(&full), rows(&whole));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_after_the_step_and_keeps_what_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    let more = ["--attack", "carlini-wagner", "--preset", "best", "--jobs", "1"];
    let mut process = command(&untargeted(&place, &data, &more));
    let process = process.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    // White noise and FGSM are quick; then it is in the midst of a long search.
    while line_count(&place) < 12 {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(300));
    let pid = process.id().to_string();
    let began = std::time::Instant::now();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let output = process.wait_with_output().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(output.status.code(), Some(1));
    says(&String::from_utf8_lossy(&output.stderr), &["stopped", "the same command goes on"]);
    assert!(line_count(&place) >= 12);
}

#[test]
fn two_processes_do_not_share_a_folder_by_accident() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    let more = ["--attack", "carlini-wagner", "--preset", "best", "--jobs", "1"];
    let mut first = command(&untargeted(&place, &data, &more));
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while line_count(&place) < 1 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let message = run(&["experiment", "run", path(&place)]).message(1);
    first.kill().expect("kill");
    first.wait().expect("it ends");
    says(&message, &["is in use by another process", "--shard"]);
}

#[test]
fn a_report_has_tables_figures_and_the_papers_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let (away, aimed) = (folder.path().join("away"), folder.path().join("aimed"));
    run(&untargeted(&away, &data, &["--attack", "deepfool", "--clips", "1", "--keep", "wav"]))
        .done();
    let mut words = untargeted(&aimed, &data, &["--label", "cello", "--label", "clarinet"]);
    words[1] = "targeted".to_owned();
    words.retain(|word| word != "white-noise");
    let spare =
        words.iter().position(|word| word == "--attack").expect("the option without a name");
    words.remove(spare);
    run(&words).done();
    let out = folder.path().join("report");
    let stdout =
        run(&["experiment", "report", path(&away), path(&aimed), "--out", path(&out)]).done();
    says(&stdout, &["report.md"]);
    let text = std::fs::read_to_string(out.join("report.md")).expect("a report");
    let tables = ["Table 1", "Table 2", "Table 3", "Table 4", "Table 5"];
    says(&text, &tables);
    says(&text, &["paper 41.81", "paper 80.93", "n=", "### What differs from the paper"]);
    for file in ["figure1.png", "figure1.svg", "figure2-fgsm.png", "figure2-fgsm.svg"] {
        assert!(out.join(file).metadata().expect(file).len() > 500, "{file}");
    }
    assert!(out.join("figure3-1.png").is_file() && text.contains("](figure3-1.png)"));
    let latex = std::fs::read_to_string(out.join("table3.tex")).expect("a table");
    says(&latex, &["\\toprule", "DeepFool & VGG13 & ", "\\emph{52.47}"]);
    let csv = std::fs::read_to_string(out.join("table2.csv")).expect("a table");
    says(&csv, &["SNR dB (low)", "FGSM"]);
    // Success of white noise, as the rows say it.
    let rows = rows(&away);
    let noise = rows.values().filter(|row| row["attack"] == "white-noise");
    let (mut fooled, mut all) = (BTreeMap::new(), BTreeMap::new());
    for row in noise {
        let model = row["model"].as_str().expect("a model").to_owned();
        *fooled.entry(model.clone()).or_insert(0.0) +=
            f64::from(u8::from(row["status"] == "fooled"));
        *all.entry(model).or_insert(0.0) += 1.0;
    }
    let rate =
        all.iter().map(|(model, all)| 100.0 * fooled[model] / all).sum::<f64>() / all.len() as f64;
    assert!(csv.contains(&format!("White noise,{rate:.4},")), "{rate}: {csv}");
    // Again, and with a clip that people choose.
    let id = rows.values().find(|row| row["kept"].is_string()).expect("a kept clip")["id"].clone();
    let id = id.as_str().expect("an id");
    run(&["experiment", "report", path(&away), "--out", path(&out), "--example", id]).done();
    // A clip that is gone costs its own picture only.
    let clip = rows[id]["clip"].as_str().expect("a clip");
    std::fs::rename(data.join(clip), folder.path().join("gone.wav")).expect("it is moved");
    let poor = folder.path().join("poor");
    run(&["experiment", "report", path(&away), "--out", path(&poor), "--example", id]).done();
    let text = std::fs::read_to_string(poor.join("report.md")).expect("a report");
    says(&text, &["could not be drawn", "What differs from the paper"]);
    std::fs::rename(folder.path().join("gone.wav"), data.join(clip)).expect("it is back");
    let bare = folder.path().join("bare");
    run(&["experiment", "report", path(&away), "--out", path(&bare), "--no-examples"]).done();
    assert!(!bare.join("figure3-1.png").exists() && bare.join("figure1.png").exists());
    let message = run(&["experiment", "report", path(&away), "--example", "0123"]).message(1);
    says(&message, &["there is no row 0123"]);
    let message = run(&["experiment", "report", path(folder.path())]).message(1);
    says(&message, &["is no run's folder"]);
}
