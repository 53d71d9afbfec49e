//! Limited-memory BFGS: Liu and Nocedal, "On the limited memory BFGS method for large scale
//! optimization", Mathematical Programming 45, 1989, with a line search for the strong Wolfe
//! conditions.
//!
//! It is written here because no kept crate can be stopped within one evaluation and fail in one:
//! `lbfgsb-rs-pure` has the algorithm with bounds, but its function may not fail, and is asked for
//! again and again between two callbacks; `argmin` asks for value and gradient in separate calls
//! and may be stopped between iterations only; `lbfgs` leaves the line search to its caller, and
//! `liblbfgs` prints what goes wrong.

use std::collections::VecDeque;

use super::line_search::{Found, Trial, strong_wolfe};
use super::vector::{add_scaled, dot, norm};

/// Evaluations of one line search.
const LINE_EVALUATIONS: usize = 12;

/// A gradient this short, relative to the first, ends it: the point is stationary as far as rounding
/// lets through.
const RELATIVE_GRADIENT: f64 = 1e-9;

/// How a minimisation is done.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Pairs of steps and gradient differences that are remembered.
    pub memory: usize,
    /// Most evaluations of the function with its gradient.
    pub evaluations: usize,
    /// Length of the first trial step.
    pub first_step: f64,
}

/// Where a minimisation ended: the lowest point that it accepted.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The point.
    pub point: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// Its gradient there.
    pub gradient: Vec<f64>,
    /// Whether it ended before its evaluations did: at a stationary point, or where no step brings
    /// a decrease that rounding lets through.
    pub settled: bool,
}

/// The last steps and what the gradient did along them.
struct Memory {
    pairs: VecDeque<Pair>,
    limit: usize,
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// Their inner product, positive.
    curvature: f64,
}

impl Memory {
    fn new(limit: usize) -> Self {
        Self { pairs: VecDeque::new(), limit }
    }

    /// Takes in a step, unless the function bends the wrong way along it.
    fn learn(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let curvature = dot(&step, &change);
        if !(curvature > f64::EPSILON * norm(&step) * norm(&change)) {
            return;
        }
        if self.pairs.len() >= self.limit {
            self.pairs.pop_front();
        }
        self.pairs.push_back(Pair { step, change, curvature });
    }

    /// Minus the approximate inverse Hessian times the gradient, by the two-loop recursion.
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let share = dot(&pair.step, &direction) / pair.curvature;
            add_scaled(&mut direction, -share, &pair.change);
            shares.push(share);
        }
        if let Some(last) = self.pairs.back() {
            let scale = last.curvature / dot(&last.change, &last.change);
            direction.iter_mut().for_each(|d| *d *= scale);
        }
        for (pair, share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let back = dot(&pair.change, &direction) / pair.curvature;
            add_scaled(&mut direction, share - back, &pair.step);
        }
        direction
    }
}

