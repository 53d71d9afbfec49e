//! The record of a session: JSON Lines, chained by hashes, on disk before anything goes on. Its
//! format is described in `docs/listening-log.md`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::ListenError;
use super::entry::{Entry, SCHEMA};
use super::stimuli::hex;

/// What stands before the hash at the end of a line.
const HASH_KEY: &str = ",\"hash\":\"";

/// Where a session is written to.
#[derive(Debug)]
pub enum Log {
    /// A file.
    File(LogFile),
    /// Nowhere: for simulated listeners by the thousand.
    Nowhere,
}

impl Log {
    /// Writes an entry and waits until it is on the disk.
    ///
    /// # Errors
    /// Where it can't be written; then the file is as it was before.
    pub fn append(&mut self, entry: &Entry) -> Result<(), ListenError> {
        match self {
            Self::File(file) => file.append(entry),
            Self::Nowhere => Ok(()),
        }
    }

    /// The file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(&file.path),
            Self::Nowhere => None,
        }
    }
}

/// An open log.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    /// Bytes that are known to be whole.
    length: u64,
    /// The hash of the last line.
    last: String,
}

impl LogFile {
    /// A new log.
    ///
    /// # Errors
    /// [`ListenError::LogExists`] where there is one, and where the system says no.
    pub fn create(path: &Path) -> Result<Self, ListenError> {
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => ListenError::LogExists { path: path.to_owned() },
            _ => ListenError::Io { path: path.to_owned(), source },
        };
        let mut how = OpenOptions::new();
        // A log whose first line could not be written holds nothing.
        let is_empty = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0);
        how.write(true).create_new(!is_empty);
        let file = how.open(path).map_err(io)?;
        lock(&file, path)?;
        sync_folder(path);
        Ok(Self { path: path.to_owned(), file, length: 0, last: nothing() })
    }

    /// Opens a log to go on with it: what it holds, and how many bytes of an unfinished last line were
    /// cut off.
    ///
    /// # Errors
    /// As [`read_log`].
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>, u64), ListenError> {
        let io = |source| ListenError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let chain = parse(path, &bytes)?;
        let dropped = bytes.len() as u64 - chain.length;
        if dropped > 0 {
            file.set_len(chain.length).map_err(io)?;
            file.sync_all().map_err(io)?;
        }
        file.seek(SeekFrom::Start(chain.length)).map_err(io)?;
        let log = Self { path: path.to_owned(), file, length: chain.length, last: chain.last };
        Ok((log, chain.entries, dropped))
    }

    fn append(&mut self, entry: &Entry) -> Result<(), ListenError> {
        let (line, hash) = line_of(entry, &self.last).map_err(|problem| ListenError::Log {
            path: self.path.clone(),
            line: 0,
            problem,
        })?;
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all());
        if let Err(source) = written {
            // Half a line would be taken for one that a crash tore.
            self.file.set_len(self.length).ok();
            self.file.seek(SeekFrom::Start(self.length)).ok();
            return Err(ListenError::Io { path: self.path.clone(), source });
        }
        self.length += line.len() as u64;
        self.last = hash;
        Ok(())
    }
}

/// Keeps others from writing as long as the file is open; two of them would tear the chain.
fn lock(file: &File, path: &Path) -> Result<(), ListenError> {
    match file.try_lock() {
        // Some network file systems know no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ListenError::InUse { path: path.to_owned() }),
    }
}

/// Makes the file's name durable, where folders can be synced.
fn sync_folder(path: &Path) {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let opened = File::open(folder.unwrap_or(Path::new(".")));
        // Not every file system can; the lines themselves are synced in any case.
        opened.and_then(|folder| folder.sync_all()).ok();
    }
}

/// What the first line is chained to.
fn nothing() -> String {
    "0".repeat(64)
}

fn hash_of(previous: &str, content: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(content.as_bytes());
    hex(&hash.finalize())
}

/// A line with its hash, and the hash.
fn line_of(entry: &Entry, previous: &str) -> Result<(String, String), String> {
    let content = serde_json::to_string(entry).map_err(|error| error.to_string())?;
    let hash = hash_of(previous, &content);
    let open = content.strip_suffix('}').unwrap_or(&content);
    Ok((format!("{open}{HASH_KEY}{hash}\"}}\n"), hash))
}

/// A log that was read.
struct Chain {
    entries: Vec<Entry>,
    /// Bytes of whole lines.
    length: u64,
    /// The hash of the last whole line.
    last: String,
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Chain, ListenError> {
    let mut chain = Chain { entries: Vec::new(), length: 0, last: nothing() };
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        // A crash tears the last line only, and leaves it without an end.
        let Some(line) = line.strip_suffix(b"\n") else { break };
        let bad =
            |problem: String| ListenError::Log { path: path.to_owned(), line: index + 1, problem };
        let text = std::str::from_utf8(line).map_err(|_| bad("it is not text".to_owned()))?;
        let Some((open, hash)) = text.rsplit_once(HASH_KEY) else {
            return Err(bad("it has no hash; is this a log of a listening test?".to_owned()));
        };
        let hash = hash.strip_suffix("\"}").unwrap_or_default();
        let content = format!("{open}}}");
        if hash_of(&chain.last, &content) != hash {
            return Err(bad(
                "its hash does not fit: this line, or the one before it, was changed, removed or \
                 put elsewhere"
                    .to_owned(),
            ));
        }
        let entry: Entry =
            serde_json::from_str(&content).map_err(|error| bad(error.to_string()))?;
        match (&entry, index) {
            (Entry::Start(start), 0) if start.schema != SCHEMA => {
                return Err(bad(format!(
                    "it has version {} of the format; this program reads version {SCHEMA}",
                    start.schema
                )));
            }
            (Entry::Start(_), 0) => {}
            (Entry::Start(_), _) | (_, 0) => {
                return Err(bad("the first line, and no other, must be the start".to_owned()));
            }
            _ => {}
        }
        chain.entries.push(entry);
        chain.length += line.len() as u64 + 1;
        chain.last = hash.to_owned();
    }
    Ok(chain)
}

