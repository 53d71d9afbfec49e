//! Which cells of time and frequency a gradient with respect to the waveform points at.
//!
//! With the short-time transforms `G` of the gradient `g` of some score and `X` of samples `x`, of
//! the same window and hop, `Re(conj(G) X)` of a cell is what the cell contributes to the sum of
//! `g x`: by Parseval all cells' contributions, suitably scaled, add up to it. The sum of `g x` is
//! how much the score changes, to first order, when `x` is added; so a cell's contribution is how
//! much the score changes when that cell of `x` is added.

use std::f64::consts::LN_10;

use rayon::prelude::*;
use realfft::RealFftPlanner;

use super::spectrogram::{FRAMES_A_TASK, cut_frame, hann};
use super::{NYQUIST_HZ, SILENCE_DB, Spectrogram, StftSettings};
use crate::audio::SAMPLE_RATE;

/// Where the first octave of [`Relevance::shares_of_octaves`] begins.
const LOWEST_OCTAVE_HZ: f64 = 62.5;

/// What is shown of a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighing {
    /// How much the score changes where a cell of the samples becomes 1 dB louder: gradient times
    /// input, per decibel.
    PerDecibel,
    /// How much the score changes where a cell of the samples is added: gradient times input.
    Added,
    /// The gradient's magnitude alone: how much the score changes where something of a given
    /// amplitude is added in a cell, in the phase that moves it most.
    Gradient,
}

/// A gradient over time and frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct Relevance {
    heat: Spectrogram,
    /// As the levels of `heat`, in units of the score; signed but for [`Weighing::Gradient`].
    values: Vec<f32>,
}

impl Relevance {
    /// Weighs a gradient with respect to mono samples at 32 kHz with samples of the same length, on
    /// all threads of the current rayon pool. Of the longer one the end is left out.
    pub fn compute(
        gradient: &[f32],
        samples: &[f32],
        settings: StftSettings,
        weighing: Weighing,
    ) -> Self {
        let settings = settings.in_range();
        let StftSettings { window, hop } = settings;
        let bins = window / 2 + 1;
        let length = gradient.len().min(samples.len());
        let (gradient, samples) = (&gradient[..length], &samples[..length]);
        let frames = settings.frames(length);
        let hann = hann(window);
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(window);
        let energy: f64 = hann.iter().map(|&w| f64::from(w).powi(2)).sum();
        // Two-sided sums over overlapping frames, scaled back to the sum over samples.
        let scale = hop as f64 / (window as f64 * energy);
        let scale = match weighing {
            Weighing::PerDecibel => scale * LN_10 / 20.0,
            Weighing::Added | Weighing::Gradient => scale,
        };

        let mut values = vec![0.0; frames * bins];
        values.par_chunks_mut(FRAMES_A_TASK * bins).enumerate().for_each(|(task, chunk)| {
            let mut frame = fft.make_input_vec();
            let (mut of_gradient, mut of_samples) = (fft.make_output_vec(), fft.make_output_vec());
            let mut scratch = fft.make_scratch_vec();
            for (index, out) in chunk.chunks_exact_mut(bins).enumerate() {
                let centre = (task * FRAMES_A_TASK + index) * hop;
                // Neither fails with buffers of its own.
                cut_frame(gradient, centre, &hann, &mut frame);
                fft.process_with_scratch(&mut frame, &mut of_gradient, &mut scratch).ok();
                cut_frame(samples, centre, &hann, &mut frame);
                fft.process_with_scratch(&mut frame, &mut of_samples, &mut scratch).ok();
                let cells = of_gradient.iter().zip(&of_samples);
                for (bin, (value, (g, x))) in out.iter_mut().zip(cells).enumerate() {
                    // 0 Hz and half the sample rate have no negative counterpart.
                    let sides = if bin == 0 || bin == bins - 1 { 1.0 } else { 2.0 };
                    let product = match weighing {
                        Weighing::Gradient => f64::from(g.norm()),
                        Weighing::PerDecibel | Weighing::Added => f64::from((g.conj() * x).re),
                    };
                    *value = (sides * scale * product) as f32;
                }
            }
        });
        let strongest = values.par_iter().map(|value| value.abs()).reduce(|| 0.0, f32::max);
        let decibels = values.par_iter().map(|value| share_db(value.abs(), strongest)).collect();
        let heat = Spectrogram::from_decibels(settings, length, decibels);
        Self { heat, values }
    }

