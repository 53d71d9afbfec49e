//! Right answers by SNR, with the fitted psychometric function and its threshold.

use std::path::Path;

use super::drawing::{AXIS, Anchor, Drawing, Rect, TICK, TICK_LENGTH, TITLE};
use super::error::FigureError;
use super::ticks::round_ticks;
use super::type_setting::{FONT_FAMILIES, fit};

const WIDTH: f64 = 252.0;
const HEIGHT: f64 = 190.0;
const PANEL: Rect = Rect { x: 42.0, y: 24.0, width: 200.0, height: 126.0 };
const INK: &str = "#0b7a75";
const MARK: &str = "#d1495b";
/// The share of right answers at the bottom of the panel: somewhat below guessing, or nothing where
/// somebody is worse than that.
const LOWEST: f64 = 0.3;

/// A psychometric function in a figure 3.5 inches wide.
#[derive(Clone, Debug)]
pub struct PsychometricFigure {
    /// What it is of.
    pub title: String,
    /// SNR in dB, share of right answers from 0 to 1, and of how many, of each level.
    pub points: Vec<(f64, f64, u64)>,
    /// The fitted function, from left to right.
    pub curve: Vec<(f64, f64)>,
    /// Threshold in dB SNR and the ends of its interval.
    pub threshold: Option<(f64, Option<[f64; 2]>)>,
}

impl PsychometricFigure {
    /// The figure as an SVG document.
    pub fn to_svg(&self) -> String {
        let mut drawing = Drawing::new();
        let xs = self.points.iter().map(|p| p.0).chain(self.curve.iter().map(|p| p.0));
        let (low, high) = xs
            .filter(|x| x.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        let (low, high) = if low < high { (low, high) } else { (0.0, 60.0) };
        let least = if self.points.iter().any(|point| point.1 < LOWEST) { 0.0 } else { LOWEST };
        let at = |x: f64, y: f64| {
            let across = ((x - low) / (high - low)).clamp(0.0, 1.0);
            let up = ((y - least) / (1.0 - least)).clamp(0.0, 1.0);
            (PANEL.x + across * PANEL.width, PANEL.bottom() - up * PANEL.height)
        };
        for (value, text) in round_ticks(low, high, 6) {
            let (x, _) = at(value, least);
            drawing.line((x, PANEL.bottom()), (x, PANEL.bottom() + TICK_LENGTH));
            drawing.text(x, PANEL.bottom() + 10.8, TICK, Anchor::Middle, &text);
        }
        for (share, text) in [(0.5, "50"), (0.75, "75"), (1.0, "100")] {
            let (_, y) = at(low, share);
            drawing.line((PANEL.x - TICK_LENGTH, y), (PANEL.x, y));
            drawing.text(PANEL.x - 4.5, y + TICK * 0.35, TICK, Anchor::End, text);
        }
        drawing.curve(&[at(low, 0.5), at(high, 0.5)], "#888888", "1.5 2");
        if let Some((threshold, interval)) = self.threshold {
            let (x, y) = at(threshold, 0.75);
            drawing.curve(&[(x, PANEL.bottom()), (x, y)], MARK, "5 2.5");
            if let Some([from, to]) = interval {
                let bar = PANEL.bottom() - 6.0;
                drawing.curve(&[(at(from, 0.5).0, bar), (at(to, 0.5).0, bar)], MARK, "");
            }
        }
        drawing.curve(&self.curve.iter().map(|&(x, y)| at(x, y)).collect::<Vec<_>>(), INK, "");
        let most = self.points.iter().map(|point| point.2).max().unwrap_or(1).max(1) as f64;
        for &(snr, share, trials) in &self.points {
            // Area as the number of answers.
            let size = 2.0 + 4.0 * (trials as f64 / most).sqrt();
            let (x, y) = at(snr, share);
            let dot = Rect { x: x - 0.5 * size, y: y - 0.5 * size, width: size, height: size };
            drawing.fill(dot, INK);
        }
        drawing.frame(PANEL);
        drawing.text(PANEL.middle(), PANEL.bottom() + 24.0, AXIS, Anchor::Middle, "SNR (dB)");
        let middle = PANEL.y + PANEL.height / 2.0;
        drawing.upright_text(PANEL.x - 26.0, middle, AXIS, "Right answers (%)");
        let (title, size) = fit(["", &self.title, ""], TITLE, WIDTH - 20.0);
        drawing.title(PANEL.x, 13.0, size, Anchor::Start, &title);
        drawing.finish(WIDTH, HEIGHT, FONT_FAMILIES, &self.title)
    }

    /// Writes it as PNG or SVG, by the name's ending.
    ///
    /// # Errors
    /// As [`super::Figure::write`].
    pub fn write(&self, path: &Path) -> Result<(), FigureError> {
        super::write(&self.to_svg(), path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_curve_and_threshold_are_drawn() {
        let figure = PsychometricFigure {
            title: "P01".to_owned(),
            points: vec![(10.0, 1.0, 4), (50.0, 0.5, 16)],
            curve: vec![(10.0, 1.0), (30.0, 0.75), (50.0, 0.5)],
            threshold: Some((30.0, Some([25.0, 36.0]))),
        };
        let svg = figure.to_svg();
        let (x, y) = (PANEL.middle(), PANEL.bottom() - (0.45 / 0.7) * PANEL.height);
        assert!(svg.contains(&format!("L{x:.2} {y:.2}")), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 4, "background, frame and two points");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.png");
        figure.write(&path).unwrap();
        assert!(image::open(&path).unwrap().width() > 500);
        let empty = PsychometricFigure { points: vec![], curve: vec![], threshold: None, ..figure };
        assert!(empty.to_svg().contains("SNR (dB)"));
    }
}
