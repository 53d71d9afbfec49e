//! What can be asked of an experiment.

use std::path::PathBuf;

/// A wish of the Experiments tab.
#[derive(Clone, Debug, PartialEq)]
pub enum ExperimentWish {
    /// Ask for the data set's folder.
    ChooseData,
    /// Take this data set.
    SetData(PathBuf),
    /// Ask for a run's folder.
    ChooseRun,
    /// Show what a run's folder holds, and take up its configuration.
    OpenRun(PathBuf),
    /// Let the models name the clean clips, list the items, and say how long they will take.
    Plan,
    /// The same although the configuration, the data set or weights changed.
    AcceptChange,
    /// The same, with the items that failed before.
    Retry,
    /// Work off the items, wait, or go on.
    GoOrPause,
    /// Stop after the step under way.
    Stop,
    /// Show a row's clip in the Lab, with its model and attack: the row's id.
    OpenRow(String),
    /// Join the rows of the run's shares into its folder.
    Join,
    /// Write tables and figures into the run's folder.
    WriteReport,
}
