//! Sessions that are on the disk: those of tests that were made here, and those beside the session
//! file that is open.

use std::path::{Path, PathBuf};

use crate::listening::{LoggedSession, TestFile};

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
    /// Why its log can't be read.
    pub trouble: Option<String>,
}

/// The folder for logs beside a session file.
pub fn logs_beside(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join("logs")
}

/// All sessions below the folder for tests, and beside `file`; the newest tests first. Logs beside a
/// session file that are of another one are not its own.
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
        let Ok(own) = TestFile::read(&file) else { continue };
        for log in entries(&logs_beside(&file)) {
            if log.extension().is_none_or(|ending| ending != "jsonl") {
                continue;
            }
            let session = match LoggedSession::read(&log) {
                Ok(session) => session,
                Err(error) => {
                    known.push(KnownSession {
                        file: file.clone(),
                        title: own.title.clone(),
                        participant: log.file_stem().unwrap_or_default().to_string_lossy().into(),
                        log,
                        answers: (0, 0),
                        complete: false,
                        trouble: Some(error.to_string()),
                    });
                    continue;
                }
            };
            let test = &session.start.test;
            if *test != own {
                continue;
            }
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
                trouble: None,
            });
        }
    }
    known
}
