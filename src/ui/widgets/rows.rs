//! Rows of a quiet name on the left and its value on the right.

use eframe::egui::{
    Align, Color32, CornerRadius, Frame, Label, Layout, Response, RichText, Stroke, TextStyle, Ui,
    vec2,
};

use crate::ui::theme::{self, SMALL};

/// A row with any contents on the right, laid out from the right edge.
pub fn row<R>(ui: &mut Ui, name: &str, add_contents: impl FnOnce(&mut Ui) -> R) -> R {
    let size = vec2(ui.available_width(), 20.0);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_height(20.0);
        let result = add_contents(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(name).color(theme::palette(ui).quiet)).truncate());
        });
        result
    })
    .inner
}

/// A row with text on the right; the tooltip teaches what the name means.
pub fn row_text(
    ui: &mut Ui,
    name: &str,
    value: impl Into<String>,
    colour: Option<Color32>,
    tooltip: &str,
) -> Response {
    let colour = colour.unwrap_or(theme::palette(ui).text);
    let response = row(ui, name, |ui| {
        // A long value is cut rather than the name.
        let font = TextStyle::Body.resolve(ui.style());
        let named = ui.painter().layout_no_wrap(name.to_owned(), font, colour).size().x;
        let room = ui.available_width() - named - ui.spacing().item_spacing.x;
        let size = vec2(room.max(0.0), 20.0);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(value).color(colour)).truncate())
        })
        .inner
    });
    if tooltip.is_empty() { response } else { response.on_hover_text(tooltip) }
}

/// A row with a box to tick on the right; `spoken` is its name for screen readers.
pub fn row_check(ui: &mut Ui, name: &str, spoken: &str, on: &mut bool, tooltip: &str) {
    row(ui, name, |ui| {
        // A field as dark as the card would hardly be seen.
        let edge = Stroke::new(1.0, theme::palette(ui).quiet);
        ui.visuals_mut().widgets.inactive.bg_stroke = edge;
        ui.checkbox(on, "").accessible_name(spoken).on_hover_text(tooltip);
    });
}

/// A smaller row under another one that it details.
pub fn sub_row(ui: &mut Ui, name: &str, value: impl Into<String>, tooltip: &str) -> Response {
    let size = vec2(ui.available_width(), 15.0);
    let colour = theme::palette(ui).quiet;
    let text = |text: String| Label::new(RichText::new(text).size(SMALL).color(colour)).truncate();
    let response = ui
        .allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_height(15.0);
            let value = ui.add(text(value.into()));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add_space(9.0);
                ui.add(text(name.to_owned()))
            });
            value
        })
        .inner;
    response.on_hover_text(tooltip)
}

/// A key as it is written on the keyboard.
pub fn key_hint(ui: &mut Ui, key: &str) {
    let palette = theme::palette(ui);
    Frame::new()
        .stroke(Stroke::new(1.0, palette.edge))
        .corner_radius(CornerRadius::same(4))
        .inner_margin(eframe::egui::Margin::symmetric(5, 1))
        .show(ui, |ui| {
            ui.add(Label::new(RichText::new(key).size(SMALL - 0.5).color(palette.quiet)));
        });
}
