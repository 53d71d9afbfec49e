//! The way back: from an adversarial clip along its own perturbation to the boundary.

use std::sync::Arc;

use super::outcome::Observer;
use super::search::{Ended, Search};

/// Most steps that [`walk_back`] takes.
pub const PROBES: usize = 22;

/// Share of the perturbation that the first probe takes off; each further one takes twice as much,
/// until one is not adversarial.
const FIRST_CUT: f64 = 0.01;

/// Width, relative to the perturbation, at which the bisection ends: a thousandth of a dB.
const WIDTH: f64 = 1e-4;

/// Scales the perturbation of an adversarial clip down to the boundary: an exact bisection of its
/// length by the model's answers alone, which costs no gradient.
///
/// # Errors
/// [`Ended::Stopped`] where the observer says stop, [`Ended::Failed`] where the model fails.
pub fn walk_back(
    search: &mut Search<'_>,
    observer: &mut dyn Observer,
    samples: &[f32],
) -> Result<(), Ended> {
    let clean = &search.problem.samples;
    let perturbation: Vec<f64> =
        samples.iter().zip(clean.iter()).map(|(&y, &x)| f64::from(y) - f64::from(x)).collect();
    let (mut outside, mut inside) = (0.0, 1.0);
    let mut cut = FIRST_CUT;
    for _ in 0..PROBES {
        if inside - outside <= WIDTH * inside {
            break;
        }
        let scale =
            if outside == 0.0 && cut < 0.5 { inside - cut } else { 0.5 * (outside + inside) };
        cut *= 2.0;
        // A convex combination of two points in the box stays in it.
        let candidate: Vec<f32> = clean
            .iter()
            .zip(&perturbation)
            .map(|(&x, r)| (f64::from(x) + scale * r).clamp(-1.0, 1.0) as f32)
            .collect();
        let verdict = search.classify(&candidate)?;
        if search.reaches_goal(&verdict) {
            inside = scale;
            search.offer(&candidate, &verdict);
        } else {
            outside = scale;
        }
        search.step(observer, "back to the boundary", &candidate, &verdict)?;
    }
    Ok(())
}

/// The same from the best clip so far, where there is one; what breaks then costs nothing found.
///
/// # Errors
/// [`Ended::Stopped`] where the observer says stop.
pub fn walk_back_best(search: &mut Search<'_>, observer: &mut dyn Observer) -> Result<(), Ended> {
    let Some((samples, _)) = search.best() else { return Ok(()) };
    let samples = Arc::clone(samples);
    let back = walk_back(search, observer, &samples);
    search.part(back).map(|_| ())
}
