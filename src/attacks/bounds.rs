//! The binary search over the weight of being adversarial in a loss that has a distance besides.

/// The largest weight whose search failed, and the smallest whose search succeeded.
pub struct Bounds {
    failed: Option<f64>,
    succeeded: Option<f64>,
    /// By what a weight is multiplied while all have failed.
    growth: f64,
}

impl Bounds {
    /// Nothing is known yet.
    pub fn new(growth: f64) -> Self {
        Self { failed: None, succeeded: None, growth }
    }

    /// Takes in how the search with `weight` ended and gives the next weight: bisection (of the
    /// logarithm) once both sides are known, growth upwards, halving downwards.
    pub fn next(&mut self, weight: f64, success: bool) -> f64 {
        if success {
            self.succeeded = Some(self.succeeded.map_or(weight, |known| known.min(weight)));
        } else {
            self.failed = Some(self.failed.map_or(weight, |known| known.max(weight)));
        }
        match (self.failed, self.succeeded) {
            (Some(failed), Some(succeeded)) => (failed * succeeded).sqrt(),
            (Some(failed), None) => self.growth * failed,
            (None, Some(succeeded)) => 0.5 * succeeded,
            (None, None) => weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_in_on_the_least_weight_that_suffices() {
        for (least, growth) in [(37.0, 10.0), (0.003, 2.0)] {
            let mut bounds = Bounds::new(growth);
            let mut weight = 1.0;
            for _ in 0..30 {
                weight = bounds.next(weight, weight >= least);
            }
            assert!((weight / least - 1.0).abs() < 1e-3, "{weight} {least}");
        }
    }
}
