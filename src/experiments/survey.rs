//! What every model makes of every clean clip: Table 1, and what clips may be chosen.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::candidates::Candidates;

/// What one model says of one clean clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// The clip.
    pub clip: String,
    /// Its true label.
    pub label: String,
    /// The model.
    pub model: String,
    /// The beginning of its weights' hash.
    pub weights: String,
    /// What it names; none where the clip can't be read.
    pub heard: Option<String>,
    /// How sure it is of that.
    pub confidence: f32,
    /// The clip's length in seconds.
    pub seconds: f64,
    /// Why the clip can't be read.
    pub reason: Option<String>,
}

impl Heard {
    /// Whether it names the clip rightly.
    pub fn is_right(&self) -> bool {
        self.heard.as_deref() == Some(&*self.label)
    }
}

/// What has been asked so far.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    said: HashMap<(String, String), Heard>,
}

impl Survey {
    /// A survey from its lines; the later of two counts.
    pub fn new(lines: impl IntoIterator<Item = Heard>) -> Self {
        let mut survey = Self::default();
        lines.into_iter().for_each(|heard| survey.push(heard));
        survey
    }

    /// Adds an answer.
    pub fn push(&mut self, heard: Heard) {
        self.said.insert((heard.clip.clone(), heard.model.clone()), heard);
    }

    /// What a model with these weights said of a clip.
    pub fn get(&self, clip: &str, model: &str, weights: &str) -> Option<&Heard> {
        let heard = self.said.get(&(clip.to_owned(), model.to_owned()))?;
        (heard.weights == weights).then_some(heard)
    }

    /// The clips that can't be read, with why, in the order of their names.
    pub fn unreadable(&self) -> BTreeMap<&str, &str> {
        let unread = self.said.values().filter(|heard| heard.heard.is_none());
        unread
            .map(|heard| (heard.clip.as_str(), heard.reason.as_deref().unwrap_or_default()))
            .collect()
    }

    /// All answers, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Heard> {
        self.said.values()
    }

    /// Which clips, by their index, each model still has to be asked about; with `again` also those
    /// that could not be read before.
    pub fn missing(
        &self,
        candidates: &Candidates,
        models: &[(String, String)],
        again: bool,
    ) -> Vec<Question> {
        let mut questions = Vec::new();
        for (clip, candidate) in candidates.clips.iter().enumerate() {
            for (model, (name, weights)) in models.iter().enumerate() {
                let known = self.get(&candidate.name, name, weights);
                if known.is_none_or(|heard| again && heard.heard.is_none()) {
                    questions.push(Question { clip, model });
                }
            }
        }
        questions
    }
}

/// A model that has to be asked about a clip, both by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The clip.
    pub clip: usize,
    /// The model.
    pub model: usize,
}
