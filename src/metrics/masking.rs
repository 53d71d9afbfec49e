//! What a clip hides: its global masking threshold over time and frequency.
//!
//! Psychoacoustic model 1 of MPEG-1 audio (ISO/IEC 11172-3, Annex D.1) with the transform of
//! layer II, at 32 kHz, one of its own sample rates. Tonal and noise-like maskers are found in the
//! spectrum, the inaudible and the weaker of close neighbours are dropped, each raises the threshold
//! around it, and all add up with the threshold in quiet.
//!
//! Where the standard leaves a choice or serves an encoder, this differs:
//! - Frames follow each other by half a window and are centred, with zeros beyond the clip, so that
//!   every sample counts alike; an encoder's hop is the length of its own frame.
//! - The threshold is computed at every line, not at a table's selection of them.
//! - Critical bands, Bark and the threshold in quiet follow the formulas of Zwicker and Terhardt
//!   from which the standard's tables were made. The 12 dB by which it lowers the threshold in
//!   quiet at high bit rates, to be safe, are not taken.
//! - Levels need a playback level: a full-scale sine is taken to be heard at 96 dB SPL, the
//!   standard's convention and a loud one, so that what is called inaudible also is in quieter
//!   rooms. A component's level is the sum over its lines, as everywhere in the standard.

use std::f64::consts::{LN_10, TAU};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use realfft::{RealFftPlanner, RealToComplex};

use crate::audio::SAMPLE_RATE;

/// Length of the transform, in samples.
pub const WINDOW: usize = 1024;

/// Step from one frame to the next, in samples.
pub const HOP: usize = WINDOW / 2;

/// Spectral lines a frame, from 0 Hz to 16 kHz.
pub const LINES: usize = WINDOW / 2 + 1;

/// The level at which a full-scale sine is heard, in dB SPL.
pub const FULL_SCALE_DB_SPL: f64 = 96.0;

/// Edges of the critical bands in Hz (Zwicker 1961); the last ends at half the sample rate.
const BAND_EDGES_HZ: [f64; BANDS + 1] = [
    0.0, 100.0, 200.0, 300.0, 400.0, 510.0, 630.0, 770.0, 920.0, 1080.0, 1270.0, 1480.0, 1720.0,
    2000.0, 2320.0, 2700.0, 3150.0, 3700.0, 4400.0, 5300.0, 6400.0, 7700.0, 9500.0, 12000.0,
    15500.0, 16000.1,
];

/// How many critical bands there are.
pub const BANDS: usize = 25;

/// How far a tonal component stands out of the lines around it, in dB.
const PROMINENCE_DB: f64 = 7.0;

/// Of tonal components closer than this, in Bark, only the strongest masks.
const NEIGHBOURHOOD_BARK: f64 = 0.5;

/// The lines among which tonal components are looked for.
const TONAL_LINES: Range<usize> = 3..501;

/// How many frames one parallel task computes.
const FRAMES_A_TASK: usize = 16;

/// Numbers over time and frequency: one a spectral line and frame. They are powers, relative to
/// 0 dB SPL: 10 log10 of one is its level in dB SPL.
///
/// Frame `n` is centred on sample `n * HOP`; line `k` lies at `k * 31.25` Hz.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePowers(Vec<f64>);

impl LinePowers {
    /// The lines of all frames in order, [`LINES`] each.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.0.chunks_exact(LINES)
    }

    /// All numbers, frame by frame.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }
}

/// Something in a frame that masks what is near it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Masker {
    line: usize,
    /// Sound pressure level in dB.
    level: f64,
    tonal: bool,
}

/// The psychoacoustic model with its tables.
pub struct MaskingModel {
    /// Hann's window, scaled to the playback level.
    window: Vec<f64>,
    transform: Arc<dyn RealToComplex<f64>>,
    bark: Vec<f64>,
    quiet_db: Vec<f64>,
    bands: Vec<Range<usize>>,
}

impl Default for MaskingModel {
    fn default() -> Self {
        Self::new()
    }
}

