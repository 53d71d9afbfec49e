//! Writing WAV: 32-bit float, so that no perturbation is lost to rounding, or fewer bits for those
//! who need them.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{SAMPLE_RATE, round_to_bits};
use crate::files;

/// Why a file could not be written. Nothing is left behind in its place.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "`path` is the file in every variant")]
pub enum SaveError {
    /// The folder that should hold it is not there.
    #[error(
        "\u{201c}{path}\u{201d} can't be saved: the folder {folder} does not exist; create it or choose another"
    )]
    NoFolder { path: PathBuf, folder: PathBuf },
    /// The folder may not be written to, or the file not replaced.
    #[error(
        "\u{201c}{path}\u{201d} can't be saved: you may not write there; choose another folder"
    )]
    Denied { path: PathBuf },
    /// A folder has this name.
    #[error("\u{201c}{path}\u{201d} can't be saved: it is a folder; choose another name")]
    IsFolder { path: PathBuf },
    /// Disk full and the like.
    #[error(
        "\u{201c}{path}\u{201d} can't be saved: {source}; free some space or choose another folder"
    )]
    Io { path: PathBuf, source: io::Error },
}

/// How a WAV holds a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WavDepth {
    /// 32-bit float: bit for bit what the models heard.
    #[default]
    Float32,
    /// Integers of 24 bits.
    Int24,
    /// Integers of 16 bits, as on a CD: as coarse as many perturbations are large.
    Int16,
}

impl WavDepth {
    /// All depths, the exact one first.
    pub const ALL: [Self; 3] = [Self::Float32, Self::Int24, Self::Int16];

    /// Bits a sample.
    pub fn bits(self) -> u32 {
        match self {
            Self::Float32 => 32,
            Self::Int24 => 24,
            Self::Int16 => 16,
        }
    }

    /// The depth of so many bits.
    pub fn of_bits(bits: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|depth| depth.bits() == bits)
    }

    /// Whether samples are rounded to integers.
    pub fn rounds(self) -> bool {
        self != Self::Float32
    }

    fn spec(self) -> WavSpec {
        WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: self.bits() as u16,
            sample_format: if self.rounds() { SampleFormat::Int } else { SampleFormat::Float },
        }
    }
}

/// `samples` (mono at [`SAMPLE_RATE`]) as a whole WAV file in memory: bit for bit, or rounded as
/// [`round_to_bits`] does.
///
/// # Errors
/// Where the samples are more than a WAV holds.
pub fn wav_bytes(samples: &[f32], depth: WavDepth) -> io::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::with_capacity(samples.len() * 4 + 128));
    encode(&mut bytes, samples, depth)?;
    Ok(bytes.into_inner())
}

/// Writes `samples` (mono at [`SAMPLE_RATE`]) as 32-bit float WAV, bit for bit. An existing file
/// is replaced, and only once the new one is complete.
///
/// # Errors
/// [`SaveError`], with neither a half file nor a temporary one left behind.
pub fn write_wav_f32(path: &Path, samples: &[f32]) -> Result<(), SaveError> {
    write_wav(path, samples, WavDepth::Float32)
}

/// As [`write_wav_f32`], with any depth.
///
/// # Errors
/// As [`write_wav_f32`].
pub fn write_wav(path: &Path, samples: &[f32], depth: WavDepth) -> Result<(), SaveError> {
    check_names(path)?;
    wav_bytes(samples, depth)
        .and_then(|bytes| files::replace(path, &bytes))
        .map_err(|source| save_error(path, source))
}

/// Checks that `path` may become a file: its folder is there and lets one be made, and it is no
/// folder itself.
///
/// # Errors
/// [`SaveError`], as writing would give it.
pub fn check_place(path: &Path) -> Result<(), SaveError> {
    check_names(path)?;
    files::check_place(path).map_err(|source| save_error(path, source))
}

fn save_error(path: &Path, source: io::Error) -> SaveError {
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            SaveError::Denied { path: path.to_owned() }
        }
        _ => SaveError::Io { path: path.to_owned(), source },
    }
}

