//! What each wish does.

use std::path::{Path, PathBuf};

use eframe::egui;

use super::{App, UiCommand};
use crate::assets::BUNDLED;
use crate::attacks::{AttackSpec, Goal};
use crate::audio::player::Side;
use crate::audio::{DEFAULT_LIMIT_SECONDS, Direction};
use crate::engine::{
    AttackJob, ClipSource, Command, CommandId, DeviceChoice, SaveJob, SurvivalJob,
};
use crate::figure::Figure;
use crate::files;
use crate::metrics::Region;
use crate::models::{ModelSource, Verdict};
use crate::ui::command_palette::CommandPalette;
use crate::ui::compare::Comparison;
use crate::ui::demos::Demo;
use crate::ui::lab::{KnownModel, LabResult, Opening, PictureMode, Renaming, Running, Shown};
use crate::ui::settings::Settings;
use crate::ui::tab::Tab;
use crate::ui::tour::STEPS;

impl App {
    /// Fulfils the wishes of this frame.
    pub(super) fn fulfil(&mut self, ctx: &egui::Context) {
        let asked = std::mem::take(&mut self.asked);
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

    fn apply(&mut self, ctx: &egui::Context, command: UiCommand) {
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
            UiCommand::AttackOrStop => self.attack_or_stop(),
            UiCommand::CheckSurvivalOrStop => self.check_survival_or_stop(),
            UiCommand::ShowResult(index) => self.show_result(index),
            UiCommand::OpenResult(index) => {
                self.tab = Tab::Lab;
                self.show_result(index);
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
            UiCommand::ShowTab(tab) => self.tab = tab,
            UiCommand::Attack => self.attack_when_ready = true,
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
            UiCommand::Tell(words) => self.notices.info(words),
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
                self.attack_when_ready = false;
                let name = file_name(&path);
                let command = self.engine.send(Command::OpenLab(path));
                self.lab.opening = Some(Opening { command, name });
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
        }
    }

    fn load(&mut self, source: ClipSource, name: String) {
        self.attack_when_ready = false;
        let command =
            self.engine.send(Command::LoadClip { source, limit_seconds: DEFAULT_LIMIT_SECONDS });
        self.lab.opening = Some(Opening { command, name });
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
    }

    fn use_device(&mut self, choice: DeviceChoice) {
        self.lab.changing_device = Some(self.engine.send(Command::UseDevice(choice)));
        // The engine takes commands in order: models are loaded where they will then compute.
        self.lab.models.unload();
        self.lab.verdicts.forget_failures();
    }

    fn attack_or_stop(&mut self) {
        self.attack_when_ready = false;
        if self.lab.running.is_some() {
            // The comparison that it is part of ends, too.
            self.comparison.leave_out_the_rest();
            self.stop();
            return;
        }
        let Some(clip) = self.lab.clip.clone() else { return };
        if !self.lab.models.current().is_some_and(KnownModel::is_ready) {
            self.notices.info(NOT_READY);
            return;
        }
        self.notices.retract(Some(NOT_READY));
        let goal = match self.goal() {
            Ok(goal) => goal,
            Err(missing) => {
                self.notices.info(missing);
                return;
            }
        };
        for missing in [NO_TARGET, NOT_NAMED] {
            self.notices.retract(Some(missing));
        }
        let form = &self.settings.attack;
        if self.lab.results.iter().any(|result| result.survival.command.is_some()) {
            // People do not wait for what they have not asked for last.
            self.engine.cancel();
        }
        let model = self.lab.models.chosen().clone();
        self.start(AttackJob { clip, model, spec: form.spec(), goal, seed: form.seed });
        self.lab.shown = Shown::Live;
        self.player.set_side(Side::Original);
    }

    /// Attacks once that was asked for and is possible.
    pub(super) fn attack_when_ready(&mut self) {
        let lab = &self.lab;
        let ready = lab.opening.is_none()
            && lab.running.is_none()
            && lab.clip.is_some()
            && lab.models.current().is_some_and(KnownModel::is_ready);
        if self.attack_when_ready && ready {
            self.attack_when_ready = false;
            self.attack_or_stop();
        }
    }

    fn demonstrate(&mut self, ctx: &egui::Context, index: usize) {
        let Some(demo) = Demo::ALL.get(index) else { return };
        let Some(clip) = demo.bundled() else { return };
        self.settings.attack.set_preset(Demo::PRESET);
        for command in [
            UiCommand::ShowTab(Tab::Lab),
            UiCommand::ChooseModel(demo.model.into()),
            UiCommand::ChooseAttack(demo.attack),
            UiCommand::SetTarget(demo.target.map(str::to_owned)),
            UiCommand::OpenBundled(clip),
            UiCommand::Attack,
        ] {
            self.apply(ctx, command);
        }
    }

    fn go_to_step(&mut self, ctx: &egui::Context, index: Option<usize>) {
        self.tour = index.filter(|&index| index < STEPS.len());
        let Some(step) = self.tour.and_then(|index| STEPS.get(index)) else { return };
        for command in (step.acts)() {
            self.apply(ctx, command);
        }
    }

    fn toggle_presenter(&mut self, ctx: &egui::Context) {
        match self.zoom_before.take() {
            Some(zoom) => ctx.set_zoom_factor(zoom),
            None => {
                let zoom = ctx.zoom_factor();
                self.zoom_before = Some(zoom);
                ctx.set_zoom_factor(PRESENTER * zoom);
            }
        }
        self.lab.presenting = self.zoom_before.is_some();
        self.tab = Tab::Lab;
    }

    fn start(&mut self, job: AttackJob) -> CommandId {
        let command = self.engine.send(Command::Attack(Box::new(job.clone())));
        self.lab.running = Some(Running::new(command, job));
        command
    }

    fn stop(&mut self) {
        if let Some(running) = &mut self.lab.running {
            running.stopping = true;
            self.engine.cancel();
        }
    }

    fn compare_or_stop(&mut self) {
        if self.comparison.is_running() {
            self.comparison.leave_out_the_rest();
            self.stop();
            return;
        }
        let Some(clip) = &self.lab.clip else { return };
        let plan = Comparison::plan(clip, &self.settings, &self.lab);
        self.comparison.begin(plan.jobs);
    }

    /// Starts the comparison's next attack once nothing else is under way.
    pub(super) fn go_on_comparing(&mut self) {
        self.comparison.follow(&self.lab);
        let checking = self.lab.results.iter().any(|result| result.survival.command.is_some());
        if self.lab.running.is_some() || checking {
            return;
        }
        if let Some((index, job)) = self.comparison.next() {
            let command = self.start(job);
            self.comparison.started(index, command);
        }
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

    /// Where the attack shall go, or what is missing to know it.
    fn goal(&self) -> Result<Goal, &'static str> {
        let form = &self.settings.attack;
        if !form.aims() {
            return Ok(Goal::Untargeted);
        }
        let target = match form.target_rule {
            None => self.lab.labels().find(&form.target).map_err(|_| NO_TARGET)?,
            Some(rule) => {
                let verdict = self.lab.verdict().ok_or(NOT_NAMED)?;
                rule.target(verdict, verdict.top().0, form.seed).ok_or(NO_TARGET)?
            }
        };
        Ok(Goal::Targeted(target))
    }

    fn check_survival_or_stop(&mut self) {
        let Some(index) = self.lab.shown_index() else { return };
        // An attack under way would be stopped with it, and holds the engine anyway.
        let attacking = self.lab.running.is_some();
        let Some(result) = self.lab.results.get_mut(index) else { return };
        if result.survival.command.is_some() {
            if !attacking {
                result.survival.stopping = true;
                self.engine.cancel();
            }
            return;
        }
        if attacking || !result.was_changed() {
            return;
        }
        let (job, outcome) = (&result.job, &result.outcome);
        let job = SurvivalJob {
            clip: job.clip.clone(),
            adversarial: outcome.samples.clone(),
            model: job.model.clone(),
            original_label: outcome.original_label,
            goal: job.goal,
            seed: outcome.seed,
        };
        result.survival.found.clear();
        let command = self.engine.send(Command::Survival(Box::new(job)));
        result.survival.command = Some(command);
    }

    fn delete_result(&mut self, index: usize) {
        let checking = self.lab.delete(index);
        if checking && self.lab.running.is_none() {
            self.engine.cancel();
        }
    }

    /// A dialog opens for the shown result.
    fn remember_result(&mut self) {
        if !self.dialogs.is_open() {
            self.to_save = self.lab.shown_result().map(|result| result.command);
        }
    }

    /// The result that a dialog was opened for, or the one that is shown.
    pub(super) fn result_to_save(&mut self) -> Option<usize> {
        let of = |command| self.lab.results.iter().position(|result| result.command == command);
        let index = match self.to_save.take() {
            Some(command) => of(command),
            None => self.lab.shown_index(),
        };
        if index.is_none() {
            self.notices.info("Nothing was saved: there is no result. Attack the clip first.");
        }
        index
    }

    fn save_pair(&mut self, folder: PathBuf) {
        if let Some(result) = self.result_to_save().and_then(|index| self.lab.results.get(index)) {
            let job = SaveJob::Pair {
                clip: result.job.clip.clone(),
                adversarial: result.outcome.samples.clone(),
                folder,
            };
            self.saving.push(self.engine.send(Command::Save(job)));
        }
    }

    fn save_figure(&mut self, path: PathBuf) {
        let (stft, look) = (self.settings.stft, self.settings.look);
        if let Some(result) = self.result_to_save().and_then(|index| self.lab.results.get(index)) {
            let (job, outcome) = (&result.job, &result.outcome);
            let top = |verdict: &Verdict| (verdict.title(), verdict.top().1);
            let figure = Figure {
                clip: job.clip.name.to_string(),
                model: self.lab.models.title(&job.model),
                attack: job.spec.id.title().to_owned(),
                original: job.clip.samples.clone(),
                adversarial: outcome.samples.clone(),
                original_label: top(&outcome.original),
                adversarial_label: top(&outcome.adversarial),
                snr_db: outcome.metrics.snr_db,
                stft,
                look,
            };
            let job = SaveJob::Figure { figure: Box::new(figure), path };
            self.saving.push(self.engine.send(Command::Save(job)));
        }
    }
}

/// By how much everything is larger for a class.
const PRESENTER: f32 = 1.25;

/// What is told where the labels to aim at are not known yet, or may change.
const NOT_READY: &str = "The model is not loaded yet: attack when it is.";

/// What is told where an attack should aim and has no target.
const NO_TARGET: &str = "Choose the label that the model shall hear, then attack.";

/// What is told where a target follows from what the model hears, and that is not known yet.
const NOT_NAMED: &str = "The model has not named the clip yet, and the target follows from what it \
                         hears: attack when it has.";

/// Where recordings are kept.
fn recordings_folder() -> Option<PathBuf> {
    files::data_folder().map(|folder| folder.join("recordings"))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
