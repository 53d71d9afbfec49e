//! Attack and Stop, and how far the attack is.

use eframe::egui::{Label, RichText, Ui};

use super::LabUi;
use super::models::KnownModel;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme::{self, SMALL};
use crate::ui::widgets::{Icon, primary_button, progress_bar};

impl LabUi<'_> {
    pub(super) fn attack_button(&mut self, ui: &mut Ui) {
        let Some(running) = &self.lab.running else {
            let model = self.lab.models.current();
            let loaded = model.is_some_and(KnownModel::is_ready);
            let ready = self.lab.clip.is_some() && loaded;
            let why_not = match model {
                Some(model) if model.problem.is_some() => "This model is not available",
                _ if !loaded => "The model is still being loaded",
                _ => "Open a clip first",
            };
            let response =
                ui.add_enabled_ui(ready, |ui| primary_button(ui, Icon::Play, "Attack")).inner;
            let response = response
                .on_hover_text("Search a change that makes the model mishear the clip (Ctrl Enter)")
                .on_disabled_hover_text(why_not);
            if response.clicked() {
                self.asked.push(UiCommand::AttackOrStop);
            }
            return;
        };
        let name = if running.stopping { "Stopping…" } else { "Stop" };
        let stopping = running.stopping;
        let response =
            ui.add_enabled_ui(!stopping, |ui| primary_button(ui, Icon::Stop, name)).inner;
        if response.on_hover_text("Stop and keep the best so far (Ctrl Enter)").clicked() {
            self.asked.push(UiCommand::AttackOrStop);
        }
        let palette = theme::palette(ui);
        progress_bar(ui, "Attack progress", running.fraction(), palette.adversarial);
        let quiet = |words: String| {
            Label::new(RichText::new(words).size(SMALL).color(palette.quiet)).truncate()
        };
        let mut lines = match &running.snapshot {
            Some(snapshot) => {
                let speed = running.speed().map_or(String::new(), |speed| {
                    format!(" · {} steps/s", text::number(speed, if speed < 10.0 { 1 } else { 0 }))
                });
                let left = running.seconds_left().map_or(String::new(), |left| {
                    format!("{} left · ", text::duration(left.ceil()).replace(".0", ""))
                });
                let steps = format!("step {} of {}", snapshot.iteration, snapshot.of);
                vec![format!("{steps}{speed}"), format!("{left}{}", snapshot.stage)]
            }
            None => vec!["Getting ready…".to_owned(), String::new()],
        };
        let job = &running.job;
        let form = &self.settings.attack;
        if job.model != *self.lab.models.chosen() || job.spec.id != form.id() {
            let model = self.lab.models.title(&job.model);
            lines.push(format!("{} against {model}", job.spec.id.title()));
        }
        if !self.lab.is_attacking_this() {
            lines.push(format!("on {}", running.job.clip.name));
        }
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            for line in lines {
                ui.add(quiet(line));
            }
        });
    }
}
