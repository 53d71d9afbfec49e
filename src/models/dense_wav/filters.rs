//! The filterbank: before training, and what its filters hear.

use std::f64::consts::TAU;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

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

/// Points of the transform that looks for a filter's frequency: steps of less than 8 Hz.
const POINTS: usize = 4096;

/// The filters `[FILTERS, 1, STRIDE * STRIDES]` in the order of the frequencies in Hz that they pass
/// best, with those.
pub fn by_frequency(taps: &[f32]) -> Vec<(usize, f64)> {
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(POINTS);
    let mut spectrum = transform.make_output_vec();
    let best = taps.chunks_exact(STRIDE * STRIDES).map(|filter| {
        let mut padded = filter.to_vec();
        padded.resize(POINTS, 0.0);
        // Can't fail: both buffers have the transform's lengths.
        transform.process(&mut padded, &mut spectrum).ok();
        let gains = spectrum.iter().map(Complex::norm_sqr).enumerate();
        let bin = gains.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(bin, _)| bin);
        bin as f64 * f64::from(SAMPLE_RATE) / POINTS as f64
    });
    let mut rising: Vec<_> = best.enumerate().collect();
    rising.sort_by(|a, b| a.1.total_cmp(&b.1));
    rising
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_sorted_by_what_they_hear() {
        let (length, gabor) = (STRIDE * STRIDES, gabor());
        // Turned around, the lowest comes last.
        let turned: Vec<f32> = gabor.chunks(length).rev().flatten().copied().collect();
        let rising = by_frequency(&turned);
        assert!(rising.iter().map(|&(filter, _)| filter).eq((0..FILTERS).rev()));
        let [low, high] = RANGE.map(hz_to_mel);
        for (place, &(_, hz)) in rising.iter().enumerate().skip(8) {
            let centre = mel_to_hz(low + (high - low) * place as f64 / (FILTERS - 1) as f64);
            assert!((hz - centre).abs() < 10.0, "{place}: {hz} Hz instead of {centre}");
        }
    }

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
