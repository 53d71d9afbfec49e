//! Clips at the edges of what is allowed, and attacks that are stopped anywhere.

use std::sync::Arc;

use candle_core::Tensor;
use mondegreen::attacks::{AttackId, AttackSpec, Flow, Goal, Preset, Problem, Progress, Status};
use mondegreen::models::Classifier;

use crate::linear::Linear;
use crate::{VGG13, bundled, check, go_on, problem};

/// An attack that is stopped after each of the `steps` must end there, say so, and give the best that
/// was found until then.
fn check_stops(
    model: &dyn Classifier,
    problem: &Problem,
    spec: &AttackSpec,
    steps: impl IntoIterator<Item = usize>,
) {
    let who = format!("{:?}, {:?}", spec.id, problem.goal);
    for stop in steps {
        let mut best = None;
        let outcome = spec.build().run(model, problem, &mut |progress: &Progress<'_>| {
            assert!(progress.iteration <= stop, "{who}: goes on after being stopped");
            best = progress.best_snr_db;
            if progress.iteration == stop { Flow::Stop } else { Flow::Continue }
        });
        assert_eq!(outcome.status, Status::Cancelled, "{who} at {stop}");
        assert_eq!(outcome.iterations, stop, "{who}");
        assert_eq!(outcome.is_adversarial(), best.is_some(), "{who} at {stop}");
        if let Some(best) = best {
            assert_eq!(outcome.metrics.snr_db, best);
        }
        check(model, problem, &outcome);
    }
}

/// How many steps an attack takes where nobody stops it; they must be told one by one.
fn count_steps(model: &dyn Classifier, problem: &Problem, spec: &AttackSpec) -> usize {
    let mut last = 0;
    let outcome = spec.build().run(model, problem, &mut |progress: &Progress<'_>| {
        assert_eq!(progress.iteration, last + 1, "{:?} skips a step", spec.id);
        assert!(progress.iteration <= progress.of, "{:?} takes too many steps", spec.id);
        last = progress.iteration;
        Flow::Continue
    });
    assert_eq!(outcome.iterations, last);
    last
}

/// An attack, cut short.
fn short(id: AttackId, iterations: usize) -> AttackSpec {
    AttackSpec { searches: Some(2), iterations: Some(iterations), ..AttackSpec::new(id) }
}

#[test]
fn stopping_any_attack_at_every_step_leaves_a_valid_outcome() {
    let (model, clip) = Linear::random(70, 4, 60);
    let least = model.classify(&clip).unwrap().ranked(4)[3].0;
    for id in AttackId::ALL {
        let spec = short(id, 12);
        for goal in [Goal::Untargeted, Goal::Targeted(least)] {
            if goal != Goal::Untargeted && !id.takes_target() {
                continue;
            }
            let problem = problem(&clip, goal);
            let last = count_steps(&model, &problem, &spec);
            check_stops(&model, &problem, &spec, 1..=last);
        }
    }
}

