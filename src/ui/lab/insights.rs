//! What a model is fed and where it listens: asked when it is looked at, once for each clip.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Lab;
use super::answers::{Answer, Answers, Question};
use super::insight_pictures::{InsightPictures, Subject};
use crate::attacks::Explanation;
use crate::audio::player::Side;
use crate::dsp::{BandAxis, FrequencyAxis, Heights, Weighing};
use crate::engine::{Command, CommandId, Engine};
use crate::models::{Inspection, ModelSource};
use crate::ui::pace::Pace;

/// How many answers of each kind are kept: enough to go to and fro between results, and no burden on
/// memory after hundreds of attacks.
const MOST_KEPT: usize = 12;

/// What the pictures show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PictureMode {
    /// The levels of the sound.
    #[default]
    Levels,
    /// What the chosen model's network is fed.
    Machine,
    /// Where the chosen model listens.
    Listening,
}

/// What models were asked beyond names, and the pictures of it.
pub struct Insights {
    /// What is shown.
    pub mode: PictureMode,
    /// The name of the label whose cause is looked for; none for what each side is heard as.
    pub label: Option<String>,
    /// Whether the gradient alone is shown rather than what it makes of the sound.
    pub gradient_alone: bool,
    /// What models are fed.
    inspections: Answers<Inspection>,
    /// Where they listen.
    explanations: Answers<Explanation>,
    /// The pictures, and what is measured of the chosen part.
    pub pictures: InsightPictures,
}

/// How far the picture of a side is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is there, or about to be.
    Ready,
    /// Something has to end or to be answered first.
    Waiting(&'static str),
    /// It can't be had, and why.
    Failed(String),
}

impl Insights {
    /// Nothing asked yet.
    ///
    /// # Errors
    /// The system gives no thread for the pictures.
    pub fn new(pace: &Pace) -> std::io::Result<Self> {
        Ok(Self {
            mode: PictureMode::default(),
            label: None,
            gradient_alone: false,
            inspections: Answers::default(),
            explanations: Answers::default(),
            pictures: InsightPictures::new(pace)?,
        })
    }

    /// A question was answered.
    pub fn inspected(&mut self, command: CommandId, inspection: Inspection) {
        self.inspections.answer(command, Ok(inspection));
    }

    /// A question was answered.
    pub fn explained(&mut self, command: CommandId, explanation: Explanation) {
        self.explanations.answer(command, Ok(explanation));
    }

    /// A command failed; whether it was a question.
    pub fn failed(&mut self, command: CommandId, reason: &str) -> bool {
        self.inspections.answer(command, Err(reason.to_owned()))
            || self.explanations.answer(command, Err(reason.to_owned()))
    }

    /// Forgets all that a model said.
    pub fn forget_model(&mut self, model: &ModelSource) {
        self.inspections.keep(|question| question.model != *model);
        self.explanations.keep(|question| question.model != *model);
    }

    /// Shows something else, and tries again what failed.
    pub fn show(&mut self, mode: PictureMode) {
        self.mode = mode;
        self.inspections.forget_failures();
        self.explanations.forget_failures();
    }

    /// How a gradient is weighed with the sound.
    fn weighing(&self) -> Weighing {
        if self.gradient_alone { Weighing::Gradient } else { Weighing::PerDecibel }
    }
}

impl Lab {
    /// Asks the chosen model for what is looked at and not known yet.
    pub fn look_into(&mut self, engine: &Engine) {
        let here = self.samples_at_hand();
        let kept = |question: &Question| {
            here.iter().any(|samples| Arc::ptr_eq(samples, &question.samples))
        };
        self.insights.inspections.keep(kept);
        self.insights.explanations.keep(kept);
        let shown: Vec<_> = self.clips_to_name().into_iter().map(|clip| clip.samples).collect();
        let is_shown = |question: &Question| {
            shown.iter().any(|samples| Arc::ptr_eq(samples, &question.samples))
        };
        self.insights.inspections.limit(MOST_KEPT, is_shown);
        self.insights.explanations.limit(MOST_KEPT, is_shown);
        // The engine would only come to it after the attack.
        let ready = self.models.current().is_some_and(|model| model.card.is_some());
        if self.insights.mode == PictureMode::Levels || self.running.is_some() || !ready {
            return;
        }
        for clip in self.clips_to_name() {
            let question = self.question(&clip.samples);
            let Question { model, label, .. } = question.clone();
            match self.insights.mode {
                PictureMode::Levels => {}
                PictureMode::Machine => {
                    let answers = &mut self.insights.inspections;
                    if answers.get(&question).is_none() {
                        answers.ask(question, engine.send(Command::Inspect { clip, model }));
                    }
                }
                PictureMode::Listening => {
                    let answers = &mut self.insights.explanations;
                    if answers.get(&question).is_none() {
                        let command = Command::Explain { clip, model, label };
                        answers.ask(question, engine.send(command));
                    }
                }
            }
        }
    }

