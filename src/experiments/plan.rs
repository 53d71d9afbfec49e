//! From a configuration and what models make of the clean clips to a list of independent items.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::attack_entry::AttackEntry;
use super::candidates::Candidates;
use super::configuration::{Configuration, ExperimentKind};
use super::survey::{Heard, Survey};

/// One attack on one clip: all that a process needs to know to do it, with the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name, the same on every machine: from clip, model, attack and target.
    pub id: String,
    /// What is computed how: the attack's options, the seed and the weights.
    pub work: String,
    /// The same with earlier revisions of the attack, which find the very same where they find
    /// anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_finds: Vec<String>,
    /// The clip's name in the data set.
    pub clip: String,
    /// Its true label.
    pub label: String,
    /// The model.
    pub model: String,
    /// The attack's name in the configuration.
    pub attack: String,
    /// Where the answer is to go; none for anywhere else.
    pub target: Option<String>,
    /// Which clip of its label it is for this model, from 0.
    pub rank: usize,
    /// The clip's length in seconds.
    pub clip_seconds: f64,
    /// SHA-256 of its samples when the models named it; none in plans of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_sha256: Option<String>,
    /// The attack's seed.
    pub seed: u64,
}

#[cfg(test)]
impl Item {
    /// One for tests: DeepFool on VGG13, away from a bark.
    pub(super) fn example() -> Self {
        Self {
            id: "id".to_owned(),
            work: String::new(),
            same_finds: Vec::new(),
            clip: "a.wav".to_owned(),
            label: "Bark".to_owned(),
            model: "vgg13".to_owned(),
            attack: "deepfool".to_owned(),
            target: None,
            rank: 0,
            clip_seconds: 1.0,
            clip_sha256: None,
            seed: 0,
        }
    }
}

/// All items, in the order in which they are worked off.
///
/// The first clip of every label goes through all attacks on all models, quick attacks first, then
/// the second one does: a run that is stopped early has been fair to labels and models.
pub fn plan(
    configuration: &Configuration,
    candidates: &Candidates,
    survey: &Survey,
    models: &[(String, String)],
) -> Vec<Item> {
    let chosen = choose(configuration, candidates, survey, models);
    let targeted = configuration.experiment == ExperimentKind::Targeted;
    let labels = &candidates.labels;
    // Label after label in the order of the alphabet would leave the end of it out of a partial run.
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&label| key(configuration.seed, &labels[label]));
    let shifts = if targeted { 1..labels.len() } else { 0..1 };
    let mut items = Vec::new();
    for rank in 0..configuration.clips_per_label {
        for entry in &configuration.attacks {
            for shift in shifts.clone() {
                for &label in &order {
                    for (model, (name, weights)) in models.iter().enumerate() {
                        let Some(&clip) = chosen[model][label].get(rank) else { continue };
                        let clip = &candidates.clips[clip];
                        let target =
                            targeted.then(|| labels[(label + shift) % labels.len()].clone());
                        let id = digest(&[
                            &clip.name,
                            name,
                            entry.title(),
                            target.as_deref().unwrap_or_default(),
                        ]);
                        let seed = key(configuration.seed, &id) >> 32;
                        let (work, same_finds) = work(entry, seed, weights, targeted);
                        let heard = survey.get(&clip.name, name, weights);
                        items.push(Item {
                            id,
                            work,
                            same_finds,
                            clip: clip.name.clone(),
                            label: clip.label.clone(),
                            model: name.clone(),
                            attack: entry.title().to_owned(),
                            target,
                            rank,
                            clip_seconds: heard.map_or(0.0, |heard| heard.seconds),
                            clip_sha256: heard.and_then(|heard| heard.clip_sha256.clone()),
                            seed,
                        });
                    }
                }
            }
        }
    }
    items
}

/// What stands for all that an attack's result depends on but the clip, and what stands for it with
/// earlier revisions whose finds are the same.
fn work(entry: &AttackEntry, seed: u64, weights: &str, targeted: bool) -> (String, Vec<String>) {
    let spec = entry.spec().ok();
    let options = spec.map_or(serde_json::Value::Null, |spec| crate::export::spec_json(&spec));
    let (options, seed) = (options.to_string(), seed.to_string());
    let of = |revision: u32| {
        let mut parts = vec![options.as_str(), entry.attack.as_str(), &seed, weights];
        // The first revisions were not told.
        let revision = (revision > 1).then(|| format!("revision {revision}"));
        parts.extend(revision.as_deref());
        digest(&parts)
    };
    let revision = spec.map_or(1, |spec| spec.revision(targeted));
    let since = spec.map_or(revision, |spec| spec.finds_since(targeted));
    (of(revision), (since..revision).map(of).collect())
}

