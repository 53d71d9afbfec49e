//! What all models hear, one a line: who agrees with the chosen one, and who falls for an attack.

use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo,
    pos2,
    text::{LayoutJob, TextFormat, TextWrapping},
    vec2,
};

use super::LabUi;
use super::models::KnownModel;
use super::verdicts::Heard;
use crate::models::Verdict;
use crate::ui::theme::{self, BODY, CONTROL_RADIUS, SMALL};
use crate::ui::widgets::{card, confidence_bar};

/// How many labels a line unfolds to.
const UNFOLDED: usize = 3;
/// Height of what a model hears in one side.
const LINE: f32 = 20.0;

/// How a model's answer stands to the chosen one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agreement {
    /// The same label.
    Same,
    /// Another one.
    Other,
    /// It does not have that label.
    Incomparable,
}

fn agreement(chosen: &Verdict, other: &Verdict) -> Agreement {
    let (label, heard) = (chosen.labels.name(chosen.top().0), other.top().0);
    if other.labels.name(heard) == label {
        return Agreement::Same;
    }
    match other.labels.index_of(label) {
        Some(index) if index == heard => Agreement::Same,
        Some(_) => Agreement::Other,
        None => Agreement::Incomparable,
    }
}

/// Why nothing is heard yet: a word, and what is behind it.
#[derive(Clone, Debug)]
struct Silence {
    word: &'static str,
    reason: Option<String>,
}

impl From<&'static str> for Silence {
    fn from(word: &'static str) -> Self {
        Self { word, reason: None }
    }
}

/// What is told of one model.
struct Line {
    title: String,
    chosen: bool,
    agreement: Option<Agreement>,
    /// What it hears in the clip, or why nothing yet.
    before: Result<Verdict, Silence>,
    /// What it hears in the adversarial clip, or why nothing yet; none without one.
    after: Option<Result<Verdict, Silence>>,
}

impl Line {
    /// Whether the attack makes it hear something else; unknown before it was asked.
    fn fooled(&self) -> Option<bool> {
        match (&self.before, &self.after) {
            (Ok(before), Some(Ok(after))) => Some(before.top().0 != after.top().0),
            _ => None,
        }
    }

    /// The line in words.
    fn words(&self) -> String {
        let said = |heard: &Result<Verdict, Silence>| match heard {
            Ok(verdict) => heading(verdict),
            Err(Silence { word, reason: Some(reason) }) => format!("{word}: {reason}"),
            Err(Silence { word, reason: None }) => (*word).to_owned(),
        };
        let mut words = format!("{}: {}", self.title, said(&self.before));
        words += match self.agreement {
            Some(Agreement::Same) if !self.chosen => ", agrees",
            Some(Agreement::Other) => ", disagrees",
            Some(Agreement::Incomparable) => ", has other labels",
            Some(Agreement::Same) | None => "",
        };
        if let Some(after) = &self.after {
            words += &format!("; adversarial: {}", said(after));
            words += match self.fooled() {
                Some(true) => ", fooled",
                Some(false) => ", not fooled",
                None => "",
            };
        }
        words
    }
}

fn heading(verdict: &Verdict) -> String {
    format!("{} {:.2}", verdict.title(), verdict.top().1)
}

impl LabUi<'_> {
    pub(super) fn all_models(&mut self, ui: &mut Ui) {
        let lines: Vec<_> = self.lab.models.iter().map(|model| self.line(model)).collect();
        let title = match summary(&lines) {
            Some(summary) => format!("Models · {summary}"),
            None => "All models".to_owned(),
        };
        card(ui, &title, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let mut pressed = None;
            for (line, model) in lines.iter().zip(self.lab.models.iter()) {
                let unfolded = self.lab.unfolded.as_ref() == Some(&model.source);
                let problem = model.problem.as_deref();
                if line_ui(ui, line, unfolded, problem).clicked() {
                    pressed = Some((model.source.clone(), unfolded));
                }
                if unfolded {
                    unfold(ui, line);
                }
            }
            if let Some((source, unfolded)) = pressed {
                self.lab.unfolded = (!unfolded).then_some(source);
            }
        });
    }

    fn line(&self, model: &KnownModel) -> Line {
        let heard = |heard: Option<&Heard>| match heard {
            Some(Heard::Said(verdict)) => Ok(verdict.clone()),
            Some(Heard::Failed(_)) if model.problem.is_some() => Err("not available".into()),
            Some(Heard::Failed(reason)) => {
                Err(Silence { word: "failed", reason: Some(reason.clone()) })
            }
            Some(Heard::Asked { .. }) => Err("listening…".into()),
            None if model.problem.is_some() => Err("not available".into()),
            None if model.card.is_none() => Err("loading…".into()),
            None => Err("–".into()),
        };
        let verdicts = &self.lab.verdicts;
        let clip = self.lab.clip.as_ref();
        let before = heard(clip.and_then(|clip| verdicts.get(&clip.samples, &model.source)));
        let result = self.lab.shown_result().filter(|result| result.was_changed());
        let after =
            result.map(|result| heard(verdicts.get(&result.outcome.samples, &model.source)));
        let chosen = self.lab.verdict();
        Line {
            title: self.lab.models.title(&model.source),
            chosen: model.source == *self.lab.models.chosen(),
            agreement: chosen.zip(before.as_ref().ok()).map(|(c, other)| agreement(c, other)),
            before,
            after,
        }
    }
}

