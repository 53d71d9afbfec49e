//! What every model makes of every clean clip: Table 1, and what clips may be chosen.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::candidates::{Candidate, Candidates};

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
    /// What it names; none where the clip can't be read or the model fails.
    pub heard: Option<String>,
    /// How sure it is of that.
    pub confidence: f32,
    /// The clip's length in seconds.
    pub seconds: f64,
    /// Why it names nothing.
    pub reason: Option<String>,
    /// SHA-256 of the clip's samples; none where it can't be read, and in early versions' lines.
    /// With it and without a name the model failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_sha256: Option<String>,
}

impl Heard {
    /// Whether it names the clip rightly.
    pub fn is_right(&self) -> bool {
        self.heard.as_deref() == Some(&*self.label)
    }

    /// Whether the clip can be read and the model failed on it.
    pub fn is_broken(&self) -> bool {
        self.heard.is_none() && self.clip_sha256.is_some()
    }
}

/// A clip that is not attacked because nobody knows what is heard in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The clip.
    pub clip: String,
    /// The model that failed on it; none where it can't be read at all.
    pub model: Option<String>,
    /// Why.
    pub reason: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clip, model, reason } = self;
        match model {
            None => write!(f, "{clip} was left out: {reason}"),
            Some(model) => write!(f, "{clip} was left out for {model}, which failed: {reason}"),
        }
    }
}

/// Tells the SHA-256 of a clip's samples; nothing where they can't be read.
pub type Hash<'a> = dyn Fn(&Candidate) -> Option<String> + 'a;

/// The lines that are of these clips with these labels, and of these models. Where clips may have
/// changed, `samples_sha256` tells what they are now, and only lines of those that were known and
/// have not changed stay.
pub fn fitting(
    lines: Vec<Heard>,
    candidates: &Candidates,
    models: &[(String, String)],
    samples_sha256: Option<&Hash<'_>>,
) -> Vec<Heard> {
    let clips: HashMap<&str, &Candidate> =
        candidates.clips.iter().map(|clip| (clip.name.as_str(), clip)).collect();
    let mut now: HashMap<String, Option<String>> = HashMap::new();
    let mut fits = |heard: &Heard| {
        let Some(clip) = clips.get(heard.clip.as_str()) else { return false };
        let is_known = clip.label == heard.label
            && models
                .iter()
                .any(|(name, weights)| *name == heard.model && *weights == heard.weights);
        let Some(sha256) = samples_sha256.filter(|_| is_known) else { return is_known };
        let now = now.entry(heard.clip.clone()).or_insert_with(|| sha256(clip));
        heard.clip_sha256.is_some() && heard.clip_sha256 == *now
    };
    lines.into_iter().filter(|heard| fits(heard)).collect()
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

    /// The clips that are left out, in the order of their names.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let unnamed = self.said.values().filter(|heard| heard.heard.is_none());
        let all = unnamed.map(|heard| LeftOut {
            clip: heard.clip.clone(),
            model: heard.is_broken().then(|| heard.model.clone()),
            reason: heard.reason.clone().unwrap_or_default(),
        });
        // Where a clip can't be read, no model hears it.
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Which clips, by their index, each model still has to be asked about; with `again` also those
    /// that it named nothing in before.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_clips_labels_models_and_samples_do_not_count() {
        let clip = |name: &str| Candidate {
            name: name.to_owned(),
            path: name.into(),
            label: "Bark".to_owned(),
        };
        let candidates = Candidates {
            data: String::new(),
            data_sha256: String::new(),
            labels: vec!["Bark".to_owned()],
            clips: vec![clip("a"), clip("b")],
        };
        let line = Heard {
            clip: "a".to_owned(),
            label: "Bark".to_owned(),
            model: "vgg13".to_owned(),
            weights: "w".to_owned(),
            heard: Some("Bark".to_owned()),
            confidence: 0.5,
            seconds: 1.0,
            reason: None,
            clip_sha256: Some("1".to_owned()),
        };
        let changed = |change: &dyn Fn(&mut Heard)| {
            let mut line = line.clone();
            change(&mut line);
            line
        };
        let lines = vec![
            line.clone(),
            changed(&|line| line.clip_sha256 = None),
            changed(&|line| line.clip = "b".to_owned()),
            changed(&|line| line.clip = "gone".to_owned()),
            changed(&|line| line.label = "Meow".to_owned()),
            changed(&|line| line.model = "crnn".to_owned()),
            changed(&|line| line.weights = "others".to_owned()),
        ];
        let models = [("vgg13".to_owned(), "w".to_owned())];
        let trusting = fitting(lines.clone(), &candidates, &models, None);
        assert_eq!(trusting, lines[..3]);
        // Clip b has other samples now, and of the second line nobody knows which it was of.
        let now = |clip: &Candidate| Some(if clip.name == "a" { "1" } else { "2" }.to_owned());
        let looking = fitting(lines.clone(), &candidates, &models, Some(&now));
        assert_eq!(looking, lines[..1]);
    }
}
