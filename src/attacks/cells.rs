//! A clip in cells of time and frequency, each of which can be made louder or quieter by itself.
//!
//! Scaling what is there is the cheapest way to another level: nothing that adds to a bin of a
//! spectrum raises its magnitude by more than what is in phase with it. Models of sound hear
//! decibels, so that a change is a list of decibels, one a cell.

use std::sync::Arc;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner};

use crate::audio::SAMPLE_RATE;
use crate::dsp::mel::hz_to_mel;

/// Longest frame in samples, 32 ms: that of the usual log-mel, so that a change within a frame of
/// the model is a change within one of ours.
const LONGEST_FRAME: usize = 1024;

/// Short clips have at least so many frames, if those are not shorter than [`SHORTEST_FRAME`].
const LEAST_FRAMES: usize = 8;

/// Shortest frame in samples.
const SHORTEST_FRAME: usize = 8;

/// Pieces of time that short clips have, too, if they have as many frames.
const LEAST_SEGMENTS: usize = 8;

/// Level of the noise that cells of digital silence scale, in dB relative to full scale: just above
/// where a log-mel has its floor.
const DITHER_DBFS: f64 = -105.0;

/// Quietest a cell becomes, in dB: what is left of it is then a tenth.
const LOWEST_DB: f64 = -20.0;

/// Loudest a cell becomes, in dB: enough to bring the dither to where quiet recordings are.
const HIGHEST_DB: f64 = 50.0;

/// Decibels a neper.
const DB_PER_NEPER: f64 = 20.0 / std::f64::consts::LN_10;

/// Bisections of the price of a change, over 24 powers of ten.
const BISECTIONS: usize = 36;

/// A clip in cells: `bands` of them for the first piece of time, then those of the next.
pub struct Cells {
    samples: Arc<[f32]>,
    spectrum: Vec<Complex<f64>>,
    /// The cell of each bin of the spectrum.
    cell_of: Vec<usize>,
    window: Vec<f64>,
    /// Energy of each cell.
    energies: Vec<f64>,
    bands: usize,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

/// The cheapest change that is thought to suffice.
pub struct Plan {
    /// Decibels a cell.
    pub change: Vec<f64>,
    /// By how much it is thought to fall short, 0 where it suffices.
    pub shortfall: f64,
    /// Its energy.
    pub energy: f64,
}

impl Cells {
    /// Cuts a clip into at most `bands` bands of equal width in mel and at most `most_segments`
    /// pieces of time, of about `segment` seconds (short clips: less); `seed` makes the dither.
    pub fn new(
        samples: &Arc<[f32]>,
        bands: usize,
        segment: f64,
        most_segments: usize,
        seed: u64,
    ) -> Self {
        let frame =
            (samples.len() / LEAST_FRAMES).next_power_of_two().clamp(SHORTEST_FRAME, LONGEST_FRAME);
        let (hop, bins, rate) = (frame / 2, frame / 2 + 1, f64::from(SAMPLE_RATE));
        let frames = samples.len().div_ceil(hop) + 1;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let dither = 10f64.powf(DITHER_DBFS / 20.0);
        // Half a frame before the clip, and what is missing to whole frames behind it.
        let mut padded = vec![0.0; (frames + 1) * hop];
        for (padded, &x) in padded[hop..].iter_mut().zip(samples.iter()) {
            let noise: f64 = StandardNormal.sample(&mut rng);
            *padded = f64::from(x) + dither * noise;
        }
        let window: Vec<f64> =
            (0..frame).map(|i| (std::f64::consts::PI * i as f64 / frame as f64).sin()).collect();
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(frame);
        let mut spectrum = vec![Complex::default(); frames * bins];
        for (index, row) in spectrum.chunks_mut(bins).enumerate() {
            let mut piece: Vec<f64> =
                padded[index * hop..].iter().zip(&window).map(|(x, w)| x * w).collect();
            // The lengths are those that the transform asked for.
            let done = forward.process(&mut piece, row);
            debug_assert!(done.is_ok());
        }
        let top = hz_to_mel(rate / 2.0);
        let mut band_of: Vec<usize> = (0..bins)
            .map(|bin| hz_to_mel(bin as f64 * rate / frame as f64) / top * bands as f64)
            .map(|band| (band as usize).min(bands - 1))
            .collect();
        // Bands without a bin are left out.
        let mut used = band_of.clone();
        used.dedup();
        for band in &mut band_of {
            *band = used.partition_point(|used| *used < *band);
        }
        let bands = used.len();
        let wanted = (samples.len() as f64 / rate / segment).round() as usize;
        let segments = wanted.max(LEAST_SEGMENTS).min(most_segments).min(frames);
        let mut cell_of = Vec::with_capacity(spectrum.len());
        let mut energies = vec![0.0; segments * bands];
        for (index, row) in spectrum.chunks(bins).enumerate() {
            for (bin, (value, band)) in row.iter().zip(&band_of).enumerate() {
                let cell = index * segments / frames * bands + band;
                let sides = if bin == 0 || bin == hop { 1.0 } else { 2.0 };
                energies[cell] += sides * value.norm_sqr() / frame as f64;
                cell_of.push(cell);
            }
        }
        let inverse = planner.plan_fft_inverse(frame);
        Self { samples: Arc::clone(samples), spectrum, cell_of, window, energies, bands, inverse }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.energies.len()
    }

