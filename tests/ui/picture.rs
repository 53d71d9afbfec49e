//! The picture: a part chosen, measured and zoomed to; what the model sees; where it listens.

use eframe::egui::{self, Event, Key, Modifiers, PointerButton, Pos2, Rect, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::models::ModelId;
use mondegreen::ui::UiCommand;

use crate::driver::{Kept, Lab, SMALLEST, choose, engine, has, lab, open, until, until_said};

fn attacked(mut harness: Lab) -> Lab {
    harness.get_by_label("Glockenspiel").click();
    until_said(&mut harness, "Glockenspiel 0.");
    choose(&mut harness, "Attack method", "White noise");
    harness.get_by_label("Attack").click();
    until_said(&mut harness, "Result: Noise");
    harness
}

fn rect_of(harness: &Lab, label: &str) -> Rect {
    harness.get_by_label(label).rect()
}

/// A press, some moves and a release.
fn drag(harness: &mut Lab, from: Pos2, to: Pos2, modifiers: Modifiers) {
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers,
    };
    harness.event(Event::ModifiersChanged(modifiers));
    harness.event(Event::PointerMoved(from));
    harness.step();
    harness.event(button(from, true));
    harness.step();
    for part in [0.3, 0.6, 1.0] {
        harness.event(Event::PointerMoved(from + (to - from) * part));
        harness.step();
    }
    harness.event(button(to, false));
    harness.step();
    harness.event(Event::ModifiersChanged(Modifiers::NONE));
    // The pointer goes away, so that no tooltip is in the way.
    harness.event(Event::PointerGone);
    harness.run_steps(3);
}

/// What is said of the chosen part.
fn chosen(harness: &Lab) -> Option<String> {
    let part = harness.query_by_label_contains("Chosen part: ")?;
    part.value()
}

/// The number after a word.
fn number_after(text: &str, word: &str) -> f64 {
    let rest = &text[text.find(word).expect("it is said") + word.len()..];
    let number: String =
        rest.trim_start().chars().take_while(|c| c.is_ascii_digit() || ".−".contains(*c)).collect();
    number.replace('−', "-").parse().expect("a number")
}

#[test]
fn a_drag_chooses_time_and_band_measures_them_and_zooms() {
    let mut harness = attacked(lab());
    let pane = rect_of(&harness, "Original spectrogram");
    let at = |x: f32, y: f32| pane.lerp_inside(Vec2::new(x, y));
    assert_eq!(chosen(&harness), None);

    drag(&mut harness, at(0.2, 0.3), at(0.5, 0.6), Modifiers::NONE);
    until(&mut harness, "the part is measured", |h| {
        chosen(h).is_some_and(|said| said.contains("SNR"))
    });
    let both = chosen(&harness).expect("it is said");
    assert!(both.contains("Hz") && both.contains("peaks "), "{both}");

    // Hardly high, or with Shift: all frequencies of the same moments.
    drag(&mut harness, at(0.2, 0.5), at(0.5, 0.51), Modifiers::NONE);
    until(&mut harness, "all frequencies are measured", |h| {
        chosen(h).is_some_and(|said| said.contains("SNR") && said.contains("all frequencies"))
    });
    let flat = chosen(&harness).expect("it is said");
    drag(&mut harness, at(0.2, 0.3), at(0.5, 0.6), Modifiers::SHIFT);
    until(&mut harness, "the same with Shift", |h| chosen(h).as_ref() == Some(&flat));

    // On the waveform too.
    let lane = rect_of(&harness, "Waveform");
    let low = lane.lerp_inside(Vec2::new(0.2, 0.1));
    drag(&mut harness, low, lane.lerp_inside(Vec2::new(0.5, 0.9)), Modifiers::NONE);
    until_said(&mut harness, "all frequencies");

    // Hardly wide: a band of the whole clip. White noise at 20 dB is not at 20 dB in each band.
    drag(&mut harness, at(0.4, 0.85), at(0.4, 0.98), Modifiers::NONE);
    until(&mut harness, "a band of the whole clip", |h| {
        chosen(h).is_some_and(|said| said.contains("0.00–") && said.contains("SNR"))
    });
    let band = chosen(&harness).expect("it is said");
    let snr_db = number_after(&band, "SNR");
    assert!(snr_db < 15.0, "{band}: there is little of a glockenspiel down there");

    let whole = harness.get_by_label("Show all");
    assert!(whole.accesskit_node().is_disabled(), "all is shown");
    harness.get_by_label("Zoom to the chosen part").click();
    harness.run_steps(3);
    assert!(!harness.get_by_label("Show all").accesskit_node().is_disabled());
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert_eq!(chosen(&harness), None, "given up by a key");
    harness.key_press(Key::F);
    harness.run_steps(3);

    // The whole clip's part at the known SNR.
    harness.state_mut().ask(UiCommand::SetLoop(Some((0.0, 60.0))));
    until(&mut harness, "the clip as a whole is measured", |h| {
        chosen(h).is_some_and(|said| said.contains("SNR 20.0 dB"))
    });
    harness.get_by_label("Give up the chosen part").click();
    harness.run_steps(3);
    assert_eq!(chosen(&harness), None);
}

