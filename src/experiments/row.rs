//! What becomes of one item, as the run's folder keeps it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::plan::Item;
use crate::attacks::{Outcome, Status};
use crate::models::Verdict;

/// The status of an item that broke; it can be tried again.
pub const FAILED: &str = "failed";

/// What another model says of an adversarial clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The model.
    pub model: String,
    /// The beginning of its weights' hash; none in rows of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// What it hears in the clean clip.
    pub clean: String,
    /// What it hears in the adversarial one.
    pub heard: String,
    /// How sure it is of that.
    pub confidence: f32,
}

impl Asked {
    /// Whether it hears something else than in the clean clip.
    pub fn fooled(&self) -> bool {
        self.clean != self.heard
    }
}

/// One attack on one clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The item's id.
    pub id: String,
    /// What was computed how: options, seed, weights and the attack's revision ([`Self::fits`]).
    pub work: String,
    /// The clip's name in the data set.
    pub clip: String,
    /// Its true label.
    pub label: String,
    /// The attacked model.
    pub model: String,
    /// The attack's name in the configuration.
    pub attack: String,
    /// Where the answer was to go; none for anywhere else.
    pub target: Option<String>,
    /// How it ended: `fooled`, `not fooled`, `already misclassified`, `already the target`,
    /// `failed`.
    pub status: String,
    /// Why it did not reach its goal, or how it did where there is something to say of that.
    pub reason: Option<String>,
    /// The true label's probability in the clean clip.
    pub original_confidence: f32,
    /// What the model hears in the adversarial clip; the true label where nothing was found.
    pub new_label: String,
    /// Its probability.
    pub new_confidence: f32,
    /// The true label's probability in the adversarial clip.
    pub original_confidence_after: f32,
    /// SNR in dB; none where nothing was changed.
    pub snr_db: Option<f64>,
    /// Largest sample of the perturbation, full scale = 1.
    pub peak: f64,
    /// Steps done.
    pub iterations: usize,
    /// Gradients computed.
    pub gradients: usize,
    /// Wall time in seconds.
    pub seconds: f64,
    /// The clip's length in seconds.
    pub clip_seconds: f64,
    /// The attack's seed.
    pub seed: u64,
    /// SHA-256 of the adversarial samples as 32-bit floats.
    pub samples_sha256: String,
    /// SHA-256 of the clean samples; none in rows of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_sha256: Option<String>,
    /// The file that the adversarial clip was kept in, in the run's folder.
    pub kept: Option<String>,
    /// What the other models say, where they were asked.
    pub transfer: Option<Vec<Asked>>,
    /// Why they could not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unasked: Option<String>,
    /// All measures of the perturbation, as `attack --json` names them, and the margin (the adversarial
    /// clip's, as a difference of probabilities); none in rows of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<Map<String, Value>>,
}

impl Row {
    /// The row of an item that broke before or in its attack.
    pub fn failed(item: &Item, reason: String) -> Self {
        Self {
            id: item.id.clone(),
            work: item.work.clone(),
            clip: item.clip.clone(),
            label: item.label.clone(),
            model: item.model.clone(),
            attack: item.attack.clone(),
            target: item.target.clone(),
            status: FAILED.to_owned(),
            reason: Some(reason),
            original_confidence: 0.0,
            new_label: String::new(),
            new_confidence: 0.0,
            original_confidence_after: 0.0,
            snr_db: None,
            peak: 0.0,
            iterations: 0,
            gradients: 0,
            seconds: 0.0,
            clip_seconds: 0.0,
            seed: item.seed,
            samples_sha256: String::new(),
            clip_sha256: item.clip_sha256.clone(),
            kept: None,
            transfer: None,
            unasked: None,
            measures: None,
        }
    }

    /// The row of an attack that ended.
    pub fn of(item: &Item, outcome: &Outcome, clip_seconds: f64) -> Self {
        let reason = outcome.remark().map(str::to_owned);
        if matches!(outcome.status, Status::Failed(_)) || outcome.original.probabilities.is_empty()
        {
            return Self::failed(item, reason.unwrap_or_else(|| "it failed".to_owned()));
        }
        let (new_label, new_confidence) = heard(&outcome.adversarial);
        let new_label = spelled_as(&item.label, new_label);
        let after = outcome.adversarial.probability(outcome.original_label);
        Self {
            status: outcome.status.name().to_owned(),
            reason,
            original_confidence: outcome.original.probability(outcome.original_label),
            new_label,
            new_confidence,
            original_confidence_after: after,
            snr_db: Some(outcome.metrics.snr_db).filter(|db| db.is_finite()),
            peak: outcome.metrics.peak,
            iterations: outcome.iterations,
            gradients: outcome.gradient_evaluations,
            seconds: outcome.seconds,
            clip_seconds,
            samples_sha256: crate::export::sha256_of_samples(&outcome.samples),
            measures: Some(measures(outcome)),
            ..Self::failed(item, String::new())
        }
    }

    /// Whether it is of this item: the same work on the same clip, which has the same label. What an
    /// earlier revision found counts where the attack still finds the same, and what it did not find
    /// does not.
    pub fn fits(&self, item: &Item) -> bool {
        let same_clip = match (&self.clip_sha256, &item.clip_sha256) {
            (Some(then), Some(now)) => then == now,
            // Early versions did not look.
            _ => true,
        };
        let same_work =
            self.work == item.work || self.fooled() && item.same_finds.contains(&self.work);
        self.id == item.id && same_work && self.label == item.label && same_clip
    }

    /// Whether the attack reached its goal.
    pub fn fooled(&self) -> bool {
        self.status == "fooled"
    }

