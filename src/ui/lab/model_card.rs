//! The model: which one, what it hears, how big and how good it is.

use eframe::egui::{ComboBox, Label, RichText, Ui};

use super::LabUi;
use crate::engine::DeviceChoice;
use crate::models::ModelId;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme;
use crate::ui::widgets::{card, down_mark, quiet_button, row, row_text};

impl LabUi<'_> {
    pub(super) fn model_card(&mut self, ui: &mut Ui) {
        card(ui, "Model", |ui| {
            let palette = theme::palette(ui);
            let mut chosen = self.lab.model.id;
            ComboBox::from_id_salt("model")
                .icon(down_mark)
                .selected_text(chosen.title())
                .width(ui.available_width())
                .show_ui(ui, |ui| {
                    for id in ModelId::ALL {
                        ui.selectable_value(&mut chosen, id, id.title());
                    }
                })
                .response
                .accessible_name("Model")
                .on_hover_text("The classifier that names the clip and that the attack fools");
            if chosen != self.lab.model.id {
                self.lab.model.id = chosen;
                self.lab.model.card = None;
                self.lab.verdict = None;
                self.asked.push(UiCommand::ReloadModel);
            }
            self.hears(ui);
            self.computes_on(ui);
            match (&self.lab.model.card, &self.lab.model.problem) {
                (Some(card), _) => {
                    let mut facts = format!(
                        "{} parameters · {}",
                        text::short_count(card.parameters),
                        card.input
                    );
                    if let Some(accuracy) = card.test_accuracy {
                        facts += &format!(" · test {accuracy:.2}");
                    }
                    let mut tooltip = String::from("Accuracy is on the test split of its data.");
                    if let Some(data) = &card.training_data {
                        tooltip += &format!("\nTrained on {data}.");
                    }
                    tooltip += &format!("\nWeights {}", card.weights_sha256);
                    ui.add(Label::new(theme::small(ui, facts)).wrap()).on_hover_text(tooltip);
                }
                (None, Some(problem)) => {
                    let words = RichText::new("Not loaded").color(palette.error);
                    ui.label(words).on_hover_text(problem);
                    let again = quiet_button(ui, "Try again");
                    if again.on_hover_text("After putting its file in place").clicked() {
                        self.asked.push(UiCommand::ReloadModel);
                    }
                }
                (None, None) => {
                    ui.label(theme::small(ui, "Loading…"));
                }
            }
            self.threads(ui);
        });
    }

    /// Where it computes: a choice where this build has one, else plain words.
    fn computes_on(&mut self, ui: &mut Ui) {
        let device = &self.lab.device;
        let mut tooltip = "Where the model computes".to_owned();
        let mut colour = None;
        if let Some(notice) = &device.notice {
            tooltip += &format!("\n{notice}");
            colour = Some(theme::palette(ui).warning);
        }
        let choices = DeviceChoice::in_this_build();
        if choices.len() < 2 {
            row_text(ui, "device", &device.name, colour, &tooltip);
            return;
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
    }

    fn hears(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        row(ui, "hears", |ui| match (&self.lab.verdict, self.lab.naming) {
            (Some(verdict), _) => {
                let probability = format!("{:.2}", verdict.top().1);
                ui.label(theme::strong(probability, theme::BODY).color(palette.original));
                ui.add(Label::new(verdict.title()).truncate());
            }
            (None, Some(_)) => {
                ui.label(RichText::new("listening…").color(palette.quiet));
            }
            (None, None) => {
                ui.label(RichText::new("nothing yet").color(palette.quiet));
            }
        });
    }
}
