//! Keeping sound below a ceiling without clipping it.
//!
//! A limiter has to know what comes next, and usually delays the sound for that. Here the clip lies
//! in memory: its [`Envelope`] is made once, when it is handed over, and the callback divides by it.
//! So nothing is delayed, all sides stay sample-locked, and what is below the ceiling passes bit for
//! bit.

/// Samples whose largest magnitude makes one knot.
const BLOCK_SECONDS: f64 = 0.002_5;

/// How far the largest magnitude around a moment counts, before and after it, in blocks: half a
/// period of 25 Hz, so that the envelope of a low tone is flat.
const HOLD: usize = 4;

/// Time constants in seconds with which the envelope rises before a peak, and falls after it.
const RISE: f64 = 0.003;
const FALL: f64 = 0.08;

/// The loudest that the difference is made by magnifying it, as a peak at volume 0 dB: -12 dB of
/// full scale. A perturbation can be noise of the whole band, which at full scale hurts.
pub const DIFFERENCE_CEILING: f32 = 0.251_188_64;

/// How loud a sound is around each moment: a bound of its magnitude that moves slowly, straight
/// from knot to knot.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    knots: Box<[f32]>,
    /// Samples from one knot to the next.
    block: usize,
}

impl Envelope {
    /// The envelope of `samples` at `rate` Hz. What is not finite counts as silence.
    pub fn of(samples: &[f32], rate: u32) -> Self {
        let block = ((f64::from(rate) * BLOCK_SECONDS).round() as usize).max(1);
        let peak = |block: &[f32]| {
            block.iter().map(|x| x.abs()).filter(|x| x.is_finite()).fold(0.0_f32, f32::max)
        };
        let peaks: Vec<f32> = samples.chunks(block).map(peak).collect();
        // Knot k stands between the blocks k - 1 and k. It is no less than either, and so the line
        // to the next knot is no less than what lies under it.
        let mut knots: Vec<f32> = (0..=peaks.len())
            .map(|k| {
                let around = k.saturating_sub(HOLD)..(k + HOLD).min(peaks.len());
                peaks.get(around).unwrap_or_default().iter().copied().fold(0.0, f32::max)
            })
            .collect();
        let share = |seconds: f64| (-BLOCK_SECONDS / seconds).exp() as f32;
        let (rise, fall) = (share(RISE), share(FALL));
        for k in 1..knots.len() {
            knots[k] = knots[k].max(knots[k - 1] * fall);
        }
        for k in (1..knots.len()).rev() {
            knots[k - 1] = knots[k - 1].max(knots[k] * rise);
        }
        Self { knots: knots.into(), block }
    }

    /// The bound at a sample, 0 beyond the end.
    pub fn at(&self, position: usize) -> f32 {
        if self.block == 0 {
            return 0.0;
        }
        let knot = position / self.block;
        let (Some(&from), Some(&to)) = (self.knots.get(knot), self.knots.get(knot + 1)) else {
            return 0.0;
        };
        let share = (position % self.block) as f32 / self.block as f32;
        from + (to - from) * share
    }
}

/// The factor that brings sound of this envelope below the ceiling; exactly 1 where it is.
pub fn restraint(envelope: f32, ceiling: f32) -> f32 {
    if envelope > ceiling { ceiling / envelope } else { 1.0 }
}

/// By how much the difference may be magnified where its envelope is this: as wished, but not above
/// [`DIFFERENCE_CEILING`], and never less than once. The volume turns the ceiling down with it, and
/// not up.
pub fn magnification(wished: f32, envelope: f32, gain: f32) -> f32 {
    let loud = envelope * gain.max(1.0);
    if wished * loud > DIFFERENCE_CEILING { (DIFFERENCE_CEILING / loud).max(1.0) } else { wished }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    const RATE: u32 = 48_000;

    /// Noise with bursts, silence and single clicks.
    fn rough(frames: usize, seed: u64) -> Vec<f32> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut level = 0.0_f32;
        (0..frames)
            .map(|i| {
                if i % 700 == 0 {
                    level = [0.0, 0.001, 0.1, 1.0][random.random_range(0..4)];
                }
                let click = if random.random_range(0..3000) == 0 { 1.0 } else { level };
                click * random.random_range(-1.0..1.0_f32)
            })
            .collect()
    }

    #[test]
    fn the_envelope_is_never_below_the_sound() {
        for (frames, seed) in [(1, 0), (119, 1), (120, 2), (121, 3), (50_000, 4)] {
            let sound = rough(frames, seed);
            let envelope = Envelope::of(&sound, RATE);
            for (i, sample) in sound.iter().enumerate() {
                let bound = envelope.at(i);
                assert!(sample.abs() <= bound * 1.000_001, "{frames}: {i}: {sample} over {bound}");
            }
            assert_eq!(envelope.at(frames + 120), 0.0);
        }
        assert_eq!(Envelope::of(&[], RATE).at(0), 0.0);
        assert_eq!(Envelope::default().at(7), 0.0);
    }

    #[test]
    fn the_restraint_comes_before_a_peak_goes_after_it_and_never_jumps() {
        let mut sound = vec![0.01_f32; 48_000];
        sound[24_000] = 1.0;
        let envelope = Envelope::of(&sound, RATE);
        let factors: Vec<f32> =
            (0..48_000).map(|i| restraint(envelope.at(i) * 10.0, 0.5)).collect();
        assert_eq!(factors[22_000], 1.0, "long before it nothing happens");
        assert!(factors[23_900] < 0.06, "it is there in time: {}", factors[23_900]);
        assert!(factors[26_000] < 0.5, "it lets go slowly");
        assert_eq!(factors[47_999], 1.0, "but it does let go");
        let steepest = factors.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.01, "a step of {steepest} would click");
    }

    #[test]
    fn a_low_tone_is_turned_down_and_not_distorted() {
        let step = std::f32::consts::TAU * 30.0 / RATE as f32;
        let tone: Vec<f32> = (0..96_000).map(|i| (i as f32 * step).sin()).collect();
        let envelope = Envelope::of(&tone, RATE);
        let factors = (24_000..72_000).map(|i| restraint(envelope.at(i) * 4.0, 1.0));
        let (low, high) = factors.fold((1.0_f32, 0.0_f32), |(l, h), f| (l.min(f), h.max(f)));
        assert!(high / low < 1.02, "between {low} and {high}");
    }

    #[test]
    fn infinities_do_not_silence_what_is_beside_them() {
        let envelope = Envelope::of(&[0.5, f32::INFINITY, f32::NAN, 0.5], RATE);
        assert_eq!(envelope.at(0), 0.5);
    }

    #[test]
    fn the_difference_is_magnified_as_wished_up_to_its_ceiling_and_never_made_softer() {
        assert_eq!(magnification(100.0, 0.001, 1.0), 100.0);
        assert_eq!(magnification(100.0, 0.0, 1.0), 100.0);
        let limited = magnification(1000.0, 0.01, 1.0);
        assert!((limited * 0.01 - DIFFERENCE_CEILING).abs() < 1e-6);
        // As loud as it is by itself, whatever the ceiling.
        assert_eq!(magnification(1000.0, 0.9, 1.0), 1.0);
        // A volume above 0 dB lowers the magnification; one below does not raise it.
        assert!((magnification(1000.0, 0.01, 4.0) * 0.04 - DIFFERENCE_CEILING).abs() < 1e-6);
        assert_eq!(magnification(1000.0, 0.01, 0.1), limited);
    }
}
