//! What stands in a pane that has no picture yet.

use eframe::egui::{Align2, CornerRadius, FontId, Ui, vec2};

use super::LabUi;
use super::insights::Progress;
use super::pane::PaneArea;
use super::state::Shown;
use crate::attacks::Status;
use crate::audio::player::Side;
use crate::ui::theme::{self, BODY};

impl LabUi<'_> {
    /// Why what a model is fed, or where it listens, is not there yet.
    pub(super) fn excuse(&self, ui: &Ui, pane: &PaneArea) {
        let (headline, words) = match self.lab.insight_progress(pane.side) {
            Progress::Ready => return,
            Progress::Waiting(words) => ("One moment…", words.to_owned()),
            Progress::Failed(reason) => ("It can't be shown", reason),
        };
        message(ui, pane, headline, words);
    }

    /// What stands where there is nothing adversarial yet.
    pub(super) fn invitation(&self, ui: &Ui, pane: &PaneArea) {
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
                let form = &self.settings.attack;
                let labels = self.lab.labels();
                let target = form.target_rule.is_none().then(|| labels.find(&form.target).ok());
                let what = match target.flatten().filter(|_| form.aims()) {
                    Some(target) => labels.title(target),
                    None if form.aims() => "a label of your choice".to_owned(),
                    None => "something else".to_owned(),
                };
                let words = format!(
                    "Press Attack. A small change of the clip is searched that makes {title} hear \
                     {what}."
                );
                ("Nothing adversarial yet", words)
            }
        };
        message(ui, pane, headline, words);
    }
}

/// Words in the place of a picture.
fn message(ui: &Ui, pane: &PaneArea, headline: &str, words: String) {
    let palette = theme::palette(ui);
    let painter = ui.painter_at(pane.rect);
    painter.rect_filled(pane.rect, CornerRadius::ZERO, palette.card);
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
