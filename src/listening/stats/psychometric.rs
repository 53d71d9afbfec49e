//! How often the answer is right, by how loud the change is.

/// Right answers without hearing anything, of two alternatives.
pub const GUESS_RATE: f64 = 0.5;

/// The logistic psychometric function of a task with two alternatives:
/// p(x) = 1/2 + (1/2 - lapse) / (1 + exp(slope (x - threshold))). It falls with the SNR x in dB: the
/// softer the change, the nearer to guessing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Psychometric {
    /// SNR in dB half-way between guessing and the best: 75 % right without lapses.
    pub threshold_db: f64,
    /// Steepness in 1/dB, above 0.
    pub slope: f64,
    /// How often an answer is wrong although everything was heard.
    pub lapse: f64,
}

impl Psychometric {
    /// The probability of a right answer at an SNR in dB.
    pub fn right(&self, snr_db: f64) -> f64 {
        let heard = 1.0 / (1.0 + (self.slope * (snr_db - self.threshold_db)).exp());
        GUESS_RATE + (1.0 - GUESS_RATE - self.lapse) * heard
    }

    /// The SNR in dB at which answers are right with this probability; none where they never are.
    pub fn level(&self, right: f64) -> Option<f64> {
        let heard = (right - GUESS_RATE) / (1.0 - GUESS_RATE - self.lapse);
        (heard > 0.0 && heard < 1.0)
            .then(|| self.threshold_db + (1.0 / heard - 1.0).ln() / self.slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_from_the_best_to_guessing_and_is_undone_by_level() {
        let curve = Psychometric { threshold_db: 30.0, slope: 0.5, lapse: 0.02 };
        assert!((curve.right(30.0) - 0.74).abs() < 1e-12);
        assert!((curve.right(-100.0) - 0.98).abs() < 1e-12);
        assert!((curve.right(300.0) - 0.5).abs() < 1e-12);
        assert!((curve.level(curve.right(33.0)).unwrap() - 33.0).abs() < 1e-9);
        assert_eq!(curve.level(0.99), None);
        assert_eq!(curve.level(0.5), None);
    }
}
