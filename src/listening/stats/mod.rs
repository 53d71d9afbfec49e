//! What can be concluded from answers. Every number is exact or says how it was approximated;
//! `tests/reference/listening.py` has what SciPy says of the same cases.

mod binomial;
mod credible;
mod detection;
mod fit;
mod grades;
mod holm;
mod psychometric;

pub use binomial::{Interval, clopper_pearson, critical, needed_trials, p_value, power, size};
pub use credible::threshold_interval;
pub use detection::{Counts, Detection, DetectionModel, abx, same_different, two_afc};
pub use fit::{Fit, LevelCount, fit, fit_with_intervals};
pub use grades::{Grades, grades};
pub use holm::holm;
pub use psychometric::{GUESS_RATE, Psychometric};

use statrs::distribution::{ContinuousCDF as _, Normal};

/// The standard normal distribution function.
fn phi(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// Its inverse, for a probability within (0, 1).
fn z(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// Where an increasing function is `wanted` between `low` and `high`, by bisection down to
/// neighbouring numbers; the nearer end where it is so nowhere.
fn solve(mut low: f64, mut high: f64, wanted: f64, function: impl Fn(f64) -> f64) -> f64 {
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if function(middle) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod reference_tests;
