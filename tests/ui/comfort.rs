//! What makes the window a place to stay: names, text size, recent files, what it remembers.

use eframe::egui::{self, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::ui::UiCommand;

use crate::driver::{
    Kept, Lab, SMALLEST, USUAL, choose, drop_files, engine, has, keep, lab, open, tree, until,
};

/// Everything that the keyboard can reach and that says nothing of itself.
fn nameless(lab: &Lab) -> Vec<String> {
    let nodes = lab.root().children_recursive();
    let nameless = nodes.filter_map(|node| {
        let node = node.accesskit_node();
        let focusable = node.data().supports_action(egui::accesskit::Action::Focus);
        let named = node.label().is_some_and(|name| !name.trim().is_empty());
        let place = node.bounding_box();
        (focusable && !named).then(|| format!("{:?} at {place:?}: {:?}", node.role(), node.value()))
    });
    nameless.collect()
}

/// Fails for controls without a name.
fn assert_named(lab: &Lab, state: &str) {
    let nameless = nameless(lab);
    assert!(nameless.is_empty(), "{state}: without a name:\n{}", nameless.join("\n"));
}

#[test]
fn the_walk_would_notice_a_control_without_a_name() {
    // The harness looks for some nameless controls itself, and would end the test.
    let builder = egui_kittest::Harness::builder().with_accessibility_check(false);
    let harness = builder.build_ui(|ui| {
        let (_, response) = ui.allocate_exact_size(egui::vec2(20.0, 20.0), egui::Sense::click());
        response.widget_info(|| egui::WidgetInfo::new(egui::Role::Button));
    });
    let nodes = harness.root().children_recursive();
    let focusable = nodes.filter(|node| {
        let node = node.accesskit_node();
        node.data().supports_action(egui::accesskit::Action::Focus) && node.label().is_none()
    });
    assert_eq!(focusable.count(), 1);
}

#[test]
fn everything_that_can_be_reached_has_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lab = open(&Kept::default(), engine(), [1280.0, 1400.0]);
    assert_named(&lab, "at the start");
    lab.get_by_label("Glockenspiel").click();
    until(&mut lab, "the clip is named", |lab| has(lab, "Glockenspiel 0."));
    choose(&mut lab, "Attack method", "FGSM");
    lab.get_by_label("Targeted").click();
    lab.run_steps(3);
    lab.get_by_label("More options").click();
    lab.run_steps(3);
    assert_named(&lab, "with a clip, aimed, all options");
    // Each click moves what is below it.
    lab.get_by_label("Untargeted").click();
    lab.run_steps(3);
    lab.get_by_label("Attack").click();
    until(&mut lab, "a result", |lab| has(lab, "Result: FGSM"));
    // A notice to be dismissed and copied.
    let missing = folder.path().join("missing.wav");
    lab.state_mut().ask(UiCommand::OpenFile(missing));
    until(&mut lab, "a notice", |lab| !lab.state().notices().is_empty());
    assert_named(&lab, "with a result and a notice");

    for opens in
        ["Sound settings", "Text size", "Recent files", "Bundled clips", "Picture settings"]
    {
        lab.get_by_label(opens).click();
        lab.run_steps(3);
        assert_named(&lab, opens);
        lab.key_press(Key::Escape);
        lab.run_steps(3);
    }
    for (sheet, wish) in [
        ("Help", UiCommand::ToggleHelp),
        ("About", UiCommand::ToggleAbout),
        ("Models", UiCommand::ToggleModels),
        ("Recorder", UiCommand::OpenRecorder),
    ] {
        lab.state_mut().ask(wish);
        lab.run_steps(4);
        assert_named(&lab, sheet);
        lab.key_press(Key::Escape);
        lab.run_steps(4);
    }
}

#[test]
fn text_grows_and_shrinks_by_key_and_by_button_and_stays_so() {
    let mut lab = lab();
    let zoom = |lab: &Lab| lab.ctx.zoom_factor();
    assert_eq!(zoom(&lab), 1.0);
    lab.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    lab.run_steps(3);
    assert!((zoom(&lab) - 1.1).abs() < 1e-3);
    lab.get_by_label("Text size").click();
    lab.run_steps(3);
    lab.get_by_label("Larger text").click();
    lab.run_steps(3);
    assert!((zoom(&lab) - 1.2).abs() < 1e-3, "{}", zoom(&lab));
    assert!(has(&lab, "Usual text size"));
    let kept = keep(&mut lab);
    let mut again = open(&kept, engine(), USUAL);
    assert!((zoom(&again) - 1.2).abs() < 1e-3);
    again.key_press_modifiers(Modifiers::COMMAND, Key::Num0);
    again.run_steps(3);
    assert_eq!(zoom(&again), 1.0);
}

