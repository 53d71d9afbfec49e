//! What the answers say: a table, verdicts, a plot, and a paragraph for a paper.

use eframe::egui::{Align, Grid, Label, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};
use egui_plot::{HLine, Line, LineStyle, Plot, PlotPoints, Points, VLine, uniform_grid_spacer};

use super::ListenCommand;
use super::layout::ListenUi;
use crate::listening::{Report, Said, Threshold};
use crate::ui::UiCommand;
use crate::ui::theme::{self, BODY, CONTROL_HEIGHT, TITLE};
use crate::ui::widgets::{card, quiet_button};

/// Points of a drawn function.
const POINTS: usize = 120;

impl ListenUi<'_> {
    pub(super) fn results(&mut self, ui: &mut Ui) {
        let size = vec2(ui.available_width(), CONTROL_HEIGHT);
        let title =
            self.listening.report.as_ref().map(|report| {
                format!("{} · {}", report.start.test.title, report.protocol().title())
            });
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            let back = quiet_button(ui, "Back to the set-up");
            if back.on_hover_text("Put a test together, go on with a session").clicked() {
                self.wish(ListenCommand::ShowSetUp);
            }
            ui.add_enabled_ui(!self.dialog_is_open && self.listening.report.is_some(), |ui| {
                let export = quiet_button(ui, "Export…");
                let tooltip = "Writes report.json, answers.csv, methods.txt and, where there is one, \
                               the psychometric function as PNG into a new folder";
                if export.on_hover_text(tooltip).clicked() {
                    self.wish(ListenCommand::ChooseExport);
                }
            });
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let title = title.unwrap_or_else(|| "Results".to_owned());
                ui.add(Label::new(theme::strong(title, TITLE)).truncate());
            });
        });
        let Some(report) = self.listening.report.as_deref() else {
            ui.label("There is no report yet.");
            return;
        };
        card(ui, "Answers", |ui| {
            verdicts(ui, report);
            ui.add_space(4.0);
            ScrollArea::horizontal().show(ui, |ui| table(ui, report));
        });
        thresholds(ui, report);
        card(ui, "What the numbers mean", |ui| {
            for line in report.explanations() {
                let words = RichText::new(line).color(theme::palette(ui).quiet);
                ui.add(Label::new(words).wrap());
            }
        });
        let methods = report.methods();
        let mut copied = false;
        card(ui, "Methods, for a paper", |ui| {
            let mut text = methods.as_str();
            let field = TextEdit::multiline(&mut text).desired_width(f32::INFINITY).desired_rows(4);
            ui.add(field)
                .accessible_name("Methods paragraph")
                .on_hover_text("Can be selected and copied");
            copied = quiet_button(ui, "Copy").on_hover_text("Copy the paragraph").clicked();
        });
        if copied {
            ui.ctx().copy_text(methods);
            self.asked.push(UiCommand::Tell("The methods paragraph was copied.".to_owned()));
        }
    }
}

fn verdicts(ui: &mut Ui, report: &Report) {
    let line = |ui: &mut Ui, who: &str, words: String| {
        ui.add(Label::new(RichText::new(format!("{who}: {words}")).size(BODY + 1.0)).wrap());
    };
    for participant in &report.participants {
        line(ui, &participant.id, report.verdict(participant));
        let (right, of) = participant.summary.catches;
        if right < of {
            let words =
                format!("{} of {of} catch trials were missed: was this listened to?", of - right);
            let words = RichText::new(words).color(theme::palette(ui).warning);
            ui.add(Label::new(words).wrap());
        }
    }
    if let Some(pooled) = &report.pooled {
        let who = format!("All {} together", pooled.participants);
        line(ui, &who, report.pooled_verdict(pooled));
    }
}

fn table(ui: &mut Ui, report: &Report) {
    let table = report.table();
    Grid::new("answers").striped(true).spacing(vec2(18.0, 6.0)).show(ui, |ui| {
        for (index, line) in table.iter().enumerate() {
            for cell in line {
                let words = if index == 0 {
                    theme::strong(cell, BODY).color(theme::palette(ui).quiet)
                } else {
                    RichText::new(cell)
                };
                ui.label(words);
            }
            ui.end_row();
        }
    });
}

