//! Play, switch sides, loop, volume.

use eframe::egui::{Align, Label, Layout, RichText, Slider, Ui};

use super::LabUi;
use crate::audio::player::Side;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme;
use crate::ui::widgets::{Icon, Segment, icon_button, segmented, strip};

/// Softer than this is silence, in dB.
const SOFTEST: f32 = -40.0;
/// Louder than this is not offered: it protects ears.
const LOUDEST: f32 = 12.0;

impl LabUi<'_> {
    pub(super) fn transport(&mut self, ui: &mut Ui) {
        strip(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let narrow = ui.available_width() < 640.0;
            ui.spacing_mut().item_spacing.x = if narrow { 6.0 } else { 10.0 };
            let (icon, name) =
                if self.player.playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
            let play = icon_button(ui, icon, name, false).on_hover_text("Play or pause (Space)");
            if play.clicked() {
                self.asked.push(UiCommand::PlayOrPause);
            }
            self.position(ui, narrow);
            self.sides(ui, if narrow { 252.0 } else { 354.0 }, narrow);
            let looping = self.player.looping;
            let tooltip = match self.lab.loop_region {
                Some((from, to)) => {
                    format!("Loop {from:.2}–{to:.2} s (L). Double click a picture to loop it all.")
                }
                None => "Loop (L). Drag over a picture to loop a part.".to_owned(),
            };
            if icon_button(ui, Icon::Loop, "Loop", looping).on_hover_text(tooltip).clicked() {
                self.asked.push(UiCommand::SetLooping(!looping));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.volume(ui, narrow);
                self.dropouts(ui);
            });
        });
    }

    fn position(&self, ui: &mut Ui, narrow: bool) {
        let palette = theme::palette(ui);
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label(RichText::new(text::clock(self.player.position_seconds)).color(palette.text));
        if !narrow {
            let whole = format!("/ {}", text::clock(self.player.duration_seconds));
            ui.label(RichText::new(whole).color(palette.quiet));
        }
        ui.spacing_mut().item_spacing.x = if narrow { 6.0 } else { 10.0 };
        ui.add_space(ui.spacing().item_spacing.x - 4.0);
    }

    fn sides(&mut self, ui: &mut Ui, width: f32, narrow: bool) {
        let palette = theme::palette(ui);
        let has = self.lab.adversarial().is_some();
        let mut side = self.player.side;
        let label = |long: &'static str, short: &'static str| if narrow { short } else { long };
        let (difference, louder) = self.difference_label(narrow);
        let segments = [
            Segment {
                name: "Listen to the original",
                colour: Some(palette.original),
                ..Segment::new(
                    Side::Original,
                    label("A  Original", "Original"),
                    "Listen to the original (A)",
                )
            },
            Segment {
                name: "Listen to the adversarial clip",
                colour: Some(palette.adversarial),
                enabled: has,
                ..Segment::new(
                    Side::Adversarial,
                    label("B  Adversarial", "Adversarial"),
                    if has {
                        "Listen to the adversarial clip (B)"
                    } else {
                        "Attack the clip first"
                    },
                )
            },
            Segment {
                name: "Listen to the difference",
                colour: Some(palette.difference),
                enabled: has,
                ..Segment::new(
                    Side::Difference,
                    &difference,
                    if has { &louder } else { "Attack the clip first" },
                )
            },
        ];
        if segmented(ui, width, &segments, &mut side) {
            self.asked.push(UiCommand::Listen(side));
        }
    }

    /// What the difference's choice says, and its tooltip. What is heard of it is mostly
    /// magnification: how much is always told, and where the limiter leaves less, how much is left.
    fn difference_label(&self, narrow: bool) -> (String, String) {
        let wished = text::signed(self.settings.difference_gain_db.into(), 0);
        let mut tooltip = format!(
            "Listen to the difference alone, {wished} dB louder (D). The loudspeaker at the right \
             changes by how much."
        );
        let heard = self.player.playing && self.player.side == Side::Difference;
        let left = self.held_back().filter(|_| heard);
        if left.is_some() {
            tooltip += "\nThis part would be too loud for ears if it were magnified so much: it is \
                        turned down smoothly, not clipped.";
        }
        let label = match (left, narrow) {
            (None, true) => format!("Diff. {wished}"),
            (None, false) => format!("D  Diff. {wished} dB"),
            (Some(left), true) => format!("limited {left}"),
            (Some(left), false) => format!("D  limited {left} dB"),
        };
        (label, tooltip)
    }

    /// Told only where it happened.
    fn dropouts(&self, ui: &mut Ui) {
        let count = self.player.dropouts;
        if count == 0 {
            return;
        }
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let what = format!("audio dropped out {times}");
        let words = RichText::new(&what);
        let label = Label::new(words.size(12.0).color(theme::palette(ui).warning)).truncate();
        ui.add(label).on_hover_text(format!(
            "Since the program started, {what}: the computer was too busy to deliver the sound in \
             time. Fewer computing threads leave it more room."
        ));
    }

    fn volume(&mut self, ui: &mut Ui, narrow: bool) {
        let palette = theme::palette(ui);
        let mut gain = self.settings.gain_db;
        ui.label(RichText::new(text::decibels(gain.into(), 0)).size(12.0).color(palette.quiet));
        ui.spacing_mut().slider_width =
            (ui.available_width() - 42.0).clamp(30.0, if narrow { 60.0 } else { 110.0 });
        let slider = Slider::new(&mut gain, SOFTEST..=LOUDEST).show_value(false).step_by(1.0);
        let response = ui
            .add(slider)
            .accessible_name("Volume")
            .on_hover_text("Volume; all sides go through the same gain");
        if response.changed() {
            self.asked.push(UiCommand::SetGain(gain));
        }
        let settings = icon_button(ui, Icon::Speaker, "Sound settings", false).on_hover_text(
            "How much louder the difference is played, and to which device the sound goes",
        );
        self.sound_settings(&settings);
    }
}
