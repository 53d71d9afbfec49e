//! A level meter that people can read: it rises at once, falls slowly, and holds its peak.

use std::time::{Duration, Instant};

/// How fast the level falls, in dB a second.
const FALL: f32 = 26.0;

/// How long the highest level stays marked.
const HOLD: Duration = Duration::from_millis(1500);

/// How long a clipped sample stays told.
const WARN: Duration = Duration::from_secs(2);

/// What is not louder than this is shown as silence, in dB of full scale.
pub(super) const SILENCE: f32 = -90.0;

/// The levels, in dB relative to full scale.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    pub level: f32,
    pub peak: f32,
    updated: Instant,
    peaked: Instant,
    clipped: Option<Instant>,
}

impl Meter {
    pub fn new(now: Instant) -> Self {
        Self { level: SILENCE, peak: SILENCE, updated: now, peaked: now, clipped: None }
    }

    /// Takes in what came until `now`, and whether some of it was clipped.
    pub fn update(&mut self, now: Instant, samples: &[f32], clipped: bool) {
        let largest = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        let came = (20.0 * largest.log10()).max(SILENCE);
        let passed = now.saturating_duration_since(self.updated).as_secs_f32();
        self.updated = now;
        self.level = came.max(self.level - FALL * passed).max(SILENCE);
        if self.level >= self.peak || now.saturating_duration_since(self.peaked) > HOLD {
            (self.peak, self.peaked) = (self.level, now);
        }
        if clipped {
            self.clipped = Some(now);
        }
    }

    /// Whether something was clipped a moment ago.
    pub fn warns(&self, now: Instant) -> bool {
        self.clipped.is_some_and(|then| now.saturating_duration_since(then) < WARN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_at_once_falls_slowly_and_holds_the_peak() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut meter = Meter::new(start);
        meter.update(at(20), &[0.1, -0.5], false);
        assert!((meter.level + 6.02).abs() < 0.01);
        meter.update(at(520), &[], false);
        assert!((meter.level + 19.02).abs() < 0.01, "{}", meter.level);
        assert!((meter.peak + 6.02).abs() < 0.01, "held");
        meter.update(at(1600), &[], false);
        assert!(meter.peak < -40.0, "let go: {}", meter.peak);
        meter.update(at(60_000), &[0.0], false);
        assert_eq!((meter.level, meter.peak), (SILENCE, SILENCE));
    }

    #[test]
    fn clipping_is_told_for_a_while() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        assert!(!meter.warns(start));
        meter.update(start, &[1.0], true);
        assert!(meter.warns(start + Duration::from_millis(1900)));
        assert!(!meter.warns(start + Duration::from_millis(2100)));
    }
}
