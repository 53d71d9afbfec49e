//! The options of `mondegreen attack` that belong to some attacks only.

use clap::Args;

use super::common::{self, Failure};
use crate::attacks::{AttackId, AttackOption, AttackSpec, Preset};

/// Options of attacks. Those that were not given are the preset's.
#[derive(Args, Debug)]
pub struct Options {
    /// SNR in dB of white-noise and fgsm [default: 20] and of pgd [default: 40]
    #[arg(long, value_name = "DB", value_parser = common::finite, allow_negative_numbers = true)]
    snr: Option<f64>,
    /// Largest magnitude of pgd's change in dB relative to full scale, instead of --snr
    #[arg(long, value_name = "DBFS", value_parser = common::finite, allow_negative_numbers = true)]
    #[arg(conflicts_with = "snr")]
    linf_dbfs: Option<f64>,
    /// How long pgd, deepfool, lbfgs, bayes-opt and both carlini-wagner search: quick, paper or best
    /// [default: quick]
    #[arg(long, value_parser = Preset::find)]
    preset: Option<Preset>,
    /// By how much the wrong label of both carlini-wagner must lead: in logits, of dense-mel and
    /// dense-wav in probability unless --log-scores is given [default: 0]
    #[arg(long, value_parser = common::not_negative)]
    confidence: Option<f64>,
    /// Searches over the constant c of lbfgs and both carlini-wagner, instead of the preset's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    searches: Option<u16>,
    /// Gradient steps of pgd and deepfool, and of each search of lbfgs and both carlini-wagner, and
    /// questions of bayes-opt, instead of the preset's. Where deepfool's linear steps do not reach the
    /// boundary, up to 350 steps along the gradient follow; where no search of either
    /// carlini-wagner leads away from a label, up to 150 such steps and one more search do
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    iterations: Option<u32>,
    /// Labels that deepfool looks at, the original one among them [default: 10, best: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..))]
    candidates: Option<u16>,
    /// By which share deepfool's steps go beyond the boundary [default: 0.02]
    #[arg(long, value_name = "SHARE", value_parser = common::not_negative)]
    overshoot: Option<f64>,
    /// Share of the gradients before that each step of pgd keeps: 0 to 1 [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = common::share)]
    momentum: Option<f64>,
    /// Start pgd from a random change (see --seed)
    #[arg(long)]
    random_start: bool,
    /// Let deepfool, carlini-wagner and masked-carlini-wagner attack the logarithms of probabilities (dense-mel, dense-wav)
    #[arg(long)]
    log_scores: bool,
    /// Find a result that 16-bit files hold exactly, so that saving it as one changes nothing
    #[arg(long = "16-bit")]
    sixteen_bit: bool,
}

impl Options {
    /// Refuses what an attack does not take, rather than leaving it away in silence.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the option and the reason.
    pub fn check(&self, attack: AttackId, aims: bool) -> Result<(), Failure> {
        let name = attack.name();
        if aims && !attack.takes_target() {
            return Err(Failure::Usage(format!("{name} cannot aim at a label")));
        }
        if self.snr.is_some() && !attack.takes_snr() {
            return Err(Failure::Usage(format!(
                "{name} searches for the smallest change; it takes no --snr"
            )));
        }
        let given = [
            (self.linf_dbfs.is_some(), AttackOption::Linf, "linf-dbfs"),
            (self.preset.is_some(), AttackOption::Preset, "preset"),
            (self.confidence.is_some(), AttackOption::Confidence, "confidence"),
            (self.searches.is_some(), AttackOption::Searches, "searches"),
            (self.iterations.is_some(), AttackOption::Iterations, "iterations"),
            (self.candidates.is_some(), AttackOption::Candidates, "candidates"),
            (self.overshoot.is_some(), AttackOption::Overshoot, "overshoot"),
            (self.momentum.is_some(), AttackOption::Momentum, "momentum"),
            (self.random_start, AttackOption::RandomStart, "random-start"),
            (self.log_scores, AttackOption::LogScores, "log-scores"),
        ];
        for (is_given, option, flag) in given {
            if is_given && !attack.takes(option) {
                let others = AttackId::ALL.into_iter().filter(|other| other.takes(option));
                let others: Vec<_> = others.map(AttackId::name).collect();
                return Err(Failure::Usage(format!(
                    "{name} takes no --{flag}; that is for {}",
                    others.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// The attack with these options.
    pub fn spec(&self, attack: AttackId) -> AttackSpec {
        let default = AttackSpec::new(attack);
        AttackSpec {
            id: attack,
            snr_db: self.snr.unwrap_or(default.snr_db),
            linf_dbfs: self.linf_dbfs,
            preset: self.preset.unwrap_or(default.preset),
            confidence: self.confidence.unwrap_or(default.confidence),
            searches: self.searches.map(usize::from),
            iterations: self.iterations.map(|n| n as usize),
            candidates: self.candidates.map(usize::from),
            overshoot: self.overshoot,
            momentum: self.momentum.unwrap_or(default.momentum),
            random_start: self.random_start,
            log_scores: self.log_scores,
            sixteen_bit: self.sixteen_bit,
        }
    }
}
