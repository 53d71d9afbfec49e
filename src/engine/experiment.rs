//! The thread of an experiment: beside the engine's, with models and computing threads of its own,
//! at the same low priority, so that the Lab goes on as if it were not there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::device::DeviceChoice;
use super::threads::{Background, automatic_threads, background_pool};
use crate::experiments::{
    Configuration, Contestant, Control, Estimate, ExperimentError, Heard, Item, Machine, News, Row,
    Run, RunContents, RunFolder, Share,
};
use crate::models::ModelLibrary;

/// Steps are told no more often than this.
const STEP_INTERVAL: Duration = Duration::from_millis(150);

/// What is to be computed, where and with what.
#[derive(Clone, Debug)]
pub struct ExperimentJob {
    /// The run's folder.
    pub folder: PathBuf,
    /// The experiment.
    pub configuration: Configuration,
    /// Which items.
    pub share: Share,
    /// Folders that are searched for weights, in order.
    pub model_directories: Vec<PathBuf>,
    /// Where models compute.
    pub device: DeviceChoice,
    /// Items at a time on the processor, each on one thread; none for one a core.
    pub jobs: Option<usize>,
}

/// What the thread tells.
#[derive(Debug)]
pub enum ExperimentNews {
    /// A model is being loaded.
    Loading(String),
    /// So many clean clips were named, of so many.
    Surveyed(usize, usize),
    /// The models are timed.
    Timing,
    /// What there is in the run's folder.
    Opened(Box<Opened>),
    /// An item was begun: its id.
    Begun(String),
    /// An item's attack made a step: its id, steps done, most steps.
    Step(String, usize, usize),
    /// An item is done.
    Done(Box<Row>),
    /// It is over.
    Ended(ExperimentEnd),
}

/// A run that was planned, or looked at.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The experiment.
    pub configuration: Configuration,
    /// All items.
    pub items: Arc<[Item]>,
    /// Rows that count.
    pub rows: Vec<Row>,
    /// What models said of the clean clips.
    pub survey: Vec<Heard>,
    /// How long items take.
    pub estimate: Estimate,
    /// Items at a time.
    pub jobs: usize,
    /// Items that are to do, failures that are tried again among them.
    pub open: usize,
    /// How many shares of the run have rows that are not joined yet, where there are such.
    pub shards: Option<usize>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExperimentEnd {
    /// All items are done.
    Whole,
    /// It was stopped, or only looked at.
    Stopped,
    /// Its configuration, data set or weights changed, and what to do.
    Changed(String),
    /// It can't go on, and why.
    Failed(String),
}

/// A running experiment; dropping it stops it after the step under way and waits for that.
pub struct ExperimentThread {
    control: Arc<Control>,
    news: Receiver<ExperimentNews>,
    thread: Option<JoinHandle<()>>,
}

impl ExperimentThread {
    /// Starts the thread, which loads the models, lets them name the clean clips, plans, and then
    /// waits for [`Self::go_on`]. `wake` is called when there are news.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(
        job: ExperimentJob,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let priority = Background::below_this_thread();
        Self::spawn(wake, move |control, tell| {
            priority.enter();
            match run(&job, priority, control, tell) {
                Ok(true) => ExperimentEnd::Whole,
                Ok(false) | Err(ExperimentError::Stopped) => ExperimentEnd::Stopped,
                Err(error @ ExperimentError::Changed { .. }) => {
                    ExperimentEnd::Changed(error.to_string())
                }
                Err(error) => ExperimentEnd::Failed(error.to_string()),
            }
        })
    }

    /// Reads what a run's folder holds, without computing.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn look(folder: PathBuf, wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        Self::spawn(wake, move |_, tell| match look(&RunFolder::new(folder)) {
            Ok(opened) => {
                tell(ExperimentNews::Opened(Box::new(opened)));
                ExperimentEnd::Stopped
            }
            Err(error) => ExperimentEnd::Failed(error.to_string()),
        })
    }

    fn spawn(
        wake: impl Fn() + Send + Sync + 'static,
        work: impl FnOnce(&Control, &mut dyn FnMut(ExperimentNews)) -> ExperimentEnd + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, news): (Sender<ExperimentNews>, _) = mpsc::channel();
        let control = Arc::new(Control::default());
        let own = Arc::clone(&control);
        let thread = thread::Builder::new().name("experiment".to_owned()).spawn(move || {
            let mut tell = |news| {
                // The window may be gone by now; then nobody listens.
                sender.send(news).ok();
                wake();
            };
            // What breaks ends this experiment; the window, and all that was finished, live on.
            let attempt = AssertUnwindSafe(|| work(&own, &mut tell));
            let end = catch_unwind(attempt).unwrap_or_else(|_| {
                ExperimentEnd::Failed(
                    "the program failed here; all that was finished is kept. Please report it with \
                     the run's log.txt"
                        .to_owned(),
                )
            });
            tell(ExperimentNews::Ended(end));
        })?;
        Ok(Self { control, news, thread: Some(thread) })
    }

    /// What it has told since the last call.
    pub fn try_news(&self) -> Vec<ExperimentNews> {
        self.news.try_iter().collect()
    }

    /// Begins with the items, or goes on after a pause.
    pub fn go_on(&self) {
        self.control.pause.store(false, Ordering::Relaxed);
    }

    /// Waits after the step under way.
    pub fn pause(&self) {
        self.control.pause.store(true, Ordering::Relaxed);
    }

    /// Stops after the step under way.
    pub fn stop(&self) {
        self.control.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for ExperimentThread {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended, too.
            thread.join().ok();
        }
    }
}

