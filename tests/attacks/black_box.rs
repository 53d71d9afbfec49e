//! The black-box attack: it asks for answers and nothing else, and learns from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{Device, Result};
use mondegreen::attacks::{
    Attack, AttackId, AttackSpec, BayesOpt, Flow, Goal, Preset, Problem, Progress, Status,
};
use mondegreen::models::{Classifier, Labels, ModelCard, ScoreKind, Verdict};
use mondegreen::nn::Traced;

use crate::linear::{Linear, norm};
use crate::{VGG13, bundled, check, go_on, problem};

/// A model behind a counter: whoever asks for more than an answer fails.
struct Counter {
    inside: Linear,
    asked: AtomicUsize,
    /// From this question on all probabilities are NaN.
    broken_from: usize,
}

impl Counter {
    fn new(inside: Linear) -> Self {
        Self { inside, asked: AtomicUsize::new(0), broken_from: usize::MAX }
    }
}

impl Classifier for Counter {
    fn card(&self) -> &ModelCard {
        self.inside.card()
    }

    fn labels(&self) -> &Labels {
        self.inside.labels()
    }

    fn device(&self) -> &Device {
        self.inside.device()
    }

    fn score_kind(&self) -> ScoreKind {
        self.inside.score_kind()
    }

    fn trace(&self, _: &Traced) -> Result<Traced> {
        panic!("a black box was opened");
    }

    fn classify(&self, samples: &[f32]) -> Result<Verdict> {
        let verdict = self.inside.classify(samples)?;
        if self.asked.fetch_add(1, Ordering::Relaxed) < self.broken_from {
            return Ok(verdict);
        }
        self.verdict(&vec![f32::NAN; verdict.probabilities.len()])
    }
}

#[test]
fn it_only_asks_and_counts_what_it_asks() {
    for targeted in [false, true] {
        let (model, clip) = Linear::random(80, 4, 400);
        let label = model.classify(&clip).unwrap().top().0;
        let goal = if targeted { Goal::Targeted((label + 1) % 4) } else { Goal::Untargeted };
        let model = Counter::new(model);
        let attack = AttackSpec::new(AttackId::BayesOpt).build();
        let outcome = attack.run(&model, &problem(&clip, goal), &mut go_on);
        assert_eq!(outcome.status, Status::Fooled);
        assert_eq!(outcome.gradient_evaluations, 0);
        // Once each for the clean clip and for the final one.
        assert_eq!(model.asked.load(Ordering::Relaxed), outcome.iterations + 2);
        assert!(outcome.iterations <= 400 + 22, "{}", outcome.iterations);
    }
}

#[test]
fn it_comes_near_the_boundary_of_a_linear_model() {
    for seed in 81..86 {
        let (model, clip) = Linear::random(seed, 3, 400);
        let label = model.classify(&clip).unwrap().top().0;
        let expected = model.distance(&clip, label, 0..3);
        let attack = BayesOpt::preset(Preset::Best);
        let attack = BayesOpt { queries: 1500, segment: 0.001, ..attack };
        let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
        check(&model, &problem(&clip, Goal::Untargeted), &outcome);
        assert_eq!(outcome.status, Status::Fooled);
        let found = norm(&clip, &outcome.samples) / expected;
        // Levels can be changed, phases cannot: of a plane at random that takes half the slope's
        // energy, 3 dB, and cells of several bins take a few dB more. A random direction is 26 dB off.
        assert!((0.999..4.0).contains(&found), "seed {seed}: {found}");
        // It ends on the boundary, not beyond it.
        let margin = outcome.margin().unwrap();
        assert!((0.0..0.01).contains(&margin), "seed {seed}: {margin}");
    }
}

#[test]
fn more_questions_find_smaller_changes() {
    let mut gains = Vec::new();
    for seed in 90..94 {
        let (model, clip) = Linear::random(seed, 3, 400);
        let run = |queries| {
            let attack = BayesOpt { queries, ..BayesOpt::preset(Preset::Quick) };
            let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
            assert_eq!(outcome.status, Status::Fooled, "{queries}");
            outcome.metrics.snr_db
        };
        gains.push(run(600) - run(150));
    }
    assert!(gains.iter().sum::<f64>() > 0.0, "{gains:?}");
}

#[test]
fn probabilities_that_are_no_numbers_end_it_with_a_reason_and_keep_what_was_found() {
    for broken_from in [1, 2, 40, 300] {
        let (model, clip) = Linear::random(87, 3, 400);
        let model = Counter { broken_from, ..Counter::new(model) };
        let attack = AttackSpec::new(AttackId::BayesOpt).build();
        let mut best = None;
        let outcome =
            attack.run(&model, &problem(&clip, Goal::Untargeted), &mut |progress: &Progress<
                '_,
            >| {
                best = progress.best_snr_db;
                Flow::Continue
            });
        assert!(outcome.samples.iter().all(|x| x.abs() <= 1.0));
        match best {
            None => {
                let Status::Failed(reason) = &outcome.status else {
                    panic!("{broken_from}: {:?}", outcome.status)
                };
                assert!(reason.contains("not finite"), "{reason}");
                assert_eq!(outcome.samples, clip);
            }
            Some(best) => assert_eq!(outcome.metrics.snr_db, best),
        }
    }
}

#[test]
fn the_seed_decides() {
    let (model, clip) = Linear::random(88, 4, 400);
    let run = |seed| {
        let problem = Problem { seed, ..problem(&clip, Goal::Untargeted) };
        AttackSpec::new(AttackId::BayesOpt).build().run(&model, &problem, &mut go_on).samples
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_real_clip_is_misheard_after_four_hundred_questions() {
    let model = &*VGG13;
    let clip: Arc<[f32]> = bundled("Tambourine")[..48_000].into();
    let problem = problem(&clip, Goal::Untargeted);
    let outcome = AttackSpec::new(AttackId::BayesOpt).build().run(model, &problem, &mut go_on);
    check(model, &problem, &outcome);
    assert_eq!(outcome.status, Status::Fooled);
    assert!(outcome.metrics.snr_db > 10.0, "{}", outcome.metrics.snr_db);
}
