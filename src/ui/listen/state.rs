//! The tab's state and what comes from its threads.

use std::path::PathBuf;

use super::background::Background;
use super::draft::{Draft, Opened, next_pseudonym};
use super::known::{self, KnownSession, logs_beside};
use super::running::Running;
use crate::audio::{self, Clip};
use crate::experiments::{KeptPair, RunFolder};
use crate::files;
use crate::listening::simulate::now_ms;
use crate::listening::{ListenError, Log, LogFile, Report, Session, Stimuli, Stimulus, TestFile};
use crate::ui::pace::Pace;

/// Most pairs of a run, each of which is in memory: a test of more would tire anybody.
const MOST_OF_A_RUN: usize = 100;

/// What the tab shows while no session runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Putting a test together.
    #[default]
    SetUp,
    /// What answers say.
    Results,
}

/// What a thread has done.
pub enum Done {
    /// Pairs of a folder.
    Pairs(Result<Vec<Stimulus>, String>),
    /// A session file.
    Opened(Result<Box<(Opened, Stimuli)>, ListenError>),
    /// A test was written.
    Saved(Result<PathBuf, ListenError>),
    /// A session can begin, of a draft that is on the disk since; or one goes on.
    Ready(Result<Box<Ready>, ListenError>),
    /// A report.
    Report(Result<Box<Report>, ListenError>),
    /// A report was written.
    Exported(Result<Vec<PathBuf>, ListenError>),
}

/// A session to begin or to go on with.
pub struct Ready {
    session: Session,
    /// The draft that it is of, on the disk since, with its pairs; nothing where a session goes on.
    draft: Option<(Opened, Vec<Stimulus>)>,
}

/// What people must be told of.
pub enum News {
    /// Worth knowing.
    Worth(String),
    /// It failed.
    Trouble(String),
    /// A session begins.
    Begins,
}

/// The tab.
#[derive(Default)]
pub struct Listening {
    /// What is shown.
    pub page: Page,
    /// The test that is put together.
    pub draft: Draft,
    /// The session under way.
    pub running: Option<Box<Running>>,
    /// What was reported last.
    pub report: Option<Box<Report>>,
    /// Sessions on the disk.
    pub known: Vec<KnownSession>,
    background: Background<Done>,
    /// Nobody waits for this one.
    looking: Background<Vec<KnownSession>>,
    looked: bool,
}

/// Where tests that are made here are kept.
fn tests_folder() -> Option<PathBuf> {
    files::data_folder().map(|folder| folder.join("listening"))
}

impl Listening {
    /// Whether a thread works for the tab.
    pub fn is_busy(&self) -> bool {
        self.background.is_busy()
    }

    /// Looks for sessions on the disk, the first time that the tab is shown.
    pub fn look_once(&mut self, pace: &Pace) {
        if !self.looked {
            self.looked = true;
            self.look(pace);
        }
    }

    fn look(&mut self, pace: &Pace) {
        let file = self.draft.opened.as_ref().map(|opened| opened.file.clone());
        self.looking.start(pace, move || known::look(tests_folder().as_deref(), file.as_deref()));
    }

    /// Adds the pairs of a folder, or those that an experiment's run kept.
    pub fn add_folder(&mut self, pace: &Pace, folder: PathBuf) {
        self.background.start(pace, move || {
            let run = RunFolder::new(&folder);
            Done::Pairs(if run.has_configuration() {
                pairs_of_run(&run)
            } else {
                Stimulus::load_folder(&folder).map_err(|error| error.to_string())
            })
        });
    }

    /// Opens a session file.
    pub fn open_test(&mut self, pace: &Pace, file: PathBuf) {
        self.background.start(pace, move || {
            let read = || {
                let test = TestFile::read(&file)?;
                let stimuli = test.load(file.parent().unwrap_or(std::path::Path::new("")))?;
                let opened = Opened { file, test };
                Ok(Box::new((opened, stimuli)))
            };
            Done::Opened(read())
        });
    }

    /// Writes the draft into a new folder in `place`.
    pub fn save_in(&mut self, pace: &Pace, place: PathBuf) {
        let draft = self.draft.clone();
        self.background.start(pace, move || {
            let folder = free_folder(&place, &draft.test.title);
            Done::Saved(draft.write(&folder).map(|(file, ..)| file))
        });
    }

    /// Begins a session with the draft: with the file that was opened, or with one that is written
    /// first.
    pub fn begin(&mut self, pace: &Pace) {
        let draft = self.draft.clone();
        let name = draft.participant.trim().to_owned();
        self.background.start(pace, move || {
            let start = || {
                let (file, test, stimuli) = match &draft.opened {
                    Some(opened) if draft.is_opened_file() => {
                        let folder = opened.file.parent().unwrap_or(std::path::Path::new(""));
                        (opened.file.clone(), opened.test.clone(), opened.test.load(folder)?)
                    }
                    _ => {
                        let place = tests_folder().ok_or_else(|| {
                            ListenError::Report(
                                "this system names no folder for the program's data; save the test \
                                 in a folder of yours and open it from there"
                                    .to_owned(),
                            )
                        })?;
                        draft.write(&free_folder(&place, &draft.test.title))?
                    }
                };
                let logs = logs_beside(&file);
                std::fs::create_dir_all(&logs)
                    .map_err(|source| ListenError::Io { path: logs.clone(), source })?;
                let log = free_log(&logs, &name)?;
                let seed = u64::from(rand::random::<u32>());
                let draft = (Opened { file, test: test.clone() }, stimuli.pairs.clone());
                let session = Session::start(test, stimuli, &name, seed, Log::File(log), now_ms())?;
                Ok(Box::new(Ready { session, draft: Some(draft) }))
            };
            Done::Ready(start())
        });
    }

