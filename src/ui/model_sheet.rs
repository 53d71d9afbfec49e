//! The models' cards: how good each is, how it listens, what it was trained on, which file it is.

use eframe::egui::{
    Align, Button, Context, Frame, Grid, Id, Label, Layout, Margin, Modal, RichText, ScrollArea,
    Ui, vec2,
};

use super::UiCommand;
use super::lab::{KnownModel, Models};
use super::text;
use super::theme::{self, CONTROL_HEIGHT};
use super::widgets::quiet_button;
use crate::models::{ModelCard, ModelSource, about};

/// Width of the list of models.
const LIST: f32 = 178.0;

/// Which model's card is shown, if any is.
#[derive(Default)]
pub struct ModelSheet(Option<ModelSource>);

impl ModelSheet {
    /// The sheet with the chosen model's card where it was not shown, and the other way round.
    pub fn toggled(&self, chosen: &ModelSource) -> Self {
        Self(self.0.is_none().then(|| chosen.clone()))
    }

    /// Shows the sheet where it is open.
    pub fn show(
        &mut self,
        ctx: &Context,
        models: &Models,
        dialog_is_open: bool,
        asked: &mut Vec<UiCommand>,
    ) {
        let Some(source) = &self.0 else { return };
        let mut source = source.clone();
        let palette = theme::Palette::of(ctx.theme());
        let frame = Frame::popup(&ctx.global_style()).fill(palette.card).inner_margin(20);
        let room = ctx.content_rect().size();
        let size = vec2((room.x - 90.0).min(800.0), (room.y - 150.0).min(400.0));
        let modal = Modal::new(Id::unique("models")).frame(frame).show(ctx, |ui| {
            ui.set_width(size.x);
            let mut close = false;
            ui.horizontal(|ui| {
                ui.label(theme::strong("Models", 20.0));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    close = quiet_button(ui, "Close").clicked();
                    let open = Button::new("Open weights…").min_size(vec2(0.0, CONTROL_HEIGHT));
                    let open = ui.add_enabled(!dialog_is_open, open).on_hover_text(
                        "Open a .safetensors file of one of the five architectures, with labels of \
                         its own. Or drop it anywhere onto the window.",
                    );
                    if open.clicked() {
                        asked.push(UiCommand::ChooseWeights);
                    }
                });
            });
            ui.add_space(6.0);
            ui.horizontal_top(|ui| {
                // The same height for all models, so that nothing jumps when another is looked at.
                ui.set_min_height(size.y);
                ui.vertical(|ui| {
                    ui.set_width(LIST);
                    ScrollArea::vertical().id_salt("list").max_height(size.y).show(ui, |ui| {
                        list(ui, models, &mut source);
                    });
                });
                ui.add_space(10.0);
                ui.vertical(|ui| {
                    let scroll = ScrollArea::vertical().id_salt("card").auto_shrink([false, true]);
                    scroll.min_scrolled_height(size.y).max_height(size.y).show(ui, |ui| {
                        Frame::new().inner_margin(Margin { right: 12, ..Margin::ZERO }).show(
                            ui,
                            |ui| {
                                if let Some(model) = models.get(&source) {
                                    about_model(ui, models, model, asked);
                                }
                            },
                        );
                    });
                });
            });
            close
        });
        let gone = models.get(&source).is_none();
        let close = modal.inner || modal.should_close();
        self.0 = match (close, gone) {
            (true, _) => None,
            (false, true) => Some(models.chosen().clone()),
            (false, false) => Some(source),
        };
    }
}

fn list(ui: &mut Ui, models: &Models, shown: &mut ModelSource) {
    ui.spacing_mut().item_spacing.y = 3.0;
    for model in models.iter() {
        let state = match model {
            KnownModel { card: Some(card), .. } => {
                card.test_accuracy.map_or(String::new(), |accuracy| percent(accuracy, 0))
            }
            KnownModel { problem: Some(_), .. } => "not available".to_owned(),
            _ => "loading…".to_owned(),
        };
        let title = models.title(&model.source);
        let chosen = model.source == *shown;
        let button = Button::selectable(chosen, title.as_str())
            .right_text(theme::small(ui, state))
            .truncate()
            .min_size(vec2(LIST, CONTROL_HEIGHT + 4.0));
        if ui.add(button).clicked() {
            *shown = model.source.clone();
        }
    }
}

