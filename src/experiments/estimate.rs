//! How long items will take.

use std::collections::HashMap;
use std::time::Instant;

use super::configuration::{Configuration, ExperimentKind};
use super::machine::Machine;
use super::plan::Item;
use super::row::Row;
use crate::attacks::{
    AttackId, AttackSpec, BayesOpt, CarliniWagner, Distance, Evaluation, Lbfgs, Pgd, Preset, Size,
};
use crate::audio::SAMPLE_RATE;

/// Seconds of sound that models are timed on.
const PROBE_SECONDS: f64 = 2.0;

/// What there is to go by: rows of the run, wherever they were computed, or one gradient of each
/// model.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    /// What was measured, by model and attack.
    measured: HashMap<(String, String), Pace>,
    /// Seconds of one gradient for a second of sound, by model.
    gradient: HashMap<String, f64>,
    /// Gradients that an attack is expected to take, by its name in the configuration.
    gradients: HashMap<String, f64>,
    /// Seconds that the other models take to name a second of sound, where they are asked.
    transfer: f64,
}

/// Rows of one model and attack are this many times slower than the middle one at most, as far as
/// an estimate goes: a machine that slept through an attack says nothing of the next.
const SLOWEST: f64 = 5.0;

/// How fast one attack on one model goes.
#[derive(Clone, Debug, Default)]
struct Pace {
    /// Seconds of work and of sound of each row, the slowest a second of sound last.
    rows: Vec<(f64, f64)>,
    /// Seconds of work for a second of sound.
    mean: f64,
}

impl Pace {
    fn learn(&mut self, work: f64, sound: f64) {
        let slowness = |row: &(f64, f64)| row.0 / row.1;
        let place = self.rows.partition_point(|row| slowness(row) < work / sound);
        self.rows.insert(place, (work, sound));
        let most = SLOWEST * slowness(&self.rows[(self.rows.len() - 1) / 2]);
        let work: f64 = self.rows.iter().map(|row| row.0.min(most * row.1)).sum();
        self.mean = work / self.rows.iter().map(|row| row.1).sum::<f64>();
    }
}

impl Estimate {
    /// Times one gradient of each model on two seconds of noise, at the speed of one of the
    /// machine's pools. A model that fails is left out: its items will say why.
    pub fn probe(configuration: &Configuration, machine: &Machine) -> Self {
        let noise: Vec<f32> = (0..(PROBE_SECONDS * f64::from(SAMPLE_RATE)) as u32)
            .map(|n| ((n.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5) * 0.2)
            .collect();
        let mut gradient = HashMap::new();
        for one in &machine.models {
            let seconds = || {
                let started = Instant::now();
                let at = Evaluation::with_log_scores(one.model.as_ref(), &noise, false).ok()?;
                let mut weights = vec![0.0; one.model.labels().len()];
                *weights.first_mut()? = 1.0;
                at.gradient(&weights).ok()?;
                Some(started.elapsed().as_secs_f64() / PROBE_SECONDS)
            };
            let best = match machine.pools.first() {
                // The first pass also warms caches up.
                Some(pool) => pool.install(|| seconds().and(seconds())),
                None => None,
            };
            gradient.extend(best.map(|best| (one.name.clone(), best)));
        }
        let gradients = configuration.attacks.iter().filter_map(|entry| {
            Some((entry.title().to_owned(), expected_gradients(&entry.spec().ok()?)))
        });
        let gradients = gradients.collect();
        // Naming is the forward part of a gradient.
        let asked =
            configuration.transfer && configuration.experiment == ExperimentKind::Untargeted;
        let transfer = if asked { gradient.values().sum::<f64>() / 3.0 } else { 0.0 };
        Self { measured: HashMap::new(), gradient, gradients, transfer }
    }

    /// Learns from a row of the run.
    pub fn learn(&mut self, row: &Row) {
        if row.seconds > 0.0 && row.clip_seconds > 0.0 {
            let key = (row.model.clone(), row.attack.clone());
            self.measured.entry(key).or_default().learn(row.seconds, row.clip_seconds);
        }
    }

    /// Seconds that one item takes a worker; none where nothing is known.
    pub fn seconds(&self, item: &Item) -> Option<f64> {
        let key = (item.model.clone(), item.attack.clone());
        let attack = match self.measured.get(&key) {
            Some(pace) => pace.mean,
            None => self.gradient.get(&item.model)? * self.gradients.get(&item.attack)?,
        };
        Some((attack + self.transfer) * item.clip_seconds)
    }

    /// Seconds that all these items take so many workers.
    pub fn total<'a>(&self, items: impl IntoIterator<Item = &'a Item>, workers: usize) -> f64 {
        let work: f64 = items.into_iter().filter_map(|item| self.seconds(item)).sum();
        work / workers.max(1) as f64
    }
}

