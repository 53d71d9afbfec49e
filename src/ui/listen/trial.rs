//! A trial: sounds, the question, answers. Nothing on it depends on what is behind the letters.

use eframe::egui::{
    Align2, Button, CornerRadius, FontId, Key, PointerButton, Rect, RichText, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::pages::{go_on, headline, hint, pressed};
use super::{ListenCommand, Running};
use crate::audio::player::PlayerState;
use crate::listening::{Slot, TrialScreen};
use crate::ui::text;
use crate::ui::theme::{self, BODY, CONTROL_RADIUS, SMALL};
use crate::ui::widgets::{Icon, icon_button, progress_bar};

/// The shortest part that can be looped, in seconds.
const SHORTEST_LOOP: f64 = 0.1;
/// What the five grades of BS.1116 mean.
const GRADES: [&str; 5] = [
    "very annoying",
    "annoying",
    "slightly annoying",
    "perceptible, but not annoying",
    "imperceptible",
];

/// Shows a trial.
pub(super) fn show(
    ui: &mut Ui,
    running: &mut Running,
    trial: &TrialScreen,
    player: &PlayerState,
    wishes: &mut Vec<ListenCommand>,
) {
    keys(ui, running, trial, player, wishes);
    let palette = theme::palette(ui);
    let what = if trial.practice { "Practice" } else { "Trial" };
    let words = format!("{what} {} of {}", trial.number, trial.of);
    ui.label(RichText::new(&words).size(BODY).color(palette.quiet));
    let share = (trial.number - 1) as f32 / trial.of.max(1) as f32;
    progress_bar(ui, &words, share, palette.quiet);
    headline(ui, trial.protocol.question());
    slots(ui, running, trial, player, wishes);
    timeline(ui, running, player, wishes);
    ui.add_space(4.0);
    if trial.protocol.answers().is_empty() {
        grades(ui, running);
    } else {
        choices(ui, running, trial);
    }
    let answer = running.answer();
    if go_on(ui, "Answer", answer.is_some())
        && let Some(answer) = answer
    {
        wishes.push(ListenCommand::Act(answer));
    }
    if !running.has_heard_all() {
        hint(ui, "Listen to each letter before you answer.");
    }
    let letters: Vec<_> = trial.protocol.slots().iter().map(|slot| slot.letter()).collect();
    let answers = if trial.protocol.answers().is_empty() {
        "1 to 5, up and down grade what is heard"
    } else {
        "1 and 2 choose"
    };
    hint(
        ui,
        &format!(
            "Keys: {} listen, Space plays and pauses, {answers}, Enter answers; [ and ] begin and end \
             a loop, \\ undoes it.",
            letters.join(", ")
        ),
    );
}

fn keys(
    ui: &Ui,
    running: &mut Running,
    trial: &TrialScreen,
    player: &PlayerState,
    wishes: &mut Vec<ListenCommand>,
) {
    for &slot in trial.protocol.slots() {
        let key = match slot {
            Slot::A => Key::A,
            Slot::B => Key::B,
            Slot::X => Key::X,
            Slot::Reference => Key::R,
        };
        if pressed(ui, key) {
            wishes.push(ListenCommand::Hear(slot));
        }
    }
    if pressed(ui, Key::Space) {
        wishes.push(match running.slot {
            None => trial
                .protocol
                .slots()
                .first()
                .copied()
                .map_or(ListenCommand::PlayOrPause, ListenCommand::Hear),
            Some(_) => ListenCommand::PlayOrPause,
        });
    }
    for (index, key) in [Key::Num1, Key::Num2].into_iter().enumerate() {
        if index < trial.protocol.answers().len() && pressed(ui, key) {
            running.choice = Some(index as u8);
        }
    }
    if trial.protocol.answers().is_empty() {
        grade_keys(ui, running);
    }
    let (at, end) = (player.position_seconds, player.duration_seconds);
    let region = running.region;
    if pressed(ui, Key::OpenBracket) {
        let to = region.map_or(end, |region| region.1).max(at + SHORTEST_LOOP);
        wishes.push(ListenCommand::Loop(Some((at.min(end - SHORTEST_LOOP).max(0.0), to.min(end)))));
    }
    if pressed(ui, Key::CloseBracket) {
        let from = region.map_or(0.0, |region| region.0).min((at - SHORTEST_LOOP).max(0.0));
        wishes.push(ListenCommand::Loop(Some((from, at.max(SHORTEST_LOOP).min(end)))));
    }
    if pressed(ui, Key::Backslash) {
        wishes.push(ListenCommand::Loop(None));
    }
}

fn grade_keys(ui: &Ui, running: &mut Running) {
    let index = match running.slot {
        Some(Slot::A) => 0,
        Some(Slot::B) => 1,
        _ => return,
    };
    let step = f32::from(i8::from(pressed(ui, Key::ArrowUp)))
        - f32::from(i8::from(pressed(ui, Key::ArrowDown)));
    if step != 0.0 {
        grade(running, index, running.grades[index] + 0.1 * step);
    }
    for (whole, key) in
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5].into_iter().enumerate()
    {
        if pressed(ui, key) {
            grade(running, index, whole as f32 + 1.0);
        }
    }
}

