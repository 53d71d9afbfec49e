//! The attacks: analytic cases on a linear classifier, and invariants on VGG13 with real clips.

#[path = "support/linear.rs"]
mod linear;

#[path = "attacks/all_models.rs"]
mod all_models;

#[path = "attacks/boundaries.rs"]
mod boundaries;

#[path = "attacks/far_targets.rs"]
mod far_targets;

#[path = "attacks/hearing.rs"]
mod hearing;

#[path = "attacks/sizes.rs"]
mod sizes;

#[path = "attacks/black_box.rs"]
mod black_box;

#[path = "attacks/edges.rs"]
mod edges;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use candle_core::Device;
use linear::{Linear, norm};
use mondegreen::assets::BUNDLED;
use mondegreen::attacks::{
    Attack, AttackId, AttackSpec, CarliniWagner, Distance, Flow, Goal, Outcome, Preset, Problem,
    Progress, Status,
};
use mondegreen::audio::{self, round_to_bits};
use mondegreen::metrics::snr_db;
use mondegreen::models::{Classifier, Vgg13, Weights};
use proptest::prelude::*;

fn problem(samples: &Arc<[f32]>, goal: Goal) -> Problem {
    Problem { samples: Arc::clone(samples), goal, true_label: None, seed: 7, sixteen_bit: false }
}

fn go_on(_: &Progress<'_>) -> Flow {
    Flow::Continue
}

#[test]
fn carlini_wagner_finds_the_boundary_of_a_linear_model_within_one_percent() {
    for seed in 0..6 {
        let (model, clip) = Linear::random(seed, 5, 400);
        let label = model.classify(&clip).unwrap().top().0;
        let expected = model.distance(&clip, label, 0..5);
        let attack = CarliniWagner::preset(Preset::Paper, Distance::Euclidean);
        let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
        assert_eq!(outcome.status, Status::Fooled);
        let found = norm(&clip, &outcome.samples);
        assert!(found <= 1.01 * expected, "seed {seed}: {found} but {expected}");
        assert!(found >= 0.999 * expected, "seed {seed}: {found} is nearer than the boundary");
    }
}

#[test]
fn targeted_carlini_wagner_finds_the_boundary_of_two_labels_within_one_percent() {
    for seed in 10..14 {
        let (model, clip) = Linear::random(seed, 2, 300);
        let label = model.classify(&clip).unwrap().top().0;
        let target = 1 - label;
        let expected = model.distance(&clip, label, std::iter::once(target));
        let attack = CarliniWagner::preset(Preset::Paper, Distance::Euclidean);
        let outcome = attack.run(&model, &problem(&clip, Goal::Targeted(target)), &mut go_on);
        assert_eq!(outcome.status, Status::Fooled);
        let found = norm(&clip, &outcome.samples);
        assert!((0.999..=1.01).contains(&(found / expected)), "{found} but {expected}");
    }
}

#[test]
fn a_confidence_that_no_probability_reaches_is_refused_at_once() {
    let (mut model, clip) = Linear::random(3, 4, 300);
    model.probabilities = true;
    let attack = CarliniWagner {
        confidence: 1.5,
        ..CarliniWagner::preset(Preset::Quick, Distance::Euclidean)
    };
    let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
    assert_eq!(outcome.iterations, 0);
    assert!(outcome.status.reason().is_some_and(|why| why.contains("below 1")));
}

#[test]
fn confidence_moves_the_boundary() {
    let (model, clip) = Linear::random(3, 4, 300);
    let label = model.classify(&clip).unwrap().top().0;
    let attack = CarliniWagner {
        confidence: 2.0,
        ..CarliniWagner::preset(Preset::Quick, Distance::Euclidean)
    };
    let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
    assert_eq!(outcome.status, Status::Fooled);
    let mut odds: Vec<f32> = outcome.adversarial.probabilities.iter().map(|p| p.ln()).collect();
    let own = odds.remove(label);
    let rival = odds.into_iter().fold(f32::NEG_INFINITY, f32::max);
    assert!(rival - own >= 2.0 - 1e-3, "the lead is {}", rival - own);
}

