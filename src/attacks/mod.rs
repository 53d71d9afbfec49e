//! Adversarial attacks on the waveform: one file an attack, one trait.
//!
//! An attack gets a [`Problem`], tells an [`Observer`] of its [`Progress`] after every gradient
//! step, stops when told to, and gives an [`Outcome`] whose label was taken afresh from the final
//! `f32` samples.

mod adam;
mod carlini_wagner;
mod fgsm;
mod gradient;
mod outcome;
mod scale;
mod search;
mod spec;
mod tanh_box;
mod white_noise;

pub use carlini_wagner::CarliniWagner;
pub use fgsm::Fgsm;
pub use gradient::Evaluation;
pub use outcome::{Flow, Goal, Observer, Outcome, Problem, Progress, Status};
pub use scale::perturb_at_snr;
pub use spec::{AttackId, AttackSpec, Preset};
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
