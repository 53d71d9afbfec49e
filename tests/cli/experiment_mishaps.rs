//! What goes wrong around experiments: folders copied in halves, configurations that change on the
//! way, clips that are gone, and runs that were never meant for one table.

use std::path::Path;

use serde_json::Value;

use crate::experiment::{data, line_count, path, rows, tables, untargeted};
use crate::program::{run, says};

fn merge(into: &Path, shards: &Path, order: &[usize]) -> crate::program::Run {
    let mut words = vec!["experiment".to_owned(), "merge".to_owned(), path(into).to_owned()];
    words.extend(order.iter().map(|i| format!("{}/shards/{i}-of-2", path(shards))));
    run(&words)
}

#[test]
fn a_plan_that_was_copied_in_half_takes_nothing_out_of_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    for index in ["1/2", "2/2"] {
        run(&untargeted(&place, &data, &["--keep", "wav", "--shard", index])).done();
    }
    let joined = folder.path().join("joined");
    merge(&joined, &place, &[1, 2]).done();
    let (all, plan) = (rows(&joined), place.join("shards/1-of-2/plan.jsonl"));
    let whole = std::fs::read_to_string(&plan).expect("a plan");
    let half: String = whole.lines().take(3).map(|line| format!("{line}\n")).collect();
    std::fs::write(&plan, half).expect("half a plan");
    for order in [[1, 2], [2, 1]] {
        let again = folder.path().join(format!("again-{}", order[0]));
        let said = merge(&again, &place, &order);
        assert_eq!(said.status, 0, "{}", said.stderr);
        says(&said.stdout, &[&format!("{} rows in", all.len()), "0 are missing"]);
        says(&said.stderr, &["items are not in the plans of all folders"]);
        assert_eq!(rows(&again), all);
    }
    std::fs::remove_file(&plan).expect("no plan");
    says(&merge(&joined, &place, &[1, 2]).message(1), &["rows and no plan.jsonl"]);
    assert_eq!(rows(&joined), all);
    std::fs::write(&plan, whole).expect("the plan");

    // A kept clip that was not copied is told, comes later, and is taken then.
    let row = all.values().find(|row| row["kept"].is_string()).expect("a kept clip");
    let (id, kept) = (row["id"].as_str().expect("an id"), row["kept"].as_str().expect("a file"));
    let of = |shard: usize| place.join(format!("shards/{shard}-of-2")).join(kept);
    let there = if of(1).is_file() { of(1) } else { of(2) };
    let away = folder.path().join("away.wav");
    std::fs::rename(&there, &away).expect("a clip goes");
    let late = folder.path().join("late");
    says(&merge(&late, &place, &[1, 2]).stderr, &["1 rows were taken without"]);
    assert_eq!(rows(&late)[id]["kept"], Value::Null);
    std::fs::rename(&away, &there).expect("the clip comes back");
    merge(&late, &place, &[1, 2]).done();
    assert_eq!(rows(&late), all);
    assert!(late.join(kept).is_file());
    let lines = line_count(&late);
    merge(&late, &place, &[1, 2]).done();
    assert_eq!(line_count(&late), lines);
    // And once more where it was lost.
    std::fs::remove_file(late.join(kept)).expect("a clip goes");
    merge(&late, &place, &[1, 2]).done();
    assert!(late.join(kept).is_file());
    assert_eq!(line_count(&late), lines);

    // Nobody joins into a folder in which something else was planned.
    let other = folder.path().join("other");
    run(&untargeted(&other, &data, &["--seed", "5", "--plan"])).done();
    let message = merge(&other, &place, &[1, 2]).message(1);
    says(&message, &["something else was planned there", "keep, seed differs"]);

    // What models said there with other weights does not count.
    let planned = folder.path().join("planned");
    run(&untargeted(&planned, &data, &["--keep", "wav", "--plan"])).done();
    let survey = std::fs::read_to_string(planned.join("survey.jsonl")).expect("answers");
    let of_others = survey.replace("\"weights\":\"", "\"weights\":\"0");
    std::fs::write(planned.join("survey.jsonl"), of_others).expect("answers of other weights");
    merge(&planned, &place, &[1, 2]).done();
    assert_eq!(rows(&planned), all);
    assert_eq!(tables(&planned), tables(&joined));
    says(&run(&untargeted(&planned, &data, &["--keep", "wav"])).done(), &["0 to do"]);
}

