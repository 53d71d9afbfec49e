//! The labels of FSDKaggle2018 in groups that people look through.

use super::labels::Labels;

/// Groups of FSDKaggle2018's labels, each label in one: first the six of the paper's music subset,
/// then music by family, then everything else by where it comes from.
pub const FSDKAGGLE2018_GROUPS: [(&str, &[&str]); 8] = [
    (
        "The paper's music subset",
        &["Bass_drum", "Snare_drum", "Cello", "Violin_or_fiddle", "Clarinet", "Oboe"],
    ),
    ("Other strings and keys", &["Acoustic_guitar", "Double_bass", "Electric_piano"]),
    ("Other winds", &["Flute", "Harmonica", "Saxophone", "Trumpet"]),
    (
        "Bells and other percussion",
        &["Chime", "Cowbell", "Glockenspiel", "Gong", "Hi-hat", "Tambourine"],
    ),
    (
        "People",
        &["Applause", "Burping_or_eructation", "Cough", "Fart", "Finger_snapping", "Laughter"],
    ),
    ("Animals", &["Bark", "Meow"]),
    (
        "House and desk",
        &[
            "Computer_keyboard",
            "Drawer_open_or_close",
            "Keys_jangling",
            "Knock",
            "Microwave_oven",
            "Scissors",
            "Squeak",
            "Tearing",
            "Telephone",
            "Writing",
        ],
    ),
    ("Street and bangs", &["Bus", "Fireworks", "Gunshot_or_gunfire", "Shatter"]),
];

/// The groups of a label set, each with its title and its labels by their index. None for labels of
/// people's own.
pub fn groups(labels: &Labels) -> Vec<(&'static str, Vec<usize>)> {
    if *labels != Labels::fsdkaggle2018() {
        return Vec::new();
    }
    FSDKAGGLE2018_GROUPS
        .iter()
        .map(|(title, names)| {
            (*title, names.iter().filter_map(|name| labels.index_of(name)).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::FSDKAGGLE2018;

    #[test]
    fn each_of_the_41_labels_is_in_exactly_one_group() {
        let grouped = FSDKAGGLE2018_GROUPS.iter().flat_map(|(_, names)| names.iter().copied());
        let mut grouped: Vec<&str> = grouped.collect();
        grouped.sort_unstable();
        let mut labels = FSDKAGGLE2018.to_vec();
        labels.sort_unstable();
        assert_eq!(grouped, labels);
    }

    #[test]
    fn groups_hold_the_labels_they_name_and_only_known_sets_have_some() {
        let labels = Labels::fsdkaggle2018();
        let groups = groups(&labels);
        assert_eq!(groups.len(), FSDKAGGLE2018_GROUPS.len());
        let names: Vec<_> = groups[0].1.iter().map(|&label| labels.name(label)).collect();
        assert_eq!(names, FSDKAGGLE2018_GROUPS[0].1);
        assert!(super::groups(&Labels::new(["Robin", "Wren"].map(str::to_owned))).is_empty());
    }
}
