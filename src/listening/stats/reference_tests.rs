//! All statistics against SciPy's values (`tests/reference/listening.py`).

use serde_json::Value;

use super::*;

fn reference() -> Value {
    serde_json::from_str(include_str!("../../../tests/reference/listening.json")).unwrap()
}

fn cases(name: &str) -> Vec<Value> {
    let cases = reference()[name].as_array().unwrap().clone();
    assert!(cases.len() >= 2);
    cases
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[track_caller]
fn near(ours: f64, reference: &Value, tolerance: f64) {
    let reference = number(reference);
    let error = (ours - reference).abs() / reference.abs().max(1e-3);
    assert!(error <= tolerance, "{ours} is not {reference}: {error:e}");
}

#[test]
fn binomial_tests_and_intervals() {
    for case in cases("binomial") {
        let (right, trials) = (count(&case["right"]), count(&case["trials"]));
        near(p_value(right, trials, 0.5), &case["p"], 1e-10);
        let interval = clopper_pearson(right, trials, 0.95);
        near(interval.low, &case["interval"][0], 1e-10);
        near(interval.high, &case["interval"][1], 1e-10);
    }
}

#[test]
fn power_of_every_number_of_trials() {
    for case in cases("power") {
        let trials = count(&case["trials"]);
        assert_eq!(critical(trials, 0.5, 0.05), Some(count(&case["critical"])));
        near(power(trials, 0.5, 0.05, number(&case["rate"])), &case["power"], 1e-10);
    }
}

#[test]
fn sensitivity_and_bias_of_every_design() {
    for case in cases("detection") {
        let of = |index: usize| count(&case["counts"][index]);
        let counts = Counts { hits: of(0), signal: of(1), false_alarms: of(2), noise: of(3) };
        near(two_afc(counts).d_prime, &case["two_afc"], 1e-9);
        near(two_afc(counts).bias, &case["bias"], 1e-9);
        let models = [DetectionModel::Independent, DetectionModel::Differencing];
        for (index, model) in models.into_iter().enumerate() {
            near(abx(counts, model).d_prime, &case["abx"][index], 1e-8);
            near(same_different(counts, model).d_prime, &case["same_different"][index], 1e-8);
        }
    }
}

#[test]
fn psychometric_functions_are_at_least_as_likely_as_scipys() {
    for case in cases("psychometric") {
        let levels: Vec<LevelCount> = case["levels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|level| LevelCount {
                snr_db: number(&level[0]),
                right: number(&level[1]) as u64,
                trials: number(&level[2]) as u64,
            })
            .collect();
        let fit = fit(&levels).unwrap();
        assert!(fit.log_likelihood >= number(&case["log_likelihood"]) - 1e-7, "{fit:?} {case}");
        near(fit.curve.threshold_db, &case["threshold"], 1e-4);
        near(fit.curve.slope, &case["slope"], 1e-3);
        assert!((fit.curve.lapse - number(&case["lapse"])).abs() < 1e-4);
        let interval = threshold_interval(&levels).unwrap();
        let ends = [number(&case["credible"][0]), number(&case["credible"][1])];
        // Both are sums over a grid.
        let fine = 0.02 * (ends[1] - ends[0]);
        assert!((interval.low - ends[0]).abs() < fine, "{interval:?} {ends:?}");
        assert!((interval.high - ends[1]).abs() < fine, "{interval:?} {ends:?}");
    }
}

#[test]
fn grades_and_holm() {
    for case in cases("grades") {
        let values: Vec<f64> = case["differences"].as_array().unwrap().iter().map(number).collect();
        let found = grades(&values).unwrap();
        near(found.mean, &case["mean"], 1e-12);
        near(found.t_p.unwrap(), &case["t_p"], 1e-9);
        near(found.sign_p, &case["sign_p"], 1e-12);
        let interval = found.interval.unwrap();
        near(interval.low, &case["interval"][0], 1e-8);
        near(interval.high, &case["interval"][1], 1e-8);
    }
    let reference = &reference()["holm"];
    let of = |name: &str| -> Vec<f64> {
        reference[name].as_array().unwrap().iter().map(number).collect()
    };
    for (ours, theirs) in holm(&of("p")).iter().zip(of("corrected")) {
        assert!((ours - theirs).abs() < 1e-14);
    }
}
