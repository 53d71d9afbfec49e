//! The model: which one, what it hears, how big and how good it is.

use eframe::egui::{ComboBox, Label, RichText, Ui};

use super::LabUi;
use crate::models::ModelId;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme;
use crate::ui::widgets::{card, down_mark, quiet_button, row};

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
