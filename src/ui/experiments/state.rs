//! The experiment that is shown: what it is, how far it is, what it has found.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use eframe::egui::Context;

use super::data_set::DataSetLook;
use super::digest::Digest;
use crate::engine::{Background, ExperimentEnd, ExperimentNews, ExperimentThread, Opened};
use crate::experiments::{Configuration, Estimate, Heard, Item, LeftOut, Results, Row, Survey};

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is under way.
    #[default]
    AtRest,
    /// A run's folder is read.
    Looking,
    /// A model is loaded: which.
    Loading(String),
    /// Clean clips are named: so many of so many.
    Naming(usize, usize),
    /// The models are timed.
    Timing,
    /// All is planned, and waits for people to say go.
    Planned,
    /// Items are worked off.
    Working,
    /// They wait.
    Paused,
    /// It stops after the step under way.
    Stopping,
}

/// Which part of the results is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// A line an item.
    #[default]
    Rows,
    /// Tables 1 to 5.
    Tables,
    /// Figures 1 and 2.
    Figures,
    /// What failed, and why.
    Failures,
}

/// A step of an item under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// Steps done.
    pub done: usize,
    /// Most steps.
    pub of: usize,
}

/// Which rows have what was looked for.
struct Found {
    /// The rows among which it was looked for.
    revision: u64,
    words: String,
    places: Vec<usize>,
}

/// What came of an errand, for people.
type Told = Result<String, String>;

/// What is done with a run's folder on a thread beside the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Tables and figures are written into it.
    Report,
    /// The rows of its shares are joined into it.
    Join,
}

/// The state of the tab.
#[derive(Default)]
pub struct Experiments {
    /// How far it is.
    pub phase: Phase,
    /// What is shown of it.
    pub view: View,
    /// The run's folder.
    pub folder: Option<PathBuf>,
    /// What it is.
    pub configuration: Option<Configuration>,
    /// All items.
    pub items: Arc<[Item]>,
    /// Rows so far, in the order in which they came.
    pub rows: Vec<Arc<Row>>,
    /// Counts changes of the rows.
    revision: u64,
    found: Option<Found>,
    /// What models said of the clean clips.
    pub survey: Arc<[Heard]>,
    /// Clips that are not attacked, with why.
    pub left_out: Vec<LeftOut>,
    /// Items that this process has to do, failures that are tried again among them.
    pub open: usize,
    /// How many shares of the run have rows that are not joined yet, where there are such.
    pub shards: Option<usize>,
    /// How long items take.
    pub estimate: Estimate,
    /// Items at a time.
    pub jobs: usize,
    /// The items under way, by id.
    pub running: HashMap<String, Step>,
    /// Why it can't go on.
    pub trouble: Option<String>,
    /// Whether that is a change that people may accept.
    pub may_accept: bool,
    /// Tables and figures.
    pub digest: Digest,
    /// Whether the form follows the next run that is opened.
    pub fill_form: bool,
    /// What there is in the data set that the form names.
    pub data_set: DataSetLook,
    /// Only rows with this text are listed.
    pub filter: String,
    thread: Option<ExperimentThread>,
    errand: Option<(Errand, Receiver<Told>)>,
    done: HashMap<String, usize>,
}

impl Experiments {
    /// Whether a thread is at work or waits.
    pub fn is_busy(&self) -> bool {
        self.thread.is_some()
    }

    /// Follows a thread that was just started on a folder.
    pub fn follow(&mut self, thread: ExperimentThread, folder: &Path, phase: Phase) {
        if self.folder.as_deref() != Some(folder) {
            let data_set = std::mem::take(&mut self.data_set);
            *self =
                Self { view: self.view, fill_form: self.fill_form, data_set, ..Self::default() };
        }
        self.folder = Some(folder.to_owned());
        self.thread = Some(thread);
        self.phase = phase;
        self.trouble = None;
        self.may_accept = false;
        self.running.clear();
    }

    /// Begins with the items, or goes on.
    pub fn go_on(&mut self) {
        if let Some(thread) = &self.thread {
            thread.go_on();
            self.phase = Phase::Working;
        }
    }

    /// Waits after the step under way.
    pub fn pause(&mut self) {
        if let Some(thread) = &self.thread {
            thread.pause();
            self.phase = Phase::Paused;
        }
    }

    /// Stops after the step under way.
    pub fn stop(&mut self) {
        if let Some(thread) = &self.thread {
            thread.stop();
            self.phase = Phase::Stopping;
        }
    }

    /// Takes in what the thread told. Gives the configuration of a run that was opened for its own
    /// sake, for the form to follow.
    pub fn take_in(&mut self) -> Option<Configuration> {
        let news = self.thread.as_ref().map(ExperimentThread::try_news).unwrap_or_default();
        let mut configuration = None;
        for news in news {
            match news {
                ExperimentNews::Loading(title) => self.set(Phase::Loading(title)),
                ExperimentNews::Surveyed(done, of) => self.set(Phase::Naming(done, of)),
                ExperimentNews::Timing => self.set(Phase::Timing),
                ExperimentNews::Opened(opened) => {
                    if std::mem::take(&mut self.fill_form) {
                        configuration = Some(opened.configuration.clone());
                    }
                    self.open(*opened);
                }
                ExperimentNews::Begun(id) => {
                    self.running.insert(id, Step::default());
                }
                ExperimentNews::Step(id, done, of) => {
                    self.running.insert(id, Step { done, of });
                }
                ExperimentNews::Done(row) => self.put(*row),
                ExperimentNews::Ended(end) => self.end(end),
            }
        }
        configuration
    }

