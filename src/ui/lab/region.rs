//! The part of the clip that people chose: a stretch of time, all frequencies of it or a band.

use eframe::egui::{Color32, Key, Painter, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

use super::view::View;
use super::{Lab, LabUi};
use crate::dsp::Heights;
use crate::metrics::Region;
use crate::ui::UiCommand;

/// Parts of a clip shorter than this are not worth a loop, in seconds.
pub(super) const SHORTEST: f64 = 0.02;

/// A drag that leads less far up or down than this means all frequencies, in points.
const HARDLY_HIGH: f32 = 12.0;
/// A drag that is high and leads less far aside than this means all of the time, in points.
const HARDLY_WIDE: f32 = 6.0;

/// What a drag chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A stretch of time with all frequencies.
    Time,
    /// A band of frequencies of the whole clip.
    Band,
    /// A band of frequencies in a stretch of time.
    Both,
}

impl Reach {
    /// What a drag over so many points chooses.
    pub(super) fn of(dragged: eframe::egui::Vec2, has_height: bool, time_only: bool) -> Self {
        let (wide, high) = (dragged.x.abs() >= HARDLY_WIDE, dragged.y.abs() >= HARDLY_HIGH);
        match (has_height && !time_only && high, wide) {
            (false, _) => Self::Time,
            (true, false) => Self::Band,
            (true, true) => Self::Both,
        }
    }
}

impl Lab {
    /// The part that people chose.
    pub fn region(&self) -> Option<Region> {
        let (from, to) = self.loop_region?;
        Some(Region { seconds: [from, to], hz: self.band })
    }

    /// Chooses a part, or none.
    pub fn choose_region(&mut self, region: Option<Region>) {
        self.loop_region = region.map(|region| region.seconds.into());
        self.band = region.and_then(|region| region.hz);
    }

    /// Shows the chosen part and nothing else.
    pub fn zoom_to_region(&mut self, heights: &Heights) {
        let (Some(region), Some(clip)) = (self.region(), &self.clip) else { return };
        let whole = clip.seconds().max(1e-9);
        self.view = View::of(
            region.seconds.map(|moment| moment / whole),
            region.hz.map_or([0.0, 1.0], |band| band.map(|hz| heights.unit(hz))),
        );
    }
}

impl LabUi<'_> {
    /// Gives up the chosen part, or leaves the presenter's view, by a key that nothing else waits
    /// for.
    pub(super) fn escape_key(&mut self, ui: &Ui) {
        let ctx = ui.ctx();
        let free = !ctx.egui_wants_keyboard_input()
            && !ctx.any_popup_open()
            && ctx.memory(|memory| memory.allows_interaction(ui.layer_id()));
        if !free || !ui.input(|input| input.key_pressed(Key::Escape)) {
            return;
        }
        if self.lab.region().is_some() {
            self.lab.drag_from = None;
            self.asked.push(UiCommand::Select(None));
        } else if self.lab.presenting {
            self.asked.push(UiCommand::TogglePresenter);
        }
    }

    /// Paints the chosen part over a picture: what is outside is darker.
    pub(super) fn paint_region(&self, painter: &Painter, rect: Rect, seconds: f64) {
        let Some(region) = self.lab.region() else { return };
        let view = self.lab.view;
        let x_of = |moment: f64| {
            rect.left() + view.across(moment / seconds.max(1e-9)) as f32 * rect.width()
        };
        let y_of =
            |hz: f64| rect.bottom() - view.up(self.heights().unit(hz)) as f32 * rect.height();
        let shade = Color32::from_black_alpha(120);
        let [left, right] = region.seconds.map(x_of);
        let (left, right) = (left.max(rect.left() - 2.0), right.min(rect.right() + 2.0));
        painter.rect_filled(rect.with_max_x(left), 0.0, shade);
        painter.rect_filled(rect.with_min_x(right), 0.0, shade);
        let bright = Stroke::new(1.0, Color32::from_white_alpha(200));
        let Some(band) = region.hz else {
            for x in [left, right] {
                painter.vline(x, rect.y_range(), bright);
            }
            return;
        };
        let [bottom, top] = band.map(y_of);
        let inside = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
        painter.rect_filled(inside.with_max_y(top), 0.0, shade);
        painter.rect_filled(inside.with_min_y(bottom), 0.0, shade);
        let chosen = Rect::from_min_max(pos2(left, top), pos2(right, bottom));
        let dark = Stroke::new(1.0, Color32::from_black_alpha(160));
        painter.rect_stroke(chosen.expand2(vec2(1.0, 1.0)), 0.0, dark, StrokeKind::Middle);
        painter.rect_stroke(chosen, 0.0, bright, StrokeKind::Middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_drag_means_time_a_narrow_one_a_band_and_a_wide_and_high_one_both() {
        let of = |x, y, high, only| Reach::of(vec2(x, y), high, only);
        assert_eq!(of(-200.0, 5.0, true, false), Reach::Time);
        assert_eq!(of(200.0, -80.0, true, false), Reach::Both);
        assert_eq!(of(2.0, 80.0, true, false), Reach::Band);
        // With Shift, and on a waveform, which has no frequencies, it is always time.
        assert_eq!(of(200.0, -80.0, true, true), Reach::Time);
        assert_eq!(of(200.0, -80.0, false, false), Reach::Time);
    }
}
