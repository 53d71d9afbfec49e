//! Clips at the edges of what is allowed, and attacks that are stopped anywhere.

use std::sync::Arc;

use mondegreen::attacks::{AttackId, AttackSpec, Flow, Goal, Progress, Status};
use mondegreen::models::Classifier;

use crate::linear::Linear;
use crate::{VGG13, bundled, check, go_on, problem};

#[test]
fn stopping_any_attack_at_every_step_leaves_a_valid_outcome() {
    let (model, clip) = Linear::random(70, 4, 60);
    for id in AttackId::ALL {
        let mut spec = AttackSpec::new(id);
        (spec.searches, spec.iterations) = (Some(2), Some(12));
        let problem = problem(&clip, Goal::Untargeted);
        let mut last = 0;
        let whole = spec.build().run(&model, &problem, &mut |progress: &Progress<'_>| {
            assert_eq!(progress.iteration, last + 1, "{id:?} skips a step");
            assert!(progress.iteration <= progress.of, "{id:?} takes too many steps");
            last = progress.iteration;
            Flow::Continue
        });
        assert_eq!(whole.iterations, last);
        for stop in 1..=last {
            let mut best = None;
            let outcome = spec.build().run(&model, &problem, &mut |progress: &Progress<'_>| {
                assert!(progress.iteration <= stop, "{id:?} goes on after being stopped");
                best = progress.best_snr_db;
                if progress.iteration == stop { Flow::Stop } else { Flow::Continue }
            });
            assert_eq!(outcome.status, Status::Cancelled, "{id:?} at {stop}");
            assert_eq!(outcome.is_adversarial(), best.is_some(), "{id:?} at {stop}");
            if let Some(best) = best {
                assert_eq!(outcome.metrics.snr_db, best);
            }
            check(&model, &problem, &outcome);
        }
    }
}

#[test]
fn a_clip_at_full_scale_throughout_can_be_attacked() {
    let (model, clip) = Linear::random(71, 4, 300);
    let square: Arc<[f32]> = clip.iter().map(|x| x.signum()).collect();
    for id in AttackId::ALL {
        let problem = problem(&square, Goal::Untargeted);
        let outcome = AttackSpec::new(id).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        let searches = !id.takes_snr();
        assert!(!searches || outcome.status == Status::Fooled, "{id:?}: {:?}", outcome.status);
        assert!(!matches!(outcome.status, Status::Failed(_)), "{id:?}: {:?}", outcome.status);
    }
}

#[test]
fn a_tenth_of_a_second_suffices() {
    let clip = bundled("Snare drum");
    let short: Arc<[f32]> = clip[..3200].into();
    let model = &*VGG13;
    for id in AttackId::ALL {
        let problem = problem(&short, Goal::Untargeted);
        let mut spec = AttackSpec::new(id);
        spec.searches = Some(3);
        let outcome = spec.build().run(model, &problem, &mut go_on);
        check(model, &problem, &outcome);
        assert!(!matches!(outcome.status, Status::Failed(_)), "{id:?}: {:?}", outcome.status);
        let searches = !id.takes_snr();
        assert!(!searches || outcome.status == Status::Fooled, "{id:?}: {:?}", outcome.status);
    }
}

#[test]
fn a_minute_can_be_attacked_and_stopped() {
    let clip = bundled("Snare drum");
    let minute: Arc<[f32]> = clip.iter().copied().cycle().take(60 * 32_000).collect();
    let model = &*VGG13;
    for id in AttackId::ALL {
        let problem = problem(&minute, Goal::Untargeted);
        let mut spec = AttackSpec::new(id);
        (spec.candidates, spec.iterations) = (Some(2), Some(1));
        let mut stop = |_: &Progress<'_>| Flow::Stop;
        let outcome = spec.build().run(model, &problem, &mut stop);
        check(model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Cancelled, "{id:?}");
        assert_eq!(outcome.samples.len(), minute.len());
        // PGD was stopped where it starts.
        if matches!(id, AttackId::WhiteNoise | AttackId::Fgsm) {
            assert!((outcome.metrics.snr_db - spec.snr_db).abs() <= 0.01, "{id:?}");
        }
    }
}

#[test]
fn a_step_of_many_gradients_can_be_stopped_in_its_middle() {
    let clip = bundled("Snare drum");
    let long: Arc<[f32]> = clip.iter().copied().cycle().take(40 * 32_000).collect();
    let problem = problem(&long, Goal::Untargeted);
    let mut seen = Vec::new();
    let outcome = AttackSpec::new(AttackId::Deepfool).build().run(
        &*VGG13,
        &problem,
        &mut |progress: &Progress<'_>| {
            seen.push(progress.iteration);
            Flow::Stop
        },
    );
    assert_eq!(seen, [0], "no step was done yet");
    assert_eq!((outcome.status, outcome.iterations), (Status::Cancelled, 0));
    assert_eq!(outcome.samples, long);
}

#[test]
fn a_gradient_of_zero_everywhere_ends_a_search_with_a_reason() {
    let model = Linear::new(&[vec![0.0; 50], vec![0.0; 50]], vec![1.0, 0.0]);
    let clip: Arc<[f32]> = vec![0.5; 50].into();
    assert_eq!(model.classify(&clip).unwrap().top().0, 0);
    for id in AttackId::ALL.into_iter().filter(|&id| id != AttackId::WhiteNoise) {
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = AttackSpec::new(id).build().run(&model, &problem, &mut go_on);
        // A model that can't be moved is a result, and counts in rates as one.
        let Status::NotFooled(reason) = &outcome.status else {
            panic!("{id:?}: {:?}", outcome.status)
        };
        assert!(reason.contains("zero everywhere"), "{id:?}: {reason}");
        assert_eq!(outcome.samples, clip);
    }
}