    /// The cells' strength in decibels of power below the strongest cell: 10 log10 of the ratio of
    /// their absolute values.
    pub fn heat(&self) -> &Spectrogram {
        &self.heat
    }

    /// The value of the cell nearest to a point, in units of the score, and its share of the
    /// strongest cell's; none outside of the clip.
    pub fn at(&self, seconds: f64, hz: f64) -> Option<(f32, f32)> {
        let index = self.heat.cell_at(seconds, hz)?;
        let share = 10f32.powf(self.heat.decibels_at(seconds, hz)? / 10.0);
        self.values.get(index).map(|&value| (value, share))
    }

    /// The values, frame by frame, lowest frequency first, in units of the score.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The clip cut into `parts` of equal length: from when to when in seconds, and the share of the
    /// cells' absolute values that lies there. All shares add up to 1, or are 0 where nothing does.
    pub fn shares_of_time(&self, parts: usize) -> Vec<(f64, f64, f64)> {
        let (bins, end) = (self.heat.bins(), self.heat.seconds());
        let hop = self.heat.settings().hop as f64 / f64::from(SAMPLE_RATE);
        let length = end / parts.max(1) as f64;
        let mut sums = vec![0.0; parts.max(1)];
        for (frame, values) in self.values.chunks_exact(bins).enumerate() {
            let part = (frame as f64 * hop / length) as usize;
            sums[part.min(parts.max(1) - 1)] += absolute_sum(values.iter());
        }
        let edge = |part: usize| part as f64 * length;
        shares(sums.into_iter().enumerate().map(|(i, sum)| (edge(i), edge(i + 1), sum)).collect())
    }

    /// The same of octaves from 62.5 Hz, all below that being one band, up to half the sample rate.
    pub fn shares_of_octaves(&self) -> Vec<(f64, f64, f64)> {
        let bins = self.heat.bins();
        let step = f64::from(SAMPLE_RATE) / self.heat.settings().window as f64;
        let mut parts = Vec::new();
        let (mut low, mut high) = (0.0, LOWEST_OCTAVE_HZ);
        while low < NYQUIST_HZ {
            let last = high >= NYQUIST_HZ;
            let inside = (0..bins).filter(|&bin| {
                let hz = bin as f64 * step;
                low <= hz && (hz < high || last)
            });
            let frames = self.values.chunks_exact(bins);
            let inside: Vec<usize> = inside.collect();
            let sums = frames.map(|values| absolute_sum(inside.iter().map(|&bin| &values[bin])));
            parts.push((low, high.min(NYQUIST_HZ), sums.sum()));
            (low, high) = (high, 2.0 * high);
        }
        shares(parts)
    }

    /// The sum of all cells: how much the score changes where all of the samples are added, or
    /// become 1 dB louder.
    pub fn total(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value)).sum()
    }
}

fn absolute_sum<'a>(values: impl Iterator<Item = &'a f32>) -> f64 {
    values.map(|&value| f64::from(value.abs())).sum()
}

/// Sums as shares of their sum.
fn shares(mut parts: Vec<(f64, f64, f64)>) -> Vec<(f64, f64, f64)> {
    let all: f64 = parts.iter().map(|part| part.2).sum();
    if all > 0.0 {
        parts.iter_mut().for_each(|part| part.2 /= all);
    }
    parts
}