    fn set(&mut self, phase: Phase) {
        if self.phase != Phase::Stopping {
            self.phase = phase;
        }
    }

    fn open(&mut self, opened: Opened) {
        self.configuration = Some(opened.configuration);
        self.items = opened.items;
        self.left_out = Survey::new(opened.survey.iter().cloned()).left_out();
        self.survey = opened.survey.into();
        self.open = opened.open;
        self.shards = opened.shards;
        self.revision += 1;
        self.estimate = opened.estimate;
        self.jobs = opened.jobs;
        self.done.clear();
        self.rows.clear();
        self.digest.clear();
        for row in opened.rows {
            self.done.insert(row.id.clone(), self.rows.len());
            self.rows.push(Arc::new(row));
        }
        self.set(Phase::Planned);
    }

    fn put(&mut self, row: Row) {
        self.revision += 1;
        self.open = self.open.saturating_sub(1);
        self.running.remove(&row.id);
        self.estimate.learn(&row);
        match self.done.get(&row.id) {
            Some(&place) if row.replaces(&self.rows[place]) => self.rows[place] = Arc::new(row),
            Some(_) => {}
            None => {
                self.done.insert(row.id.clone(), self.rows.len());
                self.rows.push(Arc::new(row));
            }
        }
    }

    fn end(&mut self, end: ExperimentEnd) {
        self.thread = None;
        self.phase = Phase::AtRest;
        self.running.clear();
        match end {
            ExperimentEnd::Whole | ExperimentEnd::Stopped => {}
            ExperimentEnd::Changed(reason) => {
                self.trouble = Some(reason);
                self.may_accept = true;
            }
            ExperimentEnd::Failed(reason) => self.trouble = Some(reason),
        }
    }

    /// The row of an item.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(*self.done.get(id)?).map(Arc::as_ref)
    }

    /// Items that are done, failures among them.
    pub fn done(&self) -> usize {
        self.done.len()
    }

    /// Rows that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().map(Arc::as_ref).filter(|row| row.is_failed())
    }

    /// Seconds that the items left will take.
    pub fn seconds_left(&self) -> f64 {
        let is_open = |item: &&Item| match self.row(&item.id) {
            // Failures are to do where there is more to do than never was tried.
            Some(row) => row.is_failed() && self.open > self.items.len() - self.done(),
            None => true,
        };
        self.estimate.total(self.items.iter().filter(is_open), self.jobs)
    }

    /// Has something done with the run's folder on a thread beside the window, one thing at a time.
    pub fn send_on(
        &mut self,
        errand: Errand,
        work: impl FnOnce() -> Told + Send + 'static,
        wake: impl FnOnce() + Send + 'static,
    ) {
        if self.errand.is_some() {
            return;
        }
        let (sender, receiver) = mpsc::channel();
        let priority = Background::below_this_thread();
        let thread = std::thread::Builder::new().name("errand".to_owned()).spawn(move || {
            priority.enter();
            sender.send(work()).ok();
            wake();
        });
        self.errand = thread.is_ok().then_some((errand, receiver));
    }

    /// What came of the errand, once.
    pub fn told(&mut self) -> Option<(Errand, Told)> {
        let (errand, receiver) = self.errand.as_ref()?;
        let (errand, told) = match receiver.try_recv() {
            Ok(told) => (*errand, told),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                (*errand, Err("The program failed here.".to_owned()))
            }
        };
        self.errand = None;
        Some((errand, told))
    }

    /// Keeps tables and figures up with the rows, where they are looked at.
    pub fn keep_up(&mut self, ctx: &Context) {
        if !matches!(self.view, View::Tables | View::Figures) || self.survey.is_empty() {
            return;
        }
        let mut digest = std::mem::take(&mut self.digest);
        digest.keep_up(ctx, self.revision, || self.results());
        self.digest = digest;
    }

    /// What tables and figures are made of, as it is now; putting it together takes longer than a
    /// frame may.
    fn results(&self) -> impl FnOnce() -> Results + Send + 'static {
        let (configuration, rows) = (self.configuration.clone(), self.rows.clone());
        let survey = Arc::clone(&self.survey);
        move || {
            let mut results = Results::default();
            if let Some(configuration) = configuration {
                let rows = rows.iter().map(|row| Row::clone(row)).collect();
                results.add_run(&configuration, rows, survey.to_vec());
            }
            results
        }
    }

    /// The places of the rows that say `words`, in lower case, somewhere. They are looked for anew
    /// only where rows or words changed.
    pub fn rows_with(&mut self, words: &str, says: impl Fn(&Row, &str) -> bool) -> &[usize] {
        let known = self
            .found
            .as_ref()
            .is_some_and(|found| found.revision == self.revision && found.words == words);
        if !known {
            let is_found = |place: &usize| words.is_empty() || says(&self.rows[*place], words);
            self.found = Some(Found {
                revision: self.revision,
                words: words.to_owned(),
                places: (0..self.rows.len()).filter(is_found).collect(),
            });
        }
        self.found.as_ref().map_or(&[], |found| &found.places)
    }
}
