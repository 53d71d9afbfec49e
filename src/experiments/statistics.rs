//! Means over clips with bootstrap intervals.

use std::collections::BTreeSet;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// How often clips are drawn anew.
const DRAWS: usize = 1000;

/// A mean, where it lies, and what is behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Ends of the 95 % interval.
    pub interval: [f64; 2],
    /// Different clips behind it.
    pub clips: usize,
}

/// The mean over groups (models) of each group's mean, with its 95 % percentile bootstrap interval
/// (Efron, 1979): 1000 times as many clips as there are are drawn with replacement, and a clip that
/// is drawn brings its values in all groups, which are not independent of each other. Groups without
/// a value do not count. In which order values come does not matter: rows of several processes come
/// in another one each time. None where there is no value at all.
pub fn mean(groups: &[Vec<(&str, f64)>], seed: u64) -> Option<Mean> {
    let names: BTreeSet<&str> = groups.iter().flatten().map(|&(clip, _)| clip).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let number = |clip: &str| names.binary_search(&clip).unwrap_or_default();
    let in_order = |group: &Vec<(&str, f64)>| {
        let mut group: Vec<(usize, f64)> =
            group.iter().map(|&(clip, value)| (number(clip), value)).collect();
        group.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        group
    };
    let groups: Vec<Vec<(usize, f64)>> =
        groups.iter().filter(|group| !group.is_empty()).map(in_order).collect();
    if groups.is_empty() {
        return None;
    }
    let clips = names.len();
    let of = |times: &[u32]| {
        let means = groups.iter().filter_map(|group| {
            let weight: f64 = group.iter().map(|&(clip, _)| f64::from(times[clip])).sum();
            let sum: f64 = group.iter().map(|&(clip, v)| f64::from(times[clip]) * v).sum();
            (weight > 0.0).then(|| sum / weight)
        });
        let (sum, count) = means.fold((0.0, 0), |(sum, count), mean| (sum + mean, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    };
    let value = of(&vec![1; clips])?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draws = Vec::with_capacity(DRAWS);
    let mut times = vec![0; clips];
    for _ in 0..DRAWS {
        times.fill(0);
        for _ in 0..clips {
            times[random.random_range(0..clips)] += 1;
        }
        draws.extend(of(&times));
    }
    draws.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * draws.len().saturating_sub(1) as f64).round() as usize;
        draws.get(place).copied().unwrap_or(value)
    };
    Some(Mean { value, interval: [at(0.025), at(0.975)], clips })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_weigh_the_same_however_large() {
        let many: Vec<_> = ["a", "b", "c", "d"].into_iter().map(|clip| (clip, 1.0)).collect();
        let mean = mean(&[many, vec![("a", 0.0)], Vec::new()], 0).unwrap();
        assert_eq!((mean.value, mean.clips), (0.5, 4));
    }

    #[test]
    fn the_interval_is_that_of_the_binomial_share() {
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let group: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| (name.as_str(), f64::from(u8::from(n < 30))))
            .collect();
        let mean = mean(&[group], 7).unwrap();
        // 0.3 +- 1.96 sqrt(0.3 * 0.7 / 100) = 0.3 +- 0.09
        assert!((mean.value - 0.3).abs() < 1e-12);
        assert!((mean.interval[0] - 0.21).abs() < 0.025, "{mean:?}");
        assert!((mean.interval[1] - 0.39).abs() < 0.025, "{mean:?}");
    }

    #[test]
    fn models_that_agree_on_every_clip_tell_no_more_than_one() {
        let names: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let group: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| (name.as_str(), f64::from(u8::from(n % 2 == 0))))
            .collect();
        let one = mean(std::slice::from_ref(&group), 3).unwrap();
        let five = mean(&vec![group; 5], 3).unwrap();
        assert_eq!(one.interval, five.interval);
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let group: Vec<_> =
            ["a", "b", "c", "d", "e"].into_iter().zip([0.1, 7.3, 2.2, 5.9, 4.4]).collect();
        let turned: Vec<_> = group.iter().rev().copied().collect();
        let other = vec![("e", 1.0), ("x", 3.0)];
        assert_eq!(mean(&[group, other.clone()], 5), mean(&[turned, other], 5));
    }

    #[test]
    fn nothing_and_one_value_are_no_trouble() {
        assert_eq!(mean(&[Vec::new()], 0), None);
        let one = mean(&[vec![("a", 2.5)]], 0).unwrap();
        assert_eq!((one.value, one.interval), (2.5, [2.5, 2.5]));
    }
}
