//! The table: a row an attack, sorted by any column, each played and opened in the Lab.

use eframe::egui::{
    Align, Button, Color32, CornerRadius, Label, Layout, Rect, RichText, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use super::columns::{Column, Sort};
use super::comparison::{Row, RowState};
use super::layout::CompareUi;
use crate::ui::UiCommand;
use crate::ui::lab::LabResult;
use crate::ui::theme::{self, BODY, CARD_RADIUS, SMALL};
use crate::ui::widgets::{Icon, icon_button, quiet_button};

/// Height of a row.
const ROW: f32 = 36.0;

/// Size of a picture of a change.
const PICTURE: [f32; 2] = [110.0, 28.0];

/// What is shown of one row, gathered before the table borrows everything.
struct Line {
    cells: Vec<String>,
    /// The result's index among all of the session.
    result: Option<usize>,
    changed: bool,
    fooled: bool,
    name: String,
}

impl CompareUi<'_> {
    pub(super) fn table(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        eframe::egui::Frame::new()
            .fill(palette.card)
            .stroke(Stroke::new(1.0, palette.edge))
            .corner_radius(CornerRadius::same(CARD_RADIUS))
            .inner_margin(8)
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
                // Buttons lie on it, and are seen on both kinds of rows.
                ui.visuals_mut().faint_bg_color = palette.window;
                let lines = self.lines();
                let builder = TableBuilder::new(ui)
                    .id_salt("comparison")
                    .striped(true)
                    .cell_layout(Layout::left_to_right(Align::Center))
                    .column(Width::exact(32.0))
                    .column(Width::exact(PICTURE[0] + 4.0))
                    .column(Width::remainder().at_least(150.0).clip(true))
                    .column(Width::exact(92.0).clip(true))
                    .column(Width::remainder().at_least(120.0).clip(true))
                    .column(Width::exact(46.0))
                    .columns(Width::exact(76.0), 2)
                    .column(Width::exact(66.0))
                    .column(Width::exact(76.0))
                    .column(Width::exact(62.0));
                builder
                    .header(26.0, |mut header| {
                        header.col(|_| {});
                        header.col(|ui| {
                            ui.label(theme::small(ui, "Change")).on_hover_text(
                                "The spectrogram of the change, on a range of its own",
                            );
                        });
                        for column in Column::ALL {
                            header.col(|ui| {
                                let sort = &mut self.comparison.sort;
                                head(ui, column, sort);
                            });
                        }
                        header.col(|_| {});
                    })
                    .body(|body| {
                        body.rows(ROW, lines.len(), |mut row| {
                            if let Some(line) = lines.get(row.index()) {
                                self.line(&mut row, line);
                            }
                        });
                    });
            });
    }

    fn line(&mut self, row: &mut TableRow<'_, '_>, line: &Line) {
        row.col(|ui| {
            let Some(index) = line.result.filter(|_| line.changed) else { return };
            let playing = self.played == Some(index);
            let (icon, verb) = if playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
            let button = icon_button(ui, icon, &format!("{verb}: {}", line.name), playing);
            if button.on_hover_text("Listen to the changed clip").clicked() {
                self.asked.push(UiCommand::PlayResult(index));
            }
        });
        row.col(|ui| self.picture(ui, line));
        for (column, words) in Column::ALL.into_iter().zip(&line.cells) {
            row.col(|ui| {
                let palette = theme::palette(ui);
                let ink = match column {
                    Column::Attack => palette.text,
                    Column::Heard if line.fooled => palette.adversarial,
                    Column::Snr if line.fooled => palette.text,
                    _ => palette.quiet,
                };
                let heavy = matches!(column, Column::Attack | Column::Snr);
                let text = if heavy { theme::strong(words, BODY) } else { RichText::new(words) };
                ui.add(Label::new(text.color(ink)).truncate());
            });
        }
        row.col(|ui| {
            let Some(index) = line.result else { return };
            let open = quiet_button(ui, "Open").on_hover_text("Show this result in the Lab");
            let name = format!("Open in the Lab: {}", line.name);
            open.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if open.clicked() {
                self.asked.push(UiCommand::OpenResult(index));
            }
        });
    }

    fn picture(&mut self, ui: &mut Ui, line: &Line) {
        let (rect, response) = ui.allocate_exact_size(PICTURE.into(), Sense::hover());
        let name = format!("Picture of the change: {}", line.name);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        let palette = theme::palette(ui);
        let result = line.result.and_then(|index| self.lab.results.get(index));
        if let Some(result) = result.filter(|_| line.changed) {
            if let (true, Some(_), Some(index)) = (result.is_away, result.place, line.result)
                && !self.comparison.thumbnails.has(result.command)
            {
                self.asked.push(UiCommand::BringBack(index));
            }
            let texture = self.comparison.thumbnails.get(
                ui.ctx(),
                result.command,
                &result.job.clip.samples,
                &result.outcome.samples,
                self.settings.look,
            );
            if let Some(texture) = texture {
                let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter().image(texture.id(), rect, uv, Color32::WHITE);
                return;
            }
        }
        let edge = Stroke::new(1.0, palette.edge);
        ui.painter().rect_stroke(rect, CornerRadius::same(3), edge, StrokeKind::Inside);
    }

    /// The rows of this clip in the order in which they are shown.
    fn lines(&self) -> Vec<Line> {
        let mut rows: Vec<(&Row, Option<usize>, Option<&LabResult>)> = self
            .comparison
            .rows
            .iter()
            .filter(|row| self.lab.is_this_clip(&row.job.clip))
            .map(|row| {
                let index = match row.state {
                    RowState::Ended(command) => {
                        self.lab.results.iter().position(|result| result.command == command)
                    }
                    _ => None,
                };
                (row, index, index.and_then(|index| self.lab.results.get(index)))
            })
            .collect();
        if let Sort { column: Some(column), descending } = self.comparison.sort {
            rows.sort_by(|one, other| {
                column.compare((one.0, one.2), (other.0, other.2), self.lab, descending)
            });
        }
        let line = |(row, index, result): (&Row, Option<usize>, Option<&LabResult>)| {
            let changed = result.is_some_and(LabResult::was_changed);
            Line {
                cells: Column::ALL.map(|column| column.words(row, result, self.lab)).into(),
                result: index,
                changed,
                fooled: result.is_some_and(LabResult::fools),
                name: format!(
                    "{} against {}",
                    row.job.spec.id.title(),
                    self.lab.models.title(&row.job.model)
                ),
            }
        };
        rows.into_iter().map(line).collect()
    }

    /// The table for a spreadsheet, in the order in which it stands; numbers in full.
    pub(super) fn csv(&self) -> String {
        let quoted = |words: &str| format!("\"{}\"", words.replace('"', "\"\""));
        let mut csv = Column::ALL.map(|column| quoted(column.title())).join(",") + "\n";
        for line in self.lines() {
            let cells = Column::ALL.into_iter().zip(&line.cells).map(|(column, words)| {
                let result = line.result.and_then(|index| self.lab.results.get(index));
                match result.and_then(|result| column.value(result)) {
                    Some(value) => value.to_string(),
                    None => quoted(words),
                }
            });
            csv += &(cells.collect::<Vec<_>>().join(",") + "\n");
        }
        csv
    }
}

fn head(ui: &mut Ui, column: Column, sort: &mut Sort) {
    let sorted = sort.column == Some(column);
    let mark = match (sorted, sort.descending) {
        (false, _) => "",
        (true, true) => " ↓",
        (true, false) => " ↑",
    };
    let palette = theme::palette(ui);
    let ink = if sorted { palette.text } else { palette.quiet };
    let words = RichText::new(format!("{}{mark}", column.title())).size(SMALL).color(ink);
    let button = Button::new(words).frame(false);
    let response = ui.add(button).on_hover_text(format!("{}. Click to sort.", column.tooltip()));
    let order = match (sorted, sort.descending) {
        (false, _) => "",
        (true, true) => ", largest first",
        (true, false) => ", smallest first",
    };
    let name = format!("Sort by {}{order}", column.title());
    response.widget_info(|| WidgetInfo::selected(Role::ColumnHeader, true, sorted, &name));
    if response.clicked() {
        *sort = sort.clicked(column);
    }
}
