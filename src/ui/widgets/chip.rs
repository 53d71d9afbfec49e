//! A choice among several of which any may hold.

use eframe::egui::{Button, RichText, Role, Ui, WidgetInfo, vec2};

use crate::ui::theme::{self, CONTROL_HEIGHT};

/// A choice that is on or off; whether it was clicked.
pub fn chip(ui: &mut Ui, name: &str, on: bool, tooltip: &str) -> bool {
    let palette = theme::palette(ui);
    let mark = if on { "✓ " } else { "" };
    let ink = if on { palette.text } else { palette.quiet };
    let fill = if on { palette.field_active } else { palette.field };
    let words = RichText::new(format!("{mark}{name}")).color(ink);
    let button = Button::new(words).fill(fill).min_size(vec2(0.0, CONTROL_HEIGHT));
    let response = ui.add(button).on_hover_text(tooltip);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, name));
    response.clicked()
}
