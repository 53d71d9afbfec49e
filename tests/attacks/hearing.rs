//! The masking-shaped attack: it finds what is hidden best, and hides better than the plain one.

use std::sync::Arc;

use mondegreen::attacks::{Attack, CarliniWagner, Distance, Goal, Preset, Problem, Status};
use mondegreen::metrics::NoiseToMask;
use mondegreen::models::Classifier;

use crate::linear::Linear;
use crate::{VGG13, bundled, check, go_on, problem};

/// The noise-to-mask ratio of clips around `clip` is a quadratic form of the change: its matrix, from
/// its values along the axes and between them.
fn quadratic_form(clip: &[f32]) -> Vec<Vec<f64>> {
    // Exact in f32 beside the samples.
    let step = 2.0_f32.powi(-8);
    let at = |moved: &[usize]| {
        let mut changed = clip.to_vec();
        moved.iter().for_each(|&i| changed[i] += step);
        let power = 10f64.powf(NoiseToMask::of(clip, &changed).total_db / 10.0);
        power / f64::from(step).powi(2)
    };
    let axes: Vec<f64> = (0..clip.len()).map(|i| at(&[i])).collect();
    let entry = |i: usize, j: usize| {
        if i == j { axes[i] } else { 0.5 * (at(&[i, j]) - axes[i] - axes[j]) }
    };
    (0..clip.len()).map(|i| (0..clip.len()).map(|j| entry(i, j)).collect()).collect()
}

/// Solves `matrix * x = right` by Gaussian elimination; the matrix is positive definite.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for i in 0..n {
        for row in i + 1..n {
            let factor = matrix[row][i] / matrix[i][i];
            let (above, below) = matrix.split_at_mut(row);
            for (entry, pivot) in below[0].iter_mut().zip(&above[i]).skip(i) {
                *entry -= factor * pivot;
            }
            right[row] -= factor * right[i];
        }
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| matrix[i][j] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    right
}

#[test]
fn it_finds_the_best_hidden_point_of_a_linear_boundary() {
    for seed in 70..73 {
        let (model, clip) = Linear::random(seed, 2, 40);
        // On a grid on which small steps are exact.
        let clip: Arc<[f32]> = clip.iter().map(|x| (x * 4096.0).round() / 4096.0).collect();
        let label = model.classify(&clip).unwrap().top().0;
        let slope: Vec<f64> =
            model.rows[label].iter().zip(&model.rows[1 - label]).map(|(a, b)| a - b).collect();
        let lead: f64 = slope.iter().zip(clip.iter()).map(|(s, &x)| s * f64::from(x)).sum();
        // Least r' A r with slope' r = -lead.
        let towards = solve(quadratic_form(&clip), slope.clone());
        let per_unit: f64 = slope.iter().zip(&towards).map(|(s, t)| s * t).sum();
        let least_db = 10.0 * (lead * lead / per_unit).log10();
        let attack = CarliniWagner::preset(Preset::Paper, Distance::Masked);
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = attack.run(&model, &problem, &mut go_on);
        check(&model, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled);
        let found_db = outcome.metrics.noise_to_mask.total_db;
        // 2 % of the power are 1 % of the amplitude.
        let excess = 10f64.powf((found_db - least_db) / 10.0);
        assert!((0.99..=1.02).contains(&excess), "seed {seed}: {found_db} dB, least {least_db} dB");
    }
}

#[test]
fn it_hides_better_than_the_plain_attack_on_a_real_clip() {
    let clip = bundled("Snare drum");
    let of = |distance| {
        let attack =
            CarliniWagner { searches: 2, ..CarliniWagner::preset(Preset::Quick, distance) };
        let problem = problem(&clip, Goal::Untargeted);
        let outcome = attack.run(&*VGG13, &problem, &mut go_on);
        check(&*VGG13, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled);
        outcome.metrics
    };
    let (plain, masked) = (of(Distance::Euclidean), of(Distance::Masked));
    let [plain_db, masked_db] = [plain, masked].map(|m| m.noise_to_mask.total_db);
    assert!(masked_db < plain_db - 6.0, "{masked_db} dB, plain {plain_db} dB");
    assert!(plain.snr_db > masked.snr_db, "what hides best is not what is smallest");
}

#[test]
fn sixteen_bits_hold_what_was_made_for_them() {
    let clip = bundled("Snare drum");
    for distance in [Distance::Euclidean, Distance::Masked] {
        let attack =
            CarliniWagner { searches: 2, ..CarliniWagner::preset(Preset::Quick, distance) };
        let problem = Problem { sixteen_bit: true, ..problem(&clip, Goal::Untargeted) };
        let outcome = attack.run(&*VGG13, &problem, &mut go_on);
        // That the samples are those of a 16-bit file, too.
        check(&*VGG13, &problem, &outcome);
        assert_eq!(outcome.status, Status::Fooled);
    }
}
