//! The colour bar: which colour is how much, for both sides alike and for the difference.

use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Mesh, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2,
};

use crate::dsp::ColourMap;
use crate::ui::text;
use crate::ui::theme;

/// Width of the bar itself.
const BAR: f32 = 10.0;

/// One way to read the colours.
pub(super) struct Scale {
    /// What the darkest and the lightest colour stand for.
    pub(super) range: [f32; 2],
    /// The unit above the numbers.
    pub(super) unit: &'static str,
    /// Whether it is that of the difference.
    pub(super) of_difference: bool,
    /// The smallest step from one number to the next.
    pub(super) least_step: f32,
    /// How a number is written; its second argument are the decimals that the steps need.
    pub(super) label: fn(f32, usize) -> String,
}

impl Scale {
    /// Levels in dB.
    pub(super) fn decibels(range: [f32; 2], of_difference: bool) -> Self {
        let unit = if of_difference { "Δ dB" } else { "dB" };
        Self { range, unit, of_difference, least_step: 5.0, label: plain }
    }
}

/// A number as it is.
pub(super) fn plain(value: f32, decimals: usize) -> String {
    text::number(f64::from(value), decimals)
}

/// The room that the bar needs, with one range or with two.
pub(super) fn width(two_ranges: bool) -> f32 {
    if two_ranges { 90.0 } else { 56.0 }
}

/// Paints the bar with the ticks of each scale; those of the difference in its colour.
pub(super) fn show(ui: &Ui, rect: Rect, colour_map: ColourMap, scales: &[Scale]) {
    let palette = theme::palette(ui);
    let painter = ui.painter();
    let bar = Rect::from_min_size(rect.min, vec2(BAR, rect.height()));
    painter.add(Shape::mesh(gradient(bar, colour_map)));
    let edge = Stroke::new(1.0, palette.edge);
    painter.rect_stroke(bar, CornerRadius::ZERO, edge, StrokeKind::Outside);

    let font = FontId::proportional(11.0);
    let count = (rect.height() / 34.0).clamp(2.0, 9.0) as usize;
    for (column, scale) in scales.iter().enumerate() {
        let colour = if scale.of_difference { palette.difference } else { palette.quiet };
        let right = bar.right() + 36.0 + 34.0 * column as f32;
        let range = scale.range;
        let (step, ticks) = ticks(range, count, scale.least_step);
        let decimals = (-step.log10()).ceil().max(0.0) as usize;
        for tick in ticks {
            let up = (tick - range[0]) / (range[1] - range[0]).max(1e-6);
            let y = rect.bottom() - up * rect.height();
            if column == 0 {
                painter.hline(bar.right()..=bar.right() + 3.0, y, Stroke::new(1.0, palette.quiet));
            }
            let place = y.clamp(rect.top() + 6.0, rect.bottom() - 6.0);
            let label = (scale.label)(tick, decimals);
            painter.text(pos2(right, place), Align2::RIGHT_CENTER, label, font.clone(), colour);
        }
        let at = pos2(right, rect.top() - 9.0);
        painter.text(at, Align2::RIGHT_BOTTOM, scale.unit, font.clone(), colour);
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

/// Round numbers in a range, at most about `count`, and the step between them.
fn ticks(range: [f32; 2], count: usize, least_step: f32) -> (f32, Vec<f32>) {
    let span = (range[1] - range[0]).max(1e-3);
    let powers = [0.001, 0.01, 0.1, 1.0, 10.0, 100.0];
    let steps = powers.into_iter().flat_map(|power| [1.0, 2.0, 5.0].map(|factor| factor * power));
    let step = steps
        .filter(|&step| step >= least_step)
        .find(|step| span / step <= count as f32)
        .unwrap_or(1000.0);
    let first = (range[0] / step - 1e-3).ceil() as i32;
    let last = (range[1] / step + 1e-3).floor() as i32;
    (step, (first..=last).map(|index| index as f32 * step).collect())
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_and_inside() {
        let in_db = |range, count| ticks(range, count, 5.0).1;
        assert_eq!(in_db([-110.0, -20.0], 5), [-100.0, -80.0, -60.0, -40.0, -20.0]);
        assert_eq!(in_db([-95.0, -72.0], 9), [-95.0, -90.0, -85.0, -80.0, -75.0]);
        assert_eq!(in_db([-3.0, -3.0], 5), [] as [f32; 0]);
        assert_eq!(ticks([-3.0, 2.0], 5, 0.01).1, [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0]);
        assert_eq!(ticks([0.0, 0.4], 4, 0.01).0, 0.1);
    }
}
