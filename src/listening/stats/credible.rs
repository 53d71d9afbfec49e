//! How sure a threshold is: its posterior distribution (Kuss, Jäkel & Wichmann, "Bayesian inference
//! for psychometric functions", 2005), after priors that are flat over the SNR, the logarithm of the
//! slope and the lapse rate.
//!
//! The bootstrap takes the fitted slope for the true one. Staircases play few levels far from the
//! threshold, what fits them best is too steep, and its interval too narrow: with 50 trials it holds
//! the truth in 75 to 87 of 100 simulated sessions. The posterior counts every slope that the answers
//! allow: 94 to 98 of 100 (docs/listening-log.md).

use super::fit::{BEYOND_DB, MOST_LAPSES, log_likelihood};
use super::{Interval, LevelCount, Psychometric};

/// Slopes in 1/dB that are thought possible: a rise from 60 to 90 % right over 18 dB to one over 0.2.
const SLOPES: (f64, f64) = (0.1, 10.0);
/// Points of the grid.
const THRESHOLDS: usize = 240;
const SLOPE_POINTS: usize = 20;
const LAPSE_POINTS: usize = 5;
/// What may be cut off on each side before the grid is refined.
const TAIL: f64 = 1e-5;
/// How often it is refined, at most.
const PASSES: usize = 4;
/// What the interval holds.
const CONFIDENCE: f64 = 0.95;

/// The shortest interval that holds the threshold in dB SNR with a probability of 95 %; none without
/// two levels. Its range ends 20 dB beyond the levels that were played.
pub fn threshold_interval(counts: &[LevelCount]) -> Option<Interval> {
    let counts: Vec<_> = counts.iter().copied().filter(|count| count.trials > 0).collect();
    let mut range = counts.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), count| {
        (low.min(count.snr_db), high.max(count.snr_db))
    });
    if !(range.0 < range.1) {
        return None;
    }
    range = (range.0 - BEYOND_DB, range.1 + BEYOND_DB);
    for _ in 1..PASSES {
        let cells = posterior(&counts, range);
        let width = (range.1 - range.0) / cells.len() as f64;
        let below = cells.iter().scan(0.0, |sum, p| {
            *sum += p;
            Some(*sum)
        });
        let below: Vec<f64> = below.collect();
        let first = below.iter().position(|&p| p > TAIL).unwrap_or(0);
        let last = below.iter().position(|&p| p > 1.0 - TAIL).unwrap_or(cells.len() - 1);
        // Half of it is nearly as fine.
        if last + 1 - first > cells.len() / 2 {
            break;
        }
        range = (range.0 + width * first as f64, range.0 + width * (last + 1) as f64);
    }
    Some(shortest(&posterior(&counts, range), range))
}

/// The probability of each cell of the range, which sum to 1.
fn posterior(counts: &[LevelCount], range: (f64, f64)) -> Vec<f64> {
    let middle = |index: usize, points: usize| (index as f64 + 0.5) / points as f64;
    let one = |index: usize| {
        let threshold_db = range.0 + (range.1 - range.0) * middle(index, THRESHOLDS);
        (0..SLOPE_POINTS * LAPSE_POINTS)
            .map(|point| {
                let share = middle(point / LAPSE_POINTS, SLOPE_POINTS);
                let slope = SLOPES.0 * (SLOPES.1 / SLOPES.0).powf(share);
                let lapse = MOST_LAPSES * middle(point % LAPSE_POINTS, LAPSE_POINTS);
                log_likelihood(&Psychometric { threshold_db, slope, lapse }, counts)
            })
            .collect::<Vec<f64>>()
    };
    let likelihoods: Vec<Vec<f64>> = (0..THRESHOLDS).map(one).collect();
    let most = likelihoods.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> =
        likelihoods.iter().map(|l| l.iter().map(|l| (l - most).exp()).sum()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// The shortest run of cells with so much probability, within which the first and the last count by
/// the part that is needed.
fn shortest(cells: &[f64], range: (f64, f64)) -> Interval {
    let width = (range.1 - range.0) / cells.len() as f64;
    let at = |cell: f64| range.0 + width * cell;
    let mut best = (f64::INFINITY, Interval { low: range.0, high: range.1 });
    let (mut end, mut held) = (0, 0.0);
    for (start, first) in cells.iter().enumerate() {
        while held < CONFIDENCE && end < cells.len() {
            held += cells.get(end).copied().unwrap_or(0.0);
            end += 1;
        }
        if held < CONFIDENCE {
            break;
        }
        let last = cells.get(end - 1).copied().unwrap_or(0.0);
        let spare = if last > 0.0 { ((held - CONFIDENCE) / last).min(1.0) } else { 0.0 };
        let length = (end - start) as f64 - spare;
        if length < best.0 {
            best = (length, Interval { low: at(start as f64), high: at(end as f64 - spare) });
        }
        held -= first;
    }
    best.1
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::listening::adaptive::UpDown;
    use crate::listening::test_file::Adaptive;

    /// What a staircase of so many trials got from somebody who hears as `curve` says.
    fn staircase(curve: &Psychometric, trials: usize, random: &mut ChaCha8Rng) -> Vec<LevelCount> {
        let mut stairs = UpDown::new(2, &Adaptive::default());
        let mut counts: Vec<LevelCount> = Vec::new();
        for _ in 0..trials {
            let snr_db = stairs.snr_db();
            let right = random.random_bool(curve.right(snr_db));
            stairs.answer(right);
            match counts.iter_mut().find(|count| count.snr_db == snr_db) {
                Some(count) => {
                    count.right += u64::from(right);
                    count.trials += 1;
                }
                None => counts.push(LevelCount { snr_db, right: u64::from(right), trials: 1 }),
            }
        }
        counts
    }

    #[test]
    fn after_a_staircase_it_holds_the_truth_as_often_as_it_says() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        const RUNS: usize = 150;
        let held = (0..RUNS)
            .filter(|run| {
                let threshold_db = 25.0 + 0.1 * *run as f64;
                let curve = Psychometric { threshold_db, slope: 0.5, lapse: 0.01 };
                let counts = staircase(&curve, 50, &mut random);
                let interval = threshold_interval(&counts).unwrap();
                (interval.low..=interval.high).contains(&threshold_db)
            })
            .count();
        // 95 % of 150 is 142.5, with a standard error of 2.7.
        assert!(held >= 135, "{held} of {RUNS}");
    }

    #[test]
    fn many_answers_make_it_narrow_and_few_leave_it_wide() {
        let curve = Psychometric { threshold_db: 31.0, slope: 0.5, lapse: 0.01 };
        let answers = |trials: u64| {
            let levels = (0..8).map(|i| 10.0 + 6.0 * f64::from(i));
            let counts: Vec<_> = levels
                .map(|snr_db| {
                    let right = (curve.right(snr_db) * trials as f64).round() as u64;
                    LevelCount { snr_db, right, trials }
                })
                .collect();
            threshold_interval(&counts).unwrap()
        };
        let (few, many) = (answers(5), answers(5000));
        assert!(many.low < 31.0 && 31.0 < many.high && many.high - many.low < 0.6, "{many:?}");
        assert!(few.low < 31.0 && 31.0 < few.high && few.high - few.low > 5.0, "{few:?}");
        assert_eq!(threshold_interval(&[LevelCount { snr_db: 3.0, right: 1, trials: 2 }]), None);
    }
}
