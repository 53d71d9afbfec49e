//! What the engine's events change in the Lab.

use super::models::Loaded;
use super::state::Shown;
use super::verdicts::Heard;
use super::{Lab, LabResult, Running, Survival};
use crate::attacks::{Outcome, Status};
use crate::audio::Clip;
use crate::engine::{CommandId, Event, EventKind};
use crate::lab_file::LabState;
use crate::models::Verdict;

/// What an event means for the rest of the window.
pub enum News {
    /// Nothing more.
    Nothing,
    /// A clip was opened.
    Opened(Clip),
    /// A lab was read.
    Lab(Box<LabState>),
    /// Something worth knowing.
    Worth(String),
    /// An error to tell.
    Trouble(String),
}

impl Lab {
    /// Takes in an event.
    pub fn on_event(&mut self, event: Event) -> News {
        let Event { command, kind } = event;
        match kind {
            EventKind::ClipLoaded(clip) => {
                // Only the latest wish counts.
                if self.opening.as_ref().is_some_and(|opening| opening.command == command) {
                    self.opening = None;
                    return News::Opened(self.put(clip));
                }
            }
            EventKind::ModelLoaded { model, card } => {
                if self.models.loaded(&model, *card) == Loaded::Changed {
                    self.verdicts.forget_model(&model);
                    self.insights.forget_model(&model);
                }
                self.verdicts.forget_failures_of(&model);
                // Of a lab that was opened before the model was.
                if let Some(words) = self.other_weights(&model) {
                    return News::Worth(words);
                }
            }
            EventKind::ModelNotLoaded { model, reason } => {
                self.verdicts.answer(command, &model, Heard::Failed(reason.clone()));
                if self.models.not_loaded(&model, command, reason.clone()) == Loaded::Missed {
                    return News::Trouble(reason);
                }
            }
            EventKind::Classified { model, verdict } => {
                self.verdicts.answer(command, &model, Heard::Said(verdict));
            }
            EventKind::NotClassified { model, reason } => {
                self.verdicts.answer(command, &model, Heard::Failed(reason));
            }
            EventKind::Inspected(inspection) => self.insights.inspected(command, *inspection),
            EventKind::Explained(explanation) => self.insights.explained(command, *explanation),
            EventKind::DeviceChanged(device) => {
                if self.changing_device == Some(command) {
                    self.changing_device = None;
                }
                let notice = device.notice.clone();
                self.device = device;
                return notice.map_or(News::Nothing, News::Worth);
            }
            EventKind::AttackStarted { threads, card } => {
                let running = self.running.as_mut().filter(|running| running.command == command);
                if let Some(running) = running {
                    running.threads = Some(threads);
                    running.card = Some(card);
                }
            }
            EventKind::Survived(survived) => {
                if let Some(survival) = self.survival_of(command) {
                    survival.found.push(*survived);
                }
            }
            EventKind::SurvivalDone => self.end_survival(command),
            EventKind::LabOpened(state) => {
                if self.opening.take_if(|opening| opening.command == command).is_some() {
                    return News::Lab(state);
                }
            }
            EventKind::ThreadsSet(_) | EventKind::Saved(_) => {}
            EventKind::AttackProgress(snapshot) => {
                let running = self.running.as_mut().filter(|running| running.command == command);
                if let Some(running) = running {
                    running.progress(*snapshot);
                }
            }
            EventKind::AttackDone(outcome) => {
                let Some(running) = self.running.take_if(|running| running.command == command)
                else {
                    return News::Nothing;
                };
                let trouble = match &outcome.status {
                    Status::Failed(reason) => Some(reason.clone()),
                    _ => None,
                };
                let watched = self.shown == Shown::Live;
                let ours = self.is_this_clip(&running.job.clip);
                self.keep_verdicts(&running, &outcome);
                self.results.push(LabResult {
                    name: None,
                    command,
                    job: running.job,
                    outcome: *outcome,
                    card: running.card,
                    threads: running.threads,
                    device: self.device.name.clone(),
                    trace: running.trace,
                    survival: Default::default(),
                    is_away: false,
                    place: None,
                });
                if watched && ours {
                    self.shown = Shown::Result(self.results.len() - 1);
                }
                if let Some(reason) = trouble {
                    return News::Trouble(format!("The attack failed: {reason}"));
                }
            }
            EventKind::Failed(reason) => return self.on_failure(command, reason),
        }
        News::Nothing
    }

