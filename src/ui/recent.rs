//! Which of the recent files are still there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Looks for files on a thread of its own: a folder on another computer may take seconds to say no.
#[derive(Clone, Default)]
pub struct RecentFiles(Arc<Mutex<HashMap<PathBuf, bool>>>);

impl RecentFiles {
    /// Looks which of these are there, and calls `wake` when that is known.
    pub fn look(&self, paths: Vec<PathBuf>, wake: impl FnOnce() + Send + 'static) {
        let known = self.clone();
        let looked = std::thread::Builder::new().name("recent files".to_owned()).spawn(move || {
            for path in paths {
                let there = path.is_file();
                known.lock().insert(path, there);
            }
            wake();
        });
        // Without a thread all count as there; opening one tells what is wrong with it.
        drop(looked);
    }

    /// Whether a file is known to be gone.
    pub fn is_gone(&self, path: &Path) -> bool {
        self.lock().get(path) == Some(&false)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn files_that_are_gone_are_known_and_those_that_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let (here, gone) = (folder.path().join("here.wav"), folder.path().join("gone.wav"));
        std::fs::write(&here, "a sound").unwrap();
        let recent = RecentFiles::default();
        assert!(!recent.is_gone(&gone), "nobody has looked yet");
        let look = || {
            let (done, looked) = channel();
            recent.look(vec![here.clone(), gone.clone()], move || done.send(()).unwrap());
            looked.recv().unwrap();
        };
        look();
        assert!(!recent.is_gone(&here) && recent.is_gone(&gone));
        std::fs::write(&gone, "again").unwrap();
        look();
        assert!(!recent.is_gone(&gone));
    }
}