    /// The samples of the shown clip and of all its results.
    fn samples_at_hand(&self) -> Vec<Arc<[f32]>> {
        let results = self.results_of_clip().map(|(_, result)| &result.outcome.samples);
        self.clip.iter().map(|clip| &clip.samples).chain(results).cloned().collect()
    }

    /// What is asked of some samples.
    fn question(&self, samples: &Arc<[f32]>) -> Question {
        let label = self.insights.label.as_ref().and_then(|name| self.labels().index_of(name));
        let label = label.filter(|_| self.insights.mode == PictureMode::Listening);
        Question { samples: Arc::clone(samples), model: self.models.chosen().clone(), label }
    }

    /// The samples of a side: both for the difference.
    fn sources(&self, side: Side) -> Option<Vec<Arc<[f32]>>> {
        let original = self.clip.as_ref().map(|clip| clip.samples.clone());
        let adversarial = self.adversarial().map(|adversarial| adversarial.samples.clone());
        match side {
            Side::Original => original.map(|samples| vec![samples]),
            Side::Adversarial => adversarial.map(|samples| vec![samples]),
            Side::Difference => Some(vec![original?, adversarial?]),
        }
    }

    /// What the chosen model is fed on a side; of the original for the difference.
    pub fn inspection(&self, side: Side) -> Option<&Arc<Inspection>> {
        let samples = self.sources(side)?;
        self.insights.inspections.given(&self.question(samples.first()?))
    }

    /// Where the chosen model listens on a side; to the original for the difference.
    pub fn explanation(&self, side: Side) -> Option<&Arc<Explanation>> {
        let samples = self.sources(side)?;
        self.insights.explanations.given(&self.question(samples.first()?))
    }

    /// What there is to paint on a side, once it is known.
    pub fn subject(&self, side: Side) -> Option<Subject> {
        let samples = self.sources(side)?;
        match self.insights.mode {
            PictureMode::Levels => None,
            PictureMode::Machine => {
                let of = |side| self.inspection(side).cloned();
                let original = of(Side::Original)?;
                Some(match side {
                    Side::Original => Subject::Fed { of: original.clone(), scale: original },
                    Side::Adversarial => Subject::Fed { of: of(side)?, scale: original },
                    Side::Difference => {
                        Subject::FedDifference { of: of(Side::Adversarial)?, less: original }
                    }
                })
            }
            PictureMode::Listening => {
                let why = self.explanation(side)?.clone();
                Some(match samples.as_slice() {
                    [original, adversarial] => Subject::Change {
                        why,
                        original: original.clone(),
                        adversarial: adversarial.clone(),
                    },
                    _ => Subject::Listening {
                        why,
                        samples: samples.first()?.clone(),
                        weighing: self.insights.weighing(),
                    },
                })
            }
        }
    }

    /// How far the picture of a side is.
    pub fn insight_progress(&self, side: Side) -> Progress {
        if self.subject(side).is_some() {
            return Progress::Ready;
        }
        let mut samples = self.sources(side).unwrap_or_default();
        // What is fed differs only once both sides are known.
        if side == Side::Difference && self.insights.mode == PictureMode::Listening {
            samples.truncate(1);
        }
        for samples in &samples {
            let question = self.question(samples);
            let failed = match (
                self.insights.inspections.get(&question),
                self.insights.explanations.get(&question),
            ) {
                (Some(Answer::Failed(reason)), _) if self.insights.mode == PictureMode::Machine => {
                    Some(reason)
                }
                (_, Some(Answer::Failed(reason)))
                    if self.insights.mode == PictureMode::Listening =>
                {
                    Some(reason)
                }
                _ => None,
            };
            if let Some(reason) = failed {
                return Progress::Failed(reason.clone());
            }
        }
        let current = self.models.current();
        if let Some(problem) = current.and_then(|model| model.problem.clone()) {
            return Progress::Failed(problem);
        }
        if self.running.is_some() {
            return Progress::Waiting("The model is busy with the attack. It is asked afterwards.");
        }
        if current.is_none_or(|model| model.card.is_none()) {
            return Progress::Waiting("The model is being loaded.");
        }
        Progress::Waiting("The model is being asked.")
    }

    /// How heights stand for frequencies in what is shown: as `axis` says, or as the model's bands.
    pub fn heights(&self, axis: FrequencyAxis) -> Heights {
        let bands = match self.insights.mode {
            PictureMode::Machine => {
                self.inspection(Side::Original).and_then(|it| it.features.as_ref())
            }
            PictureMode::Levels | PictureMode::Listening => None,
        };
        match bands {
            Some(features) => Heights::Bands(BandAxis::new(Arc::clone(&features.centres_hz))),
            None => Heights::Axis(axis),
        }
    }
}
