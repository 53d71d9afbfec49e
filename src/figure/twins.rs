//! Figure 3 of Subramanian et al. (2019): a clip beside what several attacks made of it.

use std::path::Path;
use std::sync::Arc;

use super::drawing::{AXIS, Anchor, Drawing, Rect, TITLE};
use super::layout::{
    BAR, LEFT, WIDTH, confidence, frequency_ticks, level_bar, picture, snr, time_axis,
};
use super::type_setting::{FONT_FAMILIES, fit};
use super::{FigureError, raster, write};
use crate::dsp::{Look, StftSettings};

/// Points between two panels.
const GAP: f64 = 12.0;

/// Height of the figure in points: room for a line of its own under each panel.
const HEIGHT: f64 = 216.0;

/// Most twins that find room.
pub const MOST_TWINS: usize = 4;

/// What one attack made of the clip.
#[derive(Clone, Debug)]
pub struct Twin {
    /// The attack's name for people.
    pub attack: String,
    /// The adversarial samples at 32 kHz, as many as the clip's.
    pub samples: Arc<[f32]>,
    /// The model's label for them and its probability.
    pub label: (String, f32),
    /// SNR in dB.
    pub snr_db: f64,
}

/// A clip and its adversarial twins, side by side on the same scales.
#[derive(Clone, Debug)]
pub struct Twins {
    /// The clip's name.
    pub clip: String,
    /// The model's name for people.
    pub model: String,
    /// The clean samples at 32 kHz.
    pub original: Arc<[f32]>,
    /// The model's label for them and its probability.
    pub original_label: (String, f32),
    /// What the attacks made of them; those after [`MOST_TWINS`] are left out.
    pub twins: Vec<Twin>,
    /// Window and hop of the spectrograms.
    pub stft: StftSettings,
    /// Axis, colours and dB range, the same for all.
    pub look: Look,
}

impl Twins {
    /// The figure as an SVG document, 7 inches wide.
    pub fn to_svg(&self) -> String {
        let twins = &self.twins[..self.twins.len().min(MOST_TWINS)];
        let mut drawing = Drawing::new();
        let heard_by = format!("heard by {}", self.model);
        let mut sides = vec![("Original: ", &self.original_label, &self.original, heard_by)];
        sides.extend(twins.iter().map(|twin| {
            let below = format!("{}, {}", twin.attack, snr(twin.snr_db));
            ("", &twin.label, &twin.samples, below)
        }));
        let count = sides.len() as f64;
        let room = BAR.x - 14.0 - LEFT.x;
        let width = (room - GAP * (count - 1.0)) / count;
        let mut told = Vec::new();
        for (index, (before, label, samples, below)) in sides.into_iter().enumerate() {
            let panel = Rect { x: LEFT.x + index as f64 * (width + GAP), width, ..LEFT };
            drawing.picture(panel, &picture(samples, self.stft, &self.look));
            drawing.frame(panel);
            let sure = confidence(label.1);
            let (title, size) = fit([before, &label.0, &sure], TITLE, panel.width);
            drawing.title(panel.middle(), panel.y - 6.0, size, Anchor::Middle, &title);
            time_axis(&mut drawing, panel, samples.len());
            frequency_ticks(&mut drawing, panel, self.look.axis, index == 0);
            let (line, size) = fit(["", &below, ""], AXIS, panel.width);
            drawing.text(panel.middle(), HEIGHT - 8.5, size, Anchor::Middle, &line);
            told.push(format!("{title}, {line}"));
        }
        drawing.upright_text(9.0, LEFT.y + LEFT.height / 2.0, AXIS, "Frequency [kHz]");
        level_bar(&mut drawing, BAR, &self.look);
        let description = format!("{}: {}", self.clip, told.join("; "));
        drawing.finish(WIDTH, HEIGHT, FONT_FAMILIES, &description)
    }

    /// The figure as a PNG file, `width_px` pixels wide.
    ///
    /// # Errors
    /// As [`Figure::to_png`](super::Figure::to_png).
    pub fn to_png(&self, width_px: u32) -> Result<Vec<u8>, FigureError> {
        raster::png(&self.to_svg(), width_px)
    }

    /// Writes the figure to a file, as PNG or SVG by the name's ending.
    ///
    /// # Errors
    /// As [`Figure::write`](super::Figure::write).
    pub fn write(&self, path: &Path) -> Result<(), FigureError> {
        write(&self.to_svg(), path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twins(count: usize) -> Twins {
        let original: Arc<[f32]> = (0..16_000).map(|n| 0.3 * (n as f32 * 0.2).sin()).collect();
        let twin = |number: usize| Twin {
            attack: format!("Attack {number}"),
            samples: original.clone(),
            label: (format!("Label {number}"), 0.5),
            snr_db: 40.0 + number as f64,
        };
        Twins {
            clip: "Bell".to_owned(),
            model: "VGG13".to_owned(),
            original: original.clone(),
            original_label: ("Chime".to_owned(), 0.9),
            twins: (0..count).map(twin).collect(),
            stft: StftSettings::default(),
            look: Look::default(),
        }
    }

    #[test]
    fn each_twin_has_a_panel_with_its_label_attack_and_snr() {
        for count in 1..=MOST_TWINS {
            let svg = twins(count).to_svg();
            assert_eq!(svg.matches("<image").count(), count + 1, "a picture in each panel");
            assert!(svg.contains("Original: Chime (0.90)"), "{count}");
            for number in 0..count {
                assert!(svg.contains(&format!("SNR 4{number}.0 dB")), "{count}, {number}");
            }
        }
        assert!(!twins(6).to_svg().contains("Attack 4"));
        assert!(!twins(2).to_png(800).expect("a picture").is_empty());
    }
}
