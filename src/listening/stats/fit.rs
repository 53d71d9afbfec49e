//! The psychometric function that makes the answers most likely (Wichmann & Hill, "The psychometric
//! function: I. Fitting, sampling, and goodness of fit", 2001), and how sure it is (their part II:
//! the parametric bootstrap).

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{Interval, Psychometric, threshold_interval};

/// The largest lapse rate that is believed, as Wichmann & Hill advise.
pub(super) const MOST_LAPSES: f64 = 0.06;
/// Least and largest slope in 1/dB: from a rise over 50 dB to one over half a dB.
const SLOPES: (f64, f64) = (0.05, 10.0);
/// How far beyond the levels that were played a threshold may lie, in dB.
pub(super) const BEYOND_DB: f64 = 20.0;
/// Halvings of the search's steps: down to 1e-10 of a cell of the grid.
const HALVINGS: usize = 34;
/// The same for one of a thousand simulated listeners: down to 0.001 dB.
const COARSE_HALVINGS: usize = 11;

/// Answers at one level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelCount {
    /// SNR in dB.
    pub snr_db: f64,
    /// Right answers.
    pub right: u64,
    /// All answers.
    pub trials: u64,
}

/// A fitted function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The most likely one.
    pub curve: Psychometric,
    /// The logarithm of its likelihood.
    pub log_likelihood: f64,
    /// The shortest interval that holds the threshold in dB with a probability of 95 %
    /// ([`threshold_interval`]); none where it was not asked for.
    pub threshold_interval: Option<Interval>,
    /// 95 % percentile interval of the threshold in dB, by parametric bootstrap; none where it was
    /// not asked for. It is too narrow after a staircase.
    pub bootstrap_interval: Option<Interval>,
    /// Whether the threshold is within the levels that were played. Outside them the answers say
    /// only that it is not inside.
    pub within_levels: bool,
}

pub(super) fn log_likelihood(curve: &Psychometric, counts: &[LevelCount]) -> f64 {
    let one = |count: &LevelCount| {
        let p = curve.right(count.snr_db).clamp(1e-12, 1.0 - 1e-12);
        let (right, wrong) = (count.right as f64, (count.trials - count.right) as f64);
        right * p.ln() + wrong * (-p).ln_1p()
    };
    counts.iter().map(one).sum()
}

/// The most likely function, none without two levels. The likelihood is searched on a grid, then
/// along axes, diagonals and ridges with steps that are halved where none of them helps; a lapse
/// rate is at most 6 %.
pub fn fit(counts: &[LevelCount]) -> Option<Fit> {
    search(counts, HALVINGS)
}

fn search(counts: &[LevelCount], halvings: usize) -> Option<Fit> {
    let counts: Vec<_> = counts.iter().copied().filter(|count| count.trials > 0).collect();
    let ends = counts.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), count| {
        (low.min(count.snr_db), high.max(count.snr_db))
    });
    if !(ends.0 < ends.1) {
        return None;
    }
    let curve = |[threshold_db, slope, lapse]: [f64; 3]| Psychometric {
        threshold_db,
        slope: slope.exp(),
        lapse,
    };
    let value = |point: [f64; 3]| log_likelihood(&curve(point), &counts);
    let low = [ends.0 - BEYOND_DB, SLOPES.0.ln(), 0.0];
    let high = [ends.1 + BEYOND_DB, SLOPES.1.ln(), MOST_LAPSES];
    let cells = [24.0, 8.0, 2.0];
    let at = |index: [u32; 3]| {
        std::array::from_fn(|i| low[i] + (high[i] - low[i]) * f64::from(index[i]) / cells[i])
    };
    let mut best = (f64::NEG_INFINITY, low);
    for i in 0..=24 {
        for j in 0..=8 {
            for k in 0..=2 {
                let point = at([i, j, k]);
                let found = value(point);
                if found > best.0 {
                    best = (found, point);
                }
            }
        }
    }
    let mut step: [f64; 3] = std::array::from_fn(|i| 0.5 * (high[i] - low[i]) / cells[i]);
    for _ in 0..halvings {
        // Enough for a way along a bent ridge, and an end where rounding makes a circle.
        for _ in 0..60 {
            let before = best;
            for direction in DIRECTIONS {
                let point = std::array::from_fn(|i| {
                    (best.1[i] + direction[i] * step[i]).clamp(low[i], high[i])
                });
                let found = value(point);
                if found > best.0 {
                    best = (found, point);
                }
            }
            // Another slope that leaves what is heard at one of the levels as it is: where two
            // levels fix the function, likelihoods make a ridge there.
            for (count, sign) in counts.iter().flat_map(|count| [(count, 1.0), (count, -1.0)]) {
                let [threshold, slope, lapse] = best.1;
                let change = sign * step[1];
                let threshold = count.snr_db + (threshold - count.snr_db) * (-change).exp();
                let point = [threshold, slope + change, lapse];
                let point = std::array::from_fn(|i| point[i].clamp(low[i], high[i]));
                let found = value(point);
                if found > best.0 {
                    best = (found, point);
                }
            }
            if best.0 <= before.0 {
                break;
            }
            // On in the direction in which all these steps led (Hooke & Jeeves, 1961), as it
            // follows ridges that lie across the axes.
            let mut way: [f64; 3] = std::array::from_fn(|i| best.1[i] - before.1[i]);
            loop {
                let point = std::array::from_fn(|i| (best.1[i] + way[i]).clamp(low[i], high[i]));
                let found = value(point);
                if found <= best.0 {
                    break;
                }
                best = (found, point);
                way = way.map(|w| 2.0 * w);
            }
        }
        step = step.map(|s| 0.5 * s);
    }
    let curve = curve(best.1);
    let within_levels = (ends.0..=ends.1).contains(&curve.threshold_db);
    Some(Fit {
        curve,
        log_likelihood: best.0,
        threshold_interval: None,
        bootstrap_interval: None,
        within_levels,
    })
}

