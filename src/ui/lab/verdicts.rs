//! What each model says of each clip, original and adversarial, so that nothing is asked twice.

use std::sync::Arc;

use crate::engine::CommandId;
use crate::models::{ModelSource, Verdict};

/// How far a question to a model is.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// It was asked by this command; people wait for it, or it can wait.
    Asked {
        /// The command.
        command: CommandId,
        /// Whether people wait for it.
        urgent: bool,
    },
    /// It has answered.
    Said(Verdict),
    /// It can't answer, and why.
    Failed(String),
}

struct Entry {
    samples: Arc<[f32]>,
    model: ModelSource,
    heard: Heard,
}

/// All questions and answers of the clips that are still at hand.
#[derive(Default)]
pub struct Verdicts(Vec<Entry>);

impl Verdicts {
    /// How far a model is with some samples; none if it was not asked.
    pub fn get(&self, samples: &Arc<[f32]>, model: &ModelSource) -> Option<&Heard> {
        let entry = self.0.iter().find(|entry| entry.is(samples, model))?;
        Some(&entry.heard)
    }

    /// What a model said of some samples.
    pub fn said(&self, samples: &Arc<[f32]>, model: &ModelSource) -> Option<&Verdict> {
        match self.get(samples, model)? {
            Heard::Said(verdict) => Some(verdict),
            Heard::Asked { .. } | Heard::Failed(_) => None,
        }
    }

    /// Whether people wait for any answer.
    pub fn is_waited_for(&self) -> bool {
        self.0.iter().any(|entry| matches!(entry.heard, Heard::Asked { urgent: true, .. }))
    }

    /// Notes how far a model is with some samples.
    pub fn set(&mut self, samples: &Arc<[f32]>, model: &ModelSource, heard: Heard) {
        self.0.retain(|entry| !entry.is(samples, model));
        self.0.push(Entry { samples: Arc::clone(samples), model: model.clone(), heard });
    }

    /// A model has answered a command.
    pub fn answer(&mut self, command: CommandId, model: &ModelSource, heard: Heard) {
        if let Some(entry) = self.asked_by(command).find(|entry| entry.model == *model) {
            entry.heard = heard;
        }
    }

    /// A command failed; it may have been a question.
    pub fn fail(&mut self, command: CommandId, reason: &str) {
        for entry in self.asked_by(command) {
            entry.heard = Heard::Failed(reason.to_owned());
        }
    }

    fn asked_by(&mut self, asked: CommandId) -> impl Iterator<Item = &mut Entry> {
        self.0.iter_mut().filter(
            move |entry| matches!(entry.heard, Heard::Asked { command, .. } if command == asked),
        )
    }

    /// The same samples are elsewhere in memory from now on: all that was said of them stays.
    pub fn now_called(&mut self, before: &Arc<[f32]>, now: &Arc<[f32]>) {
        for entry in self.0.iter_mut().filter(|entry| Arc::ptr_eq(&entry.samples, before)) {
            entry.samples = Arc::clone(now);
        }
    }

    /// Forgets all that a model said, and what it was asked.
    pub fn forget_model(&mut self, model: &ModelSource) {
        self.0.retain(|entry| entry.model != *model);
    }

    /// Forgets where a model failed, so that it is asked again.
    pub fn forget_failures_of(&mut self, model: &ModelSource) {
        self.0.retain(|e| e.model != *model || !matches!(e.heard, Heard::Failed(_)));
    }

    /// Forgets where models failed, so that they are asked again.
    pub fn forget_failures(&mut self) {
        self.0.retain(|entry| !matches!(entry.heard, Heard::Failed(_)));
    }

    /// Forgets all samples that `keep` does not want; gives the questions about them that can wait,
    /// which nobody needs to answer any more.
    pub fn keep(&mut self, keep: impl Fn(&Arc<[f32]>) -> bool) -> Vec<CommandId> {
        let mut moot = Vec::new();
        self.0.retain(|entry| {
            let kept = keep(&entry.samples);
            if let (false, Heard::Asked { command, urgent: false }) = (kept, &entry.heard) {
                moot.push(*command);
            }
            kept
        });
        moot.sort_unstable();
        moot.dedup();
        moot
    }
}

impl Entry {
    fn is(&self, samples: &Arc<[f32]>, model: &ModelSource) -> bool {
        Arc::ptr_eq(&self.samples, samples) && self.model == *model
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Labels, ModelId};

    fn verdict() -> Verdict {
        let labels = Labels::new(["Robin", "Wren"].map(str::to_owned));
        Verdict { labels, probabilities: Arc::new([0.25, 0.75]) }
    }

    fn asked(command: u64, urgent: bool) -> Heard {
        Heard::Asked { command: CommandId(command), urgent }
    }

    #[test]
    fn an_answer_goes_where_its_command_asked_and_nowhere_else() {
        let (bell, other): (Arc<[f32]>, Arc<[f32]>) = (Arc::new([0.5]), Arc::new([0.5]));
        let (vgg, gcnn) = (ModelId::Vgg13.into(), ModelId::Gcnn.into());
        let mut verdicts = Verdicts::default();
        verdicts.set(&bell, &vgg, asked(1, true));
        verdicts.set(&bell, &gcnn, asked(2, false));
        verdicts.set(&other, &gcnn, asked(3, false));
        assert!(verdicts.is_waited_for());
        verdicts.answer(CommandId(1), &vgg, Heard::Said(verdict()));
        assert!(!verdicts.is_waited_for());
        // Asked again urgently: the older command's answer comes too late.
        verdicts.set(&bell, &gcnn, asked(4, true));
        verdicts.answer(CommandId(2), &gcnn, Heard::Failed("late".to_owned()));
        assert_eq!(verdicts.get(&bell, &gcnn), Some(&asked(4, true)));
        verdicts.fail(CommandId(4), "broken");
        verdicts.fail(CommandId(4), "again");
        assert_eq!(verdicts.get(&bell, &gcnn), Some(&Heard::Failed("broken".to_owned())));
        assert_eq!(verdicts.said(&bell, &vgg), Some(&verdict()));
        assert_eq!(verdicts.said(&other, &vgg), None);
        verdicts.forget_failures_of(&vgg);
        assert!(verdicts.get(&bell, &gcnn).is_some() && verdicts.said(&bell, &vgg).is_some());
        verdicts.forget_failures_of(&gcnn);
        assert_eq!(verdicts.get(&bell, &gcnn), None);
    }

    #[test]
    fn what_is_not_at_hand_any_more_is_forgotten_with_its_questions() {
        let (bell, other): (Arc<[f32]>, Arc<[f32]>) = (Arc::new([0.5]), Arc::new([0.25]));
        let models: Vec<ModelSource> = ModelSource::named().collect();
        let mut verdicts = Verdicts::default();
        verdicts.set(&bell, &models[0], Heard::Said(verdict()));
        verdicts.set(&bell, &models[1], asked(5, false));
        verdicts.set(&bell, &models[2], asked(5, false));
        verdicts.set(&other, &models[1], asked(6, false));
        assert_eq!(verdicts.keep(|samples| Arc::ptr_eq(samples, &other)), [CommandId(5)]);
        assert_eq!(verdicts.get(&bell, &models[0]), None);
        assert_eq!(verdicts.get(&other, &models[1]), Some(&asked(6, false)));
        verdicts.forget_model(&models[1]);
        assert_eq!(verdicts.get(&other, &models[1]), None);
    }
}
