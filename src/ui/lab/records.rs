//! Results as they leave the window and come back: for exports and lab files.

use std::sync::Arc;

use super::state::Shown;
use super::survival_card::Survival;
use super::{Lab, LabResult};
use crate::engine::{AttackJob, CommandId};
use crate::export::{Record, Transfer};
use crate::lab_file::LabState;
use crate::models::ModelSource;

impl Lab {
    /// All there is to say of a result, by its index, whose samples are in memory.
    pub fn record(&self, index: usize) -> Option<Record> {
        let result = self.results.get(index).filter(|result| !result.is_away)?;
        let (job, outcome) = (&result.job, &result.outcome);
        let found = &result.survival.found;
        let others = self.models.iter().filter(|model| model.source != job.model);
        let transfer: Vec<Transfer> = others
            .filter_map(|model| {
                let said = |samples| self.verdicts.said(samples, &model.source).cloned();
                Some(Transfer {
                    model: model.source.clone(),
                    original: said(&job.clip.samples)?,
                    adversarial: said(&outcome.samples)?,
                })
            })
            .collect();
        Some(Record {
            name: result.name.clone(),
            clip: job.clip.clone(),
            model: job.model.clone(),
            card: result.card.clone(),
            spec: job.spec,
            true_label: None,
            outcome: outcome.clone(),
            threads: result.threads,
            device: Some(result.device.clone()),
            trace: result.trace.as_slice().into(),
            survival: (!found.is_empty()).then(|| found.clone()),
            transfer: (!transfer.is_empty()).then_some(transfer),
        })
    }

    /// Everything that is in memory, for a lab file; `window` is what the window keeps beside.
    pub fn to_save(&self, window: serde_json::Value) -> LabState {
        let mut state = LabState { clip: self.clip.clone(), window, ..LabState::default() };
        for index in 0..self.results.len() {
            let Some(record) = self.record(index) else { continue };
            if self.shown_index() == Some(index) {
                state.shown = Some(state.results.len());
            }
            state.results.push(record);
        }
        state
    }

    /// Takes up what a lab file holds: its results beside those that there are, its clip on the desk.
    /// `number` gives each result a command of its own. Gives what is worth knowing.
    pub fn take_up(
        &mut self,
        state: LabState,
        mut number: impl FnMut() -> CommandId,
    ) -> Vec<String> {
        // What is lost can't be told from what comes, and comes again.
        self.bring_all_back().ok();
        let mut shown = None;
        for (place, record) in state.results.into_iter().enumerate() {
            let clip = self.known(record.clip);
            let job = AttackJob {
                clip,
                model: record.model,
                spec: record.spec,
                goal: record.outcome.goal,
                seed: record.outcome.seed,
            };
            let same = |known: &LabResult| {
                Arc::ptr_eq(&known.job.clip.samples, &job.clip.samples)
                    && known.job.model == job.model
                    && known.job.spec == job.spec
                    && known.outcome.samples == record.outcome.samples
            };
            let index = self.results.iter().position(same).unwrap_or_else(|| {
                let found = record.survival.unwrap_or_default();
                self.results.push(LabResult {
                    name: record.name,
                    command: number(),
                    job,
                    outcome: record.outcome,
                    card: record.card,
                    threads: record.threads,
                    device: record.device.unwrap_or_else(|| "an unknown device".to_owned()),
                    trace: record.trace.to_vec(),
                    survival: Survival { found, ..Survival::default() },
                    is_away: false,
                    place: None,
                });
                self.results.len() - 1
            });
            if state.shown == Some(place) {
                shown = Some(index);
            }
        }
        if let Some(clip) = state.clip {
            self.put(clip);
        }
        if let Some(index) = shown
            && let Some(result) = self.results.get(index)
        {
            let model = result.job.model.clone();
            self.models.choose(&model);
            self.shown = Shown::Result(index);
        }
        self.models.iter().filter_map(|model| self.other_weights(&model.source)).collect()
    }

    /// What to say where results of a model were made with other weights than it has now, as far as
    /// it is loaded.
    pub(super) fn other_weights(&self, model: &ModelSource) -> Option<String> {
        let now = &self.models.get(model)?.card.as_ref()?.weights_sha256;
        let other = |result: &LabResult| {
            result.job.model == *model
                && result.card.as_ref().is_some_and(|card| card.weights_sha256 != *now)
        };
        self.results.iter().any(other).then(|| {
            format!(
                "Some results of {} were made with other weights than it has now: it may hear \
                 something else in them.",
                self.models.title(model)
            )
        })
    }
}
