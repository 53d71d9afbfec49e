//! The label that an attack aims at: all labels with a search, the likeliest first.

use eframe::egui::{Button, ScrollArea, TextEdit, Ui};

use super::LabUi;
use crate::ui::theme::{self, CONTROL_HEIGHT};
use crate::ui::widgets::popup_button;

/// How many of the model's own guesses stand at the top.
const GUESSES: usize = 5;

impl LabUi<'_> {
    pub(super) fn target_picker(&mut self, ui: &mut Ui) {
        let labels = self.lab.labels();
        let form = &mut self.settings.attack;
        let text = match labels.find(&form.target) {
            Ok(index) => labels.title(index),
            Err(_) => "Choose a label".to_owned(),
        };
        let (width, verdict) = (ui.available_width(), self.lab.verdict().cloned());
        let verdict = verdict.as_ref();
        let original = verdict.map(|verdict| verdict.top().0);
        // The original label cannot be a target; then the model's guesses, then all others.
        let mut order: Vec<usize> = verdict
            .map(|verdict| verdict.ranked(GUESSES + 1).into_iter().map(|(label, _)| label))
            .into_iter()
            .flatten()
            .collect();
        let guessed = order.clone();
        order.extend((0..labels.len()).filter(|label| !guessed.contains(label)));
        order.retain(|&label| Some(label) != original);

        let search = &mut self.lab.target_search;
        let mut open = false;
        let response = popup_button(ui, "Target label", &text, width, |ui| {
            open = true;
            ui.set_width(width.max(220.0));
            let field = TextEdit::singleline(search)
                .hint_text("Search labels")
                .desired_width(f32::INFINITY);
            let field = ui.add(field);
            // Before the focus is asked for again, which would undo that Enter gave it up.
            let enter =
                field.lost_focus() && ui.input(|input| input.key_pressed(eframe::egui::Key::Enter));
            if !enter && !field.has_focus() && ui.memory(|memory| memory.focused().is_none()) {
                field.request_focus();
            }
            let wanted = search.to_lowercase();
            let found = order.iter().map(|&label| (label, labels.title(label)));
            let found: Vec<_> =
                found.filter(|(_, title)| title.to_lowercase().contains(wanted.trim())).collect();
            if enter && let Some((label, _)) = found.first() {
                labels.name(*label).clone_into(&mut form.target);
                search.clear();
                ui.close();
                return;
            }
            ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for (label, title) in &found {
                    let chosen = labels.name(*label) == form.target;
                    let probability = verdict.map_or(String::new(), |verdict| {
                        format!("{:.2}", verdict.probability(*label))
                    });
                    let button = Button::selectable(chosen, title.as_str())
                        .right_text(theme::small(ui, probability))
                        .min_size(eframe::egui::vec2(ui.available_width(), CONTROL_HEIGHT));
                    if ui.add(button).clicked() {
                        labels.name(*label).clone_into(&mut form.target);
                        search.clear();
                        ui.close();
                    }
                }
                if found.is_empty() {
                    ui.label(theme::small(ui, "No label has that in its name."));
                }
            });
        });
        if !open {
            search.clear();
        }
        response.on_hover_text("The label that the model shall hear");
    }
}