    /// How many bands there are.
    pub fn bands(&self) -> usize {
        self.bands
    }

    /// Energy of the clip.
    pub fn energy(&self) -> f64 {
        self.energies.iter().sum()
    }

    /// Energy of a change, as if cells did not overlap.
    pub fn energy_of(&self, change: &[f64]) -> f64 {
        let each = self.energies.iter().zip(change);
        each.map(|(energy, db)| energy * ((db / DB_PER_NEPER).exp() - 1.0).powi(2)).sum()
    }

    /// The clip with that change, in \[-1, 1\].
    pub fn render(&self, change: &[f64]) -> Vec<f32> {
        let (frame, hop) = (self.window.len(), self.window.len() / 2);
        let bins = hop + 1;
        let gains: Vec<f64> = change.iter().map(|db| (db / DB_PER_NEPER).exp() - 1.0).collect();
        let mut sum = vec![0.0; (self.spectrum.len() / bins + 1) * hop];
        let mut row = vec![Complex::default(); bins];
        let mut piece = vec![0.0; frame];
        let mut scratch = self.inverse.make_scratch_vec();
        let rows = self.spectrum.chunks(bins).zip(self.cell_of.chunks(bins));
        for (index, (values, cells)) in rows.enumerate() {
            for ((out, value), &cell) in row.iter_mut().zip(values).zip(cells) {
                *out = value * gains[cell];
            }
            let done = self.inverse.process_with_scratch(&mut row, &mut piece, &mut scratch);
            debug_assert!(done.is_ok());
            for ((sum, value), w) in sum[index * hop..].iter_mut().zip(&piece).zip(&self.window) {
                *sum += value * w / frame as f64;
            }
        }
        let samples = self.samples.iter().zip(&sum[hop..]);
        samples.map(|(&x, r)| (f64::from(x) + r).clamp(-1.0, 1.0) as f32).collect()
    }

    /// The change of least energy whose inner product with `slopes` is `-need`, or as near to that
    /// as a change of energy `most` comes.
    ///
    /// Of each cell's gain a the energy is E a^2 and the effect g ln(1 + a): at the price p of the
    /// effect the best gain is a root of a (1 + a) = -p g / 2 E. Where there is none, the cell is
    /// worth more than it costs to silence it.
    pub fn cheapest(&self, slopes: &[f64], need: f64, most: f64) -> Plan {
        let steepest = slopes.iter().fold(f64::MIN_POSITIVE, |most, g| g.abs().max(most));
        let unit = self.energy() / steepest;
        let mut plan = self.at_price(slopes, 0.0, need);
        let (mut low, mut high) = (-16.0, 8.0);
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            let tried = self.at_price(slopes, unit * 10f64.powf(middle), need);
            let affordable = tried.energy <= most;
            if tried.shortfall > 0.0 && affordable {
                low = middle;
            } else {
                high = middle;
            }
            let better = tried.shortfall == 0.0 || tried.shortfall < plan.shortfall;
            if affordable && better {
                plan = tried;
            }
        }
        plan
    }

