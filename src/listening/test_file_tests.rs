//! Session files are read as they were written, and what is wrong with them is named.

use super::*;

fn valid() -> TestFile {
    let mut test = TestFile::new("Bells", Protocol::Abx);
    test.stimuli.push(StimulusEntry {
        original: Some("a_nat.wav".into()),
        changed: Some("a_adv.wav".into()),
        ..StimulusEntry::default()
    });
    test
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    let mut test = valid();
    test.consent = Some("Two lines\nof \"text\".".to_owned());
    test.playback.region = Some([0.25, 0.35]);
    test.seed = Some(i64::MAX.cast_unsigned());
    test.write(&path).unwrap();
    assert_eq!(TestFile::read(&path).unwrap(), test);
}

#[test]
fn each_bad_value_is_named_by_its_key() {
    type Break = fn(&mut TestFile);
    let cases: [(&str, Break); 20] = [
        ("version", |t| t.version = 2),
        ("title", |t| t.title = "  ".to_owned()),
        ("consent", |t| t.consent = Some(" ".to_owned())),
        ("stimuli[0].name", |t| {
            t.stimuli[0] = StimulusEntry {
                name: Some("x".to_owned()),
                folder: Some("x".into()),
                ..StimulusEntry::default()
            };
        }),
        ("trials", |t| t.trials = Some(0)),
        ("trials", |t| t.trials = Some(1001)),
        ("seed", |t| t.seed = Some(u64::MAX)),
        ("practice", |t| t.practice = 101),
        ("catch_trials", |t| t.catch_trials = 17),
        ("catch_snr_db", |t| t.catch_snr_db = f64::NAN),
        ("alpha", |t| t.alpha = 0.0),
        ("playback.crossfade_ms", |t| t.playback.crossfade_ms = 0.5),
        ("playback.region", |t| t.playback.region = Some([0.2, 0.25])),
        ("adaptive.hardest_snr_db", |t| t.adaptive.hardest_snr_db = 1.0),
        ("adaptive.start_snr_db", |t| t.adaptive.start_snr_db = -1.0),
        ("adaptive.steps_db", |t| t.adaptive.steps_db = vec![]),
        ("stimuli", |t| t.stimuli.clear()),
        ("stimuli[0].changed", |t| t.stimuli[0].changed = None),
        ("stimuli[0].folder", |t| t.stimuli[0].folder = Some("x".into())),
        ("stimuli[0].snr_db", |t| t.stimuli[0].snr_db = vec![200.0]),
    ];
    for (key, spoil) in cases {
        let mut test = valid();
        test.validate().unwrap();
        spoil(&mut test);
        let message = test.validate().unwrap_err().to_string();
        assert!(message.contains(&format!("\u{201c}{key}\u{201d}")), "{key}: {message}");
    }
    let mut test = valid();
    test.protocol = Protocol::TwoDown;
    test.stimuli[0].snr_db = vec![20.0];
    assert!(test.validate().unwrap_err().to_string().contains("staircase"));
}

#[test]
fn unknown_keys_and_wrong_types_are_told_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    let head = "version = 1\ntitle = \"x\"\nprotocol = \"abx\"\n";
    for (line, expected) in [
        ("trails = 3", vec!["line 4", "trails"]),
        ("trials = \"many\"", vec!["line 4", "trials"]),
        ("[playback]\nfade = 1", vec!["line 5", "fade"]),
        ("protocol", vec!["line 4"]),
    ] {
        std::fs::write(&path, format!("{head}{line}\n")).unwrap();
        let message = TestFile::read(&path).unwrap_err().to_string();
        for word in expected {
            assert!(message.contains(word), "{message}");
        }
    }
}