/// 10 log10 of a share, not below [`SILENCE_DB`].
fn share_db(value: f32, strongest: f32) -> f32 {
    let share = if strongest > 0.0 { value / strongest } else { 0.0 };
    (10.0 * share.log10()).max(SILENCE_DB)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, amplitude: f64, phase: f64) -> Vec<f32> {
        (0..32_000)
            .map(|n| {
                let turns = hz * f64::from(n) / f64::from(SAMPLE_RATE);
                // Silent at both ends, where fewer frames overlap.
                let inside = f64::from(u8::from((4000..28_000).contains(&n)));
                (inside * amplitude * (std::f64::consts::TAU * turns + phase).sin()) as f32
            })
            .collect()
    }

    fn add(a: &[f32], b: &[f32]) -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| a + b).collect()
    }

    fn product(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    #[test]
    fn cells_add_up_to_the_change_of_a_linear_score() {
        let samples = add(&sine(1000.0, 0.2, 0.3), &sine(5000.0, 0.05, 1.0));
        let gradient = add(&sine(1000.0, 0.01, 0.0), &sine(5000.0, -0.03, 1.4));
        let exact = product(&gradient, &samples);
        for (window, hop) in [(1024, 256), (512, 128), (2048, 128), (4096, 1024)] {
            let settings = StftSettings { window, hop };
            let added = Relevance::compute(&gradient, &samples, settings, Weighing::Added);
            assert!((added.total() / exact - 1.0).abs() < 1e-3, "{window}, {hop}");
            let louder = Relevance::compute(&gradient, &samples, settings, Weighing::PerDecibel);
            // 1 dB louder adds (10^(1/20) - 1) of the samples, to first order ln(10) / 20.
            let expected = exact * LN_10 / 20.0;
            assert!((louder.total() / expected - 1.0).abs() < 1e-3, "{window}, {hop}");
        }
    }

    #[test]
    fn what_the_score_listens_to_is_found_with_its_sign_and_nothing_else_is() {
        let samples = add(&sine(1000.0, 0.2, 0.3), &sine(5000.0, 0.2, 1.0));
        let gradient = sine(1000.0, -0.01, 0.3);
        let settings = StftSettings::default();
        let relevance = Relevance::compute(&gradient, &samples, settings, Weighing::PerDecibel);
        let (value, share) = relevance.at(0.5, 1000.0).unwrap();
        assert!(value < 0.0 && share > 0.99, "{value}, {share}");
        let (_, elsewhere) = relevance.at(0.5, 5000.0).unwrap();
        assert!(elsewhere < 1e-6, "{elsewhere}");
        assert!(relevance.heat().peak_db().abs() < 1e-3);
        // Where there is no sound the gradient alone still tells what sound would do.
        let silent = Relevance::compute(&gradient, &samples, settings, Weighing::Gradient);
        assert!(silent.at(0.5, 1000.0).unwrap().1 > 0.99);
        assert!(silent.at(0.5, 1000.0).unwrap().0 > 0.0);
    }

    #[test]
    fn phase_counts() {
        let (samples, settings) = (sine(1000.0, 0.2, 0.0), StftSettings::default());
        let aside = sine(1000.0, 0.01, std::f64::consts::FRAC_PI_2);
        let along = sine(1000.0, 0.01, 0.0);
        let value = |gradient: &[f32]| {
            let found = Relevance::compute(gradient, &samples, settings, Weighing::Added);
            f64::from(found.at(0.5, 1000.0).unwrap().0)
        };
        assert!(value(&aside).abs() < 1e-3 * value(&along));
    }

    #[test]
    fn nothing_gives_nothing() {
        let settings = StftSettings::default();
        let none = Relevance::compute(&[], &[], settings, Weighing::Added);
        assert_eq!((none.at(0.0, 100.0), none.total()), (None, 0.0));
        let flat = Relevance::compute(&[0.0; 4000], &[0.5; 4000], settings, Weighing::PerDecibel);
        let (value, share) = flat.at(0.05, 100.0).unwrap();
        assert!(value == 0.0 && share < 1e-19, "{value}, {share}");
    }

    #[test]
    fn shares_say_when_and_where_the_answer_hangs() {
        // A tone of 1 kHz in the second half, which the score listens to.
        let samples: Vec<f32> = sine(1000.0, 0.5, 0.0)
            .into_iter()
            .enumerate()
            .map(|(n, x)| if n < 16_000 { 0.0 } else { x })
            .collect();
        let settings = StftSettings { window: 1024, hop: 256 };
        let map = Relevance::compute(&samples, &samples, settings, Weighing::PerDecibel);
        let times = map.shares_of_time(4);
        let sum: f64 = times.iter().map(|part| part.2).sum();
        assert!((sum - 1.0).abs() < 1e-9 && times[2].2 + times[3].2 > 0.95, "{times:?}");
        let bands = map.shares_of_octaves();
        assert_eq!(bands.first().map(|band| (band.0, band.1)), Some((0.0, 62.5)));
        assert_eq!(bands.last().map(|band| band.1), Some(NYQUIST_HZ));
        let of = |hz: f64| bands.iter().find(|band| band.0 <= hz && hz < band.1).map(|b| b.2);
        assert!(of(1000.0).unwrap_or(0.0) + of(999.0).unwrap_or(0.0) > 0.95, "{bands:?}");
        let silent = Relevance::compute(&[0.0; 4096], &[0.0; 4096], settings, Weighing::Gradient);
        assert!(silent.shares_of_time(3).iter().all(|part| part.2 == 0.0));
    }
}
