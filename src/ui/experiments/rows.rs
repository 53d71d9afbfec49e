//! A line for each item that is done, the newest last, so that lines stay where they are while
//! others come; a click opens it in the Lab.

use eframe::egui::{
    Align, CornerRadius, CursorIcon, Frame, Label, Layout, RichText, Role, ScrollArea, Sense,
    Stroke, TextEdit, Ui, WidgetInfo, vec2,
};
use egui_extras::{Column, TableBuilder};
use serde_json::{Map, Value};

use super::layout::ExperimentsUi;
use super::wish::ExperimentWish;
use crate::experiments::{LeftOut, Row, attack_title, model_title};
use crate::ui::text;
use crate::ui::theme::{self, CARD_RADIUS, CONTROL_HEIGHT};
use crate::ui::widgets::quiet_button;

/// Height of a row.
const ROW: f32 = 30.0;

/// The columns: heads and what they teach.
const HEADS: [(&str, &str); 8] = [
    ("Clip", "The recording, by its path in the data set"),
    ("Label", "Its true label"),
    ("Model", "The attacked model"),
    ("Attack", "The attack"),
    ("Hears now", "The label that the model hears in the changed clip, and how surely"),
    ("Result", "Whether the attack reached its goal"),
    ("SNR", "Signal-to-noise ratio: the higher, the smaller the change"),
    ("Time", "How long the search took"),
];

/// Their widths in points; 0 for what room is left.
const WIDTHS: [f32; 8] = [0.0, 110.0, 74.0, 112.0, 152.0, 74.0, 60.0, 80.0];

impl ExperimentsUi<'_> {
    pub(super) fn rows(&mut self, ui: &mut Ui) {
        let size = vec2(ui.available_width(), CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            let edit = TextEdit::singleline(&mut self.experiments.filter)
                .hint_text("A label, model or attack to look for")
                .desired_width(330.0)
                .min_size(vec2(0.0, CONTROL_HEIGHT));
            ui.add(edit).accessible_name("Only rows with this word");
        });
        let words = self.experiments.filter.trim().to_lowercase();
        let says = |row: &Row, words: &str| cells(row).join(" ").to_lowercase().contains(words);
        let places = self.experiments.rows_with(&words, says).to_vec();
        let rows: Vec<&Row> = places.iter().map(|&place| &*self.experiments.rows[place]).collect();
        if rows.is_empty() {
            let none =
                if words.is_empty() { "Nothing was attacked yet." } else { "There is none." };
            ui.label(RichText::new(none).color(theme::palette(ui).quiet));
            return;
        }
        let mut opened = None;
        let palette = theme::palette(ui);
        let frame = Frame::new()
            .fill(palette.card)
            .stroke(Stroke::new(1.0, palette.edge))
            .corner_radius(CornerRadius::same(CARD_RADIUS))
            .inner_margin(8);
        // Where there is little room, the label (which the clip's path often says) and the time go.
        let wide = ui.available_width() > 820.0;
        let shown = move |column: &usize| wide || !matches!(column, 1 | 7);
        let columns = || (0..HEADS.len()).filter(shown);
        let hovered = ui.rect_contains_pointer(ui.available_rect_before_wrap());
        frame.show(ui, |ui| {
            // Buttons lie on it, and are seen on both kinds of rows.
            ui.visuals_mut().faint_bg_color = palette.window;
            ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
            let mut table = TableBuilder::new(ui)
                .id_salt(("experiment rows", wide))
                .striped(true)
                .sense(Sense::CLICK)
                // New lines come into sight, but not under a pointer that is about to click.
                .stick_to_bottom(!hovered)
                .cell_layout(Layout::left_to_right(Align::Center));
            for column in columns() {
                table = table.column(match WIDTHS[column] {
                    0.0 => Column::remainder().at_least(96.0).clip(true),
                    width => Column::exact(width).clip(true),
                });
            }
            table
                .column(Column::exact(60.0))
                .header(24.0, |mut header| {
                    for (head, tooltip) in columns().map(|column| HEADS[column]) {
                        header.col(|ui| {
                            ui.label(theme::small(ui, head)).on_hover_text(tooltip);
                        });
                    }
                    header.col(|_| {});
                })
                .body(|body| {
                    body.rows(ROW, rows.len(), |mut line| {
                        let Some(row) = rows.get(line.index()) else { return };
                        let cells = cells(row);
                        for index in columns() {
                            let words = match index {
                                // The label has a column of its own.
                                0 => file_name(&row.clip),
                                _ => &cells[index],
                            };
                            line.col(|ui| cell(ui, row, index, words));
                        }
                        line.col(|ui| {
                            let open = quiet_button(ui, "Open");
                            let open = open.on_hover_text(
                                "Show this clip in the Lab with the model and attack of the row",
                            );
                            let name = format!("Open in the Lab: {}", cells[..4].join(", "));
                            open.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
                            if open.clicked() {
                                opened = Some(row.id.clone());
                            }
                        });
                        let whole = line.response().on_hover_cursor(CursorIcon::PointingHand);
                        if whole.clicked() {
                            opened = Some(row.id.clone());
                        }
                    });
                });
        });
        if let Some(id) = opened {
            self.ask(ExperimentWish::OpenRow(id));
        }
    }

    pub(super) fn failures(&mut self, ui: &mut Ui) {
        let attacks = self.experiments.failures().map(|row| {
            let reason = row.reason.as_deref().unwrap_or("no reason was given");
            format!("{}: {reason}", cells(row)[..4].join(", "))
        });
        let left_out = self.experiments.left_out.iter().map(LeftOut::to_string);
        let failed: Vec<String> = attacks.chain(left_out).collect();
        if failed.is_empty() {
            ui.label(RichText::new("Nothing failed.").color(theme::palette(ui).quiet));
            return;
        }
        let free = self.is_free() || !self.experiments.is_busy();
        let retry = ui.add_enabled_ui(free, |ui| quiet_button(ui, "Plan them again")).inner;
        let tooltip = "Plan the run with these items: what failed once may work now";
        if retry.on_hover_text(tooltip).on_disabled_hover_text("Stop the run first").clicked() {
            self.ask(ExperimentWish::Retry);
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for line in failed {
                ui.add(Label::new(line).wrap());
            }
        });
    }
}

