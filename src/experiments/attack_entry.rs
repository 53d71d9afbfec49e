//! An attack with its options, as a configuration states it.

use serde::{Deserialize, Serialize};

use crate::attacks::{AttackId, AttackOption, AttackSpec, Preset};

/// One `[[attacks]]` of a configuration. What is not stated is the preset's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackEntry {
    /// Which attack, by its name.
    pub attack: String,
    /// What rows and tables call it; the attack's name where there is none. Two entries of one
    /// attack need two names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How long it searches: quick, paper or best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// SNR in dB, for attacks at a fixed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snr_db: Option<f64>,
    /// Largest magnitude in dBFS, for PGD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linf_dbfs: Option<f64>,
    /// By how much the wrong label must lead, for Carlini & Wagner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Searches over the constant c.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searches: Option<usize>,
    /// Gradient steps or questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<usize>,
    /// Labels that DeepFool looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<usize>,
    /// DeepFool's overshoot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overshoot: Option<f64>,
    /// PGD's momentum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// Whether PGD starts from a random change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_start: Option<bool>,
    /// Whether logarithms of probabilities are attacked, of models that give probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_scores: Option<bool>,
    /// Whether results consist of values that a 16-bit file holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sixteen_bit: Option<bool>,
}

impl AttackEntry {
    /// An attack with this preset, where it takes one.
    pub fn new(id: AttackId, preset: Preset) -> Self {
        let preset = id.takes(AttackOption::Preset).then(|| preset.name().to_owned());
        Self { attack: id.name().to_owned(), preset, ..Self::default() }
    }

    /// Spells the attack as rows and tables do, however somebody wrote it.
    pub(super) fn spell(&mut self) {
        if let Ok(id) = AttackId::find(&self.attack) {
            id.name().clone_into(&mut self.attack);
        }
    }

    /// Another preset, where the attack takes one; all other options stay.
    pub fn set_preset(&mut self, preset: Preset) {
        if AttackId::find(&self.attack).is_ok_and(|id| id.takes(AttackOption::Preset)) {
            self.preset = Some(preset.name().to_owned());
        }
    }

    /// What rows and tables call it.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.attack)
    }

    /// The options that were given, in a few words; nothing where there are none.
    pub fn settings(&self) -> String {
        let Ok(serde_json::Value::Object(given)) = serde_json::to_value(self) else {
            return String::new();
        };
        let words = given.into_iter().filter_map(|(key, value)| match (key.as_str(), value) {
            ("attack" | "name", _) | (_, serde_json::Value::Null) => None,
            ("preset", serde_json::Value::String(preset)) => Some(preset),
            (_, serde_json::Value::Bool(true)) => Some(key.replace('_', " ")),
            (_, value) => Some(format!("{} {value}", key.replace('_', " "))),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// The attack with its options.
    ///
    /// # Errors
    /// A message that names the key, for an unknown attack, an option that it does not take, and a
    /// number out of range.
    pub fn spec(&self) -> Result<AttackSpec, String> {
        let id = AttackId::find(&self.attack).map_err(|e| format!("attack: {e}"))?;
        let preset = self.preset.as_deref().map(Preset::find).transpose();
        let preset = preset.map_err(|e| format!("preset: {e}"))?;
        let given = [
            (self.preset.is_some(), AttackOption::Preset, "preset"),
            (self.snr_db.is_some(), AttackOption::Snr, "snr_db"),
            (self.linf_dbfs.is_some(), AttackOption::Linf, "linf_dbfs"),
            (self.confidence.is_some(), AttackOption::Confidence, "confidence"),
            (self.searches.is_some(), AttackOption::Searches, "searches"),
            (self.iterations.is_some(), AttackOption::Iterations, "iterations"),
            (self.candidates.is_some(), AttackOption::Candidates, "candidates"),
            (self.overshoot.is_some(), AttackOption::Overshoot, "overshoot"),
            (self.momentum.is_some(), AttackOption::Momentum, "momentum"),
            (self.random_start.is_some(), AttackOption::RandomStart, "random_start"),
            (self.log_scores.is_some(), AttackOption::LogScores, "log_scores"),
        ];
        if let Some((.., key)) =
            given.iter().find(|(given, option, _)| *given && !id.takes(*option))
        {
            return Err(format!("{key}: {} takes no {key}; take the line out", id.name()));
        }
        let default = AttackSpec::new(id);
        let number = |key: &str, value: Option<f64>, low: f64, high: f64| match value {
            Some(value) if !(low..=high).contains(&value) => {
                Err(format!("{key}: {value} must be from {low} to {high}"))
            }
            value => Ok(value),
        };
        let count = |key: &str, value: Option<usize>, low: usize, high: usize| match value {
            Some(value) if !(low..=high).contains(&value) => {
                Err(format!("{key}: {value} must be from {low} to {high}"))
            }
            value => Ok(value),
        };
        Ok(AttackSpec {
            id,
            snr_db: number("snr_db", self.snr_db, -100.0, 200.0)?.unwrap_or(default.snr_db),
            linf_dbfs: number("linf_dbfs", self.linf_dbfs, -300.0, 0.0)?,
            preset: preset.unwrap_or(default.preset),
            confidence: number("confidence", self.confidence, 0.0, 1e6)?
                .unwrap_or(default.confidence),
            searches: count("searches", self.searches, 1, 1000)?,
            iterations: count("iterations", self.iterations, 1, 10_000_000)?,
            candidates: count("candidates", self.candidates, 2, 100_000)?,
            overshoot: number("overshoot", self.overshoot, 0.0, 1e3)?,
            momentum: number("momentum", self.momentum, 0.0, 1.0)?.unwrap_or(default.momentum),
            random_start: self.random_start.unwrap_or(default.random_start),
            log_scores: self.log_scores.unwrap_or(default.log_scores),
            sixteen_bit: self.sixteen_bit.unwrap_or(default.sixteen_bit),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_reach_the_attack_and_those_it_does_not_take_are_refused() {
        let entry = AttackEntry {
            iterations: Some(7),
            ..AttackEntry::new(AttackId::CarliniWagner, Preset::Paper)
        };
        let spec = entry.spec().unwrap();
        assert_eq!((spec.preset, spec.iterations), (Preset::Paper, Some(7)));
        let entry = AttackEntry::new(AttackId::Fgsm, Preset::Paper);
        assert_eq!(entry.spec().unwrap(), AttackSpec::new(AttackId::Fgsm));
        let wrong = AttackEntry { candidates: Some(3), ..entry.clone() };
        assert!(wrong.spec().unwrap_err().starts_with("candidates: fgsm takes no candidates"));
        let wrong = AttackEntry { snr_db: Some(f64::NAN), ..entry };
        assert!(wrong.spec().unwrap_err().starts_with("snr_db: NaN must be from"));
        let wrong = AttackEntry { attack: "fgms".to_owned(), ..AttackEntry::default() };
        assert!(wrong.spec().unwrap_err().contains("did you mean fgsm?"));
    }
}
