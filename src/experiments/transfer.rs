//! Asking the other models about adversarial clips that were kept, without new attacks.

use super::configuration::ExperimentKind;
use super::error::ExperimentError;
use super::kept::KeptPair;
use super::machine::{Control, Machine};
use super::row::{Asked, Row};
use super::run::Run;
use super::work;
use crate::attacks::Flow;

/// What asking came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Successes that the other models were asked about now.
    pub asked: usize,
    /// Successes that they were asked about before.
    pub before: usize,
    /// Successes whose adversarial clip was not kept.
    pub lost: usize,
    /// Successes whose kept or clean clip is gone or no longer what it was, each with the reason.
    pub broken: Vec<String>,
}

impl Run {
    /// Asks the other models about each untargeted success that they were not asked about, from
    /// the adversarial clip that was kept. `done` hears of each success.
    ///
    /// # Errors
    /// Where a model fails or a row can't be written.
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
            let Some(item) = self.items.iter().find(|item| item.id == row.id) else {
                count.lost += 1;
                continue;
            };
            let KeptPair { clean, adversarial, .. } =
                match self.folder.kept_pair(&self.configuration, &row) {
                    Ok(Some(pair)) => pair,
                    Ok(None) => {
                        count.lost += 1;
                        continue;
                    }
                    Err(error) => {
                        count.broken.push(format!("{}: {error}", row.id));
                        continue;
                    }
                };
            let pool = machine.pools.first().ok_or_else(|| {
                ExperimentError::Nothing("there are no threads to compute on".to_owned())
            })?;
            let all: Vec<Asked> = pool
                .install(|| work::ask_others(machine, item, &clean.samples, &adversarial))
                .map_err(|error| ExperimentError::Nothing((machine.explain)(&error)))?;
            self.replace(Row { transfer: Some(all), ..row })?;
            count.asked += 1;
        }
        Ok(count)
    }
}