/// How many agree, or how many are fooled; nothing where there is nothing to compare.
fn summary(lines: &[Line]) -> Option<String> {
    let fooled: Vec<_> = lines.iter().filter_map(Line::fooled).collect();
    if fooled.len() > 1 {
        let count = fooled.iter().filter(|&&fooled| fooled).count();
        return Some(format!("{count} of {} fooled", fooled.len()));
    }
    let others = lines.iter().filter(|line| !line.chosen);
    let agreements: Vec<_> = others.filter_map(|line| line.agreement).collect();
    let comparable = agreements.iter().filter(|&&a| a != Agreement::Incomparable).count();
    let same = agreements.iter().filter(|&&a| a == Agreement::Same).count();
    (comparable > 0).then(|| format!("{same} of {comparable} others agree"))
}

fn line_ui(ui: &mut Ui, line: &Line, unfolded: bool, problem: Option<&str>) -> Response {
    let palette = theme::palette(ui);
    let two = line.after.is_some() && line.before.is_ok();
    let height = if two { 2.0 * LINE - 2.0 } else { LINE };
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, unfolded, line.words()));
    if unfolded || response.hovered() || response.has_focus() {
        let fill = if unfolded { palette.field_active } else { palette.field };
        let back = rect.expand2(vec2(5.0, 0.0));
        ui.painter().rect_filled(back, CornerRadius::same(CONTROL_RADIUS), fill);
    }
    let first = Rect::from_min_size(rect.min, vec2(rect.width(), LINE));
    let colour = match line.agreement {
        Some(Agreement::Same) => palette.original,
        Some(Agreement::Other) => palette.warning,
        Some(Agreement::Incomparable) | None => palette.quiet,
    };
    mark(ui, first, line.agreement, colour);
    let family =
        if line.chosen { theme::semibold() } else { eframe::egui::FontFamily::Proportional };
    let left = first.left() + 14.0;
    // The name may have half of the line where its model's answer needs the rest.
    let most = first.width() * 0.5;
    let name = truncated(ui, &line.title, FontId::new(BODY, family), palette.text, most);
    let after_name = left + name.size().x + 6.0;
    ui.painter().galley(pos2(left, first.center().y - name.size().y / 2.0), name, palette.text);
    said(ui, first.with_min_x(after_name), &line.before, "", colour);
    if let (true, Some(after)) = (two, &line.after) {
        let second = Rect::from_min_max(pos2(left, first.bottom() - 3.0), rect.max);
        let (word, colour) = match line.fooled() {
            Some(true) => ("fooled", palette.adversarial),
            Some(false) => ("not fooled", palette.original),
            None => ("", palette.quiet),
        };
        let font = FontId::proportional(SMALL);
        let word =
            ui.painter().text(second.left_center(), Align2::LEFT_CENTER, word, font, palette.quiet);
        said(ui, second.with_min_x(word.right() + 8.0), after, "→ ", colour);
    }
    let tooltip = match problem {
        Some(problem) => format!("{problem}\n\nThe other models work without it."),
        None => format!("{}\nClick for its most probable labels.", line.words()),
    };
    response.on_hover_text(tooltip)
}

/// A full dot for the chosen model's answer, a ring for another, nothing where they have nothing
/// in common.
fn mark(ui: &Ui, line: Rect, agreement: Option<Agreement>, colour: Color32) {
    let centre = line.left_center() + vec2(4.0, 0.0);
    match agreement {
        Some(Agreement::Same) => {
            ui.painter().circle_filled(centre, 3.5, colour);
        }
        Some(Agreement::Other) => {
            ui.painter().circle_stroke(centre, 3.0, Stroke::new(1.5, colour));
        }
        Some(Agreement::Incomparable) | None => {}
    }
}

