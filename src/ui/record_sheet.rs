//! Recording a clip: which microphone, how loud, and a button.

use std::path::PathBuf;
use std::time::Duration;

use eframe::egui::{
    Align, Align2, Button, CornerRadius, FontId, Frame, Id, Key, Label, Layout, Modal, Rect,
    RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::app::UiCommand;
use super::pace::Pace;
use super::settings::Settings;
use super::text;
use super::theme::{self, CONTROL_HEIGHT};
use super::widgets::{Icon, device_picker, primary_button, progress_bar, quiet_button, row};
use crate::audio::recorder::{LIMIT_SECONDS, Phase, Recorder, RecorderState, Recording};
use crate::audio::{DeviceList, Direction};

/// How long the countdown is, where there is one.
const COUNTDOWN: Duration = Duration::from_secs(3);

/// How often the meter moves.
const FRAME: Duration = Duration::from_millis(33);

/// The meter's lower end in dB of full scale.
const QUIETEST: f32 = -60.0;

/// Softer than this, most of what a model would hear is the room.
const TOO_SOFT: f32 = -36.0;

/// The sheet; the microphone is open for as long as it is.
#[derive(Default)]
pub struct RecordSheet {
    recorder: Option<Recorder>,
    microphones: DeviceList,
}

impl RecordSheet {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.recorder.is_some()
    }

    /// Opens it with the microphone that was chosen last. Recordings are kept in `folder`.
    pub fn open(&mut self, settings: &Settings, folder: Option<PathBuf>, pace: &Pace) {
        self.look(pace);
        self.listen(settings, folder, pace);
    }

    /// Opens the microphone that is chosen now.
    pub fn listen(&mut self, settings: &Settings, folder: Option<PathBuf>, pace: &Pace) {
        // The old one first: a device may be open once only.
        self.recorder = None;
        let pace = pace.clone();
        let wake = move || pace.wake();
        self.recorder = Some(Recorder::open(settings.input.clone(), folder, wake));
    }

    /// Looks which microphones there are.
    pub fn look(&self, pace: &Pace) {
        let pace = pace.clone();
        self.microphones.look(Direction::Input, move || pace.wake());
    }

    /// Closes it and the microphone.
    pub fn close(&mut self) {
        self.recorder = None;
    }

    /// A finished recording, with which it closes.
    pub fn take(&mut self) -> Option<Recording> {
        let recording = self.recorder.as_ref()?.take()?;
        self.recorder = None;
        Some(recording)
    }

    /// Starts, or ends and keeps what was recorded.
    pub fn start_or_stop(&self, countdown: bool) {
        let Some(recorder) = &self.recorder else { return };
        match recorder.state().phase {
            Phase::Ready => recorder.start(if countdown { COUNTDOWN } else { Duration::ZERO }),
            Phase::CountingDown => recorder.discard(),
            Phase::Recording => recorder.stop(),
            Phase::Opening | Phase::Over => {}
        }
    }

    /// Shows it where it is open.
    pub fn show(&self, ui: &Ui, settings: &mut Settings, asked: &mut Vec<UiCommand>) {
        let Some(recorder) = &self.recorder else { return };
        let ctx = ui.ctx();
        let state = recorder.state();
        let palette = theme::palette(ui);
        if matches!(state.phase, Phase::Ready | Phase::CountingDown | Phase::Recording) {
            ctx.request_repaint_after(FRAME);
        }
        let busy = matches!(state.phase, Phase::CountingDown | Phase::Recording);
        let frame = Frame::popup(&ctx.global_style()).fill(palette.card).inner_margin(20);
        let modal = Modal::new(Id::unique("record")).frame(frame).show(ctx, |ui| {
            ui.set_width(440.0);
            ui.spacing_mut().item_spacing.y = 10.0;
            ui.horizontal(|ui| {
                ui.label(theme::strong("Record a clip", 20.0));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let close = Button::new("Close").min_size(vec2(0.0, CONTROL_HEIGHT));
                    let close = ui
                        .add_enabled(!busy, close)
                        .on_hover_text("Close the microphone, too")
                        .on_disabled_hover_text("Stop or discard the recording first");
                    if close.clicked() {
                        asked.push(UiCommand::CloseRecorder);
                    }
                });
            });
            self.which_microphone(ui, settings, &state, asked);
            match (&state.failure, state.phase) {
                (Some(reason), _) => failed(ui, reason, asked),
                (None, Phase::Opening) => {
                    ui.label(theme::small(ui, "Opening the microphone…"));
                }
                (None, _) => controls(ui, recorder, &state, settings, asked),
            }
            let kept = "The recording becomes the clip on the desk, in mono, and is kept as a WAV \
                        among the recent files. What the microphone hears before you press Record \
                        is only metered.";
            ui.add(Label::new(theme::small(ui, kept)).wrap());
        });
        // What is being recorded is not thrown away by a click beside it.
        if !busy && modal.should_close() {
            asked.push(UiCommand::CloseRecorder);
        }
    }

    fn which_microphone(
        &self,
        ui: &mut Ui,
        settings: &mut Settings,
        state: &RecorderState,
        asked: &mut Vec<UiCommand>,
    ) {
        let idle = matches!(state.phase, Phase::Ready | Phase::Over);
        row(ui, "Microphone", |ui| {
            ui.add_enabled_ui(idle, |ui| {
                let listed = self.microphones.get();
                let picked = device_picker(
                    ui,
                    "Microphone",
                    settings.input.as_ref(),
                    listed.as_ref(),
                    290.0,
                );
                if let Some(device) = picked {
                    asked.push(UiCommand::ChooseMicrophone(device));
                }
            });
        });
        if let Some(missing) = &state.missing {
            let words = format!(
                "\u{201c}{missing}\u{201d} is not there: {} listens instead.",
                state.device.as_deref().unwrap_or("the default microphone")
            );
            let words = RichText::new(words).color(theme::palette(ui).warning);
            ui.add(Label::new(words).wrap());
        }
    }
}

