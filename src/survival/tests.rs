//! Each transform on real, short and silent clips.

use super::*;
use crate::assets::BUNDLED;
use crate::audio;
use crate::metrics::snr_db;

/// How close each transform leaves a real clip at least, in dB of SNR.
fn least_snr_db(transform: Transform) -> f64 {
    match transform {
        Transform::Rounded { bits: 24, .. } => 110.0,
        Transform::Rounded { .. } => 60.0,
        Transform::Resampled { .. } => 40.0,
        Transform::Mp3 { kbps: 320 } => 45.0,
        Transform::Mp3 { kbps: 128 } => 25.0,
        Transform::Mp3 { .. } => 15.0,
        Transform::Opus { kbps: 128 } => 20.0,
        Transform::Opus { kbps: 64 } => 12.0,
        // Parametric: the waveform is not meant to be kept.
        Transform::Opus { .. } => 2.0,
        Transform::Vorbis { kbps: 128 } => 20.0,
        Transform::Vorbis { .. } => 12.0,
        Transform::Aac { .. } => 25.0,
        Transform::Gain { .. } => 6.0,
        Transform::Shifted { .. } | Transform::LowPass { .. } => 2.0,
        Transform::Noise { snr_db } => f64::from(snr_db) - 0.1,
    }
}

fn clip(name: &str) -> Vec<f32> {
    let bundled = BUNDLED.iter().find(|clip| clip.name == name).expect("a bundled clip");
    audio::load_bytes(name, bundled.bytes, 60.0).expect("it can be decoded").samples.to_vec()
}

/// Where `b` fits `a` best, in samples of delay.
fn delay(a: &[f32], b: &[f32]) -> isize {
    let most = 64_isize;
    let product = |lag: isize| -> f64 {
        let at = |n: usize| b.get(n.checked_add_signed(lag)?).copied();
        let pairs = a.iter().enumerate().filter_map(|(n, &x)| Some((x, at(n)?)));
        pairs.map(|(x, y)| f64::from(x) * f64::from(y)).sum()
    };
    (-most..=most).max_by(|&p, &q| product(p).total_cmp(&product(q))).unwrap_or(0)
}

#[test]
fn every_transform_keeps_length_place_and_sound_of_real_clips() {
    for name in ["Trumpet", "Knock", "Cello"] {
        let clip = clip(name);
        for transform in Transform::ALL {
            let result = transform.apply(&clip, 1).expect("a sound clip");
            let what = format!("{name}: {}", transform.title());
            assert_eq!(result.len(), clip.len(), "{what}");
            assert!(result.iter().all(|x| x.abs() <= 1.0), "{what}");
            let late = if matches!(transform, Transform::Shifted { .. }) { 1 } else { 0 };
            // At its lowest rate Opus filters what it codes as speech, with a phase of its own.
            let tolerance = if transform == (Transform::Opus { kbps: 32 }) { 1 } else { 0 };
            let found = delay(&clip, &result);
            assert!((found - late).abs() <= tolerance, "{what}: {found} late");
            let snr = snr_db(&clip, &result);
            assert!(snr >= least_snr_db(transform), "{what}: {snr:.1} dB");
            // The bundled clips are files of so many bits themselves: plain rounding keeps them.
            let exact = matches!(transform, Transform::Rounded { dithered: false, .. });
            assert!(snr.is_finite() || exact, "{what}");
        }
    }
}

#[test]
fn more_bits_keep_more() {
    let clip = clip("Trumpet");
    let snr = |transform: Transform| snr_db(&clip, &transform.apply(&clip, 1).unwrap());
    let falling = [
        [320, 128, 64].map(|kbps| snr(Transform::Mp3 { kbps })),
        [128, 64, 32].map(|kbps| snr(Transform::Opus { kbps })),
        [160, 128, 64].map(|kbps| snr(Transform::Vorbis { kbps })),
        [24, 20, 16].map(|bits| snr(Transform::Rounded { bits, dithered: true })),
    ];
    // Of AAC only what is used: this encoder does worse again above it.
    assert!(snr(Transform::Aac { kbps: 128 }) > snr(Transform::Aac { kbps: 64 }));
    assert!(falling.iter().all(|snrs| snrs.is_sorted_by(|a, b| a > b)), "{falling:?}");
}

