//! What a teacher uses: the tour, demonstrations, the presenter's view, the command palette.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use mondegreen::ui::NoticeKind;

use crate::driver::{Lab, has, lab, until};

fn press(harness: &mut Lab, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(3);
}

fn type_text(harness: &mut Lab, text: &str) {
    let field = harness.get_by_label("What do you want to do?");
    field.type_text(text);
    harness.run_steps(3);
}

#[test]
fn the_tour_opens_a_clip_attacks_it_and_points_at_what_it_speaks_of() {
    let mut harness = lab();
    harness.get_by_label("Take the tour").click();
    until(&mut harness, "the clip is named", |h| has(h, "Glockenspiel 0."));
    assert!(has(&harness, "TOUR · 1 OF 10"));
    harness.get_by_label("Next").click();
    harness.run_steps(3);
    for _ in 0..3 {
        press(&mut harness, Modifiers::NONE, Key::PageDown);
    }
    assert!(has(&harness, "Does noise fool it?"));
    until(&mut harness, "the noise's result", |h| has(h, "Result: Noise"));
    assert!(has(&harness, "20.0 dB"));
    press(&mut harness, Modifiers::NONE, Key::PageDown);
    until(&mut harness, "a search", |h| h.query_by_label("Stop").is_some());
    for _ in 0..4 {
        press(&mut harness, Modifiers::NONE, Key::PageDown);
    }
    assert!(has(&harness, "TOUR · 10 OF 10") && has(&harness, "Done"));
    press(&mut harness, Modifiers::NONE, Key::PageUp);
    assert!(has(&harness, "TOUR · 9 OF 10"));
    harness.get_by_label("End the tour").click();
    harness.run_steps(3);
    assert!(!has(&harness, "TOUR · "));
    harness.get_by_label("Stop").click();
    until(&mut harness, "it has stopped", |h| has(h, "Result: C&W"));
    assert!(!has(&harness, "How small the change is"));
    harness.get_by_label("Tour").click();
    until(&mut harness, "the story begins anew", |h| has(h, "How small the change is"));
    harness.get_by_label("End the tour").click();
    harness.run_steps(3);
    assert!(!has(&harness, "How small the change is"), "what was found is shown again");
    assert!(harness.state().notices().iter().all(|notice| notice.kind != NoticeKind::Error));
}

#[test]
fn a_demonstration_runs_at_one_press_and_is_presented_in_large_type() {
    let mut harness = lab();
    harness.get_by_label("Glockenspiel in a second or two").click();
    until(&mut harness, "DeepFool's result", |h| has(h, "Result: DeepFool"));
    assert!(!has(&harness, "VGG13 hears"));
    press(&mut harness, Modifiers::NONE, Key::F5);
    assert!(has(&harness, "VGG13 hears") && has(&harness, "and now, with a change that is "));
    assert!(harness.query_by_label("Clip").is_none() && !has(&harness, "Result: "));
    assert!(harness.query_by_label("Attack").is_some());
    harness.get_by_label("Show all").click();
    harness.run_steps(3);
    assert!(has(&harness, "Result: DeepFool"));
    press(&mut harness, Modifiers::NONE, Key::F5);
    assert!(has(&harness, "VGG13 hears"));
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(!has(&harness, "VGG13 hears") && has(&harness, "Result: DeepFool"));
}

#[test]
fn anything_is_found_by_typing_and_done_by_enter() {
    let mut harness = lab();
    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_text(&mut harness, "open snare");
    assert!(harness.query_by_label("Open Snare drum").is_some());
    press(&mut harness, Modifiers::NONE, Key::Enter);
    until(&mut harness, "the clip is named", |h| {
        has(h, "Snare drum 0.") || has(h, "Snare drum 1.")
    });
    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_text(&mut harness, "aim cello");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(harness.query_by_label("What do you want to do?").is_none(), "it closes");
    let target = harness.get_by_label("Target label").value().unwrap_or_default();
    assert!(target.contains("Cello"), "the attack card aims at it: {target}");
    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_text(&mut harness, "no such thing");
    assert!(has(&harness, "Nothing is called so."));
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("What do you want to do?").is_none());
}
