//! A steep low-pass without delay.

use std::f64::consts::{PI, TAU};

/// Half the filter's length in samples: its slope is then 700 Hz wide at 32 kHz.
const HALF: usize = 128;

/// `samples` at `rate` Hz without what is above `cutoff` Hz (-6 dB there; 0.1 dB of ripple at most
/// 350 Hz below, -70 dB 350 Hz above), as long and not delayed. Zeros are taken beyond the ends.
pub(super) fn low_pass(samples: &[f32], rate: f64, cutoff: f64) -> Vec<f32> {
    let taps = taps(cutoff / rate);
    (0..samples.len())
        .map(|n| {
            let first = n.saturating_sub(HALF);
            let last = (n + HALF + 1).min(samples.len());
            let taps = &taps[first + HALF - n..];
            let sum: f64 =
                samples[first..last].iter().zip(taps).map(|(&x, tap)| f64::from(x) * tap).sum();
            sum as f32
        })
        .collect()
}

/// A sinc under Blackman's window, with a sum of 1; `cutoff` relative to the sample rate.
fn taps(cutoff: f64) -> Vec<f64> {
    let tap = |n: usize| {
        let t = n as f64 - HALF as f64;
        let sinc = if t == 0.0 { 2.0 * cutoff } else { (TAU * cutoff * t).sin() / (PI * t) };
        let phase = PI * (t / (HALF as f64 + 1.0) + 1.0);
        sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos())
    };
    let taps: Vec<f64> = (0..=2 * HALF).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_db(hz: f64, cutoff: f64) -> f64 {
        let sine = |n: i32| (TAU * hz * f64::from(n) / 32_000.0).sin() as f32;
        let samples: Vec<f32> = (0..8000).map(sine).collect();
        let filtered = low_pass(&samples, 32_000.0, cutoff);
        assert_eq!(filtered.len(), samples.len());
        let energy = |x: &[f32]| x[1000..7000].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        10.0 * (energy(&filtered) / energy(&samples)).log10()
    }

    #[test]
    fn it_passes_what_is_below_and_stops_what_is_above() {
        for cutoff in [4000.0, 8000.0] {
            assert!(gain_db(1000.0, cutoff).abs() < 0.01);
            assert!(gain_db(cutoff - 350.0, cutoff).abs() < 0.1);
            assert!((gain_db(cutoff, cutoff) + 6.0).abs() < 0.1);
            assert!(gain_db(cutoff + 350.0, cutoff) < -70.0);
            assert!(gain_db(15_000.0, cutoff) < -70.0);
        }
    }

    #[test]
    fn an_impulse_stays_where_it_is() {
        let mut samples = vec![0.0; 600];
        samples[300] = 1.0;
        let filtered = low_pass(&samples, 32_000.0, 8000.0);
        let peak = filtered.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        assert_eq!(peak.map(|(at, _)| at), Some(300));
        let mirrored = (1..200).all(|n| (filtered[300 - n] - filtered[300 + n]).abs() < 1e-7);
        assert!(mirrored);
        assert_eq!(low_pass(&[0.25], 32_000.0, 8000.0).len(), 1);
    }
}
