//! Where everything in the tab stands: choices above, the table below.

use eframe::egui::{
    Align, CentralPanel, Frame, Label, Layout, Margin, RichText, ScrollArea, Ui, vec2,
};

use super::columns::Column;
use super::comparison::{Comparison, Plan, RowState};
use crate::ui::UiCommand;
use crate::ui::lab::Lab;
use crate::ui::settings::Settings;
use crate::ui::tab::Tab;
use crate::ui::text;
use crate::ui::theme::{self, BODY, CONTROL_HEIGHT, GAP, TITLE};
use crate::ui::widgets::{caption, quiet_button};

/// Shows the tab for one frame.
pub struct CompareUi<'a> {
    /// The state.
    pub comparison: &'a mut Comparison,
    /// The Lab, whose clip is compared and whose results are shown.
    pub lab: &'a Lab,
    /// The settings.
    pub settings: &'a mut Settings,
    /// The result that is played, by its index.
    pub played: Option<usize>,
    /// Takes the wishes.
    pub asked: &'a mut Vec<UiCommand>,
}

impl CompareUi<'_> {
    /// Shows the tab.
    pub fn show(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.window).inner_margin(Margin::same(12));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            let Some(clip) = self.lab.clip.clone() else {
                self.no_clip(ui);
                return;
            };
            let plan = Comparison::plan(&clip, self.settings, self.lab);
            self.choices(ui, &plan);
            self.summary(ui, &plan);
            let some = self.comparison.rows.iter().any(|row| self.lab.is_this_clip(&row.job.clip));
            if some {
                ScrollArea::horizontal().show(ui, |ui| self.table(ui));
            } else {
                empty(ui);
            }
        });
    }

    fn no_clip(&mut self, ui: &mut Ui) {
        ui.add_space(ui.available_height() * 0.35);
        ui.vertical_centered(|ui| {
            ui.label(theme::strong("There is no clip to compare on yet", TITLE));
            let words = "Open one in the Lab: a recording of yours, or one of the bundled clips.";
            ui.label(RichText::new(words).color(theme::palette(ui).quiet));
            if quiet_button(ui, "To the Lab").clicked() {
                self.asked.push(UiCommand::ShowTab(Tab::Lab));
            }
        });
    }

    /// How far the comparison is, and what it has shown so far.
    fn summary(&mut self, ui: &mut Ui, plan: &Plan) {
        let rows = self.comparison.rows.iter().filter(|r| self.lab.is_this_clip(&r.job.clip));
        let (mut ended, mut fooled, mut all, mut seconds) = (0, 0, 0, 0.0);
        let mut best: Option<(f64, String)> = None;
        for row in rows {
            all += usize::from(row.state != RowState::LeftOut);
            let RowState::Ended(command) = row.state else { continue };
            let Some(result) = self.lab.results.iter().find(|r| r.command == command) else {
                continue;
            };
            ended += 1;
            seconds += result.outcome.seconds;
            if !result.fools() {
                continue;
            }
            fooled += 1;
            let snr = result.outcome.metrics.snr_db;
            if best.as_ref().is_none_or(|(known, _)| snr > *known) {
                let who = self.lab.models.title(&row.job.model);
                let what = Column::Attack.words(row, Some(result), self.lab);
                best = Some((snr, format!("{what} against {who}")));
            }
        }
        let mut words = Vec::new();
        if all > 0 {
            words.push(format!("{ended} of {all} done, {fooled} fooled"));
        }
        if self.comparison.is_running() && ended > 0 && all > ended {
            let left = seconds / ended as f64 * (all - ended) as f64;
            words.push(format!("about {} left", text::duration(left.ceil()).replace(".0", "")));
        }
        if let Some((snr, who)) = best {
            words.push(format!("smallest change: {who}, {}", text::decibels(snr, 1)));
        }
        let size = vec2(ui.available_width(), CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            if all > 0 {
                let copy = quiet_button(ui, "Copy as CSV");
                let tooltip = "Copy the table for a spreadsheet, in the order in which it stands";
                if copy.on_hover_text(tooltip).clicked() {
                    ui.ctx().copy_text(self.csv());
                    self.asked.push(UiCommand::Tell("The table was copied as CSV.".to_owned()));
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                caption(ui, "Results");
                ui.add(Label::new(RichText::new(words.join(" · ")).size(BODY)).truncate());
            });
        });
        for reason in &plan.left_out {
            ui.add(Label::new(theme::small(ui, format!("Left out: {reason}"))).wrap());
        }
    }
}

fn empty(ui: &mut Ui) {
    ui.add_space(ui.available_height() * 0.25);
    ui.vertical_centered(|ui| {
        ui.label(theme::strong("Nothing was compared yet", TITLE));
        let words = "Choose attacks and models above and press Compare. Each row can then be \
                     played, sorted by any column, and opened in the Lab.";
        ui.set_max_width(440.0);
        ui.add(Label::new(RichText::new(words).color(theme::palette(ui).quiet)).wrap());
    });
}