/// For each model and label, the clips that it names rightly, by their index, at most as many as
/// asked for.
///
/// As in the paper all models get the same clips as far as possible: first come those that all
/// models name rightly, then those that this one does. Among equals the seed decides.
fn choose(
    configuration: &Configuration,
    candidates: &Candidates,
    survey: &Survey,
    models: &[(String, String)],
) -> Vec<Vec<Vec<usize>>> {
    let mut order: Vec<usize> = (0..candidates.clips.len()).collect();
    order.sort_by_key(|&clip| key(configuration.seed, &candidates.clips[clip].name));
    let is_right = |clip: usize, (name, weights): &(String, String)| {
        let heard = survey.get(&candidates.clips[clip].name, name, weights);
        heard.is_some_and(Heard::is_right)
    };
    let of_model = |model: &(String, String)| {
        let of_label = |label: &String| {
            let own =
                |clip: &&usize| candidates.clips[**clip].label == *label && is_right(**clip, model);
            let shared = |clip: &usize| models.iter().all(|model| is_right(*clip, model));
            let (all, some): (Vec<usize>, Vec<usize>) =
                order.iter().filter(own).partition(|c| shared(c));
            all.into_iter().chain(some).take(configuration.clips_per_label).collect()
        };
        candidates.labels.iter().map(of_label).collect()
    };
    models.iter().map(of_model).collect()
}

/// A number that depends on the seed and a name, and on nothing else.
fn key(seed: u64, name: &str) -> u64 {
    let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
    hash.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
}

