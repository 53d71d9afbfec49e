//! Asking the other models about adversarial clips that were kept, without new attacks.

use std::thread;

use rayon::ThreadPool;

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
    /// Successes that nobody was asked about yet, since it was stopped.
    pub left: usize,
    /// Successes whose kept or clean clip is gone or no longer what it was, each with the reason.
    pub broken: Vec<String>,
}

/// What becomes of one success.
enum Answer {
    /// What the others say.
    Asked(Vec<Asked>),
    /// Its adversarial clip was not kept.
    Lost,
    /// A clip is gone or no longer what it was, and why.
    Broken(String),
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
        if machine.pools.is_empty() {
            return Err(ExperimentError::Nothing("there are no threads to compute on".to_owned()));
        }
        let was_asked = |row: &Row| {
            let known = |name: &str| row.transfer.iter().flatten().any(|asked| asked.model == name);
            let mut others = machine.models.iter().filter(|one| one.name != row.model);
            others.all(|one| known(&one.name))
        };
        let successes = self.rows.iter().filter(|row| row.fooled()).cloned();
        let (answered, open): (Vec<Row>, Vec<Row>) = successes.partition(was_asked);
        let mut count = Transferred { before: answered.len(), ..Transferred::default() };
        answered.iter().for_each(|_| done());
        for several in open.chunks(machine.pools.len()) {
            if control.flow() == Flow::Stop {
                count.left += several.len();
                continue;
            }
            let run = &*self;
            let answers: Vec<_> = thread::scope(|scope| {
                let pairs = several.iter().zip(&machine.pools);
                let threads: Vec<_> = pairs
                    .map(|(row, pool)| scope.spawn(move || run.ask_about(row, machine, pool)))
                    .collect();
                threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
            });
            for (row, answer) in several.iter().zip(answers) {
                done();
                let broken = |_| Ok(Answer::Broken("the program failed here".to_owned()));
                match answer.unwrap_or_else(broken)? {
                    Answer::Lost => count.lost += 1,
                    Answer::Broken(reason) => count.broken.push(format!("{}: {reason}", row.id)),
                    Answer::Asked(all) => {
                        self.replace(Row { transfer: Some(all), ..row.clone() })?;
                        count.asked += 1;
                    }
                }
            }
        }
        Ok(count)
    }

    /// Asks the others about one success.
    fn ask_about(
        &self,
        row: &Row,
        machine: &Machine,
        pool: &ThreadPool,
    ) -> Result<Answer, ExperimentError> {
        let Some(item) = self.items.iter().find(|item| item.id == row.id) else {
            return Ok(Answer::Lost);
        };
        let KeptPair { clean, adversarial, .. } =
            match self.folder.kept_pair(&self.configuration, row) {
                Ok(Some(pair)) => pair,
                Ok(None) => return Ok(Answer::Lost),
                Err(error) => return Ok(Answer::Broken(error.to_string())),
            };
        pool.install(|| work::ask_others(machine, item, &clean.samples, &adversarial))
            .map(Answer::Asked)
            .map_err(|error| ExperimentError::Nothing((machine.explain)(&error)))
    }
}