#[test]
fn a_share_of_another_configuration_is_refused_before_it_computes() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    run(&untargeted(&place, &data, &["--plan"])).done();
    run(&untargeted(&place, &data, &["--shard", "1/2"])).done();
    let other = run(&untargeted(&place, &data, &["--seed", "7", "--shard", "2/2"])).message(1);
    says(&other, &["1-of-2", "seed in the configuration", "--accept-change"]);
    assert_eq!(line_count(&place.join("shards/2-of-2")), 0);
    run(&untargeted(&place, &data, &["--shard", "2/2"])).done();
}

#[test]
fn runs_that_overlap_count_once_in_a_report_and_other_data_are_not_pooled() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let (large, small) = (folder.path().join("large"), folder.path().join("small"));
    run(&untargeted(&large, &data, &[])).done();
    run(&untargeted(&small, &data, &["--clips", "1"])).done();
    let out = folder.path().join("report");
    let report = |runs: &[&Path]| {
        let mut words = vec!["experiment", "report", "--no-examples", "--out", path(&out)];
        words.extend(runs.iter().map(|run| path(run)));
        run(&words)
    };
    report(&[&large]).done();
    let table = || std::fs::read_to_string(out.join("table3.csv")).expect("Table 3");
    let alone = table();
    report(&[&large, &small]).done();
    assert_eq!(table(), alone);
    let text = std::fs::read_to_string(out.join("report.md")).expect("a report");
    let common = line_count(&small);
    assert!(common > 0);
    says(&text, &[&format!("{common} items were done in more than one of these runs")]);

    // Rows without their plan are no empty run, and what was reported before stays.
    let (plan, away) = (large.join("plan.jsonl"), folder.path().join("plan.jsonl"));
    std::fs::rename(&plan, &away).expect("the plan goes");
    says(&report(&[&large]).message(1), &["large has rows and no plan.jsonl"]);
    assert_eq!(table(), alone);
    std::fs::rename(&away, &plan).expect("the plan comes back");

    // A report without attacks leaves no table of the one before; other files stay.
    let mine = out.join("table-of-mine.csv");
    std::fs::write(&mine, "mine").expect("a file");
    let named = folder.path().join("named");
    let accuracy = ["experiment", "accuracy", path(&named), "--data", path(&data)];
    run(&[&accuracy[..], &["--split", "train", "--model", "dense-mel"]].concat()).done();
    report(&[&named]).done();
    assert!(out.join("table1.csv").is_file() && !out.join("table3.csv").exists());
    assert!(mine.is_file() && !out.join("figure1.png").exists());

    let all = folder.path().join("all");
    let accuracy = ["experiment", "accuracy", path(&all), "--data", path(&data)];
    run(&[&accuracy[..], &["--split", "all", "--model", "dense-mel"]].concat()).done();
    says(&report(&[&named, &all]).message(1), &["the chosen recordings (split, verified_only)"]);

    let clip = data.join("Cello/a.wav");
    let shorter = mondegreen::audio::load(&clip, 60.0).expect("a clip").samples[..16_000].to_vec();
    mondegreen::audio::write_wav_f32(&clip, &shorter).expect("another clip");
    let changed = folder.path().join("changed");
    run(&untargeted(&changed, &data, &["--clips", "1"])).done();
    let refused = report(&[&large, &changed]).message(1);
    says(
        &refused,
        &["changed", "the data set differ from those of", "report these runs one by one"],
    );
}