/// The first 16 hexadecimal digits of a hash over some words.
fn digest(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A share of the items: every `of`th, from the `index`th on, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which share, from 1.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// `i/n`, as people write it.
    ///
    /// # Errors
    /// A message for people where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').map(|(i, n)| (i.parse().ok(), n.parse().ok()));
        match parts {
            Some((Some(index), Some(of))) if (1..=of).contains(&index) => Ok(Self { index, of }),
            _ => Err("it must be i/n with i from 1 to n, such as 2/8".to_owned()),
        }
    }

    /// The folder of its rows, below the run's.
    pub fn folder(self) -> String {
        format!("shards/{}-of-{}", self.index, self.of)
    }

    /// Whether it has the item at this place.
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.index - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::{AttackId, Preset};
    use crate::experiments::candidates::Candidate;
    use crate::experiments::row::Row;

    fn candidates(labels: &[&str], clips: usize) -> Candidates {
        let clip = |label: &&str, n: usize| Candidate {
            name: format!("{label}/{n}.wav"),
            path: format!("/data/{label}/{n}.wav").into(),
            label: (*label).to_owned(),
        };
        Candidates {
            data: "data".to_owned(),
            data_sha256: String::new(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            clips: labels.iter().flat_map(|label| (0..clips).map(|n| clip(label, n))).collect(),
        }
    }

    fn models() -> Vec<(String, String)> {
        ["vgg13", "crnn"].map(|name| (name.to_owned(), "weights".to_owned())).to_vec()
    }

    /// Everybody is right, but for the model and clip named.
    fn survey(candidates: &Candidates, wrong: &[(&str, &str)]) -> Survey {
        let mut survey = Survey::default();
        for clip in &candidates.clips {
            for (model, weights) in models() {
                let is_wrong = wrong.contains(&(model.as_str(), clip.name.as_str()));
                survey.push(Heard {
                    clip: clip.name.clone(),
                    label: clip.label.clone(),
                    model,
                    weights,
                    heard: Some(if is_wrong { "Gong".to_owned() } else { clip.label.clone() }),
                    confidence: 0.9,
                    seconds: 1.0,
                    reason: None,
                    clip_sha256: None,
                });
            }
        }
        survey
    }

    fn configuration(kind: ExperimentKind, clips: usize) -> Configuration {
        let mut configuration = Configuration::new(kind, "/data".into(), Preset::Quick);
        configuration.clips_per_label = clips;
        configuration
    }

    #[test]
    fn every_model_gets_the_same_clips_where_it_can() {
        let candidates = candidates(&["Bark", "Meow"], 4);
        let configuration = configuration(ExperimentKind::Untargeted, 3);
        let wrong = [("crnn", "Bark/0.wav"), ("crnn", "Bark/1.wav")];
        let survey = survey(&candidates, &wrong);
        let items = plan(&configuration, &candidates, &survey, &models());
        let clips = |model: &str, label: &str| {
            let of =
                |item: &&Item| item.model == model && item.label == label && item.attack == "fgsm";
            items.iter().filter(of).map(|item| item.clip.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(clips("vgg13", "Meow"), clips("crnn", "Meow"));
        assert_eq!(clips("vgg13", "Meow").len(), 3);
        // Two that both name rightly, then one that only VGG13 does.
        assert_eq!(clips("crnn", "Bark").len(), 2);
        assert_eq!(clips("vgg13", "Bark")[..2], clips("crnn", "Bark"));
        assert!(wrong.map(|w| w.1).contains(&clips("vgg13", "Bark")[2]));
        assert_eq!(items.len(), 4 * (3 + 3 + 3 + 2));
    }

    #[test]
    fn a_plan_depends_on_the_seed_and_ids_do_not() {
        let candidates = candidates(&["Bark", "Meow", "Gong"], 9);
        let survey = survey(&candidates, &[]);
        let mut configuration = configuration(ExperimentKind::Untargeted, 2);
        let first = plan(&configuration, &candidates, &survey, &models());
        assert_eq!(first, plan(&configuration, &candidates, &survey, &models()));
        let ids: std::collections::HashSet<_> = first.iter().map(|item| &item.id).collect();
        assert_eq!(ids.len(), first.len());
        configuration.seed = 1;
        let other = plan(&configuration, &candidates, &survey, &models());
        assert_ne!(first, other);
        for item in &other {
            let same = first.iter().find(|first| {
                (&first.clip, &first.model, &first.attack)
                    == (&item.clip, &item.model, &item.attack)
            });
            assert!(same.is_none_or(|same| same.id == item.id && same.work != item.work));
        }
    }

    #[test]
    fn what_an_earlier_revision_found_counts_and_what_it_did_not_find_does_not() {
        let candidates = candidates(&["Bark"], 1);
        let survey = survey(&candidates, &[]);
        let of = |kind| plan(&configuration(kind, 1), &candidates, &survey, &models());
        for item in of(ExperimentKind::Untargeted) {
            let goes_on = ["deepfool", "carlini-wagner"].contains(&item.attack.as_str());
            assert_eq!(item.same_finds.len(), usize::from(goes_on), "{}", item.attack);
            assert!(!item.same_finds.contains(&item.work));
            let entry = AttackEntry::new(AttackId::find(&item.attack).unwrap(), Preset::Quick);
            let options = crate::export::spec_json(&entry.spec().unwrap()).to_string();
            let parts = [&options, &item.attack, &item.seed.to_string(), "weights", "revision 3"];
            assert!(item.same_finds.iter().all(|earlier| *earlier == digest(&parts)));
            for earlier in &item.same_finds {
                let row = |status: &str| Row {
                    work: earlier.clone(),
                    status: status.to_owned(),
                    ..Row::failed(&item, String::new())
                };
                assert!(row("fooled").fits(&item));
                assert!(!row("not fooled").fits(&item) && !row("failed").fits(&item));
            }
        }
        assert!(of(ExperimentKind::Targeted).iter().all(|item| item.same_finds.is_empty()));
    }

    #[test]
    fn a_part_of_a_plan_is_fair_to_labels_and_models() {
        let candidates = candidates(&["Bark", "Meow", "Gong"], 3);
        let survey = survey(&candidates, &[]);
        let items =
            plan(&configuration(ExperimentKind::Untargeted, 3), &candidates, &survey, &models());
        // 3 labels, 2 models, 4 attacks: the first 24 are the first clip of each label.
        assert!(items[..24].iter().all(|item| item.rank == 0));
        assert!(items[..6].iter().all(|item| item.attack == "white-noise"));
    }

    #[test]
    fn targets_are_all_other_labels() {
        let candidates = candidates(&["Bark", "Meow", "Gong"], 1);
        let survey = survey(&candidates, &[]);
        let items =
            plan(&configuration(ExperimentKind::Targeted, 1), &candidates, &survey, &models());
        assert_eq!(items.len(), 3 * 2 * 2 * 2);
        assert!(items.iter().all(|item| item.target.as_deref().is_some_and(|t| t != item.label)));
    }

    #[test]
    fn shards_share_everything_and_nothing_twice() {
        let shards: Vec<_> = (1..=4).map(|i| Shard::parse(&format!("{i}/4")).unwrap()).collect();
        for place in 0..100 {
            assert_eq!(shards.iter().filter(|shard| shard.has(place)).count(), 1);
        }
        for text in ["0/4", "5/4", "4", "a/b", "-1/4", "1/0"] {
            assert!(Shard::parse(text).is_err(), "{text}");
        }
    }
}
