//! What there is in the data set that people chose, read on a thread beside the window.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use eframe::egui::Context;

use crate::engine::Background;
use crate::experiments::Split;
use crate::files;
use crate::training::{DataSet, Part};

/// A path is read once nobody has typed for so long.
const PATIENCE: Duration = Duration::from_millis(600);

/// How many recordings of each label there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The labels, as the data set spells them, with their recordings of the parts `train` and
    /// `test`.
    pub labels: Vec<(String, [usize; 2])>,
}

impl Counts {
    fn of(data: &DataSet) -> Self {
        let mut labels: Vec<_> =
            data.labels.iter().map(|label| (label.to_owned(), [0, 0])).collect();
        for recording in &data.recordings {
            labels[recording.label].1[usize::from(recording.part == Part::Test)] += 1;
        }
        Self { labels }
    }

    /// How many recordings of a split there are.
    pub fn clips(&self, split: Split) -> usize {
        let of = |[train, test]: [usize; 2]| match split {
            Split::Train => train,
            Split::Test => test,
            Split::All => train + test,
        };
        self.labels.iter().map(|(_, counts)| of(*counts)).sum()
    }
}

/// Looks at the data set that the form names.
#[derive(Default)]
pub struct DataSetLook {
    /// What was found, or why it can't be read; none before it was.
    pub found: Option<Result<Counts, String>>,
    text: String,
    since: Option<Instant>,
    reading: Option<Receiver<Result<Counts, String>>>,
}

impl DataSetLook {
    /// Follows what the form says.
    pub fn keep_up(&mut self, ctx: &Context, text: &str) {
        let text = text.trim();
        if self.text != text {
            *self = Self { text: text.to_owned(), since: Some(Instant::now()), ..Self::default() };
        }
        match self.reading.as_ref().map(Receiver::try_recv) {
            Some(Ok(found)) => (self.found, self.reading) = (Some(found), None),
            Some(Err(TryRecvError::Disconnected)) => self.reading = None,
            Some(Err(TryRecvError::Empty)) | None => {}
        }
        let Some(since) = self.since.filter(|_| !self.text.is_empty()) else { return };
        if let Some(wait) = PATIENCE.checked_sub(since.elapsed()) {
            ctx.request_repaint_after(wait);
            return;
        }
        self.since = None;
        let (path, ctx) = (files::absolute(Path::new(&self.text)), ctx.clone());
        let (sender, receiver) = mpsc::channel();
        let priority = Background::below_this_thread();
        let thread = std::thread::Builder::new().name("data set".to_owned()).spawn(move || {
            priority.enter();
            let found = DataSet::open(&path).map(|data| Counts::of(&data));
            sender.send(found.map_err(|error| error.to_string())).ok();
            ctx.request_repaint();
        });
        self.reading = thread.is_ok().then_some(receiver);
    }
}
