//! Which attacks and which models, and the button that starts them.

use eframe::egui::{Align, Label, Layout, Link, RichText, Ui, vec2};

use super::comparison::Plan;
use super::layout::CompareUi;
use crate::attacks::AttackId;
use crate::ui::UiCommand;
use crate::ui::tab::Tab;
use crate::ui::theme::{self, CONTROL_HEIGHT, SMALL};
use crate::ui::widgets::{Icon, caption, card, chip, primary_button};

impl CompareUi<'_> {
    pub(super) fn choices(&mut self, ui: &mut Ui, plan: &Plan) {
        card(ui, "", |ui| {
            let button = 190.0;
            let size = vec2(ui.available_width(), 0.0);
            ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
                ui.allocate_ui(vec2(button, 76.0), |ui| self.start_button(ui, plan));
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    self.which_attacks(ui);
                    self.which_models(ui);
                    self.shared_options(ui);
                });
            });
        });
    }

    fn which_attacks(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(5.0, 4.0);
            head(ui, "Attacks");
            for id in AttackId::ALL {
                let on = self.settings.compared_attacks().contains(&id);
                if chip(ui, id.title(), on, id.explanation()) {
                    self.settings.compare_attack(id, !on);
                }
            }
        });
    }

    fn which_models(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(5.0, 4.0);
            head(ui, "Models");
            for model in self.lab.models.iter() {
                let name = model.source.to_string();
                let on = self.settings.compares_model(&name);
                let title = self.lab.models.title(&model.source);
                if chip(ui, &title, on, "Attack this model, too") {
                    self.settings.compare_model(&name, !on);
                }
            }
        });
    }

    /// What all rows have in common, which is set in the Lab.
    fn shared_options(&mut self, ui: &mut Ui) {
        let form = &self.settings.attack;
        let goal = match (form.targeted, form.target_rule) {
            (false, _) => "away from the original label".to_owned(),
            (true, Some(rule)) => format!("at a target ({})", rule.title().to_lowercase()),
            (true, None) if form.target.is_empty() => {
                "at a target that is not chosen yet".to_owned()
            }
            (true, None) => format!("at {}", form.target.replace('_', " ")),
        };
        let words =
            format!("All aim {goal}, search {}, with seed {}.", form.preset().name(), form.seed);
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size = vec2(0.0, 0.0);
            head(ui, "");
            ui.add(Label::new(theme::small(ui, words)).truncate());
            let link = ui.add(Link::new(RichText::new("change").size(SMALL)));
            let link = link.accessible_name("Change goal, search and seed in the Lab");
            if link.on_hover_text("Goal, search and seed are set in the Lab").clicked() {
                self.asked.push(UiCommand::ShowTab(Tab::Lab));
            }
        });
    }

    fn start_button(&mut self, ui: &mut Ui, plan: &Plan) {
        if self.comparison.is_running() {
            let stop = primary_button(ui, Icon::Stop, "Stop");
            if stop.on_hover_text("Stop; what is done is kept").clicked() {
                self.asked.push(UiCommand::CompareOrStop);
            }
            return;
        }
        let to_do = self.comparison.to_do(&plan.jobs, self.lab);
        let name = match to_do {
            0 => "Compare".to_owned(),
            1 => "Compare: 1 attack".to_owned(),
            count => format!("Compare: {count} attacks"),
        };
        let ready = to_do > 0 && self.lab.running.is_none();
        let button = ui.add_enabled_ui(ready, |ui| primary_button(ui, Icon::Play, &name)).inner;
        let why_not = if self.lab.running.is_some() {
            "An attack is under way in the Lab"
        } else if plan.jobs.is_empty() {
            "Choose at least one attack and one model that is loaded"
        } else {
            "All of these are done"
        };
        let button = button
            .on_hover_text("Run all chosen attacks against all chosen models on this clip")
            .on_disabled_hover_text(why_not);
        if button.clicked() {
            self.asked.push(UiCommand::CompareOrStop);
        }
    }
}

/// What a row of choices is about.
fn head(ui: &mut Ui, words: &str) {
    ui.allocate_ui_with_layout(
        vec2(66.0, CONTROL_HEIGHT),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.set_min_width(66.0);
            caption(ui, words);
        },
    );
}
