//! Transformed up-down staircases (Levitt, "Transformed up-down methods in psychoacoustics", 1971).

use crate::listening::test_file::Adaptive;

/// A staircase over the SNR in dB: harder (a higher SNR) after so many right answers in a row,
/// easier after a wrong one.
#[derive(Clone, Debug)]
pub struct UpDown {
    down: u32,
    range: (f64, f64),
    steps: Vec<f64>,
    level: f64,
    in_a_row: u32,
    /// Whether the last step was to a harder level.
    last: Option<bool>,
    /// Where the direction changed, and whether the last step size was in use.
    reversals: Vec<(f64, bool)>,
}

impl UpDown {
    /// A staircase that gets harder after `down` right answers in a row.
    pub fn new(down: u32, settings: &Adaptive) -> Self {
        Self {
            down,
            range: (settings.easiest_snr_db, settings.hardest_snr_db),
            steps: settings.steps_db.clone(),
            level: settings.start_snr_db,
            in_a_row: 0,
            last: None,
            reversals: Vec::new(),
        }
    }

    /// SNR of the next trial in dB.
    pub fn snr_db(&self) -> f64 {
        self.level
    }

    /// The share of right answers where it settles: half of the steps lead up, so p^down = 1/2.
    pub fn target(&self) -> f64 {
        0.5_f64.powf(1.0 / f64::from(self.down))
    }

    /// Takes in an answer.
    pub fn answer(&mut self, right: bool) {
        if right {
            self.in_a_row += 1;
            if self.in_a_row >= self.down {
                self.turn(true);
            }
        } else {
            self.turn(false);
        }
    }

    fn turn(&mut self, harder: bool) {
        self.in_a_row = 0;
        if self.last.is_some_and(|last| last != harder) {
            let last_step = self.step_index() + 1 == self.steps.len();
            self.reversals.push((self.level, last_step));
        }
        self.last = Some(harder);
        let step = self.steps.get(self.step_index()).copied().unwrap_or(1.0);
        let level = if harder { self.level + step } else { self.level - step };
        self.level = level.clamp(self.range.0, self.range.1);
    }

    /// The next step after every second reversal.
    fn step_index(&self) -> usize {
        (self.reversals.len() / 2).min(self.steps.len().saturating_sub(1))
    }

    /// The mean of an even number of the latest reversals with the last step, in dB SNR; none before
    /// there are two.
    pub fn estimate(&self) -> Option<f64> {
        let levels: Vec<f64> =
            self.reversals.iter().filter(|(_, last)| *last).map(|(level, _)| *level).collect();
        let even = levels.get(levels.len() % 2..)?;
        (!even.is_empty()).then(|| even.iter().sum::<f64>() / even.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staircase(down: u32) -> UpDown {
        UpDown::new(down, &Adaptive { steps_db: vec![4.0, 1.0], ..Adaptive::default() })
    }

    #[test]
    fn it_climbs_by_its_rule_and_its_steps_shrink_after_two_reversals() {
        let mut stairs = staircase(2);
        let mut levels = Vec::new();
        for right in [true, true, true, true, false, true, true, false, true, true, false] {
            stairs.answer(right);
            levels.push(stairs.snr_db());
        }
        assert_eq!(levels, [10.0, 14.0, 14.0, 18.0, 14.0, 14.0, 15.0, 14.0, 14.0, 15.0, 14.0]);
        // At 18 and 14 with the large step, then at 15, 14 and 15: the latest two count.
        assert_eq!(stairs.estimate(), Some(14.5));
        assert!((stairs.target() - std::f64::consts::FRAC_1_SQRT_2).abs() < 1e-12);
        assert!((staircase(3).target() - 0.7937).abs() < 1e-4);
    }

    #[test]
    fn it_stays_within_its_range() {
        let mut stairs = staircase(2);
        for _ in 0..10 {
            stairs.answer(false);
        }
        assert_eq!(stairs.snr_db(), 0.0);
        for _ in 0..100 {
            stairs.answer(true);
        }
        assert_eq!(stairs.snr_db(), 80.0);
        assert_eq!(stairs.estimate(), None);
    }
}
