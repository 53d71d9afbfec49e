//! PGD at a fixed size: exactly that size, and as far as that size allows.

use mondegreen::attacks::{
    Attack, AttackId, AttackSpec, Flow, Goal, Pgd, Preset, Progress, Size, Status,
};
use mondegreen::metrics::snr_db;
use mondegreen::models::Classifier;
use proptest::prelude::*;

use crate::linear::Linear;
use crate::{check, go_on, problem};

fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

#[test]
fn pgd_crosses_a_plane_at_its_distance_and_not_before() {
    for seed in 0..6 {
        let (model, clip) = Linear::random(100 + seed, 2, 300);
        let label = model.classify(&clip).unwrap().top().0;
        let distance = model.distance(&clip, label, std::iter::once(1 - label));
        let own = clip.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        // The largest amplitude that is needed: the lead over the sum of the slopes' magnitudes.
        let slopes: Vec<f64> =
            model.rows[label].iter().zip(&model.rows[1 - label]).map(|(a, b)| a - b).collect();
        let length = slopes.iter().map(|s| s * s).sum::<f64>().sqrt();
        let amplitude = distance * length / slopes.iter().map(|s| s.abs()).sum::<f64>();
        for goal in [Goal::Untargeted, Goal::Targeted(1 - label)] {
            for (share, fooled) in [(1.01, true), (0.99, false)] {
                let snr = decibels(own / (share * distance));
                for size in [Size::Snr(snr), Size::Peak(decibels(share * amplitude))] {
                    let problem = problem(&clip, goal);
                    let outcome =
                        Pgd::preset(Preset::Paper, size).run(&model, &problem, &mut go_on);
                    check(&model, &problem, &outcome);
                    let is = outcome.status == Status::Fooled;
                    assert_eq!(is, fooled, "{seed}, {goal:?}, {size:?}: {:?}", outcome.status);
                    if size == Size::Snr(snr) {
                        assert!((outcome.metrics.snr_db - snr).abs() < 0.01);
                    } else {
                        let peak = f64::from(outcome.metrics.peak as f32);
                        assert!(peak <= share * amplitude + 6e-8, "{peak}");
                    }
                }
            }
        }
    }
}

#[test]
fn with_16_bits_the_size_is_kept_too() {
    let (model, clip) = Linear::random(9, 4, 300);
    // Neither clip nor size are on the grid.
    let peak = 20.3 / 32768.0;
    for size in [Size::Snr(40.0), Size::Peak(decibels(peak))] {
        let problem =
            mondegreen::attacks::Problem { sixteen_bit: true, ..problem(&clip, Goal::Untargeted) };
        let outcome = Pgd { random_start: true, starts: 2, ..Pgd::preset(Preset::Quick, size) }
            .run(&model, &problem, &mut go_on);
        let found = outcome.samples.iter().zip(clip.iter());
        let largest = found.map(|(y, x)| (f64::from(*y) - f64::from(*x)).abs()).fold(0.0, f64::max);
        match size {
            Size::Snr(db) => assert!((outcome.metrics.snr_db - db).abs() <= 0.01),
            Size::Peak(_) => assert!(largest <= peak && largest > 0.9 * peak, "{largest}"),
        }
        assert!(outcome.samples.iter().all(|y| (y * 32768.0).fract() == 0.0));
    }
    let size = Size::Peak(decibels(0.1 / 32768.0));
    let problem =
        mondegreen::attacks::Problem { sixteen_bit: true, ..problem(&clip, Goal::Untargeted) };
    let outcome = Pgd::preset(Preset::Quick, size).run(&model, &problem, &mut go_on);
    let reason = outcome.status.reason().expect("too small for any sample of 16 bits");
    assert!(reason.contains("16-bit samples hold no change"), "{reason}");
}

#[test]
fn a_target_that_only_a_smaller_change_reaches_is_kept_and_said() {
    // Along one direction the answer is label 0, then 1, from half the size on 2.
    let clip: std::sync::Arc<[f32]> = vec![0.5; 100].into();
    let along = |slope: f32| (0..100).map(|n| if n % 2 == 0 { slope } else { -slope }).collect();
    let rows: [Vec<f32>; 3] = [along(0.0), along(1.0), along(2.0)];
    let model = Linear::new(&rows, vec![0.0, -0.1, -0.35]);
    let run = |goal| {
        let problem = problem(&clip, goal);
        let outcome = AttackSpec::new(AttackId::Pgd).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{goal:?}");
        (outcome.metrics.snr_db, outcome.remark().map(str::to_owned))
    };
    let (snr_db, note) = run(Goal::Targeted(1));
    assert!((46.0..54.0).contains(&snr_db), "{snr_db}");
    assert!(note.is_some_and(|note| note.contains("closer than 40.0 dB SNR only")));
    for goal in [Goal::Targeted(2), Goal::Untargeted] {
        let (snr_db, note) = run(goal);
        assert!((snr_db - 40.0).abs() <= 0.01 && note.is_none(), "{goal:?}: {snr_db}");
    }
}

#[test]
fn a_random_start_follows_the_seed() {
    let (model, clip) = Linear::random(7, 4, 200);
    for linf_dbfs in [None, Some(-50.0)] {
        let run = |seed, random_start| {
            let spec = AttackSpec { random_start, linf_dbfs, ..AttackSpec::new(AttackId::Pgd) };
            let problem = mondegreen::attacks::Problem { seed, ..problem(&clip, Goal::Untargeted) };
            // At its end a linear model's PGD is in the same place wherever it started.
            let stop = |progress: &Progress<'_>| match progress.iteration {
                3 => Flow::Stop,
                _ => Flow::Continue,
            };
            spec.build().run(&model, &problem, &mut { stop }).samples
        };
        assert_eq!(run(1, true), run(1, true));
        assert_ne!(run(1, true), run(2, true));
        assert_eq!(run(1, false), run(2, false));
    }
}

#[test]
fn momentum_changes_the_way_but_not_the_size() {
    let (model, clip) = Linear::random(8, 4, 200);
    let run = |momentum| {
        let spec = AttackSpec { momentum, snr_db: 18.0, ..AttackSpec::new(AttackId::Pgd) };
        spec.build().run(&model, &problem(&clip, Goal::Untargeted), &mut go_on)
    };
    let (without, with) = (run(0.0), run(1.0));
    for outcome in [&without, &with] {
        assert!((outcome.metrics.snr_db - 18.0).abs() < 0.01);
    }
    assert_ne!(without.samples, with.samples);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_the_clip_and_wherever_it_is_stopped_the_size_is_exact(
        seed: u64,
        level in 0.01f32..1.0,
        snr in 12.0f64..60.0,
        stop in 1usize..30,
    ) {
        let (model, clip) = Linear::random(seed, 4, 150);
        let loudest = clip.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        let clip: std::sync::Arc<[f32]> = clip.iter().map(|x| x / loudest * level).collect();
        let problem = problem(&clip, Goal::Untargeted);
        let spec = AttackSpec { snr_db: snr, ..AttackSpec::new(AttackId::Pgd) };
        let outcome = spec.build().run(&model, &problem, &mut |progress: &Progress<'_>| {
            if progress.iteration == stop { Flow::Stop } else { Flow::Continue }
        });
        check(&model, &problem, &outcome);
        let reached = snr_db(&clip, &outcome.samples);
        // Stopped before it had anything of full size the clip is as it was.
        let untouched = outcome.status == Status::Cancelled && outcome.samples == clip;
        prop_assert!(untouched || (reached - snr).abs() <= 0.01, "{reached} but {snr}");
    }
}
