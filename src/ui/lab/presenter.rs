//! The Lab for a class: what was heard before and after in large type, the pictures, the sound.

use eframe::egui::{Align, CentralPanel, Frame, Label, Layout, Margin, RichText, Ui, vec2};

use super::{LabUi, Place};
use crate::attacks::Status;
use crate::models::Verdict;
use crate::ui::text;
use crate::ui::theme::{self, GAP};

/// Size of what is heard.
const LARGE: f32 = 25.0;

/// Size of what explains it.
const MIDDLE: f32 = 16.0;

impl LabUi<'_> {
    pub(super) fn present(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.window).inner_margin(Margin::same(14));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            if self.lab.clip.is_none() {
                self.start(ui);
                return;
            }
            ui.spacing_mut().item_spacing.y = GAP;
            self.at(Place::Confidences, ui, Self::heard);
            // Below the pictures: the transport and the button, each with its gap.
            let rest = 42.0 + 96.0 + 2.0 * GAP;
            let height = (ui.available_height() - rest).max(150.0);
            self.at(Place::Pictures, ui, |lab, ui| lab.panes(ui, height));
            self.at(Place::Transport, ui, Self::transport);
            ui.vertical_centered(|ui| {
                ui.set_max_width(420.0);
                self.at(Place::AttackButton, ui, Self::attack_button);
            });
        });
    }

    /// What the model hears in the clip, and what it hears now.
    fn heard(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let model = self.lab.models.title(self.lab.models.chosen());
        let said = |verdict: &Verdict| {
            let probability = f64::from(verdict.top().1);
            format!("{} {} %", verdict.title(), text::number(100.0 * probability, 0))
        };
        let clean = self.lab.clip.as_ref().and_then(|clip| {
            let verdict = self.lab.verdicts.said(&clip.samples, self.lab.models.chosen());
            verdict.map(said)
        });
        let now = self.lab.adversarial();
        let after = now.as_ref().and_then(|now| now.verdict).map(said);
        let snr = now.as_ref().and_then(|now| now.snr_db);
        let words = match (snr, self.lab.shown_result()) {
            (Some(snr), _) => format!("with a change that is {} dB softer", text::number(snr, 1)),
            (None, Some(result)) => match &result.outcome.status {
                Status::NotFooled(_) => "not fooled".to_owned(),
                status => status.name().to_owned(),
            },
            (None, None) if self.lab.running.is_some() => "searching…".to_owned(),
            (None, None) => "nothing was changed yet".to_owned(),
        };
        let each = (ui.available_width() - GAP) / 2.0;
        ui.horizontal(|ui| {
            let part = |ui: &mut Ui, small: String, large: Option<String>, colour| {
                ui.allocate_ui_with_layout(vec2(each, 56.0), Layout::top_down(Align::Min), |ui| {
                    ui.set_min_width(each);
                    ui.style_mut().wrap_mode = Some(eframe::egui::TextWrapMode::Truncate);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    ui.add(Label::new(RichText::new(small).size(MIDDLE).color(palette.quiet)));
                    let large = large.unwrap_or_else(|| "–".to_owned());
                    ui.add(Label::new(theme::strong(large, LARGE).color(colour)));
                });
            };
            part(ui, format!("{model} hears"), clean, palette.original);
            part(ui, format!("and now, {words}"), after, palette.adversarial);
        });
    }
}
