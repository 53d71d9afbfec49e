//! All that a run's folder holds, read at once and without computing.

use super::configuration::Configuration;
use super::environment::Environment;
use super::error::ExperimentError;
use super::folder::RunFolder;
use super::plan::Item;
use super::row::Row;
use super::survey::Heard;

/// What a run's folder holds.
#[derive(Clone, Debug)]
pub struct RunContents {
    /// The folder.
    pub folder: RunFolder,
    /// What the run is.
    pub configuration: Configuration,
    /// What it was computed with, one entry a start.
    pub environments: Vec<Environment>,
    /// All items.
    pub plan: Vec<Item>,
    /// Rows that count.
    pub rows: Vec<Row>,
    /// What models said of the clean clips, with the weights that they had at the last start: what
    /// others said before is in no row.
    pub survey: Vec<Heard>,
}

impl RunContents {
    /// Reads a folder.
    ///
    /// # Errors
    /// Where it is none of a run, or a file can't be read.
    pub fn read(folder: &RunFolder) -> Result<Self, ExperimentError> {
        if !folder.has_configuration() {
            let path = folder.path().display();
            return Err(ExperimentError::Nothing(format!(
                "{path} is no run's folder: it has no experiment.toml"
            )));
        }
        let plan = folder.plan()?;
        let environments = folder.environments()?;
        let mut survey = folder.survey()?;
        if let Some(last) = environments.last() {
            survey.retain(|heard| {
                last.weights_of(&heard.model).is_some_and(|hash| hash.starts_with(&heard.weights))
            });
        }
        Ok(Self {
            configuration: folder.configuration()?,
            rows: folder.rows_of(&plan)?,
            folder: folder.clone(),
            environments,
            plan,
            survey,
        })
    }
}