#[test]
fn stopping_an_attack_on_a_network_leaves_a_valid_outcome() {
    let clip = bundled("Snare drum");
    let clip: Arc<[f32]> = clip[..9600].into();
    let model = &*VGG13;
    let target = model.classify(&clip).unwrap().ranked(3)[2].0;
    for id in AttackId::ALL {
        let goal = if id.takes_target() { Goal::Targeted(target) } else { Goal::Untargeted };
        let problem = problem(&clip, goal);
        let spec = short(id, 8);
        let last = count_steps(model, &problem, &spec);
        let mut stops = vec![1, last / 3, 2 * last / 3, last];
        stops.retain(|&stop| stop > 0);
        stops.dedup();
        check_stops(model, &problem, &spec, stops);
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
fn a_recording_at_full_scale_throughout_can_be_attacked() {
    let square: Arc<[f32]> = bundled("Snare drum")[..9600].iter().map(|x| x.signum()).collect();
    for id in AttackId::ALL {
        let problem = problem(&square, Goal::Untargeted);
        let outcome = short(id, 20).build().run(&*VGG13, &problem, &mut go_on);
        check(&*VGG13, &problem, &outcome);
        assert!(!matches!(outcome.status, Status::Failed(_)), "{id:?}: {:?}", outcome.status);
    }
}

#[test]
fn what_breaks_after_a_find_is_said_and_the_find_kept() {
    for id in [AttackId::CarliniWagner, AttackId::MaskedCarliniWagner, AttackId::Lbfgs] {
        let (mut model, clip) = Linear::random(72, 4, 700);
        model.broken_from = 60;
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = AttackSpec::new(id).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
        let note = outcome.remark().expect("something to say");
        assert!(note.contains("broke") && note.contains("not finite"), "{id:?}: {note}");
    }
}

#[test]
fn a_find_is_kept_where_its_own_gradient_breaks() {
    for id in [AttackId::Deepfool, AttackId::CarliniWagner, AttackId::Lbfgs] {
        for goal in [Goal::Untargeted, Goal::Targeted(3)] {
            if goal != Goal::Untargeted && !id.takes_target() {
                continue;
            }
            let (model, clip) = Linear::random(75, 4, 300);
            let problem = problem(&clip, goal);
            let attack = AttackSpec::new(id).build();
            attack.run(&model, &problem, &mut go_on);
            let original = model.classify(&clip).unwrap().top().0;
            assert_ne!(original, 3);
            let answers = model.answers.into_inner().unwrap();
            let is_find = |&label: &usize| match goal {
                Goal::Untargeted => label != original,
                Goal::Targeted(target) => label == target,
            };
            let find = answers.iter().position(is_find).expect("a find");
            let (mut model, _) = Linear::random(75, 4, 300);
            model.broken_from = find;
            let outcome = attack.run(&model, &problem, &mut go_on);
            check(&model, &problem, &outcome);
            assert_eq!(outcome.status, Status::Fooled, "{id:?}, {goal:?}");
        }
    }
}

#[test]
fn where_rounding_alone_changes_the_answer_nothing_else_is_tried() {
    // Its first sample is two fifths of a 16-bit step, and the boundary is at a fifth.
    let step = 1.0 / 32_768.0;
    let (mut rows, mut clip) = (vec![vec![0.0; 50]; 2], vec![0.5; 50]);
    (rows[0][0], clip[0]) = (1.0, 0.4 * step);
    let model = Linear::new(&rows, vec![0.0, 0.2 * step]);
    for id in AttackId::ALL.into_iter().filter(|id| !id.takes_snr()) {
        let problem =
            Problem { sixteen_bit: true, ..problem(&clip.clone().into(), Goal::Untargeted) };
        let outcome = AttackSpec::new(id).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!((&outcome.status, outcome.iterations), (&Status::Fooled, 0), "{id:?}");
        assert!(outcome.remark().is_some_and(|note| note.contains("rounding")), "{id:?}");
        assert_eq!(outcome.samples[0], 0.0);
        assert_eq!(outcome.samples[1..], clip[1..]);
    }
    // One at a fixed SNR has to reach that.
    let rounded = Problem { sixteen_bit: true, ..problem(&clip.clone().into(), Goal::Untargeted) };
    let outcome = AttackSpec::new(AttackId::Pgd).build().run(&model, &rounded, &mut go_on);
    check(&model, &rounded, &outcome);
    assert_eq!(outcome.status, Status::Fooled);
    // A lead that was asked for takes more than that.
    let problem = Problem { sixteen_bit: true, ..problem(&clip.into(), Goal::Untargeted) };
    let spec = AttackSpec { confidence: 0.01, ..AttackSpec::new(AttackId::CarliniWagner) };
    let outcome = spec.build().run(&model, &problem, &mut go_on);
    check(&model, &problem, &outcome);
    assert_eq!(outcome.status, Status::Fooled);
    assert!(outcome.margin().unwrap() > 0.004, "{:?}", outcome.margin());
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
fn one_sample_is_a_clip() {
    let model = Linear::new(&[vec![1.0], vec![-1.0]], vec![0.0; 2]);
    let clip: Arc<[f32]> = [0.5].into();
    for id in AttackId::ALL {
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = short(id, 20).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        // The boundary is at silence, 0 dB away; the black box tries no change as loud as that.
        let reaches = !id.takes_snr() && id != AttackId::BayesOpt;
        assert_eq!(outcome.status == Status::Fooled, reaches, "{id:?}: {:?}", outcome.status);
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
        spec.candidates = Some(2);
        let mut steps = 0;
        let mut stop = |_: &Progress<'_>| {
            steps += 1;
            if steps < 2 { Flow::Continue } else { Flow::Stop }
        };
        let outcome = spec.build().run(model, &problem, &mut stop);
        check(model, &problem, &outcome);
        assert_eq!(outcome.samples.len(), minute.len());
        if matches!(id, AttackId::WhiteNoise | AttackId::Fgsm) {
            assert!(!matches!(outcome.status, Status::Failed(_) | Status::Cancelled), "{id:?}");
            assert!((outcome.metrics.snr_db - spec.snr_db).abs() <= 0.01, "{id:?}");
        } else {
            assert_eq!((outcome.status, steps), (Status::Cancelled, 2), "{id:?}");
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
        for (goal, preset) in [
            (Goal::Untargeted, Preset::Quick),
            (Goal::Untargeted, Preset::Best),
            (Goal::Targeted(1), Preset::Quick),
        ] {
            if goal != Goal::Untargeted && !id.takes_target() {
                continue;
            }
            let problem = problem(&clip, goal);
            let spec = AttackSpec { preset, ..AttackSpec::new(id) };
            let outcome = spec.build().run(&model, &problem, &mut go_on);
            // A model that can't be moved is a result, and counts in rates as one.
            let Status::NotFooled(reason) = &outcome.status else {
                panic!("{id:?}, {goal:?}: {:?}", outcome.status)
            };
            assert!(reason.contains("zero everywhere"), "{id:?}, {goal:?}: {reason}");
            assert!(outcome.iterations < 100, "{id:?}, {goal:?}: {}", outcome.iterations);
            // A start at random is a clip of full size.
            assert!(outcome.samples == clip || id == AttackId::Pgd, "{id:?}, {goal:?}");
        }
    }
}

#[test]
fn a_flat_place_where_a_search_starts_is_not_its_end() {
    // The second score is zero, and flat, until a little is changed.
    let mut rows = vec![vec![0.0; 50]; 2];
    rows[1][..25].fill(1.0);
    let mut model = Linear::new(&rows, vec![0.01, -12.5 - 1e-4]);
    model.shape = |scores| scores.relu();
    let clip: Arc<[f32]> = vec![0.5; 50].into();
    let targeted =
        [AttackId::CarliniWagner, AttackId::MaskedCarliniWagner, AttackId::Lbfgs, AttackId::Pgd];
    for id in targeted {
        let problem = problem(&clip, Goal::Targeted(1));
        let spec = AttackSpec { preset: Preset::Best, ..AttackSpec::new(id) };
        let outcome = spec.build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
    }
}

#[test]
fn a_search_that_found_nothing_takes_its_last_resort() {
    // All ways are flat but the last: DeepFool's linear steps and its two walks, and the beginning
    // of each of two searches.
    for (id, ways) in
        [(AttackId::Deepfool, 3), (AttackId::CarliniWagner, 2), (AttackId::MaskedCarliniWagner, 2)]
    {
        let (mut model, clip) = Linear::random(73, 4, 700);
        // The clean clip's own verdict comes first.
        model.flat_until = 1 + ways;
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = short(id, 50).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
        let note = outcome.remark().expect("something to say");
        assert!(note.contains("walk along the gradient") || note.contains("more than"), "{note}");
    }
    // Two steps do not get anywhere.
    let model = Linear::new(&[vec![1.0; 50], vec![0.0; 50]], vec![0.0, 17.0]);
    let problem = problem(&vec![0.5; 50].into(), Goal::Untargeted);
    let spec = AttackSpec { searches: Some(1), ..short(AttackId::CarliniWagner, 2) };
    let outcome = spec.build().run(&model, &problem, &mut go_on);
    check(&model, &problem, &outcome);
    assert_eq!(outcome.status, Status::Fooled);
    assert!(outcome.remark().is_some_and(|note| note.contains("the first 2 steps")));
}

/// Length of a tooth, beside a clip of length 3.5.
const TOOTH: f64 = 3.5e-5;

/// Where the scores fall: 30 dB below the clip.
const EDGE: f64 = 0.11;

/// Scores with teeth so fine that the gradient's sign says nothing of where the edge is, beyond which
/// they fall.
fn comb(scores: &Tensor) -> candle_core::Result<Tensor> {
    let teeth = (scores / TOOTH)?;
    let tooth = (&teeth - teeth.detach().floor()?)?;
    let beyond = (scores.abs()? - EDGE)?.relu()?;
    (((tooth - 0.5)?.abs()? * 0.5)? + 1.0)? - (beyond * 1e4)?
}

#[test]
fn a_way_too_long_for_all_walks_is_gone_by_one_that_hurries() {
    let across: Vec<f32> = (0..50).map(|n| if n % 2 == 0 { 0.141 } else { -0.141 }).collect();
    let mut model = Linear::new(&[across, vec![0.0; 50]], vec![0.0, EDGE as f32 + 1e-4]);
    model.shape = |scores| comb(&scores);
    for id in [AttackId::Deepfool, AttackId::CarliniWagner] {
        let problem = problem(&vec![0.5; 50].into(), Goal::Untargeted);
        let outcome = short(id, 50).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
        let note = outcome.remark().expect("something to say");
        let hurried = ["the last and fastest of three", "the first 100 steps"];
        assert!(hurried.iter().any(|words| note.contains(words)), "{note}");
        assert!(outcome.metrics.snr_db > 10.0, "{id:?}: {}", outcome.metrics.snr_db);
    }
}

#[test]
fn a_flat_place_on_the_way_of_linear_steps_is_not_the_end_either() {
    // The second score rises, then is flat for long, then rises again.
    let mut rows = vec![vec![0.0; 50]; 2];
    rows[1][0] = 1.0;
    let mut model = Linear::new(&rows, vec![0.5, 0.0]);
    model.shape = |scores| (&scores - (&scores - 0.01)?.relu()?)? + (&scores - 0.2)?.relu()?;
    let mut clip = vec![0.5; 50];
    clip[0] = 0.0;
    let clip: Arc<[f32]> = clip.into();
    for id in [AttackId::Deepfool, AttackId::CarliniWagner, AttackId::Lbfgs] {
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = AttackSpec::new(id).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
        if id == AttackId::Deepfool {
            let note = outcome.remark().expect("something to say");
            assert!(note.contains(": 1 linear steps did not leave the label"), "{note}");
        }
    }
}