#[test]
fn the_same_seed_gives_the_same_samples_and_matters_where_something_is_random() {
    let clip = clip("Knock");
    for transform in Transform::ALL {
        let first = transform.apply(&clip, 7).unwrap();
        assert_eq!(first, transform.apply(&clip, 7).unwrap(), "{transform:?}");
        let random = matches!(
            transform,
            Transform::Rounded { dithered: true, .. } | Transform::Noise { .. }
        );
        assert_eq!(first != transform.apply(&clip, 8).unwrap(), random, "{transform:?}");
    }
}

#[test]
fn short_and_faint_clips_are_transformed_and_others_refused_with_the_reason() {
    let short: Vec<f32> = (0..3200).map(|n| 0.3 * (n as f32 * 0.2).sin()).collect();
    let faint: Vec<f32> = short.iter().map(|x| x * 1e-6).collect();
    let loud: Vec<f32> = short.iter().map(|x| if *x > 0.0 { 1.0 } else { -1.0 }).collect();
    for transform in Transform::ALL {
        for clip in [&short, &faint, &loud, &vec![0.5], &vec![0.5; 3201]] {
            let result = transform.apply(clip, 1).unwrap();
            assert_eq!(result.len(), clip.len(), "{transform:?}");
            assert!(result.iter().all(|x| x.abs() <= 1.0), "{transform:?}");
        }
        assert_eq!(transform.apply(&[], 1), Err(TransformError::Empty));
        assert_eq!(transform.apply(&[f32::NAN; 3200], 1), Err(TransformError::NotFinite));
        let silent = transform.apply(&[0.0; 3200], 1);
        match transform {
            Transform::Noise { snr_db } => assert_eq!(silent, Err(TransformError::Silent(snr_db))),
            _ => assert!(silent.unwrap().iter().all(|x| x.abs() < 1e-3), "{transform:?}"),
        }
    }
}

#[test]
fn rounding_is_to_the_steps_of_the_file() {
    let clip = clip("Knock");
    let step = 2_f32.powi(-15);
    let plain = Transform::Rounded { bits: 16, dithered: false }.apply(&clip, 1).unwrap();
    let dithered = Transform::Rounded { bits: 16, dithered: true }.apply(&clip, 1).unwrap();
    for ((x, plain), dithered) in clip.iter().zip(&plain).zip(&dithered) {
        assert_eq!((plain / step).fract(), 0.0);
        assert_eq!((dithered / step).fract(), 0.0);
        assert!((plain - x).abs() <= step / 2.0 + 1e-9);
        assert!((dithered - x).abs() <= 1.5 * step + 1e-9);
    }
    // Full scale has no positive integer of its own.
    let full = Transform::Rounded { bits: 16, dithered: false }.apply(&[1.0, -1.0], 1).unwrap();
    assert_eq!(full, [1.0 - step, -1.0]);
}

#[test]
fn dither_makes_the_rounding_error_independent_of_the_clip() {
    // A constant a quarter of a step above 0: rounded plainly it is lost, with dither its mean
    // stays.
    let quarter = 2_f32.powi(-17);
    let clip = vec![quarter; 32_000];
    let mean = |dithered| {
        let result = Transform::Rounded { bits: 16, dithered }.apply(&clip, 3).unwrap();
        result.iter().map(|&x| f64::from(x)).sum::<f64>() / 32_000.0
    };
    assert_eq!(mean(false), 0.0);
    assert!((mean(true) / f64::from(quarter) - 1.0).abs() < 0.1);
}

#[test]
fn names_are_different_and_speakable() {
    let names: std::collections::HashSet<_> = Transform::ALL.iter().map(|t| t.name()).collect();
    assert_eq!(names.len(), Transform::ALL.len());
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    assert!(names.iter().all(|name| name.chars().all(allowed)), "{names:?}");
    assert!(Transform::ALL.iter().all(|t| !t.explanation().is_empty()));
}

