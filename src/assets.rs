//! What the program brings along: short clips to start with, one a label.
//!
//! `assets/clips/README.md` says how each was made and under which licence.

/// A clip inside the program: FLAC, mono, 32 kHz, 16 bit, 1.8 to 4 s.
#[derive(Clone, Copy, Debug)]
pub struct BundledClip {
    /// What people are shown, such as "Acoustic guitar"; unique.
    pub name: &'static str,
    /// The true label, one of [`crate::models::FSDKAGGLE2018`].
    pub label: &'static str,
    /// The whole FLAC file.
    pub bytes: &'static [u8],
}

/// The bundled clips: Glockenspiel, the one to start with, then music, then everyday sounds.
pub static BUNDLED: &[BundledClip] = &[
    BundledClip {
        name: "Glockenspiel",
        label: "Glockenspiel",
        bytes: include_bytes!("../assets/clips/glockenspiel.flac"),
    },
    BundledClip {
        name: "Flute",
        label: "Flute",
        bytes: include_bytes!("../assets/clips/flute.flac"),
    },
    BundledClip {
        name: "Clarinet",
        label: "Clarinet",
        bytes: include_bytes!("../assets/clips/clarinet.flac"),
    },
    BundledClip {
        name: "Trumpet",
        label: "Trumpet",
        bytes: include_bytes!("../assets/clips/trumpet.flac"),
    },
    BundledClip {
        name: "Violin",
        label: "Violin_or_fiddle",
        bytes: include_bytes!("../assets/clips/violin.flac"),
    },
    BundledClip {
        name: "Cello",
        label: "Cello",
        bytes: include_bytes!("../assets/clips/cello.flac"),
    },
    BundledClip {
        name: "Double bass",
        label: "Double_bass",
        bytes: include_bytes!("../assets/clips/double-bass.flac"),
    },
    BundledClip {
        name: "Acoustic guitar",
        label: "Acoustic_guitar",
        bytes: include_bytes!("../assets/clips/acoustic-guitar.flac"),
    },
    BundledClip {
        name: "Electric piano",
        label: "Electric_piano",
        bytes: include_bytes!("../assets/clips/electric-piano.flac"),
    },
    BundledClip {
        name: "Snare drum",
        label: "Snare_drum",
        bytes: include_bytes!("../assets/clips/snare-drum.flac"),
    },
    BundledClip {
        name: "Bass drum",
        label: "Bass_drum",
        bytes: include_bytes!("../assets/clips/bass-drum.flac"),
    },
    BundledClip {
        name: "Hi-hat",
        label: "Hi-hat",
        bytes: include_bytes!("../assets/clips/hi-hat.flac"),
    },
    BundledClip {
        name: "Cowbell",
        label: "Cowbell",
        bytes: include_bytes!("../assets/clips/cowbell.flac"),
    },
    BundledClip {
        name: "Tambourine",
        label: "Tambourine",
        bytes: include_bytes!("../assets/clips/tambourine.flac"),
    },
    BundledClip {
        name: "Chime",
        label: "Chime",
        bytes: include_bytes!("../assets/clips/chime.flac"),
    },
    BundledClip {
        name: "Applause",
        label: "Applause",
        bytes: include_bytes!("../assets/clips/applause.flac"),
    },
    BundledClip {
        name: "Gunshot",
        label: "Gunshot_or_gunfire",
        bytes: include_bytes!("../assets/clips/gunshot.flac"),
    },
    BundledClip {
        name: "Telephone",
        label: "Telephone",
        bytes: include_bytes!("../assets/clips/telephone.flac"),
    },
    BundledClip {
        name: "Knock",
        label: "Knock",
        bytes: include_bytes!("../assets/clips/knock.flac"),
    },
    BundledClip {
        name: "Computer keyboard",
        label: "Computer_keyboard",
        bytes: include_bytes!("../assets/clips/computer-keyboard.flac"),
    },
    BundledClip {
        name: "Writing",
        label: "Writing",
        bytes: include_bytes!("../assets/clips/writing.flac"),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::BUNDLED;
    use crate::models::FSDKAGGLE2018;

    #[test]
    fn glockenspiel_comes_first_and_ten_labels_are_there() {
        assert_eq!(BUNDLED[0].label, "Glockenspiel");
        let labels: HashSet<_> = BUNDLED.iter().map(|clip| clip.label).collect();
        assert!(labels.len() >= 10, "{} labels", labels.len());
    }

    #[test]
    fn every_label_is_one_of_the_models() {
        for clip in BUNDLED {
            assert!(FSDKAGGLE2018.contains(&clip.label), "{}: {}", clip.name, clip.label);
        }
    }

    #[test]
    fn names_and_sounds_are_unique() {
        let names: HashSet<_> = BUNDLED.iter().map(|clip| clip.name).collect();
        let sounds: HashSet<_> = BUNDLED.iter().map(|clip| clip.bytes).collect();
        assert_eq!(names.len(), BUNDLED.len());
        assert_eq!(sounds.len(), BUNDLED.len());
    }

    #[test]
    fn every_file_is_mono_flac_at_32_khz_and_16_bit() {
        for clip in BUNDLED {
            assert_eq!(&clip.bytes[..4], b"fLaC", "{}", clip.name);
            // STREAMINFO: 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of samples.
            let info = u64::from_be_bytes(clip.bytes[18..26].try_into().unwrap());
            assert_eq!(info >> 44, 32_000, "{}", clip.name);
            assert_eq!((info >> 41) & 7, 0, "{}", clip.name);
            assert_eq!((info >> 36) & 31, 15, "{}", clip.name);
            let samples = info & ((1 << 36) - 1);
            assert!((32_000..=160_000).contains(&samples), "{}: {samples}", clip.name);
        }
    }
}