fn cell(ui: &mut Ui, row: &Row, column: usize, words: &str) {
    let palette = theme::palette(ui);
    let ink = match column {
        4 | 5 if row.fooled() => palette.adversarial,
        5 if row.is_failed() => palette.error,
        0 | 3 | 6 => palette.text,
        _ => palette.quiet,
    };
    // Not to be selected: a click is for the whole row.
    let words = Label::new(RichText::new(words).color(ink)).selectable(false);
    let label = ui.add(words.truncate());
    match (column, &row.reason, &row.measures) {
        (0, ..) => drop(label.on_hover_text(row.clip.as_str())),
        (5, Some(reason), _) => drop(label.on_hover_text(reason.as_str())),
        // Of nothing there is nothing to measure.
        (6, _, Some(all)) if row.snr_db.is_some() => {
            label.on_hover_ui(|ui| drop(ui.label(measures(all))));
        }
        _ => {}
    }
}

/// What else was measured of a perturbation, a line each.
fn measures(all: &Map<String, Value>) -> String {
    let one = |(name, key, unit): (&str, &str, &str)| {
        all.get(key)?.as_f64().map(|value| format!("{name}: {} {unit}", text::number(value, 1)))
    };
    let lines: Vec<String> = [
        ("Segmental SNR", "segmental_snr_db", "dB"),
        ("Noise to mask", "noise_to_mask_db", "dB"),
        ("Noise to mask, worst frame", "noise_to_mask_worst_db", "dB"),
        ("Peak", "peak_dbfs", "dBFS"),
        ("Loudness of the difference", "loudness_perturbation_lufs", "LUFS"),
    ]
    .into_iter()
    .filter_map(one)
    .collect();
    lines.join("\n")
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a row says, column by column.
fn cells(row: &Row) -> [String; 8] {
    let heard = if row.new_label.is_empty() {
        "–".to_owned()
    } else {
        format!("{} {:.2}", row.new_label.replace('_', " "), row.new_confidence)
    };
    let target = row.target.as_ref().map(|target| format!(" to {}", target.replace('_', " ")));
    [
        row.clip.clone(),
        row.label.replace('_', " "),
        model_title(&row.model),
        format!("{}{}", attack_title(&row.attack), target.unwrap_or_default()),
        heard,
        row.status.clone(),
        row.snr_db.map_or("–".to_owned(), |snr| text::decibels(snr, 1)),
        text::duration(row.seconds),
    ]
}
