//! Writing a lab: its files by name, packed into one.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::state::{Clips, LabState};
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
    let bytes = zip(entries(state).map_err(failed)?.into_iter().map(Ok));
    files::replace(path, &bytes.map_err(|error| failed(error.into()))?).map_err(failed)
}

/// The files of a lab by name.
fn entries(state: &LabState) -> io::Result<Vec<Entry>> {
    let clips = state.clips();
    let hashes: Vec<String> = clips.0.iter().map(|clip| sha256_of_samples(&clip.samples)).collect();
    let clip_of = |record: &Record| clips.place(&record.clip).unwrap_or_default();
    let index = index(state, &clips, &hashes);
    let mut entries = vec![(INDEX.to_owned(), pretty(&index)?)];
    for (place, clip) in clips.0.iter().enumerate() {
        entries.push((clip_file(place), wav_bytes(&clip.samples, WavDepth::Float32)?));
    }
    for (place, record) in state.results.iter().enumerate() {
        let hashes = Hashes {
            clip: hashes.get(clip_of(record)).cloned().unwrap_or_default(),
            adversarial: sha256_of_samples(&record.outcome.samples),
        };
        let result = Value::Object(record_json(record, &hashes));
        let samples = wav_bytes(&record.outcome.samples, WavDepth::Float32)?;
        let files = [
            (RESULT, pretty(&result)?),
            (STEPS, trace_csv(&record.trace).into_bytes()),
            (SAMPLES, samples),
        ];
        entries.extend(files.map(|(name, bytes)| (format!("{}/{name}", folder(place)), bytes)));
    }
    Ok(entries)
}

/// The folder of a result in a file.
fn folder(place: usize) -> String {
    format!("results/{}", place + 1)
}

/// The file of a clip.
fn clip_file(place: usize) -> String {
    format!("clips/{}.wav", place + 1)
}

/// The table of contents.
fn index(state: &LabState, clips: &Clips, hashes: &[String]) -> Value {
    let lines = clips.0.iter().zip(hashes).enumerate();
    let lines: Vec<Value> =
        lines.map(|(place, (clip, hash))| clip_line(clip, hash, &clip_file(place))).collect();
    let results = state.results.iter().enumerate();
    let results: Vec<Value> = results
        .map(
            |(place, record)| json!({ "folder": folder(place), "clip": clips.place(&record.clip) }),
        )
        .collect();
    json!({
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program": { "name": "mondegreen", "version": crate::VERSION },
        "clips": lines,
        "results": results,
        "clip": state.clip.as_ref().and_then(|clip| clips.place(clip)),
        "shown": state.shown,
        "window": state.window,
    })
}

fn clip_line(clip: &Clip, hash: &str, file: &str) -> Value {
    json!({
        "file": file,
        "name": &*clip.name,
        "path": clip.path.as_deref().map(|path| path.to_string_lossy()),
        "samples": clip.samples.len(),
        "sample_rate": SAMPLE_RATE,
        "samples_sha256": hash,
        "source_rate": clip.source_rate,
        "source_channels": clip.source_channels,
        "clipped": clip.clipped,
    })
}

fn pretty(value: &Value) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
