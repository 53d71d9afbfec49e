//! A run: what models make of the clean clips, the plan, and its items one after the other or
//! several at a time. All that is finished is on the disk before anybody hears of it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;

use super::candidates::{Candidate, Candidates};
use super::configuration::{CONFIGURATION_FILE, Configuration, ExperimentKind};
use super::environment::Environment;
use super::error::ExperimentError;
use super::folder::{Lock, RunFolder};
use super::journal::{Journal, read_journal, replace_journal};
use super::machine::{Control, Machine};
use super::plan::{Item, Shard, plan};
use super::questions;
use super::row::{Row, of_items};
use super::survey::{self, Hash, Heard, LeftOut, Survey};
use super::work;
use crate::attacks::{Flow, Progress};
use crate::audio;

/// Which of the items a process works off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    /// Every nth; its rows go into a folder of their own below the run's.
    pub shard: Option<Shard>,
    /// Only those with these ids, or all; a shard then is one of these.
    pub ids: Option<Vec<String>>,
    /// Those that failed before, too, and successes that not all other models were asked about.
    pub retry: bool,
    /// Go on although the configuration, the data set or weights changed: rows that still fit
    /// count, the others are computed again.
    pub accept_change: bool,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum News<'a> {
    /// So many of the questions about clean clips are answered.
    Surveyed {
        /// Answered.
        done: usize,
        /// All.
        of: usize,
    },
    /// An item was begun.
    Begun(&'a Item),
    /// An item's attack made a step: the item, steps done, most steps.
    Step(&'a Item, usize, usize),
    /// An item is done, and its row kept.
    Done(&'a Row),
}

/// A run that is ready to go on.
pub struct Run {
    /// Where its rows go.
    pub folder: RunFolder,
    /// What it is.
    pub configuration: Configuration,
    /// The clips.
    pub candidates: Candidates,
    /// All items of the experiment.
    pub items: Vec<Item>,
    /// Those that this process still has to do, as places in [`Self::items`].
    pub open: Vec<usize>,
    /// Clips that are not attacked.
    pub left_out: Vec<LeftOut>,
    /// How many of these a model failed on now, and not at an earlier start.
    pub broken_now: usize,
    /// Rows that count, of this process' share.
    pub rows: Vec<Row>,
    share: Share,
    /// The names of its models.
    models: Vec<String>,
    /// Ids of the items that were done since it was opened: what fails again is not done over and
    /// over.
    tried: HashSet<String>,
    journal: Journal<Row>,
    /// Other processes stay out as long as it lives.
    #[expect(dead_code, reason = "it is given back when the run is dropped")]
    lock: Lock,
}

impl Run {
    /// Opens or begins a run: asks all models about all clean clips, as far as that was not done
    /// before, and plans.
    ///
    /// A shard takes what was asked from the run's own folder, where `experiment plan` left it.
    ///
    /// # Errors
    /// Where the folder can't be used, something in it changed, or models fail on one clip after the
    /// other; [`ExperimentError::Stopped`] where it was stopped.
    pub fn open(
        folder: &RunFolder,
        configuration: Configuration,
        machine: &Machine,
        share: Share,
        control: &Control,
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<Self, ExperimentError> {
        let own = share.shard.map_or_else(|| folder.clone(), |shard| folder.shard(shard));
        // What can't be begun leaves no folder behind.
        let wrong = |reason| ExperimentError::Configuration {
            path: folder.path().join(CONFIGURATION_FILE),
            reason,
        };
        configuration.check().map_err(wrong)?;
        let candidates = Candidates::open(&configuration)?;
        check_labels(&candidates, machine)?;
        check_attacks(&configuration, machine)?;
        let lock = own.lock()?;
        let environment = environment(&configuration, &candidates, machine, &share);
        let earlier = own.environments()?.pop();
        let changed = earlier.as_ref().is_some_and(|e| e.data_sha256 != environment.data_sha256);
        match &earlier {
            Some(earlier) => check_changes(&own, &environment, earlier, share.accept_change)?,
            // A new share of a run that others compute already, or a run after its shares.
            None => {
                for other in folder.parts().iter().filter(|part| part.has_own_rows()) {
                    if let Some(start) = other.environments()?.pop() {
                        check_changes(other, &environment, &start, share.accept_change)?;
                    }
                }
            }
        }
        configuration.write(own.path())?;
        let now = |clip: &Candidate| samples_sha256(clip, configuration.limit_seconds);
        // Reading all clips takes a while: only where there is a reason to.
        let now: Option<&Hash<'_>> = if changed || share.retry { Some(&now) } else { None };
        // With another limit clips may be readable that were too long, and the other way round.
        let limit = configuration.limit_seconds;
        let other_limit = earlier.as_ref().is_some_and(|e| e.configuration.limit_seconds != limit);
        let is_accuracy = configuration.experiment == ExperimentKind::Accuracy;
        let names = machine.names();
        let fitting = |lines| {
            let mut lines = survey::fitting(lines, &candidates, &names, now);
            lines.retain(|heard| heard.seconds <= limit);
            lines
        };
        let before: Vec<Heard> = read_journal(&own.survey_file())?;
        let mut lines = fitting(before.clone());
        if own != *folder {
            // A share's folder holds all that there is to say of its rows, wherever it is copied.
            let own = Survey::new(lines.clone());
            let is_new = |h: &Heard| own.get(&h.clip, &h.model, &h.weights).is_none();
            lines.extend(fitting(folder.survey()?).into_iter().filter(is_new));
        }
        if lines != before {
            // What no longer holds would still count in Table 1.
            replace_journal(&own.survey_file(), &lines)?;
        }
        let (mut journal, _) = Journal::<Heard>::open(&own.survey_file())?;
        let mut survey = Survey::new(lines);
        let again = share.retry || other_limit;
        let mut questions = survey.missing(&candidates, &machine.names(), again);
        if let Some(shard) = share.shard.filter(|_| is_accuracy) {
            // Answers are all that there is to share.
            questions.retain(|question| shard.has(question.clip));
        }
        let mut broken_now = 0;
        questions::ask(
            &questions,
            &configuration,
            &candidates,
            machine,
            control,
            |heard, done| {
                broken_now += usize::from(heard.is_broken());
                journal.append(&heard)?;
                survey.push(heard);
                tell(News::Surveyed { done, of: questions.len() });
                Ok(())
            },
        )?;
        let items = plan(&configuration, &candidates, &survey, &machine.names());
        own.write_plan(&items)?;
        let (mut starts, _) = Journal::open(&own.environment_file())?;
        starts.append(&environment)?;
        let (journal, rows) = Journal::open(&own.rows_file())?;
        let mut rows = of_items(rows, &items);
        rows.iter_mut()
            .for_each(|row| row.forget_other_weights(|model| environment.weights_of(model)));
        let mut run = Self {
            folder: own,
            configuration,
            candidates,
            items,
            open: Vec::new(),
            left_out: survey.left_out(),
            broken_now,
            rows,
            share,
            models: machine.models.iter().map(|one| one.name.clone()).collect(),
            tried: HashSet::new(),
            journal,
            lock,
        };
        run.sort_out()?;
        let (done, open) = (run.rows.len(), run.open.len());
        run.folder.log(&format!("started: {done} items done before, {open} to do"));
        Ok(run)
    }

    /// Puts the rows into the items' order, and finds out which items are to do.
    fn sort_out(&mut self) -> Result<(), ExperimentError> {
        let mut rows: HashMap<String, Row> =
            self.rows.drain(..).map(|row| (row.id.clone(), row)).collect();
        self.rows = self.items.iter().filter_map(|item| rows.remove(&item.id)).collect();
        let again = |row: &Row| {
            let incomplete = row.is_failed() || self.lacks_answers(row);
            self.share.retry && incomplete && !self.tried.contains(&row.id)
        };
        let done: HashSet<&str> =
            self.rows.iter().filter(|row| !again(row)).map(|row| row.id.as_str()).collect();
        let ids = self.share.ids.as_ref();
        if let Some(unknown) =
            ids.and_then(|ids| ids.iter().find(|id| self.items.iter().all(|item| item.id != **id)))
        {
            return Err(ExperimentError::Nothing(format!(
                "there is no item {unknown} in this run; `mondegreen experiment plan` lists all"
            )));
        }
        // A share of a list is a share of what is on the list.
        let listed = self.items.iter().enumerate().filter(|(_, item)| self.is_listed(&item.id));
        let is_ours = |number: usize| self.share.shard.is_none_or(|shard| shard.has(number));
        let ours = listed.enumerate().filter(|(number, _)| is_ours(*number));
        let open = ours.map(|(_, item)| item).filter(|(_, item)| !done.contains(&*item.id));
        self.open = open.map(|(place, _)| place).collect();
        Ok(())
    }

    /// Whether an item is one of those that this process is to do, where somebody said which.
    pub(super) fn is_listed(&self, id: &str) -> bool {
        self.share.ids.as_ref().is_none_or(|ids| ids.iter().any(|listed| listed == id))
    }

    /// Whether all other models were to be asked about a success and were not, and can't be without
    /// a new attack, since its adversarial clip was not kept.
    fn lacks_answers(&self, row: &Row) -> bool {
        let wanted = self.configuration.transfer
            && self.configuration.experiment == ExperimentKind::Untargeted;
        let models = self.models.iter().map(String::as_str);
        wanted && row.fooled() && row.kept.is_none() && !row.has_answers_of(models)
    }

    /// Works off what is open; what was done before a stop is kept. Gives the number of rows that
    /// were added.
    ///
    /// # Errors
    /// Where a row or an adversarial clip can't be kept: then nothing more is begun.
    pub fn go_on(
        &mut self,
        machine: &Machine,
        control: &Control,
        tell: &mut dyn FnMut(News<'_>),
    ) -> Result<usize, ExperimentError> {
        let clips: HashMap<&str, usize> = (0..self.candidates.clips.len())
            .map(|clip| (self.candidates.clips[clip].name.as_str(), clip))
            .collect();
        let (next, broken) = (AtomicUsize::new(0), Control::default());
        let (configuration, candidates) = (&self.configuration, &self.candidates);
        let (items, open, folder) = (&self.items, &self.open, &self.folder);
        let (send, receive) = mpsc::channel();
        let mut added = 0;
        let mut result = Ok(());
        thread::scope(|scope| {
            for pool in &machine.pools {
                let send: Sender<Message> = send.clone();
                let (next, broken, clips) = (&next, &broken, &clips);
                scope.spawn(move || {
                    while let Some(&place) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if broken.is_stopped() || control.flow() == Flow::Stop {
                            break;
                        }
                        let item = &items[place];
                        let Some(&clip) = clips.get(item.clip.as_str()) else { continue };
                        send.send(Message::Begun(place)).ok();
                        let mut waited = 0.0;
                        let mut observer = |progress: &Progress<'_>| {
                            let step = Message::Step(place, progress.iteration, progress.of);
                            send.send(step).ok();
                            let before = Instant::now();
                            let flow = control.flow();
                            waited += before.elapsed().as_secs_f64();
                            if broken.is_stopped() { Flow::Stop } else { flow }
                        };
                        let clip = &candidates.clips[clip];
                        let done = pool.install(|| {
                            let path = folder.path();
                            work::attack(configuration, machine, clip, item, path, &mut observer)
                        });
                        let Some(mut done) = done.transpose() else { break };
                        if let Ok(row) = &mut done {
                            // A pause is no computing.
                            row.seconds = (row.seconds - waited).max(0.0);
                        }
                        send.send(Message::Done(Box::new(done))).ok();
                    }
                });
            }
            drop(send);
            for message in receive {
                match message {
                    Message::Begun(place) => tell(News::Begun(&items[place])),
                    Message::Step(place, step, of) => tell(News::Step(&items[place], step, of)),
                    Message::Done(done) => {
                        let kept = done.and_then(|row| self.journal.append(&row).map(|()| row));
                        match kept {
                            Ok(row) => {
                                if let Some(reason) =
                                    row.reason.as_ref().filter(|_| row.is_failed())
                                {
                                    folder.log(&format!("failed: {}: {reason}", row.id));
                                }
                                tell(News::Done(&row));
                                self.tried.insert(row.id.clone());
                                self.rows.push(row);
                                added += 1;
                            }
                            Err(error) => {
                                broken.stop.store(true, Ordering::Relaxed);
                                if result.is_ok() {
                                    result = Err(error);
                                }
                            }
                        }
                    }
                }
            }
        });
        self.rows = of_items(std::mem::take(&mut self.rows), &self.items);
        self.sort_out()?;
        self.folder.log(&format!("ended: {added} rows added, {} to do", self.open.len()));
        result.map(|()| added)
    }

    /// Puts a row in the place of the one of the same item.
    pub(super) fn replace(&mut self, row: Row) -> Result<(), ExperimentError> {
        self.journal.append(&row)?;
        if let Some(old) = self.rows.iter_mut().find(|old| old.id == row.id) {
            *old = row;
        }
        Ok(())
    }

    /// Whether all of this process' items are done.
    pub fn is_whole(&self) -> bool {
        self.open.is_empty()
    }
}

/// What workers tell the thread that writes.
enum Message {
    Begun(usize),
    Step(usize, usize, usize),
    Done(Box<Result<Row, ExperimentError>>),
}

/// Every model must know every label of the clips.
fn check_labels(candidates: &Candidates, machine: &Machine) -> Result<(), ExperimentError> {
    for one in &machine.models {
        for label in &candidates.labels {
            one.model.labels().find(label).map_err(|unknown| {
                ExperimentError::Nothing(format!(
                    "{} never learned a label of {}: {unknown}. Choose labels that all models know",
                    one.name, candidates.data
                ))
            })?;
        }
    }
    let mut names: Vec<&str> = machine.models.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(ExperimentError::Nothing(format!(
            "two models are called {}; rename one of the files",
            twice[0]
        )));
    }
    Ok(())
}

/// No attack may be asked for what it can't do on any clip of a model.
fn check_attacks(configuration: &Configuration, machine: &Machine) -> Result<(), ExperimentError> {
    for entry in &configuration.attacks {
        // Where it makes no sense in itself, that was said before.
        let Ok(spec) = entry.spec() else { continue };
        for one in &machine.models {
            if let Some(reason) = spec.misfit(one.model.score_kind()) {
                let (attack, model) = (entry.title(), &one.name);
                return Err(ExperimentError::Nothing(format!("{attack} on {model}: {reason}")));
            }
        }
    }
    Ok(())
}

fn environment(
    configuration: &Configuration,
    candidates: &Candidates,
    machine: &Machine,
    share: &Share,
) -> Environment {
    let weights = machine.models.iter();
    Environment {
        started: Environment::now(),
        version: crate::VERSION.to_owned(),
        system: Environment::system(),
        device: machine.device.clone(),
        jobs: machine.pools.len(),
        threads: machine.pools.first().map_or(1, rayon::ThreadPool::current_num_threads),
        data: candidates.data.clone(),
        data_sha256: candidates.data_sha256.clone(),
        weights: weights
            .map(|one| (one.name.clone(), one.model.card().weights_sha256.clone()))
            .collect(),
        configuration: configuration.clone(),
        shard: share.shard,
    }
}

/// SHA-256 of a clip's samples; none where it can't be read.
fn samples_sha256(clip: &Candidate, limit_seconds: f64) -> Option<String> {
    let clip = audio::load(&clip.path, limit_seconds).ok()?;
    Some(crate::export::sha256_of_samples(&clip.samples))
}

fn check_changes(
    folder: &RunFolder,
    environment: &Environment,
    earlier: &Environment,
    accept: bool,
) -> Result<(), ExperimentError> {
    let changes = environment.changes_since(earlier);
    // Before anything was computed people may think again.
    if changes.is_empty() || accept || !folder.has_rows() {
        return Ok(());
    }
    Err(ExperimentError::Changed {
        path: folder.path().to_owned(),
        reason: format!(
            "since the run began, this has changed: {}. Put it back, choose another folder, or accept the \
             change (on the command line --accept-change): rows that still fit are then kept, all others computed again",
            changes.join(", ")
        ),
    })
}
