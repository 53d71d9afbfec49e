//! The search for a target that no straight way leads to: within balls around the clip that widen.
//!
//! From noise it takes the steps of projected gradient descent (Madry et al., ICLR 2018) with Adam's
//! directions, long ones first, until it meets the target; where a ball's steps are used up it goes
//! on in a larger one. Noise is needed where the clip is silent, where a log-mel has no gradient or
//! one that bends within less than a step; and steps that only grow (the straight way's) run past a
//! target that is anything but near into saturation. Where there is no gradient in a ball, the next
//! begins from other noise.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::adam::Adam;
use super::approach::{Seen, Start, Walk};
use super::outcome::Observer;
use super::search::{Ended, Search};
use super::space::Space;
use super::vector::norm;

/// Radii of the balls: so many dB below the clip's length.
const RADII_DB: [f64; 7] = [20.0, 15.0, 10.0, 5.0, 0.0, -5.0, -10.0];

/// Length of the noise, relative to the radius of the ball in which it is drawn.
const NOISE: f64 = 0.3;

/// Length of a ball's first step, relative to its radius.
const FIRST_STEP: f64 = 0.2;

/// Length of its last, relative to the first.
const LAST_STEP: f64 = 0.1;

/// Searches for the edge of the target's region with what is left of the walk's steps; the first
/// adversarial clip is offered.
///
/// # Errors
/// As [`Walk::to_the_edge`]; [`Ended::Stuck`] where no ball has a gradient.
pub fn to_the_edge(
    walk: &Walk,
    search: &mut Search<'_>,
    observer: &mut dyn Observer,
    space: &Space,
) -> Result<Option<Start>, Ended> {
    let clip_length = space.clip_length();
    let radius = |db: f64| clip_length * 10f64.powf(-db / 20.0);
    let mut rng = ChaCha8Rng::seed_from_u64(search.problem.seed);
    // Another start for each further try.
    rng.set_stream(search.iterations as u64);
    let mut noise = |radius: f64| -> Vec<f64> {
        let origin = space.origin();
        let mut offset: Vec<f64> = origin.iter().map(|_| StandardNormal.sample(&mut rng)).collect();
        rescale(&mut offset, NOISE * radius);
        offset
    };
    let mut offset = noise(radius(RADII_DB[0]));
    let (mut moved, mut stuck) = (false, None);
    for (index, db) in RADII_DB.into_iter().enumerate() {
        let balls = RADII_DB.len() - index;
        let steps = walk.end.saturating_sub(search.iterations) / balls;
        let stage = format!("approach within {db:.0} dB");
        let radius = radius(db);
        let mut adam = Adam::new(offset.len(), walk.block);
        for done in 0..steps {
            let gradient = match walk.look(search, observer, space, &stage, &offset, 0.0) {
                Ok(Seen::Goal(start)) => return Ok(Some(start)),
                Ok(Seen::Way { gradient, .. }) => gradient,
                Err(Ended::Stuck(reason)) => {
                    stuck = Some(reason);
                    offset = noise(radius);
                    break;
                }
                Err(ended) => return Err(ended),
            };
            moved = true;
            let length = FIRST_STEP * LAST_STEP.powf(done as f64 / steps as f64) * radius;
            adam.step(&mut offset, &gradient, length);
            if norm(&offset) > radius {
                rescale(&mut offset, radius);
            }
        }
    }
    stuck.filter(|_| !moved).map_or(Ok(None), |reason| Err(Ended::Stuck(reason)))
}

/// Makes an offset so long.
fn rescale(offset: &mut [f64], length: f64) {
    let factor = length / norm(offset).max(f64::MIN_POSITIVE);
    for value in offset {
        *value *= factor;
    }
}
