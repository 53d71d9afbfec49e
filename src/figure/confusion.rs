//! A confusion matrix: which labels a model takes for which.

use std::path::Path;

use super::drawing::{AXIS, Anchor, Drawing, Rect, TITLE};
use super::error::FigureError;
use super::layout::WIDTH;
use super::type_setting::{FONT_FAMILIES, fit};
use crate::dsp::ColourMap;

/// Room for labels, left of the matrix and below it, in points.
const NAMES: f64 = 96.0;
const TOP: f64 = 34.0;
const MARGIN: f64 = 10.0;

/// How often clips of each label were given each label.
#[derive(Clone, Debug)]
pub struct Confusion {
    /// What it is of.
    pub title: String,
    /// The labels, for people.
    pub labels: Vec<String>,
    /// `[true label][named label]` in clips.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// The matrix as an SVG document, 7 inches wide. A cell's colour is its share of the true
    /// label's clips, its number how many they are.
    pub fn to_svg(&self) -> String {
        let mut drawing = Drawing::new();
        let count = self.labels.len().max(1) as f64;
        let side = WIDTH - NAMES - MARGIN;
        let cell = side / count;
        let size = (cell * 0.72).min(AXIS);
        let matrix = Rect { x: NAMES, y: TOP, width: side, height: side };
        for (row, counts) in self.counts.iter().enumerate() {
            let clips: usize = counts.iter().sum();
            let y = matrix.y + row as f64 * cell;
            for (column, &number) in counts.iter().enumerate().filter(|(_, number)| **number > 0) {
                let share = number as f32 / clips.max(1) as f32;
                let x = matrix.x + column as f64 * cell;
                // Light paper for nothing, so the map is turned round.
                let [r, g, b] = ColourMap::Magma.rgb(1.0 - 0.85 * share);
                let colour = format!("#{r:02x}{g:02x}{b:02x}");
                drawing.fill(Rect { x, y, width: cell, height: cell }, &colour);
                let ink = if share > 0.45 { "#ffffff" } else { "#1a1a1a" };
                let at = (x + cell / 2.0, y + cell * 0.5 + size * 0.35);
                drawing.coloured_text(at, size.min(cell * 0.6), &number.to_string(), ink);
            }
        }
        for (index, label) in self.labels.iter().enumerate() {
            let middle = (index as f64 + 0.5) * cell;
            let (name, size) = fit(["", label, ""], size, NAMES - 18.0);
            let baseline = matrix.y + middle + size * 0.35;
            drawing.text(matrix.x - 3.0, baseline, size, Anchor::End, &name);
            let x = matrix.x + middle + size * 0.35;
            drawing.hanging_text(x, matrix.bottom() + 3.0, size, &name);
        }
        drawing.frame(matrix);
        drawing.upright_text(9.0, matrix.y + side / 2.0, AXIS, "True label");
        let foot = matrix.bottom() + NAMES - 4.0;
        drawing.text(matrix.middle(), foot, AXIS, Anchor::Middle, "Named");
        let (title, size) = fit(["", &self.title, ""], TITLE, WIDTH - 2.0 * MARGIN);
        drawing.title(MARGIN, 16.0, size, Anchor::Start, &title);
        drawing.finish(WIDTH, matrix.bottom() + NAMES, FONT_FAMILIES, &self.title)
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
    fn a_cell_is_as_dark_as_its_share() {
        let confusion = Confusion {
            title: "VGG13".to_owned(),
            labels: vec!["Bark".to_owned(), "Bass drum".to_owned()],
            counts: vec![vec![3, 1], vec![0, 0]],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion.png");
        confusion.write(&path).unwrap();
        let image = image::open(&path).unwrap().to_rgb8();
        let scale = f64::from(image.width()) / WIDTH;
        let cell = (WIDTH - NAMES - MARGIN) / 2.0;
        // Near a corner of the cell, where no number is.
        let lightness = |row: f64, column: f64| {
            let x = (NAMES + (column + 0.1) * cell) * scale;
            let y = (TOP + (row + 0.1) * cell) * scale;
            image.get_pixel(x as u32, y as u32).0.iter().map(|&v| u32::from(v)).sum::<u32>()
        };
        assert!(lightness(0.0, 0.0) + 100 < lightness(0.0, 1.0));
        assert_eq!(lightness(1.0, 0.0), 3 * 255);
    }
}