/// Whether all items are done at the end.
fn run(
    job: &ExperimentJob,
    priority: Background,
    control: &Control,
    tell: &mut dyn FnMut(ExperimentNews),
) -> Result<bool, ExperimentError> {
    let nothing = ExperimentError::Nothing;
    let compute = job.device.resolve().map_err(|error| nothing(error.to_string()))?;
    let jobs = if compute.device.is_cpu() { job.jobs.unwrap_or_else(automatic_threads) } else { 1 };
    let pools = (0..jobs).map(|_| background_pool(Some(1), priority));
    let pools = pools.collect::<Result<Vec<_>, _>>().map_err(nothing)?;
    let mut library = ModelLibrary::new(job.model_directories.clone(), compute.device.clone());
    let mut models = Vec::new();
    for source in job.configuration.sources().map_err(nothing)? {
        tell(ExperimentNews::Loading(source.title()));
        models.push(Contestant::new(&source, library.get(&source)?));
        if control.is_stopped() {
            return Err(ExperimentError::Stopped);
        }
    }
    let device = compute.name.clone();
    let explain = Box::new(move |error: &str| compute.explain(error));
    let machine = Machine { models, pools, device, explain };
    let folder = RunFolder::new(&job.folder);
    let (configuration, share) = (job.configuration.clone(), job.share.clone());
    let mut surveyed = |news: News<'_>| {
        if let News::Surveyed { done, of } = news {
            tell(ExperimentNews::Surveyed(done, of));
        }
    };
    let mut run = Run::open(&folder, configuration, &machine, share, control, &mut surveyed)?;
    tell(ExperimentNews::Timing);
    let mut estimate = Estimate::probe(&run.configuration, &machine);
    run.rows.iter().for_each(|row| estimate.learn(row));
    // Nothing is attacked before people have seen how long it will take.
    control.pause.store(true, Ordering::Relaxed);
    tell(ExperimentNews::Opened(Box::new(Opened {
        configuration: run.configuration.clone(),
        items: run.items.clone().into(),
        rows: run.rows.clone(),
        survey: run.folder.survey()?,
        estimate,
        jobs,
        open: run.open.len(),
        shards: folder.unmerged_shards(),
    })));
    if run.is_whole() {
        return Ok(true);
    }
    let mut last_step = Instant::now();
    let mut forward = |news: News<'_>| match news {
        News::Begun(item) => tell(ExperimentNews::Begun(item.id.clone())),
        News::Step(item, step, of) => {
            if last_step.elapsed() >= STEP_INTERVAL {
                last_step = Instant::now();
                tell(ExperimentNews::Step(item.id.clone(), step, of));
            }
        }
        News::Done(row) => tell(ExperimentNews::Done(Box::new(row.clone()))),
        News::Surveyed { .. } => {}
    };
    run.go_on(&machine, control, &mut forward)?;
    Ok(run.is_whole())
}

fn look(folder: &RunFolder) -> Result<Opened, ExperimentError> {
    let RunContents { configuration, plan, rows, survey, .. } = RunContents::read(folder)?;
    let mut estimate = Estimate::default();
    rows.iter().for_each(|row| estimate.learn(row));
    Ok(Opened {
        configuration,
        open: plan.len() - rows.len(),
        items: plan.into(),
        rows,
        survey,
        estimate,
        jobs: 1,
        shards: folder.unmerged_shards(),
    })
}
