//! A waveform's extremes in blocks, so that a minute of sound is drawn as quickly as a second.

use std::ops::Range;

/// Samples that share one pair of extremes.
const BLOCK: usize = 32;

/// The extremes of consecutive blocks of samples.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    blocks: Vec<[f32; 2]>,
    peak: f32,
}

impl Overview {
    /// The overview of some samples.
    pub fn of(samples: &[f32]) -> Self {
        let blocks: Vec<_> = samples.chunks(BLOCK).map(extremes).collect();
        let peak = blocks.iter().flatten().fold(0.0_f32, |peak, value| peak.max(value.abs()));
        Self { blocks, peak }
    }

    /// The largest absolute sample.
    pub fn peak(&self) -> f32 {
        self.peak
    }

    /// Lowest and highest sample in a range of the samples it was made of.
    ///
    /// Exact where the range is short; to whole blocks where it is long.
    pub fn extremes(&self, samples: &[f32], range: Range<usize>) -> [f32; 2] {
        let end = range.end.min(samples.len());
        let start = range.start.min(end);
        if end - start < 4 * BLOCK {
            return extremes(&samples[start..end]);
        }
        let blocks = self.blocks.get(start / BLOCK..end / BLOCK).unwrap_or_default();
        blocks
            .iter()
            .fold([f32::INFINITY, f32::NEG_INFINITY], |a, b| [a[0].min(b[0]), a[1].max(b[1])])
    }
}

fn extremes(samples: &[f32]) -> [f32; 2] {
    match samples {
        [] => [0.0; 2],
        [first, ..] => samples
            .iter()
            .fold([*first; 2], |[low, high], &value| [low.min(value), high.max(value)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_peak_is_lost_and_short_ranges_are_exact() {
        let mut samples = vec![0.0; 1000];
        samples[777] = -0.5;
        samples[13] = 0.25;
        let overview = Overview::of(&samples);
        assert_eq!(overview.peak(), 0.5);
        assert_eq!(overview.extremes(&samples, 0..1000), [-0.5, 0.25]);
        assert_eq!(overview.extremes(&samples, 700..777), [0.0, 0.0]);
        assert_eq!(overview.extremes(&samples, 770..780), [-0.5, 0.0]);
        assert_eq!(overview.extremes(&samples, 2000..3000), [0.0, 0.0]);
        assert_eq!(Overview::of(&[]).extremes(&[], 0..9), [0.0, 0.0]);
    }
}
