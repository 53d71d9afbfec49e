//! A model of a model: what its answers depend on, learnt from questions and answers alone.
//!
//! Bayesian linear regression, which is a Gaussian process with a linear kernel: answers are linear
//! in the decibels of [`super::cells`], with slopes that are thought, before any answer, to be
//! alike in neighbouring cells. That is a sum of independent normal slopes for cells, for squares
//! of 2 x 2 of them, of 4 x 4, and so on, of equal variance: coarse features show after few
//! answers, fine ones after many.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::vector::dot;

/// Variance of an answer that has nothing to do with the distance, relative to that of a cell's
/// slope: keeps the equations solvable where two questions are the same.
const LEAST_NOISE: f64 = 1e-6;

/// What is thought of slopes before any answer.
#[derive(Clone, Copy)]
pub struct Prior {
    bands: usize,
    segments: usize,
}

impl Prior {
    /// For so many cells in bands.
    pub fn new(cells: usize, bands: usize) -> Self {
        Self { bands, segments: cells / bands }
    }

    /// The size of squares, from fine to coarse.
    fn scales(self) -> impl Iterator<Item = usize> {
        let coarsest = self.bands.max(self.segments).next_power_of_two();
        (0..=coarsest.ilog2()).map(|power| 1 << power)
    }

    /// The square of each cell, and the number of squares.
    fn squares(self, scale: usize) -> (impl Iterator<Item = usize>, usize) {
        let across = self.bands.div_ceil(scale);
        let bands = self.bands;
        let cells = (0..bands * self.segments)
            .map(move |cell| cell / bands / scale * across + cell % bands / scale);
        (cells, across * self.segments.div_ceil(scale))
    }

    /// Slopes at random.
    pub fn draw(self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut slopes = vec![0.0; self.bands * self.segments];
        for scale in self.scales() {
            let (squares, count) = self.squares(scale);
            let values: Vec<f64> = (0..count).map(|_| StandardNormal.sample(rng)).collect();
            for (slope, square) in slopes.iter_mut().zip(squares) {
                *slope += values[square];
            }
        }
        slopes
    }

    /// The covariance times a vector.
    fn times(self, vector: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; vector.len()];
        for scale in self.scales() {
            let (squares, count) = self.squares(scale);
            let mut sums = vec![0.0; count];
            for (value, square) in vector.iter().zip(squares) {
                sums[square] += value;
            }
            for (product, square) in product.iter_mut().zip(self.squares(scale).0) {
                *product += sums[square];
            }
        }
        product
    }
}

/// Questions that were asked, as differences from one of them, and what can be concluded.
pub struct Surrogate {
    prior: Prior,
    differences: Vec<Vec<f64>>,
    /// The prior's covariance times the differences.
    spread: Vec<Vec<f64>>,
    /// Variances of answers, relative to that of a slope: as the prior has them.
    expected: Vec<f64>,
    /// What of them no linear model explains.
    noise: Vec<f64>,
    /// Cholesky factor of the answers' covariance, its lower rows.
    factor: Vec<Vec<f64>>,
}

impl Surrogate {
    /// For these questions. Answers are taken for linear but for an error of `error` times what is
    /// expected: it grows with the distance.
    pub fn new(prior: Prior, differences: Vec<Vec<f64>>, error: f64) -> Self {
        let spread: Vec<Vec<f64>> = differences.iter().map(|d| prior.times(d)).collect();
        let mut factor: Vec<Vec<f64>> = differences
            .iter()
            .enumerate()
            .map(|(i, own)| spread[..=i].iter().map(|other| dot(own, other)).collect())
            .collect();
        let expected: Vec<f64> = factor.iter().enumerate().map(|(i, row)| row[i]).collect();
        let noise: Vec<f64> =
            expected.iter().map(|variance| error * error * variance + LEAST_NOISE).collect();
        for (i, noise) in noise.iter().enumerate() {
            factor[i][i] += noise;
        }
        cholesky(&mut factor);
        Self { prior, differences, spread, expected, noise, factor }
    }

    /// The mean of squared answers, relative to what is expected: the variance of a slope.
    pub fn variance(&self, answers: &[f64]) -> f64 {
        let each = answers.iter().zip(&self.expected).filter(|(_, variance)| **variance > 0.0);
        let (sum, count) = each.fold((0.0, 0), |(sum, count), (answer, variance)| {
            (sum + answer * answer / variance, count + 1)
        });
        if count == 0 { 0.0 } else { sum / f64::from(count) }
    }

