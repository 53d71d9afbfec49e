use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{LabFileError, LabState, open, write};
use crate::export::tests::record;
use crate::export::zip;

/// A lab of two results of one clip, in a folder of its own.
fn saved() -> (tempfile::TempDir, PathBuf, LabState) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bells.mondegreen");
    let first = record();
    let mut second = first.clone();
    second.name = Some("The quiet one".to_owned());
    let state = LabState {
        clip: Some(first.clip.clone()),
        results: vec![first, second],
        shown: Some(1),
        window: json!({ "zoom": [0.25, 0.5] }),
    };
    write(&state, &path).unwrap();
    (folder, path, state)
}

fn error(path: &Path) -> LabFileError {
    open(path).expect_err("it is refused")
}

#[test]
fn a_lab_reopens_as_it_was() {
    let (_folder, path, state) = saved();
    let opened = open(&path).unwrap();
    assert_eq!((opened.shown, &opened.window), (Some(1), &state.window));
    let clip = opened.clip.as_ref().unwrap();
    assert_eq!(clip.samples, state.clip.unwrap().samples);
    assert_eq!(opened.results.len(), 2);
    for (opened, saved) in opened.results.iter().zip(&state.results) {
        // One clip for all results of it.
        assert!(std::sync::Arc::ptr_eq(&opened.clip.samples, &clip.samples));
        assert_eq!(opened.outcome.samples, saved.outcome.samples);
        assert_eq!((&opened.name, opened.spec), (&saved.name, saved.spec));
        assert_eq!(opened.outcome.status, saved.outcome.status);
        assert_eq!(opened.outcome.original, saved.outcome.original);
        assert_eq!(opened.outcome.adversarial, saved.outcome.adversarial);
        assert_eq!(opened.trace, saved.trace);
        assert_eq!(format!("{:?}", opened.survival), format!("{:?}", saved.survival));
        assert_eq!(opened.transfer, saved.transfer);
        assert_eq!(opened.outcome.metrics.snr_db, saved.outcome.metrics.snr_db);
        assert_eq!((opened.threads, &opened.device), (saved.threads, &saved.device));
    }
}

#[test]
fn what_is_no_lab_is_newer_or_is_damaged_is_refused_with_its_name() {
    let (folder, path, _) = saved();
    let bytes = fs::read(&path).unwrap();
    let other = folder.path().join("other.mondegreen");

    fs::write(&other, b"RIFF and so on").unwrap();
    assert!(matches!(error(&other), LabFileError::Foreign { .. }));
    fs::write(&other, zip([Ok(("a.txt".to_owned(), b"a".to_vec()))]).unwrap()).unwrap();
    assert!(matches!(error(&other), LabFileError::Foreign { .. }));
    let newer = json!({
        "format": "mondegreen lab", "format_version": 99, "program": { "version": "9.9.9" }
    });
    let entry = ("lab.json".to_owned(), newer.to_string().into_bytes());
    fs::write(&other, zip([Ok(entry)]).unwrap()).unwrap();
    let told = error(&other).to_string();
    assert!(told.contains("9.9.9") && told.contains("other.mondegreen"), "{told}");

    // A file that was cut off, or of which a byte is another.
    fs::write(&other, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(error(&other), LabFileError::Damaged { .. }));
    let mut refused = 0;
    for at in (60..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        fs::write(&other, &changed).unwrap();
        match open(&other) {
            Err(error) => {
                assert!(error.to_string().contains("other.mondegreen"), "{error}");
                refused += 1;
            }
            // Times of files, and the like, mean nothing.
            Ok(opened) => assert_eq!(opened.results.len(), 2),
        }
    }
    assert!(refused > 20, "{refused} of 40 changes were found");
    assert!(matches!(error(&folder.path().join("none")), LabFileError::Read { .. }));
}

#[test]
fn a_lab_that_can_t_be_saved_leaves_what_was_there() {
    let (folder, path, state) = saved();
    let before = fs::read(&path).unwrap();
    let nowhere = folder.path().join("no such folder").join("lab.mondegreen");
    let told = write(&state, &nowhere).unwrap_err().to_string();
    assert!(told.contains("lab.mondegreen") && told.contains("can't be saved"), "{told}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
