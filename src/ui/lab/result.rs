//! The result of one attack, kept for as long as the window is open.

use super::Survival;
use super::shelf::Place;
use crate::attacks::{AttackId, Outcome, TracePoint};
use crate::engine::{AttackJob, CommandId};
use crate::models::ModelCard;

/// What came of an attack.
pub struct LabResult {
    /// What people called it, if they did.
    pub name: Option<String>,
    /// The command that gave it.
    pub command: CommandId,
    /// What was asked for.
    pub job: AttackJob,
    /// How it ended.
    pub outcome: Outcome,
    /// The model that it was made with, whose hash says with which weights.
    pub card: Option<Box<ModelCard>>,
    /// How many threads computed it.
    pub threads: Option<usize>,
    /// Where it was computed.
    pub device: String,
    /// Its steps.
    pub trace: Vec<TracePoint>,
    /// Whether the model still falls for it after what happens to recordings.
    pub survival: Survival,
    /// Whether samples and steps were put away; then both are empty here.
    pub is_away: bool,
    /// Where they are, once they were put away.
    pub place: Option<Place>,
}

impl LabResult {
    /// What it is called: by people, or after its attack.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| short_name(self.job.spec.id))
    }

    /// The label that is heard now, or how the attack ended where nothing changed.
    pub fn headline(&self) -> String {
        if self.fools() {
            // A stopped attack that had already found something keeps its find.
            self.outcome.adversarial.title()
        } else {
            self.outcome.status.name().to_owned()
        }
    }

    /// Whether there are samples here that differ from the clean ones.
    pub fn is_heard(&self) -> bool {
        self.was_changed() && !self.is_away
    }

    /// Whether the samples differ from the clean ones at all.
    pub fn was_changed(&self) -> bool {
        self.outcome.metrics.peak > 0.0
    }

    /// Whether it is a changed clip that answers the goal, however the search ended.
    pub fn fools(&self) -> bool {
        self.was_changed() && self.outcome.is_adversarial()
    }
}

/// An attack's name where there is little room.
fn short_name(id: AttackId) -> &'static str {
    match id {
        AttackId::CarliniWagner => "C&W",
        AttackId::MaskedCarliniWagner => "C&W masked",
        AttackId::WhiteNoise => "Noise",
        AttackId::Fgsm => "FGSM",
        AttackId::Pgd => "PGD",
        AttackId::Deepfool => "DeepFool",
        AttackId::Lbfgs => "L-BFGS",
        AttackId::BayesOpt => "Black box",
    }
}
