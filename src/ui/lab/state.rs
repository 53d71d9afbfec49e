//! The state of the Lab.

use std::path::PathBuf;
use std::sync::Arc;

use super::history::History;
use super::insights::Insights;
use super::models::Models;
use super::pictures::Pictures;
use super::places::Places;
use super::shelf::Shelf;
use super::verdicts::Verdicts;
use super::view::View;
use super::{LabResult, Running};
use crate::attacks::TracePoint;
use crate::audio::player::Side;
use crate::audio::{Clip, DeviceList};
use crate::engine::{CommandId, DeviceInUse};
use crate::models::{Labels, ModelSource, Verdict};
use crate::ui::pace::Pace;
use crate::ui::recent::RecentFiles;

/// A clip on its way in.
pub struct Opening {
    /// The command that asked for it.
    pub command: CommandId,
    /// What it is called.
    pub name: String,
    /// The lab file, if it is one.
    pub lab: Option<PathBuf>,
}

/// Which adversarial samples are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// None.
    Nothing,
    /// The best of the running attack.
    Live,
    /// A result, by its index.
    Result(usize),
}

/// The adversarial side as it is shown.
pub struct Adversarial<'a> {
    /// The samples.
    pub samples: &'a Arc<[f32]>,
    /// What the chosen model hears in them, once it was asked.
    pub verdict: Option<&'a Verdict>,
    /// Their SNR in dB, if it is known.
    pub snr_db: Option<f64>,
}

/// A result that gets another name.
pub struct Renaming {
    /// The command that gave it.
    pub command: CommandId,
    /// What was typed so far.
    pub typed: String,
}

/// A point that the pointer is on, in any pane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    /// Time in seconds.
    pub seconds: f64,
    /// Frequency in Hz; `None` on a waveform.
    pub hz: Option<f64>,
    /// Where on the height of all of the picture that is, in \[0, 1\].
    pub height: Option<f64>,
}

/// The state of the Lab.
pub struct Lab {
    /// The clip that is shown.
    pub clip: Option<Clip>,
    /// A clip on its way in.
    pub opening: Option<Opening>,
    /// The models.
    pub models: Models,
    /// What they hear.
    pub verdicts: Verdicts,
    /// The model whose most probable labels are shown beside the others' names.
    pub unfolded: Option<ModelSource>,
    /// Where models compute.
    pub device: DeviceInUse,
    /// The command that changes that, while it does.
    pub changing_device: Option<CommandId>,
    /// How many threads compute from the next job on; none for one a core.
    pub threads: Option<usize>,
    /// The attack under way.
    pub running: Option<Running>,
    /// Results of all clips of this session, in the order in which they came.
    pub results: Vec<LabResult>,
    /// Where their samples are put that nobody looks at.
    pub shelf: Shelf,
    /// What can be undone.
    pub history: History,
    /// The result that is being renamed.
    pub renaming: Option<Renaming>,
    /// Which adversarial samples are shown.
    pub shown: Shown,
    /// The part of the picture that is shown.
    pub view: View,
    /// Where the pointer is.
    pub cursor: Option<Cursor>,
    /// Whether another clip is on the desk since the cards were shown: they are then shown from
    /// their top.
    pub to_the_top: bool,
    /// Where on the screen a drag over a pane began.
    pub drag_from: Option<eframe::egui::Pos2>,
    /// The part that is played again and again, in seconds.
    pub loop_region: Option<(f64, f64)>,
    /// The band of frequencies in Hz that was chosen with it; none for all of them.
    pub band: Option<[f64; 2]>,
    /// What is typed into the search for a target.
    pub target_search: String,
    /// Whether the attack card shows all options.
    pub more_options: bool,
    /// Which recent files are still there.
    pub recent: RecentFiles,
    /// Whether their list was open in the last frame.
    pub recent_is_open: bool,
    /// Where sound can go.
    pub outputs: DeviceList,
    /// Whether that list was open in the last frame.
    pub sound_is_open: bool,
    /// The spectrograms.
    pub pictures: Pictures,
    /// Where the parts stand.
    pub places: Places,
    /// Whether only what a class must see is shown, in large type.
    pub presenting: bool,
    /// What the chosen model is fed and where it listens.
    pub insights: Insights,
}