#[test]
fn escape_closes_the_help_before_it_gives_up_a_part() {
    let mut harness = attacked(open(&Kept::default(), engine(), SMALLEST));
    harness.state_mut().ask(UiCommand::SetLoop(Some((0.2, 0.8))));
    harness.run_steps(3);
    harness.key_press(Key::F1);
    harness.run_steps(3);
    assert!(has(&harness, "Play or pause"), "the help is there");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!has(&harness, "Play or pause"), "the help is gone");
    assert!(chosen(&harness).is_some(), "the part is still chosen");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert_eq!(chosen(&harness), None);
}

#[test]
fn the_machine_s_view_tells_what_each_model_says_of_each_part() {
    let mut harness = attacked(lab());
    harness.key_press(Key::X);
    harness.key_press(Key::M);
    until_said(&mut harness, "Original, chunk 1 of 2");
    until_said(&mut harness, "Adversarial, chunk 2 of 2");
    until_said(&mut harness, "Difference, chunk 1 of 2");
    let first = harness.get_by_label_contains("Original, chunk 1 of 2");
    let said = first.accesskit_node().label().unwrap_or_default();
    assert!(said.contains("Glockenspiel"), "{said}");
    assert!(has(&harness, "64 mel bands every 16 ms, standardised"));
    // The model has bands instead of the axis.
    assert!(harness.get_by_label("Linear frequency axis").accesskit_node().is_disabled());

    // A click takes the part.
    harness.get_by_label_contains("Original, chunk 1 of 2").click();
    until(&mut harness, "the part is measured", |h| {
        chosen(h).is_some_and(|said| said.contains("0.00–2.04 s") && said.contains("SNR"))
    });
    harness.key_press(Key::Escape);
    harness.run_steps(3);

    for (model, words) in [
        (ModelId::DenseMel, "64 mel bands every 4 ms, in dB"),
        (ModelId::DenseWav, "the waveform; here its 64 learned filters"),
    ] {
        harness.state_mut().ask(UiCommand::ChooseModel(model.into()));
        until_said(&mut harness, "Original, whole clip, part 1 of 1");
        until_said(&mut harness, words);
    }
    harness.key_press(Key::M);
    harness.run_steps(3);
    assert!(!has(&harness, "whole clip, part"), "levels again");
}

#[test]
fn where_the_model_listens_is_asked_for_and_explained() {
    let mut harness = attacked(lab());
    harness.key_press(Key::G);
    until_said(&mut harness, "Listening settings");
    let on = |h: &Lab, label: &str| {
        h.get_by_label(label).accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
    };
    assert!(on(&harness, "Show where the model listens"));
    // The read-out tells shares and slopes once the pictures are there.
    until_said(&mut harness, "VGG13’s answer hangs on");

    harness.get_by_label("Listening settings").click();
    harness.run_steps(3);
    harness.get_by_label("gradient").click();
    harness.run_steps(3);
    until_said(&mut harness, "where VGG13 is easily moved");
    choose(&mut harness, "Label that is listened for", "Chime");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    let value = harness.get_by_label("Listening settings").value();
    assert_eq!(value.as_deref(), Some("for Chime"));
    harness.get_by_label("Show levels").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Listening settings").is_none());
    harness.run();
    assert!(harness.run() <= 2, "nothing moves");
}

#[test]
fn colours_window_and_hop_are_chosen_in_the_picture_s_settings() {
    let mut harness = attacked(lab());
    harness.get_by_label("Picture settings").click();
    harness.run_steps(3);
    for (list, entry) in [
        ("Colour map", "Viridis"),
        ("Window in samples", "2048 · 64 ms"),
        ("Hop in samples", "128 · 4 ms"),
    ] {
        choose(&mut harness, list, entry);
        let value = harness.get_by_label(list).value();
        assert_eq!(value.as_deref(), Some(entry), "the sheet is still there");
    }
}
