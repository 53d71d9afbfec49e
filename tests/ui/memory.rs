//! However many results there are, memory holds few of them, and each comes back whole.

use std::path::Path;

use egui_kittest::kittest::Queryable as _;
use mondegreen::audio;
use mondegreen::ui::UiCommand;

use crate::driver::{Lab, choose, drop_files, has, lab, saved, until};

/// Long enough that six results are more than memory keeps.
const SECONDS: usize = 45;

/// A chirp with pauses, which any model names somehow.
fn write_clip(path: &Path) {
    let sample = |i: usize| {
        let seconds = i as f32 / 32_000.0;
        let envelope = (-6.0 * seconds.fract()).exp();
        0.5 * envelope * (seconds.fract() * 9_000.0 * (1.0 + seconds.fract())).sin()
    };
    let samples: Vec<f32> = (0..SECONDS * 32_000).map(sample).collect();
    audio::write_wav_f32(path, &samples).expect("the clip is written");
}

#[test]
fn results_that_memory_does_not_keep_come_back_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chirp.wav");
    write_clip(&path);
    let mut harness = lab();
    drop_files(&mut harness, &[&path]);
    until(&mut harness, "the clip is named", |h| has(h, "chirp"));
    choose(&mut harness, "Attack method", "White noise");
    let results = |h: &Lab| h.query_all_by_label_contains("Result: ").count();
    for count in 1..=7 {
        harness.state_mut().ask(UiCommand::Attack);
        until(&mut harness, "a result", |h| results(h) == count);
    }
    // Those in the shelf are the oldest; the first is there again when it is looked at.
    let in_memory = harness.state().samples_in_memory();
    assert!(in_memory <= (32 << 20) / 4 + SECONDS * 32_000, "{in_memory} samples in memory");
    harness.state_mut().ask(UiCommand::ShowResult(0));
    harness.run_steps(4);
    let files = saved(&mut harness, UiCommand::SavePair(folder.path().to_path_buf()));
    let [natural, adversarial] = ["_nat.wav", "_adv.wav"].map(|end| {
        let file = files.iter().find(|file| file.to_string_lossy().ends_with(end));
        audio::load(file.expect("written"), 60.0).expect("a clip").samples
    });
    assert_eq!(natural.len(), SECONDS * 32_000);
    let energy = |signal: &mut dyn Iterator<Item = f64>| signal.map(|x| x * x).sum::<f64>();
    let clean = energy(&mut natural.iter().map(|x| f64::from(*x)));
    let noise = natural.iter().zip(&*adversarial).map(|(x, y)| f64::from(*y) - f64::from(*x));
    let snr = 10.0 * (clean / energy(&mut { noise })).log10();
    assert!((snr - 20.0).abs() < 0.01, "{snr} dB");

    let whole = folder.path().join("all.mondegreen");
    saved(&mut harness, UiCommand::SaveLab(whole.clone()));
    harness.run_steps(3);
    assert!(harness.state().samples_in_memory() <= in_memory + SECONDS * 32_000);
    let file = std::fs::File::open(&whole).expect("the lab file");
    let mut archive = zip::ZipArchive::new(file).expect("a ZIP");
    let mut sizes = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index(index).expect("a part");
        if part.name().expect("a name").ends_with("adversarial.wav") {
            sizes.push(part.size());
        }
    }
    assert_eq!(sizes.len(), 7);
    assert!(sizes.iter().all(|&size| size as usize > 4 * SECONDS * 32_000), "{sizes:?}");
    assert!(harness.state().notices().iter().next().is_none());
}