#[test]
fn fgsm_on_a_linear_model_is_the_sign_of_the_gradient() {
    let (model, clip) = Linear::random(1, 2, 200);
    let label = model.classify(&clip).unwrap().top().0;
    let attack = AttackSpec { snr_db: 15.0, ..AttackSpec::new(AttackId::Fgsm) }.build();
    let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
    let mut steps = Vec::new();
    for (i, (&x, &y)) in clip.iter().zip(outcome.samples.iter()).enumerate() {
        let towards = model.rows[1 - label][i] - model.rows[label][i];
        assert_eq!(f64::from(y - x).signum(), towards.signum());
        steps.push(f64::from((y - x).abs()));
    }
    let (least, most) = steps.iter().fold((f64::MAX, 0.0_f64), |(a, b), &s| (a.min(s), b.max(s)));
    assert!(most / least < 1.001, "steps between {least} and {most}");
    assert!((outcome.metrics.snr_db - 15.0).abs() < 0.01);
}

#[test]
fn a_gradient_that_is_not_a_number_ends_the_attack_with_a_reason() {
    let (mut model, clip) = Linear::random(2, 3, 100);
    model.broken_from = 0;
    let without = [AttackId::WhiteNoise, AttackId::BayesOpt];
    for id in AttackId::ALL.into_iter().filter(|id| !without.contains(id)) {
        let outcome =
            AttackSpec::new(id).build().run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
        let Status::Failed(reason) = &outcome.status else { panic!("{:?}", outcome.status) };
        assert!(reason.contains("not finite"), "{reason}");
        assert_eq!(outcome.samples, clip);
    }
}

#[test]
fn an_answer_that_is_not_a_number_fools_nobody() {
    let (mut model, clip) = Linear::random(2, 3, 100);
    let label = model.classify(&clip).unwrap().top().0;
    model.only = Some(Arc::clone(&clip));
    for id in AttackId::ALL {
        // What is not a number is ranked first, as label 0 where all are.
        for goal in [Goal::Untargeted, Goal::Targeted(0)] {
            if goal == Goal::Targeted(0) && (label == 0 || !id.takes_target()) {
                continue;
            }
            let outcome =
                AttackSpec::new(id).build().run(&model, &problem(&clip, goal), &mut go_on);
            let Status::Failed(reason) = &outcome.status else {
                panic!("{id:?}: {:?}", outcome.status)
            };
            assert!(reason.contains("not finite"), "{id:?}: {reason}");
        }
    }
}

#[test]
fn nothing_is_changed_where_there_is_nothing_to_do() {
    let (model, clip) = Linear::random(4, 3, 100);
    let label = model.classify(&clip).unwrap().top().0;
    let other = (label + 1) % 3;
    for id in AttackId::ALL {
        let attack = AttackSpec::new(id).build();
        let ends = |problem: Problem| {
            let outcome = attack.run(&model, &problem, &mut |_: &Progress<'_>| {
                panic!("{id:?} took a step");
            });
            assert_eq!(outcome.samples, problem.samples);
            assert_eq!(outcome.metrics.snr_db, f64::INFINITY);
            outcome.status
        };
        let base = problem(&clip, Goal::Untargeted);
        let misnamed = Problem { true_label: Some(other), ..base.clone() };
        assert_eq!(ends(misnamed), Status::AlreadyMisclassified);
        let there = Problem { goal: Goal::Targeted(label), ..base.clone() };
        assert_eq!(ends(there), Status::AlreadyTheTarget);
        let silent = Problem { samples: vec![0.0; 100].into(), ..base.clone() };
        assert!(matches!(ends(silent), Status::Failed(reason) if reason.contains("silent")));
        let outside = Problem { goal: Goal::Targeted(99), ..base };
        assert!(matches!(ends(outside), Status::Failed(reason) if reason.contains("labels")));
    }
}