/// Gives a grade in steps of 0.1.
fn grade(running: &mut Running, index: usize, value: f32) {
    running.graded = true;
    running.grades[index] = ((value * 10.0).round() / 10.0).clamp(1.0, 5.0);
}

fn slots(
    ui: &mut Ui,
    running: &Running,
    trial: &TrialScreen,
    player: &PlayerState,
    wishes: &mut Vec<ListenCommand>,
) {
    let palette = theme::palette(ui);
    let slots = trial.protocol.slots();
    let gap = 12.0;
    let width = (ui.available_width() - gap * (slots.len() as f32 - 1.0)) / slots.len() as f32;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for &slot in slots {
            let heard = running.slot == Some(slot);
            let (rect, response) = ui.allocate_exact_size(vec2(width, 92.0), Sense::click());
            let name = match slot {
                Slot::Reference => "Listen to the reference".to_owned(),
                _ => format!("Listen to {}", slot.letter()),
            };
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, heard, &name));
            let fill = match (heard, response.hovered() || response.has_focus()) {
                (true, _) => palette.field_active,
                (false, true) => palette.field_hover,
                (false, false) => palette.card,
            };
            let edge = if heard { palette.text } else { palette.edge };
            let stroke = Stroke::new(if heard { 2.0 } else { 1.0 }, edge);
            let painter = ui.painter();
            painter.rect(rect, CornerRadius::same(10), fill, stroke, StrokeKind::Inside);
            painter.text(
                rect.center() - vec2(0.0, 10.0),
                Align2::CENTER_CENTER,
                slot.letter(),
                FontId::new(38.0, theme::semibold()),
                palette.text,
            );
            let below = match (heard && player.playing, slot) {
                (true, _) => "playing",
                (false, Slot::Reference) => "reference",
                (false, _) => "listen",
            };
            painter.text(
                rect.center() + vec2(0.0, 28.0),
                Align2::CENTER_CENTER,
                below,
                FontId::proportional(SMALL),
                palette.quiet,
            );
            let tooltip = format!("{name} from the same place on ({})", slot.letter());
            if response.on_hover_text(tooltip).clicked() {
                wishes.push(ListenCommand::Hear(slot));
            }
        }
    });
}

