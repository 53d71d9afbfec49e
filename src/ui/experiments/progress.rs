//! How far the run is, and the buttons that start, pause and stop it.

use eframe::egui::{Align, Label, Layout, RichText, Ui, vec2};

use super::layout::ExperimentsUi;
use super::state::Phase;
use super::wish::ExperimentWish;
use crate::experiments::{ExperimentKind, attack_title, duration_words, model_title};
use crate::ui::theme::{self, CONTROL_HEIGHT, SMALL};
use crate::ui::widgets::{Icon, card, primary_button, progress_bar, quiet_button};

impl ExperimentsUi<'_> {
    pub(super) fn progress(&mut self, ui: &mut Ui) {
        card(ui, "", |ui| {
            let size = vec2(ui.available_width(), 0.0);
            ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
                ui.allocate_ui(vec2(190.0, 76.0), |ui| {
                    ui.with_layout(Layout::top_down(Align::Min), |ui| self.buttons(ui));
                });
                ui.with_layout(Layout::top_down(Align::Min), |ui| self.words(ui));
            });
            let left = self.experiments.done() < self.experiments.items.len();
            if let Some(shares) = self.experiments.shards.filter(|_| left) {
                self.unjoined(ui, shares);
            }
            if let Some(trouble) = self.experiments.trouble.clone() {
                ui.add_space(4.0);
                let colour = theme::palette(ui).error;
                ui.add(Label::new(RichText::new(trouble).color(colour)).wrap());
                if self.experiments.may_accept {
                    let accept = quiet_button(ui, "Accept the change");
                    let tooltip = "Keep the rows that still fit and compute the others again";
                    if accept.on_hover_text(tooltip).clicked() {
                        self.ask(ExperimentWish::AcceptChange);
                    }
                }
            }
        });
    }

    /// Says that shares of the run, computed by other processes, are not counted yet.
    fn unjoined(&mut self, ui: &mut Ui, shares: usize) {
        let words = match shares {
            1 => "One share of this run has rows that are not joined yet".to_owned(),
            shares => format!("{shares} shares of this run have rows that are not joined yet"),
        };
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            let words = format!("{words}, and would be computed again.");
            ui.label(RichText::new(words).color(theme::palette(ui).warning));
            if self.experiments.is_busy() {
                return;
            }
            let join = quiet_button(ui, "Join them");
            let tooltip = "Take the rows of the folders below shards into the run, as `mondegreen \
                           experiment merge` does";
            if join.on_hover_text(tooltip).clicked() {
                self.ask(ExperimentWish::Join);
            }
        });
    }

    fn buttons(&mut self, ui: &mut Ui) {
        let (icon, name, tooltip, wish) = match self.experiments.phase {
            Phase::AtRest => (
                Icon::Play,
                "Plan",
                "Let the models name the clean clips, and say how long the attacks will take",
                ExperimentWish::Plan,
            ),
            Phase::Planned if !self.experiments.is_busy() => {
                (Icon::Play, "Plan", "See how long what is left will take", ExperimentWish::Plan)
            }
            Phase::Planned => {
                (Icon::Play, "Start", "Begin with the attacks", ExperimentWish::GoOrPause)
            }
            Phase::Paused => (Icon::Play, "Go on", "Go on", ExperimentWish::GoOrPause),
            Phase::Working => {
                (Icon::Pause, "Pause", "Wait after the step under way", ExperimentWish::GoOrPause)
            }
            _ => (Icon::Play, "Start", "Not yet", ExperimentWish::GoOrPause),
        };
        let ready = matches!(
            self.experiments.phase,
            Phase::AtRest | Phase::Planned | Phase::Paused | Phase::Working
        );
        let button = ui.add_enabled_ui(ready, |ui| primary_button(ui, icon, name)).inner;
        if button
            .on_hover_text(tooltip)
            .on_disabled_hover_text("Wait until it is planned")
            .clicked()
        {
            self.ask(wish);
        }
        ui.horizontal(|ui| {
            let running = self.experiments.is_busy() && self.experiments.phase != Phase::Stopping;
            let stop = ui.add_enabled_ui(running, |ui| quiet_button(ui, "Stop")).inner;
            let tooltip = "Stop after the step under way; what is done is kept, and Plan goes on";
            if stop.on_hover_text(tooltip).clicked() {
                self.ask(ExperimentWish::Stop);
            }
            let some = !self.experiments.survey.is_empty() && self.experiments.folder.is_some();
            let report = ui.add_enabled_ui(some, |ui| quiet_button(ui, "Write report")).inner;
            let tooltip = "Tables as Markdown, CSV and LaTeX and figures as PNG and SVG, into the \
                           folder report of the run";
            if report.on_hover_text(tooltip).clicked() {
                self.ask(ExperimentWish::WriteReport);
            }
        });
    }

    fn words(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let it = &*self.experiments;
        let (done, all) = (it.done(), it.items.len());
        let left = || format!("about {}", duration_words(it.seconds_left()));
        let counted = format!("{done} of {all} items done");
        let (head, mut more) = match &it.phase {
            Phase::AtRest if all == 0 && it.survey.is_empty() => {
                ("No run is shown".to_owned(), String::new())
            }
            Phase::AtRest if all == 0 => {
                let words = match it.configuration.as_ref().map(|it| it.experiment) {
                    Some(ExperimentKind::Accuracy) => "What they come to is under Tables.",
                    _ => {
                        "No model names any of the clips rightly, so that there is nothing to attack."
                    }
                };
                (format!("{} answers on clean clips", it.survey.len()), words.to_owned())
            }
            Phase::AtRest if done >= all => {
                let words = match it.failures().count() {
                    0 => "The run is whole: all that was planned is done.".to_owned(),
                    failed => format!("{failed} of them failed: see Failures."),
                };
                (counted, words)
            }
            Phase::AtRest => {
                (counted, "Not under way here. Plan goes on with what is left.".to_owned())
            }
            Phase::Looking => ("Reading the run's folder".to_owned(), String::new()),
            Phase::Loading(title) => (format!("Loading {title}"), String::new()),
            Phase::Naming(done, of) => (
                format!("{done} of {of} clean clips named"),
                "Each model names each clip of the split: that is Table 1, and tells which clips \
                 can be attacked."
                    .to_owned(),
            ),
            Phase::Timing => (
                "Timing the models".to_owned(),
                "One gradient of each, to tell how long the attacks will take.".to_owned(),
            ),
            Phase::Planned if it.is_busy() => (
                format!("{} items to do, {}", it.open, left()),
                "Press Start to begin with the attacks, or Stop to change the choices.".to_owned(),
            ),
            Phase::Planned => (counted, String::new()),
            Phase::Working => (format!("{counted}, {} left", left()), String::new()),
            Phase::Paused => (format!("{counted}, paused"), format!("{} left", left())),
            Phase::Stopping => ("Stopping after the step under way".to_owned(), String::new()),
        };
        let mut running: Vec<_> = it.running.iter().collect();
        running.sort_by_key(|(id, _)| (*id).clone());
        if let Some((id, step)) = running.first().filter(|_| it.phase == Phase::Working) {
            let item = it.items.iter().find(|item| item.id == **id);
            if let Some(item) = item {
                let (attack, model) = (attack_title(&item.attack), model_title(&item.model));
                let others = match running.len() {
                    0 | 1 => String::new(),
                    n => format!(" and {} more", n - 1),
                };
                let steps = if step.of > 1 {
                    format!(", step {} of {}", step.done, step.of)
                } else {
                    String::new()
                };
                more = format!("{attack} on {model}: {}{steps}{others}", item.clip);
            }
        }
        let size = vec2(ui.available_width(), CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(theme::strong(head, 15.0)).truncate());
        });
        let share = match it.phase {
            Phase::Naming(done, of) => done as f32 / of.max(1) as f32,
            _ if all == 0 => f32::from(u8::from(!it.survey.is_empty())),
            _ => done as f32 / all as f32,
        };
        progress_bar(ui, "Done", share, palette.original);
        ui.add(Label::new(RichText::new(more).size(SMALL).color(palette.quiet)).truncate());
        if let Some(folder) = &it.folder {
            let words = format!("in {}", folder.display());
            ui.add(Label::new(RichText::new(words).size(SMALL).color(palette.quiet)).truncate());
        }
    }
}
