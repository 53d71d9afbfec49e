//! How the attack ended, in words and numbers.

use eframe::egui::{Label, RichText, Ui};

use super::LabUi;
use super::measures::measures;
use crate::attacks::Status;
use crate::ui::text;
use crate::ui::theme::{self, SMALL};
use crate::ui::widgets::{card, row_text};

const STEPS: &str =
    "How many steps the search took; the bottom bar also tells its gradients and time.";

impl LabUi<'_> {
    pub(super) fn outcome_card(&mut self, ui: &mut Ui) {
        card(ui, "Outcome", |ui| {
            let Some(result) = self.lab.shown_result() else {
                let words = if self.lab.running.is_some() {
                    "The numbers come when the attack ends. Stop keeps the best so far."
                } else {
                    "How small the change is, and what it took to find it."
                };
                ui.add(Label::new(theme::small(ui, words)).wrap());
                return;
            };
            ui.spacing_mut().item_spacing.y = 3.0;
            let palette = theme::palette(ui);
            let outcome = &result.outcome;
            let colour = match &outcome.status {
                Status::Fooled => palette.adversarial,
                Status::Failed(_) => palette.error,
                Status::Cancelled if outcome.is_adversarial() => palette.adversarial,
                _ => palette.quiet,
            };
            let (job, labels) = (&result.job, &outcome.original.labels);
            let model = self.lab.models.title(&job.model);
            let weights = match &result.card {
                Some(card) => format!("{}, weights {}", card.id.title(), card.weights_sha256),
                None => String::new(),
            };
            row_text(ui, "model", model, None, &weights);
            row_text(ui, "attack", job.spec.id.title(), None, job.spec.id.explanation());
            if let Some(target) = job.goal.target() {
                let tooltip = "The label that the attack aimed at.";
                row_text(ui, "target", labels.title(target), None, tooltip);
            }
            let what = match &outcome.status {
                Status::Cancelled if outcome.is_adversarial() => {
                    "The best found before the stop; it does fool the model."
                }
                Status::Fooled => "The final samples were named afresh.",
                _ => "",
            };
            row_text(ui, "status", outcome.ended(), Some(colour), what);
            if let Some(remark) = outcome.remark() {
                let words = RichText::new(remark).size(SMALL).color(palette.quiet);
                ui.add(Label::new(words).wrap());
            }
            if result.was_changed() {
                measures(ui, &outcome.metrics);
            }
            row_text(ui, "steps", text::thousands(outcome.iterations), None, STEPS);
            let original = outcome.adversarial.probability(outcome.original_label);
            let name = format!("{} now", outcome.original.labels.title(outcome.original_label));
            let tooltip = "What is left of the confidence in the original label.";
            row_text(ui, &name, format!("{original:.2}"), Some(palette.original), tooltip);
        });
    }
}