impl MaskingModel {
    /// The model for sound at [`SAMPLE_RATE`].
    pub fn new() -> Self {
        let hz: Vec<f64> =
            (0..LINES).map(|k| k as f64 * f64::from(SAMPLE_RATE) / WINDOW as f64).collect();
        let first = |edge: f64| hz.partition_point(|&f| f < edge).max(1);
        let bands = BAND_EDGES_HZ.windows(2).map(|edges| first(edges[0])..first(edges[1]));
        Self {
            window: Self::window_gains().collect(),
            transform: RealFftPlanner::new().plan_fft_forward(WINDOW),
            bark: hz.iter().map(|&f| bark(f)).collect(),
            quiet_db: hz.iter().map(|&f| threshold_in_quiet_db(f)).collect(),
            bands: bands.collect(),
        }
    }

    /// The window with which frames are weighted before a plain transform whose squared magnitudes
    /// are then [`LinePowers`]: periodic Hann, with the playback level in it.
    pub fn window_gains() -> impl ExactSizeIterator<Item = f64> {
        // By Parseval the lines from 0 Hz up of a sine of amplitude 1 in a window of mean square 1
        // add up to a quarter.
        let playback = (4.0 * 10_f64.powf(FULL_SCALE_DB_SPL / 10.0)).sqrt();
        let gain = playback * (8.0_f64 / 3.0).sqrt() / WINDOW as f64;
        (0..WINDOW).map(move |i| gain * 0.5 * (1.0 - (TAU * i as f64 / WINDOW as f64).cos()))
    }

    /// How many frames so many samples have: the first is centred on the first sample, the last
    /// behind the last one, so that each sample lies in two whose squared gains are those of any
    /// other sample at its place between two centres.
    pub fn frame_count(samples: usize) -> usize {
        samples.div_ceil(HOP) + 1
    }

    /// Where a frame's centre is, in seconds.
    pub fn seconds(frame: usize) -> f64 {
        (frame * HOP) as f64 / f64::from(SAMPLE_RATE)
    }

    /// The power of each line of mono samples at 32 kHz, on all threads of the current rayon pool.
    pub fn powers(&self, samples: &[f64]) -> LinePowers {
        self.by_frame(samples, |powers, out| out.copy_from_slice(powers))
    }

    /// The global masking threshold of mono samples at 32 kHz, on all threads of the current rayon
    /// pool: what is below it at its line can't be heard beside them. Infinite at 0 Hz, which
    /// nobody hears.
    pub fn thresholds(&self, samples: &[f64]) -> LinePowers {
        self.by_frame(samples, |powers, out| self.threshold(powers, out))
    }

    fn by_frame(&self, samples: &[f64], of: impl Fn(&[f64], &mut [f64]) + Sync) -> LinePowers {
        let mut result = vec![0.0; Self::frame_count(samples.len()) * LINES];
        result.par_chunks_mut(LINES * FRAMES_A_TASK).enumerate().for_each(|(task, frames)| {
            let mut input = self.transform.make_input_vec();
            let mut spectrum = self.transform.make_output_vec();
            let mut scratch = self.transform.make_scratch_vec();
            let mut powers = vec![0.0; LINES];
            for (index, out) in frames.chunks_exact_mut(LINES).enumerate() {
                let start = (task * FRAMES_A_TASK + index) * HOP;
                for (i, (input, gain)) in input.iter_mut().zip(&self.window).enumerate() {
                    let at = (start + i).checked_sub(HOP).and_then(|at| samples.get(at));
                    *input = gain * at.unwrap_or(&0.0);
                }
                // The buffers are the plan's own, so that it can't refuse them.
                self.transform.process_with_scratch(&mut input, &mut spectrum, &mut scratch).ok();
                for (power, value) in powers.iter_mut().zip(&spectrum) {
                    *power = value.norm_sqr();
                }
                of(&powers, out);
            }
        });
        LinePowers(result)
    }

    /// The threshold of one frame from the powers of its lines.
    fn threshold(&self, powers: &[f64], out: &mut [f64]) {
        for (out, quiet) in out.iter_mut().zip(&self.quiet_db) {
            *out = power(*quiet);
        }
        for masker in self.maskers(powers) {
            self.add(masker, out);
        }
    }

