//! Buttons: the large one, quiet ones, and icons.

use eframe::egui::{
    Align2, Button, CornerRadius, CursorIcon, FontId, Rect, Response, Role, Sense, Ui, WidgetInfo,
    pos2, style::WidgetVisuals, vec2,
};

use super::{Icon, sheet, sheet_is_open};
use crate::ui::theme::{self, BODY, CONTROL_HEIGHT, CONTROL_RADIUS};

/// The mark of what opens downwards, for combo boxes.
pub fn down_mark(ui: &Ui, rect: Rect, _: &WidgetVisuals, _: bool) {
    Icon::Down.paint(ui.painter(), rect, 10.0, theme::palette(ui).quiet);
}

/// The one large button of a screen, over the whole width.
pub fn primary_button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let (fill, ink) = match (ui.is_enabled(), response.hovered() || response.has_focus()) {
        (false, _) => (palette.field, palette.quiet),
        (true, false) => (palette.primary, palette.on_primary),
        (true, true) => (palette.primary_hover, palette.on_primary),
    };
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(CONTROL_RADIUS + 2), fill);
    let galley = painter.layout_no_wrap(name.to_owned(), FontId::new(15.0, theme::semibold()), ink);
    let (mark, gap) = (13.0, 9.0);
    let left = rect.center().x - (mark + gap + galley.size().x) / 2.0;
    let mark_rect =
        Rect::from_center_size(pos2(left + mark / 2.0, rect.center().y), vec2(mark, mark));
    icon.paint(painter, mark_rect, mark, ink);
    let top = rect.center().y - galley.size().y / 2.0;
    painter.galley(pos2(left + mark + gap, top), galley, ink);
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// An ordinary button.
pub fn quiet_button(ui: &mut Ui, text: &str) -> Response {
    ui.add(Button::new(text).min_size(vec2(0.0, CONTROL_HEIGHT)))
}

/// A square button with an icon; `name` is for screen readers, the tooltip for the eye.
pub fn icon_button(ui: &mut Ui, icon: Icon, name: &str, selected: bool) -> Response {
    let palette = theme::palette(ui);
    let (rect, response) =
        ui.allocate_exact_size(vec2(CONTROL_HEIGHT + 4.0, CONTROL_HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), selected, name));
    let lit = response.hovered() || response.has_focus();
    let fill = match (selected, lit) {
        (true, _) => palette.field_active,
        (false, true) => palette.field_hover,
        (false, false) => palette.field,
    };
    let ink = if ui.is_enabled() { palette.text } else { palette.quiet };
    ui.painter().rect_filled(rect, CornerRadius::same(CONTROL_RADIUS), fill);
    icon.paint(ui.painter(), rect, 12.0, ink);
    response
}

/// A button with a downward mark that opens a small sheet, which stays until a click elsewhere.
pub fn popup_button(
    ui: &mut Ui,
    name: &str,
    text: &str,
    width: f32,
    add_contents: impl FnOnce(&mut Ui),
) -> Response {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, CONTROL_HEIGHT), Sense::click());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Button, ui.is_enabled(), name);
        info.current_text_value = Some(text.to_owned());
        info
    });
    let open = sheet_is_open(&response);
    let fill = match (open, response.hovered() || response.has_focus()) {
        (true, _) => palette.field_active,
        (false, true) => palette.field_hover,
        (false, false) => palette.field,
    };
    let ink = if ui.is_enabled() { palette.text } else { palette.quiet };
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(CONTROL_RADIUS), fill);
    let inside = rect.shrink2(vec2(10.0, 0.0));
    painter.with_clip_rect(inside.with_max_x(inside.right() - 14.0)).text(
        inside.left_center(),
        Align2::LEFT_CENTER,
        text,
        FontId::proportional(BODY),
        ink,
    );
    Icon::Down.paint(painter, inside.with_min_x(inside.right() - 10.0), 10.0, palette.quiet);
    sheet(&response, name, add_contents);
    response
}
