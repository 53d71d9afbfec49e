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

/// All sessions below the folder for tests, and beside `file`; the newest tests first. Those that
/// can't be gone on with are listed with the reason: nobody's answers vanish.
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
        let own = TestFile::read(&file);
        for log in entries(&logs_beside(&file)) {
            if log.extension().is_none_or(|ending| ending != "jsonl") {
                continue;
            }
            let session = match LoggedSession::read(&log) {
                Ok(session) => session,
                Err(error) => {
                    let title = own.as_ref().map(|own| own.title.clone());
                    known.push(KnownSession {
                        file: file.clone(),
                        title: title.unwrap_or_else(|_| file.display().to_string()),
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
            let trouble = match &own {
                Ok(own) if own == test => None,
                Ok(_) => Some(
                    "it was made with another session file, or that was changed since; its answers \
                     are kept and can be reported on, but not gone on with"
                        .to_owned(),
                ),
                Err(error) => Some(format!("its session file can't be read: {error}")),
            };
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
                trouble,
            });
        }
    }
    known
}
