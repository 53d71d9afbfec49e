//! Writing WAV: 32-bit float, so that no perturbation is lost to rounding.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavSpec, WavWriter};
use thiserror::Error;

use super::SAMPLE_RATE;
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

const WAV: WavSpec = WavSpec {
    channels: 1,
    sample_rate: SAMPLE_RATE,
    bits_per_sample: 32,
    sample_format: SampleFormat::Float,
};

/// Writes `samples` (mono at [`SAMPLE_RATE`]) as 32-bit float WAV, bit for bit. An existing file
/// is replaced, and only once the new one is complete.
///
/// # Errors
/// [`SaveError`], with neither a half file nor a temporary one left behind.
pub fn write_wav_f32(path: &Path, samples: &[f32]) -> Result<(), SaveError> {
    check_names(path)?;
    let mut bytes = Cursor::new(Vec::new());
    encode(&mut bytes, samples)
        .and_then(|()| files::replace(path, bytes.get_ref()))
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

fn encode(bytes: &mut Cursor<Vec<u8>>, samples: &[f32]) -> io::Result<()> {
    let mut writer = WavWriter::new(bytes, WAV).map_err(io_error)?;
    for &sample in samples {
        writer.write_sample(sample).map_err(io_error)?;
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
fn file_name(name: &str) -> String {
    let refused = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
    let clean: String = name.chars().map(|c| if refused(c) { '_' } else { c }).take(100).collect();
    let clean = clean.trim().trim_matches('.');
    if clean.is_empty() { "clip".to_owned() } else { clean.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_become_file_names() {
        assert_eq!(file_name("Glockenspiel 3"), "Glockenspiel 3");
        assert_eq!(file_name("../a/b\\c:d"), "_a_b_c_d");
        assert_eq!(file_name(" .. "), "clip");
        assert_eq!(file_name(""), "clip");
        assert_eq!(file_name(&"x".repeat(300)).len(), 100);
    }
}