#[test]
fn what_fails_again_ends_a_retry_and_presets_and_models_are_what_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    run(&untargeted(&place, &data, &["--clips", "1"])).done();
    let clip = rows(&place).values().next().expect("a row")["clip"].clone();
    let clip = data.join(clip.as_str().expect("a name"));
    std::fs::remove_file(place.join("results.jsonl")).expect("rows go");
    let rubbish = vec![0; std::fs::metadata(&clip).expect("a clip").len() as usize];
    let sound = std::fs::read(&clip).expect("a clip");
    std::fs::write(&clip, &rubbish).expect("rubbish of the same size");
    assert_eq!(run(&["experiment", "run", path(&place)]).status, 1);
    // Asked again, the models are asked about the clip, too, and it is left out.
    let plan = std::fs::read_to_string(place.join("plan.jsonl")).expect("a plan");
    let again = run(&["experiment", "run", path(&place), "--retry"]);
    says(&again.stdout, &["0 to do"]);
    assert!(!again.stderr.contains("stopped"), "{}", again.stderr);
    std::fs::write(&clip, sound).expect("the clip comes back");
    run(&["experiment", "run", path(&place), "--retry"]).done();
    assert_eq!(std::fs::read_to_string(place.join("plan.jsonl")).expect("a plan"), plan);

    let asked = |more: &[&str]| {
        let words = ["experiment", "untargeted", path(&place), "--accept-change", "--plan"];
        run(&[&words[..], more].concat()).done();
        std::fs::read_to_string(place.join("experiment.toml")).expect("a configuration")
    };
    let toml = asked(&["--preset", "best"]);
    says(&toml, &["white-noise", "fgsm"]);
    assert!(!toml.contains("carlini-wagner"), "{toml}");
    says(&asked(&["--model", "all"]), &["vgg13", "crnn", "gcnn", "dense-mel", "dense-wav"]);
}

#[test]
fn a_data_set_beside_the_configuration_is_found_from_anywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("runs/one");
    std::fs::create_dir_all(&place).expect("a folder");
    let text = |data: &str| {
        format!(
            "experiment = \"untargeted\"\ndata = \"{data}\"\nsplit = \"train\"\n\
             models = [\"dense-mel\"]\nclips_per_label = 1\n[[attacks]]\nattack = \"white-noise\"\n"
        )
    };
    let file = place.join("experiment.toml");
    std::fs::write(&file, text("../../data")).expect("a configuration");
    let begin = |words: &[&str]| {
        let mut command = crate::program::command(words);
        command.current_dir(folder.path());
        crate::program::finish(command)
    };
    begin(&["experiment", "untargeted", "runs/one"]).done();
    says(&begin(&["experiment", "run", "runs/one"]).done(), &["0 items done now"]);
    says(&begin(&["experiment", "untargeted", "runs/one"]).done(), &["0 items done now"]);
    // What a process left that was killed while it kept a clip goes at the next start.
    let left = place.join("adversarial/.mondegreen-1-2.part");
    std::fs::create_dir_all(place.join("adversarial")).expect("a folder");
    std::fs::write(&left, "half").expect("half a file");
    run(&["experiment", "run", path(&place)]).done();
    assert!(!left.exists());
    std::fs::write(&file, text("")).expect("a configuration");
    says(&run(&["experiment", "run", path(&place)]).message(2), &["experiment.toml: data: name"]);
    assert!(data.is_dir());
}

#[test]
fn kept_clips_that_are_gone_or_of_other_recordings_cost_only_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    let more = ["--attack", "deepfool", "--clips", "1", "--keep", "wav", "--no-transfer"];
    run(&untargeted(&place, &data, &more)).done();
    let fooled: Vec<Value> =
        rows(&place).into_values().filter(|row| row["status"] == "fooled").collect();
    let clips: Vec<&str> = fooled.iter().filter_map(|row| row["clip"].as_str()).collect();
    let other = fooled.iter().find(|row| row["clip"] != clips[0]).expect("a second clip");
    std::fs::remove_file(place.join(fooled[0]["kept"].as_str().expect("a file"))).expect("it goes");
    // Another recording of the same length.
    let changed = data.join(other["clip"].as_str().expect("a name"));
    let quiet: Vec<f32> = mondegreen::audio::load(&changed, 60.0)
        .expect("a clip")
        .samples
        .iter()
        .map(|x| 0.5 * x)
        .collect();
    mondegreen::audio::write_wav_f32(&changed, &quiet).expect("another recording");
    let broken = 1 + clips.iter().filter(|clip| **clip == other["clip"]).count();
    let said = run(&["experiment", "transfer", path(&place), "--accept-change"]);
    assert_eq!(said.status, 1, "{}", said.stderr);
    says(&said.stdout, &[&format!("asked about {} successes now", fooled.len() - broken)]);
    says(&said.stderr, &["does not exist", "is another recording now"]);
    let asked = rows(&place).values().filter(|row| row["transfer"].is_array()).count();
    assert_eq!(asked, fooled.len() - broken);
}

