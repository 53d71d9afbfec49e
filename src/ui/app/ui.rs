//! What is painted around the tabs: bars, notices, drop target, help.

use eframe::egui::{
    Align, Align2, Button, CentralPanel, Color32, CornerRadius, FontId, Frame, Id, Label, LayerId,
    Layout, Margin, Order, Panel, RichText, ScrollArea, Stroke, StrokeKind, Ui, vec2,
};

use super::{App, UiCommand, commands};
use crate::models::is_weights_file;
use crate::ui::about::About;
use crate::ui::command_palette::Answer;
use crate::ui::compare::CompareUi;
use crate::ui::experiments::ExperimentsUi;
use crate::ui::export_sheet::ExportSheet;
use crate::ui::lab::{LabResult, LabUi};
use crate::ui::listen::{ListenUi, session_page};
use crate::ui::notices::NoticeKind;
use crate::ui::tab::Tab;
use crate::ui::tour::{self, STEPS, Turn};
use crate::ui::widgets::{Icon, icon_button};
use crate::ui::{help, text, theme};

/// The most room that notices take, in points.
const NOTICES: f32 = 92.0;

impl App {
    pub(super) fn paint(&mut self, ui: &mut Ui) {
        if let Some(running) = &mut self.listening.running {
            // Nothing else is near that could give an answer away.
            let player = self.player.state();
            // Where another device stands in, there is a notice, too, and sound.
            running.no_sound = self.player.notice().filter(|_| player.device.is_none());
            session_page(ui, running, &player, &mut self.asked);
            return;
        }
        let looping = self.settings.looping;
        // While recording, keys belong to that.
        if !self.recording.is_open() {
            self.asked.extend(commands::pressed(ui.ctx(), looping));
        }
        let palette = theme::palette(ui);
        let bar = |margin| Frame::new().fill(palette.panel).inner_margin(margin);
        Panel::top("top bar")
            .exact_size(44.0)
            .frame(bar(Margin::symmetric(14, 0)))
            .show(ui, |ui| self.top_bar(ui));
        if matches!(self.tab, Tab::Lab | Tab::Compare) {
            Panel::bottom("bottom bar")
                .exact_size(34.0)
                .frame(bar(Margin::symmetric(14, 0)))
                .show(ui, |ui| self.bottom_bar(ui));
        }
        if !self.notices.is_empty() {
            Panel::top("notices")
                .frame(bar(Margin::symmetric(12, 8)))
                .show(ui, |ui| self.notice_strip(ui));
        }
        CentralPanel::default().frame(Frame::new().fill(palette.window)).show(ui, |ui| {
            let player = self.player.state();
            match self.tab {
                Tab::Lab => LabUi {
                    lab: &mut self.lab,
                    settings: &mut self.settings,
                    player: &player,
                    asked: &mut self.asked,
                }
                .show(ui),
                Tab::Compare => CompareUi {
                    comparison: &mut self.comparison,
                    played: self.lab.shown_index().filter(|_| player.playing),
                    lab: &self.lab,
                    settings: &mut self.settings,
                    asked: &mut self.asked,
                }
                .show(ui),
                Tab::Experiments => ExperimentsUi {
                    experiments: &mut self.experiments,
                    form: &mut self.settings.experiment,
                    lab: &self.lab,
                    dialog_is_open: self.dialogs.is_open(),
                    asked: &mut self.asked,
                }
                .show(ui),
                Tab::Listen => ListenUi {
                    listening: &mut self.listening,
                    lab: &self.lab,
                    dialog_is_open: self.dialogs.is_open(),
                    asked: &mut self.asked,
                }
                .show(ui),
            }
        });
        if self.help {
            let close = {
                let (device, threads) = (&self.lab.device.name, self.engine.threads());
                help::show(ui.ctx(), device, threads, &mut self.asked)
            };
            self.help = !close;
        }
        self.model_sheet(ui);
        self.export_sheet(ui);
        self.recording.show(ui, &mut self.settings, &mut self.asked);
        self.about_sheet(ui);
        self.closing_sheet(ui.ctx());
        self.tour(ui);
        self.command_palette(ui);
        drop_target(ui);
    }

