//! Where samples and steps of results are put that nobody looks at, so that memory stays the same
//! however many attacks a session has.
//!
//! The shelf is one file without a name, which the system removes when the program ends, however it
//! ends. What is put there twice takes its room once; what was deleted keeps its room until then.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use super::{Lab, LabResult};
use crate::attacks::TracePoint;
use crate::files;

/// Bytes of samples and steps that stay in memory. What is shown stays beyond that.
const IN_MEMORY: usize = 32 << 20;

/// Bytes of a step in the file.
const STEP: usize = 8 + 4 + 4 + 1 + 4 + 8 + 1 + 8;

/// Where a result's samples and steps are in the file.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    offset: u64,
    samples: usize,
    steps: usize,
}

/// The file; made when it is needed.
#[derive(Default)]
pub struct Shelf {
    file: Option<File>,
}

impl Shelf {
    /// Writes samples and steps to the end of the file.
    fn put(&mut self, samples: &[f32], steps: &[TracePoint]) -> io::Result<Place> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(nameless()?),
        };
        let offset = file.seek(SeekFrom::End(0))?;
        let mut bytes = Vec::with_capacity(4 * samples.len() + STEP * steps.len());
        bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        steps.iter().for_each(|step| write_step(&mut bytes, step));
        if let Err(error) = file.write_all(&bytes) {
            // A full disk must not keep half a result.
            file.set_len(offset).ok();
            return Err(error);
        }
        Ok(Place { offset, samples: samples.len(), steps: steps.len() })
    }

    /// Reads back what is at a place.
    fn get(&mut self, place: Place) -> io::Result<(Arc<[f32]>, Vec<TracePoint>)> {
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(place.offset))?;
        let mut bytes = vec![0; 4 * place.samples + STEP * place.steps];
        file.read_exact(&mut bytes)?;
        let (samples, steps) = bytes.split_at(4 * place.samples);
        let samples = samples.as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk));
        let steps: Option<_> = steps.chunks_exact(STEP).map(read_step).collect();
        Ok((samples.collect(), steps.ok_or(io::ErrorKind::InvalidData)?))
    }
}

/// A file that only this program has. The system's own folder for such files may be memory, so that
/// the user's data folder comes first.
fn nameless() -> io::Result<File> {
    let folder = files::data_folder().filter(|folder| fs::create_dir_all(folder).is_ok());
    match folder.map(tempfile::tempfile_in) {
        Some(Ok(file)) => Ok(file),
        Some(Err(_)) | None => tempfile::tempfile(),
    }
}

fn write_step(bytes: &mut Vec<u8>, step: &TracePoint) {
    bytes.extend((step.iteration as u64).to_le_bytes());
    bytes.extend(step.original.to_le_bytes());
    bytes.extend(step.leading.to_le_bytes());
    bytes.push(step.target.is_some().into());
    bytes.extend(step.target.unwrap_or_default().to_le_bytes());
    bytes.extend(step.snr_db.to_le_bytes());
    bytes.push(step.best_snr_db.is_some().into());
    bytes.extend(step.best_snr_db.unwrap_or_default().to_le_bytes());
}

fn read_step(mut bytes: &[u8]) -> Option<TracePoint> {
    fn next<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (head, tail) = bytes.split_first_chunk()?;
        *bytes = tail;
        Some(*head)
    }
    let bytes = &mut bytes;
    let iteration = u64::from_le_bytes(next(bytes)?) as usize;
    let original = f32::from_le_bytes(next(bytes)?);
    let leading = f32::from_le_bytes(next(bytes)?);
    let [aimed] = next(bytes)?;
    let target = f32::from_le_bytes(next(bytes)?);
    let snr_db = f64::from_le_bytes(next(bytes)?);
    let [found] = next(bytes)?;
    let best = f64::from_le_bytes(next(bytes)?);
    Some(TracePoint {
        iteration,
        original,
        leading,
        target: (aimed != 0).then_some(target),
        snr_db,
        best_snr_db: (found != 0).then_some(best),
    })
}

