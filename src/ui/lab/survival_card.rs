//! What survives: whether the model still falls for the result after what happens to recordings.

use eframe::egui::{
    Align2, CornerRadius, FontId, Label, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use super::{LabResult, LabUi};
use crate::engine::CommandId;
use crate::survival::{self, Fate, Survived, Transform};
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme::{self, BODY, CONTROL_RADIUS, SMALL};
use crate::ui::widgets::{Icon, card, progress_bar, quiet_button, row_text};

/// What is known of a result's survival.
#[derive(Default)]
pub struct Survival {
    /// The command that finds it out, while it does.
    pub command: Option<CommandId>,
    /// Whether people have stopped it.
    pub stopping: bool,
    /// What was found so far, in the order of [`Transform::ALL`].
    pub found: Vec<Survived>,
}

impl Survival {
    /// How many transforms the result survives, and of how many that can be said.
    pub fn count(&self) -> (usize, usize) {
        survival::count(&self.found)
    }

    /// Whether all was tried.
    pub fn is_complete(&self) -> bool {
        self.found.len() == Transform::ALL.len()
    }
}

const WHAT: &str = "Save the result with 16 bits, as MP3, a little quieter… and ask the model \
                    again: does it still fall for it?";
const CHECK: &str = "Rounds, resamples, compresses, filters and disturbs the adversarial clip, one \
                     by one, and asks the model that was attacked each time. Takes some seconds.";

impl LabUi<'_> {
    pub(super) fn survival_card(&mut self, ui: &mut Ui) {
        let result = self.lab.shown_result().filter(|result| result.fools());
        let title = match result.map(|result| result.survival.count()) {
            Some((fooled, known @ 1..)) => format!("Survives · {fooled} of {known}"),
            _ => "What survives".to_owned(),
        };
        let mut wish = None;
        card(ui, &title, |ui| match result {
            Some(result) => wish = contents(ui, result, self.lab.running.is_some()),
            None => {
                ui.add(Label::new(theme::small(ui, WHAT)).wrap());
            }
        });
        self.asked.extend(wish);
    }
}

fn contents(ui: &mut Ui, result: &LabResult, attacking: bool) -> Option<UiCommand> {
    let survival = &result.survival;
    ui.spacing_mut().item_spacing.y = 2.0;
    if !survival.found.is_empty() {
        row_text(ui, "after", "still fooled?", Some(theme::palette(ui).quiet), "");
        for survived in &survival.found {
            line(ui, survived);
        }
    }
    if survival.command.is_some() {
        ui.add_space(3.0);
        let (done, all) = (survival.found.len(), Transform::ALL.len());
        let colour = theme::palette(ui).adversarial;
        progress_bar(ui, "Survival progress", done as f32 / all as f32, colour);
        ui.add_space(3.0);
        let name = if survival.stopping { "Stopping…" } else { "Stop checking" };
        let button = ui.add_enabled_ui(!survival.stopping, |ui| quiet_button(ui, name)).inner;
        let button = button.on_hover_text(format!("{done} of {all} are done; they are kept."));
        return button.clicked().then_some(UiCommand::CheckSurvivalOrStop);
    }
    if survival.is_complete() {
        return None;
    }
    if survival.found.is_empty() {
        ui.add(Label::new(theme::small(ui, WHAT)).wrap());
    }
    ui.add_space(4.0);
    let button = ui
        .add_enabled_ui(!attacking, |ui| quiet_button(ui, "Check what survives"))
        .inner
        .on_hover_text(CHECK)
        .on_disabled_hover_text("When the attack under way has ended");
    button.clicked().then_some(UiCommand::CheckSurvivalOrStop)
}

/// One transform: sign and word say whether the model is still fooled.
fn line(ui: &mut Ui, survived: &Survived) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let title = survived.transform.title();
    let (icon, word, colour) = match survived.fate() {
        Some(Fate::Fooled) => (Some(Icon::Check), "yes", palette.adversarial),
        Some(Fate::NotFooled) => (Some(Icon::Close), "no", palette.original),
        Some(Fate::MisheardAnyway) => (None, "anyway", palette.quiet),
        None => (None, "failed", palette.error),
    };
    let (number, heard) = match &survived.result {
        Ok(heard) => {
            let (title, confidence) = (heard.verdict.title(), heard.verdict.top().1);
            let (clean, clean_confidence) = (heard.clean.title(), heard.clean.top().1);
            let snr = text::decibels(heard.snr_db, 1);
            (
                format!(" {confidence:.2}"),
                format!(
                    "{title} {confidence:.2}, in the clean clip after the same {clean} \
                     {clean_confidence:.2}. SNR of what this alone changes: {snr}."
                ),
            )
        }
        Err(reason) => (String::new(), reason.clone()),
    };
    let words = format!("{title}: {}, {heard}", survived.status());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    if response.hovered() {
        let back = rect.expand2(vec2(5.0, 0.0));
        ui.painter().rect_filled(back, CornerRadius::same(CONTROL_RADIUS), palette.field);
    }
    let middle = rect.left_center();
    if let Some(icon) = icon {
        let square = Rect::from_center_size(middle + vec2(5.0, 0.0), vec2(10.0, 10.0));
        icon.paint(ui.painter(), square, 8.0, colour);
    }
    let font = FontId::proportional(BODY - 0.5);
    let word = format!("{word}{number}");
    let painter = ui.painter();
    let word = painter.text(rect.right_center(), Align2::RIGHT_CENTER, word, font.clone(), colour);
    let left = pos2(rect.left() + 16.0, rect.center().y);
    // The column is narrow; the tooltip has it all.
    let short = title.replace(" kbit/s", "").replace(" and back", "");
    painter.with_clip_rect(rect.with_max_x(word.left() - 4.0)).text(
        left,
        Align2::LEFT_CENTER,
        short,
        FontId::proportional(SMALL + 0.5),
        palette.text,
    );
    let explanation = survived.transform.explanation();
    response
        .on_hover_text(format!("{title}: {}\n{explanation}\nHeard: {heard}", survived.status()));
}
