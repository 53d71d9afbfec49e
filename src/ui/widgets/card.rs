//! The frame around what belongs together.

use eframe::egui::{CornerRadius, Frame, Label, Margin, RichText, Stroke, Ui};

use crate::ui::theme::{self, CARD_PADDING, CARD_RADIUS};

/// A card over the whole width, with a caption unless it is empty.
pub fn card<R>(ui: &mut Ui, title: &str, add_contents: impl FnOnce(&mut Ui) -> R) -> R {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.edge))
        .corner_radius(CornerRadius::same(CARD_RADIUS))
        .inner_margin(CARD_PADDING)
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            if !title.is_empty() {
                caption(ui, title);
            }
            add_contents(ui)
        })
        .inner
}

/// A flat card for one row of controls.
pub fn strip<R>(ui: &mut Ui, add_contents: impl FnOnce(&mut Ui) -> R) -> R {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.edge))
        .corner_radius(CornerRadius::same(CARD_RADIUS))
        .inner_margin(Margin::symmetric(7, 6))
        .show(ui, |ui| ui.horizontal(add_contents).inner)
        .inner
}

/// A caption in spaced capitals.
pub fn caption(ui: &mut Ui, title: &str) {
    let text = RichText::new(title.to_uppercase())
        .size(11.0)
        .family(theme::semibold())
        .extra_letter_spacing(0.7)
        .color(theme::palette(ui).quiet);
    ui.add(Label::new(text).truncate());
}
