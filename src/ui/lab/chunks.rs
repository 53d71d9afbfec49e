//! The parts of a clip that the model hears on their own: lines in the picture, and under it what
//! it says of each.

use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Id, Painter, Rect, Response, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2,
    text::{LayoutJob, TextWrapping},
};

use super::LabUi;
use super::insights::PictureMode;
use super::pane::PaneArea;
use super::sides::title;
use crate::audio::SAMPLE_RATE;
use crate::audio::player::Side;
use crate::metrics::Region;
use crate::models::{Inspection, Part};
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme::{self, SMALL};

/// Height of one row of parts.
const ROW: f32 = 19.0;

/// A part's ends in seconds, within the clip.
fn span(part: &Part, seconds: f64) -> [f64; 2] {
    part.samples.map(|sample| (sample / f64::from(SAMPLE_RATE)).clamp(0.0, seconds))
}

/// Which row each part stands in: the next one where it begins before the one before it ends.
fn rows(parts: &[Part]) -> Vec<usize> {
    let overlaps = |index: usize| {
        let before = index.checked_sub(1).and_then(|before| parts.get(before));
        before.is_some_and(|before| parts[index].samples[0] < before.samples[1])
    };
    (0..parts.len()).map(|index| usize::from(overlaps(index))).collect()
}

impl LabUi<'_> {
    /// The parts of a side, where they are looked at.
    fn parts(&self, side: Side) -> Option<&Inspection> {
        let shown = self.lab.insights.mode == PictureMode::Machine;
        self.lab.inspection(side).filter(|_| shown).map(AsRef::as_ref)
    }

    /// The room that the parts need under the pictures.
    pub(super) fn chunks_height(&self) -> f32 {
        let Some(inspection) = self.parts(Side::Original) else { return 0.0 };
        let most = rows(&inspection.parts).into_iter().max().unwrap_or(0);
        ROW * (most + 1) as f32 + 4.0
    }

    /// Lines where parts begin and end; what is in none of them is dark.
    pub(super) fn chunk_marks(&self, painter: &Painter, pane: &PaneArea, seconds: f64) {
        let Some(inspection) = self.parts(pane.side) else { return };
        let rect = pane.rect;
        let x_of = |moment: f64| {
            let across = self.lab.view.across(moment / seconds.max(1e-9));
            rect.left() + across as f32 * rect.width()
        };
        // Many parts close together would leave nothing of the picture.
        let apart = rect.width() / (inspection.parts.len() as f32 * self.lab.view.width() as f32);
        let crowded = apart < 24.0;
        let mut heard_until = 0.0_f64;
        let mut unheard = Vec::new();
        for part in &inspection.parts {
            let [from, to] = span(part, seconds);
            unheard.push([heard_until, from]);
            heard_until = heard_until.max(to);
            for moment in [from, to] {
                if moment > 0.0 && moment < seconds {
                    let x = x_of(moment);
                    let (width, dark, bright) =
                        if crowded { (1.0, 60, 90) } else { (3.0, 110, 170) };
                    let dark = Stroke::new(width, Color32::from_black_alpha(dark));
                    painter.vline(x, rect.y_range(), dark);
                    let line = Stroke::new(1.0, Color32::from_white_alpha(bright));
                    for step in 0..(rect.height() / 8.0).ceil() as usize {
                        let top = rect.top() + 8.0 * step as f32;
                        painter.vline(x, top..=top + 4.0, line);
                    }
                }
            }
        }
        unheard.push([heard_until, seconds]);
        for [from, to] in unheard.into_iter().filter(|[from, to]| to - from > 1e-6) {
            let gap = rect.with_min_x(x_of(from)).with_max_x(x_of(to));
            painter.rect_filled(gap, 0.0, Color32::from_black_alpha(150));
        }
    }

    /// What the model says of each part, under a pane.
    pub(super) fn chunk_row(&mut self, ui: &Ui, pane: &PaneArea, seconds: f64) {
        let side = pane.side;
        let Some(inspection) = self.parts(side) else { return };
        let other = match side {
            Side::Difference => self.parts(Side::Adversarial),
            Side::Original | Side::Adversarial => None,
        };
        if side == Side::Difference && other.is_none() {
            return;
        }
        let view = self.lab.view;
        let original = self.lab.verdict().map(|verdict| verdict.top().0);
        let mut chosen = None;
        for (index, (part, row)) in inspection.parts.iter().zip(rows(&inspection.parts)).enumerate()
        {
            let [from, to] = span(part, seconds);
            let x = |moment: f64| {
                let across = view.across(moment / seconds.max(1e-9)).clamp(0.0, 1.0);
                pane.rect.left() + across as f32 * pane.rect.width()
            };
            let top = pane.rect.bottom() + 3.0 + ROW * row as f32;
            let place = Rect::from_min_max(pos2(x(from), top), pos2(x(to), top + ROW - 1.0));
            // Zoomed out of sight.
            if place.width() < 3.0 {
                continue;
            }
            let told = Told::new(part, other.and_then(|other| other.parts.get(index)));
            let name = format!(
                "{}, {} {} of {}, {from:.2} to {to:.2} s: {} {}",
                title(side),
                if inspection.parts.len() == 1 { "whole clip, part" } else { "chunk" },
                index + 1,
                inspection.parts.len(),
                told.label,
                told.value
            );
            let padding = part.samples[1] / f64::from(SAMPLE_RATE) - seconds;
            // In the adversarial sound what is still heard as the original is not a success.
            let keeps = original.is_some_and(|label| part.verdict.top().0 == label);
            let shade = if keeps && side == Side::Adversarial { Side::Original } else { side };
            let response = box_of(ui, place, &name, &told, theme::palette(ui).side(shade));
            let response = response.on_hover_text(tooltip(part, [from, to], padding, &told));
            if response.clicked() {
                chosen = Some(Region { seconds: [from, to], hz: None });
            }
        }
        if let Some(region) = chosen {
            self.asked.push(UiCommand::Select(Some(region)));
            self.asked.push(UiCommand::Seek(region.seconds[0]));
        }
    }
}

