//! The waveform lane: the clip, and over it the perturbation, magnified.

use eframe::egui::{
    Align, Align2, Color32, ComboBox, CornerRadius, DragValue, FontId, Layout, Mesh, Rect,
    RichText, Sense, Shape, Stroke, StrokeKind, Ui, pos2, vec2,
};

use super::LabUi;
use super::overview::Overview;
use crate::audio::player::Side;
use crate::ui::UiCommand;
use crate::ui::theme::{self, SMALL};
use crate::ui::widgets::{caption, down_mark};

/// The magnifications that can be chosen.
const MAGNIFICATIONS: [u32; 5] = [1, 10, 100, 1000, 10_000];

impl LabUi<'_> {
    pub(super) fn waveform(&mut self, ui: &mut Ui, height: f32) {
        let Some(clip) = self.lab.clip.clone() else { return };
        let palette = theme::palette(ui);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            self.lane_header(ui);
            let (rect, _) =
                ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
            let radius = CornerRadius::same(4);
            ui.painter().rect_filled(rect, radius, palette.card);
            self.time_input(ui, rect, "Waveform", clip.seconds(), false);
            let view = self.lab.view.x;
            let painter = ui.painter_at(rect);
            let middle = rect.center().y;
            painter.hline(rect.x_range(), middle, Stroke::new(1.0, palette.edge));
            let mut scale = 1.0;
            if let Some(picture) = self.lab.pictures.get(Side::Original, &clip.samples) {
                scale = 1.0 / picture.overview.peak().max(1e-6);
                let colour = palette.original;
                let mesh = waveform_mesh(
                    rect.shrink2(vec2(0.0, 3.0)),
                    &picture.overview,
                    &picture.samples,
                    view,
                    scale,
                    colour,
                );
                painter.add(Shape::mesh(mesh));
            }
            let difference = self
                .lab
                .adversarial()
                .and_then(|_| self.lab.pictures.get(Side::Difference, &clip.samples));
            let difference_shown = difference.is_some();
            if let Some(picture) = difference {
                let magnified = scale * self.magnification() as f32;
                let mesh = waveform_mesh(
                    rect.shrink2(vec2(0.0, 3.0)),
                    &picture.overview,
                    &picture.samples,
                    view,
                    magnified,
                    palette.difference.gamma_multiply(0.8),
                );
                painter.add(Shape::mesh(mesh));
            }
            if difference_shown {
                let words = format!("difference × {}", self.magnification());
                let font = FontId::proportional(11.0);
                let galley = ui.painter().layout_no_wrap(words, font, palette.difference);
                let plate = Rect::from_min_size(
                    pos2(
                        rect.right() - galley.size().x - 10.0,
                        rect.bottom() - galley.size().y - 3.0,
                    ),
                    galley.size() + vec2(6.0, 1.0),
                );
                painter.rect_filled(plate, 3.0, palette.card.gamma_multiply(0.8));
                painter.galley(plate.min + vec2(3.0, 0.0), galley, palette.difference);
            }
            self.lane_marks(ui, rect, clip.seconds());
            let edge = Stroke::new(1.0, palette.edge);
            ui.painter().rect_stroke(rect, radius, edge, StrokeKind::Inside);
        });
    }

    /// By how much the perturbation is magnified: as chosen, or the most that fits the lane.
    fn magnification(&self) -> u32 {
        if self.settings.magnification > 0 {
            return self.settings.magnification;
        }
        let peak = |side| {
            let clip = self.lab.clip.as_ref()?;
            let picture = self.lab.pictures.get(side, &clip.samples)?;
            Some(picture.overview.peak())
        };
        match (peak(Side::Original), peak(Side::Difference)) {
            (Some(original), Some(difference)) if self.lab.adversarial().is_some() => {
                let fits = |factor: &u32| *factor as f32 * difference <= 0.75 * original;
                MAGNIFICATIONS.into_iter().rev().find(fits).unwrap_or(1)
            }
            _ => 1,
        }
    }

    /// Playhead and loop; on a light lane the marks are dark.
    fn lane_marks(&self, ui: &Ui, rect: Rect, seconds: f64) {
        let palette = theme::palette(ui);
        let painter = ui.painter_at(rect);
        let x_of = |moment: f64| {
            let across = self.lab.view.across(moment / seconds.max(1e-9));
            rect.left() + across as f32 * rect.width()
        };
        if let Some((from, to)) = self.lab.loop_region {
            let band = Rect::from_x_y_ranges(x_of(from)..=x_of(to), rect.y_range());
            painter.rect_filled(band, 0.0, palette.text.gamma_multiply(0.10));
            for x in [band.left(), band.right()] {
                painter.vline(x, rect.y_range(), Stroke::new(1.0, palette.quiet));
            }
            let words = format!("loop {from:.2}–{to:.2} s");
            let at = pos2(band.left().max(rect.left()) + 5.0, rect.top() + 2.0);
            let font = FontId::proportional(11.0);
            painter.text(at, Align2::LEFT_TOP, words, font, palette.text);
        }
        if let Some(cursor) = self.lab.cursor {
            let line = Stroke::new(1.0, palette.quiet.gamma_multiply(0.7));
            painter.vline(x_of(cursor.seconds), rect.y_range(), line);
        }
        let head = x_of(self.player.position_seconds);
        painter.vline(head, rect.y_range(), Stroke::new(1.5, palette.text));
    }

    fn lane_header(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        ui.allocate_ui_with_layout(
            vec2(ui.available_width(), 20.0),
            Layout::right_to_left(Align::Center),
            |ui| {
                ui.set_min_height(20.0);
                ui.spacing_mut().interact_size.y = 20.0;
                ui.spacing_mut().button_padding = vec2(6.0, 1.0);
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.style_mut()
                    .text_styles
                    .insert(eframe::egui::TextStyle::Button, FontId::proportional(SMALL));
                let has = self.lab.adversarial().is_some();
                ui.add_enabled_ui(has, |ui| {
                    let mut gain = self.settings.difference_gain_db;
                    let value = DragValue::new(&mut gain)
                        .range(0.0..=60.0)
                        .speed(0.25)
                        .prefix("+")
                        .suffix(" dB")
                        .fixed_decimals(0);
                    let response =
                        ui.add(value).accessible_name("Difference played louder by").on_hover_text(
                            "How much louder the difference is played (side D); a limiter keeps \
                             it from hurting",
                        );
                    if response.changed() {
                        self.asked.push(UiCommand::SetDifferenceGain(gain));
                    }
                    ui.label(RichText::new("played").size(SMALL).color(palette.quiet));
                    ComboBox::from_id_salt("magnification")
                        .icon(down_mark)
                        .selected_text(format!("× {}", self.magnification()))
                        .width(68.0)
                        .show_ui(ui, |ui| {
                            let chosen = &mut self.settings.magnification;
                            ui.selectable_value(chosen, 0, "as it fits");
                            for factor in MAGNIFICATIONS {
                                ui.selectable_value(chosen, factor, format!("× {factor}"));
                            }
                        })
                        .response
                        .accessible_name("Difference drawn larger by")
                        .on_hover_text("By how much the difference is magnified in the drawing");
                    ui.label(RichText::new("drawn").size(SMALL).color(palette.quiet));
                    let words = theme::strong("Difference", SMALL).color(palette.difference);
                    ui.label(words);
                });
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    caption(ui, "Waveform");
                });
            },
        );
    }
}

