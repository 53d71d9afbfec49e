//! Where everything stands in a figure.

use super::Figure;
use super::drawing::{AXIS, Anchor, Drawing, Rect, TICK, TICK_LENGTH, TITLE};
use super::ticks::{label, round_ticks};
use super::type_setting::{FONT_FAMILIES, fit, width};
use crate::audio::SAMPLE_RATE;
use crate::dsp::{FrequencyAxis, Look, Picture, Spectrogram, StftSettings, render};

/// Width of the figure in points: 7 inches, a page of two columns.
pub(super) const WIDTH: f64 = 504.0;
/// Height of the figure in points.
const HEIGHT: f64 = 216.0;

pub(super) const LEFT: Rect = Rect { x: 34.0, y: 19.0, width: 206.0, height: 150.0 };
const RIGHT: Rect = Rect { x: 253.0, ..LEFT };
pub(super) const BAR: Rect = Rect { x: 467.0, width: 7.0, ..LEFT };

/// Baseline of the caption below the top, in points.
const CAPTION_Y: f64 = 207.5;

/// Pixels of a spectrogram: a little over 300 dpi of its panel.
const PICTURE_WIDTH: usize = 900;
const PICTURE_HEIGHT: usize = 656;

/// Draws a figure.
pub(super) fn svg(figure: &Figure) -> String {
    let mut drawing = Drawing::new();
    let sides = [
        (LEFT, "Original: ", &figure.original_label, &figure.original),
        (RIGHT, "Adversarial: ", &figure.adversarial_label, &figure.adversarial),
    ];
    for (panel, side, verdict, samples) in sides {
        drawing.picture(panel, &picture(samples, figure.stft, &figure.look));
        drawing.frame(panel);
        let confidence = confidence(verdict.1);
        let (title, size) = fit([side, &verdict.0, &confidence], TITLE, panel.width);
        drawing.title(panel.middle(), panel.y - 6.0, size, Anchor::Middle, &title);
        time_axis(&mut drawing, panel, samples.len());
        frequency_ticks(&mut drawing, panel, figure.look.axis, panel.x == LEFT.x);
    }
    drawing.upright_text(9.0, LEFT.y + LEFT.height / 2.0, AXIS, "Frequency [kHz]");
    level_bar(&mut drawing, BAR, &figure.look);
    let caption = caption(&mut drawing, figure);
    let description = format!(
        "{}: original {} {}, adversarial {} {}; {caption}",
        figure.clip,
        figure.original_label.0,
        confidence(figure.original_label.1).trim_start(),
        figure.adversarial_label.0,
        confidence(figure.adversarial_label.1).trim_start(),
    );
    drawing.finish(WIDTH, HEIGHT, FONT_FAMILIES, &description)
}

/// One side's spectrogram, with as many frames as the panel has pixels where the clip allows it.
pub(super) fn picture(samples: &[f32], stft: StftSettings, look: &Look) -> Picture {
    let dense = (samples.len() / PICTURE_WIDTH).max(1);
    let settings = StftSettings { hop: stft.hop.min(dense), ..stft };
    let spectrogram = Spectrogram::compute(samples, settings);
    render(&spectrogram, look, PICTURE_WIDTH, PICTURE_HEIGHT)
}

pub(super) fn time_axis(drawing: &mut Drawing, panel: Rect, samples: usize) {
    let seconds = samples as f64 / f64::from(SAMPLE_RATE);
    // Labels in seconds of a very short clip would be longer than the space between them.
    let (length, unit) = if seconds < 0.1 { (seconds * 1e3, "ms") } else { (seconds, "s") };
    for (value, text) in round_ticks(0.0, length, 6) {
        let x = panel.x + if length > 0.0 { value / length * panel.width } else { 0.0 };
        drawing.line((x, panel.bottom()), (x, panel.bottom() + TICK_LENGTH));
        drawing.text(x, panel.bottom() + 10.8, TICK, Anchor::Middle, &text);
    }
    let title = format!("Time [{unit}]");
    drawing.text(panel.middle(), panel.bottom() + 21.0, AXIS, Anchor::Middle, &title);
}

/// Ticks at the left of a panel; labels only where they are not said by its neighbour.
pub(super) fn frequency_ticks(
    drawing: &mut Drawing,
    panel: Rect,
    axis: FrequencyAxis,
    labelled: bool,
) {
    for (hz, _) in axis.ticks(8) {
        let y = panel.bottom() - axis.unit(hz) * panel.height;
        drawing.line((panel.x - TICK_LENGTH, y), (panel.x, y));
        if labelled {
            let kilohertz = (hz / 1e3).to_string();
            let x = panel.x - TICK_LENGTH - 2.0;
            drawing.text(x, y + TICK * 0.35, TICK, Anchor::End, &kilohertz);
        }
    }
}

/// The colours' levels beside a bar at the figure's right edge.
pub(super) fn level_bar(drawing: &mut Drawing, bar: Rect, look: &Look) {
    drawing.colour_bar(bar, look.colour_map);
    let (floor, ceiling) = (f64::from(look.floor_db), f64::from(look.ceiling_db));
    for (level, text) in round_ticks(floor, ceiling, 6) {
        let y = bar.bottom() - f64::from(look.unit(level as f32)) * bar.height;
        drawing.line((bar.right(), y), (bar.right() + TICK_LENGTH, y));
        let x = bar.right() + TICK_LENGTH + 2.0;
        drawing.text(x, y + TICK * 0.35, TICK, Anchor::Start, &text);
    }
    drawing.upright_text(WIDTH - 4.5, bar.y + bar.height / 2.0, AXIS, "Level [dB re full scale]");
}

/// Model, attack and SNR at the left, the clip's name at the right of what room is left; returns
/// the first.
fn caption(drawing: &mut Drawing, figure: &Figure) -> String {
    let room = RIGHT.right() - LEFT.x;
    let snr = format!(", {}", snr(figure.snr_db));
    let names = format!("{}, {}", figure.model, figure.attack);
    let (line, size) = fit(["", &names, &snr], AXIS, room * 0.7);
    drawing.text(LEFT.x, CAPTION_Y, size, Anchor::Start, &line);
    let left = room - width(&line, size) - 12.0;
    let (clip, size) = fit(["", &figure.clip, ""], AXIS, left);
    drawing.text(RIGHT.right(), CAPTION_Y, size, Anchor::End, &clip);
    line
}

/// A probability behind a label; nothing where there is none.
pub(super) fn confidence(probability: f32) -> String {
    if probability.is_finite() { format!(" ({probability:.2})") } else { String::new() }
}

/// The SNR as people read it, also where it is no number of dB.
pub(super) fn snr(decibels: f64) -> String {
    if decibels.is_nan() {
        "SNR undefined".to_owned()
    } else if decibels == f64::INFINITY {
        "SNR \u{221e} dB (nothing changed)".to_owned()
    } else if decibels == f64::NEG_INFINITY {
        "SNR \u{2212}\u{221e} dB (silent original)".to_owned()
    } else {
        format!("SNR {} dB", label(decibels, 1))
    }
}
