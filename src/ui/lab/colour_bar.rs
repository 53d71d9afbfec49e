//! The colour bar: which colour is how loud, for both sides alike and for the difference.

use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Mesh, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2,
};

use crate::dsp::ColourMap;
use crate::ui::text;
use crate::ui::theme;

/// Width of the bar itself.
const BAR: f32 = 10.0;

/// The room that the bar needs, with one range or with two.
pub(super) fn width(two_ranges: bool) -> f32 {
    if two_ranges { 90.0 } else { 56.0 }
}

/// Paints the bar with the ticks of each range; those of the difference (`true`) in its colour.
pub(super) fn show(ui: &Ui, rect: Rect, colour_map: ColourMap, ranges: &[([f32; 2], bool)]) {
    let palette = theme::palette(ui);
    let painter = ui.painter();
    let bar = Rect::from_min_size(rect.min, vec2(BAR, rect.height()));
    painter.add(Shape::mesh(gradient(bar, colour_map)));
    let edge = Stroke::new(1.0, palette.edge);
    painter.rect_stroke(bar, CornerRadius::ZERO, edge, StrokeKind::Outside);

    let font = FontId::proportional(11.0);
    let count = (rect.height() / 34.0).clamp(2.0, 9.0) as usize;
    for (column, &(range, of_difference)) in ranges.iter().enumerate() {
        let colour = if of_difference { palette.difference } else { palette.quiet };
        let right = bar.right() + 36.0 + 34.0 * column as f32;
        for tick in ticks(range, count) {
            let up = (tick - range[0]) / (range[1] - range[0]).max(1e-3);
            let y = rect.bottom() - up * rect.height();
            if column == 0 {
                painter.hline(bar.right()..=bar.right() + 3.0, y, Stroke::new(1.0, palette.quiet));
            }
            let place = y.clamp(rect.top() + 6.0, rect.bottom() - 6.0);
            let label = text::number(f64::from(tick), 0);
            painter.text(pos2(right, place), Align2::RIGHT_CENTER, label, font.clone(), colour);
        }
        let at = pos2(right, rect.top() - 9.0);
        let unit = if of_difference { "Δ dB" } else { "dB" };
        painter.text(at, Align2::RIGHT_BOTTOM, unit, font.clone(), colour);
    }
}

fn gradient(rect: Rect, colour_map: ColourMap) -> Mesh {
    const STEPS: u32 = 48;
    let mut mesh = Mesh::default();
    for step in 0..=STEPS {
        let unit = step as f32 / STEPS as f32;
        let [r, g, b] = colour_map.rgb(unit);
        let y = rect.bottom() - unit * rect.height();
        let colour = Color32::from_rgb(r, g, b);
        mesh.colored_vertex(pos2(rect.left(), y), colour);
        mesh.colored_vertex(pos2(rect.right(), y), colour);
        if step > 0 {
            let base = 2 * step;
            mesh.add_triangle(base - 2, base - 1, base);
            mesh.add_triangle(base - 1, base, base + 1);
        }
    }
    mesh
}

/// Round levels in a range, at most about `count`.
fn ticks(range: [f32; 2], count: usize) -> Vec<f32> {
    let span = (range[1] - range[0]).max(1.0);
    let step = [5.0, 10.0, 20.0, 50.0]
        .into_iter()
        .find(|step| span / step <= count as f32)
        .unwrap_or(100.0);
    let first = (range[0] / step).ceil() as i32;
    let last = (range[1] / step).floor() as i32;
    (first..=last).map(|index| index as f32 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks([-110.0, -20.0], 5), [-100.0, -80.0, -60.0, -40.0, -20.0]);
        assert_eq!(ticks([-95.0, -72.0], 9), [-95.0, -90.0, -85.0, -80.0, -75.0]);
        assert_eq!(ticks([-3.0, -3.0], 5), [] as [f32; 0]);
    }
}