    /// Whether it broke.
    pub fn is_failed(&self) -> bool {
        self.status == FAILED
    }

    /// Whether it takes the place of an earlier row of the same item: a failure does not take that
    /// of a result.
    pub fn replaces(&self, earlier: &Self) -> bool {
        earlier.is_failed() || !self.is_failed()
    }

    /// Whether there was something to attack, and it was: what rates are shares of.
    pub fn counts(&self) -> bool {
        matches!(self.status.as_str(), "fooled" | "not fooled")
    }

    /// Whether two rows of one item say the same, but for which revision found it, how long it took,
    /// what was kept, who else was asked, and what follows from the samples.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let bare = |row: &Self| Self {
            work: String::new(),
            seconds: 0.0,
            kept: None,
            transfer: None,
            unasked: None,
            measures: None,
            ..row.clone()
        };
        bare(self) == bare(other)
    }

    /// Whether each of these models but its own has said what it hears.
    pub fn has_answers_of<'a>(&self, models: impl IntoIterator<Item = &'a str>) -> bool {
        let known = |name: &str| self.transfer.iter().flatten().any(|asked| asked.model == name);
        models.into_iter().all(|name| name == self.model || known(name))
    }

    /// Forgets what models said with other weights than they have now; `weights` tells the hash of
    /// a model's, or nothing where it is not known.
    pub fn forget_other_weights<'a>(&mut self, weights: impl Fn(&str) -> Option<&'a str>) {
        let Some(all) = &mut self.transfer else { return };
        let before = all.len();
        all.retain(|asked| match (&asked.weights, weights(&asked.model)) {
            (Some(then), Some(now)) => now.starts_with(then.as_str()),
            _ => true,
        });
        if all.is_empty() && before > 0 {
            self.transfer = None;
        }
    }
}

/// The measures of an outcome but those that have columns of their own.
fn measures(outcome: &Outcome) -> Map<String, Value> {
    let mut measures = crate::export::metrics_json(&outcome.metrics);
    for column in ["snr_db", "peak"] {
        measures.remove(column);
    }
    measures.insert("margin".to_owned(), outcome.margin().into());
    measures
}

/// What a verdict names, and how surely.
pub(super) fn heard(verdict: &Verdict) -> (String, f32) {
    let (label, confidence) = verdict.top();
    (verdict.labels.name(label).to_owned(), confidence)
}

/// A label as the data set spells the clip's own, where it is that one: people mean the same.
pub(super) fn spelled_as(own: &str, label: String) -> String {
    if crate::names::fold(&label) == crate::names::fold(own) { own.to_owned() } else { label }
}

/// Of the rows that are of these items, the one of each that counts, in the order in which items
/// came first. Rows of an earlier configuration, of other weights or of another clip do not, and
/// come to count again where that comes back.
pub fn of_items(mut rows: Vec<Row>, items: &[Item]) -> Vec<Row> {
    let items: HashMap<&str, &Item> = items.iter().map(|item| (item.id.as_str(), item)).collect();
    rows.retain(|row| items.get(row.id.as_str()).is_some_and(|item| row.fits(item)));
    latest(rows)
}

/// The last row of each id ([`Row::replaces`]), in the order in which ids came first.
pub fn latest(rows: Vec<Row>) -> Vec<Row> {
    let mut places = HashMap::new();
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match places.get(&row.id) {
            Some(&place) => {
                if row.replaces(&kept[place]) {
                    kept[place] = row;
                }
            }
            None => {
                places.insert(row.id.clone(), kept.len());
                kept.push(row);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(work: &str) -> Item {
        Item { work: work.to_owned(), ..Item::example() }
    }

    fn row(work: &str, status: &str) -> Row {
        Row { status: status.to_owned(), ..Row::failed(&item(work), String::new()) }
    }

    #[test]
    fn a_failure_never_takes_the_place_of_a_result() {
        let (found, broke) = (row("quick", "fooled"), row("quick", FAILED));
        let later = Row { peak: 0.5, ..found.clone() };
        for rows in [[&broke, &found, &later], [&found, &broke, &later], [&found, &later, &broke]] {
            assert_eq!(latest(rows.map(Row::clone).to_vec()), std::slice::from_ref(&later));
        }
    }

    #[test]
    fn what_was_computed_before_a_change_counts_again_after_the_change_back() {
        let (quick, paper) = (row("quick", "fooled"), row("paper", "not fooled"));
        let rows = vec![quick.clone(), paper.clone()];
        assert_eq!(of_items(rows.clone(), &[item("quick")]), [quick]);
        assert_eq!(of_items(rows.clone(), &[item("paper")]), [paper]);
        assert!(of_items(rows, &[item("best")]).is_empty());
    }

    #[test]
    fn rows_agree_whoever_else_was_asked() {
        let unasked = Row { unasked: Some("out of memory".to_owned()), ..row("w", "fooled") };
        let answer = Asked {
            model: "crnn".to_owned(),
            weights: None,
            clean: "Bark".to_owned(),
            heard: "Meow".to_owned(),
            confidence: 0.5,
        };
        let asked = Row { transfer: Some(vec![answer]), ..row("w", "fooled") };
        assert!(unasked.agrees_with(&asked));
        assert!(asked.has_answers_of(["vgg13", "crnn"]) && !unasked.has_answers_of(["crnn"]));
        assert!(!asked.has_answers_of(["vgg13", "crnn", "gcnn"]));
        assert!(!asked.agrees_with(&Row { peak: 0.5, ..asked.clone() }));
    }
}