    fn export_sheet(&mut self, ui: &Ui) {
        let Some(result) = self.lab.shown_result().filter(|_| self.exporting) else {
            self.exporting = false;
            return;
        };
        let sheet = ExportSheet {
            result,
            models: &self.lab.models,
            contents: &mut self.settings.export,
            dialog_is_open: self.dialogs.is_open(),
            can_check: self.lab.running.is_none(),
            asked: &mut self.asked,
        };
        self.exporting = !sheet.show(ui.ctx());
    }

    fn tour(&mut self, ui: &Ui) {
        let Some(index) = self.tour else { return };
        let place = STEPS.get(index).and_then(|step| step.place);
        let rect = place.and_then(|place| self.lab.places.get(place));
        let turn = tour::show(ui.ctx(), index, rect.filter(|_| self.tab == Tab::Lab));
        self.asked.extend(turn.map(|turn| match turn {
            Turn::To(index) => UiCommand::Tour(Some(index)),
            Turn::End => UiCommand::Tour(None),
        }));
    }

    fn command_palette(&mut self, ui: &Ui) {
        let Some(mut palette) = self.palette.take() else { return };
        match palette.show(ui.ctx(), &self.entries()) {
            Answer::Open => self.palette = Some(palette),
            Answer::Closed => {}
            Answer::Chosen(command) => self.asked.push(command),
        }
    }

    fn about_sheet(&mut self, ui: &Ui) {
        if !self.about {
            return;
        }
        let player = self.player.state();
        let about = About {
            models: &self.lab.models,
            device: &self.lab.device.name,
            threads: self.engine.threads(),
            sound: player.device.as_deref(),
        };
        self.about = !about.show(ui.ctx());
    }

    fn model_sheet(&mut self, ui: &Ui) {
        let models = &self.lab.models;
        self.sheet.show(ui.ctx(), models, self.dialogs.is_open(), &mut self.asked);
    }

