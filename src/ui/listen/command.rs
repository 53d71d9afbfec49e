//! Everything that can be asked of the tab.

use std::path::PathBuf;

use crate::listening::{Action, Slot};

/// A wish, part of [`UiCommand`](crate::ui::UiCommand).
#[derive(Clone, Debug, PartialEq)]
pub enum ListenCommand {
    /// Begin a new draft.
    New,
    /// Add the pair that the Lab shows.
    AddPair,
    /// Add the pairs of all results of the Lab and of Compare.
    AddResults,
    /// Ask for a folder of pairs.
    ChooseFolder,
    /// Add the pairs of a folder.
    AddFolder(PathBuf),
    /// Take a pair out, by its index.
    RemovePair(usize),
    /// Ask for a session file.
    ChooseTest,
    /// Open a session file.
    OpenTest(PathBuf),
    /// Ask for a folder for the session file and its sounds.
    ChooseSave,
    /// Write both into a new folder there.
    SaveIn(PathBuf),
    /// Begin a session.
    Begin,
    /// Go on with a session: its file and its log.
    Resume(PathBuf, PathBuf),
    /// Ask for logs.
    ChooseLogs,
    /// Report on logs.
    Report(Vec<PathBuf>),
    /// Show the set-up.
    ShowSetUp,
    /// Ask for a folder for what the report says.
    ChooseExport,
    /// Write it into a new folder there.
    ExportIn(PathBuf),
    /// Listen to a sound of the trial.
    Hear(Slot),
    /// Play or pause it.
    PlayOrPause,
    /// Play it from a moment in seconds.
    Seek(f64),
    /// Loop a part of it, in seconds, or all.
    Loop(Option<(f64, f64)>),
    /// Set the volume in dB.
    SetVolume(f32),
    /// Do what a participant does.
    Act(Action),
    /// Ask whether to break off.
    AskToLeave,
    /// Go on after all.
    Stay,
    /// Break off, or leave the last page.
    Leave,
}