impl LabResult {
    /// Bytes of memory that its samples and steps take.
    fn bytes(&self) -> usize {
        4 * self.outcome.samples.len() + size_of::<TracePoint>() * self.trace.len()
    }
}

impl Lab {
    /// Brings back the samples and steps of a result, by its index, where they were put away.
    ///
    /// # Errors
    /// What to tell people where they can't be read back.
    pub fn bring_back(&mut self, index: usize) -> Result<(), String> {
        let Some(result) = self.results.get_mut(index) else { return Ok(()) };
        let (true, Some(place)) = (result.is_away, result.place) else { return Ok(()) };
        let (samples, steps) = self.shelf.get(place).map_err(|error| {
            // Told once.
            result.place = None;
            format!(
                "The samples of the result {} could not be read back from this session's \
                 temporary file: {error}. Its numbers are still there; attack again for the sound.",
                result.title()
            )
        })?;
        self.verdicts.now_called(&result.outcome.samples, &samples);
        (result.outcome.samples, result.trace, result.is_away) = (samples, steps, false);
        Ok(())
    }

    /// Brings back what is shown.
    ///
    /// # Errors
    /// As [`Lab::bring_back`]'s.
    pub fn bring_back_shown(&mut self) -> Result<(), String> {
        self.shown_index().map_or(Ok(()), |index| self.bring_back(index))
    }

    /// Brings back everything, such as for a file that holds it.
    ///
    /// # Errors
    /// As [`Lab::bring_back`]'s, for the first result that is lost.
    pub fn bring_all_back(&mut self) -> Result<(), String> {
        (0..self.results.len()).try_for_each(|index| self.bring_back(index))
    }

    /// Puts away the oldest results that are not shown where memory holds too much.
    pub fn tidy_up(&mut self) {
        self.tidy_up_to(IN_MEMORY);
    }

    fn tidy_up_to(&mut self, most: usize) {
        let shown = self.shown_index();
        let mut held: usize = self.results.iter().map(LabResult::bytes).sum();
        for (index, result) in self.results.iter_mut().enumerate() {
            if held <= most {
                break;
            }
            // Who checks what survives has the samples anyway, and the result is about to change.
            if Some(index) == shown || result.is_away || result.survival.command.is_some() {
                continue;
            }
            let place = match result.place {
                Some(place) => place,
                None => match self.shelf.put(&result.outcome.samples, &result.trace) {
                    Ok(place) => place,
                    // A full disk: memory holds more, and nothing is lost.
                    Err(_) => break,
                },
            };
            held -= result.bytes();
            let gone: Arc<[f32]> = Arc::new([]);
            self.verdicts.now_called(&result.outcome.samples, &gone);
            result.outcome.samples = gone;
            result.trace = Vec::new();
            (result.place, result.is_away) = (Some(place), true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(iteration: usize, best: Option<f64>) -> TracePoint {
        TracePoint {
            iteration,
            original: 0.75,
            leading: f32::NAN,
            target: best.map(|_| 0.5),
            snr_db: f64::INFINITY,
            best_snr_db: best,
        }
    }

    #[test]
    fn what_is_put_away_comes_back_as_it_was() {
        let mut shelf = Shelf::default();
        let one = [0.1_f32, -1.0, f32::MIN_POSITIVE];
        let two = [0.25_f32];
        let first = shelf.put(&one, &[step(1, None), step(2, Some(46.2))]).expect("room");
        let second = shelf.put(&two, &[]).expect("room");
        let (samples, steps) = shelf.get(first).expect("the first");
        assert_eq!(*samples, one);
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[1].iteration, steps[1].best_snr_db), (2, Some(46.2)));
        assert_eq!((steps[0].target, steps[1].target), (None, Some(0.5)));
        assert!(steps[0].leading.is_nan() && steps[0].snr_db.is_infinite());
        assert_eq!(*shelf.get(second).expect("the second").0, two);
    }
}
