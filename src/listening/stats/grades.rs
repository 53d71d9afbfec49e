//! Grades of a triple stimulus with hidden reference (ITU-R BS.1116-3).

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::{Interval, p_value};

/// What the difference grades say: the grade of the changed sound less that of the hidden reference,
/// from -4 to 4, negative where the change was heard as worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grades {
    /// Graded trials.
    pub trials: u64,
    /// Mean difference grade.
    pub mean: f64,
    /// Student's 95 % interval of the mean; none for fewer than two trials.
    pub interval: Option<Interval>,
    /// One-sided p of Student's t-test against a mean of 0; none where nothing varies.
    pub t_p: Option<f64>,
    /// Trials where the two sounds had different grades.
    pub told_apart: u64,
    /// Those of them where the changed one had the lower grade.
    pub identified: u64,
    /// The exact sign test on them.
    pub sign_p: f64,
}

/// Summary of difference grades; none without any.
pub fn grades(differences: &[f64]) -> Option<Grades> {
    if differences.is_empty() {
        return None;
    }
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
    let spread = (squares / (n - 1.0)).sqrt() / n.sqrt();
    let law = if n > 1.0 { StudentsT::new(0.0, 1.0, n - 1.0).ok() } else { None };
    let interval = law.map(|law| {
        let half = law.inverse_cdf(0.975) * spread;
        Interval { low: mean - half, high: mean + half }
    });
    let t_p = law.filter(|_| spread > 0.0).map(|law| law.cdf(mean / spread));
    let told_apart = differences.iter().filter(|d| **d != 0.0).count() as u64;
    let identified = differences.iter().filter(|d| **d < 0.0).count() as u64;
    Some(Grades {
        trials: differences.len() as u64,
        mean,
        interval,
        t_p,
        told_apart,
        identified,
        sign_p: p_value(identified, told_apart, 0.5),
    })
}

#[cfg(test)]
mod tests {
    use super::grades;

    #[test]
    fn ties_tell_nothing_and_one_grade_has_no_interval() {
        let g = grades(&[-1.0, -0.5, 0.0, 0.5]).unwrap();
        assert_eq!((g.trials, g.told_apart, g.identified), (4, 3, 2));
        assert_eq!(g.mean, -0.25);
        assert!(grades(&[-1.0]).unwrap().interval.is_none());
        assert!(grades(&[-1.0, -1.0]).unwrap().t_p.is_none());
        assert!(grades(&[]).is_none());
    }
}
