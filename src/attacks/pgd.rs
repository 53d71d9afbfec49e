//! Projected gradient descent: Madry et al., "Towards deep learning models resistant to adversarial
//! attacks", ICLR 2018, on the waveform, untargeted and targeted, with the momentum of Dong et al.,
//! "Boosting adversarial attacks with momentum", CVPR 2018, as an option.
//!
//! It takes equal steps along the gradient of the cross-entropy (away from the original label, or
//! towards the target) and projects each onto the perturbations of a given size: a ball at a fixed
//! SNR, where steps follow the gradient, or a cube of a largest amplitude, where they follow its
//! sign. As in the authors' programs a step is [`STEP`] times the size over the number of steps. A
//! start at random in the ball is an option, and further starts are always random.
//!
//! Of all points it keeps the one that reaches the goal by the widest margin. At a fixed SNR those
//! are points on the sphere, at the exact SNR after clipping ([`super::scale`]): one from inside the
//! ball is scaled outwards and asked about again, also where the attack is stopped early. Only where
//! no point of the sphere reaches the goal, one from inside that does is kept, and the outcome's note
//! says so. With 16 bits each point is one that a 16-bit file holds, in the cube and at that SNR all
//! the same.

use std::fmt;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::gradient::Evaluation;
use super::outcome::{Observer, Outcome, Problem};
use super::scale::{perturb_at_snr, perturb_at_snr_in_16_bits};
use super::search::{self, Ended, Search};
use super::spec::Preset;
use super::vector::{norm, wide};
use super::{Attack, AttackId};
use crate::audio::round_to_bits;
use crate::models::Classifier;

/// All steps together, relative to the size of the perturbation.
const STEP: f64 = 2.5;

/// How large the perturbation is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// SNR in dB.
    Snr(f64),
    /// Largest magnitude of a sample of the perturbation, in dB relative to full scale.
    Peak(f64),
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snr(db) => write!(f, "{db:.1} dB SNR"),
            Self::Peak(dbfs) => write!(f, "a peak of {dbfs:.1} dBFS"),
        }
    }
}

/// The attack with its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pgd {
    /// How large the perturbation is.
    pub size: Size,
    /// Gradient steps from each start.
    pub iterations: usize,
    /// How often it starts, the first time from the clean clip.
    pub starts: usize,
    /// Whether the first start is at random, too.
    pub random_start: bool,
    /// Share of the gradients before that each step keeps: 0 for none (Madry), 1 as Dong et al.
    pub momentum: f64,
}

impl Pgd {
    /// The options of a preset, at that size.
    pub fn preset(preset: Preset, size: Size) -> Self {
        let (iterations, starts) = match preset {
            // Their number for photographs.
            Preset::Quick => (20, 1),
            // Of the authors' evaluations: 40 steps for digits, 20 of them for photographs.
            Preset::Paper => (40, 1),
            // Two and a half times the steps, and starts enough that one in a bad corner costs nothing.
            Preset::Best => (100, 5),
        };
        Self { size, iterations, starts, random_start: false, momentum: 0.0 }
    }
}

impl Attack for Pgd {
    fn id(&self) -> AttackId {
        AttackId::Pgd
    }

    fn run(
        &self,
        classifier: &dyn Classifier,
        problem: &Problem,
        observer: &mut dyn Observer,
    ) -> Outcome {
        search::run(classifier, problem, |search| self.search(search, observer))
    }
}

/// The perturbations that are allowed.
struct Ball<'a> {
    size: Size,
    /// Whether clips in it are to be such as a 16-bit file holds.
    sixteen_bit: bool,
    samples: &'a [f32],
    clean: Vec<f64>,
    /// Length (at a fixed SNR) or largest magnitude.
    radius: f64,
}

/// A clip in the ball.
struct Point {
    samples: Vec<f32>,
    /// Whether it has the full size that was asked for.
    at_full_size: bool,
}

