//! Decoded recordings in one file, so that each is decoded once and none must stay in memory.
//!
//! Samples are kept, not features: every augmentation (speed, noise, mixing) is then applied to
//! sound, exactly, for all five models alike, and the log-mel of an example costs a hundredth of
//! the network's step.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::data_set::Recording;
use super::error::TrainingError;
use crate::audio::{self, LoadError};

/// How many unreadable recordings are told.
const TOLD: usize = 5;

/// What an interrupted program left behind is removed after this time.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// Recordings of a task while decoding.
const BLOCK: usize = 64;

/// Decoded recordings, 16 bits a sample, in the order that they were given in.
pub struct Recordings {
    file: Mutex<File>,
    path: PathBuf,
    /// Where each begins, and the end, in samples.
    starts: Vec<u64>,
}

impl Recordings {
    /// Decodes all recordings into a file of the folder `cache`, or opens what an earlier run left
    /// there. `done` hears how many are decoded.
    ///
    /// # Errors
    /// Where any can't be decoded or is longer than the limit, all of which are told together, or
    /// where the cache can't be written.
    pub fn open(
        recordings: &[&Recording],
        limit_seconds: f64,
        cache: &Path,
        done: impl FnMut(usize),
    ) -> Result<Self, TrainingError> {
        let path = cache.join(format!("recordings-{}.pcm", key(recordings)));
        let index = path.with_extension("json");
        if let Some(opened) = reopen(&path, &index, recordings.len()) {
            return Ok(opened);
        }
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| TrainingError::Write { path, source }
        };
        fs::create_dir_all(cache).map_err(write(cache))?;
        remove_stale(cache);
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let written = decode_all(recordings, limit_seconds, &part, done);
        if written.is_err() {
            // The first error is what matters.
            fs::remove_file(&part).ok();
        }
        let starts = written?;
        fs::rename(&part, &path).map_err(write(&path))?;
        let starts_json = serde_json::to_vec(&starts).map_err(|e| write(&index)(e.into()))?;
        crate::files::replace(&index, &starts_json).map_err(write(&index))?;
        let file = File::open(&path)
            .map_err(|source| TrainingError::Read { path: path.clone(), source })?;
        Ok(Self { file: Mutex::new(file), path, starts })
    }

    /// How many recordings there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Samples of a recording.
    pub fn samples(&self, index: usize) -> usize {
        (self.starts[index + 1] - self.starts[index]) as usize
    }

    /// A recording at 32 kHz.
    ///
    /// # Errors
    /// Where the cache can't be read any more.
    pub fn read(&self, index: usize) -> Result<Vec<f32>, TrainingError> {
        let mut bytes = vec![0; 2 * self.samples(index)];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(2 * self.starts[index]))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|source| TrainingError::Read { path: self.path.clone(), source })?;
        drop(file);
        let sample = |b: &[u8]| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0;
        Ok(bytes.chunks_exact(2).map(sample).collect())
    }
}

/// Writes the samples of all recordings, one after the other, and says where each begins and ends.
fn decode_all(
    recordings: &[&Recording],
    limit_seconds: f64,
    path: &Path,
    mut done: impl FnMut(usize),
) -> Result<Vec<u64>, TrainingError> {
    let write = |source| TrainingError::Write { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(write)?);
    let (mut starts, mut end) = (vec![0], 0);
    let mut unreadable = Vec::new();
    for (index, block) in recordings.chunks(BLOCK).enumerate() {
        let decode = |recording: &&Recording| decode(&recording.path, limit_seconds);
        let decoded: Vec<_> = block.par_iter().map(decode).collect();
        for samples in decoded {
            match samples {
                Ok(samples) => {
                    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
                    file.write_all(&bytes).map_err(write)?;
                    end += samples.len() as u64;
                    starts.push(end);
                }
                Err(error) => unreadable.push(error.to_string()),
            }
        }
        done((index * BLOCK) + block.len());
    }
    if !unreadable.is_empty() {
        return Err(TrainingError::Unreadable(told(&unreadable)));
    }
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).map_err(write)?;
    file.sync_all().map_err(write)?;
    Ok(starts)
}

/// Some messages, a line each, and how many more there are.
fn told(messages: &[String]) -> String {
    let mut text = messages.iter().take(TOLD).map(|m| format!("\n  {m}")).collect::<String>();
    if messages.len() > TOLD {
        text += &format!("\n  ... and {} more", messages.len() - TOLD);
    }
    text
}

/// Removes files that programs did not finish long ago; it matters to nobody if that fails.
fn remove_stale(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
        let age = modified.and_then(|time| time.elapsed().ok());
        let ours = name.starts_with("recordings-") && name.ends_with(".part");
        if ours && age.is_some_and(|age| age > STALE) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

fn reopen(path: &Path, index: &Path, count: usize) -> Option<Recordings> {
    let starts: Vec<u64> = serde_json::from_slice(&fs::read(index).ok()?).ok()?;
    let file = File::open(path).ok()?;
    let rises = starts.first() == Some(&0) && starts.windows(2).all(|ends| ends[0] <= ends[1]);
    let bytes = starts.last()?.checked_mul(2)?;
    let whole = starts.len() == count + 1 && rises && file.metadata().ok()?.len() == bytes;
    whole.then(|| Recordings { file: Mutex::new(file), path: path.to_owned(), starts })
}

/// Changes with the list, and with each file's size or time.
fn key(recordings: &[&Recording]) -> String {
    let mut hash = Sha256::new();
    for recording in recordings {
        let meta = fs::metadata(&recording.path).ok();
        let time = meta.as_ref().and_then(|m| m.modified().ok());
        let size = meta.as_ref().map(fs::Metadata::len);
        hash.update(format!("{} {size:?} {time:?}\n", recording.path.display()));
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn decode(path: &Path, limit_seconds: f64) -> Result<Vec<i16>, LoadError> {
    let clip = audio::load(path, limit_seconds)?;
    let round = |&s: &f32| (s * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
    Ok(clip.samples.iter().map(round).collect())
}
