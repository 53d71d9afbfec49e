//! A row of choices of which one holds.

use eframe::egui::{
    Align2, CornerRadius, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::ui::theme::{self, BODY, CONTROL_HEIGHT, CONTROL_RADIUS};

/// One choice of a segmented row.
pub struct Segment<'a, T> {
    /// What choosing it means.
    pub value: T,
    /// What is written on it.
    pub label: &'a str,
    /// Its name for screen readers.
    pub name: &'a str,
    /// What the tooltip teaches.
    pub tooltip: &'a str,
    /// Whether it can be chosen.
    pub enabled: bool,
    /// The colour of its label when chosen; text colour without one.
    pub colour: Option<eframe::egui::Color32>,
}

impl<'a, T> Segment<'a, T> {
    /// A choice whose name is its label.
    pub fn new(value: T, label: &'a str, tooltip: &'a str) -> Self {
        Self { value, label, name: label, tooltip, enabled: true, colour: None }
    }
}

/// Shows equally wide choices over `width` points; whether people chose another one.
pub fn segmented<T: PartialEq + Copy>(
    ui: &mut Ui,
    width: f32,
    segments: &[Segment<'_, T>],
    chosen: &mut T,
) -> bool {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(width, CONTROL_HEIGHT), Sense::hover());
    ui.painter().rect(
        rect,
        CornerRadius::same(CONTROL_RADIUS),
        palette.field,
        Stroke::NONE,
        StrokeKind::Inside,
    );
    let mut changed = false;
    let each = width / segments.len().max(1) as f32;
    for (index, segment) in segments.iter().enumerate() {
        let left = rect.left() + each * index as f32;
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2(each, rect.height()));
        let response = part_ui(ui, part, segment, segment.value == *chosen);
        if response.clicked() && segment.enabled && segment.value != *chosen {
            *chosen = segment.value;
            changed = true;
        }
    }
    changed
}

fn part_ui<T>(ui: &mut Ui, rect: Rect, segment: &Segment<'_, T>, selected: bool) -> Response {
    let palette = theme::palette(ui);
    let enabled = segment.enabled && ui.is_enabled();
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let id = ui.auto_id_with(segment.name);
    ui.skip_ahead_auto_ids(1);
    let response = ui.interact(rect, id, sense);
    response
        .widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, selected, segment.name));
    let lit = enabled && (response.hovered() || response.has_focus());
    if selected || lit {
        let fill = if selected { palette.field_active } else { palette.field_hover };
        ui.painter().rect_filled(rect, CornerRadius::same(CONTROL_RADIUS), fill);
    }
    let ink = match (enabled, selected) {
        (false, _) => palette.quiet.gamma_multiply(0.7),
        (true, true) => segment.colour.unwrap_or(palette.text),
        (true, false) => palette.quiet,
    };
    let family = if selected { theme::semibold() } else { eframe::egui::FontFamily::Proportional };
    ui.painter().with_clip_rect(rect.shrink(1.0)).text(
        rect.center(),
        Align2::CENTER_CENTER,
        segment.label,
        FontId::new(if rect.width() < 62.0 { 12.0 } else { BODY }, family),
        ink,
    );
    response.on_hover_text(segment.tooltip)
}
