//! An attack with its options as data: what a window or a command line fills in.

use super::{
    Attack, AttackId, BayesOpt, CarliniWagner, DeepFool, Distance, Fgsm, Lbfgs, Pgd, Size,
    WhiteNoise,
};
use crate::models::ScoreKind;
use crate::names::{self, UnknownName};

/// How long a searching attack may search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// A good answer in seconds to minutes, for the window.
    Quick,
    /// The published numbers of searches and steps, or those of libraries of the paper's time that
    /// its settings fit (it names none): 5 x 1000 for Carlini & Wagner, 50 for DeepFool. Where the
    /// attack itself differs from the published one, its own page says how.
    Paper,
    /// Spares nothing for a smaller change: many times the work of the others.
    Best,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Paper, Self::Best];

    /// The name on the command line and in the window.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Paper => "paper",
            Self::Best => "best",
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

/// An attack with its options, as data. Which of them an attack takes, [`AttackId::takes`] says;
/// the others it does not look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttackSpec {
    /// Which attack.
    pub id: AttackId,
    /// The SNR in dB for attacks that work at a fixed one.
    pub snr_db: f64,
    /// PGD's largest magnitude of a sample of the perturbation in dBFS, instead of an SNR.
    pub linf_dbfs: Option<f64>,
    /// How long a searching attack searches.
    pub preset: Preset,
    /// By how much the wrong label must lead, for Carlini & Wagner: in scores, which are logits, or
    /// probabilities where a model averages those over its chunks (their logarithms with
    /// [`Self::log_scores`]).
    pub confidence: f64,
    /// Searches over the constant c, instead of the preset's.
    pub searches: Option<usize>,
    /// Gradient steps (of each search or start) or questions, instead of the preset's.
    pub iterations: Option<usize>,
    /// Labels that DeepFool looks at, instead of the preset's.
    pub candidates: Option<usize>,
    /// DeepFool's overshoot, instead of the preset's.
    pub overshoot: Option<f64>,
    /// PGD's momentum, 0 for none.
    pub momentum: f64,
    /// Whether PGD starts from a random point.
    pub random_start: bool,
    /// Whether the logarithms of the scores are attacked where those are probabilities.
    pub log_scores: bool,
    /// Whether the result is to consist of values that a 16-bit file holds: any attack's
    /// [`super::Problem`] asks for it.
    pub sixteen_bit: bool,
}

impl AttackSpec {
    /// The attack with its default options: 20 dB as in the paper for one step or noise, 40 dB for
    /// PGD, which needs far less; confidence 0.
    pub fn new(id: AttackId) -> Self {
        Self {
            id,
            snr_db: if id == AttackId::Pgd { 40.0 } else { 20.0 },
            linf_dbfs: None,
            preset: Preset::Quick,
            confidence: 0.0,
            searches: None,
            iterations: None,
            candidates: None,
            overshoot: None,
            momentum: 0.0,
            random_start: false,
            log_scores: false,
            sixteen_bit: false,
        }
    }

    /// Which version of the attack this is: raised whenever a change makes it find something else
    /// with these options, so that rows of an experiment from before are not mixed with new ones.
    pub fn revision(&self, targeted: bool) -> u32 {
        self.finds_since(targeted) + u32::from(self.goes_on(targeted))
    }

    /// The earliest version of the attack that, wherever it reached its goal, found the very same:
    /// later ones only go on where that one gave up.
    pub fn finds_since(&self, targeted: bool) -> u32 {
        let revision = match self.id {
            AttackId::Deepfool => 3,
            // Its first start, where flat, was its last.
            AttackId::Pgd => 2 + u32::from(self.preset == Preset::Best),
            // It was given up where its way to the edge was flat.
            AttackId::Lbfgs => 2,
            AttackId::CarliniWagner | AttackId::MaskedCarliniWagner => {
                // Since DeepFool, whose steps it tries when it has no target.
                let linear = self.id == AttackId::CarliniWagner && !targeted;
                let preset = CarliniWagner::preset(self.preset, Distance::Euclidean);
                let iterations = self.iterations.unwrap_or(preset.iterations);
                // Longer searches were given up early then.
                let long = u32::from(iterations >= 500);
                // The last samples of a clip hardly counted beside a mask.
                let masked = u32::from(self.id == AttackId::MaskedCarliniWagner);
                (if linear { 3 } else { 1 }) + long + masked + u32::from(targeted)
            }
            _ => 1,
        };
        // Searches went on where rounding to 16 bits alone did.
        revision + u32::from(self.sixteen_bit && !self.id.takes_snr())
    }

    /// Whether it goes on where it gave up before: with a walk that hurries ([`super::approach`]),
    /// or with what is closer than was asked for ([`super::pgd`]).
    fn goes_on(&self, targeted: bool) -> bool {
        let walks = [AttackId::Deepfool, AttackId::CarliniWagner, AttackId::MaskedCarliniWagner];
        let comes_closer = self.id == AttackId::Pgd && self.linf_dbfs.is_none();
        comes_closer || walks.contains(&self.id) && !targeted
    }

