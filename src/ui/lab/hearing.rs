//! Who is asked what and when: the chosen model at once, the others when there is nothing else
//! to do.

use std::sync::Arc;

use super::Lab;
use super::models::KnownModel;
use super::state::Shown;
use super::verdicts::Heard;
use crate::audio::Clip;
use crate::engine::{Command, Engine};
use crate::models::{ModelSource, Verdict};

impl Lab {
    /// Asks for what is shown and not known yet. Nothing is asked twice, so that it can be called
    /// in every frame.
    pub fn listen(&mut self, engine: &Engine) {
        for command in self.forget_what_is_gone() {
            engine.send(Command::Withdraw(command));
        }
        let chosen = self.models.chosen().clone();
        if self.models.current().is_some_and(KnownModel::is_untouched) {
            self.models.loads(&chosen, engine.send(Command::LoadModel(chosen.clone())));
        }
        let can_be_had = self.models.current().is_some_and(|model| model.problem.is_none());
        let clips = self.clips_to_name();
        for clip in clips.iter().filter(|_| can_be_had) {
            let asked = self.verdicts.get(&clip.samples, &chosen);
            if matches!(asked, None | Some(Heard::Asked { urgent: false, .. })) {
                let (clip, samples) = (clip.clone(), &clip.samples);
                let command = engine.send(Command::Classify { clip, model: chosen.clone() });
                self.verdicts.set(samples, &chosen, Heard::Asked { command, urgent: true });
            }
        }
        // All else waits until people have what they wait for.
        let loading = self.models.current().is_some_and(|model| model.loading.is_some());
        let busy = loading || self.opening.is_some() || self.running.is_some();
        if busy || self.verdicts.is_waited_for() {
            return;
        }
        let untouched = self.models.iter().filter(|model| model.is_untouched());
        let untouched: Vec<_> = untouched.map(|model| model.source.clone()).collect();
        if !untouched.is_empty() {
            let command = engine.send(Command::Preload(untouched.clone()));
            untouched.iter().for_each(|model| self.models.loads(model, command));
        }
        for clip in clips {
            let ready = self.models.iter().filter(|model| model.card.is_some());
            let models: Vec<_> = ready
                .map(|model| model.source.clone())
                .filter(|model| self.verdicts.get(&clip.samples, model).is_none())
                .collect();
            if !models.is_empty() {
                let samples = Arc::clone(&clip.samples);
                let command = engine.send(Command::Survey { clip, models: models.clone() });
                for model in models {
                    let heard = Heard::Asked { command, urgent: false };
                    self.verdicts.set(&samples, &model, heard);
                }
            }
        }
    }

    /// The clip that is shown, and the adversarial one where it is a result.
    pub(super) fn clips_to_name(&self) -> Vec<Clip> {
        let adversarial = self.shown_result().filter(|result| result.is_heard());
        let adversarial = adversarial.map(|result| Clip {
            samples: Arc::clone(&result.outcome.samples),
            ..result.job.clip.clone()
        });
        self.clip.iter().cloned().chain(adversarial).collect()
    }

    /// Forgets the verdicts on clips that can't be brought back; gives the commands that still ask
    /// for some.
    fn forget_what_is_gone(&mut self) -> Vec<crate::engine::CommandId> {
        let Self { verdicts, results, clip, running, .. } = self;
        verdicts.keep(|samples| {
            let is = |other: &Arc<[f32]>| Arc::ptr_eq(samples, other);
            clip.as_ref().is_some_and(|clip| is(&clip.samples))
                || running.as_ref().is_some_and(|running| is(&running.job.clip.samples))
                || results
                    .iter()
                    .any(|result| is(&result.job.clip.samples) || is(&result.outcome.samples))
        })
    }

    /// What the chosen model hears in the clip.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict_of(self.models.chosen())
    }

    /// What a model hears in the clip.
    pub fn verdict_of(&self, model: &ModelSource) -> Option<&Verdict> {
        self.verdicts.said(&self.clip.as_ref()?.samples, model)
    }

    /// What a model hears in the adversarial clip, where a result is shown that changed it.
    pub fn verdict_after(&self, model: &ModelSource) -> Option<&Verdict> {
        let result = self.shown_result().filter(|result| result.was_changed())?;
        self.verdicts.said(&result.outcome.samples, model)
    }

    /// Why the chosen model did not name the clip, where it was loaded and failed.
    pub fn why_unnamed(&self) -> Option<&str> {
        let samples = &self.clip.as_ref()?.samples;
        let loaded = self.models.current()?.problem.is_none();
        self.failure(samples).filter(|_| loaded)
    }

    /// Why the chosen model does not name some samples, where it can't.
    pub fn failure(&self, samples: &Arc<[f32]>) -> Option<&str> {
        match self.verdicts.get(samples, self.models.chosen()) {
            Some(Heard::Failed(reason)) => Some(reason),
            _ => self.models.current()?.problem.as_deref(),
        }
    }

    /// Whether the chosen model is about to name the clip.
    pub fn is_naming(&self) -> bool {
        let asked = |clip: &Clip| {
            let heard = self.verdicts.get(&clip.samples, self.models.chosen());
            matches!(heard, Some(Heard::Asked { .. }))
        };
        self.clip.as_ref().is_some_and(asked)
    }

    /// Whether the attack under way is shown and is one of the chosen model.
    pub fn watches_its_model(&self) -> bool {
        let attacked = self.running.as_ref().map(|running| &running.job.model);
        self.shown == Shown::Live && attacked == Some(self.models.chosen())
    }
}
