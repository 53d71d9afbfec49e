//! What a lab is while it is open.

use std::sync::Arc;

use serde_json::Value;

use crate::audio::Clip;
use crate::export::Record;

/// A whole lab. Cloning copies no samples.
#[derive(Clone, Debug, Default)]
pub struct LabState {
    /// The clip on the desk.
    pub clip: Option<Clip>,
    /// All results, in the order in which they came.
    pub results: Vec<Record>,
    /// Which result is shown, by its place among them.
    pub shown: Option<usize>,
    /// What the window keeps beside, such as the view: whatever it likes.
    pub window: Value,
}

impl LabState {
    /// All clips, each once: the one on the desk first.
    pub(super) fn clips(&self) -> Clips {
        let of_results = self.results.iter().map(|record| &record.clip);
        let mut clips = Clips(Vec::new());
        for clip in self.clip.iter().chain(of_results) {
            if clips.place(clip).is_none() {
                clips.0.push(clip.clone());
            }
        }
        clips
    }
}

/// Clips, each once.
pub(super) struct Clips(pub(super) Vec<Clip>);

impl Clips {
    /// The place of a clip among them.
    pub(super) fn place(&self, clip: &Clip) -> Option<usize> {
        let same = |known: &Clip| Arc::ptr_eq(&known.samples, &clip.samples);
        self.0.iter().position(same)
    }
}
