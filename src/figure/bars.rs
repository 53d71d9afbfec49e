//! Histograms over labels, one below the other: which labels adversarial clips are given.

use std::path::Path;

use super::drawing::{AXIS, Anchor, Drawing, Rect, TICK, TICK_LENGTH, TITLE};
use super::error::FigureError;
use super::layout::WIDTH;
use super::ticks::round_ticks;
use super::type_setting::{FONT_FAMILIES, fit};

const LEFT: f64 = 40.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 30.0;
/// Height of one histogram and the room above it for its title, in points.
const PANEL: f64 = 74.0;
const HEAD: f64 = 17.0;
/// Room for the labels below the last one.
const NAMES: f64 = 92.0;

/// Colours of histograms in turn, told apart in grey.
const COLOURS: [&str; 4] = ["#0b7a75", "#d1495b", "#6a4c93", "#b08900"];

/// One histogram.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// What it is of.
    pub title: String,
    /// How many clips were given each of the labels.
    pub counts: Vec<usize>,
}

/// Histograms over the same labels.
#[derive(Clone, Debug)]
pub struct Histograms {
    /// What they are of.
    pub title: String,
    /// The labels, for people.
    pub labels: Vec<String>,
    /// The histograms, from top to bottom.
    pub panels: Vec<Histogram>,
}

impl Histograms {
    /// The histograms as an SVG document, 7 inches wide.
    pub fn to_svg(&self) -> String {
        let mut drawing = Drawing::new();
        let (title, size) = fit(["", &self.title, ""], TITLE, WIDTH - LEFT - RIGHT);
        drawing.title(LEFT, 13.0, size, Anchor::Start, &title);
        let mut bottom = TOP;
        for (index, panel) in self.panels.iter().enumerate() {
            let y = TOP + index as f64 * (PANEL + HEAD) + HEAD;
            let area = Rect { x: LEFT, y, width: WIDTH - LEFT - RIGHT, height: PANEL };
            draw(&mut drawing, panel, COLOURS[index % COLOURS.len()], area);
            bottom = area.bottom();
        }
        let room = (WIDTH - LEFT - RIGHT) / self.labels.len().max(1) as f64;
        let size = (room * 0.8).min(AXIS);
        for (index, label) in self.labels.iter().enumerate() {
            let x = LEFT + (index as f64 + 0.5) * room + size * 0.35;
            let (name, size) = fit(["", label, ""], size, NAMES - 8.0);
            drawing.hanging_text(x, bottom + 3.0, size, &name);
        }
        drawing.upright_text(10.0, (TOP + bottom) / 2.0, AXIS, "Clips, each model counted");
        drawing.finish(WIDTH, bottom + NAMES, FONT_FAMILIES, &self.title)
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

fn draw(drawing: &mut Drawing, panel: &Histogram, colour: &str, area: Rect) {
    let (title, size) = fit(["", &panel.title, ""], AXIS, area.width);
    drawing.text(area.x, area.y - 4.0, size, Anchor::Start, &title);
    let most = panel.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    for (value, _) in round_ticks(0.0, most, 4) {
        // Half a clip is none.
        if value.fract() != 0.0 {
            continue;
        }
        let y = area.bottom() - value / most * area.height;
        drawing.line((area.x - TICK_LENGTH, y), (area.x, y));
        drawing.text(area.x - 4.5, y + TICK * 0.35, TICK, Anchor::End, &format!("{value:.0}"));
    }
    let room = area.width / panel.counts.len().max(1) as f64;
    for (index, &count) in panel.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = count as f64 / most * area.height;
        let bar = Rect {
            x: area.x + (index as f64 + 0.12) * room,
            y: area.bottom() - height,
            width: room * 0.76,
            height,
        };
        drawing.fill(bar, colour);
    }
    drawing.frame(area);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_count() {
        let histograms = Histograms {
            title: "Adversarial labels".to_owned(),
            labels: vec!["Bark".to_owned(), "Meow".to_owned()],
            panels: vec![Histogram { title: "FGSM".to_owned(), counts: vec![4, 1] }],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("histogram.png");
        histograms.write(&path).unwrap();
        let image = image::open(&path).unwrap().to_rgb8();
        let scale = f64::from(image.width()) / WIDTH;
        let room = (WIDTH - LEFT - RIGHT) / 2.0;
        let dark = |label: f64, share: f64| {
            let x = (LEFT + (label + 0.5) * room) * scale;
            let y = (TOP + HEAD + PANEL * (1.0 - share)) * scale;
            image.get_pixel(x as u32, y as u32).0 != [255; 3]
        };
        assert!(dark(0.0, 0.9) && dark(0.0, 0.1));
        assert!(dark(1.0, 0.2) && !dark(1.0, 0.3));
    }
}