    fn bottom_bar(&mut self, ui: &mut Ui) {
        ui.horizontal_centered(|ui| {
            let has_result = self.lab.shown_result().is_some_and(LabResult::was_changed);
            let why_not = "There is nothing to save yet: attack the clip first.";
            let palette = theme::palette(ui);
            let lab = Button::new(RichText::new("Save lab…").size(12.5)).min_size(vec2(0.0, 22.0));
            let ready = self.lab.clip.is_some() && !self.dialogs.is_open();
            let lab = ui.add_enabled(ready, lab).on_hover_text(
                "Clip, all results and how the window looks at them, in one file that opens again \
                 (Ctrl Shift S)",
            );
            if lab.on_disabled_hover_text("There is nothing to save yet: open a clip.").clicked() {
                self.asked.push(UiCommand::ChooseLab);
            }
            for (label, command, tooltip) in [
                (
                    "Export…",
                    UiCommand::ToggleExport,
                    "Sound, picture, numbers and steps of the result, as a folder or a ZIP (Ctrl E)",
                ),
                (
                    "Save pair of WAVs…",
                    UiCommand::ChoosePairFolder,
                    "Writes NAME_nat.wav and NAME_adv.wav as 32-bit float (Ctrl S). Fewer bits \
                     would add noise as loud as the perturbation.",
                ),
                (
                    "Save figure…",
                    UiCommand::ChooseFigure,
                    "Writes both spectrograms side by side with labels and SNR, as PNG or SVG \
                     (Ctrl P).",
                ),
            ] {
                let button = Button::new(RichText::new(label).size(12.5)).min_size(vec2(0.0, 22.0));
                let enabled = has_result && !self.dialogs.is_open();
                let response = ui.add_enabled(enabled, button);
                if response.on_hover_text(tooltip).on_disabled_hover_text(why_not).clicked() {
                    self.asked.push(command);
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some(result) = self.lab.shown_result() {
                    let outcome = &result.outcome;
                    let gradients = outcome.gradient_evaluations;
                    let threads = match result.threads {
                        Some(1) => " · 1 thread".to_owned(),
                        Some(threads) => format!(" · {threads} threads"),
                        None => String::new(),
                    };
                    let numbers = format!(
                        "seed {}{threads} · {} gradient{} · {}",
                        outcome.seed,
                        text::thousands(gradients),
                        if gradients == 1 { "" } else { "s" },
                        text::duration(outcome.seconds)
                    );
                    ui.label(theme::small(ui, numbers));
                }
                let status = if !self.saving.is_empty() {
                    "Saving…".to_owned()
                } else if self.saved.is_empty() {
                    String::new()
                } else {
                    let names: Vec<_> =
                        self.saved.iter().map(|path| path.display().to_string()).collect();
                    format!("Saved {}", names.join(" and "))
                };
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let status = RichText::new(status).size(theme::SMALL).color(palette.good);
                    ui.add(Label::new(status).truncate());
                });
            });
        });
    }

    fn notice_strip(&mut self, ui: &mut Ui) {
        // However many there are, the clip and its attack stay in sight; the latest is seen.
        ScrollArea::vertical()
            .max_height(NOTICES)
            .auto_shrink([false, true])
            .stick_to_bottom(true)
            .show(ui, |ui| self.notice_list(ui));
        let count = self.notices.iter().len();
        if count > 1 {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.link(theme::small(ui, format!("Dismiss all {count}"))).clicked() {
                    self.asked.push(UiCommand::DismissNotices);
                }
            });
        }
    }

    fn notice_list(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        for (index, notice) in self.notices.iter().enumerate() {
            let (colour, word) = match notice.kind {
                NoticeKind::Error => (palette.error, "Error"),
                NoticeKind::Info => (palette.warning, "Note"),
                NoticeKind::Done => (palette.good, "Done"),
            };
            Frame::new()
                .fill(palette.card)
                .stroke(Stroke::new(1.0, colour.gamma_multiply(0.6)))
                .corner_radius(CornerRadius::same(theme::CARD_RADIUS))
                .inner_margin(Margin::symmetric(11, 6))
                .show(ui, |ui| {
                    let width = ui.available_width();
                    ui.horizontal(|ui| {
                        ui.label(theme::strong(word, theme::BODY).color(colour));
                        let text_width = width - ui.min_rect().width() - 96.0;
                        ui.allocate_ui_with_layout(
                            vec2(text_width, 20.0),
                            Layout::top_down(Align::Min),
                            |ui| {
                                ui.set_min_width(text_width);
                                ui.add(Label::new(&notice.text).wrap().selectable(true));
                            },
                        );
                        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                            let dismiss = icon_button(ui, Icon::Close, "Dismiss notice", false);
                            if dismiss.on_hover_text("Dismiss").clicked() {
                                self.asked.push(UiCommand::DismissNotice(index));
                            }
                            let copy = icon_button(ui, Icon::Copy, "Copy notice", false);
                            if copy.on_hover_text("Copy the text").clicked() {
                                ui.ctx().copy_text(notice.text.clone());
                            }
                        });
                    });
                });
        }
    }
}

/// Says that a file that hovers over the window can be dropped.
fn drop_target(ui: &Ui) {
    let hovered = ui.input(|input| input.raw.hovered_files.clone());
    if hovered.is_empty() {
        return;
    }
    let weights = hovered.iter().any(|f| f.path.as_deref().is_some_and(is_weights_file));
    let palette = theme::palette(ui);
    let layer = LayerId::new(Order::Foreground, Id::unique("drop target"));
    let painter = ui.ctx().layer_painter(layer);
    let rect = ui.ctx().content_rect();
    painter.rect_filled(rect, 0.0, Color32::from_black_alpha(150));
    let target = rect.shrink(40.0);
    let stroke = Stroke::new(2.0, palette.original);
    painter.rect(
        target,
        CornerRadius::same(12),
        palette.card.gamma_multiply(0.9),
        stroke,
        StrokeKind::Inside,
    );
    let middle = target.center();
    let icon = eframe::egui::Rect::from_center_size(middle - vec2(0.0, 36.0), vec2(40.0, 40.0));
    Icon::Drop.paint(&painter, icon, 36.0, palette.original);
    painter.text(
        middle + vec2(0.0, 14.0),
        Align2::CENTER_CENTER,
        if weights {
            "Drop the weights to open the model"
        } else {
            "Drop the recording to open it"
        },
        FontId::new(20.0, theme::semibold()),
        palette.text,
    );
}