/// What must hold of every outcome.
fn check(model: &dyn Classifier, problem: &Problem, outcome: &Outcome) {
    assert_eq!(outcome.samples.len(), problem.samples.len());
    assert!(outcome.samples.iter().all(|x| x.abs() <= 1.0));
    let snr = snr_db(&problem.samples, &outcome.samples);
    assert_eq!(outcome.metrics.snr_db, snr);
    assert_eq!(model.classify(&outcome.samples).unwrap(), outcome.adversarial);
    if problem.sixteen_bit && outcome.samples != problem.samples {
        assert!(outcome.samples.iter().all(|&x| x == round_to_bits(f64::from(x), 16)));
    }
    match outcome.status {
        Status::Fooled => assert!(outcome.is_adversarial()),
        Status::NotFooled(_) => assert!(!outcome.is_adversarial()),
        _ => {}
    }
}

/// All but those that know how loud a clip is heard, or guess.
const LEVEL_DOES_NOT_MATTER: [AttackId; 6] = [
    AttackId::WhiteNoise,
    AttackId::Fgsm,
    AttackId::Pgd,
    AttackId::Deepfool,
    AttackId::CarliniWagner,
    AttackId::Lbfgs,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn outcomes_are_honest(seed: u64, level in 0.001f32..1.0, attack in 0..AttackId::ALL.len(), targeted: bool, sixteen_bit: bool) {
        let (model, clip) = Linear::random(seed, 4, 120);
        // Up to full scale, where the box matters.
        let loudest = clip.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        let clip: Arc<[f32]> = clip.iter().map(|x| x / loudest * level).collect();
        let label = model.classify(&clip).unwrap().top().0;
        let goal = if targeted { Goal::Targeted((label + 1) % 4) } else { Goal::Untargeted };
        let mut spec = AttackSpec::new(AttackId::ALL[attack]);
        spec.iterations = Some(20);
        let problem = Problem { sixteen_bit, ..problem(&clip, goal) };
        let outcome = spec.build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        let refused = targeted && spec.id == AttackId::Deepfool;
        let too_fine =
            matches!(&outcome.status, Status::Failed(reason) if reason.contains("16-bit samples"));
        prop_assert_eq!(matches!(outcome.status, Status::Failed(_)), refused || too_fine);
        prop_assert!(!too_fine || sixteen_bit);
        if spec.id.takes_snr() && !too_fine {
            prop_assert!((outcome.metrics.snr_db - spec.snr_db).abs() <= 0.01);
        }
        // Steps of 16 bits may be too coarse, and twenty questions too few.
        if !spec.id.takes_snr() && !refused && !sixteen_bit && spec.id != AttackId::BayesOpt {
            prop_assert_eq!(outcome.status, Status::Fooled);
        }
    }

    #[test]
    fn the_level_of_a_clip_does_not_matter(seed: u64, level in 0.001f32..0.5, attack in 0..LEVEL_DOES_NOT_MATTER.len(), targeted: bool) {
        let id = LEVEL_DOES_NOT_MATTER[attack];
        let targeted = targeted && id.takes_target();
        let (model, clip) = Linear::random(seed, 4, 120);
        let label = model.classify(&clip).unwrap().top().0;
        let goal = if targeted { Goal::Targeted((label + 1) % 4) } else { Goal::Untargeted };
        let spec = AttackSpec { iterations: Some(20), ..AttackSpec::new(id) };
        let at = |level: f32| {
            let rows: Vec<Vec<f32>> =
                model.rows.iter().map(|row| row.iter().map(|&w| w as f32 / level).collect()).collect();
            let scaled: Arc<[f32]> = clip.iter().map(|x| x * level).collect();
            let alike = Linear::new(&rows, vec![0.0; 4]);
            spec.build().run(&alike, &problem(&scaled, goal), &mut go_on)
        };
        let (plain, scaled) = (at(1.0), at(level));
        prop_assert_eq!(&plain.status, &scaled.status);
        let (plain, scaled) = (plain.metrics.snr_db, scaled.metrics.snr_db);
        prop_assert!((plain - scaled).abs() < 0.5, "{:?}: {} and {} dB", id, plain, scaled);
    }
}

