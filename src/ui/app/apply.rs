//! What each wish does.

use std::path::{Path, PathBuf};

use eframe::egui;

use super::attacking::Awaited;
use super::{App, UiCommand};
use crate::assets::BUNDLED;
use crate::attacks::AttackSpec;
use crate::audio::player::Side;
use crate::audio::{DEFAULT_LIMIT_SECONDS, Direction};
use crate::engine::{ClipSource, Command, DeviceChoice};
use crate::files;
use crate::metrics::Region;
use crate::models::ModelSource;
use crate::ui::command_palette::CommandPalette;
use crate::ui::lab::{LabResult, Opening, PictureMode, Renaming, Shown};
use crate::ui::notices::Notices;
use crate::ui::settings::Settings;
use crate::ui::tab::Tab;

impl App {
    /// Fulfils the wishes of this frame.
    pub(super) fn fulfil(&mut self, ctx: &egui::Context) {
        let asked = std::mem::take(&mut self.asked);
        self.lab.tidy_up();
        if !asked.is_empty() {
            ctx.request_repaint();
        }
        for command in asked {
            self.apply(ctx, command);
        }
        self.lab.listen(&self.engine);
        self.settings.zoom = self.zoom_before.unwrap_or(ctx.zoom_factor());
        self.lab.look_into(&self.engine);
        // A path that is no text could not be kept, nor any other setting beside it.
        self.settings.own_models = self.lab.models.files();
        self.settings.own_models.retain(|path| path.to_str().is_some());
        self.settings.model = self.lab.models.chosen().to_string();
    }

