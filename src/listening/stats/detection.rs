//! Sensitivity d' and bias c of each design (Macmillan & Creelman, "Detection Theory: A User's
//! Guide", 2nd ed. 2005, chapters 7 and 9).

use super::{phi, solve, z};

/// Answers to two kinds of trial, of which one asks for the answer "yes" and the other for "no".
/// What "yes" is, the design says: "A" in ABX and 2AFC, "different" in same/different.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// "Yes" where it was right.
    pub hits: u64,
    /// Trials where "yes" was right.
    pub signal: u64,
    /// "Yes" where it was wrong.
    pub false_alarms: u64,
    /// Trials where "yes" was wrong.
    pub noise: u64,
}

impl Counts {
    /// Hit and false-alarm rate, none of them 0 or 1: half a hit and half a false alarm are added,
    /// and one trial of each kind, always, so that no rate is corrected more than another (the
    /// log-linear rule: Hautus, "Corrections for extreme proportions and their biasing effects on
    /// estimated values of d'", 1995).
    fn rates(&self) -> (f64, f64) {
        let rate = |yes: u64, of: u64| (yes as f64 + 0.5) / (of as f64 + 1.0);
        (rate(self.hits, self.signal), rate(self.false_alarms, self.noise))
    }
}

/// Which model of the listener d' comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectionModel {
    /// 2AFC: the two observations are compared.
    Comparison,
    /// Each observation is judged by itself: the best that can be done where one pair of sounds
    /// comes again and again, so that people learn it.
    Independent,
    /// Observations are compared with one another, as one must where different pairs are mixed.
    Differencing,
}

impl DetectionModel {
    /// The model for ABX and same/different with so many pairs of sounds.
    pub fn for_pairs(pairs: usize) -> Self {
        if pairs == 1 { Self::Independent } else { Self::Differencing }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Comparison => "two-alternative forced choice",
            Self::Independent => "independent observations",
            Self::Differencing => "differencing",
        }
    }
}

/// How well two sounds are told apart, and to which answer people lean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Distance of the two sounds in standard deviations of what is heard; 0 at chance and where
    /// there are more wrong answers than right ones.
    pub d_prime: f64,
    /// 0 without bias, below 0 for leaning to "yes", above 0 for leaning to "no".
    pub bias: f64,
    /// The model.
    pub model: DetectionModel,
}

/// The largest d' that is looked for.
const MOST: f64 = 20.0;

fn bias(counts: Counts) -> f64 {
    let (hit, false_alarm) = counts.rates();
    -0.5 * (z(hit) + z(false_alarm))
}

/// The share of right answers that the same sensitivity would give without bias.
fn unbiased(counts: Counts) -> f64 {
    let (hit, false_alarm) = counts.rates();
    phi(0.5 * (z(hit) - z(false_alarm)))
}

/// 2AFC: d' = (z(H) - z(F)) / sqrt 2.
pub fn two_afc(counts: Counts) -> Detection {
    let (hit, false_alarm) = counts.rates();
    let d_prime = ((z(hit) - z(false_alarm)) / std::f64::consts::SQRT_2).max(0.0);
    Detection { d_prime, bias: bias(counts), model: DetectionModel::Comparison }
}

/// ABX, after removing the bias: with independent observations
/// p = Phi(d'/sqrt 2) Phi(d'/2) + Phi(-d'/sqrt 2) Phi(-d'/2), with differencing sqrt 6 in the
/// place of the 2.
pub fn abx(counts: Counts, model: DetectionModel) -> Detection {
    let second = if model == DetectionModel::Differencing { 6_f64.sqrt() } else { 2.0 };
    let first = std::f64::consts::SQRT_2;
    let share = |d: f64| phi(d / first) * phi(d / second) + phi(-d / first) * phi(-d / second);
    let wanted = unbiased(counts);
    let d_prime = if wanted <= 0.5 { 0.0 } else { solve(0.0, MOST, wanted, share) };
    Detection { d_prime, bias: bias(counts), model }
}