/// How many gradients' worth of time an attack usually takes, forward passes counted as a third.
fn expected_gradients(spec: &AttackSpec) -> f64 {
    let steps = |of_preset: usize| spec.iterations.unwrap_or(of_preset) as f64;
    let searches = |of_preset: usize| spec.searches.unwrap_or(of_preset) as f64;
    match spec.id {
        AttackId::WhiteNoise => 1.0,
        AttackId::Fgsm => 2.0,
        AttackId::Pgd => {
            let preset = Pgd::preset(spec.preset, Size::Snr(spec.snr_db));
            preset.starts as f64 * steps(preset.iterations)
        }
        AttackId::Deepfool => match spec.preset {
            // Some steps, most of which look at few labels.
            Preset::Quick => 40.0,
            // Each step has ten gradients of one forward pass, which cost about five.
            Preset::Paper => 100.0,
            // Linear steps with all gradients, and both walks.
            Preset::Best => 500.0,
        },
        // Steps beyond the boundary are forward passes only: a third of a quick search, and more
        // than half of a long one, which stays near it.
        AttackId::CarliniWagner | AttackId::MaskedCarliniWagner => {
            let preset = CarliniWagner::preset(spec.preset, Distance::Euclidean);
            let share = if spec.preset == Preset::Quick { 0.8 } else { 0.6 };
            share * steps(preset.iterations) * searches(preset.searches)
        }
        AttackId::Lbfgs => {
            let preset = Lbfgs::preset(spec.preset);
            steps(preset.iterations) * searches(preset.searches)
        }
        AttackId::BayesOpt => steps(BayesOpt::preset(spec.preset).queries) / 3.0,
    }
}

/// A length of time as people say it.
pub fn duration_words(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{:.1} days", seconds as f64 / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(attack: &str, clip_seconds: f64) -> Item {
        Item { attack: attack.to_owned(), clip_seconds, ..Item::example() }
    }

    #[test]
    fn what_was_measured_takes_the_place_of_what_was_expected() {
        let mut estimate = Estimate::default();
        assert_eq!(estimate.seconds(&item("fgsm", 2.0)), None);
        estimate.gradient.insert("vgg13".to_owned(), 0.1);
        estimate.gradients.insert("fgsm".to_owned(), 2.0);
        assert!((estimate.seconds(&item("fgsm", 2.0)).unwrap() - 0.4).abs() < 1e-9);
        let row = Row {
            seconds: 3.0,
            clip_seconds: 1.0,
            ..Row::failed(&item("fgsm", 1.0), String::new())
        };
        estimate.learn(&row);
        estimate.transfer = 0.5;
        assert!((estimate.seconds(&item("fgsm", 2.0)).unwrap() - 7.0).abs() < 1e-9);
        let items = [item("fgsm", 1.0), item("fgsm", 3.0)];
        assert!((estimate.total(&items, 4) - 3.5).abs() < 1e-9);
    }

    #[test]
    fn a_row_that_took_a_night_says_nothing_of_the_next() {
        let mut pace = Pace::default();
        for (work, sound) in [(2.0, 1.0), (4.0, 2.0), (30_000.0, 1.0), (1.0, 1.0)] {
            pace.learn(work, sound);
        }
        // Of 1, 2, 2 and 30 000 the middle is 2.
        assert!((pace.mean - (1.0 + 2.0 + 4.0 + 10.0) / 5.0).abs() < 1e-12, "{}", pace.mean);
    }

    #[test]
    fn durations_are_words() {
        for (seconds, words) in [
            (0.2, "0 s"),
            (59.0, "59 s"),
            (61.0, "1 min 1 s"),
            (7260.0, "2 h 1 min"),
            (4e5, "4.6 days"),
        ] {
            assert_eq!(duration_words(seconds), words);
        }
    }
}
