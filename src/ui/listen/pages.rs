//! The pages of a session. They fill the window: no tab, no meter, no name of a sound is near.

use eframe::egui::{
    Align, Button, CentralPanel, Frame, Id, Key, Label, Layout, Margin, Modal, Modifiers, RichText,
    ScrollArea, Slider, Ui, vec2,
};

use super::{ListenCommand, Running};
use crate::audio::player::PlayerState;
use crate::listening::{Action, Environment, Protocol, Screen, Slot};
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme::{self, BODY, CONTROL_HEIGHT};
use crate::ui::widgets::{Icon, icon_button, primary_button, quiet_button};

/// Width of what is read and pressed.
const WIDTH: f32 = 560.0;
/// Size of a page's headline.
const HEADLINE: f32 = 22.0;
/// Size of its text.
const READING: f32 = 15.0;
/// Softest and loudest volume in dB. Above 0 dB a limiter could touch one sound and not the other.
pub const VOLUMES: std::ops::RangeInclusive<f32> = -40.0..=0.0;

/// Shows the present page, and why nothing can be heard where that is so.
pub fn session_page(
    ui: &mut Ui,
    running: &mut Running,
    player: &PlayerState,
    asked: &mut Vec<UiCommand>,
) {
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.window).inner_margin(Margin::same(18));
    CentralPanel::default().frame(frame).show(ui, |ui| {
        let mut wishes = Vec::new();
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            if running.screen == Screen::End {
                // As high as the button that is not there.
                ui.add_space(CONTROL_HEIGHT);
                return;
            }
            let leave = quiet_button(ui, "Break off…");
            let tooltip = "Stop here; what was answered is kept and can be gone on with (Esc)";
            if leave.on_hover_text(tooltip).clicked() {
                wishes.push(ListenCommand::AskToLeave);
            }
        });
        let height = ui.available_height();
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            ui.vertical_centered(|ui| {
                if running.leaving {
                    // Keys are for the question then.
                    ui.disable();
                }
                ui.set_max_width(WIDTH);
                ui.add_space(((height - 420.0) * 0.3).clamp(8.0, 160.0));
                ui.spacing_mut().item_spacing.y = 12.0;
                let screen = running.screen.clone();
                match &screen {
                    Screen::Consent(text) => consent(ui, text, &mut wishes),
                    Screen::Volume => volume(ui, running, player, &mut wishes),
                    Screen::Begin { practice, trials } => {
                        begin(ui, *practice, *trials, &mut wishes);
                    }
                    Screen::Trial(trial) => {
                        super::trial::show(ui, running, trial, player, &mut wishes);
                    }
                    Screen::Feedback(right) => {
                        let protocol = running.session.test().protocol;
                        feedback(ui, protocol, *right, &mut wishes);
                    }
                    Screen::Pause { done, of } => pause(ui, *done, *of, &mut wishes),
                    Screen::End => end(ui, &mut wishes),
                }
                if let Some(why) = &running.no_sound {
                    let words = RichText::new(why).size(READING).color(palette.warning);
                    ui.add(Label::new(words).wrap());
                }
                if let Some(trouble) = &running.trouble {
                    let words = format!("{trouble}. Nothing that was answered before is lost.");
                    let words = RichText::new(words).size(READING).color(palette.error);
                    ui.add(Label::new(words).wrap());
                }
            });
        });
        if running.leaving {
            ask_to_leave(ui, &mut wishes);
        } else if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            wishes.push(match running.screen {
                Screen::End => ListenCommand::Leave,
                _ => ListenCommand::AskToLeave,
            });
        }
        asked.extend(wishes.into_iter().map(UiCommand::Listening));
    });
}

/// Whether a key is pressed that is for the page and not for a control that has the focus, nor for
/// a question before the page.
pub(super) fn pressed(ui: &Ui, key: Key) -> bool {
    if !ui.is_enabled() {
        return false;
    }
    let taken = ui.ctx().memory(|memory| memory.focused().is_some());
    let for_controls = matches!(
        key,
        Key::Enter | Key::Space | Key::ArrowUp | Key::ArrowDown | Key::ArrowLeft | Key::ArrowRight
    );
    if taken && for_controls {
        return false;
    }
    ui.ctx().input_mut(|input| input.consume_key(Modifiers::NONE, key))
}

pub(super) fn headline(ui: &mut Ui, words: &str) {
    let words = theme::strong(words, HEADLINE).color(theme::palette(ui).text);
    ui.add(Label::new(words).wrap());
}

pub(super) fn reading(ui: &mut Ui, words: &str) {
    ui.add(Label::new(RichText::new(words).size(READING)).wrap());
}

pub(super) fn hint(ui: &mut Ui, words: &str) {
    let words = RichText::new(words).size(BODY).color(theme::palette(ui).quiet);
    ui.add(Label::new(words).wrap());
}

/// The button that leads on, also by Enter.
pub(super) fn go_on(ui: &mut Ui, name: &str, enabled: bool) -> bool {
    ui.add_space(6.0);
    let clicked = ui
        .add_enabled_ui(enabled, |ui| {
            ui.set_max_width(320.0);
            primary_button(ui, Icon::Check, name).on_hover_text("Enter").clicked()
        })
        .inner;
    enabled && (clicked || pressed(ui, Key::Enter))
}

fn consent(ui: &mut Ui, text: &str, wishes: &mut Vec<ListenCommand>) {
    headline(ui, "Before you begin");
    reading(ui, text);
    hint(ui, "Nothing is written of you until you agree but the pseudonym.");
    if go_on(ui, "I agree", true) {
        wishes.push(ListenCommand::Act(Action::Agree));
    }
}

