//! Attacks, comparisons and checks of what survives: begun, stopped, one after the other.

use super::App;
use crate::attacks::{AttackSpec, Goal};
use crate::audio::player::Side;
use crate::engine::{AttackJob, Command, CommandId, SurvivalJob};
use crate::models::ModelSource;
use crate::ui::compare::Comparison;
use crate::ui::lab::{KnownModel, Running, Shown};
use crate::ui::settings::AttackForm;

/// What is told where the labels to aim at are not known yet, or may change.
const NOT_READY: &str = "The model is not loaded yet: attack when it is.";

/// What is told where an attack should aim and has no target.
const NO_TARGET: &str = "Choose the label that the model shall hear, then attack.";

/// What is told where a target follows from what the model hears, and that is not known yet.
const NOT_NAMED: &str = "The model has not named the clip yet, and the target follows from what it \
                         hears: attack when it has.";

/// An attack that begins as soon as there are a clip and a model for it.
pub(super) enum Awaited {
    /// With what is chosen then.
    Chosen,
    /// With options of which the window may not have all, unless something else is chosen before.
    Exactly {
        /// The options.
        spec: AttackSpec,
        /// The model.
        model: ModelSource,
        /// What was filled in then, which is them as far as can be.
        form: Box<AttackForm>,
    },
}

impl App {
    pub(super) fn attack_or_stop(&mut self, awaited: &Awaited) {
        self.attack_when_ready = None;
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
        let spec = match awaited {
            Awaited::Chosen => form.spec(),
            Awaited::Exactly { spec, .. } => *spec,
        };
        self.start(AttackJob { clip, model, spec, goal, seed: form.seed });
        self.lab.shown = Shown::Live;
        self.player.set_side(Side::Original);
    }

    /// Attacks once that was asked for and is possible.
    pub(super) fn attack_when_ready(&mut self) {
        let lab = &self.lab;
        let is_over = |awaited: &mut Awaited| match awaited {
            Awaited::Chosen => false,
            Awaited::Exactly { model, form, .. } => {
                lab.models.chosen() != model || self.settings.attack != **form
            }
        };
        drop(self.attack_when_ready.take_if(is_over));
        let ready = lab.opening.is_none()
            && lab.running.is_none()
            && lab.clip.is_some()
            && lab.models.current().is_some_and(KnownModel::is_ready);
        if let Some(awaited) = self.attack_when_ready.take_if(|_| ready) {
            self.attack_or_stop(&awaited);
        }
    }

    fn start(&mut self, job: AttackJob) -> CommandId {
        let command = self.engine.send(Command::Attack(Box::new(job.clone())));
        self.lab.running = Some(Running::new(command, job));
        command
    }

    pub(super) fn stop(&mut self) {
        if let Some(running) = &mut self.lab.running {
            running.stopping = true;
            self.engine.cancel();
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

    pub(super) fn compare_or_stop(&mut self) {
        if self.comparison.is_running() {
            self.comparison.leave_out_the_rest();
            self.stop();
            return;
        }
        let Some(clip) = &self.lab.clip else { return };
        let plan = Comparison::plan(clip, &self.settings, &self.lab);
        self.comparison.begin(plan.jobs, &self.lab);
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

    pub(super) fn check_survival_or_stop(&mut self) {
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
}
