//! The results of a clip: named, deleted, and both undone.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use crate::driver::{Lab, choose, has, lab, until};

fn results(harness: &Lab) -> usize {
    harness.query_all_by_label_contains("Result: ").count()
}

fn press(harness: &mut Lab, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(4);
}

#[test]
fn results_are_renamed_and_deleted_and_come_back() {
    let mut harness = lab();
    harness.get_by_label("Snare drum").click();
    until(&mut harness, "the clip is named", |h| {
        has(h, "Snare drum 0.") || has(h, "Snare drum 1.")
    });
    for (attack, result) in [("White noise", "Result: Noise"), ("FGSM", "Result: FGSM")] {
        choose(&mut harness, "Attack method", attack);
        harness.get_by_label("Attack").click();
        until(&mut harness, "a result", |h| has(h, result));
    }
    assert_eq!(results(&harness), 2);

    press(&mut harness, Modifiers::NONE, Key::F2);
    harness.get_by_label("Name of the result").type_text("One loud step");
    harness.run_steps(3);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(has(&harness, "Result: One loud step") && !has(&harness, "Result: FGSM"));
    assert!(harness.query_by_label("Name of the result").is_none());
    // A letter is typed into a name, not a command.
    assert!(harness.query_by_label("Adversarial spectrogram").is_some());

    harness.get_by_label("Compare all").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label_contains("Open in the Lab: ").count(), 2);
    press(&mut harness, Modifiers::COMMAND, Key::Num1);

    harness.get_by_label("Delete").click();
    harness.run_steps(3);
    assert_eq!(results(&harness), 1);
    assert!(has(&harness, "Result: Noise") && has(&harness, "Undo deleting One loud step"));
    press(&mut harness, Modifiers::NONE, Key::Delete);
    assert_eq!(results(&harness), 0);
    assert!(harness.query_by_label("Rename").is_none(), "no result is shown any more");

    for left in [1, 2] {
        press(&mut harness, Modifiers::COMMAND, Key::Z);
        assert_eq!(results(&harness), left);
    }
    assert!(has(&harness, "Result: One loud step"));
    harness.get_by_label("Undo renaming").click_accesskit();
    harness.run_steps(3);
    assert!(has(&harness, "Result: FGSM"));
    assert!(!has(&harness, "Undo "));
}