/// Minimises a function from `start`. `evaluate` gives its value and gradient at a point.
///
/// # Errors
/// Those of `evaluate`, at once: so the caller may stop at any evaluation.
pub fn minimise<E>(
    start: Vec<f64>,
    settings: &Settings,
    mut evaluate: impl FnMut(&[f64]) -> Result<(f64, Vec<f64>), E>,
) -> Result<Minimum, E> {
    let mut used = 1;
    let (value, gradient) = evaluate(&start)?;
    let steepest = norm(&gradient);
    let mut at = Minimum { point: start, value, gradient, settled: false };
    let mut memory = Memory::new(settings.memory);
    while used < settings.evaluations {
        let slope = norm(&at.gradient);
        if !(slope > RELATIVE_GRADIENT * steepest && slope.is_finite() && at.value.is_finite()) {
            at.settled = true;
            break;
        }
        let fresh = memory.pairs.is_empty();
        let direction = memory.direction(&at.gradient);
        let first = if fresh { settings.first_step / slope } else { 1.0 };
        let along = dot(&direction, &at.gradient);
        let budget = LINE_EVALUATIONS.min(settings.evaluations - used);
        let found = strong_wolfe(at.value, along, first, budget, |step| {
            used += 1;
            let mut point = at.point.clone();
            add_scaled(&mut point, step, &direction);
            let (value, gradient) = evaluate(&point)?;
            let slope = dot(&gradient, &direction);
            Ok(Trial { step, value, slope, payload: (point, gradient) })
        })?;
        let (Found::Wolfe(trial) | Found::Decrease(trial)) = found else {
            // What is remembered may mislead; where it was nothing, there is no way down.
            if fresh {
                at.settled = used < settings.evaluations;
                break;
            }
            memory = Memory::new(settings.memory);
            continue;
        };
        let (point, gradient) = trial.payload;
        let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        memory.learn(difference(&point, &at.point), difference(&gradient, &at.gradient));
        at = Minimum { point, value: trial.value, gradient, settled: false };
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Rosenbrock's valley in many dimensions, its minimum at ones.
    fn valley(x: &[f64]) -> Result<(f64, Vec<f64>), Infallible> {
        let mut gradient = vec![0.0; x.len()];
        let mut value = 0.0;
        for i in 0..x.len() - 1 {
            let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
            value += a * a + 100.0 * b * b;
            gradient[i] += -2.0 * a - 400.0 * x[i] * b;
            gradient[i + 1] += 200.0 * b;
        }
        Ok((value, gradient))
    }

    #[test]
    fn the_end_of_a_bent_valley_is_found() {
        let settings = Settings { memory: 15, evaluations: 1000, first_step: 0.1 };
        let start: Vec<f64> = (0..30).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect();
        let Ok(end) = minimise(start, &settings, valley);
        assert!(end.settled);
        assert!(end.value < 1e-12, "{}", end.value);
        assert!(end.point.iter().all(|x| (x - 1.0).abs() < 1e-6));
    }

    proptest! {
        #[test]
        fn a_quadratic_form_needs_few_evaluations(
            bends in prop::collection::vec(0.01f64..100.0, 12),
            centre in prop::collection::vec(-5.0f64..5.0, 12),
        ) {
            let settings = Settings { memory: 15, evaluations: 400, first_step: 1.0 };
            let Ok(end) = minimise(vec![0.0; 12], &settings, |x| {
                let gap: Vec<f64> = x.iter().zip(&centre).map(|(x, c)| x - c).collect();
                let gradient: Vec<f64> = gap.iter().zip(&bends).map(|(g, b)| g * b).collect();
                Ok::<_, Infallible>((0.5 * dot(&gap, &gradient), gradient))
            });
            for (x, c) in end.point.iter().zip(&centre) {
                prop_assert!((x - c).abs() < 1e-5, "{x} but {c}");
            }
        }

        #[test]
        fn it_stops_where_it_is_told_to(stop in 1usize..60) {
            let settings = Settings { memory: 5, evaluations: 1000, first_step: 0.1 };
            let mut calls = 0;
            let ended = minimise(vec![-1.2; 20], &settings, |x| {
                calls += 1;
                if calls == stop { Err(()) } else { Ok(valley(x).unwrap()) }
            });
            prop_assert!(ended.is_err());
            prop_assert_eq!(calls, stop);
        }

        #[test]
        fn it_keeps_to_its_evaluations_and_never_goes_up(evaluations in 1usize..80) {
            let settings = Settings { memory: 5, evaluations, first_step: 0.1 };
            let mut calls = 0;
            let Ok(end) = minimise(vec![-1.2; 20], &settings, |x| {
                calls += 1;
                valley(x)
            });
            prop_assert!(calls <= evaluations);
            let Ok((start, _)) = valley(&[-1.2; 20]);
            prop_assert!(end.value <= start);
            let Ok((value, gradient)) = valley(&end.point);
            prop_assert_eq!((value, gradient), (end.value, end.gradient));
        }
    }
}