    fn at_price(&self, slopes: &[f64], price: f64, need: f64) -> Plan {
        let gain = |(energy, slope): (&f64, &f64)| {
            let root = 1.0 - 2.0 * price * slope / energy;
            if root > 0.0 { 0.5 * (root.sqrt() - 1.0) } else { -1.0 }
        };
        let change: Vec<f64> = self
            .energies
            .iter()
            .zip(slopes)
            .map(|cell| (DB_PER_NEPER * gain(cell).ln_1p()).clamp(LOWEST_DB, HIGHEST_DB))
            .collect();
        let effect: f64 = change.iter().zip(slopes).map(|(db, slope)| db * slope).sum();
        let energy = self.energy_of(&change);
        Plan { change, shortfall: (need + effect).max(0.0), energy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::snr_db;
    use rand::Rng as _;

    fn noise(samples: usize) -> Arc<[f32]> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..samples).map(|_| rng.random_range(-0.2..0.2)).collect()
    }

    #[test]
    fn no_change_is_the_clip_and_one_for_all_cells_scales_it() {
        for samples in [50, 3200, 40_001] {
            let clip = noise(samples);
            let cells = Cells::new(&clip, 16, 0.1, 40, 0);
            assert_eq!(cells.render(&vec![0.0; cells.len()]), clip.to_vec());
            let louder = cells.render(&vec![6.0; cells.len()]);
            let gain = 10f64.powf(6.0 / 20.0);
            for (y, x) in louder.iter().zip(clip.iter()) {
                // The dither is scaled, too.
                assert!((f64::from(*y) - gain * f64::from(*x)).abs() < 1e-4);
            }
            let energy: f64 = clip.iter().map(|&x| f64::from(x).powi(2)).sum();
            assert!((cells.energy() / energy - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn the_energy_of_a_change_is_about_that_of_the_perturbation() {
        let clip = noise(20_000);
        let cells = Cells::new(&clip, 8, 0.25, 40, 0);
        let mut change = vec![0.0; cells.len()];
        (change[3], change[9]) = (6.0, -12.0);
        let snr = snr_db(&clip, &cells.render(&change));
        let expected = 10.0 * (cells.energy() / cells.energy_of(&change)).log10();
        assert!((snr - expected).abs() < 1.0, "{snr} but {expected}");
    }

    #[test]
    fn the_cheapest_change_is_cheaper_than_others_of_the_same_effect() {
        let clip = noise(20_000);
        let cells = Cells::new(&clip, 8, 0.25, 40, 0);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let slopes: Vec<f64> = (0..cells.len()).map(|_| rng.random_range(-1.0..1.0)).collect();
        let plan = cells.cheapest(&slopes, 1.0, f64::INFINITY);
        assert_eq!(plan.shortfall, 0.0);
        for _ in 0..100 {
            let other: Vec<f64> =
                plan.change.iter().map(|db| db + rng.random_range(-0.05..0.05)).collect();
            let effect: f64 = other.iter().zip(&slopes).map(|(db, slope)| db * slope).sum();
            let scaled: Vec<f64> = other.iter().map(|db| db / -effect).collect();
            assert!(cells.energy_of(&scaled) > 0.9999 * plan.energy);
        }
        let poor = cells.cheapest(&slopes, 1.0, 0.25 * plan.energy);
        assert!(poor.energy <= 0.25 * plan.energy && poor.shortfall > 0.3, "{}", poor.shortfall);
    }
}
