//! The clip: what it is called, how long it is, what it looks like, and where others are.

use eframe::egui::{
    Align, Button, CornerRadius, Label, Layout, Mesh, RichText, Sense, Shape, Ui, vec2,
};

use super::LabUi;
use super::waveform::waveform_mesh;
use crate::assets::BUNDLED;
use crate::audio::player::Side;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme::{self, CONTROL_HEIGHT};
use crate::ui::widgets::card;

impl LabUi<'_> {
    pub(super) fn clip_card(&mut self, ui: &mut Ui) {
        card(ui, "Clip", |ui| {
            self.clip_name(ui);
            if !theme::is_low(ui) {
                self.small_waveform(ui);
            }
            self.clip_buttons(ui);
        });
    }

    /// Where clips come from, two by two.
    fn clip_buttons(&mut self, ui: &mut Ui) {
        let gap = 6.0;
        ui.spacing_mut().item_spacing = vec2(gap, gap);
        let half = (ui.available_width() - gap) / 2.0;
        let size = vec2(half, CONTROL_HEIGHT);
        ui.horizontal(|ui| {
            let open = ui.add(Button::new("Open…").min_size(size)).on_hover_text(
                "Open a recording of any kind, up to a minute long (Ctrl O). Or drop one anywhere \
                 onto the window.",
            );
            if open.clicked() {
                self.asked.push(UiCommand::ChooseClip);
            }
            let record = ui.add(Button::new("Record…").min_size(size)).on_hover_text(
                "Record up to 10 s from a microphone (Ctrl R): clap, knock, jangle your keys",
            );
            if record.clicked() {
                self.asked.push(UiCommand::OpenRecorder);
            }
        });
        ui.horizontal(|ui| {
            self.bundled_button(ui, half);
            self.recent_button(ui, half);
        });
    }

    fn clip_name(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        ui.horizontal(|ui| {
            let opening = self.lab.opening.as_ref().map(|opening| opening.name.as_str());
            let seconds = self.lab.clip.as_ref().map(crate::audio::Clip::seconds);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let (Some(seconds), None) = (seconds, opening) {
                    let duration = text::duration(seconds);
                    ui.label(RichText::new(duration).color(palette.quiet));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let (name, colour) = match (opening, &self.lab.clip) {
                        (Some(name), _) => (format!("Opening {name}…"), palette.quiet),
                        (None, Some(clip)) => (clip.name.to_string(), palette.text),
                        (None, None) => ("No clip yet".to_owned(), palette.quiet),
                    };
                    let label = ui.add(
                        Label::new(theme::strong(name, theme::TITLE).color(colour)).truncate(),
                    );
                    if let Some(clip) = &self.lab.clip {
                        let mono =
                            if clip.source_channels > 1 { ", mixed down to mono" } else { "" };
                        label.on_hover_text(format!(
                            "{}\nrecorded at {} with {} channel{}{mono}{}",
                            clip.source().display(),
                            text::hertz(f64::from(clip.source_rate)),
                            clip.source_channels,
                            if clip.source_channels == 1 { "" } else { "s" },
                            if clip.clipped {
                                "; peaks beyond full scale were clipped"
                            } else {
                                ""
                            },
                        ));
                    }
                });
            });
        });
    }

    fn small_waveform(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
        let picture = self
            .lab
            .clip
            .as_ref()
            .and_then(|clip| self.lab.pictures.get(Side::Original, &clip.samples));
        match picture {
            Some(picture) => {
                let scale = 1.0 / picture.overview.peak().max(1e-6);
                let mesh = waveform_mesh(
                    rect,
                    &picture.overview,
                    &picture.samples,
                    [0.0, 1.0],
                    scale,
                    palette.original,
                );
                ui.painter().add(Shape::mesh(mesh));
            }
            None => {
                let line =
                    eframe::egui::Rect::from_center_size(rect.center(), vec2(rect.width(), 1.0));
                ui.painter().rect_filled(line, CornerRadius::ZERO, palette.edge);
                ui.painter().add(Shape::mesh(Mesh::default()));
            }
        }
    }

    fn bundled_button(&mut self, ui: &mut Ui, width: f32) {
        let response =
            crate::ui::widgets::popup_button(ui, "Bundled clips", "Bundled", width, |ui| {
                ui.set_width(360.0);
                ui.label(theme::small(ui, "Clips that come with the program"));
                bundled_grid(ui, 2, self.asked);
            });
        response.on_hover_text("Clips that come with the program, one click away");
    }
}

/// Buttons for all bundled clips in equally wide columns.
pub(super) fn bundled_grid(ui: &mut Ui, columns: usize, asked: &mut Vec<UiCommand>) {
    let gap = 6.0;
    let width = (ui.available_width() - gap * (columns as f32 - 1.0)) / columns as f32;
    let rows = BUNDLED.len().div_ceil(columns);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing = vec2(gap, gap);
        for row in 0..rows {
            ui.horizontal(|ui| {
                for (index, clip) in BUNDLED.iter().enumerate().skip(row * columns).take(columns) {
                    let button = Button::new(clip.name).truncate();
                    if ui.add_sized([width, CONTROL_HEIGHT], button).clicked() {
                        asked.push(UiCommand::OpenBundled(index));
                        ui.close();
                    }
                }
            });
        }
    });
}