    /// What masks in a frame.
    fn maskers(&self, powers: &[f64]) -> Vec<Masker> {
        let levels: Vec<f64> = powers.iter().map(|&power| decibels(power)).collect();
        let mut rest = powers.to_vec();
        let mut tonal: Vec<Masker> = Vec::new();
        for line in TONAL_LINES.filter(|&line| is_tonal(&levels, line)) {
            let level = decibels(powers[line - 1] + powers[line] + powers[line + 1]);
            let reach = tonal_reach(line);
            rest[line - reach..(line + reach + 1).min(LINES)].fill(0.0);
            if level < self.quiet_db[line] {
                continue;
            }
            let masker = Masker { line, level, tonal: true };
            match tonal.last_mut() {
                Some(last) if self.bark[line] - self.bark[last.line] < NEIGHBOURHOOD_BARK => {
                    if level > last.level {
                        *last = masker;
                    }
                }
                _ => tonal.push(masker),
            }
        }
        for band in &self.bands {
            let level = decibels(rest[band.clone()].iter().sum());
            let line = ((band.start * (band.end - 1)) as f64).sqrt().round() as usize;
            if level >= self.quiet_db[line] {
                tonal.push(Masker { line, level, tonal: false });
            }
        }
        tonal
    }

    /// Adds one masker's own threshold.
    fn add(&self, masker: Masker, out: &mut [f64]) {
        let Masker { line, level, tonal } = masker;
        let at = self.bark[line];
        let index = if tonal { -6.025 - 0.275 * at } else { -2.025 - 0.175 * at };
        let reach = |z: f64| self.bark.partition_point(|&bark| bark < z).max(1);
        let lines = reach(at - 3.0)..reach(at + 8.0);
        let places = &self.bark[lines.clone()];
        for (out, bark) in out[lines].iter_mut().zip(places) {
            *out += power(level + index + spread_db(bark - at, level));
        }
    }
}

