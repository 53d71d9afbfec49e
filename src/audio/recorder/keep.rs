//! What becomes of a recording: a clip, and a file in the user's folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audio::{Clip, MINIMUM_SECONDS, SAMPLE_RATE, resample, write_wav_f32};

/// What came from the microphone.
pub(super) struct Raw {
    /// Mono samples.
    pub samples: Vec<f32>,
    /// Their rate in Hz.
    pub rate: u32,
    /// Channels of the microphone.
    pub channels: usize,
    /// Its name.
    pub device: String,
    /// Whether it was overdriven.
    pub clipped: bool,
}

/// A clip named after the file that holds it, and why there is no file where there is none.
///
/// # Errors
/// Why there is no clip, for people.
pub(super) fn keep(raw: Raw, folder: Option<&Path>) -> Result<(Clip, Option<String>), String> {
    let Raw { samples, rate, channels, device, mut clipped } = raw;
    if (samples.len() as f64) < MINIMUM_SECONDS * f64::from(rate) {
        return Err(format!(
            "The recording is too short: a clip has at least {MINIMUM_SECONDS} s."
        ));
    }
    if samples.iter().all(|sample| *sample == 0.0) {
        return Err(format!(
            "Nothing but silence came from {device}. See whether the microphone is muted, whether \
             this program may use it, and whether it is the right one."
        ));
    }
    let mut samples = match rate {
        SAMPLE_RATE => samples,
        _ => resample(&samples, rate, SAMPLE_RATE).map_err(|error| error.to_string())?,
    };
    for sample in &mut samples {
        // Resampling may swing over a little.
        clipped |= sample.abs() > 1.0;
        *sample = sample.clamp(-1.0, 1.0);
    }
    let samples: Arc<[f32]> = samples.into();
    let (path, trouble) = match folder.map(|folder| save(folder, &samples)) {
        Some(Ok(path)) => (Some(path), None),
        Some(Err(reason)) => (None, Some(reason)),
        None => (None, Some("the system names no folder for the user's data".to_owned())),
    };
    let stem = path.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy());
    let name = stem.as_deref().unwrap_or("Recording").into();
    let path = path.map(Arc::from);
    let clip = Clip { name, path, samples, source_rate: rate, source_channels: channels, clipped };
    Ok((clip, trouble))
}

/// Writes the first `Recording N.wav` that is free.
fn save(folder: &Path, samples: &[f32]) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut number = 1;
    let path = loop {
        let path = folder.join(format!("Recording {number}.wav"));
        if !path.exists() {
            break path;
        }
        number += 1;
    };
    write_wav_f32(&path, samples).map_err(|error| error.to_string())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::load;

    fn raw(samples: Vec<f32>, rate: u32) -> Raw {
        Raw { samples, rate, channels: 2, device: "Desk".to_owned(), clipped: false }
    }

    fn tone(rate: u32, seconds: f32, amplitude: f32) -> Vec<f32> {
        let step = std::f32::consts::TAU * 440.0 / rate as f32;
        (0..(rate as f32 * seconds) as usize).map(|i| amplitude * (i as f32 * step).sin()).collect()
    }

    #[test]
    fn a_recording_becomes_a_clip_and_a_file_that_opens_as_the_same_clip() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("Mondegreen").join("recordings");
        for number in 1..=2 {
            let (clip, trouble) = keep(raw(tone(48_000, 0.5, 0.4), 48_000), Some(&inner)).unwrap();
            assert_eq!(trouble, None);
            assert_eq!(&*clip.name, format!("Recording {number}"));
            assert_eq!((clip.source_rate, clip.source_channels, clip.clipped), (48_000, 2, false));
            assert_eq!(clip.samples.len(), 16_000);
            let again = load(clip.path.as_deref().unwrap(), 60.0).unwrap();
            assert_eq!((again.name, again.samples), (clip.name, clip.samples));
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_costs_no_clip() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        fs::write(&blocked, "not a folder").unwrap();
        let (clip, trouble) =
            keep(raw(tone(32_000, 0.5, 0.4), 32_000), Some(&blocked.join("in it"))).unwrap();
        assert_eq!((&*clip.name, clip.path), ("Recording", None));
        assert!(trouble.unwrap().contains("in it"));
        assert!(keep(raw(tone(32_000, 0.5, 0.4), 32_000), None).unwrap().1.is_some());
    }

    #[test]
    fn silence_and_blips_are_told_apart_from_clips() {
        let reason = keep(raw(vec![0.0; 32_000], 32_000), None).unwrap_err();
        assert!(reason.contains("silence came from Desk") && reason.contains("muted"), "{reason}");
        let reason = keep(raw(tone(32_000, 0.05, 0.4), 32_000), None).unwrap_err();
        assert!(reason.contains("too short"), "{reason}");
    }

    #[test]
    fn no_sample_leaves_full_scale() {
        // A square wave swings over when it is resampled.
        let square = tone(48_000, 0.5, 1.0).into_iter().map(f32::signum).collect();
        let (clip, _) = keep(raw(square, 48_000), None).unwrap();
        assert!(clip.clipped && clip.samples.iter().all(|sample| sample.abs() <= 1.0));
    }
}
