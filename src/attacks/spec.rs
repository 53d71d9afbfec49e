//! Attacks by name, with their options: what a window or a command line fills in.

use super::{Attack, CarliniWagner, Fgsm, WhiteNoise};
use crate::names::{self, UnknownName};

/// The attacks that the program knows, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttackId {
    /// Gaussian noise at a fixed SNR.
    WhiteNoise,
    /// Fast gradient sign method at a fixed SNR.
    Fgsm,
    /// Carlini & Wagner's L2 attack.
    CarliniWagner,
}

impl AttackId {
    /// All attacks.
    pub const ALL: [Self; 3] = [Self::WhiteNoise, Self::Fgsm, Self::CarliniWagner];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::WhiteNoise => "white-noise",
            Self::Fgsm => "fgsm",
            Self::CarliniWagner => "carlini-wagner",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::WhiteNoise => "White noise",
            Self::Fgsm => "FGSM",
            Self::CarliniWagner => "Carlini & Wagner",
        }
    }

    /// One sentence for people who have not met it.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::WhiteNoise => {
                "Random noise at a fixed SNR: the control that knows nothing of the model."
            }
            Self::Fgsm => "One step along the sign of the gradient, at a fixed SNR.",
            Self::CarliniWagner => {
                "Searches the smallest change that still fools the model: many small gradient steps."
            }
        }
    }

    /// Whether the attack works at a fixed SNR (rather than searching the highest).
    pub fn takes_snr(self) -> bool {
        matches!(self, Self::WhiteNoise | Self::Fgsm)
    }

    /// Whether the attack can aim at a label.
    pub fn takes_target(self) -> bool {
        !matches!(self, Self::WhiteNoise)
    }

    /// The attack of that name.
    ///
    /// # Errors
    /// [`UnknownName`] with the closest attack.
    pub fn find(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.map(Self::name);
        names::find("attack", &known, name).map(|index| Self::ALL[index])
    }
}

/// How long a searching attack may search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// A good answer in seconds to minutes, for the window.
    Quick,
    /// The setting of the paper's libraries: 5 binary-search steps of up to 1000 iterations.
    Paper,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 2] = [Self::Quick, Self::Paper];

    /// The name on the command line and in the window.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Paper => "paper",
        }
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// [`UnknownName`] with the closest preset.
    pub fn find(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.map(Self::name);
        names::find("preset", &known, name).map(|index| Self::ALL[index])
    }
}

/// An attack with its options, as data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttackSpec {
    /// Which attack.
    pub id: AttackId,
    /// The SNR in dB for attacks that work at a fixed one.
    pub snr_db: f64,
    /// How long a searching attack searches.
    pub preset: Preset,
    /// By how much (in logits) the wrong label must lead, for Carlini & Wagner.
    pub confidence: f64,
    /// Binary-search steps of Carlini & Wagner, instead of the preset's.
    pub searches: Option<usize>,
    /// Iterations a search of Carlini & Wagner, instead of the preset's.
    pub iterations: Option<usize>,
}

impl AttackSpec {
    /// The attack with its default options: 20 dB as in the paper, confidence 0.
    pub fn new(id: AttackId) -> Self {
        Self {
            id,
            snr_db: 20.0,
            preset: Preset::Quick,
            confidence: 0.0,
            searches: None,
            iterations: None,
        }
    }

    /// The attack, ready to run.
    pub fn build(&self) -> Box<dyn Attack> {
        match self.id {
            AttackId::WhiteNoise => Box::new(WhiteNoise { snr_db: self.snr_db }),
            AttackId::Fgsm => Box::new(Fgsm { snr_db: self.snr_db }),
            AttackId::CarliniWagner => {
                let preset = CarliniWagner::preset(self.preset);
                Box::new(CarliniWagner {
                    confidence: self.confidence,
                    searches: self.searches.unwrap_or(preset.searches),
                    iterations: self.iterations.unwrap_or(preset.iterations),
                    ..preset
                })
            }
        }
    }
}
