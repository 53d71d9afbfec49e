//! The rows of a comparison, and which of them is next.

use crate::attacks::{Goal, Status};
use crate::audio::Clip;
use crate::engine::{AttackJob, CommandId};
use crate::models::{Labels, ModelSource, Verdict};
use crate::ui::lab::Lab;
use crate::ui::settings::{AttackForm, Settings};

use super::columns::Sort;
use super::thumbnails::Thumbnails;

/// How far a row is.
#[derive(Clone, Debug, PartialEq)]
pub enum RowState {
    /// Its turn has not come.
    Waiting,
    /// It is under way as this command.
    Running(CommandId),
    /// It ended; the result that this command gave tells how.
    Ended(CommandId),
    /// It ended without a result.
    Failed,
    /// It was stopped before its turn came.
    LeftOut,
}

/// One attack of the comparison.
pub struct Row {
    /// What is asked for.
    pub job: AttackJob,
    /// How far it is.
    pub state: RowState,
}

impl Row {
    /// Whether it was not done to its end: it failed, was left out, or was stopped.
    fn can_be_done_again(&self, lab: &Lab) -> bool {
        match self.state {
            RowState::Failed | RowState::LeftOut => true,
            RowState::Ended(command) => lab.results.iter().any(|result| {
                result.command == command && result.outcome.status == Status::Cancelled
            }),
            RowState::Waiting | RowState::Running(_) => false,
        }
    }
}

/// What a comparison would do.
#[derive(Default)]
pub struct Plan {
    /// The attacks, model by model.
    pub jobs: Vec<AttackJob>,
    /// What was chosen and can't be done, and why.
    pub left_out: Vec<String>,
}

/// All rows of this session.
#[derive(Default)]
pub struct Comparison {
    /// The rows of all clips, in the order in which they are worked off.
    pub rows: Vec<Row>,
    /// By what the table is sorted.
    pub sort: Sort,
    /// The small pictures.
    pub(super) thumbnails: Thumbnails,
}

impl Comparison {
    /// What the choices mean for a clip: the goal, the search and the seed are those of the Lab.
    pub fn plan(clip: &Clip, settings: &Settings, lab: &Lab) -> Plan {
        let mut plan = Plan::default();
        let form = &settings.attack;
        for id in settings.compared_attacks() {
            if form.targeted && !id.takes_target() {
                plan.left_out.push(format!("{} cannot aim at a target.", id.title()));
            }
        }
        for source in compared_models(settings, lab) {
            let model = lab.models.get(&source);
            let title = lab.models.title(&source);
            let Some(card) = model.filter(|model| model.is_ready()).and_then(|m| m.card.as_ref())
            else {
                plan.left_out.push(format!("{title} is not loaded."));
                continue;
            };
            for id in settings.compared_attacks() {
                let mut form = form.clone();
                form.set_id(id);
                if form.targeted && !id.takes_target() {
                    continue;
                }
                match goal(&form, &card.labels, lab.verdicts.said(&clip.samples, &source)) {
                    Ok(goal) => plan.jobs.push(AttackJob {
                        clip: clip.clone(),
                        model: source.clone(),
                        spec: form.spec(),
                        goal,
                        seed: form.seed,
                    }),
                    Err(reason) => {
                        plan.left_out.push(format!("{title}: {reason}"));
                        break;
                    }
                }
            }
        }
        plan
    }

    /// Takes jobs up; those that were done to their end before are not done again.
    pub fn begin(&mut self, jobs: Vec<AttackJob>, lab: &Lab) {
        for job in jobs {
            match self.rows.iter_mut().find(|row| same(&row.job, &job)) {
                Some(row) if row.can_be_done_again(lab) => row.state = RowState::Waiting,
                Some(_) => {}
                None => self.rows.push(Row { job, state: RowState::Waiting }),
            }
        }
    }

    /// How many of these jobs are still to be done.
    pub fn to_do(&self, jobs: &[AttackJob], lab: &Lab) -> usize {
        let ended = |job: &&AttackJob| {
            let row = self.rows.iter().find(|row| same(&row.job, job));
            row.is_some_and(|row| {
                matches!(row.state, RowState::Ended(_)) && !row.can_be_done_again(lab)
            })
        };
        jobs.len() - jobs.iter().filter(ended).count()
    }

    /// The next row that waits, by its index, and what it asks for.
    pub fn next(&self) -> Option<(usize, AttackJob)> {
        let index = self.rows.iter().position(|row| row.state == RowState::Waiting)?;
        Some((index, self.rows.get(index)?.job.clone()))
    }

    /// A row is under way as a command.
    pub fn started(&mut self, index: usize, command: CommandId) {
        if let Some(row) = self.rows.get_mut(index) {
            row.state = RowState::Running(command);
        }
    }

    /// Whether any row waits or is under way.
    pub fn is_running(&self) -> bool {
        let busy = |row: &Row| matches!(row.state, RowState::Waiting | RowState::Running(_));
        self.rows.iter().any(busy)
    }

    /// What waits is left out.
    pub fn leave_out_the_rest(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.state == RowState::Waiting) {
            row.state = RowState::LeftOut;
        }
    }

    /// Takes in what became of the row under way and what else was attacked, and forgets rows whose
    /// results are gone.
    pub fn follow(&mut self, lab: &Lab) {
        let has_result = |command| lab.results.iter().any(|result| result.command == command);
        for row in &mut self.rows {
            if let RowState::Running(command) = row.state
                && lab.running.as_ref().is_none_or(|running| running.command != command)
            {
                row.state =
                    if has_result(command) { RowState::Ended(command) } else { RowState::Failed };
            }
        }
        self.rows.retain(|row| match row.state {
            RowState::Ended(command) => has_result(command),
            _ => true,
        });
        for result in &lab.results {
            let known = |row: &Row| {
                row.state == RowState::Ended(result.command) || same(&row.job, &result.job)
            };
            if !self.rows.iter().any(known) {
                let state = RowState::Ended(result.command);
                self.rows.push(Row { job: result.job.clone(), state });
            }
        }
        self.thumbnails.keep(has_result);
    }
}

/// The models that are compared: all that are ticked and still there.
pub(super) fn compared_models(settings: &Settings, lab: &Lab) -> Vec<ModelSource> {
    let all = lab.models.iter().map(|model| model.source.clone());
    all.filter(|source| settings.compares_model(&source.to_string())).collect()
}

/// Where an attack goes that is set so, against a model with these labels that says this of the clip.
fn goal(form: &AttackForm, labels: &Labels, said: Option<&Verdict>) -> Result<Goal, String> {
    if !form.aims() {
        return Ok(Goal::Untargeted);
    }
    if let Some(rule) = form.target_rule {
        let verdict = said.ok_or("it has not named the clip yet.")?;
        let target = rule.target(verdict, verdict.top().0, form.seed);
        return target.map(Goal::Targeted).ok_or("it has no other label.".to_owned());
    }
    let target = &form.target;
    if target.is_empty() {
        return Err("no target is chosen; choose one in the Lab.".to_owned());
    }
    labels.find(target).map(Goal::Targeted).map_err(|_| format!("it has no label {target}."))
}

/// Whether two jobs ask for the same.
fn same(one: &AttackJob, other: &AttackJob) -> bool {
    let key = |job: &AttackJob| (job.spec, job.goal, job.seed);
    std::sync::Arc::ptr_eq(&one.clip.samples, &other.clip.samples)
        && one.model == other.model
        && key(one) == key(other)
}