    fn on_failure(&mut self, command: CommandId, reason: String) -> News {
        if self.opening.take_if(|opening| opening.command == command).is_some() {
            return News::Trouble(reason);
        }
        if self.insights.failed(command, &reason) {
            // It is told where the picture would be.
            return News::Nothing;
        }
        self.end_survival(command);
        self.verdicts.fail(command, &reason);
        if self.changing_device == Some(command) {
            self.changing_device = None;
        }
        if self.running.take_if(|running| running.command == command).is_some()
            && self.shown == Shown::Live
        {
            self.shown = self.latest_result();
        }
        News::Trouble(reason)
    }

    /// The survival that a command finds out.
    fn survival_of(&mut self, command: CommandId) -> Option<&mut Survival> {
        let survivals = self.results.iter_mut().map(|result| &mut result.survival);
        survivals.into_iter().find(|survival| survival.command == Some(command))
    }

    fn end_survival(&mut self, command: CommandId) {
        if let Some(survival) = self.survival_of(command) {
            (survival.command, survival.stopping) = (None, false);
        }
    }

    /// What an attack has found out anyway need not be asked again, unless the model has other
    /// weights by now.
    fn keep_verdicts(&mut self, running: &Running, outcome: &Outcome) {
        let model = &running.job.model;
        let now = self.models.get(model).and_then(|known| known.card.as_ref());
        let same = match (now, &running.card) {
            (Some(now), Some(then)) => now.weights_sha256 == then.weights_sha256,
            _ => false,
        };
        if !same || outcome.original.probabilities.is_empty() {
            return;
        }
        let said = |verdict: &Verdict| Heard::Said(verdict.clone());
        self.verdicts.set(&running.job.clip.samples, model, said(&outcome.original));
        // Where the last check failed, the model never heard the result.
        if !matches!(outcome.status, Status::Failed(_)) {
            self.verdicts.set(&outcome.samples, model, said(&outcome.adversarial));
        }
    }

    /// Puts a clip on the desk; the results of earlier clips are kept and come back with them.
    pub fn put(&mut self, clip: Clip) -> Clip {
        let clip = self.known(clip);
        if !self.is_this_clip(&clip) {
            self.view = Default::default();
            self.choose_region(None);
            self.cursor = None;
            self.to_the_top = true;
        }
        self.clip = Some(clip.clone());
        self.shown = if self.is_attacking_this() { Shown::Live } else { self.latest_result() };
        clip
    }

    /// The same recording again is the same clip, so that its results belong to it.
    pub(super) fn known(&self, clip: Clip) -> Clip {
        let known = self.results.iter().map(|result| &result.job.clip);
        let known = known.chain(self.running.iter().map(|running| &running.job.clip));
        known
            .chain(&self.clip)
            .find(|known| known.name == clip.name && known.samples == clip.samples)
            .cloned()
            .unwrap_or(clip)
    }

    /// Shows the latest result of the clip where nothing is shown and nothing runs.
    pub fn show_latest_if_nothing(&mut self) {
        if self.shown == Shown::Nothing && self.running.is_none() {
            self.shown = self.latest_result();
        }
    }

    pub(super) fn latest_result(&self) -> Shown {
        let latest = self.results_of_clip().next_back();
        latest.map_or(Shown::Nothing, |(index, _)| Shown::Result(index))
    }
}
