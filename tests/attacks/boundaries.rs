//! Where the smallest change is known, searches for it must find it.

use std::sync::Arc;

use mondegreen::attacks::{
    Attack, AttackId, AttackSpec, CarliniWagner, DeepFool, Distance, Goal, Lbfgs, Preset, Status,
};
use mondegreen::models::Classifier;

use crate::linear::{Ellipse, Linear, norm};
use crate::{check, go_on, problem};

#[test]
fn deepfool_finds_the_nearest_plane_and_overshoots_it_by_its_two_percent_or_not_at_all() {
    for seed in 20..28 {
        let (model, clip) = Linear::random(seed, 6, 400);
        let label = model.classify(&clip).unwrap().top().0;
        let expected = model.distance(&clip, label, 0..6);
        for (preset, most) in
            [(Preset::Quick, 1.001), (Preset::Best, 1.001), (Preset::Paper, 1.021)]
        {
            let attack = DeepFool::preset(preset);
            let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
            assert_eq!(outcome.status, Status::Fooled);
            let found = norm(&clip, &outcome.samples) / expected;
            assert!((0.999..=most).contains(&found), "seed {seed}, {preset:?}: {found}");
        }
    }
}

#[test]
fn deepfool_takes_the_overshoot_and_the_labels_it_is_given() {
    let (model, clip) = Linear::random(29, 6, 400);
    let ranked = model.classify(&clip).unwrap().ranked(2);
    let (label, second) = (ranked[0].0, ranked[1].0);
    // The plane of the second label is brought so near that one step leads there.
    let length = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let slopes: Vec<f64> =
        model.rows[label].iter().zip(&model.rows[second]).map(|(a, b)| a - b).collect();
    let own: Vec<f64> = clip.iter().map(|&x| f64::from(x)).collect();
    let lead: f64 = slopes.iter().zip(&own).map(|(s, x)| s * x).sum();
    let distance = 0.005 * length(&own);
    let mut bias = vec![0.0; 6];
    bias[second] = (lead - distance * length(&slopes)) as f32;
    let rows: Vec<Vec<f32>> =
        model.rows.iter().map(|row| row.iter().map(|&w| w as f32).collect()).collect();
    let near = Linear::new(&rows, bias);
    for overshoot in [0.02, 0.3] {
        let attack = DeepFool { overshoot, ..DeepFool::preset(Preset::Paper) };
        let outcome = attack.run(&near, &problem(&clip, Goal::Untargeted), &mut go_on);
        assert_eq!(outcome.status, Status::Fooled);
        let found = norm(&clip, &outcome.samples) / distance;
        assert!((found - 1.0 - overshoot).abs() < 2e-3, "{found}");
    }
    // Of two candidates one is the rival: the label of the second highest score.
    let attack = DeepFool { candidates: 2, ..DeepFool::preset(Preset::Quick) };
    let outcome = attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on);
    let expected = model.distance(&clip, label, std::iter::once(second));
    let found = norm(&clip, &outcome.samples) / expected;
    // Another plane may lie before it.
    assert!(found <= 1.001, "{found}");
    // The third label's plane is brought nearer than the second's, by a steep score: two candidates
    // still lead to the second, and three find it.
    let third = model.classify(&clip).unwrap().ranked(3)[2].0;
    let steep = 20.0;
    let score: f64 = model.rows[third].iter().zip(&own).map(|(w, x)| w * x).sum();
    let mut rows = rows;
    rows[third].iter_mut().for_each(|w| *w *= steep as f32);
    let mut bias = vec![0.0; 6];
    bias[third] = ((1.0 - steep) * score) as f32;
    let near = Linear::new(&rows, bias);
    let [two, three] = [2, 3].map(|candidates| {
        let outcome = DeepFool { candidates, ..attack }.run(
            &near,
            &problem(&clip, Goal::Untargeted),
            &mut go_on,
        );
        assert_eq!(outcome.adversarial.top().0, if candidates == 2 { second } else { third });
        norm(&clip, &outcome.samples)
    });
    assert!(three < 0.8 * two, "{three}, {two}");
}

#[test]
fn deepfool_says_where_its_linear_steps_did_not_do() {
    let (model, clip) = Linear::random(33, 5, 300);
    let problem = problem(&clip, Goal::Untargeted);
    for (iterations, note) in [(1, Some("1 linear steps did not leave the label")), (50, None)] {
        let attack = DeepFool { iterations, ..DeepFool::preset(Preset::Quick) };
        let outcome = attack.run(&model, &problem, &mut go_on);
        assert_eq!(outcome.status, Status::Fooled);
        let said = outcome.note.as_deref();
        assert_eq!(said.is_some(), note.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().contains(note.unwrap_or_default()), "{said:?}");
        assert_eq!(outcome.remark(), said);
    }
}

