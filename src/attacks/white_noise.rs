//! White Gaussian noise: the control that knows nothing of the model.
//!
//! As in Subramanian et al. (2019) the noise has a fixed SNR (20 dB); it is exact after clipping.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::outcome::{Goal, Observer, Outcome, Problem};
use super::search;
use super::{Attack, AttackId};
use crate::models::Classifier;

/// Adds seeded Gaussian noise. It cannot aim: a target is only checked, not sought.
#[derive(Clone, Copy, Debug)]
pub struct WhiteNoise {
    /// SNR in dB.
    pub snr_db: f64,
}

impl Attack for WhiteNoise {
    fn id(&self) -> AttackId {
        AttackId::WhiteNoise
    }

    fn run(
        &self,
        classifier: &dyn Classifier,
        problem: &Problem,
        observer: &mut dyn Observer,
    ) -> Outcome {
        search::run(classifier, problem, |search| {
            search.of = 1;
            let mut rng = ChaCha8Rng::seed_from_u64(problem.seed);
            let noise: Vec<f32> =
                problem.samples.iter().map(|_| StandardNormal.sample(&mut rng)).collect();
            search.step_at_snr(observer, "noise", &noise, self.snr_db)?;
            let aim = match problem.goal {
                Goal::Untargeted => "the model still hears the original label",
                Goal::Targeted(_) => "noise cannot aim, and the model does not hear the target",
            };
            Ok(format!("{aim} at {:.1} dB SNR", self.snr_db))
        })
    }
}