    pub(super) fn apply(&mut self, ctx: &egui::Context, command: UiCommand) {
        match command {
            UiCommand::ChooseClip => self.dialogs.open_clip(ctx),
            UiCommand::OpenFile(path) => {
                let name = file_name(&path);
                self.load(ClipSource::File(path), name);
            }
            UiCommand::OpenBundled(index) => {
                if let Some(clip) = BUNDLED.get(index) {
                    self.load(ClipSource::Bundled(index), clip.name.to_owned());
                }
            }
            UiCommand::ForgetRecent(path) => self.settings.forget(&path),
            UiCommand::LookForRecent => {
                let pace = self.pace.clone();
                self.lab.recent.look(self.settings.recent.clone(), move || pace.wake());
            }
            UiCommand::OpenRecorder => {
                // What plays would be recorded, too.
                self.player.pause();
                self.recording.open(&self.settings, recordings_folder(), &self.pace);
            }
            UiCommand::CloseRecorder => self.recording.close(),
            UiCommand::RecordOrStop => self.recording.start_or_stop(self.settings.countdown),
            UiCommand::ChooseMicrophone(device) => {
                self.settings.input = device;
                if self.recording.is_open() {
                    self.recording.listen(&self.settings, recordings_folder(), &self.pace);
                }
            }
            UiCommand::RetryModel(model) => self.retry_model(&model),
            UiCommand::HearAgain => self.lab.verdicts.forget_failures(),
            UiCommand::ChooseModel(model) => self.lab.models.choose(&model),
            UiCommand::ChooseWeights => self.dialogs.open_weights(ctx),
            UiCommand::OpenModel(path) => self.open_model(&path),
            UiCommand::CloseModel(model) => self.close_model(&model),
            UiCommand::ToggleModels => self.sheet = self.sheet.toggled(self.lab.models.chosen()),
            UiCommand::UseDevice(choice) => self.use_device(choice),
            UiCommand::SetThreads(threads) => {
                self.settings.threads = threads;
                self.lab.threads = threads;
                self.engine.send(Command::SetThreads(threads));
            }
            UiCommand::AttackOrStop => self.attack_or_stop(&Awaited::Chosen),
            UiCommand::CheckSurvivalOrStop => self.check_survival_or_stop(),
            UiCommand::ShowResult(index) => self.show_result(index),
            UiCommand::OpenResult(index) => {
                self.tab = Tab::Lab;
                self.show_result(index);
            }
            UiCommand::BringBack(index) => {
                self.bring_back(index);
            }
            UiCommand::PlayResult(index) => self.play_result(index),
            UiCommand::CompareOrStop => self.compare_or_stop(),
            UiCommand::BeginRenaming => {
                self.lab.renaming = self.lab.shown_result().map(|result| Renaming {
                    command: result.command,
                    typed: result.name.clone().unwrap_or_default(),
                });
            }
            UiCommand::RenameResult(command, name) => self.lab.rename(command, &name),
            UiCommand::DeleteResult(index) => self.delete_result(index),
            UiCommand::DeleteShown => {
                if let Some(index) = self.lab.shown_index() {
                    self.delete_result(index);
                }
            }
            UiCommand::Undo => self.lab.undo(),
            UiCommand::Experiment(wish) => self.experiment(ctx, wish),
            UiCommand::Listening(command) => self.apply_listening(ctx, command),
            UiCommand::ShowTab(tab) => {
                self.tab = tab;
                if tab == Tab::Listen {
                    self.listening.look_once(&self.pace);
                }
            }
            UiCommand::Attack => self.attack_when_ready = Some(Awaited::Chosen),
            UiCommand::ChooseAttack(id) => {
                self.settings.attack.set_id(id);
                self.settings.attack.snr_db = AttackSpec::new(id).snr_db;
            }
            UiCommand::SetTarget(target) => {
                self.settings.attack.targeted = target.is_some();
                self.settings.attack.target = target.unwrap_or_default();
                self.settings.attack.target_rule = None;
            }
            UiCommand::SetPanes(panes) => self.settings.panes = panes,
            UiCommand::Demo(index) => self.demonstrate(ctx, index),
            UiCommand::Tour(index) => self.go_to_step(ctx, index),
            UiCommand::TogglePresenter => self.toggle_presenter(ctx),
            UiCommand::TogglePalette => {
                self.palette = match self.palette.take() {
                    Some(_) => None,
                    None => Some(CommandPalette::default()),
                };
            }
            UiCommand::Tell(words) => self.notices.done(words),
            UiCommand::ShowLive => self.lab.shown = Shown::Live,
            UiCommand::Play => {
                if self.lab.clip.is_some() {
                    self.player.play();
                }
            }
            UiCommand::Pause => self.player.pause(),
            UiCommand::PlayOrPause => {
                if self.lab.clip.is_some() {
                    self.player.toggle();
                }
            }
            UiCommand::Listen(side) => {
                if side == Side::Original || self.lab.adversarial().is_some() {
                    self.player.set_side(side);
                }
            }
            UiCommand::Seek(seconds) => self.player.seek(seconds.max(0.0)),
            UiCommand::SeekBy(seconds) => {
                let state = self.player.state();
                let end = (state.duration_seconds - 0.01).max(0.0);
                self.player.seek((state.position_seconds + seconds).clamp(0.0, end));
            }
            UiCommand::SetLooping(looping) => {
                self.settings.looping = looping;
                self.player.set_looping(looping);
            }
            UiCommand::SetLoop(region) => {
                let region = region.map(|(from, to)| Region { seconds: [from, to], hz: None });
                self.apply(ctx, UiCommand::Select(region));
            }
            UiCommand::Select(region) => {
                self.lab.choose_region(region);
                self.player.set_loop(self.lab.loop_region);
                if region.is_some() {
                    self.apply(ctx, UiCommand::SetLooping(true));
                }
            }
            UiCommand::ZoomToRegion => {
                let heights = self.lab.heights(self.settings.look.axis);
                self.lab.zoom_to_region(&heights);
            }
            UiCommand::ShowPicture(mode) => self.lab.insights.show(mode),
            UiCommand::TogglePicture(mode) => {
                let shown = self.lab.insights.mode == mode;
                self.lab.insights.show(if shown { PictureMode::Levels } else { mode });
            }
            UiCommand::SetGain(gain_db) => {
                self.settings.gain_db = gain_db;
                self.player.set_gain_db(gain_db);
            }
            UiCommand::SetDifferenceGain(gain_db) => {
                self.settings.difference_gain_db = gain_db;
                self.player.set_difference_gain_db(gain_db);
            }
            UiCommand::ChooseOutput(device) => {
                self.settings.output.clone_from(&device);
                self.player.set_device(device);
            }
            UiCommand::LookForOutputs => {
                let pace = self.pace.clone();
                self.lab.outputs.look(Direction::Output, move || pace.wake());
            }
            UiCommand::ResetView => self.lab.view = Default::default(),
            UiCommand::ToggleDifference => {
                let [original, adversarial, difference] = &mut self.settings.panes;
                *difference = !*difference;
                if !(*original || *adversarial || *difference) {
                    *original = true;
                }
            }
            UiCommand::ChoosePairFolder => {
                if self.lab.shown_result().is_some_and(LabResult::was_changed) {
                    self.remember_result();
                    self.dialogs.pair_folder(ctx);
                }
            }
            UiCommand::ChooseFigure => {
                if let Some(result) = self.lab.shown_result().filter(|result| result.was_changed())
                {
                    let name = format!("{}.png", result.job.clip.name);
                    self.remember_result();
                    self.dialogs.figure(ctx, &name);
                }
            }
            UiCommand::SavePair(folder) => self.save_pair(folder),
            UiCommand::SaveFigure(path) => self.save_figure(path),
            UiCommand::OpenLab(path) => {
                self.attack_when_ready = None;
                let name = file_name(&path);
                let command = self.engine.send(Command::OpenLab(path.clone()));
                self.lab.opening = Some(Opening { command, name, lab: Some(path) });
            }
            UiCommand::ChooseLab => {
                if self.lab.clip.is_some() {
                    self.dialogs.lab(ctx, &self.lab_name());
                }
            }
            UiCommand::SaveLab(path) => self.save_lab(path),
            UiCommand::ToggleExport => {
                let some = self.lab.shown_result().is_some_and(LabResult::was_changed);
                self.exporting = some && !self.exporting;
            }
            UiCommand::ChooseExportFolder => {
                self.remember_result();
                self.dialogs.export_folder(ctx);
            }
            UiCommand::ChooseExportZip => {
                self.remember_result();
                self.dialogs.export_zip(ctx, &format!("{}.zip", self.clip_name()));
            }
            UiCommand::Export(to) => self.export(to),
            UiCommand::SetTheme(theme) => {
                self.settings.theme = theme;
                ctx.set_theme(theme);
            }
            UiCommand::SetZoom(zoom) => {
                let zoom = Settings { zoom, ..Settings::default() }.usable_zoom();
                ctx.set_zoom_factor(zoom);
                self.settings.zoom = zoom;
            }
            UiCommand::ToggleAbout => self.about = !self.about,
            UiCommand::ToggleHelp => self.help = !self.help,
            UiCommand::DismissNotice(index) => self.notices.dismiss(index),
            UiCommand::DismissNotices => self.notices = Notices::default(),
        }
    }

