//! A file of JSON objects, one a line, that only grows and survives what may happen to it.
//!
//! Every line is on the disk before anything else happens. A process that is killed in the middle
//! of a line leaves half of one, which the next one cuts off; a disk that is full leaves the file
//! as it was before the line. A last line that only lacks its end, as editors leave it, counts.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ExperimentError;

/// The open end of such a file.
#[derive(Debug)]
pub struct Journal<T> {
    file: File,
    path: PathBuf,
    /// Bytes of whole lines.
    length: u64,
    of: PhantomData<fn(T)>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens or begins a file and gives what it holds. Half a line at its end is cut off.
    ///
    /// # Errors
    /// Where the file can't be read or written, or a whole line of it is none of ours.
    pub fn open(path: &Path) -> Result<(Self, Vec<T>), ExperimentError> {
        let Parsed { entries, mut length, lacks_end } = parse(path)?;
        let file = OpenOptions::new().create(true).append(true).open(path);
        let mut file = file.map_err(ExperimentError::write(path))?;
        file.set_len(length).map_err(ExperimentError::write(path))?;
        if lacks_end {
            file.write_all(b"\n").map_err(ExperimentError::write(path))?;
            length += 1;
        }
        Ok((Self { file, path: path.to_owned(), length, of: PhantomData }, entries))
    }

    /// Adds a line, which is on the disk when this returns.
    ///
    /// # Errors
    /// Where that is not possible; then the file is as it was.
    pub fn append(&mut self, entry: &T) -> Result<(), ExperimentError> {
        let written = self.try_append(entry);
        if written.is_err() {
            // The first error is what matters; half a line is cut off before the next one, too.
            self.file.set_len(self.length).ok();
        }
        let length = written.map_err(ExperimentError::write(&self.path))?;
        self.length += length;
        Ok(())
    }

    fn try_append(&mut self, entry: &T) -> io::Result<u64> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        if self.file.metadata()?.len() != self.length {
            self.file.set_len(self.length)?;
        }
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        Ok(line.len() as u64)
    }
}

/// What a file holds, without opening it for writing; nothing where there is none.
///
/// # Errors
/// As [`Journal::open`].
pub fn read_journal<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, ExperimentError> {
    parse(path).map(|parsed| parsed.entries)
}

/// Puts other entries in the place of all that a file holds, at once.
///
/// # Errors
/// Where it can't be written; then it is as it was.
pub fn replace_journal<T: Serialize>(path: &Path, entries: &[T]) -> Result<(), ExperimentError> {
    let mut text = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut text, entry)
            .map_err(|error| ExperimentError::write(path)(error.into()))?;
        text.push(b'\n');
    }
    crate::files::replace(path, &text).map_err(ExperimentError::write(path))
}

/// What a file holds.
struct Parsed<T> {
    entries: Vec<T>,
    /// Bytes of whole lines.
    length: u64,
    /// Whether the last of them lacks the end of its line.
    lacks_end: bool,
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<Parsed<T>, ExperimentError> {
    let mut parsed = Parsed { entries: Vec::new(), length: 0, lacks_end: false };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(parsed),
        Err(error) => return Err(ExperimentError::read(path)(error)),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(ExperimentError::read(path))?;
        let is_whole = line.last() == Some(&b'\n');
        match serde_json::from_slice(&line) {
            Ok(entry) => parsed.entries.push(entry),
            // Half a JSON object is never one.
            Err(_) if !is_whole => return Ok(parsed),
            Err(error) => {
                return Err(ExperimentError::Damaged {
                    path: path.to_owned(),
                    line: parsed.entries.len() + 1,
                    reason: format!(
                        "{error}. Take the line out to have its work done again, or go back to a \
                         copy"
                    ),
                });
            }
        }
        parsed.length += read as u64;
        if !is_whole {
            parsed.lacks_end = true;
            return Ok(parsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_is_cut_off_and_what_was_whole_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let (mut journal, old) = Journal::<(u32, String)>::open(&path).unwrap();
        assert!(old.is_empty());
        for number in 0..3 {
            journal.append(&(number, "a\nb".to_owned())).unwrap();
        }
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        // As a process that was killed while it wrote the third line, or an editor that leaves out
        // the end of the last one.
        for cut in 1..whole.len() / 3 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let (mut journal, old) = Journal::<(u32, String)>::open(&path).unwrap();
            let lacks_end = cut == 1;
            let expected = if lacks_end { &[0, 1, 2][..] } else { &[0, 1] };
            assert_eq!(old.iter().map(|row| row.0).collect::<Vec<_>>(), expected, "{cut}");
            if !lacks_end {
                journal.append(&(2, "a\nb".to_owned())).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap(), whole, "{cut}");
        }
        // As after an error that left half a line there.
        let (mut journal, _) = Journal::<(u32, String)>::open(&path).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"[3,\"a").unwrap();
        journal.append(&(3, String::new())).unwrap();
        assert_eq!(read_journal::<(u32, String)>(&path).unwrap().len(), 4);
    }

    #[test]
    fn a_whole_line_of_somebody_else_is_an_error_that_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, "[1,\"a\"]\nhello\n").unwrap();
        let error = Journal::<(u32, String)>::open(&path).unwrap_err().to_string();
        assert!(error.contains("rows.jsonl, line 2"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[1,\"a\"]\nhello\n");
    }
}