fn controls(
    ui: &mut Ui,
    recorder: &Recorder,
    state: &RecorderState,
    settings: &mut Settings,
    asked: &mut Vec<UiCommand>,
) {
    meter(ui, state);
    advice(ui, state);
    let (icon, name) = match state.phase {
        Phase::Recording => (Icon::Stop, "Stop and use it"),
        Phase::CountingDown => (Icon::Stop, "Stop the countdown"),
        _ => (Icon::Record, "Record"),
    };
    let button = primary_button(ui, icon, name);
    let button = button.on_hover_text("Space starts and stops it, too");
    // A button that has the focus takes the key itself.
    let space = ui.memory(|memory| memory.focused().is_none())
        && ui.input(|input| input.key_pressed(Key::Space));
    if button.clicked() || space {
        asked.push(UiCommand::RecordOrStop);
    }
    match state.phase {
        Phase::Recording => {
            let done = (state.seconds / LIMIT_SECONDS) as f32;
            progress_bar(ui, "Recorded", done, theme::palette(ui).adversarial);
            ui.horizontal(|ui| {
                let left = (LIMIT_SECONDS - state.seconds).max(0.0);
                ui.label(theme::strong(text::clock(state.seconds), theme::TITLE));
                ui.label(theme::small(ui, format!("{left:.1} s left")));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let discard = quiet_button(ui, "Discard");
                    let tooltip = "Throw away what was recorded so far and begin again";
                    if discard.on_hover_text(tooltip).clicked() {
                        recorder.discard();
                    }
                });
            });
        }
        Phase::CountingDown => {
            let left = state.seconds.ceil();
            ui.label(theme::strong(format!("Recording begins in {left:.0} s"), theme::TITLE));
        }
        _ => {
            ui.horizontal(|ui| {
                // A field as dark as the sheet would hardly be seen.
                let edge = Stroke::new(1.0, theme::palette(ui).quiet);
                ui.visuals_mut().widgets.inactive.bg_stroke = edge;
                ui.checkbox(&mut settings.countdown, "Count down 3 s first")
                    .on_hover_text("Time to take the instrument into both hands");
                let words = format!("up to {LIMIT_SECONDS:.0} s");
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(theme::small(ui, words));
                });
            });
        }
    }
}

