//! The sheet where people choose what of a result leaves the program, and where to.

use eframe::egui::{
    Align, Checkbox, Context, Frame, Id, Label, Layout, Margin, Modal, RichText, Ui,
};

use super::UiCommand;
use super::lab::{LabResult, Models};
use super::theme::{self, BODY, SMALL};
use super::widgets::{Segment, quiet_button, segmented};
use crate::audio::WavDepth;
use crate::export::{Contents, rounding, rounding_words};

/// What the sheet shows.
pub struct ExportSheet<'a> {
    /// The result that is exported.
    pub result: &'a LabResult,
    /// The models, for their names.
    pub models: &'a Models,
    /// What goes in.
    pub contents: &'a mut Contents,
    /// Whether a file dialog is open.
    pub dialog_is_open: bool,
    /// Whether the survival of the result can be asked for now.
    pub can_check: bool,
    /// Takes the wishes.
    pub asked: &'a mut Vec<UiCommand>,
}

const FLOAT: &str = "Every sample as it was computed; any audio program reads it";
const FEWER: &str = "Fewer bits round every sample, which often undoes an attack";

impl ExportSheet<'_> {
    /// Shows the sheet; whether it is to be closed.
    pub fn show(mut self, ctx: &Context) -> bool {
        let palette = theme::Palette::of(ctx.theme());
        let frame =
            Frame::popup(&ctx.global_style()).fill(palette.card).inner_margin(Margin::same(20));
        let modal = Modal::new(Id::unique("export")).frame(frame).show(ctx, |ui| {
            ui.set_width(460.0);
            let mut close = false;
            ui.horizontal(|ui| {
                ui.label(theme::strong("Export", 20.0));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    close = quiet_button(ui, "Close").clicked();
                });
            });
            self.what(ui);
            ui.add_space(8.0);
            close |= self.where_to(ui);
            close
        });
        modal.inner || modal.should_close()
    }

    fn what(&mut self, ui: &mut Ui) {
        let contents = &mut *self.contents;
        for (on, name, what) in [
            (&mut contents.wavs, "Sound", "original and adversarial as a pair of WAVs"),
            (&mut contents.json, "Numbers", "JSON with all measures, and all to compute it again"),
            (&mut contents.trace, "Steps", "CSV with confidence and SNR of each step"),
            (&mut contents.png, "Picture", "the figure as PNG"),
            (&mut contents.svg, "Drawing", "the figure as SVG, for print"),
        ] {
            ui.horizontal(|ui| {
                ui.add(Checkbox::new(on, name)).on_hover_text(what);
                ui.label(theme::small(ui, what));
            });
        }
        if contents.wavs {
            ui.add_space(4.0);
            let segments = [
                Segment::new(WavDepth::Float32, "32-bit float", FLOAT),
                Segment::new(WavDepth::Int24, "24 bits", FEWER),
                Segment::new(WavDepth::Int16, "16 bits", FEWER),
            ];
            segmented(ui, 320.0, &segments, &mut contents.depth);
            self.rounding(ui);
        }
    }

    /// What fewer bits do to the result.
    fn rounding(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let Some(transform) = rounding(self.contents.depth) else { return };
        let survival = &self.result.survival;
        let known = survival.found.iter().find(|known| known.transform == transform);
        let (words, ink) = match known {
            Some(known) => {
                let model = self.models.title(&self.result.job.model);
                let told = rounding_words(&self.result.outcome, known, &model);
                (told.words, if told.fools { palette.text } else { palette.warning })
            }
            None if survival.command.is_some() => {
                ("Asking the model about the rounded file…".to_owned(), palette.quiet)
            }
            None => {
                // Nobody should have to ask for what they must know before they save.
                if self.can_check {
                    self.asked.push(UiCommand::CheckSurvivalOrStop);
                }
                let words = "Whether the rounded file still fools the model is asked as soon as \
                             no attack is under way.";
                (words.to_owned(), palette.quiet)
            }
        };
        ui.add(Label::new(RichText::new(words).size(BODY).color(ink)).wrap());
    }

    /// Where it goes; whether something was chosen.
    fn where_to(&mut self, ui: &mut Ui) -> bool {
        let fewer = rounding(self.contents.depth).filter(|_| self.contents.wavs);
        let is_known =
            |transform| self.result.survival.found.iter().any(|known| known.transform == transform);
        let ready = !self.contents.is_empty() && fewer.is_none_or(is_known) && !self.dialog_is_open;
        let why_not = if self.contents.is_empty() {
            "Choose at least one kind of file"
        } else {
            "One moment: the model is asked about the rounded file"
        };
        let mut chosen = false;
        ui.horizontal(|ui| {
            for (name, command, tooltip) in [
                (
                    "Into a folder…",
                    UiCommand::ChooseExportFolder,
                    "Makes a new folder in the folder that you choose",
                ),
                ("As a ZIP…", UiCommand::ChooseExportZip, "All files in one archive"),
            ] {
                let button = ui.add_enabled_ui(ready, |ui| quiet_button(ui, name)).inner;
                if button.on_hover_text(tooltip).on_disabled_hover_text(why_not).clicked() {
                    self.asked.push(command);
                    chosen = true;
                }
            }
            let words = RichText::new("nothing leaves this computer").size(SMALL);
            ui.label(words.color(theme::palette(ui).quiet));
        });
        chosen
    }
}
