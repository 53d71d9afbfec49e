//! A session: what the open window has found, kept in a folder of the user's data, so that it
//! survives a crash, and so that memory need not hold what nobody looks at.
//!
//! The folder holds what a lab file holds. A lock tells whether the program that made it still runs;
//! without it, what is left is an earlier session whose results were not saved.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use super::read::Source;
use super::state::{Desk, folder_name};
use super::write::{Index, ResultLine, pretty, result_files, told_anew};
use super::{INDEX, LabFileError, RESULT};
use crate::audio::{Clip, WavDepth, wav_bytes};
use crate::export::{Record, sha256_of_samples};
use crate::files;

/// The file that is locked as long as the program runs.
const LOCK: &str = "in-use";

/// Results, a folder each.
const RESULTS: &str = "results";

/// Clips, a file each.
const CLIPS: &str = "clips";

/// Where sessions are kept: a folder of the user's data.
pub fn default_folder() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "Mondegreen")?;
    Some(folders.data_local_dir().join("sessions"))
}

/// The folder of this program's session.
pub struct Session {
    base: PathBuf,
    folder: PathBuf,
    lock: File,
    /// How many results were kept.
    kept: usize,
    /// The clips that are in the folder, as long as somebody has them, and their hashes.
    clips: Vec<(Weak<[f32]>, String)>,
}

/// What an earlier session left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its folder.
    pub folder: PathBuf,
    /// The names of its clips.
    pub clips: Vec<String>,
    /// How many results it has.
    pub results: usize,
}

impl Session {
    /// Begins a session in a new folder in `base`.
    ///
    /// # Errors
    /// [`LabFileError::Write`] where there may be none.
    pub fn begin(base: &Path) -> Result<Self, LabFileError> {
        let begin = || {
            fs::create_dir_all(base)?;
            let mut number = 1;
            let folder = loop {
                let folder = base.join(format!("session-{number}"));
                match fs::create_dir(&folder) {
                    Ok(()) => break folder,
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                    Err(error) => return Err(error),
                }
            };
            let lock = File::create(folder.join(LOCK))?;
            lock.lock()?;
            fs::create_dir(folder.join(RESULTS))?;
            fs::create_dir(folder.join(CLIPS))?;
            Ok((folder, lock))
        };
        let (folder, lock) = begin()
            .map_err(|source| LabFileError::Write { path: base.to_path_buf(), source })?;
        let base = base.to_path_buf();
        Ok(Self { base, folder, lock, kept: 0, clips: Vec::new() })
    }

    /// Keeps a result that has its samples and steps; gives its folder.
    ///
    /// # Errors
    /// [`LabFileError::Write`]; then nothing of it is left.
    pub fn keep(&mut self, record: &Record) -> Result<PathBuf, LabFileError> {
        self.kept += 1;
        let at = self.folder.join(RESULTS).join(self.kept.to_string());
        let keep = || {
            fs::create_dir(&at)?;
            for (name, bytes) in result_files(record)? {
                files::replace(&at.join(name), &bytes)?;
            }
            Ok(())
        };
        keep().map_err(|source| {
            fs::remove_dir_all(&at).ok();
            LabFileError::Write { path: at.clone(), source }
        })?;
        Ok(at)
    }

    /// Writes down what there is to say now of a result that was kept: its name, what survives, what
    /// other models say.
    ///
    /// # Errors
    /// [`LabFileError::Write`]; then what was said before is kept.
    pub fn tell_anew(&self, record: &Record, at: &Path) -> Result<(), LabFileError> {
        let path = at.join(RESULT);
        told_anew(record, at)
            .and_then(|bytes| files::replace(&path, &bytes))
            .map_err(|source| LabFileError::Write { path, source })
    }