fn failed(ui: &mut Ui, reason: &str, asked: &mut Vec<UiCommand>) {
    let palette = theme::palette(ui);
    ui.label(theme::strong("No recording", theme::TITLE).color(palette.error));
    ui.add(Label::new(reason).wrap().selectable(true));
    ui.horizontal(|ui| {
        let again = quiet_button(ui, "Try again");
        if again.on_hover_text("Look for microphones and open the chosen one again").clicked() {
            asked.push(UiCommand::OpenRecorder);
        }
        let copy = quiet_button(ui, "Copy the text");
        if copy.on_hover_text("Put what went wrong on the clipboard").clicked() {
            ui.ctx().copy_text(reason.to_owned());
        }
    });
}

/// What the level means for a recording.
fn advice(ui: &mut Ui, state: &RecorderState) {
    let palette = theme::palette(ui);
    let (words, colour) = if state.clipping {
        (
            "Too loud: the peaks are clipped. Turn the microphone down or go away from it.",
            palette.error,
        )
    } else if state.peak_dbfs < TOO_SOFT {
        ("Very soft so far: go nearer or turn the microphone up.", palette.quiet)
    } else {
        ("A good level.", palette.good)
    };
    ui.add(Label::new(RichText::new(words).size(theme::SMALL).color(colour)).wrap());
}

/// The level with its peak, from -60 to 0 dB of full scale.
fn meter(ui: &mut Ui, state: &RecorderState) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    let told = format!(
        "Level {} dB of full scale, peak {}{}",
        text::number(state.level_dbfs.into(), 0),
        text::number(state.peak_dbfs.into(), 0),
        if state.clipping { ", clipped" } else { "" }
    );
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, "Level");
        info.current_text_value = Some(told.clone());
        info
    });
    let bar = rect.with_max_y(rect.top() + 14.0);
    let x_of = |db: f32| {
        let across = ((db - QUIETEST) / -QUIETEST).clamp(0.0, 1.0);
        bar.left() + across * bar.width()
    };
    let painter = ui.painter();
    let radius = CornerRadius::same(4);
    painter.rect_filled(bar, radius, palette.field);
    let colour = if state.clipping { palette.error } else { palette.good };
    let level = Rect::from_min_max(bar.min, pos2(x_of(state.level_dbfs), bar.bottom()));
    if level.width() >= 1.0 {
        painter.rect_filled(level, radius, colour);
    }
    if state.peak_dbfs > QUIETEST {
        let x = x_of(state.peak_dbfs).min(bar.right() - 2.0);
        let mark = Rect::from_min_max(pos2(x, bar.top()), pos2(x + 2.0, bar.bottom()));
        painter.rect_filled(mark, CornerRadius::ZERO, palette.text);
    }
    for db in [-60.0, -48.0, -36.0, -24.0, -12.0, 0.0_f32] {
        let words = text::number(db.into(), 0);
        let align = if db == 0.0 {
            Align2::RIGHT_TOP
        } else if db == QUIETEST {
            Align2::LEFT_TOP
        } else {
            Align2::CENTER_TOP
        };
        let at = pos2(x_of(db), bar.bottom() + 4.0);
        painter.text(at, align, words, FontId::proportional(11.0), palette.quiet);
    }
    response.on_hover_text(
        "The level in dB below full scale, and its peak of the last moments. Peaks between −20 and \
         −6 dB record well; at 0 dB they are cut off.",
    );
}
