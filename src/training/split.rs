//! Which recordings are held back for validation.

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::data_set::Recording;

/// Indices to learn from, and indices to validate with: about `share` of each label, whole groups
/// only. A group may have several labels; it is on one side with all of them. A label keeps at least
/// half of its recordings to learn from, so that those of one large group are not validated.
pub fn hold_back(list: &[&Recording], share: f64, seed: u64) -> [Vec<usize>; 2] {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, recording) in list.iter().enumerate() {
        let alone = || recording.path.to_string_lossy().into_owned();
        groups.entry(recording.group.clone().unwrap_or_else(alone)).or_default().push(index);
        *counts.entry(recording.label).or_default() += 1;
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    // Small groups first, the shuffled order among equals: most labels then come near the share.
    groups.sort_by_key(Vec::len);
    let mut held: BTreeMap<usize, usize> = BTreeMap::new();
    let [mut learn, mut validate] = [Vec::new(), Vec::new()];
    for group in groups {
        let mut after = held.clone();
        group.iter().for_each(|&index| *after.entry(list[index].label).or_default() += 1);
        let fits = group.iter().all(|&index| {
            let label = list[index].label;
            after[&label] as f64 <= (share * counts[&label] as f64).round()
                && 2 * after[&label] <= counts[&label]
        });
        if fits {
            held = after;
            validate.extend(group);
        } else {
            learn.extend(group);
        }
    }
    learn.sort_unstable();
    validate.sort_unstable();
    [learn, validate]
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::data_set::Part;
    use super::*;

    #[test]
    fn groups_stay_together_and_every_label_is_validated() {
        let recordings: Vec<_> = (0..400)
            .map(|index| Recording {
                path: PathBuf::from(format!("{index}.wav")),
                label: index % 4,
                part: Part::Train,
                verified: true,
                group: (index % 4 < 3).then(|| format!("{}-{}", index % 4, index / 20)),
            })
            .collect();
        let list: Vec<_> = recordings.iter().collect();
        let [learn, validate] = hold_back(&list, 0.1, 7);
        assert_eq!(learn.len() + validate.len(), 400);
        for label in 0..4 {
            let count = validate.iter().filter(|&&i| recordings[i].label == label).count();
            assert!((5..=10).contains(&count), "label {label}: {count}");
        }
        for &index in &validate {
            let group = &recordings[index].group;
            let torn = learn.iter().any(|&i| group.is_some() && recordings[i].group == *group);
            assert!(!torn, "{group:?} is on both sides");
        }
        assert_eq!(hold_back(&list, 0.1, 7)[1], validate);
        assert!(hold_back(&list, 0.0, 7)[1].is_empty());
    }
}
