//! Something to time, and how several are timed fairly.

use std::time::Instant;

use candle_core::Result;

use super::spread::Spread;

/// One thing to time.
pub struct Case<'a> {
    /// What is timed, such as `network-gradient`.
    pub name: &'static str,
    /// How many inputs are computed at once.
    pub batch: usize,
    job: Box<dyn Fn() -> Result<usize> + Send + Sync + 'a>,
}

/// What timing a case gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// [`Case::name`].
    pub name: &'static str,
    /// [`Case::batch`].
    pub batch: usize,
    /// Milliseconds of a run, over the rounds.
    pub milliseconds: Spread,
    /// How many steps a run takes: an attack's iterations, 1 of all else.
    pub steps: usize,
}

impl<'a> Case<'a> {
    /// A job that is one step.
    pub fn new(
        name: &'static str,
        batch: usize,
        job: impl Fn() -> Result<()> + Send + Sync + 'a,
    ) -> Self {
        Self::of_steps(name, batch, move || job().map(|()| 1))
    }

    /// A job that says how many steps it took.
    pub fn of_steps(
        name: &'static str,
        batch: usize,
        job: impl Fn() -> Result<usize> + Send + Sync + 'a,
    ) -> Self {
        Self { name, batch, job: Box::new(job) }
    }

    /// Runs the job once: milliseconds and steps.
    ///
    /// # Errors
    /// Where the job fails.
    pub fn time(&self) -> Result<(f64, usize)> {
        let start = Instant::now();
        let steps = (self.job)()?;
        Ok((start.elapsed().as_secs_f64() * 1e3, steps))
    }
}

/// Times all cases in turn, `rounds` times (at least once) after a first round that does not count:
/// a machine that gets slower or busier meanwhile does so for all of them. `done` hears of every
/// run, those of the first round included.
///
/// # Errors
/// Where a job fails.
pub fn interleave(cases: &[Case<'_>], rounds: usize, done: impl FnMut()) -> Result<Vec<Timing>> {
    interleave_by(cases, rounds, Case::time, done)
}

/// The same with times that `time` gives.
fn interleave_by<'a>(
    cases: &[Case<'a>],
    rounds: usize,
    time: impl Fn(&Case<'a>) -> Result<(f64, usize)>,
    mut done: impl FnMut(),
) -> Result<Vec<Timing>> {
    let mut runs = vec![(Vec::new(), 0); cases.len()];
    for round in 0..=rounds.max(1) {
        for (case, (times, steps)) in cases.iter().zip(&mut runs) {
            let (milliseconds, taken) = time(case)?;
            if round > 0 {
                times.push(milliseconds);
                *steps = taken;
            }
            done();
        }
    }
    let timings = cases.iter().zip(runs).filter_map(|(case, (times, steps))| {
        let milliseconds = Spread::of(&times)?;
        Some(Timing { name: case.name, batch: case.batch, milliseconds, steps })
    });
    Ok(timings.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn cases_take_turns_and_the_first_round_does_not_count() {
        let order = Mutex::new(Vec::new());
        let job = |name: char, steps: usize| {
            let order = &order;
            move || {
                order.lock().unwrap().push(name);
                Ok(steps)
            }
        };
        let cases = [Case::of_steps("a", 1, job('a', 1)), Case::of_steps("b", 8, job('b', 3))];
        // The first round is slow.
        let time = |case: &Case<'_>| {
            let (_, steps) = case.time()?;
            let before = order.lock().unwrap().len();
            Ok((if before <= 2 { 1000.0 } else { before as f64 }, steps))
        };
        let mut runs = 0;
        let timings = interleave_by(&cases, 3, time, || runs += 1).unwrap();
        assert_eq!(order.lock().unwrap().iter().collect::<String>(), "abababab");
        assert_eq!(runs, 8);
        assert_eq!(timings[0].milliseconds.median, 5.0);
        assert_eq!(timings[1].milliseconds.median, 6.0);
        assert!(timings.iter().all(|timing| timing.milliseconds.high < 1000.0), "{timings:?}");
        assert_eq!((timings[1].name, timings[1].batch, timings[1].steps), ("b", 8, 3));
        assert_eq!(timings[0].steps, 1);
    }

    #[test]
    fn a_failure_is_told() {
        let cases = [Case::new("bad", 1, || candle_core::bail!("no more memory"))];
        let error = interleave(&cases, 1, || ()).unwrap_err();
        assert!(error.to_string().contains("no more memory"), "{error}");
    }
}