/// The level in dB of a power.
fn decibels(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The power of a level in dB.
fn power(decibels: f64) -> f64 {
    (decibels * (LN_10 / 10.0)).exp()
}

/// Zwicker's critical-band rate in Bark.
fn bark(hz: f64) -> f64 {
    13.0 * (0.76e-3 * hz).atan() + 3.5 * (hz / 7500.0).powi(2).atan()
}

/// Terhardt's threshold in quiet in dB SPL; infinite at 0 Hz.
fn threshold_in_quiet_db(hz: f64) -> f64 {
    let khz = hz / 1000.0;
    3.64 * khz.powf(-0.8) - 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp() + 1e-3 * khz.powi(4)
}

/// How far to either side a tonal component at this line must stand out, in lines.
fn tonal_reach(line: usize) -> usize {
    match line {
        ..63 => 2,
        63..127 => 3,
        127..255 => 6,
        _ => 12,
    }
}

/// Whether a line is a maximum that stands out of its surroundings.
fn is_tonal(levels: &[f64], line: usize) -> bool {
    let level = levels[line];
    let maximum = level > levels[line - 1] && level >= levels[line + 1];
    let stands_out = |distance: usize| {
        let below = levels[line - distance];
        let above = levels.get(line + distance).copied().unwrap_or(f64::NEG_INFINITY);
        level - below >= PROMINENCE_DB && level - above >= PROMINENCE_DB
    };
    maximum && (2..=tonal_reach(line)).all(stands_out)
}

/// How much less a masker of this level masks so many Bark above its own place, in dB.
fn spread_db(distance: f64, level: f64) -> f64 {
    match distance {
        ..-1.0 => 17.0 * (distance + 1.0) - (0.4 * level + 6.0),
        -1.0..0.0 => (0.4 * level + 6.0) * distance,
        0.0..1.0 => -17.0 * distance,
        _ => -(distance - 1.0) * (17.0 - 0.15 * level) - 17.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine at a line's frequency.
    fn sine(line: f64, amplitude: f64) -> Vec<f64> {
        (0..8192).map(|n| amplitude * (TAU * line * f64::from(n) / WINDOW as f64).sin()).collect()
    }

    fn at(powers: &LinePowers, frame: usize, line: usize) -> f64 {
        decibels(powers.as_slice()[frame * LINES + line])
    }

    #[test]
    fn the_lines_of_a_full_scale_sine_add_up_to_the_playback_level() {
        let model = MaskingModel::new();
        for line in [64.0, 100.3, 300.5] {
            let powers = model.powers(&sine(line, 1.0));
            let sum = decibels(powers.as_slice()[4 * LINES..5 * LINES].iter().sum());
            assert!((sum - FULL_SCALE_DB_SPL).abs() < 0.01, "{sum}");
        }
    }

    #[test]
    fn silence_has_the_threshold_in_quiet() {
        let model = MaskingModel::new();
        let thresholds = model.thresholds(&[0.0; 600]);
        assert_eq!(thresholds.frames().len(), 3);
        // Terhardt's formula by hand at 1 kHz: 3.64 - 6.5 exp(-3.174) + 0.001.
        assert!((at(&thresholds, 0, 32) - 3.369).abs() < 0.01);
        assert_eq!(at(&thresholds, 0, 0), f64::INFINITY);
        assert!(thresholds.as_slice().iter().all(|power| *power > 0.0));
    }

    #[test]
    fn a_click_counts_alike_wherever_it_is() {
        let model = MaskingModel::new();
        for length in [2 * HOP, 2 * HOP + 1, 3 * HOP - 1] {
            let sum = |at: usize| {
                let mut click = vec![0.0; length];
                click[at] = 0.1;
                model.powers(&click).as_slice().iter().sum::<f64>()
            };
            for at in 0..length - HOP {
                let (here, later) = (sum(at), sum(at + HOP));
                assert!((here / later - 1.0).abs() < 1e-9, "{length} {at}: {here} {later}");
            }
        }
    }

    #[test]
    fn a_tone_masks_by_its_index_where_it_is_and_more_above_than_below() {
        let model = MaskingModel::new();
        let line = 128;
        let tone = sine(line as f64, 0.1);
        let thresholds = model.thresholds(&tone);
        let z = bark(4000.0);
        // 20 dB below full scale, all three lines of it.
        let expected = 76.0 - 6.025 - 0.275 * z;
        let own = at(&thresholds, 5, line);
        assert!((own - expected).abs() < 0.05, "{own} {expected}");
        // One Bark up: 17 dB less; one Bark down: 0.4 * 76 + 6 dB less.
        for (place, slope) in [(1.0, -17.0), (-0.9, 36.4)] {
            let other = model.bark.partition_point(|&bark| bark < z + place);
            let expected = expected + slope * (model.bark[other] - z);
            let found = at(&thresholds, 5, other);
            assert!((found - expected).abs() < 1.0, "{place}: {found} {expected}");
        }
    }

    #[test]
    fn the_weaker_of_two_close_tones_does_not_mask() {
        let model = MaskingModel::new();
        let mut tones = sine(150.0, 0.1);
        for (sum, weaker) in tones.iter_mut().zip(sine(160.0, 0.02)) {
            *sum += weaker;
        }
        let powers = model.powers(&tones);
        let maskers = model.maskers(&powers.as_slice()[5 * LINES..6 * LINES]);
        let tonal: Vec<_> = maskers.iter().filter(|masker| masker.tonal).collect();
        assert_eq!(tonal.len(), 1, "{maskers:?}");
        assert_eq!(tonal[0].line, 150);
        assert!((tonal[0].level - 76.0).abs() < 0.1);
    }

    #[test]
    fn noise_masks_in_every_band_and_raises_the_threshold_with_its_level() {
        use rand::{Rng as _, SeedableRng as _};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let noise: Vec<f64> = (0..16_384).map(|_| random.random_range(-0.3..0.3)).collect();
        let model = MaskingModel::new();
        let quiet: Vec<f64> = noise.iter().map(|x| x * 0.1).collect();
        let [loud, quiet] = [noise, quiet].map(|samples| model.thresholds(&samples));
        for line in [20, 100, 200, 400] {
            let difference = at(&loud, 16, line) - at(&quiet, 16, line);
            assert!((15.0..24.0).contains(&difference), "{line}: {difference}");
        }
    }

    #[test]
    fn bands_cover_every_line_but_the_first_once() {
        let bands = MaskingModel::new().bands;
        assert_eq!(bands.len(), BANDS);
        assert!(bands.iter().all(|band| !band.is_empty()));
        assert!(bands.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((bands[0].start, bands[BANDS - 1].end), (1, LINES));
    }
}
