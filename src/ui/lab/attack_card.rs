//! The attack: which one, where to, and its few options.

use eframe::egui::{Align, ComboBox, DragValue, Label, Layout, Link, RichText, Slider, Ui, vec2};

use super::LabUi;
use super::lessons::lesson;
use crate::attacks::{AttackId, AttackOption, Preset};
use crate::ui::settings::AttackForm;
use crate::ui::theme::{self, SMALL};
use crate::ui::widgets::{Segment, caption, card, down_mark, row, row_check, segmented};

impl LabUi<'_> {
    pub(super) fn attack_card(&mut self, ui: &mut Ui) {
        card(ui, "", |ui| {
            self.attack_caption(ui);
            ui.add_enabled_ui(self.lab.running.is_none(), |ui| {
                self.which_attack(ui);
                self.goal(ui);
                self.options(ui);
            });
        });
    }

    fn attack_caption(&mut self, ui: &mut Ui) {
        ui.scope(|ui| {
            ui.spacing_mut().interact_size = vec2(0.0, 0.0);
            let more = if self.lab.more_options { "less" } else { "more…" };
            let size = vec2(ui.available_width(), 15.0);
            ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
                let link = ui.add(Link::new(RichText::new(more).size(SMALL)));
                let tooltip = "Seed and other options that are rarely needed";
                if link.accessible_name("More options").on_hover_text(tooltip).clicked() {
                    self.lab.more_options = !self.lab.more_options;
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| caption(ui, "Attack"));
            });
        });
    }

    fn which_attack(&mut self, ui: &mut Ui) {
        let mut chosen = self.settings.attack.id();
        ComboBox::from_id_salt("attack")
            .icon(down_mark)
            .selected_text(chosen.title())
            .width(ui.available_width())
            .show_ui(ui, |ui| {
                for id in AttackId::ALL {
                    ui.selectable_value(&mut chosen, id, id.title()).on_hover_text(taught(id));
                }
            })
            .response
            .accessible_name("Attack method")
            .on_hover_text(taught(chosen));
        self.settings.attack.set_id(chosen);
        if theme::is_low(ui) {
            return;
        }
        let words = RichText::new(chosen.explanation()).size(SMALL).color(theme::palette(ui).quiet);
        ui.add(Label::new(words).wrap()).on_hover_text(taught(chosen));
    }

    fn goal(&mut self, ui: &mut Ui) {
        let form = &mut self.settings.attack;
        let can_aim = form.id().takes_target();
        let mut targeted = form.aims();
        let width = ui.available_width();
        let aim = match form.id() {
            AttackId::WhiteNoise => "Random noise cannot aim",
            AttackId::Deepfool => "DeepFool goes to the nearest boundary, whatever lies behind it",
            _ => "Make the model hear one label of your choice",
        };
        let segments = [
            Segment::new(
                false,
                "Untargeted",
                "Make the model hear anything but the original label",
            ),
            Segment { enabled: can_aim, ..Segment::new(true, "Targeted", aim) },
        ];
        if segmented(ui, width, &segments, &mut targeted) {
            form.targeted = targeted;
        }
        if targeted {
            self.target_picker(ui);
        }
    }

    fn options(&mut self, ui: &mut Ui) {
        let form = &mut self.settings.attack;
        let id = form.id();
        if id.takes(AttackOption::Snr) {
            snr(ui, form);
        }
        if id.takes(AttackOption::Preset) {
            preset(ui, form);
        }
        if self.lab.more_options {
            rare_options(ui, form);
        }
    }
}

/// What an attack does, and what to look and listen for.
fn taught(attack: AttackId) -> String {
    format!("{}\n\n{}", attack.explanation(), lesson(attack))
}

fn snr(ui: &mut Ui, form: &mut AttackForm) {
    let tooltip = "Signal-to-noise ratio: how far the change lies below the clip. 0 dB is \
                   as loud as the clip, 20 dB a tenth of its amplitude, 60 dB a thousandth.";
    row(ui, "SNR", |ui| {
        ui.spacing_mut().slider_width = ui.available_width() - 108.0;
        let response = ui.name_inputs("SNR in dB", |ui| {
            let slider = Slider::new(&mut form.snr_db, 0.0..=80.0)
                .suffix(" dB")
                .fixed_decimals(0)
                .step_by(1.0);
            ui.add(slider)
        });
        response.on_hover_text(tooltip);
    });
}

fn preset(ui: &mut Ui, form: &mut AttackForm) {
    let mut preset = form.preset();
    row(ui, "Search", |ui| {
        let segments = [
            Segment::new(Preset::Quick, "quick", "A good answer soon"),
            Segment::new(
                Preset::Paper,
                "paper",
                "As published, or as the paper's libraries do it: for Carlini & Wagner up to \
                 5 × 1000 steps, far slower",
            ),
            Segment::new(Preset::Best, "best", "Spares no time: minutes, for the smallest change"),
        ];
        // Room for the row's name in the narrow column of small windows, too.
        let width = (ui.available_width() - 52.0).min(162.0);
        if segmented(ui, width, &segments, &mut preset) {
            form.set_preset(preset);
        }
    });
}

fn rare_options(ui: &mut Ui, form: &mut AttackForm) {
    let id = form.id();
    if id.takes(AttackOption::Confidence) {
        row(ui, "Confidence", |ui| {
            let value =
                DragValue::new(&mut form.confidence).range(0.0..=40.0).speed(0.1).fixed_decimals(1);
            ui.add(value).accessible_name("Confidence margin").on_hover_text(
                "By how much the wrong label must lead: in logits, or of dense models in \
                 probability (less than 1). More is surer, and a larger change.",
            );
        });
    }
    if id.takes(AttackOption::Momentum) {
        row(ui, "Momentum", |ui| {
            let value =
                DragValue::new(&mut form.momentum).range(0.0..=1.0).speed(0.01).fixed_decimals(2);
            ui.add(value).accessible_name("Momentum").on_hover_text(
                "How much of the steps before each step keeps: 0 for none. Results with much of \
                 it fool other models more often.",
            );
        });
    }
    if id.takes(AttackOption::RandomStart) {
        let tooltip =
            "Start from a random change, which the seed chooses, rather than from the clip";
        row_check(ui, "Random start", "Random start", &mut form.random_start, tooltip);
    }
    if id.takes(AttackOption::LogScores) {
        let tooltip = "Attack the logarithms of the probabilities, where a model gives \
                       probabilities (dense-mel, dense-wav). Nothing changes for the others.";
        row_check(ui, "Log scores", "Log scores", &mut form.log_scores, tooltip);
    }
    let tooltip = "Find a result that 16-bit files hold exactly. Most of those that were searched \
                   without regard to it are so small that rounding to 16 bits undoes them.";
    row_check(ui, "16 bits", "For 16-bit files", &mut form.sixteen_bit, tooltip);
    row(ui, "Seed", |ui| {
        ui.add(DragValue::new(&mut form.seed).range(0..=u32::MAX as u64).speed(0.1))
            .accessible_name("Seed")
            .on_hover_text("The same seed gives the same result on the same machine");
    });
}
