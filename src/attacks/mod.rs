//! Adversarial attacks on the waveform: one file an attack, one trait.
//!
//! An attack gets a [`Problem`], tells an [`Observer`] of its [`Progress`] after every step or
//! question, stops when told to, and gives an [`Outcome`] whose label was taken afresh from the
//! final `f32` samples.

mod adam;
mod approach;
mod bayes_opt;
mod boundary;
mod bounds;
mod carlini_wagner;
mod cells;
mod deepfool;
mod explanation;
mod fgsm;
mod gradient;
mod id;
mod lbfgs;
mod line_search;
mod masked_distance;
mod outcome;
mod pgd;
mod quasi_newton;
mod scale;
mod search;
mod shaping;
mod space;
mod spec;
mod surrogate;
mod tanh_box;
mod trace_point;
mod vector;
mod white_noise;
mod widening;

pub use bayes_opt::BayesOpt;
pub use carlini_wagner::{CarliniWagner, Distance};
pub use deepfool::DeepFool;
pub use explanation::{Explanation, explain};
pub use fgsm::Fgsm;
pub use gradient::Evaluation;
pub use id::{AttackId, AttackOption};
pub use lbfgs::Lbfgs;
pub use outcome::{Flow, Goal, Observer, Outcome, Problem, Progress, Status};
pub use pgd::{Pgd, Size};
pub use scale::perturb_at_snr;
pub use spec::{AttackSpec, Preset};
pub use trace_point::TracePoint;
pub use white_noise::WhiteNoise;

use crate::models::Classifier;

/// A search for a small change of a clip that makes a classifier mishear it.
pub trait Attack: Send + Sync {
    /// Which attack it is.
    fn id(&self) -> AttackId;

    /// Searches until done, stopped by the observer, or failed; never panics on its own account.
    ///
    /// The same problem, seed, machine and thread count give the same bits.
    fn run(
        &self,
        classifier: &dyn Classifier,
        problem: &Problem,
        observer: &mut dyn Observer,
    ) -> Outcome;
}