    /// Why it can't do what it was asked for on a model with such scores; nothing where it can.
    pub fn misfit(&self, scores: ScoreKind) -> Option<&'static str> {
        CarliniWagner::misfit(self.confidence, self.log_scores, scores)
    }

    /// The attack, ready to run.
    pub fn build(&self) -> Box<dyn Attack> {
        match self.id {
            AttackId::WhiteNoise => Box::new(WhiteNoise { snr_db: self.snr_db }),
            AttackId::Fgsm => Box::new(Fgsm { snr_db: self.snr_db }),
            AttackId::Pgd => {
                let size = self.linf_dbfs.map_or(Size::Snr(self.snr_db), Size::Peak);
                let preset = Pgd::preset(self.preset, size);
                Box::new(Pgd {
                    iterations: self.iterations.unwrap_or(preset.iterations),
                    momentum: self.momentum,
                    random_start: self.random_start,
                    ..preset
                })
            }
            AttackId::Deepfool => {
                let preset = DeepFool::preset(self.preset);
                Box::new(DeepFool {
                    iterations: self.iterations.unwrap_or(preset.iterations),
                    candidates: self.candidates.unwrap_or(preset.candidates),
                    overshoot: self.overshoot.unwrap_or(preset.overshoot),
                    log_scores: self.log_scores,
                    ..preset
                })
            }
            AttackId::CarliniWagner | AttackId::MaskedCarliniWagner => {
                let distance = if self.id == AttackId::CarliniWagner {
                    Distance::Euclidean
                } else {
                    Distance::Masked
                };
                let preset = CarliniWagner::preset(self.preset, distance);
                Box::new(CarliniWagner {
                    confidence: self.confidence,
                    searches: self.searches.unwrap_or(preset.searches),
                    iterations: self.iterations.unwrap_or(preset.iterations),
                    log_scores: self.log_scores,
                    ..preset
                })
            }
            AttackId::BayesOpt => {
                let preset = BayesOpt::preset(self.preset);
                let queries = self.iterations.unwrap_or(preset.queries);
                Box::new(BayesOpt { queries, ..preset })
            }
            AttackId::Lbfgs => {
                let preset = Lbfgs::preset(self.preset);
                Box::new(Lbfgs {
                    searches: self.searches.unwrap_or(preset.searches),
                    iterations: self.iterations.unwrap_or(preset.iterations),
                    ..preset
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_what_the_documentation_says() {
        let all = [Preset::Quick, Preset::Paper, Preset::Best];
        let searches = all.map(|preset| {
            let it = CarliniWagner::preset(preset, Distance::Euclidean);
            (it.searches, it.iterations, it.confidence)
        });
        assert_eq!(searches, [(4, 75, 0.0), (5, 1000, 0.0), (9, 2000, 0.0)]);
        let linear = all.map(|preset| {
            let it = DeepFool::preset(preset);
            (it.candidates, it.overshoot, it.iterations)
        });
        assert_eq!(linear, [(10, 0.02, 50), (10, 0.02, 50), (usize::MAX, 0.02, 100)]);
        let minimised = all.map(|preset| {
            let it = Lbfgs::preset(preset);
            (it.searches, it.iterations, it.memory)
        });
        assert_eq!(minimised, [(6, 50, 15), (15, 150, 15), (20, 500, 15)]);
        let projected = all.map(|preset| {
            let it = Pgd::preset(preset, Size::Snr(40.0));
            (it.starts, it.iterations)
        });
        assert_eq!(projected, [(1, 20), (1, 40), (5, 100)]);
        assert_eq!(all.map(|preset| BayesOpt::preset(preset).queries), [400, 1000, 5000]);
    }

    #[test]
    fn a_lead_that_no_answer_has_is_refused() {
        let spec = |confidence, log_scores| AttackSpec {
            confidence,
            log_scores,
            ..AttackSpec::new(AttackId::CarliniWagner)
        };
        let probabilities = ScoreKind::Probabilities;
        assert!(spec(1.0, false).misfit(probabilities).is_some());
        assert!(spec(0.9, false).misfit(probabilities).is_none());
        assert!(spec(5.0, true).misfit(probabilities).is_none());
        assert!(spec(5.0, false).misfit(ScoreKind::Logits).is_none());
    }

    #[test]
    fn a_revision_is_that_of_what_the_options_run() {
        let quick = AttackSpec::new(AttackId::CarliniWagner);
        let paper = AttackSpec { preset: Preset::Paper, ..quick };
        let short = AttackSpec { iterations: Some(75), ..paper };
        let revisions = [quick, paper, short].map(|spec| [false, true].map(|t| spec.revision(t)));
        assert_eq!(revisions, [[4, 2], [5, 3], [4, 2]]);
        let rounded = AttackSpec { sixteen_bit: true, ..quick };
        assert_eq!(rounded.revision(false), 5);
        assert_eq!([false, true].map(|targeted| quick.finds_since(targeted)), [3, 2]);
        let of = |id| AttackSpec::new(id);
        let since = |id| (of(id).finds_since(false), of(id).revision(false));
        assert_eq!(since(AttackId::Deepfool), (3, 4));
        assert_eq!(since(AttackId::MaskedCarliniWagner), (2, 3));
        assert_eq!(since(AttackId::Lbfgs), (2, 2));
        assert_eq!(since(AttackId::Pgd), (2, 3));
        let noise = AttackSpec::new(AttackId::WhiteNoise);
        assert_eq!(AttackSpec { sixteen_bit: true, ..noise }.revision(false), 1);
    }
}