    /// Writes down which results there are, and what is on the desk.
    ///
    /// # Errors
    /// [`LabFileError::Write`]; then what was written before is kept.
    pub fn write_index(&mut self, desk: &Desk) -> Result<(), LabFileError> {
        let path = self.folder.join(INDEX);
        let clips = desk.clips();
        let write = || {
            let hashes: io::Result<Vec<String>> =
                clips.0.iter().map(|clip| self.clip_hash(clip)).collect();
            let hashes = hashes?;
            let files: Vec<String> = hashes.iter().map(|hash| clip_file(hash)).collect();
            let results = desk.results.iter().map(|result| ResultLine {
                folder: format!("{RESULTS}/{}", folder_name(&result.at)),
                clip: clips.place(&result.clip).unwrap_or_default(),
            });
            let index = Index {
                clips: &clips,
                files: &files,
                hashes: &hashes,
                results: results.collect(),
                clip: desk.clip.as_ref().and_then(|clip| clips.place(clip)),
                shown: desk.shown,
                compared: desk.compared,
                window: &desk.window,
            };
            files::replace(&path, &pretty(&index.json())?)
        };
        let written: io::Result<()> = write();
        written.map_err(|source| LabFileError::Write { path, source })
    }

    /// Writes a clip unless it is there; gives its hash.
    fn clip_hash(&mut self, clip: &Clip) -> io::Result<String> {
        self.clips.retain(|(samples, _)| samples.strong_count() > 0);
        let known = self.clips.iter().find(|(samples, _)| {
            samples.upgrade().is_some_and(|samples| Arc::ptr_eq(&samples, &clip.samples))
        });
        if let Some((_, hash)) = known {
            return Ok(hash.clone());
        }
        let hash = sha256_of_samples(&clip.samples);
        let path = self.folder.join(clip_file(&hash));
        if !path.exists() {
            files::replace(&path, &wav_bytes(&clip.samples, WavDepth::Float32)?)?;
        }
        self.clips.push((Arc::downgrade(&clip.samples), hash.clone()));
        Ok(hash)
    }

    /// Ends the session. What is worth keeping is offered when the program starts again; the rest is
    /// removed.
    pub fn end(self, keep: bool) {
        self.lock.unlock().ok();
        drop(self.lock);
        if !keep {
            // What can't be removed now is found again as a session without results.
            fs::remove_dir_all(&self.folder).ok();
        }
    }

    /// What the latest of the earlier sessions left behind that nobody has saved. Those without
    /// results are removed.
    pub fn leftover(&self) -> Option<Leftover> {
        let entries = fs::read_dir(&self.base).ok()?;
        let folders = entries.filter_map(Result::ok).map(|entry| entry.path());
        let others = folders.filter(|folder| folder.is_dir() && *folder != self.folder);
        let mut left: Vec<(SystemTime, Leftover)> = others.filter_map(|f| left_in(&f)).collect();
        left.sort_by_key(|(time, _)| *time);
        left.pop().map(|(_, leftover)| leftover)
    }

    /// Removes an earlier session.
    ///
    /// # Errors
    /// [`LabFileError::Write`].
    pub fn discard(&self, leftover: &Path) -> Result<(), LabFileError> {
        // Nothing but a session is ever removed.
        if leftover.parent() != Some(&self.base) || leftover == self.folder {
            return Ok(());
        }
        fs::remove_dir_all(leftover)
            .map_err(|source| LabFileError::Write { path: leftover.to_path_buf(), source })
    }
}

fn clip_file(hash: &str) -> String {
    format!("{CLIPS}/{}.wav", hash.get(..16).unwrap_or(hash))
}

/// What a session left behind whose program does not run any more.
fn left_in(folder: &Path) -> Option<(SystemTime, Leftover)> {
    let lock = File::open(folder.join(LOCK)).ok()?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => return None,
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    drop(lock);
    let time = fs::metadata(folder.join(INDEX)).and_then(|index| index.modified());
    let index = Source::open(folder).and_then(|mut source| source.index());
    match (time, index) {
        (Ok(time), Ok(index)) if !index.results.is_empty() => {
            let clips = index.clips.into_iter().map(|clip| clip.name).collect();
            let (folder, results) = (folder.to_path_buf(), index.results.len());
            Some((time, Leftover { folder, clips, results }))
        }
        // What can't be read, as that of a newer version, is not ours to throw away.
        (Ok(_), Err(_)) => None,
        (Err(_), _) | (Ok(_), Ok(_)) => {
            fs::remove_dir_all(folder).ok();
            None
        }
    }
}