fn about_model(ui: &mut Ui, models: &Models, model: &KnownModel, asked: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.y = 8.0;
    ui.label(theme::strong(models.title(&model.source), 17.0));
    let id = match (&model.source, &model.card) {
        (ModelSource::Named(id), _) => Some(*id),
        (ModelSource::File(_), Some(card)) => Some(card.id),
        (ModelSource::File(_), None) => None,
    };
    if let Some(id) = id {
        if model.source.path().is_some() {
            let words = format!("A file of your own with the architecture of {}.", id.title());
            ui.label(RichText::new(words).color(palette.quiet));
        }
        ui.add(Label::new(about(id).1).wrap());
    }
    if let Some(reason) = &model.problem {
        ui.label(theme::strong("Not available", theme::BODY).color(palette.error));
        ui.add(Label::new(reason).wrap().selectable(true));
        ui.add(Label::new(theme::small(ui, "The other models work without it.")).wrap());
    }
    match &model.card {
        Some(card) => facts(ui, card),
        None if model.problem.is_none() => {
            ui.label(RichText::new("It is being loaded.").color(palette.quiet));
        }
        None => {}
    }
    ui.horizontal(|ui| {
        let chosen = model.source == *models.chosen();
        let words = if chosen { "In use" } else { "Use this model" };
        let button = Button::new(words).min_size(vec2(0.0, CONTROL_HEIGHT));
        let usable = !chosen && model.problem.is_none();
        if ui.add_enabled(usable, button).clicked() {
            asked.push(UiCommand::ChooseModel(model.source.clone()));
        }
        if model.problem.is_some() && quiet_button(ui, "Load again").clicked() {
            asked.push(UiCommand::RetryModel(model.source.clone()));
        }
        if let Some(path) = model.source.path() {
            let again = quiet_button(ui, "Read again");
            if again.on_hover_text("After the file was changed").clicked() {
                asked.push(UiCommand::OpenModel(path.to_path_buf()));
            }
            let close = quiet_button(ui, "Remove from the list");
            let tooltip = "The file itself stays where it is, and so do the results.";
            if close.on_hover_text(tooltip).clicked() {
                asked.push(UiCommand::CloseModel(model.source.clone()));
            }
        }
    });
}

fn facts(ui: &mut Ui, card: &ModelCard) {
    let parameters = text::thousands(card.parameters);
    let accuracy = card.test_accuracy.map(|accuracy| {
        format!("{} of the clips of its test split are named correctly", percent(accuracy, 1))
    });
    let labels: Vec<_> = (0..card.labels.len()).map(|label| card.labels.title(label)).collect();
    let labels = format!("{}: {}", labels.len(), labels.join(", "));
    let unknown = || "its file does not say".to_owned();
    let rows = [
        ("Accuracy", accuracy.unwrap_or_else(unknown)),
        ("Parameters", format!("{parameters} trained numbers")),
        ("Input", card.input.to_owned()),
        ("Trained on", card.training_data.clone().unwrap_or_else(unknown)),
        ("Labels", labels),
        ("File", card.file.display().to_string()),
        ("SHA-256", format!("{}…", card.short_hash())),
    ];
    let quiet = theme::palette(ui).quiet;
    ui.spacing_mut().interact_size.y = 16.0;
    Grid::new("facts").num_columns(2).spacing(vec2(12.0, 7.0)).show(ui, |ui| {
        for (name, value) in rows {
            ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                ui.set_width(78.0);
                ui.label(RichText::new(name).color(quiet));
            });
            let value = ui.add(Label::new(value).wrap().selectable(true));
            if name == "SHA-256" {
                value.on_hover_text(format!("The whole hash: {}", card.weights_sha256));
            }
            ui.end_row();
        }
    });
}

/// A share in per cent, "64.1 %".
fn percent(share: f64, decimals: usize) -> String {
    format!("{} %", text::number(100.0 * share, decimals))
}
