//! Right answers of so many, when each is right by chance with probability p.

use statrs::distribution::{Binomial, DiscreteCDF as _};
use statrs::function::beta::beta_reg;

use super::solve;

/// Ends of a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// P(at least `right` of `trials` | each right with probability `chance`): the exact one-sided
/// binomial test. 1 for no trials, and 0 for more right answers than trials.
pub fn p_value(right: u64, trials: u64, chance: f64) -> f64 {
    if right == 0 {
        return 1.0;
    }
    Binomial::new(chance.clamp(0.0, 1.0), trials).map_or(1.0, |law| law.sf(right - 1))
}

/// The exact two-sided interval for the share of right answers that Clopper & Pearson ("The use of
/// confidence or fiducial limits illustrated in the case of the binomial", 1934) gave: the shares
/// that neither tail of the binomial rejects. `confidence` is for example 0.95.
pub fn clopper_pearson(right: u64, trials: u64, confidence: f64) -> Interval {
    let tail = 0.5 * (1.0 - confidence);
    let (k, n) = (right as f64, trials as f64);
    let low = match right {
        0 => 0.0,
        _ => solve(0.0, 1.0, tail, |p| beta_reg(k, n - k + 1.0, p)),
    };
    let high = match trials.saturating_sub(right) {
        0 => 1.0,
        _ => solve(0.0, 1.0, 1.0 - tail, |p| beta_reg(k + 1.0, n - k, p)),
    };
    Interval { low, high }
}

/// The fewest right answers that are significant at level `alpha`; none where even all right are
/// not.
pub fn critical(trials: u64, chance: f64, alpha: f64) -> Option<u64> {
    (0..=trials).find(|&right| p_value(right, trials, chance) <= alpha)
}

/// How often a guesser passes for a listener: the exact size of the test, at most `alpha` and less
/// where the steps of the binomial do not meet it (16 trials at 5 %: 3.84 %).
pub fn size(trials: u64, chance: f64, alpha: f64) -> f64 {
    critical(trials, chance, alpha).map_or(0.0, |right| p_value(right, trials, chance))
}

/// The probability of a significant result for somebody who is right with probability `rate`.
pub fn power(trials: u64, chance: f64, alpha: f64, rate: f64) -> f64 {
    critical(trials, chance, alpha).map_or(0.0, |right| p_value(right, trials, rate))
}

/// The fewest trials from which on the power is at least `wanted`, looking 40 trials ahead since it
/// rises in a saw-tooth; none below 2000.
pub fn needed_trials(chance: f64, alpha: f64, rate: f64, wanted: f64) -> Option<u64> {
    let mut run = 0;
    for trials in 1..2040_u64 {
        run = if power(trials, chance, alpha, rate) >= wanted { run + 1 } else { 0 };
        if run > 40 {
            return Some(trials - 40);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customary_pass_marks_are_the_least_that_are_significant() {
        for (trials, right) in [(5, 5), (8, 7), (10, 9), (12, 10), (16, 12), (20, 15), (30, 20)] {
            assert_eq!(critical(trials, 0.5, 0.05), Some(right), "{trials}");
        }
        assert_eq!(critical(4, 0.5, 0.05), None);
        assert_eq!(critical(0, 0.5, 0.05), None);
        assert!((size(16, 0.5, 0.05) - 2517.0 / 65536.0).abs() < 1e-15);
        assert_eq!(size(4, 0.5, 0.05), 0.0);
    }

    #[test]
    fn nothing_and_everything_have_sensible_ends() {
        assert_eq!(p_value(0, 0, 0.5), 1.0);
        assert_eq!(p_value(3, 2, 0.5), 0.0);
        assert_eq!(clopper_pearson(0, 0, 0.95), Interval { low: 0.0, high: 1.0 });
        let all = clopper_pearson(10, 10, 0.95);
        assert_eq!(all.high, 1.0);
        // Closed form: (alpha / 2)^(1 / n).
        assert!((all.low - 0.025_f64.powf(0.1)).abs() < 1e-14);
        let none = clopper_pearson(0, 10, 0.95);
        assert!((none.high - (1.0 - all.low)).abs() < 1e-14 && none.low == 0.0);
    }

    #[test]
    fn power_grows_and_needed_trials_have_it() {
        let powers = [0.7, 0.8, 0.9].map(|rate| power(16, 0.5, 0.05, rate));
        for (power, known) in powers.into_iter().zip([0.45, 0.80, 0.98]) {
            assert!((power - known).abs() < 0.005, "{power}");
        }
        let needed = needed_trials(0.5, 0.05, 0.7, 0.8).unwrap();
        assert!((needed..needed + 40).all(|n| power(n, 0.5, 0.05, 0.7) >= 0.8));
        assert!(power(needed - 1, 0.5, 0.05, 0.7) < 0.8);
        assert_eq!(needed_trials(0.5, 0.05, 0.5, 0.8), None);
    }
}
