//! Masking threshold, noise-to-mask ratio, segmental SNR and loudness against numpy and ffmpeg.

use mondegreen::audio;
use mondegreen::metrics::Metrics;
use mondegreen::metrics::masking::{LINES, MaskingModel};

use super::{Fixture, root};

/// Each clip with its samples.
fn clips(fixture: &Fixture) -> impl Iterator<Item = (String, Vec<f32>)> {
    fixture.cases("", ".threshold_db").into_iter().map(|name| {
        let path = root().join(fixture.source(&name));
        let clip = audio::load(&path, 60.0).expect("a bundled clip");
        (name, clip.samples.to_vec())
    })
}

#[test]
fn masking_thresholds_equal_the_numpy_implementation() {
    let fixture = Fixture::open("masking");
    let mut compared = 0;
    for (name, samples) in clips(&fixture) {
        let wide: Vec<f64> = samples.iter().copied().map(f64::from).collect();
        let thresholds = MaskingModel::new().thresholds(&wide);
        let frames: Vec<_> = thresholds.frames().collect();
        assert_eq!(frames.len() as f64, fixture.values(&format!("{name}.frame_count"))[0]);
        let expected = fixture.values(&format!("{name}.threshold_db"));
        let kept = fixture.values(&format!("{name}.frames"));
        for (frame, expected) in kept.iter().zip(expected.chunks(LINES - 1)) {
            let lines = &frames[*frame as usize][1..];
            for (line, (ours, theirs)) in lines.iter().zip(expected).enumerate() {
                let ours = 10.0 * ours.log10();
                assert!((ours - theirs).abs() < 1e-3, "{name} {frame} {line}: {ours} {theirs}");
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn measures_equal_numpy_and_ffmpeg() {
    let fixture = Fixture::open("masking");
    let mut count = 0;
    for (name, samples) in clips(&fixture) {
        let reversed = samples.iter().rev();
        let adversarial: Vec<f32> =
            samples.iter().zip(reversed).map(|(x, r)| x + 0.01_f32 * r).collect();
        let metrics = Metrics::of(&samples, &adversarial);
        let mask = metrics.noise_to_mask;
        let frame = mask.worst_seconds * 62.5;
        let segmental = metrics.segmental_snr_db.expect("no silent clip");
        let ours = [mask.total_db, mask.worst_frame_db, frame, segmental];
        let theirs = fixture.values(&format!("{name}.measures"));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() < 1e-3, "{name}: {ours} {theirs}");
        }
        let loudness = metrics.loudness;
        let ours = [loudness.original_lufs, loudness.perturbation_lufs];
        // ffmpeg prints one decimal.
        for (ours, theirs) in ours.iter().zip(fixture.values(&format!("{name}.lufs"))) {
            let ours = ours.expect("long and loud enough");
            assert!((ours - theirs).abs() < 0.11, "{name}: {ours} {theirs}");
        }
        count += 1;
    }
    assert_eq!(count, 5);
}
