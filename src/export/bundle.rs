//! The files of one export: chosen, made, and written as a folder or a ZIP.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::archive::{self, Entry};
use super::record::{Hashes, Pictures, Record, sha256};
use super::{ExportError, record_json, rounding_words, trace_csv};
use crate::attacks::Status;
use crate::audio::{self, WavDepth};
use crate::figure::DEFAULT_WIDTH_PX;
use crate::files;
use crate::models::Verdict;
use crate::survival::Survived;

/// What goes into an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contents {
    /// The pair of WAVs, original and adversarial.
    pub wavs: bool,
    /// With how many bits.
    pub depth: WavDepth,
    /// Everything that is needed to compute the result again, as JSON.
    pub json: bool,
    /// The steps as CSV.
    pub trace: bool,
    /// The figure as a picture.
    pub png: bool,
    /// The figure as a drawing.
    pub svg: bool,
}

impl Default for Contents {
    fn default() -> Self {
        let depth = WavDepth::Float32;
        Self { wavs: true, depth, json: true, trace: true, png: true, svg: true }
    }
}

impl Contents {
    /// Whether nothing was chosen.
    pub fn is_empty(&self) -> bool {
        !(self.wavs || self.json || self.trace || self.png || self.svg)
    }
}

/// Where an export goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Into this folder, which is made if it is not there; files of the same names are replaced.
    Folder(PathBuf),
    /// Into a new folder of a name of its own in this folder.
    NewFolderIn(PathBuf),
    /// A ZIP, which is replaced as a whole.
    Zip(PathBuf),
}

impl Destination {
    /// What people type: a name that ends in `.zip` is an archive, any other a folder.
    pub fn of(path: PathBuf) -> Self {
        let is_zip = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
        if is_zip && !path.is_dir() { Self::Zip(path) } else { Self::Folder(path) }
    }
}

/// Checks, before anything is computed, that an export can go there.
///
/// # Errors
/// [`ExportError::Write`].
pub fn check_destination(to: &Destination) -> Result<(), ExportError> {
    let (path, checked) = match to {
        Destination::Zip(path) => (path, files::check_place(path)),
        Destination::Folder(path) | Destination::NewFolderIn(path) if path.is_dir() => {
            (path, files::check_place(&path.join("mondegreen.json")))
        }
        // A folder that is to be made needs the same of its parent as a file would.
        Destination::Folder(path) | Destination::NewFolderIn(path) if !path.exists() => {
            (path, files::check_place(path))
        }
        Destination::Folder(path) | Destination::NewFolderIn(path) => {
            (path, Err(io::ErrorKind::NotADirectory.into()))
        }
    };
    checked.map_err(|source| ExportError::Write { path: path.clone(), source })
}

/// Makes the chosen files of a result and writes them; gives the paths of what was written, the ZIP
/// or all files. `model` is the model's name for people, `rounded` what is known of a file of
/// [`Contents::depth`]'s bits.
///
/// # Errors
/// [`ExportError`]; then a ZIP is as it was, and a folder that was made for it is gone.
pub fn write(
    record: &Record,
    model: &str,
    contents: Contents,
    pictures: Pictures,
    rounded: Option<&Survived>,
    to: &Destination,
) -> Result<Vec<PathBuf>, ExportError> {
    let entries = entries(record, model, contents, pictures, rounded)?;
    match to {
        Destination::Zip(path) => {
            let bytes = archive::zip(entries.into_iter().map(Ok)).map_err(|error| {
                ExportError::Packing { what: path.display().to_string(), reason: error.to_string() }
            })?;
            files::replace(path, &bytes)
                .map_err(|source| ExportError::Write { path: path.clone(), source })?;
            Ok(vec![path.clone()])
        }
        Destination::Folder(path) => write_folder(path, &entries),
        Destination::NewFolderIn(path) => write_folder(&new_folder(path, record), &entries),
    }
}

/// A name for the folder that nothing there has.
fn new_folder(parent: &Path, record: &Record) -> PathBuf {
    let name = stem(record);
    let mut folder = parent.join(&name);
    let mut number = 2;
    while folder.exists() {
        folder = parent.join(format!("{name}-{number}"));
        number += 1;
    }
    folder
}

/// How an export is called unless people say otherwise: clip and attack.
fn stem(record: &Record) -> String {
    let name = record.name.as_deref().unwrap_or_else(|| record.spec.id.name());
    audio::file_name(&format!("{} {name}", record.clip.name))
}

fn write_folder(folder: &Path, entries: &[Entry]) -> Result<Vec<PathBuf>, ExportError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ExportError::Write { path, source }
    };
    let made = !folder.exists();
    if made {
        fs::create_dir(folder).map_err(failed(folder))?;
    }
    let mut written = Vec::new();
    for (name, bytes) in entries {
        let path = folder.join(name);
        if let Err(error) = files::replace(&path, bytes).map_err(failed(&path)) {
            if made {
                // The error that counts is the first.
                fs::remove_dir_all(folder).ok();
            }
            return Err(error);
        }
        written.push(path);
    }
    Ok(written)
}

