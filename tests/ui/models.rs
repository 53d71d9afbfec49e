//! Several models in the window: side by side, switched, and files that people bring.

use eframe::egui;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::engine::EngineOptions;
use mondegreen::models::{ModelId, ModelSource};
use mondegreen::ui::{NoticeKind, UiCommand};

use crate::driver::{
    Kept, Lab, SMALLEST, USUAL, choose, drop_files, engine, has, keep, lab, open, tree, until,
    until_said,
};
use crate::own_model;

/// The model that is chosen, as its box says.
fn chosen(lab: &Lab) -> String {
    lab.get_by_label("Model").value().unwrap_or_default()
}

fn attack(lab: &mut Lab, method: &str) {
    choose(lab, "Attack method", method);
    lab.get_by_label("Attack").click();
    lab.run_steps(3);
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_dropped_model_is_used_with_its_own_labels_and_all_models_stand_side_by_side() {
    let folder = folder();
    let own = own_model::write(folder.path(), "toys.safetensors");
    // High enough for the list of models under a whole outcome.
    let mut lab = open(&Kept::default(), engine(), [1280.0, 1600.0]);
    lab.get_by_label("Glockenspiel").click();
    until_said(&mut lab, "VGG13: Glockenspiel 0.");
    drop_files(&mut lab, &[&own]);
    until(&mut lab, "it is chosen", |lab| chosen(lab) == "toys");
    until_said(&mut lab, "toys: Bell ");
    assert!(has(&lab, "VGG13: Glockenspiel 0."), "the other verdict is kept\n{}", tree(&lab));
    assert!(has(&lab, "has other labels"));

    // The target picker has the labels of this model and no others.
    lab.get_by_label("Targeted").click();
    lab.run_steps(3);
    lab.get_by_label("Target label").click();
    lab.run_steps(3);
    let offered = |lab: &Lab, label: &str| {
        lab.query_all_by_label_contains(label)
            .any(|node| node.accesskit_node().role() == egui::Role::Button && node.label_is(label))
    };
    assert!(offered(&lab, "Whistle") && offered(&lab, "Thud") && !has(&lab, "Tearing"));
    lab.query_all_by_label_contains("Whistle")
        .find(|node| node.accesskit_node().role() == egui::Role::Button)
        .expect("the label is offered")
        .click();
    lab.run_steps(3);
    attack(&mut lab, "FGSM");
    until_said(&mut lab, "Result: FGSM");

    // All models are asked about the result, too, and a click shows the most probable labels.
    until(&mut lab, "both heard the adversarial clip", |lab| {
        ["VGG13: ", "toys: "].iter().all(|name| {
            lab.query_all_by_label_contains(name).any(|node| {
                let words = node.accesskit_node().label().unwrap_or_default();
                words.starts_with(name) && words.contains("fooled") && words.contains("adversarial")
            })
        })
    });
    let bars = |lab: &Lab| lab.query_all_by_label_contains("Whistle ").count();
    let before = bars(&lab);
    lab.get_by_label_contains("toys: Bell").click();
    lab.run_steps(3);
    assert_eq!(bars(&lab), before + 2, "three labels of both sides\n{}", tree(&lab));

    // Another model is chosen: it is heard at once, what it says of the result too.
    lab.state_mut().ask(UiCommand::ChooseModel(ModelId::Vgg13.into()));
    lab.run_steps(3);
    assert_eq!(chosen(&lab), "VGG13");
    assert!(!has(&lab, "VGG13: listening") && !has(&lab, "Listening…"), "{}", tree(&lab));
    assert!(has(&lab, "Result: FGSM"));
    // The result brings its own model back.
    lab.get_by_label_contains("Result: FGSM").click();
    lab.run_steps(3);
    assert_eq!(chosen(&lab), "toys");
    assert!(lab.state().notices().iter().all(|notice| notice.kind != NoticeKind::Error));
}

trait LabelIs {
    fn label_is(&self, label: &str) -> bool;
}

impl LabelIs for egui_kittest::Node<'_> {
    /// Whether a button's text begins with this label; its probability may follow.
    fn label_is(&self, label: &str) -> bool {
        self.accesskit_node().label().is_some_and(|text| text.starts_with(label))
    }
}

