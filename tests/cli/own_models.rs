//! Models by the path of their file, and all models where some are missing.

use super::own_model;
use super::program::{bundled, run, says};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_file_of_any_name_is_a_model_with_its_own_labels() {
    let folder = folder();
    let path = own_model::write(folder.path(), "toys.safetensors");
    let path = path.to_str().expect("UTF-8");
    let clip = bundled("glockenspiel");
    let value = run(&["classify", &clip, "--model", path, "--json"]).json();
    assert_eq!((&value["model"], &value["label"]), (&path.into(), &"Bell".into()));
    assert_eq!(value["top"].as_array().map(Vec::len), Some(3));
    let stdout = run(&["classify", &clip, "--model", path, "--top", "1"]).done();
    assert!(stdout.starts_with(&format!("{clip}  toys\n")), "{stdout}");

    let attack = |more: &[&str]| {
        let arguments = ["attack", &clip, "--model", path, "--attack", "fgsm", "--json"];
        run(&[&arguments, more].concat())
    };
    let value = attack(&["--target", "whistle"]).json();
    assert_eq!((&value["model"], &value["target"]), (&path.into(), &"Whistle".into()));
    assert_eq!(value["original"]["label"], "Bell");
    says(&attack(&["--target", "Tearing"]).message(2), &["Tearing", "Whistle, Bell, Thud"]);
}

#[test]
fn what_is_no_model_is_told_by_every_subcommand() {
    let folder = folder();
    let clip = bundled("tambourine");
    for (path, expected) in own_model::broken(folder.path()) {
        let path = path.to_str().expect("UTF-8");
        for arguments in
            [vec!["classify", &clip], vec!["attack", &clip], vec!["bench", "--rounds", "1"]]
        {
            let message = run(&[&arguments[..], &["--model", path]].concat()).message(1);
            says(&message, &[path, expected]);
        }
    }
    let missing = folder.path().join("missing.safetensors");
    let missing = missing.to_str().expect("UTF-8");
    says(&run(&["classify", &clip, "--model", missing]).message(1), &[missing, "can't be read"]);
}

#[test]
fn all_models_are_those_whose_file_is_there() {
    let folder = folder();
    std::fs::copy(own_model::bundled(), folder.path().join("vgg13.safetensors")).expect("a copy");
    let clip = bundled("tambourine");
    let models = folder.path().to_str().expect("UTF-8");
    let classify = ["classify", &clip, "--model", "all", "--models", models, "--json"];
    let ended = run(&classify);
    assert_eq!((ended.status, ended.stdout.lines().count()), (0, 1), "{}", ended.stderr);
    for name in ["crnn", "gcnn", "dense-mel", "dense-wav"] {
        says(&ended.stderr, &[&format!("left out: there is no {name}.safetensors")]);
    }
    // One that is there and broken is a failure, and so is not one that is there.
    std::fs::write(folder.path().join("gcnn.safetensors"), "words").expect("a broken file");
    says(&run(&classify).message(1), &["gcnn.safetensors", "not a safetensors file"]);
    for name in ["gcnn", "vgg13"] {
        let path = folder.path().join(format!("{name}.safetensors"));
        std::fs::remove_file(path).expect("the file is removed");
    }
    says(&run(&classify).message(1), &["were not found", "--models DIR"]);
}