#[test]
fn what_others_answered_survives_joining_and_folders_without_a_start_stop_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    for index in ["1/2", "2/2"] {
        let more = ["--keep", "wav", "--no-transfer", "--clips", "1", "--shard", index];
        run(&untargeted(&place, &data, &more)).done();
    }
    let joined = folder.path().join("joined");
    merge(&joined, &place, &[1, 2]).done();
    run(&["experiment", "transfer", path(&joined)]).done();
    let all = rows(&joined);
    assert!(all.values().any(|row| row["transfer"].is_array()));
    says(&merge(&joined, &place, &[1, 2]).done(), &["0 are missing"]);
    assert_eq!(rows(&joined), all, "answers were lost");
    // The other way round: the shares are asked after they were joined.
    let late = folder.path().join("late");
    merge(&late, &place, &[1, 2]).done();
    for index in [1, 2] {
        let shard = place.join(format!("shards/{index}-of-2"));
        run(&["experiment", "transfer", path(&shard)]).done();
    }
    merge(&late, &place, &[1, 2]).done();
    assert_eq!(rows(&late), all);

    // A process that waits, or was refused, has made its folder and nothing in it.
    let idle = place.join("shards/3-of-3");
    std::fs::create_dir_all(&idle).expect("a folder");
    std::fs::write(idle.join(".lock"), "").expect("a lock");
    let shards = [1, 2].map(|index| place.join(format!("shards/{index}-of-2")));
    let mut words = vec!["experiment", "merge", path(&joined), path(&idle)];
    words.extend(shards.iter().map(|shard| path(shard)));
    let said = run(&words);
    assert_eq!(said.status, 0, "{}", said.stderr);
    says(&said.stderr, &["nothing was begun in", "3-of-3"]);
    assert_eq!(rows(&joined), all);
    let nowhere = folder.path().join("nowhere");
    words[3] = path(&nowhere);
    says(&run(&words).message(1), &["nothing was started there"]);
}

#[test]
fn answers_of_other_weights_and_damaged_clips_do_not_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    run(&untargeted(&place, &data, &["--keep", "wav", "--clips", "1"])).done();
    let before = tables(&place);
    assert!(before.keys().any(|name| name.starts_with("table5-")));
    // As if everybody had been asked when the models had other weights.
    let file = place.join("results.jsonl");
    let text = std::fs::read_to_string(&file).expect("rows");
    assert!(text.contains("\"weights\":\""));
    std::fs::write(&file, text.replace("\"weights\":\"", "\"weights\":\"0000")).expect("rows");
    assert!(!tables(&place).keys().any(|name| name.starts_with("table5-")));
    let fooled: Vec<Value> =
        rows(&place).into_values().filter(|row| row["status"] == "fooled").collect();
    let damaged = place.join(fooled[0]["kept"].as_str().expect("a file"));
    let sound = std::fs::read(&damaged).expect("a clip");
    let mut other = mondegreen::audio::load(&damaged, 60.0).expect("a clip").samples.to_vec();
    other[100] += 0.25;
    mondegreen::audio::write_wav_f32(&damaged, &other).expect("a damaged clip");
    let said = run(&["experiment", "transfer", path(&place)]);
    says(&said.stderr, &["is not what the run kept there"]);
    std::fs::write(&damaged, sound).expect("the clip comes back");
    says(&run(&["experiment", "transfer", path(&place)]).done(), &["about 1 successes now"]);
    assert_eq!(tables(&place), before);
}

