//! Label sets and what a model says of a clip.

use std::sync::Arc;

use crate::names::{self, UnknownName};

/// The 41 labels of FSDKaggle2018, in the order of the models' outputs (alphabetical).
pub const FSDKAGGLE2018: [&str; 41] = [
    "Acoustic_guitar",
    "Applause",
    "Bark",
    "Bass_drum",
    "Burping_or_eructation",
    "Bus",
    "Cello",
    "Chime",
    "Clarinet",
    "Computer_keyboard",
    "Cough",
    "Cowbell",
    "Double_bass",
    "Drawer_open_or_close",
    "Electric_piano",
    "Fart",
    "Finger_snapping",
    "Fireworks",
    "Flute",
    "Glockenspiel",
    "Gong",
    "Gunshot_or_gunfire",
    "Harmonica",
    "Hi-hat",
    "Keys_jangling",
    "Knock",
    "Laughter",
    "Meow",
    "Microwave_oven",
    "Oboe",
    "Saxophone",
    "Scissors",
    "Shatter",
    "Snare_drum",
    "Squeak",
    "Tambourine",
    "Tearing",
    "Telephone",
    "Trumpet",
    "Violin_or_fiddle",
    "Writing",
];

/// The names of a model's outputs, in order. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Arc<[String]>);

impl Labels {
    /// A label set from names in output order.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// The label set of FSDKaggle2018.
    pub fn fsdkaggle2018() -> Self {
        Self::new(FSDKAGGLE2018.iter().map(|&name| name.to_owned()))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The label's name as the data set spells it, `?` for an index that does not exist.
    pub fn name(&self, index: usize) -> &str {
        self.0.get(index).map_or("?", String::as_str)
    }

    /// The label's name for people: without underscores.
    pub fn title(&self, index: usize) -> String {
        self.name(index).replace('_', " ")
    }

    /// The index of a label as people type it.
    ///
    /// # Errors
    /// [`UnknownName`] with the closest label.
    pub fn find(&self, name: &str) -> Result<usize, UnknownName> {
        names::find("label", &self.0, name)
    }

    /// The index of the label that is written so, but for case, spaces, hyphens and underscores.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        names::position(&self.0, name)
    }

    /// All names in output order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What a model says of a clip: one probability a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The labels that the probabilities belong to.
    pub labels: Labels,
    /// Probabilities in label order, summing to 1.
    pub probabilities: Arc<[f32]>,
}

impl Verdict {
    /// The most probable label's index and its probability.
    pub fn top(&self) -> (usize, f32) {
        self.ranked(1).first().copied().unwrap_or((0, 0.0))
    }

    /// The most probable label's name for people.
    pub fn title(&self) -> String {
        self.labels.title(self.top().0)
    }

    /// The probability of one label, 0 for an index that does not exist.
    pub fn probability(&self, label: usize) -> f32 {
        self.probabilities.get(label).copied().unwrap_or(0.0)
    }

    /// The `count` most probable labels, most probable first; equal ones in label order.
    pub fn ranked(&self, count: usize) -> Vec<(usize, f32)> {
        let mut ranked: Vec<_> = self.probabilities.iter().copied().enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.truncate(count);
        ranked
    }
}