    /// Goes on with a session.
    pub fn resume(&mut self, pace: &Pace, file: PathBuf, log: PathBuf) {
        if self.is_busy() || self.running.is_some() {
            return;
        }
        self.background.start(pace, move || {
            let resume = || {
                let test = TestFile::read(&file)?;
                let stimuli = test.load(file.parent().unwrap_or(std::path::Path::new("")))?;
                let session = Session::resume(&log, &test, stimuli, now_ms())?;
                Ok(Box::new(Ready { session, draft: None }))
            };
            Done::Ready(resume())
        });
    }

    /// Reports on logs.
    pub fn report_on(&mut self, pace: &Pace, logs: Vec<PathBuf>) {
        self.background.start(pace, move || Done::Report(Report::read(&logs).map(Box::new)));
    }

    /// Writes the report into a new folder in `place`.
    pub fn export_in(&mut self, pace: &Pace, place: PathBuf) {
        let Some(report) = self.report.clone() else { return };
        self.background.start(pace, move || {
            let folder = free_folder(&place, &format!("{} results", report.start.test.title));
            Done::Exported(report.write(&folder))
        });
    }

    /// Leaves the session; if it is over, its report follows.
    pub fn leave(&mut self, pace: &Pace) {
        let Some(running) = self.running.take() else { return };
        if running.session.is_over()
            && let Some(log) = running.session.log().path()
        {
            self.report_on(pace, vec![log.to_path_buf()]);
        }
        self.look(pace);
    }

    /// Takes in what threads have done. A session begins at this volume in dB.
    pub fn take_in(&mut self, pace: &Pace, gain_db: f32) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(known) = self.looking.poll().pop() {
            self.known = known;
        }
        for done in self.background.poll() {
            let trouble = |error: ListenError| News::Trouble(format!("{error}."));
            match done {
                Done::Pairs(Ok(pairs)) => pairs.into_iter().for_each(|pair| self.draft.add(pair)),
                Done::Opened(Ok(opened)) => {
                    let (opened, stimuli) = *opened;
                    self.draft.be(opened, stimuli.pairs);
                    self.page = Page::SetUp;
                    self.look(pace);
                }
                Done::Saved(Ok(file)) => {
                    news.push(News::Worth(format!("The test was saved as {}.", file.display())));
                    self.open_test(pace, file);
                }
                Done::Ready(Ok(ready)) => {
                    let Ready { session, draft } = *ready;
                    if let Some((opened, pairs)) = draft {
                        // The next one takes the same test, and is somebody else.
                        self.draft.be(opened, pairs);
                        self.draft.participant = next_pseudonym(&self.draft.participant);
                    }
                    self.running = Some(Box::new(Running::new(session, gain_db)));
                    news.push(News::Begins);
                }
                Done::Report(Ok(report)) => {
                    self.report = Some(report);
                    self.page = Page::Results;
                }
                Done::Exported(Ok(paths)) => {
                    let folder = paths.first().and_then(|path| path.parent());
                    let folder = folder.map(|folder| folder.display().to_string());
                    news.push(News::Worth(format!(
                        "The results were written into {}.",
                        folder.unwrap_or_default()
                    )));
                }
                Done::Pairs(Err(words)) => news.push(News::Trouble(format!("{words}."))),
                Done::Opened(Err(error))
                | Done::Saved(Err(error))
                | Done::Ready(Err(error))
                | Done::Report(Err(error))
                | Done::Exported(Err(error)) => news.push(trouble(error)),
            }
        }
        news
    }
}

/// What the run kept of its successes, named after clip, attack and model.
fn pairs_of_run(run: &RunFolder) -> Result<Vec<Stimulus>, String> {
    let pairs = run.kept_pairs(MOST_OF_A_RUN).map_err(|error| error.to_string())?;
    let stimulus = |pair: KeptPair| {
        let KeptPair { row, clean, adversarial } = pair;
        let target = row.target.map_or(String::new(), |target| format!(" to {target}"));
        let name = format!("{}, {}{target} on {}", clean.name, row.attack, row.model);
        let changed = Clip { samples: adversarial, ..clean.clone() };
        let pair = Stimulus::from_clips(&name, &clean, &changed);
        // The run's files differ in rate and channels: it read both as its models hear them.
        pair.map(|pair| Stimulus { files: None, ..pair }).map_err(|error| error.to_string())
    };
    pairs.into_iter().map(stimulus).collect()
}

/// A folder in `place` that is not there yet, with this name or a number behind it.
fn free_folder(place: &std::path::Path, name: &str) -> PathBuf {
    let name = audio::file_name(name);
    let numbered = |number: usize| match number {
        1 => place.join(&name),
        _ => place.join(format!("{name} {number}")),
    };
    (1..).map(numbered).find(|folder| !folder.exists()).unwrap_or_else(|| place.join(&name))
}

/// A new log for a participant.
fn free_log(folder: &std::path::Path, participant: &str) -> Result<LogFile, ListenError> {
    let name = audio::file_name(participant);
    let mut number = 1;
    loop {
        let file =
            if number == 1 { format!("{name}.jsonl") } else { format!("{name} {number}.jsonl") };
        match LogFile::create(&folder.join(file)) {
            Err(ListenError::LogExists { .. }) => number += 1,
            other => return other,
        }
    }
}