#[test]
fn processes_share_a_list_of_items() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    run(&untargeted(&place, &data, &["--plan"])).done();
    let plan = run(&["experiment", "plan", path(&place), "--json"]).done();
    let id = |line: &str| -> String {
        let item: Value = serde_json::from_str(line).expect("an item");
        item["id"].as_str().expect("an id").to_owned()
    };
    // All on places that are the first of two: without the list one process would have them all.
    let ids: Vec<String> = plan.lines().step_by(2).take(4).map(id).collect();
    let list = folder.path().join("ids.txt");
    std::fs::write(&list, ids.join("\n")).expect("a list");
    for index in ["1/2", "2/2"] {
        let words = ["experiment", "run", path(&place), "--items", path(&list), "--shard", index];
        says(&run(&words).done(), &["2 items done now"]);
    }
    let joined = folder.path().join("joined");
    assert_eq!(merge(&joined, &place, &[1, 2]).status, 1, "the rest is missing");
    let mut done: Vec<String> = rows(&joined).into_keys().collect();
    done.sort_by_key(|id| ids.iter().position(|known| known == id));
    assert_eq!(done, ids);
    let said = run(&["experiment", "run", path(&place)]);
    says(&said.stderr, &["2 shares of this run have rows that are not joined yet"]);
}

#[test]
fn names_that_no_file_can_have_clips_listed_twice_and_other_limits() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(folder.path());
    let place = folder.path().join("run");
    let config = folder.path().join("a.toml");
    let text = |name: &str| {
        format!(
            "experiment = \"untargeted\"\ndata = \"{}\"\nsplit = \"train\"\n\
             models = [\"dense-mel\"]\nclips_per_label = 1\n[[attacks]]\n\
             attack = \"white-noise\"\nname = \"{name}\"\n",
            data.display()
        )
    };
    for name in ["noise/30", "../noise", ".noise", ""] {
        std::fs::write(&config, text(name)).expect("a configuration");
        let words = ["experiment", "run", path(&place), "--config", path(&config)];
        says(&run(&words).message(2), &["attacks.name", "files are called after it"]);
    }
    let list = folder.path().join("data/list.csv");
    let line = "Cello/a.wav,Cello,train\n";
    let text_of_list = format!("file,label,split\n{line}Clarinet/a.wav,Clarinet,train\n{line}");
    std::fs::write(&list, text_of_list).expect("a list");
    let words =
        ["experiment", "accuracy", path(&place), "--split", "train", "--model", "dense-mel"];
    let said = run(&[&words[..], &["--data", path(&list)]].concat()).message(2);
    says(&said, &["Cello/a.wav is listed twice"]);

    // A clip that is longer than the limit is heard once that is raised.
    std::fs::write(
        &config,
        text("noise").replace("[[attacks]]", "limit_seconds = 0.5\n[[attacks]]"),
    )
    .expect("a configuration");
    let short = folder.path().join("data/Cello/c.wav");
    let clip = mondegreen::audio::load(&data.join("Cello/a.wav"), 60.0).expect("a clip");
    mondegreen::audio::write_wav_f32(&short, &clip.samples[..12_000]).expect("a short clip");
    let words = ["experiment", "run", path(&place), "--config", path(&config)];
    says(&run(&words).stderr, &["Cello/a.wav was left out"]);
    let heard = |file: &str| {
        let survey = std::fs::read_to_string(place.join("survey.jsonl")).expect("a survey");
        let last = survey.lines().rfind(|line| line.contains(file)).map(str::to_owned);
        last.is_some_and(|line| !line.contains("\"heard\":null"))
    };
    assert!(heard("Cello/c.wav") && !heard("Cello/a.wav"));
    std::fs::write(&config, text("noise")).expect("a configuration");
    run(&[&words[..], &["--accept-change"]].concat()).done();
    assert!(heard("Cello/c.wav") && heard("Cello/a.wav"));
}