/// Steps along each parameter and along two at once.
const DIRECTIONS: [[f64; 3]; 18] = [
    [1.0, 0.0, 0.0],
    [-1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0],
    [0.0, -1.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.0, 0.0, -1.0],
    [1.0, 1.0, 0.0],
    [1.0, -1.0, 0.0],
    [-1.0, 1.0, 0.0],
    [-1.0, -1.0, 0.0],
    [1.0, 0.0, 1.0],
    [1.0, 0.0, -1.0],
    [-1.0, 0.0, 1.0],
    [-1.0, 0.0, -1.0],
    [0.0, 1.0, 1.0],
    [0.0, 1.0, -1.0],
    [0.0, -1.0, 1.0],
    [0.0, -1.0, -1.0],
];

/// As [`fit`], with the 95 % intervals of the threshold; that of the bootstrap is from so many
/// simulated listeners who hear as the fitted function says.
pub fn fit_with_intervals(counts: &[LevelCount], replicates: usize, seed: u64) -> Option<Fit> {
    let fitted = fit(counts)?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut thresholds: Vec<f64> = (0..replicates)
        .filter_map(|_| {
            let simulated: Vec<_> = counts
                .iter()
                .map(|count| {
                    let p = fitted.curve.right(count.snr_db);
                    let right = (0..count.trials).filter(|_| random.random_bool(p)).count() as u64;
                    LevelCount { right, ..*count }
                })
                .collect();
            search(&simulated, COARSE_HALVINGS).map(|fit| fit.curve.threshold_db)
        })
        .collect();
    thresholds.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (share * (thresholds.len().saturating_sub(1)) as f64).round() as usize;
        thresholds.get(index).copied()
    };
    let bootstrap_interval = at(0.025).zip(at(0.975)).map(|(low, high)| Interval { low, high });
    // The most likely threshold is always in it: what the posterior weighs otherwise only adds.
    let best = fitted.curve.threshold_db;
    let threshold_interval = threshold_interval(counts)
        .map(|Interval { low, high }| Interval { low: low.min(best), high: high.max(best) });
    Some(Fit { threshold_interval, bootstrap_interval, ..fitted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(curve: &Psychometric, trials: u64) -> Vec<LevelCount> {
        (0..=10)
            .map(|i| {
                let snr_db = 10.0 + 4.0 * f64::from(i);
                let right = (curve.right(snr_db) * trials as f64).round() as u64;
                LevelCount { snr_db, right, trials }
            })
            .collect()
    }

    #[test]
    fn what_made_the_answers_is_found_again() {
        let truth = Psychometric { threshold_db: 31.0, slope: 0.4, lapse: 0.02 };
        let fit = fit(&answers(&truth, 100_000)).unwrap();
        assert!((fit.curve.threshold_db - 31.0).abs() < 0.01, "{fit:?}");
        assert!((fit.curve.slope - 0.4).abs() < 0.01 && (fit.curve.lapse - 0.02).abs() < 0.001);
        assert!(fit.within_levels);
    }

    #[test]
    fn both_intervals_cover_the_truth_of_a_ladder_as_often_as_they_say() {
        let mut credible = 0;
        let truth = Psychometric { threshold_db: 28.0, slope: 0.5, lapse: 0.0 };
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let covered = (0..40)
            .filter(|&run| {
                let counts: Vec<_> = answers(&truth, 20)
                    .into_iter()
                    .map(|count| {
                        let p = truth.right(count.snr_db);
                        let right = (0..20).filter(|_| random.random_bool(p)).count() as u64;
                        LevelCount { right, ..count }
                    })
                    .collect();
                let found = fit_with_intervals(&counts, 100, run).unwrap();
                let holds = |interval: Option<Interval>| {
                    let interval = interval.unwrap();
                    assert!(interval.high - interval.low < 20.0);
                    (interval.low..=interval.high).contains(&28.0)
                };
                assert!((28.0 - found.curve.threshold_db).abs() < 10.0);
                credible += usize::from(holds(found.threshold_interval));
                holds(found.bootstrap_interval)
            })
            .count();
        assert!(covered >= 34 && credible >= 35, "{covered} and {credible} of 40");
    }

    #[test]
    fn answers_that_tell_nothing_say_so() {
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[LevelCount { snr_db: 20.0, right: 3, trials: 4 }]), None);
        let all_right: Vec<_> = (0..5)
            .map(|i| LevelCount { snr_db: f64::from(i) * 10.0, right: 9, trials: 9 })
            .collect();
        assert!(!fit(&all_right).unwrap().within_levels);
    }
}
