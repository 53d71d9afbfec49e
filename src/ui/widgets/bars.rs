//! Bars that are read at a glance.

use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use crate::ui::theme::{self, BODY};

/// A label with its probability, and a bar as long as it is probable.
pub fn confidence_bar(ui: &mut Ui, label: &str, probability: f32, colour: Color32) -> Response {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let value = format!("{probability:.2}");
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Label, true, format!("{label} {value}"));
        info.value = Some(f64::from(probability));
        info
    });
    let painter = ui.painter();
    let radius = CornerRadius::same(4);
    painter.rect_filled(rect, radius, palette.field);
    let filled = rect.width() * probability.clamp(0.0, 1.0);
    if filled >= 1.0 {
        let bar = Rect::from_min_max(rect.min, pos2(rect.left() + filled, rect.bottom()));
        // A tint of the side's colour, so that the text on it stays readable.
        let blend = if ui.visuals().dark_mode { 0.48 } else { 0.30 };
        let tint = palette.field.lerp_to_gamma(colour, blend);
        painter.rect_filled(bar, radius, tint);
        let edge =
            Rect::from_min_max(bar.min, pos2(bar.left() + 3.0_f32.min(filled), bar.bottom()));
        painter.rect_filled(edge, CornerRadius { nw: 4, sw: 4, ne: 0, se: 0 }, colour);
    }
    let figures = 34.0;
    let text_area = rect.shrink2(vec2(9.0, 0.0));
    painter.with_clip_rect(text_area.with_max_x(text_area.right() - figures)).text(
        text_area.left_center(),
        Align2::LEFT_CENTER,
        label,
        FontId::proportional(12.5),
        palette.text,
    );
    painter.text(
        text_area.right_center(),
        Align2::RIGHT_CENTER,
        value,
        FontId::proportional(BODY - 0.5),
        palette.text,
    );
    response
}

/// A thin bar of what is done; `fraction` in \[0, 1\].
pub fn progress_bar(ui: &mut Ui, name: &str, fraction: f32, colour: Color32) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = Some(f64::from(fraction));
        info
    });
    let radius = CornerRadius::same(3);
    ui.painter().rect_filled(rect, radius, palette.field);
    let done = rect.with_max_x(rect.left() + rect.width() * fraction.clamp(0.0, 1.0));
    if done.width() >= 1.0 {
        ui.painter().rect_filled(done, radius, colour);
    }
}
