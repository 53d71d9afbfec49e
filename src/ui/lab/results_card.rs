//! The results of this clip: each can be brought back.

use eframe::egui::{
    Align2, CornerRadius, FontId, Key, Label, Link, Rect, RichText, Role, Sense, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};

use super::state::{Renaming, Shown};
use super::{LabResult, LabUi};
use crate::ui::UiCommand;
use crate::ui::tab::Tab;
use crate::ui::text;
use crate::ui::theme::{self, BODY, CONTROL_RADIUS};
use crate::ui::widgets::card;

impl LabUi<'_> {
    pub(super) fn results_card(&mut self, ui: &mut Ui) {
        card(ui, "Results of this clip", |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let live = self.lab.is_attacking_this();
            if live {
                let chosen = self.lab.shown == Shown::Live;
                let response =
                    line(ui, chosen, "Attack under way", ["Now", "under way", "", ""], true);
                if response.on_hover_text("Show the attack under way").clicked() {
                    self.asked.push(UiCommand::ShowLive);
                }
            }
            let mut wishes = Vec::new();
            let several = self.lab.results_of_clip().nth(1).is_some();
            let mut renaming = self.lab.renaming.take();
            for (index, result) in self.lab.results_of_clip().rev() {
                let chosen = self.lab.shown == Shown::Result(index);
                let model = self.lab.models.title(&result.job.model);
                if result_line(ui, result, &model, chosen) {
                    wishes.push(UiCommand::ShowResult(index));
                }
                match &mut renaming {
                    Some(Renaming { command, typed }) if *command == result.command => {
                        match name_field(ui, typed, result.title()) {
                            Typed::Goes => {}
                            Typed::GivenUp => renaming = None,
                            Typed::Done => {
                                wishes.push(UiCommand::RenameResult(*command, typed.clone()));
                                renaming = None;
                            }
                        }
                    }
                    _ if chosen => wishes.extend(what_to_do(ui, index, several)),
                    _ => {}
                }
            }
            // A result that is gone is not renamed any more.
            self.lab.renaming = renaming.filter(|renaming| {
                self.lab.results.iter().any(|result| result.command == renaming.command)
            });
            if let Some(what) = self.lab.history.next() {
                let link = small_link(ui, &format!("Undo {what}"));
                if link.on_hover_text("The latest twenty changes can be undone (Ctrl Z)").clicked()
                {
                    wishes.push(UiCommand::Undo);
                }
            }
            self.asked.extend(wishes);
            if !live && self.lab.results_of_clip().next().is_none() {
                let words = "Each attack of this clip is kept here and can be brought back.";
                ui.add(Label::new(theme::small(ui, words)).wrap());
            }
        });
    }
}

fn result_line(ui: &mut Ui, result: &LabResult, model: &str, chosen: bool) -> bool {
    let (spec, outcome) = (&result.job.spec, &result.outcome);
    let fooled = result.fools();
    let (attack, label) = (result.title(), result.headline());
    let snr = if result.was_changed() {
        text::decibels(outcome.metrics.snr_db, 1)
    } else {
        "–".to_owned()
    };
    let name = format!("Result: {attack} {label} {snr}, {model}");
    let response = line(ui, chosen, &name, [attack, &label, &snr, model], fooled);
    let aim = match result.job.goal.target() {
        Some(target) => format!("aimed at {}", outcome.original.labels.title(target)),
        None => "untargeted".to_owned(),
    };
    let tooltip = format!(
        "{} against {}, {aim}, seed {}: {}. Click to bring it back.",
        spec.id.title(),
        model,
        outcome.seed,
        outcome.ended()
    );
    response.on_hover_text(tooltip).clicked()
}

/// What can be done with the result that is shown, of several or alone.
fn what_to_do(ui: &mut Ui, index: usize, several: bool) -> Option<UiCommand> {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        let rename = small_link(ui, "Rename").on_hover_text("Give this result a name (F2)");
        let delete = small_link(ui, "Delete").on_hover_text("Delete this result (Delete)");
        if rename.clicked() {
            return Some(UiCommand::BeginRenaming);
        }
        let tooltip = "All results of this clip in one table, to sort, hear and open (Ctrl 2)";
        if several && small_link(ui, "Compare all").on_hover_text(tooltip).clicked() {
            return Some(UiCommand::ShowTab(Tab::Compare));
        }
        delete.clicked().then_some(UiCommand::DeleteResult(index))
    })
    .inner
}

fn small_link(ui: &mut Ui, words: &str) -> eframe::egui::Response {
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        ui.add(Link::new(RichText::new(words).size(theme::SMALL)))
    })
    .inner
}

/// How far people are with a name.
enum Typed {
    /// They type.
    Goes,
    /// They do not want to.
    GivenUp,
    /// They have typed it.
    Done,
}

fn name_field(ui: &mut Ui, typed: &mut String, hint: &str) -> Typed {
    let field = TextEdit::singleline(typed).desired_width(f32::INFINITY).char_limit(60);
    let field = field.hint_text(hint);
    let field = ui.add(field).accessible_name("Name of the result");
    let (enter, escape) =
        ui.input(|input| (input.key_pressed(Key::Enter), input.key_pressed(Key::Escape)));
    if escape {
        return Typed::GivenUp;
    }
    if enter || field.lost_focus() {
        return Typed::Done;
    }
    if !field.has_focus() {
        field.request_focus();
    }
    Typed::Goes
}

/// A line of three columns, attack, label and SNR, and under it the model if there is one to name.
fn line(
    ui: &mut Ui,
    chosen: bool,
    name: &str,
    [attack, label, snr, model]: [&str; 4],
    fooled: bool,
) -> eframe::egui::Response {
    let palette = theme::palette(ui);
    let below = if model.is_empty() { 0.0 } else { 13.0 };
    let size = vec2(ui.available_width(), 24.0 + below);
    let (whole, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, name));
    let back = Rect::from_min_max(whole.min - vec2(5.0, 0.0), whole.max + vec2(5.0, 0.0));
    let rect = whole.with_max_y(whole.bottom() - below);
    let lit = response.hovered() || response.has_focus();
    if chosen || lit {
        let fill = if chosen { palette.field_active } else { palette.field };
        ui.painter().rect_filled(back, CornerRadius::same(CONTROL_RADIUS), fill);
    }
    let painter = ui.painter();
    let small = FontId::proportional(theme::SMALL);
    let corner = whole.left_bottom() - vec2(0.0, 3.0);
    painter.text(corner, Align2::LEFT_BOTTOM, model, small, palette.quiet);
    let colour = if fooled { palette.adversarial } else { palette.quiet };
    let heavy = FontId::new(BODY, theme::semibold());
    let attack = painter.text(rect.left_center(), Align2::LEFT_CENTER, attack, heavy, colour);
    let plain = FontId::proportional(BODY);
    let snr =
        painter.text(rect.right_center(), Align2::RIGHT_CENTER, snr, plain.clone(), palette.text);
    let left = attack.right() + 7.0;
    let label_area =
        Rect::from_min_max(pos2(left, rect.top()), pos2(snr.left() - 6.0, rect.bottom()));
    let ink = if fooled { palette.text } else { palette.quiet };
    painter.with_clip_rect(label_area).text(
        label_area.left_center(),
        Align2::LEFT_CENTER,
        label,
        plain,
        ink,
    );
    response
}
