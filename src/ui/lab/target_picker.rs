//! The label that an attack aims at: one by its name, a random one, or the least likely.

use eframe::egui::{Button, Key, Link, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::LabUi;
use crate::models::{Labels, TargetRule, Verdict, groups};
use crate::ui::settings::AttackForm;
use crate::ui::theme::{self, CONTROL_HEIGHT, SMALL};
use crate::ui::widgets::{caption, popup_button};

/// How many of the model's own guesses stand at the top.
const GUESSES: usize = 5;

/// What can be chosen.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    Rule(TargetRule),
    Label(usize),
}

/// Choices under a title of their own.
struct Section {
    title: &'static str,
    choices: Vec<Choice>,
}

impl LabUi<'_> {
    pub(super) fn target_picker(&mut self, ui: &mut Ui) {
        let labels = self.lab.labels();
        let (width, verdict) = (ui.available_width(), self.lab.verdict().cloned());
        let verdict = verdict.as_ref();
        let form = &mut self.settings.attack;
        let text = chosen_text(form, &labels, verdict);
        let search = &mut self.lab.target_search;
        let mut open = false;
        let response = popup_button(ui, "Target label", &text, width, |ui| {
            open = true;
            ui.set_width(width.max(260.0));
            let enter = search_field(ui, search);
            let sections = sections(&labels, verdict);
            let wanted = search.trim().to_lowercase();
            let fits = |choice: &Choice| name(*choice, &labels).to_lowercase().contains(&wanted);
            let first = sections.iter().flat_map(|section| &section.choices).copied();
            if enter && let Some(choice) = first.into_iter().find(fits) {
                choose(form, choice, &labels);
                search.clear();
                ui.close();
                return;
            }
            // As high with few labels as with many, so that it stays where it is while people type.
            let list = ScrollArea::vertical().max_height(300.0).auto_shrink([true, false]);
            list.min_scrolled_height(300.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let mut any = false;
                for section in sections {
                    let found: Vec<_> = section.choices.iter().copied().filter(fits).collect();
                    if found.is_empty() {
                        continue;
                    }
                    any = true;
                    if !section.title.is_empty() {
                        ui.add_space(4.0);
                        caption(ui, section.title);
                    }
                    for choice in found {
                        if choice_button(ui, choice, form, &labels, verdict).clicked() {
                            choose(form, choice, &labels);
                            search.clear();
                            ui.close();
                            return;
                        }
                    }
                }
                if !any {
                    ui.label(theme::small(ui, "No label has that in its name."));
                }
            });
        });
        if !open {
            search.clear();
        }
        response.on_hover_text("The label that the model shall hear");
        another(ui, &mut self.settings.attack);
    }
}

/// Another random label is another seed.
fn another(ui: &mut Ui, form: &mut AttackForm) {
    if form.target_rule != Some(TargetRule::Random) {
        return;
    }
    let words = RichText::new(format!("draw another (seed {})", form.seed)).size(SMALL);
    let tooltip = "The label follows from the seed: the same seed draws the same label again";
    let link = ui.add(Link::new(words)).on_hover_text(tooltip);
    if link.accessible_name("Draw another target").clicked() {
        form.seed = (form.seed + 1) % (u64::from(u32::MAX) + 1);
    }
}

/// Shows the search; whether it was ended by Enter.
fn search_field(ui: &mut Ui, search: &mut String) -> bool {
    let field =
        TextEdit::singleline(search).hint_text("Search labels").desired_width(f32::INFINITY);
    let field = ui.add(field);
    // Before the focus is asked for again, which would undo that Enter gave it up.
    let enter = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if !enter && !field.has_focus() && ui.memory(|memory| memory.focused().is_none()) {
        field.request_focus();
    }
    field.accessible_name("Search labels");
    enter
}

/// Everything in its order: what follows from the clip, the model's own guesses, then all others in
/// their groups. The original label cannot be a target.
fn sections(labels: &Labels, verdict: Option<&Verdict>) -> Vec<Section> {
    let rules = TargetRule::ALL.map(Choice::Rule).to_vec();
    let mut sections = vec![Section { title: "", choices: rules }];
    let original = verdict.map(|verdict| verdict.top().0);
    let ranked = verdict.map(|verdict| verdict.ranked(GUESSES + 1)).unwrap_or_default();
    let guesses: Vec<usize> =
        ranked.into_iter().map(|(label, _)| label).filter(|&l| Some(l) != original).collect();
    let is_left = |label: &usize| Some(*label) != original && !guesses.contains(label);
    let of = |labels: Vec<usize>| labels.into_iter().filter(is_left).map(Choice::Label).collect();
    if !guesses.is_empty() {
        let choices = guesses.iter().copied().map(Choice::Label).collect();
        sections.push(Section { title: "What the model hears next", choices });
    }
    let groups = groups(labels);
    if groups.is_empty() {
        let title = if guesses.is_empty() { "" } else { "All others" };
        sections.push(Section { title, choices: of((0..labels.len()).collect()) });
    }
    for (title, group) in groups {
        sections.push(Section { title, choices: of(group) });
    }
    sections
}