/// All whole lines of a log, checked against their hashes. An unfinished last line is left out.
///
/// # Errors
/// Where it can't be read, a line was changed, or it is of another version.
pub fn read_log(path: &Path) -> Result<Vec<Entry>, ListenError> {
    verify(path).map(|verified| verified.entries)
}

/// What a log holds.
pub struct Verified {
    /// Its whole lines.
    pub entries: Vec<Entry>,
    /// The hash of the last of them.
    pub last_hash: String,
    /// Bytes that follow it: a line that a crash tore, or what somebody put there.
    pub torn_bytes: u64,
}

/// As [`read_log`], with the hash of the last line: whoever notes it down can prove later that
/// nothing was changed, added or removed, since the chain alone can be computed anew by anybody.
///
/// # Errors
/// As [`read_log`].
pub fn verify(path: &Path) -> Result<Verified, ListenError> {
    let bytes =
        std::fs::read(path).map_err(|source| ListenError::Io { path: path.to_owned(), source })?;
    let chain = parse(path, &bytes)?;
    if chain.entries.is_empty() {
        let problem = "there is no whole line in it".to_owned();
        return Err(ListenError::Log { path: path.to_owned(), line: 1, problem });
    }
    let torn_bytes = bytes.len() as u64 - chain.length;
    Ok(Verified { entries: chain.entries, last_hash: chain.last, torn_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listening::entry::Start;
    use crate::listening::{Protocol, TestFile};

    fn written(folder: &Path) -> (PathBuf, Vec<Entry>) {
        let path = folder.join("log.jsonl");
        let start = Entry::Start(Box::new(Start {
            schema: SCHEMA,
            program: crate::VERSION.to_owned(),
            time_ms: 1,
            participant: "P\"1\u{e9}".to_owned(),
            seed: i64::MAX.cast_unsigned(),
            test: TestFile::new("x", Protocol::Abx),
            stimuli: Vec::new(),
            headroom_gain: 0.1,
        }));
        let entries = vec![
            start,
            Entry::Consent { time_ms: 5 },
            Entry::Volume { time_ms: 6, gain_db: -3.3, device: None, playback_rate: Some(48_000) },
            Entry::End { time_ms: 7, answers: 0 },
        ];
        let mut log = LogFile::create(&path).unwrap();
        for entry in &entries {
            log.append(entry).unwrap();
        }
        (path, entries)
    }

    #[test]
    fn what_was_written_is_read_and_a_log_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (path, entries) = written(folder.path());
        assert_eq!(read_log(&path).unwrap(), entries);
        let error = LogFile::create(&path).unwrap_err().to_string();
        assert!(error.contains("never written over"), "{error}");
        // Two writers would tear the chain.
        let (_first, ..) = LogFile::open(&path).unwrap();
        let error = LogFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("is open elsewhere"), "{error}");
        // A log whose first line could not be written is no log yet.
        let empty = folder.path().join("empty.jsonl");
        std::fs::write(&empty, "").unwrap();
        LogFile::create(&empty).unwrap();
    }

    #[test]
    fn a_file_torn_anywhere_is_repaired_to_its_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let (path, entries) = written(folder.path());
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let (mut log, read, dropped) = LogFile::open(&path).unwrap();
            let whole = bytes[..length].iter().filter(|b| **b == b'\n').count();
            assert_eq!(read, entries[..whole], "{length}");
            assert_eq!(log.length + dropped, length as u64);
            for entry in &entries[whole..] {
                log.append(entry).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{length}");
        }
    }

    #[test]
    fn no_byte_can_be_changed_and_no_line_moved_or_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = written(folder.path());
        let bytes = std::fs::read(&path).unwrap();
        for index in 0..bytes.len() - 1 {
            let mut other = bytes.clone();
            other[index] ^= 1;
            std::fs::write(&path, &other).unwrap();
            assert!(read_log(&path).is_err(), "byte {index}");
        }
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for kept in [vec![0, 2, 3], vec![1, 2, 3], vec![0, 2, 1, 3], vec![0, 1, 1, 2, 3]] {
            let other: String = kept.iter().map(|i| format!("{}\n", lines[*i])).collect();
            std::fs::write(&path, other).unwrap();
            let message = read_log(&path).unwrap_err().to_string();
            assert!(message.contains("line"), "{message}");
        }
    }
}