/// Same/different. With independent observations d' = 2 z((1 + sqrt(2 p - 1)) / 2) of the share p
/// without bias; with differencing, "different" is said where the difference is beyond a criterion
/// k: F = 2 Phi(-k / sqrt 2), H = Phi((d' - k) / sqrt 2) + Phi((-d' - k) / sqrt 2).
pub fn same_different(counts: Counts, model: DetectionModel) -> Detection {
    let (hit, false_alarm) = counts.rates();
    let d_prime = if hit <= false_alarm {
        0.0
    } else if model == DetectionModel::Differencing {
        let root = std::f64::consts::SQRT_2;
        let k = -root * z(0.5 * false_alarm);
        solve(0.0, MOST, hit, |d| phi((d - k) / root) + phi((-d - k) / root))
    } else {
        2.0 * z(0.5 * (1.0 + (2.0 * unbiased(counts) - 1.0).sqrt()))
    };
    Detection { d_prime, bias: bias(counts), model }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(hits: u64, signal: u64, false_alarms: u64, noise: u64) -> Counts {
        Counts { hits, signal, false_alarms, noise }
    }

    /// Rates so near to `hit` and `false_alarm` that the correction does not matter.
    fn large(hit: f64, false_alarm: f64) -> Counts {
        let n = 1e15;
        counts((hit * n) as u64, n as u64, (false_alarm * n) as u64, n as u64)
    }

    #[test]
    fn the_example_of_macmillan_and_creelman_comes_out() {
        // Chapter 7: H = .9, F = .2 in 2AFC.
        let two = two_afc(large(0.9, 0.2));
        assert!((two.d_prime - 1.501).abs() < 0.001, "{two:?}");
    }

    #[test]
    fn simulated_listeners_of_a_known_d_are_found_again() {
        use rand::{Rng as _, SeedableRng as _};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let mut heard =
            |mean: f64| -> f64 { mean + random.sample::<f64, _>(rand_distr::StandardNormal) };
        const N: u64 = 40_000;
        let d = 1.4;
        let mut afc = counts(0, N, 0, N);
        let mut differencing = counts(0, N, 0, N);
        let mut abx_differencing = counts(0, N, 0, N);
        let mut abx_independent = counts(0, N, 0, N);
        for _ in 0..N {
            // 2AFC: the changed one is A, then B.
            afc.hits += u64::from(heard(d) > heard(0.0));
            afc.false_alarms += u64::from(heard(0.0) > heard(d));
            // Same/different with a criterion of 1.2.
            differencing.hits += u64::from((heard(d) - heard(0.0)).abs() > 1.2);
            differencing.false_alarms += u64::from((heard(0.0) - heard(0.0)).abs() > 1.2);
            // ABX: X is nearer to A; or: X is judged by itself, and A and B as in 2AFC.
            for x_is_a in [true, false] {
                let (a, b) = (heard(d), heard(0.0));
                let x = heard(if x_is_a { d } else { 0.0 });
                let nearer = (x - a).abs() < (x - b).abs();
                let alone = (a > b) == (x > d / 2.0);
                let (near, by_itself) = if x_is_a {
                    (&mut abx_differencing.hits, &mut abx_independent.hits)
                } else {
                    (&mut abx_differencing.false_alarms, &mut abx_independent.false_alarms)
                };
                *near += u64::from(nearer);
                *by_itself += u64::from(alone);
            }
        }
        for (what, got) in [
            ("2AFC", two_afc(afc)),
            ("same", same_different(differencing, DetectionModel::Differencing)),
            ("ABX, differencing", abx(abx_differencing, DetectionModel::Differencing)),
            ("ABX, independent", abx(abx_independent, DetectionModel::Independent)),
        ] {
            assert!((got.d_prime - d).abs() < 0.06, "{what}: {got:?}");
        }
    }

    #[test]
    fn extreme_rates_are_finite_and_chance_is_nothing() {
        for n in [1, 8, 50] {
            for found in [
                two_afc(counts(n, n, 0, n)),
                abx(counts(n, n, 0, n), DetectionModel::Independent),
                abx(counts(n, n, 0, n), DetectionModel::Differencing),
                same_different(counts(n, n, 0, n), DetectionModel::Independent),
                same_different(counts(n, n, 0, n), DetectionModel::Differencing),
            ] {
                assert!(found.d_prime > 0.5 && found.d_prime < 10.0, "{n}: {found:?}");
                assert!(found.bias.abs() < 1e-12);
            }
        }
        let none = counts(4, 8, 4, 8);
        assert_eq!(two_afc(none).d_prime, 0.0);
        assert_eq!(abx(none, DetectionModel::Independent).d_prime, 0.0);
        assert_eq!(same_different(none, DetectionModel::Differencing).d_prime, 0.0);
        assert!(two_afc(counts(8, 8, 6, 8)).bias < -0.5, "leans to A");
    }
}
