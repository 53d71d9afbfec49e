//! Labelled recordings: a folder a label, a list in CSV, or FSDKaggle2018 as it is downloaded.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::error::TrainingError;
use crate::models::Labels;
use crate::names;

/// Weight of an example whose label nobody verified, beside 1 for a verified one.
pub const UNVERIFIED_WEIGHT: f32 = 0.6;

/// What a recording is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// To learn from.
    Train,
    /// To report accuracy on, never to choose by.
    Test,
}

/// One labelled file.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Where it is.
    pub path: PathBuf,
    /// Index of its label.
    pub label: usize,
    /// What it is there for.
    pub part: Part,
    /// Whether somebody verified its label, or nothing is said of that.
    pub verified: bool,
    /// What it was cut from, if known: clips of one group must not be on both sides of a split.
    pub group: Option<String>,
}

impl Recording {
    /// How much its loss counts.
    pub fn weight(&self) -> f32 {
        if self.verified { 1.0 } else { UNVERIFIED_WEIGHT }
    }
}

/// A labelled data set.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The folder's or list's name.
    pub name: String,
    /// All labels, sorted.
    pub labels: Labels,
    /// All recordings, in the order of the list or sorted by path.
    pub recordings: Vec<Recording>,
}

/// A recording before the labels are numbered.
struct Found {
    path: PathBuf,
    label: String,
    part: Part,
    verified: bool,
    group: Option<String>,
}

/// A line of a list. FSDKaggle2018 calls a file `fname`.
#[derive(Deserialize)]
struct Line {
    #[serde(alias = "fname")]
    file: PathBuf,
    label: String,
    split: Option<String>,
    group: Option<String>,
    manually_verified: Option<u8>,
    freesound_id: Option<String>,
}

impl DataSet {
    /// Reads what is at `path`: a CSV list with the columns `file`, `label` and, where wanted,
    /// `split` (`train`, `test`), `group` and `manually_verified` (0, 1); or a folder with such a
    /// `manifest.csv`, FSDKaggle2018 in Zenodo's or Kaggle's layout, or one folder a label (perhaps
    /// below `train` and `test`).
    ///
    /// # Errors
    /// Where there is none of these, a line or label makes no sense, or a file is missing.
    pub fn open(path: &Path) -> Result<Self, TrainingError> {
        let found = if !path.is_dir() {
            read_list(path, path.parent().unwrap_or(Path::new("")), None)?
        } else if path.join("manifest.csv").is_file() {
            read_list(&path.join("manifest.csv"), path, None)?
        } else if let Some(lists) = fsdkaggle2018(path) {
            let mut found = Vec::new();
            for (list, audio, part) in lists {
                found.extend(read_list(&list, &audio, Some(part))?);
            }
            found
        } else {
            read_folders(path)?
        };
        let labels: BTreeSet<&str> = found.iter().map(|f| f.label.as_str()).collect();
        let data = |reason: String| TrainingError::Data { path: path.to_owned(), reason };
        if labels.len() < 2 {
            let count = labels.len();
            return Err(data(format!(
                "{count} labels were found, but at least two are needed. Give a folder with one \
                 folder a label, or a CSV file with the columns file, label and split"
            )));
        }
        for (label, other) in labels.iter().zip(labels.iter().skip(1)) {
            if names::fold(label) == names::fold(other) {
                return Err(data(format!(
                    "{label} and {other} are one label to people: upper and lower case, spaces, \
                     hyphens and underscores do not tell labels apart"
                )));
            }
        }
        if let Some(missing) = found.iter().find(|f| !f.path.is_file()) {
            return Err(data(format!("{} is listed but does not exist", missing.path.display())));
        }
        let labels: Vec<String> = labels.into_iter().map(str::to_owned).collect();
        let recordings = found.into_iter().map(|f| Recording {
            label: labels.partition_point(|label| *label < f.label),
            path: f.path,
            part: f.part,
            verified: f.verified,
            group: f.group,
        });
        let recordings = recordings.collect();
        // A folder is called by its whole name, a list without its ending, and "." is somewhere.
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = if place.is_dir() { place.file_name() } else { place.file_stem() };
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { name, labels: Labels::new(labels), recordings })
    }

    /// The recordings of one part.
    pub fn part(&self, part: Part) -> Vec<&Recording> {
        self.recordings.iter().filter(|r| r.part == part).collect()
    }

    /// SHA-256 over all that is known of all recordings, in order, in hexadecimal: tells two
    /// versions of a data set apart.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for recording in &self.recordings {
            let (Recording { path, label, part, group, .. }, weight) =
                (recording, recording.weight());
            let size = fs::metadata(path).map_or(0, |m| m.len());
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let label = self.labels.name(*label);
            hash.update(format!("{name},{size},{label},{part:?},{weight},{group:?}\n"));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The lists of FSDKaggle2018 with the folders that their files are in, in either layout.