/// A waveform as a mesh with a column a point, so that it costs the same at any length.
///
/// `view` is the part of the samples that is shown, both ends in \[0, 1\]; `scale` brings the
/// largest sample to the edge.
pub(super) fn waveform_mesh(
    rect: Rect,
    overview: &Overview,
    samples: &[f32],
    view: [f64; 2],
    scale: f32,
    colour: Color32,
) -> Mesh {
    let columns = rect.width().floor().max(1.0) as usize;
    let middle = rect.center().y;
    let half = rect.height() / 2.0;
    let sample_at = |column: usize| {
        let across = column as f64 / columns as f64;
        ((view[0] + across * (view[1] - view[0])) * samples.len() as f64) as usize
    };
    let mut mesh = Mesh::default();
    for column in 0..columns {
        let start = sample_at(column);
        let end = sample_at(column + 1).max(start + 1);
        // One sample more, so that neighbouring columns touch.
        let [low, high] = overview.extremes(samples, start..end + 1);
        let top = middle - (high * scale).clamp(-1.0, 1.0) * half - 0.5;
        let bottom = middle - (low * scale).clamp(-1.0, 1.0) * half + 0.5;
        let left = rect.left() + column as f32;
        mesh.add_colored_rect(
            Rect::from_min_max(pos2(left, top), pos2(left + 1.0, bottom)),
            colour,
        );
    }
    mesh
}
