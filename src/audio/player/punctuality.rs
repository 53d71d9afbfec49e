//! Whether the audio callback is called in time. Not every system tells of a device that ran dry.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::Controls;

/// How much of what a callback was early or late moves the next one's time: the device's clock and
/// the processor's drift apart, by far less than this.
const FOLLOW: f64 = 0.01;

/// Buffers shorter than this come in bursts on some systems, in seconds.
const SHORTEST: f64 = 0.02;

/// When a callback came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Before the device needed it.
    InTime,
    /// Later than by one buffer: a device that holds only two has played all it had.
    Late,
    /// Later than by two buffers: the sound has dropped out.
    TooLate,
}

/// Expects each callback when, at an even pace, what the one before made has been played.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// In seconds on the caller's clock.
    due: Option<f64>,
}

impl Schedule {
    /// A callback comes at `now`, in seconds, and makes `duration` seconds of sound.
    pub fn callback(&mut self, now: f64, duration: f64) -> Arrival {
        let late = now - self.due.unwrap_or(now);
        let arrival = if late > 2.0 * duration.max(SHORTEST) {
            Arrival::TooLate
        } else if late > duration.max(SHORTEST) {
            Arrival::Late
        } else {
            Arrival::InTime
        };
        let follow = if arrival == Arrival::InTime { FOLLOW } else { 1.0 };
        self.due = Some(now - late * (1.0 - follow) + duration);
        arrival
    }
}

/// Counts for people. Neither allocates nor locks.
pub(super) struct Watch {
    controls: Arc<Controls>,
    started: Instant,
    schedule: Schedule,
    rate: f64,
}

impl Watch {
    /// For a device of `rate` Hz.
    pub fn new(controls: Arc<Controls>, rate: u32) -> Self {
        let (started, schedule) = (Instant::now(), Schedule::default());
        Self { controls, started, schedule, rate: f64::from(rate) }
    }

    /// The callback is asked for `frames`. Silence that comes late bothers nobody.
    pub fn callback(&mut self, frames: usize, sounding: bool) {
        let duration = frames as f64 / self.rate;
        let arrival = self.schedule.callback(self.started.elapsed().as_secs_f64(), duration);
        if sounding && arrival != Arrival::InTime {
            self.controls.late.fetch_add(1, Relaxed);
            self.controls.missed.fetch_add(u64::from(arrival == Arrival::TooLate), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer, in seconds.
    const BUFFER: f64 = 0.02;

    /// The callbacks that were not in time, by their number, where each comes at the time that `at`
    /// gives in buffers.
    fn troubles(count: usize, at: impl Fn(usize) -> f64) -> Vec<(usize, Arrival)> {
        let mut schedule = Schedule::default();
        (0..count)
            .map(|i| (i, schedule.callback(at(i) * BUFFER, BUFFER)))
            .filter(|(_, arrival)| *arrival != Arrival::InTime)
            .collect()
    }

    #[test]
    fn an_even_pace_is_in_time_with_jitter_and_with_clocks_that_drift() {
        // Half a buffer early or late, at random but repeatable.
        let jitter = |i: usize| (i * 7919 % 101) as f64 / 101.0 - 0.5;
        for drift in [0.999, 1.0, 1.001] {
            assert_eq!(troubles(100_000, |i| i as f64 * drift + jitter(i)), []);
        }
        // A device that fills its two or four buffers first.
        for first in [2, 4] {
            assert_eq!(troubles(10_000, |i| i.saturating_sub(first) as f64), []);
        }
    }

    #[test]
    fn each_gap_counts_once_by_how_long_it_is() {
        let gaps = [(500, 1.5), (900, 2.5), (1300, 0.8), (1700, 100.0)];
        let at = |i: usize| {
            let gap = |&(place, length): &(usize, f64)| if i >= place { length } else { 0.0 };
            i as f64 + gaps.iter().map(gap).sum::<f64>()
        };
        let expected = [(500, Arrival::Late), (900, Arrival::TooLate), (1700, Arrival::TooLate)];
        assert_eq!(troubles(3000, at), expected);
    }

    #[test]
    fn a_burst_after_a_gap_catches_up_and_is_not_counted_again() {
        // The callback 500 comes three buffers late, the next three at once.
        let at = |i: usize| if (500..503).contains(&i) { 503.0 } else { i as f64 };
        assert_eq!(troubles(3000, at), [(500, Arrival::TooLate)]);
    }

    #[test]
    fn only_what_sounds_is_counted() {
        let controls = Arc::new(Controls::default());
        let mut watch = Watch::new(controls.clone(), 48_000);
        for sounding in [false, true] {
            watch.callback(1, sounding);
            // As if the last callback had been long ago.
            watch.schedule.due = Some(-1.0);
            watch.callback(960, sounding);
        }
        assert_eq!((controls.late.load(Relaxed), controls.missed.load(Relaxed)), (1, 1));
    }
}