fn check_names(path: &Path) -> Result<(), SaveError> {
    if path.is_dir() {
        return Err(SaveError::IsFolder { path: path.to_owned() });
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(SaveError::NoFolder { path: path.to_owned(), folder: folder.to_owned() });
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn encode(bytes: &mut Cursor<Vec<u8>>, samples: &[f32], depth: WavDepth) -> io::Result<()> {
    let mut writer = WavWriter::new(bytes, depth.spec()).map_err(io_error)?;
    let steps = 2_f64.powi(depth.bits().cast_signed() - 1);
    for &sample in samples {
        let written = if depth.rounds() {
            let rounded = f64::from(round_to_bits(f64::from(sample), depth.bits()));
            writer.write_sample((rounded * steps) as i32)
        } else {
            writer.write_sample(sample)
        };
        written.map_err(io_error)?;
    }
    writer.finalize().map_err(io_error)
}

fn io_error(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// Writes `NAME_nat.wav` (the natural, original sound) and `NAME_adv.wav` into `folder`, and says
/// which paths it chose. Characters of `name` that file systems refuse become `_`. Where a file of
/// the pair exists already, `NAME-2`, `NAME-3`... is taken: nothing is overwritten.
///
/// # Errors
/// [`SaveError`]; if the second file fails the first one is removed.
pub fn write_pair(
    folder: &Path,
    name: &str,
    original: &[f32],
    adversarial: &[f32],
) -> Result<[PathBuf; 2], SaveError> {
    let name = file_name(name);
    let pair = |stem: &str| ["nat", "adv"].map(|side| folder.join(format!("{stem}_{side}.wav")));
    let free = |pair: &[PathBuf; 2]| !pair.iter().any(|path| path.exists());
    let mut paths = pair(&name);
    let mut number = 2;
    while !free(&paths) {
        paths = pair(&format!("{name}-{number}"));
        number += 1;
    }
    write_wav_f32(&paths[0], original)?;
    write_wav_f32(&paths[1], adversarial).inspect_err(|_| {
        fs::remove_file(&paths[0]).ok();
    })?;
    Ok(paths)
}

/// `name` as a file name that Linux, macOS and Windows accept, at most 100 characters, never empty.
pub fn file_name(name: &str) -> String {
    let refused = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
    let clean: String = name.chars().map(|c| if refused(c) { '_' } else { c }).take(100).collect();
    let clean = clean.trim().trim_matches('.');
    if clean.is_empty() { "clip".to_owned() } else { clean.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_few_bits_holds_exactly_what_rounding_gives() {
        let samples: Vec<f32> =
            (0..2000).map(|n| (n as f32 * 0.37).sin()).chain([1.0, -1.0, 0.0, 1e-6]).collect();
        for depth in WavDepth::ALL {
            let bytes = wav_bytes(&samples, depth).unwrap();
            let mut reader = hound::WavReader::new(Cursor::new(bytes)).unwrap();
            assert_eq!(u32::from(reader.spec().bits_per_sample), depth.bits());
            let steps = 2_f64.powi(depth.bits().cast_signed() - 1);
            let read: Vec<f32> = match depth {
                WavDepth::Float32 => reader.samples::<f32>().map(Result::unwrap).collect(),
                WavDepth::Int24 | WavDepth::Int16 => {
                    let read = reader.samples::<i32>().map(Result::unwrap);
                    read.map(|step| (f64::from(step) / steps) as f32).collect()
                }
            };
            let rounded = |&x: &f32| match depth {
                WavDepth::Float32 => x,
                _ => round_to_bits(f64::from(x), depth.bits()),
            };
            assert_eq!(read, samples.iter().map(rounded).collect::<Vec<_>>(), "{depth:?}");
        }
    }

    #[test]
    fn names_become_file_names() {
        assert_eq!(file_name("Glockenspiel 3"), "Glockenspiel 3");
        assert_eq!(file_name("../a/b\\c:d"), "_a_b_c_d");
        assert_eq!(file_name(" .. "), "clip");
        assert_eq!(file_name(""), "clip");
        assert_eq!(file_name(&"x".repeat(300)).len(), 100);
    }
}
