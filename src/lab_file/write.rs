//! Writing a lab: its files by name, packed into one.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::state::{Body, Clips, Kept, LabState};
use super::{FORMAT, FORMAT_VERSION, INDEX, LabFileError, RESULT, SAMPLES, STEPS};
use crate::audio::{Clip, SAMPLE_RATE, WavDepth, wav_bytes};
use crate::export::{Entry, Hashes, Record, record_json, sha256_of_samples, trace_csv, zip};
use crate::files;

/// Saves a lab as one file. What was there is replaced once the new file is whole.
///
/// # Errors
/// [`LabFileError`]; then what was there is as it was.
pub fn write(state: &LabState, path: &Path) -> Result<(), LabFileError> {
    let failed = |source: io::Error| LabFileError::Write { path: path.to_path_buf(), source };
    let clips = state.clips();
    let hashes: Vec<String> = clips.0.iter().map(|clip| sha256_of_samples(&clip.samples)).collect();
    let mut results = Vec::new();
    for (place, kept) in state.results.iter().enumerate() {
        let clip = clips.place(&kept.record.clip).unwrap_or_default();
        results.push(ResultLine { folder: folder(place), clip });
    }
    let files: Vec<String> = (0..clips.0.len()).map(clip_file).collect();
    let index = Index {
        clips: &clips,
        files: &files,
        hashes: &hashes,
        results,
        clip: state.clip.as_ref().and_then(|clip| clips.place(clip)),
        shown: state.shown,
        compared: state.compared,
        window: &state.window,
    };
    // Entry by entry, so that no more than one is in memory beside the archive.
    let entries = std::iter::once(Ok((INDEX.to_owned(), pretty(&index.json()).map_err(failed)?)))
        .chain(clips.0.iter().enumerate().map(|(place, clip)| {
            Ok((clip_file(place), wav_bytes(&clip.samples, WavDepth::Float32)?))
        }))
        .chain(state.results.iter().enumerate().flat_map(|(place, kept)| {
            let clip = clips.place(&kept.record.clip).and_then(|clip| hashes.get(clip));
            let clip = clip.cloned().unwrap_or_default();
            [RESULT, STEPS, SAMPLES]
                .map(|file| Ok((format!("{}/{file}", folder(place)), result_file(kept, &clip, file)?)))
        }));
    let bytes = zip(entries).map_err(|error| failed(error.into()))?;
    files::replace(path, &bytes).map_err(failed)
}

/// The files of a result that is at hand, without their folder.
pub(super) fn result_files(record: &Record) -> io::Result<Vec<Entry>> {
    let hashes = Hashes::of(record);
    Ok(vec![
        (STEPS.to_owned(), trace_csv(&record.trace).into_bytes()),
        (SAMPLES.to_owned(), wav_bytes(&record.outcome.samples, WavDepth::Float32)?),
        // Last, so that a folder with it is whole.
        (RESULT.to_owned(), pretty(&Value::Object(record_json(record, &hashes)))?),
    ])
}

/// What there is to say now of a result whose samples lie in a folder.
pub(super) fn told_anew(record: &Record, at: &Path) -> io::Result<Vec<u8>> {
    told(record, at, &sha256_of_samples(&record.clip.samples))
}

fn told(record: &Record, at: &Path, clip: &str) -> io::Result<Vec<u8>> {
    let before: Value = serde_json::from_slice(&fs::read(at.join(RESULT))?)?;
    let adversarial = before["adversarial_samples_sha256"].as_str().unwrap_or_default();
    let hashes = Hashes { clip: clip.to_owned(), adversarial: adversarial.to_owned() };
    pretty(&Value::Object(record_json(record, &hashes)))
}

fn result_file(kept: &Kept, clip: &str, file: &str) -> io::Result<Vec<u8>> {
    let record = &kept.record;
    match (&kept.body, file) {
        (Body::At(at), RESULT) => told(record, at, clip),
        (Body::At(at), file) => fs::read(at.join(file)),
        (Body::Here, RESULT) => {
            let adversarial = sha256_of_samples(&record.outcome.samples);
            let hashes = Hashes { clip: clip.to_owned(), adversarial };
            pretty(&Value::Object(record_json(record, &hashes)))
        }
        (Body::Here, STEPS) => Ok(trace_csv(&record.trace).into_bytes()),
        (Body::Here, _) => wav_bytes(&record.outcome.samples, WavDepth::Float32),
    }
}

/// The folder of a result in a file.
fn folder(place: usize) -> String {
    format!("results/{}", place + 1)
}

/// The file of a clip.
fn clip_file(place: usize) -> String {
    format!("clips/{}.wav", place + 1)
}

/// A result in the table of contents.
pub(super) struct ResultLine {
    pub(super) folder: String,
    pub(super) clip: usize,
}

/// What goes into the table of contents.
pub(super) struct Index<'a> {
    pub(super) clips: &'a Clips,
    pub(super) files: &'a [String],
    pub(super) hashes: &'a [String],
    pub(super) results: Vec<ResultLine>,
    pub(super) clip: Option<usize>,
    pub(super) shown: Option<usize>,
    pub(super) compared: Option<usize>,
    pub(super) window: &'a Value,
}

impl Index<'_> {
    /// The table of contents.
    pub(super) fn json(&self) -> Value {
        let clips = self.clips.0.iter().zip(self.hashes).zip(self.files);
        let clips: Vec<Value> = clips
            .map(|((clip, hash), file)| Value::Object(clip_line(clip, hash, file)))
            .collect();
        let results: Vec<Value> = self
            .results
            .iter()
            .map(|line| json!({ "folder": line.folder, "clip": line.clip }))
            .collect();
        json!({
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "program": { "name": "mondegreen", "version": crate::VERSION },
            "clips": clips,
            "results": results,
            "clip": self.clip,
            "shown": self.shown,
            "compared": self.compared,
            "window": self.window,
        })
    }
}

fn clip_line(clip: &Clip, hash: &str, file: &str) -> Map<String, Value> {
    let value = json!({
        "file": file,
        "name": &*clip.name,
        "path": clip.path.as_deref().map(|path| path.to_string_lossy()),
        "samples": clip.samples.len(),
        "sample_rate": SAMPLE_RATE,
        "samples_sha256": hash,
        "source_rate": clip.source_rate,
        "source_channels": clip.source_channels,
        "clipped": clip.clipped,
    });
    match value {
        Value::Object(line) => line,
        _ => Map::new(),
    }
}

pub(super) fn pretty(value: &Value) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
