//! The Compare tab: several attacks against several models, sorted, opened in the Lab, stopped.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::driver::{Lab, has, lab, until};

/// Opens the bundled Glockenspiel, goes to the tab, and leaves only these choices on.
fn comparing(attacks: &[&str], models: &[&str]) -> Lab {
    let mut harness = lab();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num2);
    harness.run_steps(3);
    assert!(has(&harness, "There is no clip to compare on yet"));
    harness.get_by_label("To the Lab").click();
    harness.run_steps(3);
    harness.get_by_label("Glockenspiel").click();
    until(&mut harness, "the clip is named", |h| has(h, "Glockenspiel 0."));
    harness.get_by_label("Compare tab").click();
    harness.run_steps(3);
    let attacks_shown = ["White noise", "FGSM", "DeepFool", "Carlini & Wagner"];
    let models_shown = ["VGG13", "CRNN", "GCNN", "Dense-mel", "Dense-wav"];
    for (shown, wanted) in [(&attacks_shown[..], attacks), (&models_shown[..], models)] {
        for name in shown.iter().filter(|name| !wanted.contains(name)) {
            harness.get_by_label(name).click();
            harness.run_steps(3);
        }
    }
    harness
}

#[test]
fn two_attacks_on_two_models_are_compared_sorted_copied_and_opened() {
    let mut harness = comparing(&["White noise", "FGSM"], &["VGG13", "Dense-wav"]);
    until(&mut harness, "both models are loaded", |h| has(h, "Compare: 4 attacks"));
    harness.get_by_label("Compare: 4 attacks").click();
    until(&mut harness, "all are done", |h| has(h, "4 of 4 done"));
    let rows = ["White noise against VGG13", "FGSM against Dense-wav"];
    for row in rows {
        assert!(harness.query_by_label(&format!("Open in the Lab: {row}")).is_some(), "{row}");
        assert!(harness.query_by_label(&format!("Play: {row}")).is_some(), "{row}");
    }
    // What is done is not done again.
    assert!(harness.query_by_label("Compare").is_some_and(|b| b.accesskit_node().is_disabled()));

    let order = |harness: &Lab| -> Vec<String> {
        let open = harness.query_all_by_label_contains("Open in the Lab: ");
        let mut rows: Vec<_> = open
            .map(|node| {
                let name = node.accesskit_node().label().unwrap_or_default();
                (node.rect().top(), name)
            })
            .collect();
        rows.sort_by(|one, other| one.0.total_cmp(&other.0));
        rows.into_iter().map(|(_, name)| name).collect()
    };
    harness.get_by_label("Sort by Attack").click();
    harness.run_steps(3);
    let by_attack = order(&harness);
    assert!(by_attack[0].contains("FGSM") && by_attack[3].contains("White noise"), "{by_attack:?}");
    harness.get_by_label("Sort by Attack, smallest first").click();
    harness.run_steps(3);
    assert!(order(&harness)[0].contains("White noise"));

    harness.get_by_label("Copy as CSV").click();
    harness.step();
    let csv = harness.output().platform_output.commands.iter().find_map(|command| match command {
        eframe::egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let csv = csv.expect("something was copied");
    assert_eq!(csv.lines().count(), 5, "{csv}");
    assert!(csv.lines().all(|line| line.matches(',').count() >= 7), "{csv}");

    harness.get_by_label("Open in the Lab: FGSM against Dense-wav").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Adversarial spectrogram").is_some(), "the Lab is shown");
    assert_eq!(harness.query_all_by_label_contains("Result: ").count(), 4);
}

#[test]
fn a_stopped_comparison_keeps_what_it_has_and_goes_on_where_it_was() {
    let mut harness = comparing(&["White noise", "Carlini & Wagner"], &["VGG13"]);
    until(&mut harness, "the model is loaded", |h| has(h, "Compare: 2 attacks"));
    harness.get_by_label("Compare: 2 attacks").click();
    until(&mut harness, "the search is under way", |h| has(h, "1 of 2 done") && has(h, "step "));
    harness.get_by_label("Stop").click();
    until(&mut harness, "it has stopped", |h| h.query_by_label("Stop").is_none());
    assert!(has(&harness, "White noise against VGG13"));
    // An attack that was stopped keeps its best, and is a result as all are.
    assert!(has(&harness, "2 of 2 done"));
}