    /// The slopes that are thought likeliest after these answers; with a chance to be what they
    /// might be as well, where given.
    pub fn slopes(&self, answers: &[f64], chance: Option<&Chance>) -> Vec<f64> {
        let mut slopes =
            chance.map_or_else(|| vec![0.0; self.cells()], |chance| chance.slopes.clone());
        let mut rest = answers.to_vec();
        if let Some(chance) = chance {
            for ((rest, difference), error) in
                rest.iter_mut().zip(&self.differences).zip(&chance.errors)
            {
                *rest += error - dot(difference, &slopes);
            }
        }
        solve(&self.factor, &mut rest);
        for (spread, share) in self.spread.iter().zip(&rest) {
            for (slope, spread) in slopes.iter_mut().zip(spread) {
                *slope += share * spread;
            }
        }
        slopes
    }

    /// A draw of slopes and errors of that standard deviation of a slope, which
    /// [`Self::slopes`] corrects for the answers (Matheron's rule): a sample of the posterior.
    pub fn chance(&self, deviation: f64, rng: &mut ChaCha8Rng) -> Chance {
        let slopes = self.prior.draw(rng).iter().map(|slope| deviation * slope).collect();
        let errors = self.noise.iter().map(|variance| {
            let normal: f64 = StandardNormal.sample(rng);
            deviation * variance.sqrt() * normal
        });
        Chance { slopes, errors: errors.collect() }
    }

    fn cells(&self) -> usize {
        self.prior.bands * self.prior.segments
    }
}

/// One world that is possible before any answer.
pub struct Chance {
    slopes: Vec<f64>,
    errors: Vec<f64>,
}

/// Replaces the lower rows of a positive matrix by those of its Cholesky factor.
fn cholesky(rows: &mut [Vec<f64>]) {
    for i in 0..rows.len() {
        let (above, rest) = rows.split_at_mut(i);
        let row = &mut rest[0];
        for (j, other) in above.iter().enumerate() {
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        // Rounding must not make it negative.
        row[i] = (row[i] - dot(&row[..i], &row[..i])).max(LEAST_NOISE * LEAST_NOISE).sqrt();
    }
}

/// Solves `L L^T x = b` in place.
fn solve(factor: &[Vec<f64>], values: &mut [f64]) {
    for (i, row) in factor.iter().enumerate() {
        values[i] = (values[i] - dot(&row[..i], &values[..i])) / row[i];
    }
    for (i, row) in factor.iter().enumerate().rev() {
        values[i] /= row[i];
        let value = values[i];
        for (earlier, factor) in values[..i].iter_mut().zip(&row[..i]) {
            *earlier -= factor * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    fn setting() -> (Vec<f64>, Vec<Vec<f64>>, Prior, ChaCha8Rng) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let prior = Prior::new(30, 6);
        let truth = prior.draw(&mut rng);
        let questions = (0..60).map(|_| prior.draw(&mut rng)).collect();
        (truth, questions, prior, rng)
    }

    #[test]
    fn slopes_of_a_linear_answer_are_found() {
        let (truth, questions, prior, mut rng) = setting();
        let answers: Vec<f64> = questions.iter().map(|question| dot(question, &truth)).collect();
        let surrogate = Surrogate::new(prior, questions, 1e-4);
        assert!((0.1..10.0).contains(&surrogate.variance(&answers)));
        let chance = surrogate.chance(1.0, &mut rng);
        for chance in [None, Some(&chance)] {
            for (found, truth) in surrogate.slopes(&answers, chance).iter().zip(&truth) {
                assert!((found - truth).abs() < 0.02, "{found} but {truth}");
            }
        }
    }

    #[test]
    fn few_answers_show_what_neighbours_share() {
        let (_, questions, prior, _) = setting();
        // Alike in all bands of a piece of time.
        let truth: Vec<f64> = (0..30).map(|cell| if cell < 12 { 1.0 } else { -1.0 }).collect();
        let few: Vec<_> = questions.into_iter().take(15).collect();
        let answers: Vec<f64> = few.iter().map(|question| dot(question, &truth)).collect();
        let found = Surrogate::new(prior, few, 0.1).slopes(&answers, None);
        let cosine = dot(&found, &truth) / (dot(&found, &found) * dot(&truth, &truth)).sqrt();
        // Without the prior 15 answers of 30 unknowns give 0.7.
        assert!(cosine > 0.85, "{cosine}");
    }
}
