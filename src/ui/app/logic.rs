//! What happens whether or not the window is visible: events, dialogs, dropped files, sound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;

use super::{App, UiCommand};
use crate::engine::EventKind;
use crate::export::Destination;
use crate::lab_file::is_lab_file;
use crate::ui::dialogs::Chosen;
use crate::ui::experiments::ExperimentWish;
use crate::ui::lab::{News, Shown};
use crate::ui::tour::FIRST_ATTACK;

/// How often the playhead moves while nothing else needs the processor.
const PLAYING: Duration = Duration::from_millis(16);
/// The same beside an attack, which needs it more.
const ATTACKING: Duration = Duration::from_millis(33);

impl App {
    /// Takes in everything that came since the last frame.
    pub(super) fn take_in(&mut self, ctx: &egui::Context) {
        for event in self.engine.try_events() {
            let command = event.command;
            if !matches!(event.kind, EventKind::AttackProgress(_)) {
                // Something came or went: egui takes two frames to settle. Progress only changes
                // numbers and curves.
                ctx.request_repaint();
            }
            if let EventKind::Saved(paths) = &event.kind {
                self.saved.clone_from(paths);
                let labs = paths.iter().filter(|path| is_lab_file(path));
                labs.for_each(|path| self.settings.remember(path));
            }
            if matches!(event.kind, EventKind::Saved(_) | EventKind::Failed(_)) {
                self.saving.retain(|&saving| saving != command);
                self.closing.saved(command, matches!(event.kind, EventKind::Saved(_)));
            }
            let awaited = self.lab.opening.is_some();
            let from = self.lab.opening.as_ref().and_then(|opening| opening.lab.clone());
            let news = self.lab.on_event(event);
            if awaited && self.lab.opening.is_none() && !matches!(news, News::Opened(_)) {
                // What was to be attacked has not come.
                self.attack_when_ready = None;
            }
            match news {
                News::Nothing => {}
                News::Opened(clip) => {
                    // What was saved was another clip's.
                    self.saved.clear();
                    if self.tour.is_some_and(|step| step < FIRST_ATTACK) {
                        // Its story begins before any attack, whatever was tried before.
                        self.lab.shown = Shown::Nothing;
                    }
                    if let Some(path) = &clip.path {
                        self.settings.remember(path);
                    }
                }
                News::Lab(state) => {
                    if let Some(path) = &from {
                        self.settings.remember(path);
                    }
                    self.take_up_lab(*state);
                }
                News::Worth(text) => self.notices.info(text),
                News::Trouble(text) => self.notices.error(text),
            }
        }
        if let Some(left) = self.notices.let_go(Instant::now()) {
            ctx.request_repaint_after(left);
        }
        self.attack_when_ready();
        self.go_on_comparing();
        self.follow_experiment(ctx);
        self.take_in_listening();
        match self.dialogs.poll() {
            Some(Chosen::Clip(path)) => self.ask(UiCommand::open(path)),
            Some(Chosen::ExportFolder(path)) => {
                self.ask(UiCommand::Export(Destination::NewFolderIn(path)));
            }
            Some(Chosen::ExportZip(path)) => self.ask(UiCommand::Export(Destination::Zip(path))),
            Some(Chosen::Listening(command)) => self.ask(UiCommand::Listening(command)),
            Some(Chosen::Lab(path)) => self.ask(UiCommand::SaveLab(path)),
            Some(Chosen::Weights(path)) => self.ask(UiCommand::OpenModel(path)),
            Some(Chosen::PairFolder(path)) => self.ask(UiCommand::SavePair(path)),
            Some(Chosen::DataSet(path)) => {
                self.ask(UiCommand::Experiment(ExperimentWish::SetData(path)));
            }
            Some(Chosen::RunFolder(path)) => {
                self.ask(UiCommand::Experiment(ExperimentWish::OpenRun(path)));
            }
            Some(Chosen::Figure(path)) => self.ask(UiCommand::SaveFigure(path)),
            Some(Chosen::NoDialog) => self.notices.info(
                "This system has no file dialog (a desktop portal or zenity brings one). \
                 Drop a file onto the window instead, or name it on the command line.",
            ),
            None => {}
        }
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        // Every model, but one clip: there is one desk.
        let (models, clips): (Vec<_>, Vec<_>) = dropped
            .iter()
            .map(|file| UiCommand::open(file.path().to_path_buf()))
            .partition(|wish| matches!(wish, UiCommand::OpenModel(_)));
        self.asked.extend(models.into_iter().chain(clips.into_iter().take(1)));
        if let Err(words) = self.lab.bring_back_shown() {
            self.notices.error(words);
        }
        self.lab.pictures.receive(ctx);
        self.take_recording(ctx);
        self.lab.insights.pictures.receive(ctx);
        self.maintain_sound(ctx);
    }

    /// A finished recording becomes the clip on the desk.
    fn take_recording(&mut self, ctx: &egui::Context) {
        let Some(recording) = self.recording.take() else { return };
        for note in recording.notes {
            self.notices.info(note);
        }
        // A file on its way in is not what was asked for last.
        self.lab.opening = None;
        let clip = self.lab.put(recording.clip);
        if let Some(path) = &clip.path {
            self.settings.remember(path);
        }
        ctx.request_repaint();
    }

    fn maintain_sound(&mut self, ctx: &egui::Context) {
        self.player.maintain();
        // Told once for as long as it is so, also after it was dismissed.
        let complaint = self.player.notice();
        if complaint != self.complaint {
            self.notices.retract(self.complaint.as_deref());
            if let Some(text) = &complaint {
                self.notices.info(text.clone());
            }
            self.complaint = complaint;
        }
        if self.play_session() {
            self.keep_playhead_moving(ctx);
            return;
        }
        // The player holds exactly what is shown.
        let original = self.lab.clip.as_ref().map(|clip| clip.samples.clone());
        let adversarial = self.lab.adversarial().map(|adversarial| adversarial.samples.clone());
        if let Some(original) = original {
            let same = |a: &Option<Arc<[f32]>>, b: &Option<Arc<[f32]>>| match (a, b) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            };
            let wanted = (Some(original.clone()), adversarial.clone());
            if !same(&wanted.0, &self.given.0) || !same(&wanted.1, &self.given.1) {
                if !same(&wanted.0, &self.given.0) {
                    self.player.pause();
                    self.player.seek(0.0);
                    self.player.set_loop(self.lab.loop_region);
                }
                self.player.set_clip(original, adversarial);
                self.given = wanted;
            }
        }
        self.keep_playhead_moving(ctx);
    }

    fn keep_playhead_moving(&self, ctx: &egui::Context) {
        if self.player.state().playing {
            let attacking = self.lab.running.is_some();
            ctx.request_repaint_after(if attacking { ATTACKING } else { PLAYING });
        }
    }
}
