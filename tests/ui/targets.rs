//! The target picker: groups, a random target, the least likely one.

use eframe::egui;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::driver::{Kept, Lab, USUAL, choose, engine, has, keep, lab, open, tree, until};

fn target(lab: &Lab) -> String {
    lab.get_by_label("Target label").value().unwrap_or_default()
}

/// A Lab with the Glockenspiel named and FGSM aimed.
fn aimed() -> Lab {
    let mut lab = lab();
    lab.get_by_label("Glockenspiel").click();
    until(&mut lab, "the clip is named", |lab| has(lab, "Glockenspiel 0."));
    choose(&mut lab, "Attack method", "FGSM");
    lab.get_by_label("Targeted").click();
    lab.run_steps(3);
    lab
}

/// Opens the picker and chooses what begins so.
fn pick(lab: &mut Lab, begins: &str) {
    lab.get_by_label("Target label").click();
    lab.run_steps(3);
    lab.query_all_by_label_contains(begins)
        .find(|node| {
            let node = node.accesskit_node();
            let name = node.label().unwrap_or_default();
            node.role() == egui::Role::Button && name.starts_with(begins)
        })
        .expect("it is offered")
        .click();
    lab.run_steps(3);
}

#[test]
fn labels_stand_in_groups_with_the_models_guesses_first() {
    let mut lab = aimed();
    lab.get_by_label("Target label").click();
    lab.run_steps(3);
    let said = tree(&lab);
    let place =
        |words: &str| said.find(words).unwrap_or_else(|| panic!("{words} is missing in\n{said}"));
    let guesses = place("WHAT THE MODEL HEARS NEXT");
    assert!(place("Random: ") < guesses && place("Least likely: ") < guesses);
    assert!(guesses < place("THE PAPER'S MUSIC SUBSET"));
    assert!(place("THE PAPER'S MUSIC SUBSET") < place("OTHER WINDS"));
    let offered = |label: &str| {
        let nodes = lab.query_all_by_label_contains(label).filter(|node| {
            let node = node.accesskit_node();
            let named = node.label().unwrap_or_default();
            node.role() == egui::Role::Button && named.starts_with(label)
        });
        nodes.count()
    };
    assert_eq!((offered("Oboe"), offered("Clarinet")), (1, 1), "each label once\n{said}");
}

/// Whether the outcome tells of that target.
fn aimed_at(lab: &Lab, label: &str) -> bool {
    let names_it = lab.query_all_by_label(label).next().is_some();
    lab.query_by_label("target").is_some() && names_it
}

#[test]
fn a_random_target_is_shown_drawn_again_attacked_and_kept() {
    let mut lab = aimed();
    pick(&mut lab, "Random");
    let first = target(&lab);
    assert!(first.starts_with("Random: ") && !first.contains("Glockenspiel"), "{first}");
    let mut drawn = vec![first];
    for _ in 0..4 {
        lab.get_by_label("Draw another target").click();
        lab.run_steps(3);
        drawn.push(target(&lab));
    }
    drawn.dedup();
    assert!(drawn.len() > 2, "{drawn:?}");
    let label = target(&lab).replace("Random: ", "");
    lab.get_by_label("Attack").click();
    until(&mut lab, "a result", |lab| has(lab, "Result: FGSM"));
    assert!(aimed_at(&lab, &label), "{label}: {}", tree(&lab));

    // The next run of the program aims in the same way.
    let kept: Kept = keep(&mut lab);
    let mut again = open(&kept, engine(), USUAL);
    again.get_by_label("Glockenspiel").click();
    until(&mut again, "the clip is named", |lab| has(lab, "Glockenspiel 0."));
    assert_eq!(target(&again), format!("Random: {label}"));
}

#[test]
fn the_least_likely_label_is_aimed_at() {
    let mut lab = aimed();
    pick(&mut lab, "Least likely");
    let shown = target(&lab);
    let label = shown.strip_prefix("Least likely: ").expect("it is shown").to_owned();
    assert!(lab.query_by_label("Draw another target").is_none());
    lab.get_by_label("Attack").click();
    until(&mut lab, "a result", |lab| has(lab, "Result: FGSM"));
    assert!(aimed_at(&lab, &label), "{label}: {}", tree(&lab));
    // A label by its name takes its place, and the search finds it.
    lab.get_by_label("Target label").click();
    lab.run_steps(4);
    lab.get_by_label("Search labels").type_text("tear");
    lab.run_steps(3);
    lab.key_press(egui::Key::Enter);
    lab.run_steps(3);
    assert_eq!(target(&lab), "Tearing");
}
