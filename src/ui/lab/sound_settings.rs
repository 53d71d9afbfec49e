//! What is behind the loudspeaker: how loud the difference is, and where the sound goes.

use eframe::egui::{Label, Response, RichText, Slider, Ui};

use super::LabUi;
use crate::audio::player::DIFFERENCE_CEILING;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme;
use crate::ui::widgets::{caption, device_picker, row, sheet};

/// Less than this is not worth telling, in dB.
const HARDLY: f32 = 0.5;

impl LabUi<'_> {
    /// The sheet that `button` opens.
    pub(super) fn sound_settings(&mut self, button: &Response) {
        let mut open = false;
        sheet(button, "Sound settings", |ui| {
            open = true;
            ui.set_width(330.0);
            self.difference_gain(ui);
            ui.separator();
            self.output(ui);
        });
        if open && !self.lab.sound_is_open {
            self.asked.push(UiCommand::LookForOutputs);
        }
        self.lab.sound_is_open = open;
    }

    fn difference_gain(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        caption(ui, "Difference");
        let mut gain = self.settings.difference_gain_db;
        row(ui, "louder by", |ui| {
            ui.spacing_mut().slider_width = ui.available_width() - 150.0;
            // Named first: a nameless control would take the tooltip as its name.
            let response = ui.name_inputs("Difference louder by, in dB", |ui| {
                let slider = Slider::new(&mut gain, 0.0..=60.0)
                    .step_by(1.0)
                    .prefix("+")
                    .suffix(" dB")
                    .fixed_decimals(0);
                ui.add(slider)
            });
            let response = response.on_hover_text(
                "A perturbation is mostly too soft to be heard by itself: +40 dB makes its \
                 amplitude a hundred times larger, +60 dB a thousand times. Only side D is made \
                 louder.",
            );
            if response.changed() {
                self.asked.push(UiCommand::SetDifferenceGain(gain));
            }
        });
        let ceiling = 20.0 * f64::from(DIFFERENCE_CEILING).log10();
        let words = format!(
            "A limiter protects your ears: the magnified difference stays below {} of full scale, \
             without being clipped.",
            text::decibels(ceiling, 0)
        );
        ui.add(Label::new(theme::small(ui, words)).wrap());
        if let Some(held) = self.held_back() {
            let words = format!("Just now it is limited to {held} dB.");
            ui.label(RichText::new(words).size(theme::SMALL).color(palette.warning));
        }
    }

    fn output(&mut self, ui: &mut Ui) {
        caption(ui, "Where the sound goes");
        let listed = self.lab.outputs.get();
        let chosen = self.settings.output.as_ref();
        if let Some(device) = device_picker(ui, "Output device", chosen, listed.as_ref(), 320.0) {
            self.asked.push(UiCommand::ChooseOutput(device));
        }
        let words = match &self.player.device {
            Some(device) => format!("Open now: {device}."),
            None => "It is opened when you press Play.".to_owned(),
        };
        ui.add(Label::new(theme::small(ui, words)).wrap());
    }

    /// How much louder the difference is at present, in dB with its sign, where the limiter holds it
    /// back.
    pub(super) fn held_back(&self) -> Option<String> {
        let held = self.player.held_back_db;
        let now = f64::from(self.settings.difference_gain_db - held);
        (held >= HARDLY).then(|| text::signed(now, 0))
    }
}
