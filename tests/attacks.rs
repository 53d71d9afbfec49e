//! The attacks: analytic cases on a linear classifier, and invariants on VGG13 with real clips.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use candle_core::{Device, Result, Tensor};
use mondegreen::assets::BUNDLED;
use mondegreen::attacks::{
    Attack, AttackId, AttackSpec, CarliniWagner, Flow, Goal, Outcome, Preset, Problem, Progress,
    Status,
};
use mondegreen::audio;
use mondegreen::metrics::snr_db;
use mondegreen::models::{Classifier, Labels, ModelCard, ModelId, ScoreKind, Vgg13, Weights};
use mondegreen::nn::Traced;
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Scores `x W^T + b`: its boundaries are planes, so that the smallest perturbation is known.
struct Linear {
    weight: Tensor,
    bias: Tensor,
    rows: Vec<Vec<f64>>,
    labels: Labels,
    card: ModelCard,
    /// Makes every gradient NaN where set.
    broken: bool,
}

impl Linear {
    fn new(rows: &[Vec<f32>], bias: Vec<f32>) -> Self {
        let (labels, samples) = (rows.len(), rows[0].len());
        let flat: Vec<f32> = rows.iter().flatten().copied().collect();
        Self {
            weight: Tensor::from_vec(flat, (labels, samples), &Device::Cpu).unwrap(),
            bias: Tensor::from_vec(bias, labels, &Device::Cpu).unwrap(),
            rows: rows.iter().map(|row| row.iter().map(|&w| f64::from(w)).collect()).collect(),
            labels: Labels::new((0..labels).map(|i| format!("label {i}"))),
            card: ModelCard::new(ModelId::Vgg13, Labels::fsdkaggle2018()),
            broken: false,
        }
    }

    fn random(seed: u64, labels: usize, samples: usize) -> (Self, Arc<[f32]>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut row = |scale: f32| (0..samples).map(|_| rng.random_range(-scale..scale)).collect();
        let rows: Vec<_> = (0..labels).map(|_| row(1.0)).collect();
        let clip: Vec<f32> = row(0.3);
        (Self::new(&rows, vec![0.0; labels]), clip.into())
    }

    /// The distance to the nearest plane on which `from` and one of `to` score alike.
    fn distance(&self, clip: &[f32], from: usize, to: impl Iterator<Item = usize>) -> f64 {
        let score = |label: usize| -> f64 {
            self.rows[label].iter().zip(clip).map(|(w, &x)| w * f64::from(x)).sum()
        };
        to.filter(|&label| label != from)
            .map(|label| {
                let gap: f64 = self.rows[from]
                    .iter()
                    .zip(&self.rows[label])
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f64>()
                    .sqrt();
                (score(from) - score(label)) / gap
            })
            .fold(f64::INFINITY, f64::min)
    }
}

impl Classifier for Linear {
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

    fn trace(&self, waveform: &Traced) -> Result<Traced> {
        waveform.map(|waveform| {
            let weight = self.weight.t()?;
            let scores = waveform.matmul(&weight)?.broadcast_add(&self.bias)?;
            if !self.broken {
                return Ok(scores);
            }
            // The square root's derivative at zero is infinite: times 0 it gives NaN on the way back.
            scores + (waveform - waveform.clone())?.sqrt()?.matmul(&weight)?
        })
    }
}

fn norm(clean: &[f32], other: &[f32]) -> f64 {
    clean
        .iter()
        .zip(other)
        .map(|(&a, &b)| (f64::from(b) - f64::from(a)).powi(2))
        .sum::<f64>()
        .sqrt()
}

fn problem(samples: &Arc<[f32]>, goal: Goal) -> Problem {
    Problem { samples: Arc::clone(samples), goal, true_label: None, seed: 7 }
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
        let attack = CarliniWagner::preset(Preset::Paper);
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
        let attack = CarliniWagner::preset(Preset::Paper);
        let outcome = attack.run(&model, &problem(&clip, Goal::Targeted(target)), &mut go_on);
        assert_eq!(outcome.status, Status::Fooled);
        let found = norm(&clip, &outcome.samples);
        assert!((0.999..=1.01).contains(&(found / expected)), "{found} but {expected}");
    }
}

#[test]
fn confidence_moves_the_boundary() {
    let (model, clip) = Linear::random(3, 4, 300);
    let label = model.classify(&clip).unwrap().top().0;
    let attack = CarliniWagner { confidence: 2.0, ..CarliniWagner::preset(Preset::Quick) };
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
    model.broken = true;
    for id in [AttackId::Fgsm, AttackId::CarliniWagner] {
        let outcome =
            AttackSpec::new(id).build().run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
        let Status::Failed(reason) = &outcome.status else { panic!("{:?}", outcome.status) };
        assert!(reason.contains("not finite"), "{reason}");
        assert_eq!(outcome.samples, clip);
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
    match outcome.status {
        Status::Fooled => assert!(outcome.is_adversarial()),
        Status::NotFooled(_) => assert!(!outcome.is_adversarial()),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn outcomes_are_honest(seed: u64, level in 0.001f32..1.0, attack in 0..3usize, targeted: bool) {
        let (model, clip) = Linear::random(seed, 4, 120);
        // Up to full scale, where the box matters.
        let loudest = clip.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        let clip: Arc<[f32]> = clip.iter().map(|x| x / loudest * level).collect();
        let label = model.classify(&clip).unwrap().top().0;
        let goal = if targeted { Goal::Targeted((label + 1) % 4) } else { Goal::Untargeted };
        let mut spec = AttackSpec::new(AttackId::ALL[attack]);
        spec.iterations = Some(20);
        let problem = problem(&clip, goal);
        let outcome = spec.build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        if spec.id.takes_snr() && !matches!(outcome.status, Status::Failed(_)) {
            prop_assert!((outcome.metrics.snr_db - 20.0).abs() <= 0.01);
        }
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
        if id == AttackId::CarliniWagner {
            assert_eq!(first.status, Status::Fooled);
            assert!(first.metrics.snr_db > 25.0, "{} dB", first.metrics.snr_db);
        }
    }
}

#[test]
fn a_target_is_reached() {
    let clip = bundled("Glockenspiel");
    let model = &*VGG13;
    let target = model.labels().find("Tearing").unwrap();
    let problem = problem(&clip, Goal::Targeted(target));
    let outcome = AttackSpec::new(AttackId::CarliniWagner).build().run(model, &problem, &mut go_on);
    check(model, &problem, &outcome);
    assert_eq!(outcome.status, Status::Fooled);
    assert_eq!(outcome.adversarial.top().0, target);
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
