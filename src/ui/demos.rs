//! Ready-made demonstrations: a bundled clip, a model, an attack, a goal, at one press.

use crate::assets::BUNDLED;
use crate::attacks::{AttackId, Preset};
use crate::models::ModelId;

/// One demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demo {
    /// What happens.
    pub title: &'static str,
    /// What there is to learn from it.
    pub lesson: &'static str,
    /// The bundled clip, by its name.
    pub clip: &'static str,
    /// Who is fooled.
    pub model: ModelId,
    /// By which attack.
    pub attack: AttackId,
    /// Into which label; none for any other.
    pub target: Option<&'static str>,
}

impl Demo {
    /// All demonstrations, the fastest first.
    pub const ALL: [Self; 4] = [
        Self {
            title: "Glockenspiel in a second or two",
            lesson: "DeepFool follows the gradient to the nearest label",
            clip: "Glockenspiel",
            model: ModelId::Vgg13,
            attack: AttackId::Deepfool,
            target: None,
        },
        Self {
            title: "Glockenspiel becomes Tearing",
            lesson: "The paper's Figure 3: any label can be had, here one that is far away",
            clip: "Glockenspiel",
            model: ModelId::Vgg13,
            attack: AttackId::CarliniWagner,
            target: Some("Tearing"),
        },
        Self {
            title: "Knock becomes Meow",
            lesson: "A noise becomes an animal, and nobody hears why",
            clip: "Knock",
            model: ModelId::Vgg13,
            attack: AttackId::CarliniWagner,
            target: Some("Meow"),
        },
        Self {
            title: "Noise alone does not do it",
            lesson: "White noise at 20 dB is easily heard, and the model still hears the flute",
            clip: "Flute",
            model: ModelId::Vgg13,
            attack: AttackId::WhiteNoise,
            target: None,
        },
    ];

    /// How long it searches.
    pub const PRESET: Preset = Preset::Quick;

    /// Which of the bundled clips it is.
    pub fn bundled(&self) -> Option<usize> {
        BUNDLED.iter().position(|clip| clip.name == self.clip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Labels;

    #[test]
    fn every_demonstration_names_what_there_is() {
        for demo in Demo::ALL {
            assert!(demo.bundled().is_some(), "{}", demo.clip);
            if let Some(target) = demo.target {
                assert!(Labels::fsdkaggle2018().index_of(target).is_some(), "{target}");
                assert!(demo.attack.takes_target());
            }
        }
    }
}
