//! Jobs that read and write files: each on a thread of its own, since the engine's thread may be
//! busy with an attack for minutes.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::message::{ClipSource, CommandId, EventKind, SaveJob};
use super::outbox::Outbox;
use crate::assets::BUNDLED;
use crate::audio::{self, Clip};
use crate::{export, lab_file};

/// Runs a job on a thread of its own and sends its answer; gives the thread, if one started.
pub fn aside(
    outbox: &Outbox,
    id: CommandId,
    job: impl FnOnce() -> Result<EventKind, String> + Send + 'static,
) -> Option<JoinHandle<()>> {
    let sender = outbox.clone();
    let started =
        std::thread::Builder::new().name("file".to_owned()).spawn(move || sender.answer(id, job));
    match started {
        Ok(thread) => Some(thread),
        Err(error) => {
            let reason = format!("no thread could be started for it: {error}");
            outbox.send(id, EventKind::Failed(reason));
            None
        }
    }
}

/// Decodes a clip.
///
/// # Errors
/// A message for people that names it.
pub fn load_clip(source: &ClipSource, limit_seconds: f64) -> Result<EventKind, String> {
    let clip: Result<Clip, _> = match source {
        ClipSource::File(path) => audio::load(path, limit_seconds),
        ClipSource::Bundled(index) => {
            let bundled =
                BUNDLED.get(*index).ok_or_else(|| format!("there is no bundled clip {index}"))?;
            audio::load_bytes(bundled.name, bundled.bytes, limit_seconds)
        }
    };
    clip.map(EventKind::ClipLoaded).map_err(|error| error.to_string())
}

/// Reads a lab file.
///
/// # Errors
/// A message for people that names it.
pub fn open_lab(path: &Path) -> Result<EventKind, String> {
    let state = lab_file::open(path).map_err(|error| error.to_string())?;
    Ok(EventKind::LabOpened(Box::new(state)))
}

/// Writes files and gives their paths.
///
/// # Errors
/// A message for people that names the file.
pub fn save(job: &SaveJob) -> Result<Vec<PathBuf>, String> {
    match job {
        SaveJob::Pair { clip, adversarial, folder } => {
            audio::write_pair(folder, &clip.name, &clip.samples, adversarial)
                .map(Vec::from)
                .map_err(|error| error.to_string())
        }
        SaveJob::Export { record, model, contents, pictures, rounded, to } => {
            export::write(record, model, *contents, *pictures, rounded.as_deref(), to)
                .map_err(|error| error.to_string())
        }
        SaveJob::Lab { state, path } => lab_file::write(state, path)
            .map(|()| vec![path.clone()])
            .map_err(|error| error.to_string()),
        SaveJob::Figure { figure, path } => {
            figure.write(path).map(|()| vec![path.clone()]).map_err(|error| error.to_string())
        }
    }
}
