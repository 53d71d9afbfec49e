//! The filterbank before training.

use std::f64::consts::TAU;

use super::{FILTERS, STRIDE, STRIDES};
use crate::audio::SAMPLE_RATE;
use crate::dsp::mel::{hz_to_mel, mel_to_hz};

/// Centre frequencies of the first and the last filter, in Hz; the others lie between them at equal
/// distances in mel.
const RANGE: [f64; 2] = [60.0, 15_000.0];

/// From one filter's phase to the next one's, in turns: the golden ratio, which spreads any number
/// of them evenly.
const PHASE_STEP: f64 = 0.618_033_988_749_894_9;

/// Gabor filters of unit energy, `[FILTERS, 1, STRIDE * STRIDES]`: cosines under a Hann window.
pub fn gabor() -> Vec<f32> {
    let length = STRIDE * STRIDES;
    let [low, high] = RANGE.map(hz_to_mel);
    (0..FILTERS)
        .flat_map(|filter| {
            let mel = low + (high - low) * filter as f64 / (FILTERS - 1) as f64;
            let step = mel_to_hz(mel) / f64::from(SAMPLE_RATE);
            let phase = PHASE_STEP * filter as f64;
            let taps: Vec<f64> = (0..length)
                .map(|i| {
                    let window = 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / length as f64).cos();
                    let place = i as f64 - (length - 1) as f64 / 2.0;
                    window * (TAU * (step * place + phase)).cos()
                })
                .collect();
            let energy: f64 = taps.iter().map(|tap| tap * tap).sum();
            taps.into_iter().map(move |tap| (tap / energy.sqrt()) as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_loudest_at_its_frequency() {
        let filters = gabor();
        let length = STRIDE * STRIDES;
        let [low, high] = RANGE.map(hz_to_mel);
        for (filter, taps) in filters.chunks(length).enumerate() {
            let energy: f64 = taps.iter().map(|&tap| f64::from(tap).powi(2)).sum();
            assert!((energy - 1.0).abs() < 1e-5, "{filter}: {energy}");
            let gain = |hz: f64| {
                let turns = |i: usize| TAU * hz * i as f64 / f64::from(SAMPLE_RATE);
                let part = |wave: fn(f64) -> f64| -> f64 {
                    taps.iter().enumerate().map(|(i, &tap)| f64::from(tap) * wave(turns(i))).sum()
                };
                part(f64::cos).hypot(part(f64::sin))
            };
            let centre = mel_to_hz(low + (high - low) * filter as f64 / (FILTERS - 1) as f64);
            // Below the window's resolution, twice 80 Hz, positive and negative frequencies mix.
            if centre > 200.0 {
                assert!(gain(centre) > 1.2 * gain(centre - 80.0), "{filter}");
                assert!(gain(centre) > 1.2 * gain(centre + 80.0), "{filter}");
            }
        }
    }
}
