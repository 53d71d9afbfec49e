//! From the audio callback to the recording thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cpal::{FromSample, Sample};
use rtrb::{Consumer, Producer, RingBuffer};

/// From here on a sample counts as clipped: converters end a little below full scale.
const FULL: f32 = 0.999;

/// What the callback counts.
#[derive(Debug, Default)]
struct Counts {
    /// Frames in which some channel reached full scale.
    clipped: AtomicU64,
    /// Frames that found no room.
    lost: AtomicU64,
}

/// The end in the audio callback.
pub struct Capture {
    queue: Producer<f32>,
    channels: usize,
    counts: Arc<Counts>,
}

/// The end in the recording thread.
pub struct Captured {
    queue: Consumer<f32>,
    counts: Arc<Counts>,
}

/// Both ends of a queue of `frames` frames, from a device with so many channels.
pub fn capture(frames: usize, channels: usize) -> (Capture, Captured) {
    let (to, from) = RingBuffer::new(frames);
    let counts = Arc::new(Counts::default());
    let capture = Capture { queue: to, channels: channels.max(1), counts: counts.clone() };
    (capture, Captured { queue: from, counts })
}

impl Capture {
    /// Takes interleaved frames; the channels' mean goes on. Neither allocates nor locks nor waits:
    /// what finds no room is lost, and counted.
    pub fn take<T: Sample>(&mut self, input: &[T])
    where
        f32: FromSample<T>,
    {
        for frame in input.chunks_exact(self.channels) {
            let mut sum = 0.0;
            let mut peak = 0.0_f32;
            for &sample in frame {
                let sample = f32::from_sample(sample);
                let sample = if sample.is_finite() { sample } else { 0.0 };
                sum += sample;
                peak = peak.max(sample.abs());
            }
            if peak >= FULL {
                self.counts.clipped.fetch_add(1, Relaxed);
            }
            if self.queue.push(sum / self.channels as f32).is_err() {
                self.counts.lost.fetch_add(1, Relaxed);
            }
        }
    }
}

impl Captured {
    /// Moves all that came to the end of `samples`.
    pub fn drain(&mut self, samples: &mut Vec<f32>) {
        while let Ok(sample) = self.queue.pop() {
            samples.push(sample);
        }
    }

    /// Frames so far in which some channel reached full scale.
    pub fn clipped(&self) -> u64 {
        self.counts.clipped.load(Relaxed)
    }

    /// Frames so far that were lost because the recording thread was held up.
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_and_clipping_is_seen_in_each() {
        let (mut capture, mut captured) = capture(8, 2);
        capture.take(&[0.5_f32, -0.25, 1.0, 0.0, f32::NAN, 0.5]);
        let mut samples = Vec::new();
        captured.drain(&mut samples);
        assert_eq!(samples, [0.125, 0.5, 0.25]);
        assert_eq!((captured.clipped(), captured.lost()), (1, 0));
    }

    #[test]
    fn integers_become_shares_of_full_scale() {
        let (mut capture, mut captured) = capture(8, 1);
        capture.take(&[i16::MIN, 0, 16_384]);
        let mut samples = Vec::new();
        captured.drain(&mut samples);
        assert_eq!(samples, [-1.0, 0.0, 0.5]);
        assert_eq!(captured.clipped(), 1);
    }

    #[test]
    fn what_finds_no_room_is_lost_and_counted() {
        let (mut capture, mut captured) = capture(4, 1);
        capture.take(&[0.1_f32; 6]);
        let mut samples = Vec::new();
        captured.drain(&mut samples);
        assert_eq!((samples.len(), captured.lost()), (4, 2));
        capture.take(&[0.2_f32; 4]);
        captured.drain(&mut samples);
        assert_eq!((samples.len(), captured.lost()), (8, 2));
    }
}