fn thresholds(ui: &mut Ui, report: &Report) {
    let people =
        report.participants.iter().map(|person| (person.id.clone(), &person.summary.thresholds));
    for (who, thresholds) in people {
        for (index, threshold) in thresholds.iter().enumerate() {
            let of =
                threshold.stimulus.as_ref().map(|name| format!(" · {name}")).unwrap_or_default();
            let title = format!("Right answers by SNR: {who}{of}");
            let tracks = report.protocol().tracks();
            card(ui, &title, |ui| plot(ui, &format!("{who} {index}"), threshold, tracks));
        }
    }
}

fn plot(ui: &mut Ui, id: &str, threshold: &Threshold, tracks: Option<&str>) {
    let palette = theme::palette(ui);
    let levels = &threshold.levels;
    let fit = &threshold.fit;
    let (low, high) =
        levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), level| {
            (low.min(level.snr_db), high.max(level.snr_db))
        });
    let (low, high) = (low - 2.0, high + 2.0);
    let curve: PlotPoints<'_> = (0..=POINTS)
        .map(|index| low + (high - low) * index as f64 / POINTS as f64)
        .map(|snr| [snr, 100.0 * fit.curve.right(snr)])
        .collect();
    let words = match (threshold.said(), threshold.interval()) {
        (Said::At(db), Some(interval)) => format!(
            "Threshold {db:.1} dB SNR (95 %: {:.1} to {:.1}); slope {:.2} per dB, lapses {:.0} %.",
            interval.low,
            interval.high,
            fit.curve.slope,
            100.0 * fit.curve.lapse
        ),
        (Said::At(db), None) => format!("Threshold {db:.1} dB SNR."),
        (Said::Above(db), _) => format!("Heard up to the highest SNR that was played, {db:.1} dB."),
        (Said::Below(db), _) => {
            format!("Hardly heard even at the lowest SNR that was played, {db:.1} dB.")
        }
        (Said::Nothing, _) => "No threshold: guessing explains the answers as well.".to_owned(),
    };
    ui.add(Label::new(words).wrap());
    let settled = threshold.tracked_db.filter(|_| matches!(threshold.said(), Said::At(_)));
    if let Some((tracked, words)) = settled.zip(tracks) {
        ui.label(theme::small(ui, format!("{words} {tracked:.1} dB SNR.")));
    }
    let most = levels.iter().map(|level| level.trials).max().unwrap_or(1).max(1) as f64;
    Plot::new(id.to_owned())
        .height(210.0)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_grid(false)
        .show_background(false)
        .include_y(35.0)
        .include_y(103.0)
        .y_grid_spacer(uniform_grid_spacer(|_| [100.0, 50.0, 25.0]))
        .x_axis_label("SNR (dB)")
        .y_axis_label("Right answers (%)")
        .show(ui, |plot| {
            let guessing = HLine::new("guessing", 50.0).color(palette.edge).width(1.0);
            plot.hline(guessing.style(LineStyle::dashed_dense()));
            plot.line(Line::new("fitted", curve).color(palette.original).width(2.0));
            for level in levels {
                let share = 100.0 * level.right as f64 / level.trials.max(1) as f64;
                let radius = 2.0 + 4.0 * (level.trials as f64 / most).sqrt() as f32;
                let name = format!("{} of {}", level.right, level.trials);
                plot.points(
                    Points::new(name, vec![[level.snr_db, share]])
                        .radius(radius)
                        .color(palette.text),
                );
            }
            if let Said::At(db) = threshold.said() {
                let line = VLine::new("threshold", db);
                plot.vline(line.color(palette.adversarial).width(1.5));
                for end in threshold.interval().into_iter().flat_map(|i| [i.low, i.high]) {
                    let end = VLine::new("95 % interval", end).color(palette.adversarial);
                    plot.vline(end.width(1.0).style(LineStyle::dashed_dense()));
                }
            }
        });
}