#[test]
fn a_broken_file_is_told_and_disturbs_nothing() {
    let folder = folder();
    let mut lab = lab();
    lab.get_by_label("Glockenspiel").click();
    until_said(&mut lab, "VGG13: Glockenspiel 0.");
    attack(&mut lab, "White noise");
    until_said(&mut lab, "Result: Noise");
    for (path, expected) in own_model::broken(folder.path()) {
        drop_files(&mut lab, &[&path]);
        until(&mut lab, expected, |lab| {
            lab.state().notices().iter().any(|notice| notice.text.contains(expected))
        });
        assert_eq!(chosen(&lab), "VGG13");
        lab.get_by_label("Dismiss notice").click();
        lab.run_steps(3);
    }
    assert!(has(&lab, "VGG13: Glockenspiel 0.") && has(&lab, "Result: Noise"));
    assert!(!has(&lab, "words") && !has(&lab, "nameless"), "no trace in the lists");
    assert!(!lab.get_by_label("Attack").accesskit_node().is_disabled());
}

#[test]
fn a_model_without_a_file_says_so_and_the_others_work() {
    let folder = folder();
    std::fs::copy(own_model::bundled(), folder.path().join("vgg13.safetensors")).expect("a copy");
    let engine =
        EngineOptions { model_directories: vec![folder.path().to_owned()], ..Default::default() };
    let mut lab = open(&Kept::default(), engine, SMALLEST);
    lab.get_by_label("Glockenspiel").click();
    until_said(&mut lab, "VGG13: Glockenspiel 0.");
    let missing = ModelId::Gcnn;
    let line = format!("{}: not available", missing.title());
    until_said(&mut lab, &line);
    assert!(lab.state().notices().is_empty(), "nobody asked for it");
    lab.state_mut().ask(UiCommand::ChooseModel(missing.into()));
    lab.run_steps(3);
    assert!(has(&lab, "Try again") && has(&lab, "Not available"), "{}", tree(&lab));
    assert!(has(&lab, "were not found"), "the reason is said");
    assert!(lab.get_by_label("Attack").accesskit_node().is_disabled());
    lab.get_by_label("Try again").click();
    until(&mut lab, "the failure is told", |lab| !lab.state().notices().is_empty());
    lab.state_mut().ask(UiCommand::ChooseModel(ModelId::Vgg13.into()));
    lab.run_steps(3);
    assert!(!lab.get_by_label("Attack").accesskit_node().is_disabled());
    assert!(has(&lab, "VGG13: Glockenspiel 0."));
}

#[test]
fn the_card_tells_of_each_model_in_one_click_and_fits_a_small_window() {
    let folder = folder();
    let own = own_model::write(folder.path(), "toys.safetensors");
    let mut lab = open(&Kept::default(), engine(), SMALLEST);
    until_said(&mut lab, "parameters");
    lab.get_by_label("About the models").click();
    lab.run_steps(3);
    for part in ["as at a photograph", "of the clips of its test split", "SHA-256"] {
        assert!(has(&lab, part), "{part} is missing\n{}", tree(&lab));
    }
    drop_files(&mut lab, &[&own]);
    until(&mut lab, "it is loaded", |lab| chosen(lab) == "toys");
    lab.query_all_by_label_contains("toys")
        .rfind(|node| node.accesskit_node().role() == egui::Role::Button)
        .expect("just seen")
        .click();
    lab.run_steps(3);
    for part in ["87.5 %", "three kinds of sounds", "3: Whistle, Bell, Thud", "toys.safetensors"] {
        assert!(has(&lab, part), "{part} is missing\n{}", tree(&lab));
    }
    for button in ["In use", "Read again", "Remove from the list", "Close"] {
        let area = lab.get_by_label(button).rect();
        assert!(area.max.y < 640.0 && area.max.x < 1024.0, "{button}: {area}");
    }
    lab.get_by_label("Remove from the list").click();
    lab.run_steps(3);
    assert!(!has(&lab, "toys.safetensors"));
    lab.get_by_label("Close").click();
    lab.run_steps(3);
    assert_eq!(chosen(&lab), "VGG13");
    assert!(!has(&lab, "SHA-256"));
}

