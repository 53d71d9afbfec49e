//! One spectrogram: its input, its picture, playhead, loop and read-out.

use eframe::egui::{
    Align2, Color32, CornerRadius, CursorIcon, FontId, Id, PointerButton, Pos2, Rect, Role, Sense,
    Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::LabUi;
use super::sides::title;
use super::state::{Cursor, Shown};
use crate::attacks::Status;
use crate::audio::SAMPLE_RATE;
use crate::audio::player::Side;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme::{self, BODY};

/// The read-out's text size.
const READ_OUT: f32 = theme::SMALL;

/// Parts of a clip shorter than this are not worth a loop, in seconds.
const SHORTEST_LOOP: f64 = 0.02;

/// Where a side's pane is.
pub(super) struct PaneArea {
    pub(super) side: Side,
    pub(super) rect: Rect,
}

impl PaneArea {
    pub(super) fn new(side: Side, rect: Rect) -> Self {
        Self { side, rect }
    }
}

impl LabUi<'_> {
    /// Takes a pane's input.
    pub(super) fn pane_input(&mut self, ui: &mut Ui, pane: &PaneArea, seconds: f64) {
        let name = format!("{} spectrogram", title(pane.side));
        self.time_input(ui, pane.rect, &name, seconds, true);
    }

    /// Takes the input of a rectangle that shows the view: seek, loop, zoom, pan. `has_height`
    /// tells whether it also shows the frequency axis.
    pub(super) fn time_input(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        name: &str,
        seconds: f64,
        has_height: bool,
    ) {
        let response = ui.interact(rect, Id::unique(name), Sense::CLICK | Sense::DRAG);
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, name));
        let view = self.lab.view;
        let moment = |at: Pos2| {
            let across = f64::from((at.x - rect.left()) / rect.width());
            view.x_at(across.clamp(0.0, 1.0)) * seconds
        };
        let height =
            |at: Pos2| view.y_at(f64::from((rect.bottom() - at.y) / rect.height()).clamp(0.0, 1.0));

        if let Some(at) = response.hover_pos() {
            let axis = self.settings.look.axis;
            let hz = has_height.then(|| axis.hz(height(at)));
            self.lab.cursor = Some(Cursor { seconds: moment(at), hz });
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
            self.wheel(ui, [moment(at) / seconds, height(at)], has_height);
        }
        if response.double_clicked() {
            self.asked.push(UiCommand::ResetView);
            self.asked.push(UiCommand::SetLoop(None));
        } else if response.clicked()
            && let Some(at) = response.interact_pointer_pos()
        {
            self.asked.push(UiCommand::Seek(moment(at)));
        }
        let pans = [PointerButton::Secondary, PointerButton::Middle];
        if pans.iter().any(|&button| response.dragged_by(button)) {
            let moved = response.drag_delta();
            let x = -f64::from(moved.x / rect.width()) * view.width();
            let y = f64::from(moved.y / rect.height()) * (view.y[1] - view.y[0]);
            self.lab.view.pan([x, if has_height { y } else { 0.0 }]);
        }
        let at = response.interact_pointer_pos();
        if response.drag_started_by(PointerButton::Primary) {
            let origin = ui.input(|input| input.pointer.press_origin()).or(at);
            self.lab.drag_from = origin.map(moment);
        }
        if response.dragged_by(PointerButton::Primary)
            && let (Some(from), Some(at)) = (self.lab.drag_from, at)
        {
            let to = moment(at);
            self.lab.loop_region = Some((from.min(to), from.max(to)));
        }
        if response.drag_stopped_by(PointerButton::Primary) {
            self.lab.drag_from = None;
            let region = self.lab.loop_region.filter(|(from, to)| to - from >= SHORTEST_LOOP);
            self.asked.push(UiCommand::SetLoop(region));
            self.asked.extend(region.map(|(from, _)| UiCommand::Seek(from)));
        }
    }

    fn wheel(&mut self, ui: &Ui, at: [f64; 2], has_height: bool) {
        let (scroll, pinch, alt) = ui.input(|input| {
            (input.smooth_scroll_delta(), f64::from(input.zoom_delta()), input.modifiers.alt)
        });
        let view = &mut self.lab.view;
        if (pinch - 1.0).abs() > 1e-6 {
            view.zoom(at, [pinch, if has_height { pinch } else { 1.0 }]);
        }
        if scroll.y != 0.0 {
            let factor = (f64::from(scroll.y) / 220.0).exp();
            let factors = if alt && has_height { [1.0, factor] } else { [factor, 1.0] };
            view.zoom(at, factors);
        }
        if scroll.x != 0.0 {
            view.pan([-f64::from(scroll.x) / 800.0 * view.width(), 0.0]);
        }
    }

    /// Paints a pane.
    pub(super) fn paint_pane(&self, ui: &mut Ui, pane: &PaneArea, seconds: f64) {
        let palette = theme::palette(ui);
        let rect = pane.rect;
        let painter = ui.painter_at(rect);
        let [r, g, b] = self.settings.look.colour_map.rgb(0.0);
        painter.rect_filled(rect, CornerRadius::ZERO, Color32::from_rgb(r, g, b));
        let empty = pane.side != Side::Original && self.lab.adversarial().is_none();
        let picture = self
            .lab
            .clip
            .as_ref()
            .and_then(|clip| self.lab.pictures.get(pane.side, &clip.samples))
            .filter(|_| !empty);
        if let Some(picture) = picture {
            // Column i of the picture is centred on i hops.
            let hop = picture.spectrogram.settings().hop as f64 / f64::from(SAMPLE_RATE);
            let frames = picture.spectrogram.frames().max(1) as f64;
            let u = |x: f64| ((x * seconds / hop + 0.5) / frames) as f32;
            let view = self.lab.view;
            let uv = Rect::from_min_max(
                pos2(u(view.x[0]), (1.0 - view.y[1]) as f32),
                pos2(u(view.x[1]), (1.0 - view.y[0]) as f32),
            );
            painter.image(picture.texture.id(), rect, uv, Color32::WHITE);
        } else if empty {
            self.invitation(ui, pane);
        }
        if !empty {
            self.time_marks(ui, rect, seconds);
            self.read_out(ui, pane);
        }
        let colour = palette.side(pane.side).gamma_multiply(if empty { 0.35 } else { 0.75 });
        let stroke = Stroke::new(1.0, colour);
        ui.painter().rect_stroke(
            rect.expand(1.0),
            CornerRadius::same(2),
            stroke,
            StrokeKind::Middle,
        );
    }

    /// What stands where there is nothing adversarial yet.
    fn invitation(&self, ui: &Ui, pane: &PaneArea) {
        let palette = theme::palette(ui);
        let painter = ui.painter_at(pane.rect);
        painter.rect_filled(pane.rect, CornerRadius::ZERO, palette.card);
        let attacking = self.lab.shown == Shown::Live && self.lab.running.is_some();
        let ended = self.lab.shown_result().map(|result| &result.outcome.status);
        let (headline, words) = match (attacking, pane.side) {
            (false, _) if ended.is_some() => {
                let reason = ended.and_then(Status::reason).map(|reason| format!("{reason}. "));
                let words = match ended {
                    Some(Status::Cancelled) => "Nothing was found before the stop.".to_owned(),
                    Some(Status::AlreadyTheTarget) => {
                        "The model hears the target in the clip as it is.".to_owned()
                    }
                    _ => format!(
                        "{}A longer search or another attack may find more.",
                        reason.unwrap_or_default()
                    ),
                };
                ("Nothing was changed", words)
            }
            (true, _) => {
                let heard =
                    self.lab.running.as_ref().and_then(|running| running.snapshot.as_ref()).map(
                        |snapshot| {
                            let (label, probability) = snapshot.verdict.top();
                            let title = snapshot.verdict.labels.title(label);
                            format!("The model still hears {title} {probability:.2}.")
                        },
                    );
                ("Searching…", heard.unwrap_or_else(|| "Getting ready.".to_owned()))
            }
            (false, Side::Difference) => (
                "No difference yet",
                "An attack makes one; it is shown on a range of its own.".into(),
            ),
            (false, _) => {
                let title = self.lab.models.title(self.lab.models.chosen());
                let words = format!(
                    "Press Attack. A small change of the clip is searched that makes {title} hear \
                     something else."
                );
                ("Nothing adversarial yet", words)
            }
        };
        let centre = pane.rect.center();
        painter.text(
            centre - vec2(0.0, 10.0),
            Align2::CENTER_BOTTOM,
            headline,
            FontId::new(15.0, theme::semibold()),
            palette.side(pane.side),
        );
        let mut job = eframe::egui::text::LayoutJob::simple(
            words,
            FontId::proportional(BODY),
            palette.quiet,
            (pane.rect.width() - 32.0).min(300.0),
        );
        job.halign = eframe::egui::Align::Center;
        let galley = painter.layout_job(job);
        painter.galley(centre, galley, palette.quiet);
    }

    /// Playhead, loop and pointer over a rectangle that shows the view.
    pub(super) fn time_marks(&self, ui: &Ui, rect: Rect, seconds: f64) {
        let painter = ui.painter_at(rect);
        let x_of = |moment: f64| {
            let across = self.lab.view.across(moment / seconds.max(1e-9));
            rect.left() + across as f32 * rect.width()
        };
        if let Some((from, to)) = self.lab.loop_region {
            let shade = Color32::from_black_alpha(120);
            let (from, to) = (x_of(from), x_of(to));
            painter.rect_filled(rect.with_max_x(from), 0.0, shade);
            painter.rect_filled(rect.with_min_x(to), 0.0, shade);
            for x in [from, to] {
                painter.vline(x, rect.y_range(), Stroke::new(1.0, Color32::from_white_alpha(190)));
            }
        }
        if let Some(cursor) = self.lab.cursor {
            let x = x_of(cursor.seconds);
            let line = Stroke::new(1.0, Color32::from_white_alpha(110));
            painter.vline(x, rect.y_range(), line);
        }
        let x = x_of(self.player.position_seconds);
        painter.vline(x, rect.y_range(), Stroke::new(3.0, Color32::from_black_alpha(120)));
        painter.vline(x, rect.y_range(), Stroke::new(1.5, Color32::WHITE));
    }

    fn read_out(&self, ui: &Ui, pane: &PaneArea) {
        let Some(Cursor { seconds, hz: Some(hz) }) = self.lab.cursor else { return };
        let rect = pane.rect;
        let painter = ui.painter_at(rect);
        let axis = self.settings.look.axis;
        if let Some(height) = self.lab.cursor_height(axis) {
            let y = rect.bottom() - self.lab.view.up(height) as f32 * rect.height();
            let line = Stroke::new(1.0, Color32::from_white_alpha(110));
            painter.hline(rect.x_range(), y, line);
        }
        let level = self.lab.level_at_cursor(pane.side);
        let level_text = level.map_or("–".to_owned(), |level| text::decibels(level.into(), 0));
        let place = format!("{seconds:.2} s · {}", text::hertz(hz));
        let mut words = level_text;
        if pane.side == Side::Adversarial
            && let (Some(level), Some(original)) = (level, self.lab.level_at_cursor(Side::Original))
        {
            words += &format!(" · Δ {}", text::number(f64::from(level - original), 1));
        }
        let font = FontId::proportional(READ_OUT);
        let lay_out = |words: String| painter.layout_no_wrap(words, font.clone(), Color32::WHITE);
        // In narrow panes the level alone, on all sides alike; the widest is the measure.
        let widest = lay_out(format!("{place} · −100 dB · Δ −10.0"));
        let fits = widest.size().x + 24.0 < rect.width();
        let galley = lay_out(if fits { format!("{place} · {words}") } else { words });
        let size = galley.size() + vec2(12.0, 6.0);
        let plate = Rect::from_min_size(
            pos2((rect.right() - size.x - 6.0).max(rect.left()), rect.top() + 6.0),
            size,
        );
        painter.rect_filled(plate, CornerRadius::same(4), Color32::from_black_alpha(175));
        painter.galley(plate.min + vec2(6.0, 3.0), galley, Color32::WHITE);
    }
}