#[test]
fn recent_files_are_listed_and_a_missing_one_is_told_and_taken_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let clip = |name: &str| {
        let path = folder.path().join(name);
        let bundled = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/clips/knock.flac");
        std::fs::copy(bundled, &path).expect("a clip");
        path
    };
    let (stays, goes) = (clip("stays.flac"), clip("goes.flac"));
    let mut lab = lab();
    for path in [&stays, &goes] {
        drop_files(&mut lab, &[path]);
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        until(&mut lab, "it is open", |lab| lab.query_by_label(&name).is_some());
    }
    std::fs::remove_file(&goes).expect("it goes");
    lab.get_by_label("Recent files").click();
    until(&mut lab, "it is known what is gone", |lab| has(lab, "not there"));
    let disabled = |lab: &Lab, name: &str| {
        let mut nodes = lab.query_all_by_label_contains(name);
        let button = nodes.find(|node| {
            let node = node.accesskit_node();
            node.role() == egui::Role::Button
                && node.label().is_some_and(|label| label.starts_with(name))
        });
        button.map(|node| node.accesskit_node().is_disabled())
    };
    assert_eq!(disabled(&lab, "goes.flac"), Some(true), "{}", tree(&lab));
    assert_eq!(disabled(&lab, "stays.flac"), Some(false));
    lab.get_by_label("Take goes.flac off the list").click();
    lab.run_steps(3);
    assert_eq!(disabled(&lab, "goes.flac"), None);
    let button = lab.query_all_by_label_contains("stays.flac").find(|node| {
        let node = node.accesskit_node();
        node.label().is_some_and(|label| label.starts_with("stays.flac"))
    });
    button.expect("it is listed").click();
    until(&mut lab, "it opens", |lab| lab.query_by_label("stays").is_some());
}

#[test]
fn volume_panes_and_the_attack_are_as_they_were_left() {
    let mut lab = lab();
    lab.state_mut().ask(UiCommand::SetGain(-9.0));
    lab.state_mut().ask(UiCommand::SetDifferenceGain(25.0));
    lab.state_mut().ask(UiCommand::SetLooping(true));
    lab.state_mut().ask(UiCommand::ToggleDifference);
    choose(&mut lab, "Attack method", "DeepFool");
    let before = lab.state().settings().clone();
    let kept = keep(&mut lab);
    let again = open(&kept, engine(), USUAL);
    let after = again.state().settings();
    assert_eq!(*after, before);
    assert_eq!((after.gain_db, after.difference_gain_db, after.looping), (-9.0, 25.0, true));
    assert!(after.panes[2]);
}

#[test]
fn about_tells_versions_weights_and_licences_and_copies_them() {
    let mut lab = open(&Kept::default(), engine(), SMALLEST);
    until(&mut lab, "the model is loaded", |lab| has(lab, "parameters"));
    lab.key_press(Key::F1);
    lab.run_steps(3);
    lab.get_by_label("About…").click();
    lab.run_steps(3);
    assert!(has(&lab, mondegreen::VERSION) && has(&lab, "About Mondegreen"));
    assert!(!has(&lab, "Play or pause"), "it takes the help's place");
    // A sheet finds its place in some frames.
    lab.run_steps(6);
    lab.get_by_label("Licences of the bundled clips").click();
    lab.run_steps(4);
    assert!(has(&lab, "FluidR3"), "{}", tree(&lab));
    lab.get_by_label("Copy the facts").click();
    lab.step();
    let copied = lab.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.expect("it is on the clipboard");
    assert!(copied.contains(mondegreen::VERSION) && copied.contains("Weights of VGG13: "));
    lab.key_press(Key::Escape);
    lab.run_steps(3);
    assert!(!has(&lab, "About Mondegreen"));
}

#[test]
fn a_notice_can_be_copied_and_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lab = lab();
    lab.state_mut().ask(UiCommand::OpenFile(folder.path().join("missing.wav")));
    until(&mut lab, "a notice", |lab| !lab.state().notices().is_empty());
    lab.get_by_label("Copy notice").click();
    lab.step();
    let commands = &lab.output().platform_output.commands;
    let copied = commands.iter().any(|command| {
        matches!(command, egui::OutputCommand::CopyText(text) if text.contains("missing.wav"))
    });
    assert!(copied);
    lab.run_steps(50);
    assert!(has(&lab, "missing.wav"), "it stays until it is dismissed");
}
