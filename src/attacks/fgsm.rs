//! Fast gradient sign method: Goodfellow, Shlens and Szegedy, "Explaining and harnessing
//! adversarial examples", ICLR 2015.
//!
//! One step of equal size for every sample along the sign of the gradient of the cross-entropy:
//! away from the original label, or towards the target. As in Subramanian et al. (2019) the step
//! is chosen for a fixed SNR (20 dB), exact after clipping.

use super::outcome::{Goal, Observer, Outcome, Problem};
use super::search::{self, Ended};
use super::{Attack, AttackId};
use crate::models::Classifier;

/// One signed gradient step at a fixed SNR.
#[derive(Clone, Copy, Debug)]
pub struct Fgsm {
    /// SNR in dB.
    pub snr_db: f64,
}

impl Attack for Fgsm {
    fn id(&self) -> AttackId {
        AttackId::Fgsm
    }

    fn run(
        &self,
        classifier: &dyn Classifier,
        problem: &Problem,
        observer: &mut dyn Observer,
    ) -> Outcome {
        search::run(classifier, problem, |search| {
            search.of = 1;
            let evaluation = search.evaluate(&problem.samples, false)?;
            let weights = evaluation.towards(problem.goal, search.original_label);
            let gradient = evaluation.gradient(&weights)?;
            search.gradient_evaluations = 1;
            // The sign of an exact zero (a padded or silent stretch) is zero: no step there.
            let direction: Vec<f32> =
                gradient.iter().map(|&g| if g == 0.0 { 0.0 } else { g.signum() }).collect();
            if direction.iter().all(|&d| d == 0.0) {
                return Err(Ended::no_gradient());
            }
            search.step_at_snr(observer, "one signed step", &direction, self.snr_db)?;
            let after = match problem.goal {
                Goal::Untargeted => "the model still hears the original label",
                Goal::Targeted(_) => "the model does not hear the target",
            };
            Ok(format!("{after} after one step at {:.1} dB SNR", self.snr_db))
        })
    }
}