#[test]
fn own_models_are_remembered_as_long_as_their_file_is_there() {
    let folder = folder();
    let toys = own_model::write(folder.path(), "toys.safetensors");
    let gone = own_model::write(folder.path(), "gone.safetensors");
    let mut first = lab();
    // Both at once; the one that is loaded last is chosen.
    drop_files(&mut first, &[&gone, &toys]);
    until(&mut first, "both are loaded", |lab| chosen(lab) == "toys" && has(lab, "gone: "));
    first.run_steps(2);
    let kept = keep(&mut first);
    drop(first);
    std::fs::remove_file(&gone).expect("the file is removed");

    let mut later = open(&kept, engine(), USUAL);
    assert_eq!(chosen(&later), "toys");
    let told = |lab: &Lab| {
        let notices = lab.state().notices().iter();
        notices.filter(|n| n.text.contains("gone.safetensors is no longer there")).count()
    };
    assert_eq!((told(&later), has(&later, "gone: ")), (1, false));
    later.get_by_label("Glockenspiel").click();
    until_said(&mut later, "toys: Bell ");
    let kept = keep(&mut later);
    drop(later);
    assert_eq!(told(&open(&kept, engine(), USUAL)), 0, "it is told once");
}

#[test]
fn a_model_that_changed_on_disk_is_read_again_and_old_results_survive() {
    let folder = folder();
    let path = own_model::write(folder.path(), "toys.safetensors");
    let mut lab = lab();
    drop_files(&mut lab, &[&path]);
    until(&mut lab, "it is chosen", |lab| chosen(lab) == "toys");
    lab.get_by_label("Glockenspiel").click();
    until_said(&mut lab, "toys: Bell ");
    attack(&mut lab, "White noise");
    until_said(&mut lab, "Result: Noise");
    std::fs::copy(own_model::bundled(), &path).expect("the file is overwritten");
    drop_files(&mut lab, &[&path]);
    until_said(&mut lab, "toys: Glockenspiel 0.");
    assert!(has(&lab, "Result: Noise"), "results survive");
    let source = ModelSource::File(path.canonicalize().expect("it exists").into());
    lab.state_mut().ask(UiCommand::CloseModel(source));
    lab.run_steps(3);
    assert!(has(&lab, "Result: Noise"), "results survive their model");
    until_said(&mut lab, "VGG13: Glockenspiel 0.");
}

#[test]
fn a_broken_file_stays_in_the_list_and_hears_the_clip_once_it_is_mended() {
    let folder = folder();
    let path = own_model::write(folder.path(), "toys.safetensors");
    let mut first = lab();
    drop_files(&mut first, &[&path]);
    until(&mut first, "it is chosen", |lab| chosen(lab) == "toys");
    let kept = keep(&mut first);
    drop(first);
    let whole = std::fs::read(&path).expect("it is read");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("it is cut short");

    let mut later = open(&kept, engine(), USUAL);
    later.get_by_label("Glockenspiel").click();
    until_said(&mut later, "toys: not available");
    // Reading the broken file again neither loses it nor chooses another model.
    drop_files(&mut later, &[&path]);
    assert!(!has(&later, "toys: not available"), "it is being read");
    until_said(&mut later, "toys: not available");
    assert_eq!(chosen(&later), "toys");
    std::fs::write(&path, &whole).expect("it is mended");
    drop_files(&mut later, &[&path]);
    until_said(&mut later, "toys: Bell ");
}
