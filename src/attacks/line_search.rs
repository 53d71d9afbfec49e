//! A line search for the strong Wolfe conditions: Nocedal and Wright, "Numerical optimization", 2nd
//! edition 2006, algorithms 3.5 and 3.6, with safeguarded cubic interpolation.

/// Share of the decrease that the slope at the start promises which a step must bring at least.
pub const DECREASE: f64 = 1e-4;

/// Share of the slope at the start that may be left where a step ends: loose, as is usual for
/// quasi-Newton directions, whose full step is mostly right.
pub const CURVATURE: f64 = 0.9;

/// By how much a step that is too short grows, least and most.
const GROWTH: [f64; 2] = [2.0, 10.0];

/// How near to the ends of its bracket, relative to its width, a trial may come.
const MARGIN: f64 = 0.1;

/// One point on the line.
#[derive(Clone, Debug)]
pub struct Trial<P> {
    /// How far along the direction.
    pub step: f64,
    /// The function there.
    pub value: f64,
    /// Its derivative along the direction there.
    pub slope: f64,
    /// What else the caller wants to know of the point.
    pub payload: P,
}

/// What a line search found.
#[derive(Clone, Debug)]
pub enum Found<P> {
    /// A step that fulfils both conditions.
    Wolfe(Trial<P>),
    /// The evaluations were used up, or the numbers' resolution: the lowest step that fulfils the
    /// condition of decrease.
    Decrease(Trial<P>),
    /// No step that decreases the function enough.
    Nothing,
}

struct Line {
    value: f64,
    slope: f64,
}

impl Line {
    /// Whether a trial is low enough. One that is not a number is not.
    fn decreases<P>(&self, trial: &Trial<P>) -> bool {
        trial.value <= self.value + DECREASE * trial.step * self.slope && trial.slope.is_finite()
    }

    fn is_flat<P>(&self, trial: &Trial<P>) -> bool {
        trial.slope.abs() <= -CURVATURE * self.slope
    }
}

/// Searches along a direction on which the function has `value` and a negative `slope` at 0,
/// beginning with the step `first`, with at most `evaluations` of `evaluate`.
///
/// # Errors
/// Those of `evaluate`, at once: so the caller may stop at any evaluation.
pub fn strong_wolfe<P, E>(
    value: f64,
    slope: f64,
    first: f64,
    evaluations: usize,
    mut evaluate: impl FnMut(f64) -> Result<Trial<P>, E>,
) -> Result<Found<P>, E> {
    let line = Line { value, slope };
    if !(slope < 0.0 && first > 0.0 && first.is_finite()) {
        return Ok(Found::Nothing);
    }
    // The lowest point so far; none is the start.
    let mut low: Option<Trial<P>> = None;
    let mut step = first;
    for used in 1..=evaluations {
        let trial = evaluate(step)?;
        let (low_step, low_value, low_slope) = ends(&line, low.as_ref());
        let high = (trial.step, trial.value, trial.slope);
        let rest = evaluations - used;
        if !line.decreases(&trial) || low.is_some() && trial.value >= low_value {
            return zoom(&line, low, high, rest, evaluate);
        }
        if line.is_flat(&trial) {
            return Ok(Found::Wolfe(trial));
        }
        if trial.slope >= 0.0 {
            return zoom(&line, Some(trial), (low_step, low_value, low_slope), rest, evaluate);
        }
        let guess = cubic_minimum((low_step, low_value, low_slope), high);
        step = guess
            .filter(|&guess| guess > trial.step)
            .unwrap_or(f64::INFINITY)
            .clamp(GROWTH[0] * trial.step, GROWTH[1] * trial.step);
        low = Some(trial);
    }
    Ok(low.map_or(Found::Nothing, Found::Decrease))
}

type End = (f64, f64, f64);

fn ends<P>(line: &Line, low: Option<&Trial<P>>) -> End {
    low.map_or((0.0, line.value, line.slope), |low| (low.step, low.value, low.slope))
}

