//! Cutting a spectrogram of any length into the fixed-length chunks that the networks take.

use std::sync::Arc;

use candle_core::{Result, bail};

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;

/// A rest of fewer frames than this is left out, half at each end; a longer one gives a last chunk
/// that overlaps the one before it.
const LEAST_REST: usize = 32;

/// The first frame of each chunk of `length` frames, as Iqbal et al. cut them (`load_features` of
/// their DCASE 2018 task 2 system).
///
/// Fewer frames than `length` give one chunk that starts at 0 and must be padded.
pub fn chunk_frames(frames: usize, length: usize) -> Vec<usize> {
    let (whole, rest) = (frames / length, frames % length);
    if whole == 0 {
        return vec![0];
    }
    let offset = if rest < LEAST_REST { rest / 2 } else { 0 };
    let mut starts: Vec<_> = (0..whole).map(|chunk| offset + chunk * length).collect();
    if rest >= LEAST_REST {
        starts.push(frames - length);
    }
    starts
}

/// Cuts `[B, frames, bands]` into `[B * chunks, length, bands]`, the chunks of one clip next to
/// each other. A clip that is shorter than a chunk is continued with its smallest value.
#[derive(Clone, Debug)]
pub struct Chunks(Arc<ChunksKernel>);

impl Chunks {
    /// Chunks of `length` frames.
    pub fn new(length: usize) -> Self {
        Self(Arc::new(ChunksKernel { length: length.max(1) }))
    }

    /// The chunks of every clip.
    ///
    /// # Errors
    /// Where the input is not `[B, frames, bands]` or has no frame.
    pub fn forward(&self, spectrogram: &Traced) -> Result<Traced> {
        if portable::is_needed(spectrogram) {
            let (_, frames, _) = spectrogram.tensor().dims3()?;
            let starts = chunk_frames(frames, self.0.length);
            return portable::chunks(spectrogram, &starts, self.0.length);
        }
        kernel::apply(&self.0, spectrogram)
    }
}

#[derive(Debug)]
struct ChunksKernel {
    length: usize,
}

/// Index of the smallest value, the first of equals.
fn smallest<T: Element>(values: &[T]) -> usize {
    values.iter().enumerate().fold(0, |best, (i, v)| if *v < values[best] { i } else { best })
}

impl Kernel for ChunksKernel {
    const NAME: &'static str = "chunks";

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [batch, frames, bands] if frames > 0 && bands > 0 => {
                Ok(vec![batch * chunk_frames(frames, self.length).len(), self.length, bands])
            }
            _ => bail!("chunks: expected [B, frames, bands], got {input:?}"),
        }
    }

    /// For clips that are shorter than a chunk, where their smallest value is.
    type Saved<T: Element> = Vec<usize>;

    fn forward<T: Element>(
        &self,
        input: &[T],
        shape: &[usize],
        _keep: bool,
    ) -> (Vec<T>, Vec<usize>) {
        let (frames, bands) = (shape[1], shape[2]);
        let size = self.length * bands;
        let (mut output, mut floors) = (Vec::new(), Vec::new());
        for clip in input.chunks(frames * bands) {
            if frames < self.length {
                output.extend_from_slice(clip);
                let floor = smallest(clip);
                output.resize(output.len() + size - clip.len(), clip[floor]);
                floors.push(floor);
            } else {
                for start in chunk_frames(frames, self.length) {
                    output.extend_from_slice(&clip[start * bands..start * bands + size]);
                }
            }
        }
        (output, floors)
    }

    fn backward<T: Element>(
        &self,
        floors: &Vec<usize>,
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let (batch, frames, bands) = (shape[0], shape[1], shape[2]);
        let size = self.length * bands;
        let starts = chunk_frames(frames, self.length);
        let mut result = vec![T::zero(); copies * batch * frames * bands];
        let clips = result.chunks_mut(frames * bands).zip(gradient.chunks(starts.len() * size));
        for (clip, (sums, gradient)) in clips.enumerate() {
            if frames < self.length {
                let (inside, behind) = gradient.split_at(sums.len());
                sums.copy_from_slice(inside);
                let floor = floors[clip % batch];
                for &g in behind {
                    sums[floor] += g;
                }
            } else {
                for (&start, chunk) in starts.iter().zip(gradient.chunks(size)) {
                    for (sum, &g) in sums[start * bands..].iter_mut().zip(chunk) {
                        *sum += g;
                    }
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_cut_as_the_authors_cut_them() {
        assert_eq!(chunk_frames(1, 128), [0]);
        assert_eq!(chunk_frames(127, 128), [0]);
        assert_eq!(chunk_frames(128, 128), [0]);
        assert_eq!(chunk_frames(149, 128), [10]);
        assert_eq!(chunk_frames(160, 128), [0, 32]);
        assert_eq!(chunk_frames(256 + 31, 128), [15, 143]);
        assert_eq!(chunk_frames(256 + 32, 128), [0, 128, 160]);
    }
}
