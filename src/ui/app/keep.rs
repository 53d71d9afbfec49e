//! What leaves the window as files, and labs that come back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::App;
use crate::audio::{self, Clip};
use crate::dsp::{Look, StftSettings};
use crate::engine::{Command, SaveJob};
use crate::export::{Destination, Pictures, rounding};
use crate::figure::Figure;
use crate::lab_file::{EXTENSION, LabState};
use crate::metrics::Region;
use crate::models::{ModelSource, Verdict};
use crate::ui::lab::PictureMode;
use crate::ui::settings::{AttackForm, Settings};
use crate::ui::tab::Tab;

/// What a lab file keeps of the window, beside clips and results.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Window {
    model: String,
    attack: AttackForm,
    look: Look,
    stft: StftSettings,
    difference_auto: bool,
    difference_range: [f32; 2],
    magnification: u32,
    panes: [bool; 3],
    view: [[f64; 2]; 2],
    mode: PictureMode,
    /// Of the view of where the model listens: the label, and whether the gradient alone is shown.
    listens_for: Option<String>,
    gradient_alone: bool,
    /// The chosen part: from when to when in seconds, and its band in Hz.
    seconds: Option<[f64; 2]>,
    hz: Option<[f64; 2]>,
}

impl Default for Window {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            model: settings.model,
            attack: settings.attack,
            look: settings.look,
            stft: settings.stft,
            difference_auto: settings.difference_auto,
            difference_range: settings.difference_range,
            magnification: settings.magnification,
            panes: settings.panes,
            view: [[0.0, 1.0]; 2],
            mode: PictureMode::default(),
            listens_for: None,
            gradient_alone: false,
            seconds: None,
            hz: None,
        }
    }
}

impl App {
    /// The clip's name, fit for a file's.
    pub(super) fn clip_name(&self) -> String {
        let name = self.lab.clip.as_ref().map(|clip| audio::file_name(&clip.name));
        name.unwrap_or_else(|| "clip".to_owned())
    }

    /// A name for the lab's file.
    pub(super) fn lab_name(&self) -> String {
        format!("{}.{EXTENSION}", self.clip_name())
    }

    pub(super) fn save_lab(&mut self, path: PathBuf) {
        if let Err(words) = self.lab.bring_all_back() {
            // The rest is worth a file all the same.
            self.notices.error(words);
        }
        let view = self.lab.view;
        let window = Window {
            model: self.lab.models.chosen().to_string(),
            attack: self.settings.attack.clone(),
            look: self.settings.look,
            stft: self.settings.stft,
            difference_auto: self.settings.difference_auto,
            difference_range: self.settings.difference_range,
            magnification: self.settings.magnification,
            panes: self.settings.panes,
            view: [view.x, view.y],
            mode: self.lab.insights.mode,
            listens_for: self.lab.insights.label.clone(),
            gradient_alone: self.lab.insights.gradient_alone,
            seconds: self.lab.region().map(|region| region.seconds),
            hz: self.lab.region().and_then(|region| region.hz),
        };
        let window = serde_json::to_value(window).unwrap_or_default();
        let state = Box::new(self.lab.to_save(window));
        let command = self.engine.send(Command::Save(SaveJob::Lab { state, path }));
        self.closing.saving(command, self.result_commands());
        self.saving.push(command);
    }

    /// Takes up a lab that was read.
    pub(super) fn take_up_lab(&mut self, mut state: LabState) {
        let window: Window = serde_json::from_value(state.window.take()).unwrap_or_default();
        let before = self.result_commands();
        let engine = &self.engine;
        let shows_result = state.shown.is_some();
        let news = self.lab.take_up(state, || engine.number());
        let new = self.result_commands().into_iter().filter(|command| !before.contains(command));
        self.closing.came_from_a_file(new);
        for words in news {
            self.notices.info(words);
        }
        self.settings.attack = window.attack;
        self.settings.look = window.look;
        self.settings.stft = window.stft;
        self.settings.difference_auto = window.difference_auto;
        self.settings.difference_range = window.difference_range;
        self.settings.magnification = window.magnification;
        self.settings.panes = window.panes;
        self.lab.view.look_at(window.view);
        self.lab.insights.mode = window.mode;
        self.lab.insights.label = window.listens_for;
        self.lab.insights.gradient_alone = window.gradient_alone;
        let whole = self.lab.clip.as_ref().map_or(0.0, Clip::seconds);
        let inside = |seconds: &[f64; 2]| {
            let [from, to] = *seconds;
            0.0 <= from && from < to && to <= whole
        };
        let part = window.seconds.filter(inside).map(|seconds| Region { seconds, hz: window.hz });
        self.lab.choose_region(part);
        self.player.set_loop(self.lab.loop_region);
        if !shows_result && let Ok(model) = ModelSource::find(&window.model) {
            self.lab.models.choose(&model);
        }
        self.tab = Tab::Lab;
    }

    /// Exports what was chosen of the result that the dialog was opened for.
    pub(super) fn export(&mut self, to: Destination) {
        let Some(index) = self.result_to_save() else { return };
        let Some(record) = self.lab.record(index) else { return };
        let contents = self.settings.export;
        let survived = record.survival.as_deref().unwrap_or_default();
        let rounded = rounding(contents.depth)
            .and_then(|transform| survived.iter().find(|known| known.transform == transform))
            .cloned()
            .map(Box::new);
        let job = SaveJob::Export {
            model: self.lab.models.title(&record.model),
            record: Box::new(record),
            contents,
            pictures: Pictures { stft: self.settings.stft, look: self.settings.look },
            rounded,
            to,
        };
        self.save_of(index, job);
    }

    /// A dialog opens for the shown result.
    pub(super) fn remember_result(&mut self) {
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
        index.filter(|&index| self.bring_back(index))
    }

    pub(super) fn save_pair(&mut self, folder: PathBuf) {
        let Some(index) = self.result_to_save() else { return };
        if let Some(result) = self.lab.results.get(index) {
            let job = SaveJob::Pair {
                clip: result.job.clip.clone(),
                adversarial: result.outcome.samples.clone(),
                folder,
            };
            self.save_of(index, job);
        }
    }

    /// Writes a file that holds a result.
    fn save_of(&mut self, index: usize, job: SaveJob) {
        let command = self.engine.send(Command::Save(job));
        let result = self.lab.results.get(index).map(|result| result.command);
        self.closing.saving(command, result.into_iter().collect());
        self.saving.push(command);
    }

    pub(super) fn save_figure(&mut self, path: PathBuf) {
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
