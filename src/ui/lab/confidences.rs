//! What the model hears in both sides, the likeliest labels first.

use eframe::egui::{Label, Ui};

use super::LabUi;
use super::lessons::CONFIDENCE;
use super::state::Shown;
use crate::models::Verdict;
use crate::ui::theme;
use crate::ui::widgets::{card, confidence_bar};

impl LabUi<'_> {
    pub(super) fn original_confidences(&mut self, ui: &mut Ui) {
        card(ui, "Original", |ui| match self.lab.verdict() {
            Some(verdict) => bars(ui, verdict, Some(verdict.top().0)),
            None if self.lab.is_naming() => hint(ui, "Listening…"),
            None if self.lab.why_unnamed().is_some() => {
                hint(ui, "The model could not name the clip: see its card.");
            }
            None => hint(ui, "What the model hears in the clip, with its confidence."),
        });
    }

    pub(super) fn adversarial_confidences(&mut self, ui: &mut Ui) {
        card(ui, "Adversarial", |ui| {
            let original = self.lab.verdict().map(|verdict| verdict.top().0);
            if let Some(adversarial) = self.lab.adversarial() {
                match adversarial.verdict {
                    Some(verdict) => bars(ui, verdict, original),
                    None if self.lab.shown == Shown::Live => {
                        hint(ui, "Another model is under attack: this one is asked at the end.");
                    }
                    None => match self.lab.shown_result() {
                        Some(result) => match self.lab.failure(&result.outcome.samples) {
                            Some(reason) => hint(ui, reason),
                            None => hint(ui, "Listening…"),
                        },
                        None => hint(ui, "Listening…"),
                    },
                }
                return;
            }
            let live = self.lab.running.as_ref().and_then(|running| running.snapshot.as_ref());
            match live {
                Some(snapshot) if self.lab.watches_its_model() => {
                    bars(ui, &snapshot.verdict, original);
                }
                _ => hint(ui, "What it hears after an attack."),
            }
        });
    }
}

fn hint(ui: &mut Ui, words: &str) {
    ui.add(Label::new(theme::small(ui, words)).wrap());
}

/// The likeliest labels; the original one in its colour, the others in the adversarial one's.
fn bars(ui: &mut Ui, verdict: &Verdict, original: Option<usize>) {
    ui.spacing_mut().item_spacing.y = 4.0;
    let palette = theme::palette(ui);
    // The column also holds what came of the attack and what all models hear.
    let count = if ui.ctx().content_rect().height() < 900.0 { 3 } else { 5 };
    for (label, probability) in verdict.ranked(count) {
        let colour = if Some(label) == original { palette.original } else { palette.adversarial };
        confidence_bar(ui, &verdict.labels.title(label), probability, colour)
            .on_hover_text(CONFIDENCE);
    }
}
