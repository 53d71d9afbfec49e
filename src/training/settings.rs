//! What a training run is told.

use serde::{Deserialize, Serialize};

use super::augment::Augmentation;

/// What decides about the weights that come out. A checkpoint holds them, too: a run resumes with
/// the same ones only.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Settings {
    /// The model's name.
    pub model: String,
    /// How often as many examples are seen as there are recordings to learn from.
    pub epochs: usize,
    /// Examples of a step.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Epochs in which the learning rate rises to it; from there it falls along a cosine.
    pub warm_up: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Share of the even distribution in targets.
    pub label_smoothing: f64,
    /// 0: labels are drawn as often as the data has them, 1: equally often.
    pub balance: f64,
    /// What share of the network's full input examples have at first...
    pub crop: f64,
    /// ...until this share of all epochs is done; then they are whole and nothing is mixed.
    pub full_from: f64,
    /// How much of the averaged weights stays at each step.
    pub averaging: f64,
    /// Share of the recordings to learn from that is held back for validation, by group.
    pub validation: f64,
    /// Epochs without a better validation loss after which the best weights are taken; 0: never.
    pub patience: usize,
    /// What is varied.
    pub augmentation: Augmentation,
    /// For everything random.
    pub seed: u64,
    /// SHA-256 of the data set.
    pub data: String,
    /// SHA-256 of the weights that it starts from.
    pub start: Option<String>,
}

impl Settings {
    /// The learning rate at a step (from 1) of `steps`.
    pub fn rate(&self, step: u64, steps: u64) -> f64 {
        let epoch = steps as f64 / self.epochs.max(1) as f64;
        let warm_up = (self.warm_up * epoch).max(1.0);
        let step = step as f64;
        if step <= warm_up {
            return self.learning_rate * step / warm_up;
        }
        let done = (step - warm_up) / (steps as f64 - warm_up).max(1.0);
        self.learning_rate * (0.5 + 0.5 * (std::f64::consts::PI * done.min(1.0)).cos()).max(1e-3)
    }

    /// The names of what differs from `other`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let entries = |settings: &Self| match serde_json::to_value(settings) {
            Ok(serde_json::Value::Object(entries)) => entries,
            _ => serde_json::Map::new(),
        };
        let theirs = entries(other);
        let changed =
            entries(self).into_iter().filter(|(name, value)| theirs.get(name) != Some(value));
        changed.map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            model: "vgg13".to_owned(),
            epochs: 10,
            batch: 32,
            learning_rate: 1e-3,
            warm_up: 1.0,
            weight_decay: 0.0,
            label_smoothing: 0.0,
            balance: 1.0,
            crop: 1.0,
            full_from: 1.0,
            averaging: 0.0,
            validation: 0.1,
            patience: 0,
            augmentation: Augmentation::NONE,
            seed: 0,
            data: String::new(),
            start: None,
        }
    }

    #[test]
    fn the_rate_rises_and_falls() {
        let settings = settings();
        let rate = |step| settings.rate(step, 1000);
        assert!((rate(50) - 0.5e-3).abs() < 1e-9);
        assert!((rate(100) - 1e-3).abs() < 1e-9);
        assert!((rate(550) - 0.5e-3).abs() < 1e-9);
        assert!(rate(1000) < 2e-6 && rate(1000) > 0.0);
    }

    #[test]
    fn differences_are_named() {
        let other = Settings { epochs: 11, seed: 4, ..settings() };
        assert_eq!(settings().differences(&other), ["epochs", "seed"]);
        assert!(settings().differences(&settings()).is_empty());
    }
}
