//! Matrices of numbers side by side: what becomes of each label under each target.

use std::path::Path;

use super::drawing::{AXIS, Anchor, Drawing, Rect, TICK, TITLE};
use super::error::FigureError;
use super::layout::WIDTH;
use super::type_setting::{FONT_FAMILIES, fit};
use crate::dsp::ColourMap;

const LEFT: f64 = 88.0;
const GAP: f64 = 18.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 46.0;
/// Room for the columns' labels.
const NAMES: f64 = 92.0;

/// One matrix.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// What it is of.
    pub title: String,
    /// `[row][column]`; none where there is no number.
    pub cells: Vec<Vec<Option<f64>>>,
    /// The number that is drawn darkest.
    pub most: f64,
    /// Decimals of the numbers.
    pub decimals: usize,
}

/// Matrices with the same rows and columns, side by side.
#[derive(Clone, Debug)]
pub struct Matrices {
    /// What they are of.
    pub title: String,
    /// The labels of rows and columns, for people.
    pub labels: Vec<String>,
    /// What rows are.
    pub row_title: String,
    /// What columns are.
    pub column_title: String,
    /// One to three.
    pub panels: Vec<Matrix>,
}

impl Matrices {
    /// The matrices as an SVG document, 7 inches wide.
    pub fn to_svg(&self) -> String {
        let mut drawing = Drawing::new();
        let count = self.panels.len().max(1) as f64;
        let side = (WIDTH - LEFT - RIGHT - GAP * (count - 1.0)) / count;
        let side = side.min(300.0);
        let cell = side / self.labels.len().max(1) as f64;
        let size = (cell * 0.72).min(AXIS);
        for (index, panel) in self.panels.iter().enumerate() {
            let x = LEFT + index as f64 * (side + GAP);
            let area = Rect { x, y: TOP, width: side, height: side };
            draw(&mut drawing, panel, cell, area);
            for (index, label) in self.labels.iter().enumerate() {
                let middle = (index as f64 + 0.5) * cell;
                let (name, size) = fit(["", label, ""], size, NAMES - 18.0);
                let x = area.x + middle + size * 0.35;
                drawing.hanging_text(x, area.bottom() + 3.0, size, &name);
            }
            let foot = area.bottom() + NAMES - 4.0;
            drawing.text(area.middle(), foot, AXIS, Anchor::Middle, &self.column_title);
        }
        for (index, label) in self.labels.iter().enumerate() {
            let (name, size) = fit(["", label, ""], size, LEFT - 22.0);
            let y = TOP + (index as f64 + 0.5) * cell + size * 0.35;
            drawing.text(LEFT - 3.0, y, size, Anchor::End, &name);
        }
        drawing.upright_text(9.0, TOP + side / 2.0, AXIS, &self.row_title);
        let (title, size) = fit(["", &self.title, ""], TITLE, WIDTH - 20.0);
        drawing.title(10.0, 15.0, size, Anchor::Start, &title);
        drawing.finish(WIDTH, TOP + side + NAMES, FONT_FAMILIES, &self.title)
    }

    /// As a PNG file, so many pixels wide.
    ///
    /// # Errors
    /// As [`super::Figure::to_png`].
    pub fn to_png(&self, width_px: u32) -> Result<Vec<u8>, FigureError> {
        super::raster::png(&self.to_svg(), width_px)
    }

    /// Writes them as PNG or SVG, by the name's ending.
    ///
    /// # Errors
    /// As [`super::Figure::write`].
    pub fn write(&self, path: &Path) -> Result<(), FigureError> {
        super::write(&self.to_svg(), path)
    }
}

fn draw(drawing: &mut Drawing, panel: &Matrix, cell: f64, area: Rect) {
    let (title, size) = fit(["", &panel.title, ""], AXIS, area.width);
    drawing.text(area.middle(), area.y - 6.0, size, Anchor::Middle, &title);
    for (row, numbers) in panel.cells.iter().enumerate() {
        for (column, number) in numbers.iter().enumerate() {
            let Some(number) = *number else { continue };
            let share = (number / panel.most.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) as f32;
            // Light paper for nothing, so the map is turned round.
            let [r, g, b] = ColourMap::Magma.rgb(1.0 - 0.85 * share);
            let (x, y) = (area.x + column as f64 * cell, area.y + row as f64 * cell);
            let colour = format!("#{r:02x}{g:02x}{b:02x}");
            drawing.fill(Rect { x, y, width: cell, height: cell }, &colour);
            let ink = if share > 0.45 { "#ffffff" } else { "#1a1a1a" };
            let size = TICK.min(cell * 0.5);
            let at = (x + cell / 2.0, y + cell * 0.5 + size * 0.35);
            drawing.coloured_text(at, size, &format!("{number:.*}", panel.decimals), ink);
        }
    }
    drawing.frame(area);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_their_numbers_and_the_empty_ones_have_none() {
        let panel = |title: &str, cells| Matrix {
            title: title.to_owned(),
            cells,
            most: 100.0,
            decimals: 0,
        };
        let svg = Matrices {
            title: "Success".to_owned(),
            labels: vec!["Cello".to_owned(), "Oboe".to_owned()],
            row_title: "From".to_owned(),
            column_title: "To".to_owned(),
            panels: vec![
                panel("rates in %", vec![vec![None, Some(83.0)], vec![Some(17.0), None]]),
                panel("shares in %", vec![vec![None, Some(99.0)], vec![None, None]]),
            ],
        }
        .to_svg();
        for text in [">83<", ">17<", ">99<", "rates in %", "shares in %", ">Cello<", ">From<"] {
            assert!(svg.contains(text), "{text} is not in {svg}");
        }
        // Three cells, the paper, and two frames.
        assert_eq!(svg.matches("<rect").count(), 6);
    }
}
