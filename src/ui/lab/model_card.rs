//! The model: which one, what it hears, how big and how good it is.

use eframe::egui::{
    Align, Button, ComboBox, Label, Layout, Link, RichText, Ui,
    text::{LayoutJob, TextWrapping},
    vec2,
};

use super::LabUi;
use crate::engine::DeviceChoice;
use crate::models::ModelCard;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme::{self, CONTROL_HEIGHT, SMALL};
use crate::ui::widgets::{caption, card, down_mark, quiet_button, row};

impl LabUi<'_> {
    pub(super) fn model_card(&mut self, ui: &mut Ui) {
        card(ui, "", |ui| {
            self.model_caption(ui);
            self.which_model(ui);
            self.hears(ui);
            self.model_state(ui);
            self.computes_on(ui);
        });
    }

    fn model_caption(&mut self, ui: &mut Ui) {
        ui.scope(|ui| {
            ui.spacing_mut().interact_size = vec2(0.0, 0.0);
            let size = vec2(ui.available_width(), 15.0);
            ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
                let link = ui.add(Link::new(RichText::new("about…").size(SMALL)));
                let tooltip = "How good each model is, how it listens, what it was trained on; and \
                               models of your own";
                if link.accessible_name("About the models").on_hover_text(tooltip).clicked() {
                    self.asked.push(UiCommand::ToggleModels);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    caption(ui, "Model");
                    let model = self.lab.models.current();
                    if let Some(card) = model.and_then(|model| model.card.as_ref()) {
                        let size = format!("{} parameters", text::short_count(card.parameters));
                        ui.add(Label::new(theme::small(ui, size)).truncate());
                    }
                });
            });
        });
    }

    fn which_model(&mut self, ui: &mut Ui) {
        let models = &self.lab.models;
        let mut tooltip = "The classifier that names the clip and that the attack fools".to_owned();
        if let Some(card) = models.current().and_then(|model| model.card.as_ref()) {
            tooltip += &format!(
                "\n\n{}\nInput: {}. {}\nWeights {}…",
                in_short(card),
                card.input,
                card.listens,
                card.short_hash()
            );
        }
        let mut asked = None;
        ComboBox::from_id_salt("model")
            .icon(down_mark)
            .selected_text(models.title(models.chosen()))
            .width(ui.available_width())
            .truncate()
            .show_ui(ui, |ui| {
                for model in models.iter() {
                    let state = match (&model.card, &model.problem) {
                        (Some(card), _) if model.source.path().is_some() => card.id.title(),
                        (Some(_), _) => "",
                        (None, Some(_)) => "not available",
                        (None, None) => "loading…",
                    };
                    let chosen = model.source == *models.chosen();
                    let title = models.title(&model.source);
                    let button = Button::selectable(chosen, title.as_str())
                        .right_text(theme::small(ui, state))
                        .truncate()
                        .min_size(vec2(ui.available_width(), CONTROL_HEIGHT));
                    let mut response = ui.add(button);
                    if let Some(path) = model.source.path() {
                        response = response.on_hover_text(path.display().to_string());
                    }
                    if response.clicked() {
                        asked = Some(UiCommand::ChooseModel(model.source.clone()));
                    }
                }
                ui.separator();
                let open = ui.button("Open weights…").on_hover_text(
                    "A .safetensors file of one of the five architectures, with labels of its own",
                );
                if open.clicked() {
                    asked = Some(UiCommand::ChooseWeights);
                }
            })
            .response
            .accessible_name("Model")
            .on_hover_text(tooltip);
        self.asked.extend(asked);
    }

    /// Why the chosen model is not there.
    fn model_state(&mut self, ui: &mut Ui) {
        let Some(model) = self.lab.models.current() else { return };
        match (&model.card, &model.problem) {
            (Some(_), _) => {}
            (None, Some(problem)) => {
                let palette = theme::palette(ui);
                ui.label(theme::strong("Not available", theme::BODY).color(palette.error));
                let mut job = LayoutJob::default();
                theme::small(ui, problem).append_to(
                    &mut job,
                    ui.style(),
                    eframe::egui::FontSelection::Default,
                    Align::Min,
                );
                job.wrap = TextWrapping { max_rows: 3, ..TextWrapping::default() };
                ui.add(Label::new(job).wrap()).on_hover_text(problem);
                let again = quiet_button(ui, "Try again");
                if again.on_hover_text("After putting its file in place").clicked() {
                    self.asked.push(UiCommand::RetryModel(model.source.clone()));
                }
            }
            (None, None) => {
                let waits = self.lab.running.is_some();
                let words = if waits { "Loads after the attack…" } else { "Loading…" };
                ui.label(theme::small(ui, words));
            }
        }
    }

    /// Where it computes, where this build has a choice, and with how many threads. The top bar tells
    /// of both in any case.
    fn computes_on(&mut self, ui: &mut Ui) {
        let device = &self.lab.device;
        let choices = DeviceChoice::in_this_build();
        if choices.len() < 2 {
            self.threads(ui);
            return;
        }
        let mut tooltip = "Where the models compute".to_owned();
        let mut colour = None;
        if let Some(notice) = &device.notice {
            tooltip += &format!("\n{notice}");
            colour = Some(theme::palette(ui).warning);
        }
        let mut chosen = device.choice;
        let shown = match self.lab.changing_device {
            Some(_) => RichText::new("opening…"),
            None => colour.into_iter().fold(RichText::new(&device.name), RichText::color),
        };
        row(ui, "device", |ui| {
            let idle = self.lab.running.is_none() && self.lab.changing_device.is_none();
            ui.add_enabled_ui(idle, |ui| {
                ComboBox::from_id_salt("device")
                    .icon(down_mark)
                    .selected_text(shown)
                    .width((ui.available_width() - 60.0).min(150.0))
                    .truncate()
                    .show_ui(ui, |ui| {
                        for choice in choices {
                            ui.selectable_value(&mut chosen, choice, choice.title());
                        }
                    })
                    .response
                    .accessible_name("Device")
                    .on_hover_text(tooltip)
                    .on_disabled_hover_text("While neither an attack nor a device is on its way");
            });
        });
        if chosen != self.lab.device.choice {
            self.asked.push(UiCommand::UseDevice(chosen));
        }
        self.threads(ui);
    }

    fn hears(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        if let Some(reason) = self.lab.why_unnamed() {
            let again = row(ui, "hears", |ui| {
                let failed = ui.label(RichText::new("failed").color(palette.warning));
                failed.on_hover_text(reason);
                ui.small_button("Try again").on_hover_text("Let the model hear the clip again")
            });
            if again.clicked() {
                self.asked.push(UiCommand::HearAgain);
            }
            return;
        }
        row(ui, "hears", |ui| match (self.lab.verdict(), self.lab.is_naming()) {
            (Some(verdict), _) => {
                let probability = format!("{:.2}", verdict.top().1);
                ui.label(theme::strong(probability, theme::BODY).color(palette.original));
                ui.add(Label::new(verdict.title()).truncate());
            }
            (None, true) => {
                ui.label(RichText::new("listening…").color(palette.quiet));
            }
            (None, false) => {
                ui.label(RichText::new("nothing yet").color(palette.quiet));
            }
        });
    }
}

/// How big and how good a model is.
fn in_short(card: &ModelCard) -> String {
    let mut facts = format!("{} parameters", text::short_count(card.parameters));
    if let Some(accuracy) = card.test_accuracy {
        facts += &format!(" · test {accuracy:.2}");
    }
    facts
}
