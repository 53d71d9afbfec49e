//! QUEST+ (Watson, "QUEST+: A general multidimensional Bayesian adaptive psychometric method",
//! 2017): the next level is the one after whose answer the least uncertainty about threshold, slope
//! and lapse rate is expected.

use crate::listening::stats::Psychometric;
use crate::listening::test_file::Adaptive;

/// Slopes in 1/dB that are thought possible, equally before the first answer.
const SLOPES: [f64; 6] = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2];
/// Lapse rates that are thought possible.
const LAPSES: [f64; 3] = [0.0, 0.02, 0.05];
/// Most levels that are considered.
const LEVELS: usize = 81;

/// The posterior over psychometric functions.
#[derive(Clone, Debug)]
pub struct QuestPlus {
    /// SNRs in dB that may be played, at even distances.
    levels: Vec<f64>,
    /// The functions that are thought possible.
    curves: Vec<Psychometric>,
    /// Their probabilities, which sum to 1.
    posterior: Vec<f64>,
    /// P(right) at each level for each function, level by level.
    right: Vec<f64>,
    next: usize,
}

impl QuestPlus {
    /// Knows nothing yet; begins where the settings say.
    pub fn new(settings: &Adaptive) -> Self {
        let (low, high) = (settings.easiest_snr_db, settings.hardest_snr_db);
        let count = ((high - low).round() as usize + 1).clamp(2, LEVELS);
        let at = |index: usize| low + (high - low) * index as f64 / (count - 1) as f64;
        let levels: Vec<f64> = (0..count).map(at).collect();
        let mut curves = Vec::new();
        for &threshold_db in &levels {
            for slope in SLOPES {
                for lapse in LAPSES {
                    curves.push(Psychometric { threshold_db, slope, lapse });
                }
            }
        }
        let share = 1.0 / curves.len() as f64;
        let right = levels
            .iter()
            .flat_map(|&level| curves.iter().map(move |curve| curve.right(level)))
            .collect();
        let far = |level: f64| (level - settings.start_snr_db).abs();
        let next = (0..count).min_by(|&a, &b| far(at(a)).total_cmp(&far(at(b)))).unwrap_or(0);
        Self { posterior: vec![share; curves.len()], levels, curves, right, next }
    }

    /// SNR of the next trial in dB.
    pub fn snr_db(&self) -> f64 {
        self.levels.get(self.next).copied().unwrap_or(0.0)
    }

    fn row(&self, level: usize) -> &[f64] {
        let count = self.curves.len();
        self.right.get(level * count..(level + 1) * count).unwrap_or_default()
    }

    /// Takes in an answer to a trial at that SNR.
    pub fn answer(&mut self, right: bool) {
        let likelihood: Vec<f64> = self.row(self.next).to_vec();
        let mut sum = 0.0;
        for (weight, p) in self.posterior.iter_mut().zip(likelihood) {
            *weight *= if right { p } else { 1.0 - p };
            sum += *weight;
        }
        for weight in &mut self.posterior {
            *weight /= sum;
        }
        let entropies = (0..self.levels.len()).map(|level| self.expected_entropy(level));
        self.next = entropies
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(self.next, |(level, _)| level);
    }

    /// The entropy of the posterior that is expected after an answer at a level, but for the part that
    /// is the same for all levels: H(posterior) - H(answer) + E[H(answer | function)].
    fn expected_entropy(&self, level: usize) -> f64 {
        let (mut p_right, mut given) = (0.0, 0.0);
        for (&weight, &p) in self.posterior.iter().zip(self.row(level)) {
            p_right += weight * p;
            given += weight * entropy(p);
        }
        given - entropy(p_right)
    }

    /// Mean and standard deviation of the threshold in dB SNR.
    pub fn threshold(&self) -> (f64, f64) {
        let weighted = || self.posterior.iter().zip(&self.curves);
        let mean: f64 = weighted().map(|(weight, curve)| weight * curve.threshold_db).sum();
        let variance: f64 =
            weighted().map(|(weight, curve)| weight * (curve.threshold_db - mean).powi(2)).sum();
        (mean, variance.sqrt())
    }
}

/// Entropy of a coin in nats.
fn entropy(p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 { 0.0 } else { -p * p.ln() - (1.0 - p) * (1.0 - p).ln() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected entropy as Watson writes it: over both answers, of the whole posterior.
    fn by_the_book(quest: &QuestPlus, level: usize) -> f64 {
        [true, false]
            .into_iter()
            .map(|right| {
                let joint: Vec<f64> = quest
                    .posterior
                    .iter()
                    .zip(quest.row(level))
                    .map(|(w, p)| w * if right { *p } else { 1.0 - p })
                    .collect();
                let total: f64 = joint.iter().sum();
                let h: f64 = joint
                    .iter()
                    .filter(|w| **w > 0.0)
                    .map(|w| -(w / total) * (w / total).ln())
                    .sum();
                total * h
            })
            .sum()
    }

    #[test]
    fn the_short_form_of_the_entropy_differs_by_a_constant_only() {
        let settings = Adaptive { hardest_snr_db: 20.0, ..Adaptive::default() };
        let mut quest = QuestPlus::new(&settings);
        for right in [true, true, false] {
            quest.answer(right);
        }
        let offsets: Vec<f64> = (0..quest.levels.len())
            .map(|level| by_the_book(&quest, level) - quest.expected_entropy(level))
            .collect();
        assert!(offsets.iter().all(|offset| (offset - offsets[0]).abs() < 1e-9), "{offsets:?}");
    }

    #[test]
    fn it_homes_in_on_a_listener_without_doubt() {
        let mut quest = QuestPlus::new(&Adaptive::default());
        assert_eq!(quest.snr_db(), 10.0);
        let (_, before) = quest.threshold();
        for _ in 0..60 {
            // Right below 47.5 dB; above it, one of two.
            let level = quest.snr_db();
            let chance = ((level * 7.0) as u64).is_multiple_of(2);
            quest.answer(level < 47.5 || chance);
        }
        let (mean, spread) = quest.threshold();
        assert!(spread < before / 4.0 && (mean - 47.5).abs() < 5.0, "{mean} +- {spread}");
    }
}