/// The chosen files by name.
fn entries(
    record: &Record,
    model: &str,
    contents: Contents,
    pictures: Pictures,
    rounded: Option<&Survived>,
) -> Result<Vec<Entry>, ExportError> {
    if contents.is_empty() {
        return Err(ExportError::Nothing);
    }
    let name = audio::file_name(&record.clip.name);
    let mut entries: Vec<Entry> = Vec::new();
    if contents.wavs {
        for (side, samples) in [("nat", &record.clip.samples), ("adv", &record.outcome.samples)] {
            let file = format!("{name}_{side}.wav");
            let bytes = audio::wav_bytes(samples, contents.depth).map_err(|error| {
                ExportError::Packing { what: file.clone(), reason: error.to_string() }
            })?;
            entries.push((file, bytes));
        }
    }
    if contents.png || contents.svg {
        let figure = record.figure(model.to_owned(), pictures);
        if contents.png {
            entries.push((format!("{name}.png"), figure.to_png(DEFAULT_WIDTH_PX)?));
        }
        if contents.svg {
            entries.push((format!("{name}.svg"), figure.to_svg().into_bytes()));
        }
    }
    if contents.trace {
        entries.push((format!("{name}_steps.csv"), trace_csv(&record.trace).into_bytes()));
    }
    let exact = contents.wavs && contents.depth == WavDepth::Float32;
    let clip = exact.then(|| format!("{name}_nat.wav"));
    let rounding = rounded
        .filter(|_| contents.wavs && contents.depth.rounds())
        .map(|survived| rounding_words(&record.outcome, survived, model));
    if contents.json {
        let mut fields = record_json(record, &Hashes::of(record));
        // A bundled clip without its exact sound beside it is no file that a command could name.
        if clip.is_some() || record.clip.path.is_none() {
            let command = clip.as_ref().map(|clip| record.command(clip));
            fields.insert("command".to_owned(), command.into());
        }
        let files = entries.iter().map(|(name, bytes)| (name.clone(), sha256(bytes).into()));
        fields.insert("files_sha256".to_owned(), Value::Object(files.collect()));
        if contents.wavs {
            fields.insert("wav_bits".to_owned(), contents.depth.bits().into());
        }
        if let Some(rounding) = &rounding {
            fields.insert("wav_bits_note".to_owned(), rounding.words.clone().into());
        }
        let text = serde_json::to_string_pretty(&fields).map_err(|error| ExportError::Packing {
            what: format!("{name}.json"),
            reason: error.to_string(),
        })?;
        entries.push((format!("{name}.json"), (text + "\n").into_bytes()));
    }
    let note = rounding.map(|rounding| rounding.words);
    let read_me = read_me(record, model, &entries, clip.as_deref(), note);
    entries.push(("README.txt".to_owned(), read_me.into_bytes()));
    Ok(entries)
}

/// What is in an export, for whoever gets it.
fn read_me(
    record: &Record,
    model: &str,
    entries: &[Entry],
    clip: Option<&str>,
    note: Option<String>,
) -> String {
    let outcome = &record.outcome;
    let named = |verdict: &Verdict| format!("{} {:.2}", verdict.title(), verdict.top().1);
    let mut text = format!(
        "{} attacked with {} against {model}, by Mondegreen {}\n\n\
         original     {}\nadversarial  {}\nstatus       {}\nSNR          {:.2} dB\n\n",
        record.clip.name,
        record.spec.id.title(),
        crate::VERSION,
        named(&outcome.original),
        named(&outcome.adversarial),
        outcome.ended(),
        outcome.metrics.snr_db,
    );
    for (name, _) in entries {
        let what = match name {
            name if name.ends_with("_nat.wav") => "the original (natural) sound, mono, 32 kHz",
            name if name.ends_with("_adv.wav") => "the adversarial sound, mono, 32 kHz",
            name if name.ends_with(".png") || name.ends_with(".svg") => "both spectrograms",
            name if name.ends_with(".csv") => "every step of the attack",
            name if name.ends_with(".json") => {
                "all numbers, and all that is needed to compute it again"
            }
            _ => "",
        };
        text += &format!("{name}: {what}\n");
    }
    if let Some(note) = note {
        text += &format!("\n{note}\n");
    }
    text += &match (clip, &record.clip.path) {
        (Some(clip), _) => format!("\nTo compute it again:\n{}\n", record.command(clip)),
        (None, Some(path)) => {
            format!("\nTo compute it again:\n{}\n", record.command(&path.to_string_lossy()))
        }
        // A bundled clip is no file that could be named.
        (None, None) => format!(
            "\nTo compute it again, export the sound with 32-bit float samples, too, and then:\n{}\n",
            record.command(&format!("{}_nat.wav", audio::file_name(&record.clip.name)))
        ),
    };
    text += if outcome.status == Status::Cancelled {
        "It was stopped by hand after some of its steps; this command goes on to the end, and so \
         gives other samples.\n"
    } else {
        "The same weights, seed, threads and machine give the same samples.\n"
    };
    text
}
