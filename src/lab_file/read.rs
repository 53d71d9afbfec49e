//! Reading a lab. All is checked before anything is given.

use std::fs::File;
use std::io::{BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hound::{SampleFormat, WavReader};
use serde::Deserialize;
use serde_json::Value;
use zip::ZipArchive;

use super::parse::Told;
use super::state::LabState;
use super::{FORMAT, FORMAT_VERSION, INDEX, LabFileError, RESULT, SAMPLES, STEPS};
use crate::audio::{Clip, SAMPLE_RATE};
use crate::export::{read_entry, read_trace, sha256_of_samples};

/// No table or text of a lab is as large, in bytes.
const LARGEST_TEXT: u64 = 1 << 28;

/// No sound of a lab is as large, in bytes: an hour is half of it.
const LARGEST_SOUND: u64 = 1 << 30;

/// Opens a lab.
///
/// # Errors
/// [`LabFileError`] for what is no lab, was saved by a newer version, or is damaged; then nothing
/// was opened.
pub fn open(path: &Path) -> Result<LabState, LabFileError> {
    let mut source = Source::open(path)?;
    let index = source.index()?;
    let damaged = |part: String| LabFileError::damaged(path, part);
    let mut clips = Vec::new();
    for line in &index.clips {
        let samples = source.samples(&line.file, &line.samples_sha256)?;
        if samples.is_empty() {
            return Err(damaged(format!("the clip {} has no samples", line.name)));
        }
        clips.push(Clip {
            name: line.name.as_str().into(),
            path: line.path.as_deref().map(|path| Path::new(path).into()),
            samples,
            source_rate: line.source_rate,
            source_channels: line.source_channels,
            clipped: line.clipped,
        });
    }
    let mut results = Vec::new();
    for line in &index.results {
        let clip = clips.get(line.clip).cloned();
        let clip = clip.ok_or_else(|| damaged(format!("{} has no clip", line.folder)))?;
        results.push(source.record(&line.folder, clip)?);
    }
    let within = |place: Option<usize>| place.filter(|&place| place < results.len());
    Ok(LabState {
        clip: index.clip.and_then(|place| clips.get(place).cloned()),
        shown: within(index.shown),
        results,
        window: index.window,
    })
}

/// The table of contents as it is read.
#[derive(Deserialize)]
struct IndexTold {
    clips: Vec<ClipTold>,
    results: Vec<ResultTold>,
    clip: Option<usize>,
    shown: Option<usize>,
    #[serde(default)]
    window: Value,
}

#[derive(Deserialize)]
struct ClipTold {
    file: String,
    name: String,
    path: Option<String>,
    samples_sha256: String,
    source_rate: u32,
    source_channels: usize,
    clipped: bool,
}

#[derive(Deserialize)]
struct ResultTold {
    folder: String,
    clip: usize,
}

/// What the table of contents says first.
#[derive(Deserialize)]
struct Head {
    format: String,
    format_version: u32,
    program: Program,
}

#[derive(Deserialize)]
struct Program {
    version: String,
}

/// Where a lab is read from.
struct Source {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

impl Source {
    fn open(path: &Path) -> Result<Self, LabFileError> {
        let path = path.to_path_buf();
        let unreadable = |source| LabFileError::Read { path: path.clone(), source };
        let mut file = BufReader::new(File::open(&path).map_err(unreadable)?);
        let mut begin = Vec::new();
        file.by_ref().take(4).read_to_end(&mut begin).map_err(unreadable)?;
        match ZipArchive::new(file) {
            Ok(archive) => Ok(Self { path, archive }),
            Err(_) if begin.starts_with(b"PK\x03\x04") => {
                Err(LabFileError::damaged(&path, "its end is missing"))
            }
            Err(_) => Err(LabFileError::Foreign { path, what: "not even an archive".to_owned() }),
        }
    }

    /// A file of the lab, whose checksum is right.
    fn read(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, LabFileError> {
        read_entry(&mut self.archive, name, limit)
            .map_err(|error| LabFileError::damaged(&self.path, format!("{name}: {error}")))
    }

    fn part(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, LabFileError> {
        let part = self.read(name, limit)?;
        part.ok_or_else(|| LabFileError::damaged(&self.path, format!("{name} is missing")))
    }

    /// The table of contents, of a version that is known.
    fn index(&mut self) -> Result<IndexTold, LabFileError> {
        let foreign = |path: &Path, what: &str| LabFileError::Foreign {
            path: path.to_path_buf(),
            what: what.to_owned(),
        };
        let bytes = self.read(INDEX, LARGEST_TEXT)?;
        let bytes = bytes.ok_or_else(|| foreign(&self.path, "an archive of something else"))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| LabFileError::damaged(&self.path, format!("{INDEX}: {error}")))?;
        let head: Head = serde_json::from_value(value.clone())
            .map_err(|_| foreign(&self.path, "an archive of something else"))?;
        if head.format != FORMAT {
            return Err(foreign(&self.path, &format!("it calls itself a {}", head.format)));
        }
        if head.format_version > FORMAT_VERSION {
            return Err(LabFileError::Newer {
                path: self.path.clone(),
                version: head.format_version,
                program: head.program.version,
            });
        }
        serde_json::from_value(value)
            .map_err(|error| LabFileError::damaged(&self.path, format!("{INDEX}: {error}")))
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<T, LabFileError> {
        let bytes = self.part(name, LARGEST_TEXT)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| LabFileError::damaged(&self.path, format!("{name}: {error}")))
    }

    fn steps(&mut self, name: &str) -> Result<Arc<[crate::attacks::TracePoint]>, LabFileError> {
        let bytes = self.part(name, LARGEST_TEXT)?;
        let damaged = |reason: &str| LabFileError::damaged(&self.path, format!("{name}: {reason}"));
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged("it is no text"))?;
        let steps = read_trace(text).map_err(|error| damaged(&error.to_string()))?;
        Ok(steps.into())
    }

    /// Samples of that hash.
    fn samples(&mut self, name: &str, hash: &str) -> Result<Arc<[f32]>, LabFileError> {
        let bytes = self.part(name, LARGEST_SOUND)?;
        let samples = read_wav(&bytes)
            .map_err(|reason| LabFileError::damaged(&self.path, format!("{name}: {reason}")))?;
        if sha256_of_samples(&samples) != hash {
            let part = format!("{name} holds other samples than it did");
            return Err(LabFileError::damaged(&self.path, part));
        }
        Ok(samples)
    }

    fn record(&mut self, folder: &str, clip: Clip) -> Result<crate::export::Record, LabFileError> {
        let told: Told = self.json(&format!("{folder}/{RESULT}"))?;
        let hash = told.adversarial_samples_sha256.clone();
        let samples = self.samples(&format!("{folder}/{SAMPLES}"), &hash)?;
        let damaged = |reason| LabFileError::damaged(&self.path, format!("{folder}: {reason}"));
        if samples.len() != clip.samples.len() {
            return Err(damaged("it has not as many samples as its clip".to_owned()));
        }
        let steps = self.steps(&format!("{folder}/{STEPS}"))?;
        let damaged = |reason| LabFileError::damaged(&self.path, format!("{folder}: {reason}"));
        told.record(clip, samples, steps).map_err(damaged)
    }
}

/// Samples of a WAV as [`crate::audio::wav_bytes`] writes it with 32 bits.
fn read_wav(bytes: &[u8]) -> Result<Arc<[f32]>, String> {
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let spec = reader.spec();
    let float = (spec.sample_format, spec.bits_per_sample) == (SampleFormat::Float, 32);
    if !float || spec.channels != 1 || spec.sample_rate != SAMPLE_RATE {
        return Err("it is no WAV of 32-bit float, mono, 32 kHz".to_owned());
    }
    let samples: Result<Vec<f32>, _> = reader.samples::<f32>().collect();
    let samples = samples.map_err(|error| error.to_string())?;
    if samples.iter().any(|sample| !sample.is_finite()) {
        return Err("it has samples that are no numbers".to_owned());
    }
    Ok(samples.into())
}
