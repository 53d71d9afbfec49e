//! What a lab is while it is open.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::attacks::TracePoint;
use crate::audio::Clip;
use crate::export::Record;

/// Where a result's samples and steps are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In its [`Record`].
    Here,
    /// In a folder of the session; its [`Record`] has no samples and no steps.
    At(PathBuf),
}

/// A result of a lab.
#[derive(Clone, Debug)]
pub struct Kept {
    /// All but, maybe, samples and steps.
    pub record: Record,
    /// Where those are.
    pub body: Body,
}

/// A whole lab. Cloning copies no samples.
#[derive(Clone, Debug, Default)]
pub struct LabState {
    /// The clip on the desk.
    pub clip: Option<Clip>,
    /// All results, in the order in which they came.
    pub results: Vec<Kept>,
    /// Which result is shown, by its place among them.
    pub shown: Option<usize>,
    /// Which result it is compared with.
    pub compared: Option<usize>,
    /// What the window keeps beside, such as the view: whatever it likes.
    pub window: Value,
}

/// The same while it is kept in a session: results are where they lie in its folder.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// The clip on the desk.
    pub clip: Option<Clip>,
    /// All results, in the order in which they came.
    pub results: Vec<DeskResult>,
    /// Which result is shown, by its place among them.
    pub shown: Option<usize>,
    /// Which result it is compared with.
    pub compared: Option<usize>,
    /// What the window keeps beside.
    pub window: Value,
}

/// A result on a [`Desk`].
#[derive(Clone, Debug)]
pub struct DeskResult {
    /// Its folder in the session.
    pub at: PathBuf,
    /// Its clip.
    pub clip: Clip,
}

impl LabState {
    /// All clips, each once: the one on the desk first.
    pub(super) fn clips(&self) -> Clips {
        let of_results = self.results.iter().map(|kept| &kept.record.clip);
        Clips::of(self.clip.iter().chain(of_results))
    }
}

impl Desk {
    /// All clips, each once: the one on the desk first.
    pub(super) fn clips(&self) -> Clips {
        let of_results = self.results.iter().map(|result| &result.clip);
        Clips::of(self.clip.iter().chain(of_results))
    }
}

/// Clips, each once.
pub(super) struct Clips(pub(super) Vec<Clip>);

impl Clips {
    fn of<'a>(all: impl Iterator<Item = &'a Clip>) -> Self {
        let mut clips = Self(Vec::new());
        for clip in all {
            if clips.place(clip).is_none() {
                clips.0.push(clip.clone());
            }
        }
        clips
    }

    /// The place of a clip among them.
    pub(super) fn place(&self, clip: &Clip) -> Option<usize> {
        let same = |known: &Clip| Arc::ptr_eq(&known.samples, &clip.samples);
        self.0.iter().position(same)
    }
}

/// Samples and steps of a result that were in its folder.
pub(super) type Fetched = (Arc<[f32]>, Arc<[TracePoint]>);

/// A folder's own name, for messages and tables.
pub(super) fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}
