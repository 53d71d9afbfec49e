//! Line charts side by side: how a training run went, how honest confidences are.

use std::path::Path;

use super::drawing::{AXIS, Anchor, Drawing, Rect, TICK, TICK_LENGTH, TITLE};
use super::error::FigureError;
use super::layout::WIDTH;
use super::ticks::round_ticks;
use super::type_setting::{FONT_FAMILIES, fit, width};

/// Height in points.
const HEIGHT: f64 = 200.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 34.0;
const LEFT: f64 = 40.0;
const GAP: f64 = 52.0;
const RIGHT: f64 = 10.0;

/// Told apart in grey and by people who do not tell red from green, and by dashes besides.
const STYLES: [(&str, &str); 3] = [("#0b7a75", ""), ("#d1495b", "5 2.5"), ("#6a4c93", "1.5 2")];

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// Its points, from left to right; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// One chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What is along the horizontal axis.
    pub x_title: String,
    /// What is along the vertical axis.
    pub y_title: String,
    /// Ends of the vertical axis; from the points where there are none.
    pub y_range: Option<[f64; 2]>,
    /// At most three lines.
    pub curves: Vec<Curve>,
}

/// Charts side by side.
#[derive(Clone, Debug)]
pub struct Curves {
    /// What they are of.
    pub title: String,
    /// One to three.
    pub charts: Vec<Chart>,
}

impl Curves {
    /// The charts as an SVG document, 7 inches wide.
    pub fn to_svg(&self) -> String {
        let mut drawing = Drawing::new();
        let count = self.charts.len().max(1) as f64;
        let room = (WIDTH - LEFT - RIGHT - GAP * (count - 1.0)) / count;
        for (index, chart) in self.charts.iter().enumerate() {
            let x = LEFT + index as f64 * (room + GAP);
            let panel = Rect { x, y: TOP, width: room, height: HEIGHT - TOP - BOTTOM };
            draw(&mut drawing, chart, panel);
        }
        let (title, size) = fit(["", &self.title, ""], TITLE, WIDTH - 2.0 * RIGHT);
        drawing.title(LEFT, 12.0, size, Anchor::Start, &title);
        drawing.finish(WIDTH, HEIGHT, FONT_FAMILIES, &self.title)
    }

    /// Writes them as PNG or SVG, by the name's ending.
    ///
    /// # Errors
    /// As [`super::Figure::write`].
    pub fn write(&self, path: &Path) -> Result<(), FigureError> {
        super::write(&self.to_svg(), path)
    }
}

/// Smallest and largest of finite values; 0 to 1 where there is none.
fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let ends = values
        .filter(|v| v.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    match ends {
        [low, high] if low < high => ends,
        [low, high] if low == high => [low - 0.5, high + 0.5],
        _ => [0.0, 1.0],
    }
}

fn draw(drawing: &mut Drawing, chart: &Chart, panel: Rect) {
    let points = || chart.curves.iter().flat_map(|curve| curve.points.iter().copied());
    let xs = range(points().map(|p| p.0));
    let ys = chart.y_range.unwrap_or_else(|| range(points().map(|p| p.1)));
    let at = |(x, y): (f64, f64)| {
        let across = (x - xs[0]) / (xs[1] - xs[0]);
        let up = ((y - ys[0]) / (ys[1] - ys[0])).clamp(0.0, 1.0);
        (panel.x + across * panel.width, panel.bottom() - up * panel.height)
    };
    for (value, text) in round_ticks(xs[0], xs[1], 6) {
        let (x, _) = at((value, ys[0]));
        drawing.line((x, panel.bottom()), (x, panel.bottom() + TICK_LENGTH));
        drawing.text(x, panel.bottom() + 10.8, TICK, Anchor::Middle, &text);
    }
    for (value, text) in round_ticks(ys[0], ys[1], 6) {
        let (_, y) = at((xs[0], value));
        drawing.line((panel.x - TICK_LENGTH, y), (panel.x, y));
        drawing.text(panel.x - 4.5, y + TICK * 0.35, TICK, Anchor::End, &text);
    }
    drawing.text(panel.middle(), panel.bottom() + 23.0, AXIS, Anchor::Middle, &chart.x_title);
    drawing.upright_text(panel.x - 28.0, panel.y + panel.height / 2.0, AXIS, &chart.y_title);
    let mut key = panel.x;
    for (curve, (colour, dashes)) in chart.curves.iter().zip(STYLES) {
        let line: Vec<_> = curve
            .points
            .iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .map(|&point| at(point))
            .collect();
        drawing.curve(&line, colour, dashes);
        drawing.curve(&[(key, TOP - 9.0), (key + 14.0, TOP - 9.0)], colour, dashes);
        drawing.text(key + 17.0, TOP - 6.5, TICK, Anchor::Start, &curve.name);
        key += 27.0 + width(&curve.name, TICK);
    }
    drawing.frame(panel);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Curves {
        let curves = vec![Curve { name: "validation".to_owned(), points }];
        let (x_title, y_title) = ("Epoch".to_owned(), "Loss".to_owned());
        Curves {
            title: "A run".to_owned(),
            charts: vec![Chart { x_title, y_title, y_range: None, curves }],
        }
    }

    #[test]
    fn lines_run_from_corner_to_corner() {
        let svg = chart(vec![(1.0, 2.0), (2.0, f64::NAN), (3.0, 4.0)]).to_svg();
        let bottom = HEIGHT - BOTTOM;
        assert!(svg.contains(&format!("M{LEFT:.2} {bottom:.2}L{:.2} {TOP:.2}", WIDTH - RIGHT)));
        assert!(svg.contains("validation") && svg.contains("Epoch"));
    }

    #[test]
    fn no_points_and_one_point_are_drawn() {
        for points in [Vec::new(), vec![(1.0, 0.5)]] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("curves.png");
            chart(points).write(&path).unwrap();
            assert!(image::open(&path).unwrap().width() > 1000);
        }
    }
}