/// What a choice is searched by: who types a label means the label, not the rule that led to it.
fn name(choice: Choice, labels: &Labels) -> String {
    match choice {
        Choice::Label(label) => labels.title(label),
        Choice::Rule(rule) => rule.title().to_owned(),
    }
}

/// How a choice is written; a rule with what it comes to.
fn title(choice: Choice, labels: &Labels, verdict: Option<&Verdict>, seed: u64) -> String {
    let name = name(choice, labels);
    let Choice::Rule(rule) = choice else { return name };
    match verdict.and_then(|verdict| rule.target(verdict, verdict.top().0, seed)) {
        Some(label) => format!("{name}: {}", labels.title(label)),
        None => name,
    }
}

fn chosen_text(form: &AttackForm, labels: &Labels, verdict: Option<&Verdict>) -> String {
    match form.target_rule {
        Some(rule) => title(Choice::Rule(rule), labels, verdict, form.seed),
        None => match labels.find(&form.target) {
            Ok(index) => labels.title(index),
            Err(_) => "Choose a label".to_owned(),
        },
    }
}

fn choice_button(
    ui: &mut Ui,
    choice: Choice,
    form: &AttackForm,
    labels: &Labels,
    verdict: Option<&Verdict>,
) -> eframe::egui::Response {
    let (chosen, beside, tooltip) = match choice {
        Choice::Rule(rule) => {
            let tooltip = match rule {
                TargetRule::Random => "Any label but the original one, drawn from the seed",
                TargetRule::LeastLikely => {
                    "The label that the model finds least likely in this clip: the hardest target"
                }
            };
            (form.target_rule == Some(rule), String::new(), tooltip)
        }
        Choice::Label(label) => {
            let chosen = form.target_rule.is_none() && labels.name(label) == form.target;
            (chosen, verdict.map_or(String::new(), |v| share(v.probability(label))), "")
        }
    };
    let button = Button::selectable(chosen, title(choice, labels, verdict, form.seed))
        .right_text(theme::small(ui, beside))
        .min_size(vec2(ui.available_width(), CONTROL_HEIGHT));
    let response = ui.add(button);
    if tooltip.is_empty() { response } else { response.on_hover_text(tooltip) }
}

/// A probability with two decimals; what rounds to nothing is not quite nothing.
fn share(probability: f32) -> String {
    if probability < 0.005 { "< 0.01".to_owned() } else { format!("{probability:.2}") }
}

fn choose(form: &mut AttackForm, choice: Choice, labels: &Labels) {
    match choice {
        Choice::Rule(rule) => form.target_rule = Some(rule),
        Choice::Label(label) => {
            form.target_rule = None;
            labels.name(label).clone_into(&mut form.target);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn verdict(labels: &Labels, top: usize) -> Verdict {
        let probability = |label| if label == top { 0.9 } else { 0.1 / (label + 1) as f32 };
        let probabilities = (0..labels.len()).map(probability).collect::<Vec<f32>>();
        Verdict { labels: labels.clone(), probabilities: Arc::from(probabilities) }
    }

    fn offered(sections: &[Section]) -> Vec<usize> {
        let choices = sections.iter().flat_map(|section| &section.choices);
        let labels = choices.filter_map(|choice| match choice {
            Choice::Label(label) => Some(*label),
            Choice::Rule(_) => None,
        });
        labels.collect()
    }

    #[test]
    fn every_label_but_the_original_is_offered_once_the_guesses_first() {
        let labels = Labels::fsdkaggle2018();
        let verdict = verdict(&labels, 19);
        let sections = sections(&labels, Some(&verdict));
        let all = offered(&sections);
        assert_eq!(all[..GUESSES], [0, 1, 2, 3, 4]);
        let mut sorted = all.clone();
        sorted.sort_unstable();
        let expected: Vec<usize> = (0..41).filter(|&label| label != 19).collect();
        assert_eq!(sorted, expected);
        assert!(sections.len() > 8, "in groups");
    }

    #[test]
    fn other_labels_have_no_groups_but_everything_else() {
        let labels = Labels::new(["Robin", "Wren", "Rook"].map(str::to_owned));
        let all = offered(&sections(&labels, None));
        assert_eq!(all, [0, 1, 2]);
        let verdict = verdict(&labels, 1);
        assert_eq!(offered(&sections(&labels, Some(&verdict))), [0, 2]);
    }

    #[test]
    fn a_rule_is_shown_with_the_label_that_it_comes_to() {
        let labels = Labels::fsdkaggle2018();
        let verdict = verdict(&labels, 19);
        let mut form = AttackForm::default();
        choose(&mut form, Choice::Rule(TargetRule::LeastLikely), &labels);
        assert_eq!(chosen_text(&form, &labels, Some(&verdict)), "Least likely: Writing");
        assert_eq!(chosen_text(&form, &labels, None), "Least likely");
        choose(&mut form, Choice::Label(36), &labels);
        assert_eq!(chosen_text(&form, &labels, Some(&verdict)), "Tearing");
    }
}
