//! Tables and figures of the rows so far.

use eframe::egui::{Grid, Image, Label, RichText, ScrollArea, Ui, Vec2, vec2};

use super::layout::ExperimentsUi;
use crate::experiments::{Cell, Table, as_printed};
use crate::ui::theme::{self, BODY, SMALL};
use crate::ui::widgets::card;

impl ExperimentsUi<'_> {
    pub(super) fn tables(&mut self, ui: &mut Ui) {
        let digest = &self.experiments.digest;
        if digest.tables.is_empty() {
            let words =
                if digest.is_busy() { "They are being made…" } else { "Nothing to show yet." };
            ui.label(RichText::new(words).color(theme::palette(ui).quiet));
            return;
        }
        ScrollArea::vertical().id_salt("tables").auto_shrink(false).show(ui, |ui| {
            let words = "Mean and 95 % bootstrap interval over clips; n is the number of different \
                         clips. The paper's numbers stand beneath, where they are known.";
            ui.add(Label::new(theme::small(ui, words)).wrap());
            for each in &digest.tables {
                card(ui, &each.title, |ui| table(ui, each));
            }
        });
    }

    pub(super) fn figures(&mut self, ui: &mut Ui) {
        let digest = &self.experiments.digest;
        if digest.figures.is_empty() {
            let words = if digest.is_busy() {
                "They are being made…"
            } else {
                "There are figures once an attack has fooled a model."
            };
            ui.label(RichText::new(words).color(theme::palette(ui).quiet));
            return;
        }
        let height = ui.available_height();
        ScrollArea::vertical().id_salt("figures").auto_shrink(false).show(ui, |ui| {
            for figure in &digest.figures {
                let size = figure.texture.size_vec2();
                // All of it fits, its label names below the bars among them.
                let room = vec2(ui.available_width().min(900.0), height);
                let size = size * (room / size.max(Vec2::splat(1.0))).min_elem();
                let image = Image::new((figure.texture.id(), size)).alt_text(&figure.title);
                ui.add(image);
            }
        });
    }
}

fn table(ui: &mut Ui, table: &Table) {
    let palette = theme::palette(ui);
    ScrollArea::horizontal().id_salt(&table.name).show(ui, |ui| {
        Grid::new(&table.name).striped(true).spacing(vec2(14.0, 5.0)).show(ui, |ui| {
            for column in &table.columns {
                let head = RichText::new(two_lines(column)).size(SMALL).color(palette.quiet);
                ui.add(Label::new(head).extend());
            }
            ui.end_row();
            for row in &table.rows {
                for cell in row {
                    self::cell(ui, cell);
                }
                ui.end_row();
            }
        });
    });
    for note in &table.notes {
        ui.add(Label::new(RichText::new(note).size(SMALL).color(palette.quiet)).wrap());
    }
}

/// A long head in two lines, so that it does not make a column of short numbers wide.
fn two_lines(head: &str) -> String {
    let middle = head.len() / 2;
    let blanks = head.match_indices(' ').map(|(place, _)| place);
    let nearest = blanks.min_by_key(|place| place.abs_diff(middle));
    match nearest.filter(|_| head.len() > 12) {
        Some(place) => format!("{}\n{}", &head[..place], &head[place + 1..]),
        None => head.to_owned(),
    }
}

fn cell(ui: &mut Ui, cell: &Cell) {
    let palette = theme::palette(ui);
    let line = |ui: &mut Ui, words: RichText| ui.add(Label::new(words).extend());
    let Cell::Number { ours, paper, decimals } = cell else {
        line(ui, theme::strong(cell.words(), BODY));
        return;
    };
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        line(ui, theme::strong(cell.short(), BODY));
        let small = |words: String| RichText::new(words).size(SMALL).color(palette.quiet);
        if let Some(mean) = ours {
            let [low, high] = mean.interval;
            let d = *decimals;
            let words = match mean.clips {
                1 => "n=1".to_owned(),
                clips => format!("{low:.d$} to {high:.d$}, n={clips}"),
            };
            line(ui, small(words));
        }
        if let Some(paper) = paper {
            line(ui, small(format!("paper {}", as_printed(*paper))));
        }
    })
    .response
    .on_hover_text(cell.words());
}
