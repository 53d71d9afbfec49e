//! A run's folder: where each of its files is, and that one process at a time works in it.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::configuration::{CONFIGURATION_FILE, Configuration};
use super::environment::Environment;
use super::error::ExperimentError;
use super::journal::{read_journal, replace_journal};
use super::plan::{Item, Shard};
use super::row::{Row, latest, of_items};
use super::survey::Heard;

/// The folder of kept adversarial clips, below the run's.
pub const KEPT: &str = "adversarial";

/// What a process holds that works in the folder.
const LOCK_FILE: &str = ".lock";

/// A run's folder.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder at this path, whether it is there or not.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of one share of the items.
    pub fn shard(&self, shard: Shard) -> Self {
        Self(self.0.join(shard.folder()))
    }

    pub(super) fn rows_file(&self) -> PathBuf {
        self.0.join("results.jsonl")
    }

    pub(super) fn survey_file(&self) -> PathBuf {
        self.0.join("survey.jsonl")
    }

    pub(super) fn environment_file(&self) -> PathBuf {
        self.0.join("environment.jsonl")
    }

    pub(super) fn plan_file(&self) -> PathBuf {
        self.0.join("plan.jsonl")
    }

    /// Whether a process has worked in it, be it that it got no further than the lock.
    pub(super) fn was_opened(&self) -> bool {
        self.0.join(LOCK_FILE).is_file() || self.has_configuration()
    }

    /// Whether items were done, here or in a share of the run.
    pub(super) fn has_rows(&self) -> bool {
        self.parts().iter().any(Self::has_own_rows)
    }

    /// Whether items were done here, not counting shares of the run.
    pub(super) fn has_own_rows(&self) -> bool {
        fs::metadata(self.rows_file()).is_ok_and(|file| file.len() > 0)
    }

    /// How many shares of the run lie below it with rows of items that were not done here; none
    /// where there are none.
    pub fn unmerged_shards(&self) -> Option<usize> {
        let own: HashSet<String> =
            self.rows().unwrap_or_default().into_iter().map(|row| row.id).collect();
        let has_more = |shard: &&Self| match shard.rows() {
            Ok(rows) => rows.iter().any(|row| !row.is_failed() && !own.contains(&row.id)),
            // What can't be read is not merged either.
            Err(_) => true,
        };
        let count = self.shares().iter().filter(has_more).count();
        (count > 0).then_some(count)
    }

    /// The folders of its shares, as far as they are there.
    pub fn shares(&self) -> Vec<Self> {
        let shards = fs::read_dir(self.0.join("shards")).into_iter().flatten().flatten();
        let mut shards: Vec<_> = shards.map(|shard| Self::new(shard.path())).collect();
        shards.sort_by(|one, other| one.0.cmp(&other.0));
        shards
    }

    /// The folder itself and those of its shares.
    pub(super) fn parts(&self) -> Vec<Self> {
        [self.clone()].into_iter().chain(self.shares()).collect()
    }

    /// Whether a run was configured there.
    pub fn has_configuration(&self) -> bool {
        self.0.join(CONFIGURATION_FILE).is_file()
    }

    /// Its configuration.
    ///
    /// # Errors
    /// As [`Configuration::read`].
    pub fn configuration(&self) -> Result<Configuration, ExperimentError> {
        Configuration::read(&self.0.join(CONFIGURATION_FILE))
    }

    /// Its rows, the last of each item.
    ///
    /// # Errors
    /// Where they can't be read.
    pub fn rows(&self) -> Result<Vec<Row>, ExperimentError> {
        read_journal(&self.rows_file()).map(latest)
    }

    /// Those of its rows that are of items of the plan ([`of_items`]).
    ///
    /// # Errors
    /// Where they can't be read.
    pub fn rows_of(&self, plan: &[Item]) -> Result<Vec<Row>, ExperimentError> {
        let mut rows = of_items(read_journal(&self.rows_file())?, plan);
        if let Some(start) = self.environments()?.pop() {
            rows.iter_mut()
                .for_each(|row| row.forget_other_weights(|model| start.weights_of(model)));
        }
        Ok(rows)
    }

    /// What models said of the clean clips.
    ///
    /// # Errors
    /// Where that can't be read.
    pub fn survey(&self) -> Result<Vec<Heard>, ExperimentError> {
        read_journal(&self.survey_file())
    }

    /// What it was computed with, one entry a start.
    ///
    /// # Errors
    /// Where that can't be read.
    pub fn environments(&self) -> Result<Vec<Environment>, ExperimentError> {
        read_journal(&self.environment_file())
    }

    /// All items of the run, whether of this share or not; none before it was planned.
    ///
    /// # Errors
    /// Where they can't be read, or there are rows and nothing that tells what they are of.
    pub fn plan(&self) -> Result<Vec<Item>, ExperimentError> {
        let plan = read_journal(&self.plan_file())?;
        if plan.is_empty() && self.has_own_rows() {
            return Err(ExperimentError::Nothing(format!(
                "{} has rows and no plan.jsonl: copy the folder whole, or have it planned again \
                 (`mondegreen experiment plan`, with the recordings)",
                self.0.display()
            )));
        }
        Ok(plan)
    }

    /// Writes the plan.
    ///
    /// # Errors
    /// Where that can't be done.
    pub(super) fn write_plan(&self, items: &[Item]) -> Result<(), ExperimentError> {
        replace_journal(&self.plan_file(), items)
    }

    /// Makes the folder, if need be, and keeps other processes out as long as the lock lives. The
    /// system gives it back even where the process is killed.
    ///
    /// # Errors
    /// Where the folder can't be made or another process works in it.
    pub fn lock(&self) -> Result<Lock, ExperimentError> {
        fs::create_dir_all(&self.0).map_err(ExperimentError::write(&self.0))?;
        let path = self.0.join(LOCK_FILE);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(ExperimentError::write(&path))?;
        match file.try_lock() {
            Ok(()) => {
                crate::files::clear_temporary(&self.0);
                crate::files::clear_temporary(&self.0.join(KEPT));
                Ok(Lock(file))
            }
            Err(TryLockError::WouldBlock) => Err(ExperimentError::InUse(self.0.clone())),
            // Some network file systems know no locks; each shard has its own folder there.
            Err(TryLockError::Error(_)) => Ok(Lock(file)),
        }
    }

    /// Adds a line to the log. One that can't be written stops nothing: rows say the same.
    pub(super) fn log(&self, line: &str) {
        let file = File::options().create(true).append(true).open(self.0.join("log.txt"));
        if let Ok(mut file) = file {
            writeln!(file, "{} {line}", Environment::now()).ok();
        }
    }
}

/// Keeps other processes out of a run's folder.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);