/// Narrows a bracket between the lowest point, whose slope leads into it, and `high`.
fn zoom<P, E>(
    line: &Line,
    mut low: Option<Trial<P>>,
    mut high: End,
    evaluations: usize,
    mut evaluate: impl FnMut(f64) -> Result<Trial<P>, E>,
) -> Result<Found<P>, E> {
    for used in 0..evaluations {
        let from = ends(line, low.as_ref());
        let width = high.0 - from.0;
        if width.abs() <= f64::EPSILON * high.0.abs().max(from.0) {
            break;
        }
        // Every third trial halves the bracket, which interpolation alone may not shrink for long.
        let share = cubic_minimum(from, high)
            .filter(|_| used % 3 < 2)
            .map_or(0.5, |minimum| ((minimum - from.0) / width).clamp(MARGIN, 1.0 - MARGIN));
        let trial = evaluate(from.0 + share * width)?;
        if !line.decreases(&trial) || trial.value >= from.1 {
            high = (trial.step, trial.value, trial.slope);
            continue;
        }
        if line.is_flat(&trial) {
            return Ok(Found::Wolfe(trial));
        }
        if trial.slope * width >= 0.0 {
            high = from;
        }
        low = Some(trial);
    }
    Ok(low.map_or(Found::Nothing, Found::Decrease))
}

/// Where the cubic through two points with their slopes has its minimum, if it has one.
fn cubic_minimum(a: End, b: End) -> Option<f64> {
    let width = b.0 - a.0;
    let d1 = a.2 + b.2 - 3.0 * (b.1 - a.1) / width;
    let square = d1 * d1 - a.2 * b.2;
    let d2 = square.sqrt().copysign(width);
    let minimum = b.0 - width * (b.2 + d2 - d1) / (b.2 - a.2 + 2.0 * d2);
    minimum.is_finite().then_some(minimum)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// A smooth function of one variable with many minima, and its derivative.
    fn wavy(x: f64, [tilt, bend, height, pitch]: [f64; 4]) -> (f64, f64) {
        let value = tilt * x + bend * x * x + height * (pitch * x).sin();
        (value, tilt + 2.0 * bend * x + height * pitch * (pitch * x).cos())
    }

    proptest! {
        #[test]
        fn what_is_found_fulfils_the_strong_wolfe_conditions(
            tilt in -5.0f64..-0.1,
            bend in 0.001f64..10.0,
            height in 0.0f64..0.9,
            pitch in 0.1f64..20.0,
            decades in -6.0f64..6.0,
        ) {
            let shape = [tilt, bend, height, pitch];
            let (value, slope) = wavy(0.0, shape);
            prop_assume!(slope < -1e-3);
            let mut count = 0;
            let found = strong_wolfe(value, slope, 10f64.powf(decades), 60, |step| {
                count += 1;
                let (value, slope) = wavy(step, shape);
                Ok::<_, Infallible>(Trial { step, value, slope, payload: () })
            });
            let Ok(Found::Wolfe(trial)) = found else {
                return Err(TestCaseError::fail(format!("{found:?} after {count}")));
            };
            prop_assert_eq!((trial.value, trial.slope), wavy(trial.step, shape));
            prop_assert!(trial.step > 0.0);
            prop_assert!(trial.value <= value + DECREASE * trial.step * slope);
            prop_assert!(trial.slope.abs() <= CURVATURE * slope.abs());
            prop_assert!(count <= 60);
        }

        #[test]
        fn a_function_that_is_no_number_beyond_a_point_is_searched_before_it(
            wall in 0.01f64..1.0,
            decades in -3.0f64..6.0,
        ) {
            // Its minimum, at wall / 2, lies before where it ends.
            let function = |x: f64| if x < wall {
                (x * x - wall * x, 2.0 * x - wall)
            } else {
                (f64::NAN, f64::NAN)
            };
            let found = strong_wolfe(0.0, -wall, 10f64.powf(decades), 60, |step| {
                let (value, slope) = function(step);
                Ok::<_, Infallible>(Trial { step, value, slope, payload: () })
            });
            let Ok(Found::Wolfe(trial)) = found else {
                return Err(TestCaseError::fail(format!("{found:?}")));
            };
            prop_assert!(trial.step < wall);
        }
    }

    #[test]
    fn an_error_ends_it_at_once() {
        let mut calls = 0;
        let found = strong_wolfe::<(), _>(0.0, -1.0, 1.0, 60, |_| {
            calls += 1;
            Err("stop")
        });
        assert_eq!(found.err(), Some("stop"));
        assert_eq!(calls, 1);
    }

    #[test]
    fn without_descent_there_is_nothing() {
        for slope in [0.0, 1.0, f64::NAN] {
            let found = strong_wolfe::<(), Infallible>(0.0, slope, 1.0, 60, |_| unreachable!());
            assert!(matches!(found, Ok(Found::Nothing)));
        }
        // A function that belies its slope.
        let found = strong_wolfe(0.0, -1.0, 1.0, 12, |step| {
            Ok::<_, Infallible>(Trial { step, value: 1.0, slope: 0.0, payload: () })
        });
        assert!(matches!(found, Ok(Found::Nothing)));
    }
}