impl<'a> Ball<'a> {
    fn new(size: Size, problem: &'a Problem) -> Result<Self, Ended> {
        let (samples, sixteen_bit) = (&*problem.samples, problem.sixteen_bit);
        let clean = wide(samples);
        let radius = match size {
            Size::Snr(db) => norm(&clean) * 10f64.powf(-db / 20.0),
            Size::Peak(dbfs) => 10f64.powf(dbfs / 20.0),
        };
        if !(radius > 0.0 && radius.is_finite()) {
            return Err(Ended::Failed(format!("{size} is more or less than numbers can hold")));
        }
        Ok(Self { size, sixteen_bit, samples, clean, radius })
    }

    /// The nearest clip of the ball, in \[-1, 1\].
    fn project(&self, point: &[f64]) -> Result<Point, Ended> {
        let Size::Snr(db) = self.size else {
            let inside = |(&y, &x): (&f64, &f64)| self.inside(x, y);
            let samples = point.iter().zip(&self.clean).map(inside).collect::<Result<_, _>>()?;
            return Ok(Point { samples, at_full_size: true });
        };
        let clipped: Vec<f64> = point.iter().map(|y| y.clamp(-1.0, 1.0)).collect();
        let r: Vec<f64> = clipped.iter().zip(&self.clean).map(|(y, x)| y - x).collect();
        if norm(&r) < self.radius {
            let samples = clipped.iter().map(|&y| y as f32).collect();
            return Ok(Point { samples, at_full_size: false });
        }
        let r: Vec<f32> = r.iter().map(|&r| r as f32).collect();
        Ok(Point { samples: self.on_the_sphere(&r, db)?, at_full_size: true })
    }

    /// The sample nearest to `y` that is at most the radius from the clean one `x`.
    fn inside(&self, x: f64, y: f64) -> Result<f32, Ended> {
        let nearest = (x + (y - x).clamp(-self.radius, self.radius)).clamp(-1.0, 1.0);
        if !self.sixteen_bit {
            return Ok(nearest as f32);
        }
        let fits = |sample: f32| (f64::from(sample) - x).abs() <= self.radius;
        let step = (x - nearest).signum() * 2f64.powi(-15);
        let rounded = round_to_bits(nearest, 16);
        let inwards = round_to_bits(f64::from(rounded) + step, 16);
        [rounded, inwards].into_iter().find(|&sample| fits(sample)).ok_or_else(|| {
            let reason = "16-bit samples hold no change of this clip that is so small: ask for a \
                          larger one, or leave 16 bits";
            Ended::Failed(reason.to_owned())
        })
    }

    /// The clip with a change along `direction` at that SNR.
    fn on_the_sphere(&self, direction: &[f32], db: f64) -> Result<Vec<f32>, Ended> {
        let perturb = if self.sixteen_bit { perturb_at_snr_in_16_bits } else { perturb_at_snr };
        perturb(self.samples, direction, db).map_err(Ended::Failed)
    }

    /// The clip in the same direction at full size.
    fn at_full_size(&self, point: &[f32]) -> Result<Vec<f32>, Ended> {
        let Size::Snr(db) = self.size else { return Ok(point.to_vec()) };
        let r: Vec<f32> = point.iter().zip(self.samples).map(|(y, x)| y - x).collect();
        self.on_the_sphere(&r, db)
    }

    /// A clip on the sphere (where a ball of so many dimensions has its points), or in the cube.
    fn random(&self, rng: &mut ChaCha8Rng) -> Result<Point, Ended> {
        match self.size {
            Size::Snr(db) => {
                let noise: Vec<f32> =
                    self.samples.iter().map(|_| StandardNormal.sample(rng)).collect();
                Ok(Point { samples: self.on_the_sphere(&noise, db)?, at_full_size: true })
            }
            Size::Peak(_) => {
                let noise = |x: &f64| x + self.radius * rng.random_range(-1.0..=1.0);
                self.project(&self.clean.iter().map(noise).collect::<Vec<_>>())
            }
        }
    }

    /// One step of `length` times the radius along the gradient.
    fn step(&self, from: &[f32], gradient: &[f64], length: f64) -> Result<Point, Ended> {
        let length = length * self.radius;
        let slope = norm(gradient);
        let moved = from.iter().zip(gradient).map(|(&y, &g)| {
            let share = match self.size {
                Size::Snr(_) => g / slope,
                // The sign of an exact zero is zero: no step there.
                Size::Peak(_) if g == 0.0 => 0.0,
                Size::Peak(_) => g.signum(),
            };
            f64::from(y) + length * share
        });
        self.project(&moved.collect::<Vec<_>>())
    }
}

