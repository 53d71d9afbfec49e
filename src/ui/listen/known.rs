//! Sessions that are on the disk: those of tests that were made here, and those beside the session
//! file that is open.

use std::path::{Path, PathBuf};

use crate::listening::LoggedSession;

/// A session on the disk.
#[derive(Clone, Debug)]
pub struct KnownSession {
    /// The session file.
    pub file: PathBuf,
    /// The log.
    pub log: PathBuf,
    /// What the test is called.
    pub title: String,
    /// Who listened.
    pub participant: String,
    /// Answers so far, practice included, and how many there are in all.
    pub answers: (usize, usize),
    /// Whether all trials were answered.
    pub complete: bool,
}

/// The folder for logs beside a session file.
pub fn logs_beside(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join("logs")
}

/// All sessions below the folder for tests, and beside `file`; the newest tests first. What can't be
/// read is left out: `listen verify` says what is wrong with it.
pub fn look(tests: Option<&Path>, file: Option<&Path>) -> Vec<KnownSession> {
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let mut files: Vec<PathBuf> = file.map(Path::to_path_buf).into_iter().collect();
    for folder in tests.map(entries).unwrap_or_default().into_iter().rev() {
        let file = folder.join("test.toml");
        if file.is_file() && !files.contains(&file) {
            files.push(file);
        }
    }
    let mut known = Vec::new();
    for file in files {
        for log in entries(&logs_beside(&file)) {
            let Ok(session) = LoggedSession::read(&log) else { continue };
            let test = &session.start.test;
            known.push(KnownSession {
                file: file.clone(),
                log,
                title: test.title.clone(),
                participant: session.start.participant.clone(),
                answers: (
                    session.answers.len(),
                    test.practice + test.trial_count() + test.catch_trials,
                ),
                complete: session.complete,
            });
        }
    }
    known
}
