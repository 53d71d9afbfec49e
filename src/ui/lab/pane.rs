//! One spectrogram: its input, its picture, playhead, loop and read-out.

use eframe::egui::{
    Color32, CornerRadius, CursorIcon, FontId, Id, PointerButton, Pos2, Rect, Role, Sense, Stroke,
    StrokeKind, TextureId, Ui, WidgetInfo, pos2, vec2,
};

use super::LabUi;
use super::insights::PictureMode;
use super::region::{Reach, SHORTEST};
use super::sides::title;
use super::state::Cursor;
use crate::audio::SAMPLE_RATE;
use crate::audio::player::Side;
use crate::dsp::Heights;
use crate::metrics::Region;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme;

/// The read-out's text size.
const READ_OUT: f32 = theme::SMALL;

/// A texture, and the moments of its columns.
struct Canvas {
    texture: TextureId,
    /// When the first frame is, in seconds.
    start: f64,
    /// From one frame to the next, in seconds.
    hop: f64,
    frames: usize,
}

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
            let up = has_height.then(|| height(at));
            let hz = up.map(|up| self.heights().hz(up));
            self.lab.cursor = Some(Cursor { seconds: moment(at), hz, height: up });
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
            self.wheel(ui, [moment(at) / seconds, height(at)], has_height);
        }
        if response.double_clicked() {
            self.asked.push(UiCommand::ResetView);
            self.asked.push(UiCommand::Select(None));
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
            self.lab.drag_from = origin;
        }
        if response.dragged_by(PointerButton::Primary)
            && let (Some(from), Some(at)) = (self.lab.drag_from, at)
        {
            let time_only = ui.input(|input| input.modifiers.shift);
            let reach = Reach::of(at - from, has_height, time_only);
            let moments = [moment(from).min(moment(at)), moment(from).max(moment(at))];
            let heights = [height(from).min(height(at)), height(from).max(height(at))];
            self.lab.choose_region(Some(Region {
                seconds: if reach == Reach::Band { [0.0, seconds] } else { moments },
                hz: (reach != Reach::Time).then(|| heights.map(|height| self.heights().hz(height))),
            }));
        }
        // Given up by a key meanwhile: nothing is chosen.
        if response.drag_stopped_by(PointerButton::Primary) && self.lab.drag_from.take().is_some() {
            let long = |region: &Region| region.seconds[1] - region.seconds[0] >= SHORTEST;
            let region = self.lab.region().filter(long);
            self.asked.push(UiCommand::Select(region));
            self.asked.extend(region.map(|region| UiCommand::Seek(region.seconds[0])));
        }
    }

    /// How heights of the pictures stand for frequencies.
    pub(super) fn heights(&self) -> Heights {
        self.lab.heights(self.settings.look.axis)
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
        let canvas = self.canvas(pane.side).filter(|_| !empty);
        if let Some(canvas) = &canvas {
            // Column i of the picture is centred on the start and i hops.
            let frames = canvas.frames.max(1) as f64;
            let u = |x: f64| (((x * seconds - canvas.start) / canvas.hop + 0.5) / frames) as f32;
            let view = self.lab.view;
            let uv = Rect::from_min_max(
                pos2(u(view.x[0]), (1.0 - view.y[1]) as f32),
                pos2(u(view.x[1]), (1.0 - view.y[0]) as f32),
            );
            painter.image(canvas.texture, rect, uv, Color32::WHITE);
            self.chunk_marks(&painter, pane, seconds);
        } else if empty {
            self.invitation(ui, pane);
        } else if self.lab.insights.mode != PictureMode::Levels {
            self.excuse(ui, pane);
        }
        if !empty && (canvas.is_some() || self.lab.insights.mode == PictureMode::Levels) {
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

    /// What there is to see of a side.
    fn canvas(&self, side: Side) -> Option<Canvas> {
        if self.lab.insights.mode != PictureMode::Levels {
            let picture = self.lab.insights.pictures.get(side, &self.lab.subject(side)?)?;
            let (start, hop, frames) = picture.timing();
            return Some(Canvas { texture: picture.texture.id(), start, hop, frames });
        }
        let picture = self.lab.pictures.get(side, &self.lab.clip.as_ref()?.samples)?;
        let hop = picture.spectrogram.settings().hop as f64 / f64::from(SAMPLE_RATE);
        let (texture, frames) = (picture.texture.id(), picture.spectrogram.frames());
        Some(Canvas { texture, start: 0.0, hop, frames })
    }

    /// Playhead, loop and pointer over a rectangle that shows the view.
    pub(super) fn time_marks(&self, ui: &Ui, rect: Rect, seconds: f64) {
        let painter = ui.painter_at(rect);
        let x_of = |moment: f64| {
            let across = self.lab.view.across(moment / seconds.max(1e-9));
            rect.left() + across as f32 * rect.width()
        };
        self.paint_region(&painter, rect, seconds);
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
        let Some(Cursor { seconds, hz: Some(hz), .. }) = self.lab.cursor else { return };
        let rect = pane.rect;
        let painter = ui.painter_at(rect);
        if let Some(height) = self.lab.cursor.and_then(|cursor| cursor.height) {
            let y = rect.bottom() - self.lab.view.up(height) as f32 * rect.height();
            let line = Stroke::new(1.0, Color32::from_white_alpha(110));
            painter.hline(rect.x_range(), y, line);
        }
        let place = format!("{seconds:.2} s · {}", text::hertz(hz));
        let words = self.value_at_cursor(pane.side);
        let font = FontId::proportional(READ_OUT);
        let lay_out = |words: String| painter.layout_no_wrap(words, font.clone(), Color32::WHITE);
        // In narrow panes on two lines, on all sides alike; the widest is the measure.
        let widest = lay_out(format!("{place} · −100 dB · Δ −10.0"));
        let fits = widest.size().x + 24.0 < rect.width();
        let between = if fits { " · " } else { "\n" };
        let galley = lay_out(format!("{place}{between}{words}"));
        let size = galley.size() + vec2(12.0, 6.0);
        let plate = Rect::from_min_size(
            pos2((rect.right() - size.x - 6.0).max(rect.left()), rect.top() + 6.0),
            size,
        );
        painter.rect_filled(plate, CornerRadius::same(4), Color32::from_black_alpha(175));
        painter.galley(plate.min + vec2(6.0, 3.0), galley, Color32::WHITE);
    }
}