/// What stands in a part's box.
struct Told {
    label: String,
    value: String,
    /// How much of the box is filled, in \[0, 1\].
    filled: f32,
}

impl Told {
    /// The most probable label; with the same part of the adversarial clip, by how much its
    /// probability changed.
    fn new(part: &Part, adversarial: Option<&Part>) -> Self {
        let (label, probability) = part.verdict.top();
        let title = part.verdict.labels.title(label);
        match adversarial {
            None => Self {
                label: title,
                value: text::number(probability.into(), 2),
                filled: probability,
            },
            Some(adversarial) => {
                let change = adversarial.verdict.probability(label) - probability;
                let value = text::signed(change.into(), 2);
                Self { label: title, value, filled: change.abs() }
            }
        }
    }
}

fn tooltip(part: &Part, [from, to]: [f64; 2], padding: f64, told: &Told) -> String {
    let ranked = part.verdict.ranked(3);
    let lines = ranked.iter().map(|&(label, probability)| {
        let title = part.verdict.labels.title(label);
        format!("{title} {}", text::number(probability.into(), 3))
    });
    let mut words = format!("{from:.2} to {to:.2} s: {}", lines.collect::<Vec<_>>().join(", "));
    if told.value.starts_with(['+', '−']) {
        words += &format!(". With the change: {} {}", told.label, told.value);
    }
    if padding > 0.01 {
        words += &format!(
            ". The clip is too short for it: {} s were added, filled with the picture's smallest value",
            text::number(padding, 2)
        );
    }
    words + ". Click to loop it."
}

fn box_of(ui: &Ui, place: Rect, name: &str, told: &Told, colour: Color32) -> Response {
    let palette = theme::palette(ui);
    let response = ui.interact(place, Id::unique(name), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let lit = response.hovered() || response.has_focus();
    let painter = ui.painter_at(place);
    let inside = place.shrink2(eframe::egui::vec2(1.0, 0.0));
    let radius = CornerRadius::same(3);
    painter.rect_filled(inside, radius, if lit { palette.field_hover } else { palette.field });
    let filled = inside.with_max_x(inside.left() + inside.width() * told.filled.clamp(0.0, 1.0));
    painter.rect_filled(filled, radius, colour.gamma_multiply(0.28));
    let font = FontId::proportional(SMALL);
    let value = painter.layout_no_wrap(told.value.clone(), font.clone(), palette.text);
    let room = inside.width() - value.size().x - 12.0;
    if room > 22.0 {
        let mut job = LayoutJob::simple_singleline(told.label.clone(), font, palette.text);
        job.wrap = TextWrapping::truncate_at_width(room);
        let label = painter.layout_job(job);
        let top = inside.center().y - label.size().y / 2.0;
        painter.galley(pos2(inside.left() + 4.0, top), label, palette.text);
        let at =
            pos2(inside.right() - 4.0 - value.size().x, inside.center().y - value.size().y / 2.0);
        painter.galley(at, value, palette.text);
    } else if inside.width() > value.size().x + 2.0 {
        let font = FontId::proportional(SMALL);
        painter.text(inside.center(), Align2::CENTER_CENTER, &told.value, font, palette.text);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::models::{Labels, Verdict};

    fn part(samples: [f64; 2]) -> Part {
        let labels = Labels::new(["Robin", "Wren"].map(str::to_owned));
        let verdict = Verdict { labels, probabilities: Arc::new([0.25, 0.75]) };
        Part { frames: 0..128, samples, verdict }
    }

    #[test]
    fn a_part_that_overlaps_the_one_before_it_stands_below() {
        let parts = [[0.0, 100.0], [100.0, 200.0], [150.0, 250.0]].map(part);
        assert_eq!(rows(&parts), [0, 0, 1]);
        assert_eq!(span(&parts[2], 0.005), [150.0 / 32_000.0, 0.005]);
    }

    #[test]
    fn a_box_tells_the_label_or_how_much_it_lost() {
        let (clean, mut attacked) = (part([0.0, 1.0]), part([0.0, 1.0]));
        attacked.verdict.probabilities = Arc::new([0.9, 0.1]);
        let told = Told::new(&clean, None);
        assert_eq!((told.label.as_str(), told.value.as_str()), ("Wren", "0.75"));
        let told = Told::new(&clean, Some(&attacked));
        assert_eq!((told.label.as_str(), told.value.as_str()), ("Wren", "−0.65"));
        assert!(tooltip(&clean, [0.0, 1.0], 0.5, &told).contains("0.50 s were added"));
    }
}