/// Says `Bark` of all that is louder than a level, else `Meow`.
mod stub {
    use candle_core::{Device, Tensor};

    use crate::models::{Classifier, Labels, ModelCard, ModelId, ScoreKind};
    use crate::nn::Traced;

    pub struct Loud {
        pub card: ModelCard,
        pub labels: Labels,
    }

    impl Loud {
        pub fn new() -> Self {
            let labels = Labels::new(["Bark", "Meow"].map(str::to_owned));
            Self { card: ModelCard::new(ModelId::Vgg13, labels.clone()), labels }
        }
    }

    impl Classifier for Loud {
        fn card(&self) -> &ModelCard {
            &self.card
        }

        fn labels(&self) -> &Labels {
            &self.labels
        }

        fn device(&self) -> &Device {
            &Device::Cpu
        }

        fn score_kind(&self) -> ScoreKind {
            ScoreKind::Logits
        }

        fn trace(&self, waveform: &Traced) -> candle_core::Result<Traced> {
            waveform.map(|waveform| {
                let level = waveform.sqr()?.mean_keepdim(1)?.sqrt()?;
                // Logits of the level over 0.2, and of none.
                let bark = level.affine(100.0, -20.0)?;
                Tensor::cat(&[&bark, &bark.affine(0.0, 0.0)?], 1)
            })
        }
    }
}

#[test]
fn it_survives_what_keeps_the_goal_and_can_be_stopped() {
    use crate::attacks::{Flow, Goal};
    let model = stub::Loud::new();
    let tone = |amplitude: f32| -> Vec<f32> {
        (0..6400).map(|n| amplitude * (n as f32 * 0.1).sin()).collect()
    };
    // The quiet tone is a meow; the loud one a bark, but a meow when turned down by half.
    let (quiet, loud) = (tone(0.2), tone(0.4));
    let away_from_meow = Success {
        classifier: &model,
        original_label: 1,
        goal: Goal::Untargeted,
        clean: &quiet,
        adversarial: &loud,
        seed: 0,
    };
    let mut told = 0;
    let all = survival(&away_from_meow, |_| {
        told += 1;
        Flow::Continue
    });
    assert_eq!((told, all.len()), (Transform::ALL.len(), Transform::ALL.len()));
    let is_gain = |survived: &Survived| matches!(survived.transform, Transform::Gain { .. });
    for survived in &all {
        let fate = if is_gain(survived) { Fate::NotFooled } else { Fate::Fooled };
        assert_eq!(survived.fate(), Some(fate), "{survived:?}");
        assert_eq!(survived.status() == "fooled", fate == Fate::Fooled);
    }
    assert_eq!(count(&all), (21, 22));
    let to_bark = Success { goal: Goal::Targeted(0), ..away_from_meow };
    let targeted = survival(&to_bark, |_| Flow::Continue);
    assert!(targeted.iter().zip(&all).all(|(t, u)| t.fate() == u.fate()));
    assert_eq!(survival(&to_bark, |_| Flow::Stop).len(), 1);

    // Turned down, the loud tone would be a meow without any attack.
    let away_from_bark = Success {
        original_label: 0,
        goal: Goal::Untargeted,
        clean: &loud,
        adversarial: &quiet,
        ..to_bark
    };
    let all = survival(&away_from_bark, |_| Flow::Continue);
    assert!(all.iter().all(|s| (s.fate() == Some(Fate::MisheardAnyway)) == is_gain(s)));
    assert_eq!(count(&all), (21, 21));

    // What fails says why, and the others go on.
    let broken = Success { adversarial: &[f32::NAN; 3200], ..away_from_bark };
    let broken = survival(&broken, |_| Flow::Continue);
    assert_eq!(broken.len(), Transform::ALL.len());
    assert!(broken.iter().all(|s| s.status() == "failed" && s.fate().is_none()));
}
