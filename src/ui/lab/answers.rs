//! What models said about clips when they were asked more than their names.

use std::sync::Arc;

use crate::engine::CommandId;
use crate::models::ModelSource;

/// What a question is about.
#[derive(Clone, Debug)]
pub struct Question {
    /// The clip's samples.
    pub samples: Arc<[f32]>,
    /// Who is asked.
    pub model: ModelSource,
    /// The label that is asked for, where one is.
    pub label: Option<usize>,
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.samples, &other.samples)
            && self.model == other.model
            && self.label == other.label
    }
}

/// How far a question is.
#[derive(Clone, Debug)]
pub enum Answer<T> {
    /// It was asked by this command.
    Asked(CommandId),
    /// It was answered.
    Given(Arc<T>),
    /// It can't be answered, and why.
    Failed(String),
}

/// Questions and their answers, so that nothing is asked twice.
pub struct Answers<T>(Vec<(Question, Answer<T>)>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Answers<T> {
    /// How far a question is; none if it was not asked.
    pub fn get(&self, question: &Question) -> Option<&Answer<T>> {
        self.0.iter().find(|(asked, _)| asked == question).map(|(_, answer)| answer)
    }

    /// What was answered to a question.
    pub fn given(&self, question: &Question) -> Option<&Arc<T>> {
        match self.get(question)? {
            Answer::Given(answer) => Some(answer),
            Answer::Asked(_) | Answer::Failed(_) => None,
        }
    }

    /// A question was asked by a command.
    pub fn ask(&mut self, question: Question, command: CommandId) {
        self.0.retain(|(asked, _)| *asked != question);
        self.0.push((question, Answer::Asked(command)));
    }

    /// A command was answered, or failed; whether it asked any of these questions.
    pub fn answer(&mut self, command: CommandId, answer: Result<T, String>) -> bool {
        let asked =
            self.0.iter_mut().find(|(_, of)| matches!(of, Answer::Asked(id) if *id == command));
        let Some((_, waiting)) = asked else { return false };
        *waiting = match answer {
            Ok(answer) => Answer::Given(Arc::new(answer)),
            Err(reason) => Answer::Failed(reason),
        };
        true
    }

    /// Forgets the questions that are not to be kept.
    pub fn keep(&mut self, keep: impl Fn(&Question) -> bool) {
        self.0.retain(|(question, _)| keep(question));
    }

    /// Forgets the oldest questions beyond so many, but none that is to be kept.
    pub fn limit(&mut self, most: usize, keep: impl Fn(&Question) -> bool) {
        let mut surplus = self.0.len().saturating_sub(most);
        self.0.retain(|(question, _)| {
            let gone = surplus > 0 && !keep(question);
            surplus -= usize::from(gone);
            !gone
        });
    }

    /// Forgets where models failed, so that they are asked again.
    pub fn forget_failures(&mut self) {
        self.0.retain(|(_, answer)| !matches!(answer, Answer::Failed(_)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelId;

    #[test]
    fn answers_belong_to_the_clip_the_model_and_the_label() {
        let (bell, other): (Arc<[f32]>, Arc<[f32]>) = (Arc::new([0.5]), Arc::new([0.5]));
        let about = |samples: &Arc<[f32]>, label| Question {
            samples: Arc::clone(samples),
            model: ModelId::Vgg13.into(),
            label,
        };
        let mut answers: Answers<u32> = Answers::default();
        answers.ask(about(&bell, None), CommandId(1));
        answers.ask(about(&bell, Some(3)), CommandId(2));
        assert!(!answers.answer(CommandId(9), Ok(9)));
        assert!(answers.answer(CommandId(1), Ok(1)));
        assert!(answers.answer(CommandId(2), Err("no memory".to_owned())));
        assert_eq!(answers.given(&about(&bell, None)).map(|one| **one), Some(1));
        assert!(answers.get(&about(&other, None)).is_none(), "equal samples, another clip");
        assert!(matches!(answers.get(&about(&bell, Some(3))), Some(Answer::Failed(_))));
        answers.forget_failures();
        assert!(answers.get(&about(&bell, Some(3))).is_none());
        for number in 10..20 {
            answers.ask(about(&other, Some(number)), CommandId(number as u64));
        }
        answers.limit(3, |question| Arc::ptr_eq(&question.samples, &bell));
        assert!(answers.given(&about(&bell, None)).is_some(), "kept although it is the oldest");
        assert!(answers.get(&about(&other, Some(17))).is_none());
        assert!(answers.get(&about(&other, Some(19))).is_some());
        answers.keep(|question| Arc::ptr_eq(&question.samples, &other));
        assert!(answers.given(&about(&bell, None)).is_none());
    }
}
