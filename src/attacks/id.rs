//! Attacks by name, and which options each takes.

use crate::names::{self, UnknownName};

/// The attacks that the program knows, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttackId {
    /// Gaussian noise at a fixed SNR.
    WhiteNoise,
    /// Fast gradient sign method at a fixed SNR.
    Fgsm,
    /// Projected gradient descent at a fixed SNR or peak.
    Pgd,
    /// DeepFool, untargeted.
    Deepfool,
    /// Carlini & Wagner's L2 attack.
    CarliniWagner,
    /// The same, shaped by what the clip masks.
    MaskedCarliniWagner,
    /// Szegedy et al.'s attack by L-BFGS.
    Lbfgs,
    /// Bayesian optimisation of the levels of cells, by the model's answers alone.
    BayesOpt,
}

/// What can be set of some attacks but not of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttackOption {
    /// A label to aim at.
    Target,
    /// A fixed SNR.
    Snr,
    /// A fixed largest magnitude.
    Linf,
    /// How long it searches.
    Preset,
    /// By how much the wrong label must lead.
    Confidence,
    /// The number of searches.
    Searches,
    /// The number of steps, or of questions to the model.
    Iterations,
    /// How many labels are looked at.
    Candidates,
    /// By how much steps go beyond the boundary.
    Overshoot,
    /// Share of the gradients before that a step keeps.
    Momentum,
    /// A start at random.
    RandomStart,
    /// Logarithms of scores that are probabilities.
    LogScores,
}

impl AttackId {
    /// All attacks.
    pub const ALL: [Self; 8] = [
        Self::WhiteNoise,
        Self::Fgsm,
        Self::Pgd,
        Self::Deepfool,
        Self::CarliniWagner,
        Self::MaskedCarliniWagner,
        Self::Lbfgs,
        Self::BayesOpt,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::WhiteNoise => "white-noise",
            Self::Fgsm => "fgsm",
            Self::Pgd => "pgd",
            Self::Deepfool => "deepfool",
            Self::CarliniWagner => "carlini-wagner",
            Self::MaskedCarliniWagner => "masked-carlini-wagner",
            Self::Lbfgs => "lbfgs",
            Self::BayesOpt => "bayes-opt",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::WhiteNoise => "White noise",
            Self::Fgsm => "FGSM",
            Self::Pgd => "PGD",
            Self::Deepfool => "DeepFool",
            Self::CarliniWagner => "Carlini & Wagner",
            Self::MaskedCarliniWagner => "Carlini & Wagner, masked",
            Self::Lbfgs => "L-BFGS",
            Self::BayesOpt => "Black box (BayesOpt)",
        }
    }

    /// One sentence for people who have not met it.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::WhiteNoise => {
                "Random noise at a fixed SNR: the control that knows nothing of the model."
            }
            Self::Fgsm => "One step along the sign of the gradient, at a fixed SNR.",
            Self::Pgd => {
                "Many small gradient steps, each held to a fixed SNR: FGSM's patient sister."
            }
            Self::Deepfool => {
                "Steps straight to the nearest boundary, as if the model were linear: fast, but \
                 cannot aim."
            }
            Self::CarliniWagner => {
                "Searches the smallest change that still fools the model: many small gradient steps."
            }
            Self::MaskedCarliniWagner => {
                "The same search, but for the change that the clip itself hides best from the ear."
            }
            Self::Lbfgs => {
                "The oldest search for the smallest change: Newton-like steps, surest when aimed."
            }
            Self::BayesOpt => {
                "Only sees what a user of the model sees: it asks, and learns from the answers \
                 which parts of the sound matter."
            }
        }
    }

    /// Whether an option means anything to the attack.
    pub fn takes(self, option: AttackOption) -> bool {
        use AttackOption as Has;
        let options: &[AttackOption] = match self {
            Self::WhiteNoise => &[Has::Snr],
            Self::Fgsm => &[Has::Target, Has::Snr],
            Self::Pgd => &[
                Has::Target,
                Has::Snr,
                Has::Linf,
                Has::Preset,
                Has::Iterations,
                Has::Momentum,
                Has::RandomStart,
            ],
            Self::Deepfool => {
                &[Has::Preset, Has::Iterations, Has::Candidates, Has::Overshoot, Has::LogScores]
            }
            Self::CarliniWagner | Self::MaskedCarliniWagner => &[
                Has::Target,
                Has::Preset,
                Has::Confidence,
                Has::Searches,
                Has::Iterations,
                Has::LogScores,
            ],
            Self::Lbfgs => &[Has::Target, Has::Preset, Has::Searches, Has::Iterations],
            Self::BayesOpt => &[Has::Target, Has::Preset, Has::Iterations],
        };
        options.contains(&option)
    }

    /// Whether the attack works at a fixed SNR (rather than searching the highest).
    pub fn takes_snr(self) -> bool {
        self.takes(AttackOption::Snr)
    }

    /// Whether the attack can aim at a label.
    pub fn takes_target(self) -> bool {
        self.takes(AttackOption::Target)
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
