//! What tooltips teach beyond what a control does.

use crate::attacks::AttackId;

/// What confidence means.
pub(super) const CONFIDENCE: &str = "Confidence: how the model shares its belief among the labels; \
     over all of them it sums to 1. It tells how sure the model is, not whether it is right.";

/// What to look and listen for in an attack's results.
pub(super) fn lesson(attack: AttackId) -> &'static str {
    match attack {
        AttackId::WhiteNoise => {
            "Most models shrug it off at levels far above those of the other attacks: what fools \
             them is the direction of a change, not its loudness."
        }
        AttackId::Fgsm => {
            "It moves every sample by the same amount, whether the clip is loud or silent there: \
             listen to the difference, an even hiss."
        }
        AttackId::Pgd => {
            "Each step asks for the gradient afresh, so it finds what one step misses."
        }
        AttackId::Deepfool => {
            "Its change is small but stops right behind the boundary: see how little of it survives \
             rounding or compression."
        }
        AttackId::CarliniWagner => {
            "It minds the energy of the whole change and nothing else. The model hears levels in \
             dB, where a tiny sound in silence is a large step: so the search fills the silence, as \
             the difference shows, though the ear would notice it there first."
        }
        AttackId::MaskedCarliniWagner => {
            "It moves the change out of the silence and under the loud parts, where the ear can't \
             hear it. Its SNR is lower for that: SNR is not what ears measure."
        }
        AttackId::Lbfgs => {
            "The attack with which adversarial examples were found in 2013, for pictures. Aim it at \
             a label."
        }
        AttackId::BayesOpt => {
            "It asks the model some hundred times and knows nothing else of it: so would a stranger \
             attack a model behind a web page."
        }
    }
}