impl Lab {
    /// An empty Lab with these models, which compute on `device`.
    ///
    /// # Errors
    /// The system gives no thread for the spectrograms.
    pub fn new(pace: &Pace, models: Models, device: DeviceInUse) -> std::io::Result<Self> {
        Ok(Self {
            clip: None,
            opening: None,
            models,
            verdicts: Verdicts::default(),
            unfolded: None,
            device,
            changing_device: None,
            threads: None,
            running: None,
            results: Vec::new(),
            shelf: Shelf::default(),
            history: History::default(),
            renaming: None,
            shown: Shown::Nothing,
            view: View::default(),
            cursor: None,
            to_the_top: false,
            drag_from: None,
            loop_region: None,
            band: None,
            target_search: String::new(),
            more_options: false,
            recent: RecentFiles::default(),
            recent_is_open: false,
            outputs: DeviceList::default(),
            sound_is_open: false,
            pictures: Pictures::new(pace)?,
            places: Places::default(),
            presenting: false,
            insights: Insights::new(pace)?,
        })
    }

    /// The chosen model's labels, once it is loaded.
    pub fn labels(&self) -> Labels {
        let card = self.models.current().and_then(|model| model.card.as_ref());
        card.map_or_else(|| Labels::new([]), |card| card.labels.clone())
    }

    /// Whether an attack of the shown clip is under way.
    pub fn is_attacking_this(&self) -> bool {
        self.running.as_ref().is_some_and(|running| self.is_this_clip(&running.job.clip))
    }

    /// Whether it is the clip that is shown.
    pub fn is_this_clip(&self, clip: &Clip) -> bool {
        self.clip.as_ref().is_some_and(|shown| Arc::ptr_eq(&shown.samples, &clip.samples))
    }

    /// The results of the shown clip with their indices, in the order in which they came.
    pub fn results_of_clip(&self) -> impl DoubleEndedIterator<Item = (usize, &LabResult)> {
        let results = self.results.iter().enumerate();
        results.filter(|(_, result)| self.is_this_clip(&result.job.clip))
    }

    /// The result that is shown, unless the running attack is.
    pub fn shown_result(&self) -> Option<&LabResult> {
        self.results.get(self.shown_index()?)
    }

    /// Where the shown result is kept, if one is shown.
    pub fn shown_index(&self) -> Option<usize> {
        match self.shown {
            Shown::Result(index) => Some(index),
            Shown::Nothing | Shown::Live => None,
        }
    }

    /// The adversarial side as it is shown, if there is one.
    pub fn adversarial(&self) -> Option<Adversarial<'_>> {
        match self.shown {
            Shown::Nothing => None,
            Shown::Live => {
                let running = self.running.as_ref()?;
                let (samples, verdict) = running.best.as_ref()?;
                let snr_db = running.snapshot.as_ref()?.best_snr_db;
                let ours = running.job.model == *self.models.chosen();
                Some(Adversarial { samples, verdict: ours.then_some(verdict), snr_db })
            }
            Shown::Result(index) => {
                let result = self.results.get(index).filter(|result| result.is_heard())?;
                let outcome = &result.outcome;
                Some(Adversarial {
                    samples: &outcome.samples,
                    verdict: self.verdict_after(self.models.chosen()),
                    snr_db: Some(outcome.metrics.snr_db),
                })
            }
        }
    }

    /// The steps of what is shown.
    pub fn trace(&self) -> &[TracePoint] {
        match self.shown {
            Shown::Nothing => &[],
            Shown::Live => self.running.as_ref().map_or(&[], |running| &running.trace),
            Shown::Result(index) => self.results.get(index).map_or(&[], |result| &result.trace),
        }
    }

    /// The levels in dB under the pointer on a side.
    pub fn level_at_cursor(&self, side: Side) -> Option<f32> {
        let (cursor, clip) = (self.cursor?, self.clip.as_ref()?);
        let picture = self.pictures.get(side, &clip.samples)?;
        picture.spectrogram.decibels_at(cursor.seconds, cursor.hz?)
    }
}
