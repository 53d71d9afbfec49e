//! Asking the other models about adversarial clips that were kept, without new attacks.

use super::configuration::ExperimentKind;
use super::error::ExperimentError;
use super::kept;
use super::machine::{Control, Machine};
use super::row::{Asked, Row};
use super::run::Run;
use super::work;
use crate::attacks::Flow;

/// What asking came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Successes that the other models were asked about now.
    pub asked: usize,
    /// Successes that they were asked about before.
    pub before: usize,
    /// Successes whose adversarial clip was not kept.
    pub lost: usize,
}

impl Run {
    /// Asks the other models about each untargeted success that they were not asked about, from
    /// the adversarial clip that was kept. `done` hears of each success.
    ///
    /// # Errors
    /// Where a kept clip can't be read, a model fails, or a row can't be written.
    pub fn transfer(
        &mut self,
        machine: &Machine,
        control: &Control,
        mut done: impl FnMut(),
    ) -> Result<Transferred, ExperimentError> {
        if self.configuration.experiment != ExperimentKind::Untargeted {
            return Err(ExperimentError::Nothing(
                "the other models are asked about untargeted successes only; this run has none"
                    .to_owned(),
            ));
        }
        let mut count = Transferred::default();
        let successes: Vec<Row> = self.rows.iter().filter(|row| row.fooled()).cloned().collect();
        for row in successes {
            if control.flow() == Flow::Stop {
                break;
            }
            done();
            let others = machine.models.iter().filter(|one| one.name != row.model);
            let asked = |name: &str| {
                row.transfer.as_ref().is_some_and(|all| all.iter().any(|one| one.model == name))
            };
            if others.clone().all(|one| asked(&one.name)) {
                count.before += 1;
                continue;
            }
            let item = self.items.iter().find(|item| item.id == row.id);
            let clip = self.candidates.clips.iter().find(|clip| clip.name == row.clip);
            let (Some(kept), Some(item), Some(clip)) = (&row.kept, item, clip) else {
                count.lost += 1;
                continue;
            };
            let clean = kept::load(&clip.path, &self.configuration)?.samples;
            let adversarial = self.folder.adversarial(&self.configuration, kept)?;
            let pool = machine.pools.first().ok_or_else(|| {
                ExperimentError::Nothing("there are no threads to compute on".to_owned())
            })?;
            let all: Vec<Asked> = pool
                .install(|| work::ask_others(machine, item, &clean, &adversarial))
                .map_err(|error| ExperimentError::Nothing((machine.explain)(&error)))?;
            self.replace(Row { transfer: Some(all), ..row })?;
            count.asked += 1;
        }
        Ok(count)
    }
}