static VGG13: LazyLock<Vgg13> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors/vgg13.safetensors");
    Vgg13::new(Weights::load(&path).unwrap(), &Device::Cpu).unwrap()
});

fn bundled(name: &str) -> Arc<[f32]> {
    let clip = BUNDLED.iter().find(|clip| clip.name == name).unwrap();
    audio::load_bytes(clip.name, clip.bytes, 60.0).unwrap().samples
}

#[test]
fn every_attack_on_a_real_clip_is_honest_and_repeatable() {
    let clip = bundled("Snare drum");
    let model = &*VGG13;
    for id in AttackId::ALL {
        let mut spec = AttackSpec::new(id);
        (spec.searches, spec.iterations) = (Some(2), Some(30));
        let problem = problem(&clip, Goal::Untargeted);
        let first = spec.build().run(model, &problem, &mut go_on);
        check(model, &problem, &first);
        let second = spec.build().run(model, &problem, &mut go_on);
        assert_eq!(first.samples, second.samples, "{id:?} differs from run to run");
        if id == AttackId::MaskedCarliniWagner {
            let hidden = first.metrics.noise_to_mask.total_db;
            assert!(first.status == Status::Fooled && hidden < -10.0, "{hidden} dB");
        // Thirty questions are too few to be sure.
        } else if !id.takes_snr() && id != AttackId::BayesOpt {
            assert_eq!(first.status, Status::Fooled, "{id:?}");
            assert!(first.metrics.snr_db > 25.0, "{id:?}: {} dB", first.metrics.snr_db);
        }
    }
}

#[test]
fn aiming_is_repeatable() {
    let clip: Arc<[f32]> = bundled("Snare drum")[..16_000].into();
    let model = &*VGG13;
    // Far enough that the search all around, which draws at random, has to help.
    let target = model.classify(&clip).unwrap().ranked(41)[40].0;
    for id in AttackId::ALL.into_iter().filter(|id| id.takes_target()) {
        let mut spec = AttackSpec::new(id);
        (spec.searches, spec.iterations) = (Some(2), Some(20));
        let problem = problem(&clip, Goal::Targeted(target));
        let [first, second] = [(); 2].map(|()| spec.build().run(model, &problem, &mut go_on));
        check(model, &problem, &first);
        assert_eq!(first.samples, second.samples, "{id:?} differs from run to run");
        assert_eq!(first.gradient_evaluations, second.gradient_evaluations, "{id:?}");
    }
}

#[test]
fn a_target_is_reached() {
    let clip = bundled("Glockenspiel");
    let model = &*VGG13;
    let target = model.labels().find("Tearing").unwrap();
    let problem = problem(&clip, Goal::Targeted(target));
    for id in [AttackId::CarliniWagner, AttackId::Lbfgs] {
        let outcome = AttackSpec::new(id).build().run(model, &problem, &mut go_on);
        check(model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
        assert_eq!(outcome.adversarial.top().0, target);
    }
}

#[test]
fn stopping_at_any_step_keeps_the_best() {
    let clip = bundled("Snare drum");
    let model = &*VGG13;
    let problem = problem(&clip, Goal::Untargeted);
    for stop in [1, 2, 5, 11, 20, 31, 45] {
        let mut spec = AttackSpec::new(AttackId::CarliniWagner);
        (spec.searches, spec.iterations) = (Some(2), Some(30));
        let mut best = None;
        let outcome = spec.build().run(model, &problem, &mut |progress: &Progress<'_>| {
            assert!(progress.iteration <= progress.of);
            assert!(progress.best_snr_db >= best, "the best got worse");
            best = progress.best_snr_db;
            if progress.iteration == stop { Flow::Stop } else { Flow::Continue }
        });
        assert_eq!(outcome.status, Status::Cancelled);
        assert_eq!(outcome.iterations, stop);
        assert_eq!(outcome.is_adversarial(), best.is_some());
        if let Some(best) = best {
            assert_eq!(outcome.metrics.snr_db, best);
        }
        check(model, &problem, &outcome);
    }
}