#[test]
fn deepfool_cannot_aim_and_says_so() {
    let (model, clip) = Linear::random(30, 3, 100);
    let label = model.classify(&clip).unwrap().top().0;
    let problem = problem(&clip, Goal::Targeted((label + 1) % 3));
    let outcome = AttackSpec::new(AttackId::Deepfool).build().run(&model, &problem, &mut go_on);
    let Status::Failed(reason) = &outcome.status else { panic!("{:?}", outcome.status) };
    assert!(reason.contains("cannot aim"), "{reason}");
    assert_eq!(outcome.samples, clip);
}

#[test]
fn lbfgs_finds_the_plane_between_two_labels_within_one_percent() {
    for seed in 40..42 {
        let (model, clip) = Linear::random(seed, 2, 300);
        let label = model.classify(&clip).unwrap().top().0;
        let expected = model.distance(&clip, label, std::iter::once(1 - label));
        for goal in [Goal::Untargeted, Goal::Targeted(1 - label)] {
            for preset in [Preset::Quick, Preset::Paper] {
                let outcome = Lbfgs::preset(preset).run(&model, &problem(&clip, goal), &mut go_on);
                assert_eq!(outcome.status, Status::Fooled);
                let found = norm(&clip, &outcome.samples) / expected;
                assert!((0.999..=1.01).contains(&found), "{seed}, {goal:?}, {preset:?}: {found}");
            }
        }
    }
}

#[test]
fn the_nearest_point_of_a_bent_boundary_is_found() {
    for (axes, point) in [
        ([0.9, 0.3], [0.4_f32, 0.1]),
        ([0.5, 0.8], [0.1, 0.35]),
        ([0.7, 0.6], [-0.3, 0.2]),
        ([0.8, 0.25], [0.6, -0.05]),
    ] {
        let model = Ellipse::new(axes);
        let clip: Arc<[f32]> = point.into();
        let expected = model.distance(point.map(f64::from));
        let goal = Goal::Targeted(1);
        for attack in [
            Box::new(Lbfgs::preset(Preset::Paper)) as Box<dyn Attack>,
            Box::new(CarliniWagner::preset(Preset::Paper, Distance::Euclidean)),
        ] {
            let problem = problem(&clip, goal);
            let outcome = attack.run(&model, &problem, &mut go_on);
            check(&model, &problem, &outcome);
            assert_eq!(outcome.status, Status::Fooled);
            let found = norm(&clip, &outcome.samples) / expected;
            assert!((0.999..=1.01).contains(&found), "{:?}, {axes:?}: {found}", attack.id());
        }
    }
}

#[test]
fn logarithms_of_probabilities_are_logits() {
    for seed in 50..54 {
        let (mut model, clip) = Linear::random(seed, 5, 400);
        model.probabilities = true;
        let label = model.classify(&clip).unwrap().top().0;
        let expected = model.distance(&clip, label, 0..5);
        for id in [AttackId::Deepfool, AttackId::CarliniWagner] {
            for log_scores in [false, true] {
                let spec = AttackSpec { log_scores, preset: Preset::Paper, ..AttackSpec::new(id) };
                let problem = problem(&clip, Goal::Untargeted);
                let outcome = spec.build().run(&model, &problem, &mut go_on);
                check(&model, &problem, &outcome);
                assert_eq!(outcome.status, Status::Fooled, "{id:?}, {log_scores}");
                let found = norm(&clip, &outcome.samples) / expected;
                let most = if id == AttackId::Deepfool { 1.021 } else { 1.01 };
                assert!(!log_scores || (0.999..=most).contains(&found), "{id:?}: {found}");
            }
        }
    }
}

#[test]
fn a_model_that_is_quite_sure_is_left_all_the_same() {
    // Probabilities of 1 - 1e-6: their gradients are as small.
    let (mut model, clip) = Linear::random(60, 4, 300);
    model.probabilities = true;
    let (label, _) = model.classify(&clip).unwrap().top();
    let bias = (0..4).map(|i| if i == label { 14.0 } else { 0.0 }).collect();
    let rows: Vec<Vec<f32>> =
        model.rows.iter().map(|row| row.iter().map(|&w| w as f32).collect()).collect();
    let mut model = Linear::new(&rows, bias);
    model.probabilities = true;
    for id in [AttackId::Deepfool, AttackId::CarliniWagner, AttackId::Lbfgs] {
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = AttackSpec::new(id).build().run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled, "{id:?}");
    }
}

#[test]
fn carlini_wagner_is_never_behind_deepfool_on_the_same_clip() {
    for seed in 70..82 {
        let (model, clip) = Linear::random(seed, 6, 400);
        let by = |id| {
            let attack = AttackSpec::new(id).build();
            attack.run(&model, &problem(&clip, Goal::Untargeted), &mut go_on).metrics.snr_db
        };
        let (deepfool, found) = (by(AttackId::Deepfool), by(AttackId::CarliniWagner));
        assert!(found >= deepfool, "seed {seed}: {found} dB, DeepFool {deepfool} dB");
    }
}