/// Where playback is, the same for all letters. A click plays from there, a drag loops a part.
fn timeline(ui: &mut Ui, running: &Running, player: &PlayerState, wishes: &mut Vec<ListenCommand>) {
    let palette = theme::palette(ui);
    let length = player.duration_seconds.max(1e-3);
    ui.horizontal(|ui| {
        let (icon, name) =
            if player.playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
        let play = icon_button(ui, icon, name, false).on_hover_text("Play or pause (Space)");
        if play.clicked() && running.slot.is_some() {
            wishes.push(ListenCommand::PlayOrPause);
        }
        let clock = format!("{} / {}", text::clock(player.position_seconds), text::clock(length));
        let room = ui.available_width() - 118.0;
        let (rect, response) = ui.allocate_exact_size(vec2(room, 24.0), Sense::click_and_drag());
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Slider, true, "Position");
            info.value = Some(player.position_seconds);
            info
        });
        let at = |x: f32| f64::from(((x - rect.left()) / rect.width()).clamp(0.0, 1.0)) * length;
        let x =
            |seconds: f64| rect.left() + (seconds / length).clamp(0.0, 1.0) as f32 * rect.width();
        let dragged = response.dragged_by(PointerButton::Primary);
        let (from, to) = (ui.input(|i| i.pointer.press_origin()), response.interact_pointer_pos());
        if dragged && let (Some(from), Some(to)) = (from, to) {
            let (from, to) = (at(from.x.min(to.x)), at(from.x.max(to.x)));
            let from = from.min(length - SHORTEST_LOOP).max(0.0);
            wishes
                .push(ListenCommand::Loop(Some((from, to.max(from + SHORTEST_LOOP).min(length)))));
        } else if response.clicked()
            && let Some(to) = to
        {
            wishes.push(ListenCommand::Seek(at(to.x)));
        }
        let bar = Rect::from_center_size(rect.center(), vec2(rect.width(), 8.0));
        let painter = ui.painter();
        painter.rect(
            bar,
            CornerRadius::same(4),
            palette.card,
            Stroke::new(1.0, palette.edge),
            StrokeKind::Inside,
        );
        if let Some((from, to)) = running.region {
            let part = Rect::from_min_max(pos2(x(from), bar.top()), pos2(x(to), bar.bottom()));
            painter.rect_filled(part, CornerRadius::same(3), palette.field_active);
            painter.rect_stroke(
                part,
                CornerRadius::same(3),
                Stroke::new(1.0, palette.quiet),
                StrokeKind::Inside,
            );
        }
        let head = x(player.position_seconds);
        painter.vline(head, rect.y_range(), Stroke::new(2.0, palette.text));
        response.on_hover_text("Click: play from there. Drag: loop a part, 0.1 s or longer.");
        ui.label(RichText::new(clock).size(SMALL).color(palette.quiet));
    });
}

fn choices(ui: &mut Ui, running: &mut Running, trial: &TrialScreen) {
    let palette = theme::palette(ui);
    let answers = trial.protocol.answers();
    let gap = 12.0;
    let width = (ui.available_width() - gap) / answers.len().max(1) as f32;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for (index, answer) in answers.iter().enumerate() {
            let chosen = running.choice == Some(index as u8);
            let words = RichText::new(*answer).size(16.0).family(theme::semibold());
            let stroke = Stroke::new(
                if chosen { 2.0 } else { 1.0 },
                if chosen { palette.text } else { palette.edge },
            );
            let button = Button::new(words)
                .fill(if chosen { palette.field_active } else { palette.field })
                .stroke(stroke)
                .corner_radius(CornerRadius::same(CONTROL_RADIUS))
                .min_size(vec2(width, 44.0));
            let response = ui.add(button);
            response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, *answer));
            let tooltip = format!("{answer} ({}); Enter confirms it", index + 1);
            if response.on_hover_text(tooltip).clicked() {
                running.choice = Some(index as u8);
            }
        }
    });
}

fn grades(ui: &mut Ui, running: &mut Running) {
    for (index, letter) in ["A", "B"].into_iter().enumerate() {
        let mut value = running.grades[index];
        ui.horizontal(|ui| {
            ui.label(theme::strong(letter, 16.0));
            ui.spacing_mut().slider_width = ui.available_width() - 270.0;
            let slider =
                eframe::egui::Slider::new(&mut value, 1.0..=5.0).step_by(0.1).fixed_decimals(1);
            let slider = ui.add(slider).accessible_name(format!("Grade of {letter}"));
            let tooltip = "5.0: no difference from R; 1.0: very annoying";
            // A click where it stands is a grade, too.
            running.graded |= slider.on_hover_text(tooltip).clicked();
            // Only 5.0 is imperceptible.
            let nearest = (value.floor() as usize).clamp(1, 5) - 1;
            let meaning = GRADES.get(nearest).copied().unwrap_or_default();
            ui.label(RichText::new(meaning).size(BODY).color(theme::palette(ui).quiet));
        });
        if value != running.grades[index] {
            grade(running, index, value);
        }
    }
    if !running.graded {
        hint(ui, "Grade what you hear. Where you hear no difference, give a 5.");
    } else if !running.grades.contains(&5.0) {
        hint(ui, "One of both is the reference, hidden: give that one 5.0.");
    }
}