fn fsdkaggle2018(folder: &Path) -> Option<Vec<(PathBuf, PathBuf, Part)>> {
    let meta = folder.join("FSDKaggle2018.meta");
    let candidates = [
        (meta.join("train_post_competition.csv"), "FSDKaggle2018.audio_train", Part::Train),
        (
            meta.join("test_post_competition_scoring_clips.csv"),
            "FSDKaggle2018.audio_test",
            Part::Test,
        ),
        (folder.join("train.csv"), "audio_train", Part::Train),
        (folder.join("test_post_competition.csv"), "audio_test", Part::Test),
    ];
    let lists: Vec<_> = candidates
        .into_iter()
        .map(|(list, audio, part)| (list, folder.join(audio), part))
        .filter(|(list, audio, _)| list.is_file() && audio.is_dir())
        .collect();
    // People may have only one part of it.
    (!lists.is_empty()).then_some(lists)
}

/// Reads a list whose files are below `audio`. `part` is that of all lines, or their `split` says.
fn read_list(list: &Path, audio: &Path, part: Option<Part>) -> Result<Vec<Found>, TrainingError> {
    let data = |reason: String| TrainingError::Data { path: list.to_owned(), reason };
    let file =
        File::open(list).map_err(|source| TrainingError::Read { path: list.to_owned(), source })?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let mut found = Vec::new();
    for (index, line) in reader.deserialize::<Line>().enumerate() {
        let number = index + 2;
        let line = line.map_err(|error| {
            data(format!("line {number}: {error} (the columns file and label are needed)"))
        })?;
        // Kaggle's test list has clips that were never labelled.
        if line.label.is_empty() || (part == Some(Part::Test) && line.label == "None") {
            continue;
        }
        let part = match (part, line.split.as_deref()) {
            (Some(part), _) => part,
            (None, None | Some("train")) => Part::Train,
            (None, Some("test")) => Part::Test,
            (None, Some(other)) => {
                return Err(data(format!(
                    "line {number}: split must be train or test, not {other}"
                )));
            }
        };
        found.push(Found {
            path: audio.join(line.file),
            label: line.label,
            part,
            verified: line.manually_verified != Some(0),
            group: line.group.or(line.freesound_id).filter(|group| !group.is_empty()),
        });
    }
    Ok(found)
}

/// One folder a label, perhaps below `train` and `test`.
fn read_folders(folder: &Path) -> Result<Vec<Found>, TrainingError> {
    let mut found = Vec::new();
    let folders: Vec<_> = entries(folder)?.into_iter().filter(|path| path.is_dir()).collect();
    let part = |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
        Some("train") => Some(Part::Train),
        Some("test") => Some(Part::Test),
        _ => None,
    };
    // A label may be called "train", too: then it has neighbours, or recordings of its own.
    let mut is_split = !folders.is_empty();
    for path in &folders {
        is_split &= part(path).is_some() && entries(path)?.iter().any(|path| path.is_dir());
    }
    if !is_split {
        read_labels(folder, Part::Train, &mut found)?;
        return Ok(found);
    }
    for (path, part) in folders.iter().filter_map(|path| Some((path, part(path)?))) {
        read_labels(path, part, &mut found)?;
    }
    Ok(found)
}

fn read_labels(folder: &Path, part: Part, found: &mut Vec<Found>) -> Result<(), TrainingError> {
    for label in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = label.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in entries(&label)?.into_iter().filter(|path| path.is_file()) {
            found.push(Found { path, label: name.clone(), part, verified: true, group: None });
        }
    }
    Ok(())
}

/// What is in a folder, sorted, without hidden files.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let read = |source| TrainingError::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}