/// What the attack is about to return.
struct Kept {
    /// By how much it reaches the goal.
    margin: f64,
    /// Whether it has the full size that was asked for.
    at_full_size: bool,
}

impl Kept {
    /// Keeps a clip of full size where it is the best so far of such.
    fn consider(&mut self, search: &mut Search<'_>, samples: &[f32], at: &Evaluation) {
        let margin = at.success(search.problem.goal, search.original_label);
        let is_better = !self.at_full_size || margin > self.margin;
        if is_better && search.put(samples, &at.verdict) {
            *self = Self { margin, at_full_size: true };
        }
    }

    /// Keeps a smaller change that reaches the goal as long as none of full size does.
    fn consider_smaller(&mut self, search: &mut Search<'_>, samples: &[f32], at: &Evaluation) {
        let margin = at.success(search.problem.goal, search.original_label);
        let is_needed = self.margin <= 0.0 || !self.at_full_size && margin > self.margin;
        if is_needed && search.reaches_goal(&at.verdict) && search.put(samples, &at.verdict) {
            *self = Self { margin, at_full_size: false };
        }
    }
}

impl Pgd {
    fn search(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
    ) -> Result<String, Ended> {
        // From each start the last step is followed by a look at where it led.
        search.of = self.starts * (self.iterations + 1);
        let ball = Ball::new(self.size, search.problem)?;
        let mut kept = Kept { margin: f64::NEG_INFINITY, at_full_size: false };
        for start in 0..self.starts {
            let walked = self.walk(search, observer, &ball, start, &mut kept);
            search.part(walked)?;
        }
        if !kept.at_full_size && kept.margin > 0.0 {
            search.remark(format!(
                "found closer than {} only: as large as that, no change on the way reached the goal",
                self.size
            ));
        }
        let steps = self.starts * self.iterations;
        Ok(format!("{steps} steps at {} did not reach the goal", self.size))
    }

    /// All steps from one start.
    fn walk(
        &self,
        search: &mut Search<'_>,
        observer: &mut dyn Observer,
        ball: &Ball<'_>,
        start: usize,
        kept: &mut Kept,
    ) -> Result<(), Ended> {
        let (goal, original) = (search.problem.goal, search.original_label);
        let mut rng = ChaCha8Rng::seed_from_u64(search.problem.seed);
        rng.set_stream(start as u64);
        let mut point = if self.random_start || start > 0 {
            ball.random(&mut rng)?
        } else {
            Point { samples: ball.samples.to_vec(), at_full_size: false }
        };
        let mut momentum = vec![0.0; ball.clean.len()];
        let stage = format!("start {} of {}", start + 1, self.starts);
        for done in 0..=self.iterations {
            let at = search.evaluate(&point.samples, false)?;
            let last = done == self.iterations;
            if point.at_full_size {
                kept.consider(search, &point.samples, &at);
            } else if (search.reaches_goal(&at.verdict) || last) && point.samples != ball.samples {
                // (Of no change there is no direction to make larger.)
                let full = ball.at_full_size(&point.samples)?;
                let there = search.evaluate(&full, false)?;
                kept.consider(search, &full, &there);
                kept.consider_smaller(search, &point.samples, &at);
            }
            if !last {
                let gradient = at.gradient(&at.towards(goal, original))?;
                search.gradient_evaluations += 1;
                let size: f64 = gradient.iter().map(|&g| f64::from(g).abs()).sum();
                if size == 0.0 {
                    return Err(Ended::no_gradient());
                }
                for (sum, g) in momentum.iter_mut().zip(gradient) {
                    *sum = self.momentum * *sum + f64::from(g) / size;
                }
            }
            search.step(observer, &stage, &point.samples, &at.verdict)?;
            if !last {
                point = ball.step(&point.samples, &momentum, STEP / self.iterations as f64)?;
            }
        }
        Ok(())
    }
}