/// Label and confidence at the right edge of a line; the label gives way where both do not fit.
fn said(ui: &Ui, area: Rect, heard: &Result<Verdict, Silence>, arrow: &str, colour: Color32) {
    let quiet = theme::palette(ui).quiet;
    let font = FontId::proportional(12.5);
    let verdict = match heard {
        Ok(verdict) => verdict,
        Err(why) => {
            let font = FontId::proportional(SMALL);
            let why = truncated(ui, why.word, font, quiet, area.width());
            let at = area.right_center() - vec2(why.size().x, why.size().y / 2.0);
            ui.painter().galley(at, why, quiet);
            return;
        }
    };
    let number = format!("{:.2}", verdict.top().1);
    let number =
        ui.painter().text(area.right_center(), Align2::RIGHT_CENTER, number, font.clone(), colour);
    let right = number.left() - 4.0;
    let label = format!("{arrow}{}", verdict.title());
    let label = truncated(ui, &label, font, colour, (right - area.left()).max(0.0));
    let at = pos2(right - label.size().x, area.center().y - label.size().y / 2.0);
    ui.painter().galley(at, label, colour);
}

fn truncated(
    ui: &Ui,
    text: &str,
    font_id: FontId,
    color: Color32,
    width: f32,
) -> std::sync::Arc<eframe::egui::Galley> {
    let mut job =
        LayoutJob { wrap: TextWrapping::truncate_at_width(width), ..LayoutJob::default() };
    job.append(text, 0.0, TextFormat { font_id, color, ..Default::default() });
    ui.painter().layout_job(job)
}

/// The most probable labels of both sides.
fn unfold(ui: &mut Ui, line: &Line) {
    let palette = theme::palette(ui);
    let original = line.before.as_ref().ok().map(|verdict| verdict.top().0);
    for verdict in [line.before.as_ref().ok(), line.after.as_ref().and_then(|a| a.as_ref().ok())] {
        for (label, probability) in verdict.map(|v| v.ranked(UNFOLDED)).into_iter().flatten() {
            let ours = Some(label) == original;
            let colour = if ours { palette.original } else { palette.adversarial };
            let title = verdict.map_or(String::new(), |verdict| verdict.labels.title(label));
            confidence_bar(ui, &title, probability, colour);
        }
        ui.add_space(3.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Labels;

    fn verdict(labels: &[&str], probabilities: &[f32]) -> Verdict {
        let labels = Labels::new(labels.iter().map(|&label| label.to_owned()));
        Verdict { labels, probabilities: probabilities.into() }
    }

    fn line(title: &str, before: &Verdict, after: Option<&Verdict>, chosen: &Verdict) -> Line {
        Line {
            title: title.to_owned(),
            chosen: false,
            agreement: Some(agreement(chosen, before)),
            before: Ok(before.clone()),
            after: after.map(|after| Ok(after.clone())),
        }
    }

    #[test]
    fn labels_are_compared_by_name_across_label_sets() {
        let chosen = verdict(&["Bass_drum", "Bark"], &[0.9, 0.1]);
        let spelled = verdict(&["dog", "bass drum", "cat"], &[0.1, 0.8, 0.1]);
        let other = verdict(&["dog", "bass drum", "cat"], &[0.8, 0.1, 0.1]);
        let apart = verdict(&["Robin", "Wren"], &[0.4, 0.6]);
        assert_eq!(agreement(&chosen, &chosen), Agreement::Same);
        assert_eq!(agreement(&chosen, &spelled), Agreement::Same);
        assert_eq!(agreement(&chosen, &other), Agreement::Other);
        assert_eq!(agreement(&chosen, &apart), Agreement::Incomparable);
    }

    #[test]
    fn a_summary_counts_who_agrees_and_after_an_attack_who_is_fooled() {
        let clean = verdict(&["Bark", "Meow"], &[0.9, 0.1]);
        let wrong = verdict(&["Bark", "Meow"], &[0.2, 0.8]);
        let apart = verdict(&["Robin", "Wren"], &[0.4, 0.6]);
        let lines = [
            Line { chosen: true, ..line("a", &clean, None, &clean) },
            line("b", &wrong, None, &clean),
            line("c", &apart, None, &clean),
            line("d", &clean, None, &clean),
        ];
        assert_eq!(summary(&lines).as_deref(), Some("1 of 2 others agree"));
        assert_eq!(summary(&lines[..1]), None);
        assert!(lines[1].words().ends_with("Meow 0.80, disagrees"), "{}", lines[1].words());
        let lines = [
            line("a", &clean, Some(&wrong), &clean),
            line("b", &wrong, Some(&wrong), &clean),
            line("c", &apart, Some(&apart), &clean),
        ];
        assert_eq!(summary(&lines).as_deref(), Some("1 of 3 fooled"));
        let words = lines[0].words();
        assert_eq!(words, "a: Bark 0.90, agrees; adversarial: Meow 0.80, fooled");
    }
}