fn volume(
    ui: &mut Ui,
    running: &mut Running,
    player: &PlayerState,
    wishes: &mut Vec<ListenCommand>,
) {
    headline(ui, "Set the volume");
    reading(
        ui,
        "Put on headphones in a quiet room. Play the sound and make it as loud as is comfortable. \
         The volume then stays as it is: do not change it during the test.",
    );
    ui.horizontal(|ui| {
        let (icon, name) =
            if player.playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
        let play = icon_button(ui, icon, name, false).on_hover_text("Play or pause (Space)");
        if play.clicked() || pressed(ui, Key::Space) {
            wishes.push(match running.slot {
                None => ListenCommand::Hear(Slot::A),
                Some(_) => ListenCommand::PlayOrPause,
            });
        }
        let mut gain = running.gain_db;
        ui.spacing_mut().slider_width = WIDTH - 150.0;
        let slider = Slider::new(&mut gain, VOLUMES).show_value(false).step_by(1.0);
        let slider = ui.add(slider).accessible_name("Volume");
        let changed = slider.on_hover_text("Louder or softer (up and down)").changed();
        let louder = pressed(ui, Key::ArrowUp);
        let softer = pressed(ui, Key::ArrowDown);
        gain += f32::from(u8::from(louder)) - f32::from(u8::from(softer));
        let gain = gain.clamp(*VOLUMES.start(), *VOLUMES.end());
        if changed || louder || softer {
            wishes.push(ListenCommand::SetVolume(gain));
        }
        ui.label(text::decibels(gain.into(), 0));
    });
    hint(ui, "Space plays and pauses, the arrows up and down change the volume, Enter goes on.");
    // Nobody knows before it was heard, on the device that is written down.
    let heard = running.slot.is_some() && player.device.is_some() && running.no_sound.is_none();
    if go_on(ui, "The volume is good", heard) {
        let environment =
            Environment { device: player.device.clone(), playback_rate: player.device_rate };
        wishes.push(ListenCommand::Act(Action::Volume(running.gain_db, environment)));
    }
}

fn begin(ui: &mut Ui, practice: bool, trials: usize, wishes: &mut Vec<ListenCommand>) {
    let plural = if trials == 1 { "trial" } else { "trials" };
    if practice {
        headline(ui, "First some practice");
        reading(
            ui,
            &format!(
                "{trials} {plural} to get to know the task. You are told whether you were right, and \
                 nothing of it counts."
            ),
        );
    } else {
        headline(ui, "The test");
        reading(
            ui,
            &format!(
                "{trials} {plural}. From now on you are not told whether you are right. Take your \
                 time; where you hear nothing, guess. You can close your eyes: the keys are enough."
            ),
        );
    }
    if go_on(ui, "Begin", true) {
        wishes.push(ListenCommand::Act(Action::Next));
    }
}

fn feedback(ui: &mut Ui, protocol: Protocol, right: Option<bool>, wishes: &mut Vec<ListenCommand>) {
    let (words, more) = match (right, protocol) {
        // Two questions are behind "same" and "different", and the answer tells which was asked.
        (Some(true), Protocol::SameDifferent) => ("Right", "That is how it was."),
        (Some(false), Protocol::SameDifferent) => {
            ("Wrong", "It was the other way round. Small changes take some getting used to.")
        }
        (Some(true), _) => ("Right", "That was the one."),
        (Some(false), _) => {
            ("Wrong", "It was the other one. Small changes take some getting used to.")
        }
        (None, _) => {
            ("Both the same", "Equal grades say that no difference was heard. There was one.")
        }
    };
    headline(ui, words);
    reading(ui, more);
    if go_on(ui, "Go on", true) {
        wishes.push(ListenCommand::Act(Action::Next));
    }
}

fn pause(ui: &mut Ui, done: usize, of: usize, wishes: &mut Vec<ListenCommand>) {
    headline(ui, "A pause");
    reading(
        ui,
        &format!(
            "{done} of {of} trials are done. Rest your ears for a minute; go on when you like."
        ),
    );
    if go_on(ui, "Go on", true) {
        wishes.push(ListenCommand::Act(Action::Next));
    }
}

fn end(ui: &mut Ui, wishes: &mut Vec<ListenCommand>) {
    headline(ui, "Done. Thank you!");
    reading(ui, "All answers are kept. The next page shows what they say.");
    if go_on(ui, "Show the results", true) {
        wishes.push(ListenCommand::Leave);
    }
}

fn ask_to_leave(ui: &mut Ui, wishes: &mut Vec<ListenCommand>) {
    let palette = theme::palette(ui);
    let frame = Frame::popup(ui.style()).fill(palette.card).inner_margin(Margin::same(20));
    let modal = Modal::new(Id::unique("break off")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(380.0);
        headline(ui, "Break off?");
        reading(
            ui,
            "All answers so far are kept. The session can be gone on with at the next trial, in the \
             same order. A test that is not finished is not evaluated.",
        );
        ui.horizontal(|ui| {
            let size = vec2(150.0, CONTROL_HEIGHT + 4.0);
            let stay = ui.add(Button::new("Stay").min_size(size)).on_hover_text("Go on (Esc)");
            let leave = ui
                .add(Button::new("Break off").min_size(size))
                .on_hover_text("Back to the set-up (Enter)");
            if leave.clicked() || pressed(ui, Key::Enter) {
                wishes.push(ListenCommand::Leave);
            } else if stay.clicked() {
                wishes.push(ListenCommand::Stay);
            }
        });
    });
    if modal.should_close() {
        wishes.push(ListenCommand::Stay);
    }
}