    fn load(&mut self, source: ClipSource, name: String) {
        self.attack_when_ready = None;
        let command =
            self.engine.send(Command::LoadClip { source, limit_seconds: DEFAULT_LIMIT_SECONDS });
        self.lab.opening = Some(Opening { command, name, lab: None });
    }

    fn retry_model(&mut self, model: &ModelSource) {
        let command = self.engine.send(Command::LoadModel(model.clone()));
        self.lab.models.loads(model, command);
    }

    fn open_model(&mut self, path: &Path) {
        // The same file by another path is the same model.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let model = ModelSource::File(path.into());
        let command = self.engine.send(Command::ReloadModel(model.clone()));
        self.lab.models.open(&model, command);
    }

    fn close_model(&mut self, model: &ModelSource) {
        self.engine.send(Command::ForgetModel(model.clone()));
        self.lab.models.close(model);
        self.lab.insights.forget_model(model);
        self.lab.verdicts.forget_model(model);
    }

    /// Brings a result back, and with it the model that it was made with.
    fn show_result(&mut self, index: usize) {
        self.lab.shown = Shown::Result(index);
        if let Some(result) = self.lab.results.get(index) {
            self.lab.models.choose(&result.job.model);
        }
        self.bring_back(index);
    }

    /// Brings a result's samples back to memory; tells people where they are lost. Gives whether
    /// they are there.
    pub(super) fn bring_back(&mut self, index: usize) -> bool {
        let back = self.lab.bring_back(index);
        back.map_err(|words| self.notices.error(words)).is_ok()
    }

    fn use_device(&mut self, choice: DeviceChoice) {
        self.lab.changing_device = Some(self.engine.send(Command::UseDevice(choice)));
        // The engine takes commands in order: models are loaded where they will then compute.
        self.lab.models.unload();
        self.lab.verdicts.forget_failures();
    }

    /// Plays a result's adversarial side from the start, or pauses it.
    fn play_result(&mut self, index: usize) {
        let same = self.lab.shown_index() == Some(index);
        if same && self.player.state().playing {
            self.player.pause();
            return;
        }
        self.show_result(index);
        if self.lab.adversarial().is_some() {
            self.player.set_side(Side::Adversarial);
            self.player.seek(0.0);
            self.player.play();
        }
    }

    fn delete_result(&mut self, index: usize) {
        let checking = self.lab.delete(index);
        if checking && self.lab.running.is_none() {
            self.engine.cancel();
        }
    }
}

/// Where recordings are kept.
fn recordings_folder() -> Option<PathBuf> {
    files::data_folder().map(|folder| folder.join("recordings"))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
