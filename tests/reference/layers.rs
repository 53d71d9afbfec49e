//! The layers that VGG13 does without, against PyTorch.

use mondegreen::nn::{
    Affine, BatchNorm, BiGru, CentrePad, Edge, Gate, GruWeights, MeanOver, Rectifier,
    SqueezeExcite, SqueezeExciteWeights, differentiable, log_softmax, mean, peak_normalise,
    softmax,
};

use super::{Fixture, channels_last, check_layer};

fn batch_norm(fixture: &Fixture, case: &str) -> Affine {
    let part = |name: &str| fixture.singles(&format!("{case}.{name}"));
    Affine::from_batch_norm(&BatchNorm {
        weight: &part("weight"),
        bias: &part("bias"),
        running_mean: &part("running_mean"),
        running_var: &part("running_var"),
        eps: 1e-3,
    })
    .unwrap()
}

#[test]
fn batch_norm_alone_rectified_and_behind_a_gate_equals_pytorch() {
    let fixture = Fixture::open("layers");
    for name in ["batch_norm.", "norm_relu.", "gate."] {
        let cases = fixture.cases(name, ".output");
        assert!(cases.len() >= 4, "{cases:?}");
        for case in cases {
            let norm = batch_norm(&fixture, &case);
            let (rectified, gate) = (norm.with(Rectifier::After), Gate::with_norm(&norm).unwrap());
            check_layer(&fixture, &case, |x| {
                channels_last(x, |x| match name {
                    "batch_norm." => norm.forward(x),
                    "norm_relu." => rectified.forward(x),
                    _ => gate.forward(x),
                })
            });
        }
    }
}

#[test]
fn squeeze_excite_equals_pytorch() {
    let fixture = Fixture::open("layers");
    let cases = fixture.cases("squeeze_excite.", ".output");
    assert!(cases.len() >= 4, "{cases:?}");
    for case in cases {
        let part = |name: &str| fixture.singles(&format!("{case}.{name}"));
        let layer = SqueezeExcite::new(&SqueezeExciteWeights {
            squeeze_weight: &part("squeeze_weight"),
            squeeze_bias: &part("squeeze_bias"),
            excite_weight: &part("excite_weight"),
            excite_bias: &part("excite_bias"),
        })
        .unwrap();
        check_layer(&fixture, &case, |x| channels_last(x, |x| layer.forward_pooled(x, Edge::Keep)));
    }
}

#[test]
fn the_gru_equals_keras_formula_in_pytorch() {
    let fixture = Fixture::open("layers");
    let cases = fixture.cases("gru.", ".output");
    assert!(cases.len() >= 4, "{cases:?}");
    for case in cases {
        let part = |name: &str| fixture.singles(&format!("{case}.{name}"));
        let [forwards, backwards] = ["", "_reverse"].map(|direction| {
            ["weight_ih", "weight_hh", "bias"].map(|name| part(&format!("{name}{direction}")))
        });
        let [forwards, backwards] = [&forwards, &backwards]
            .map(|[weight_ih, weight_hh, bias]| GruWeights { weight_ih, weight_hh, bias });
        let features = fixture.shape(&format!("{case}.weight_ih"))[1];
        let layer = BiGru::new(&forwards, &backwards, features).unwrap();
        check_layer(&fixture, &case, |x| differentiable(x, |x| layer.forward(x)));
    }
}

#[test]
fn means_equal_pytorch() {
    let fixture = Fixture::open("layers");
    for (name, over) in [
        ("mean.pixels", MeanOver::Pixels),
        ("mean.rows", MeanOver::Rows),
        ("mean.columns", MeanOver::Columns),
    ] {
        check_layer(&fixture, name, |x| channels_last(x, |x| mean(x, over)));
    }
}

#[test]
fn softmax_peak_and_pad_equal_pytorch() {
    let fixture = Fixture::open("layers");
    check_layer(&fixture, "softmax.0", |x| differentiable(x, softmax));
    check_layer(&fixture, "log_softmax.0", |x| differentiable(x, log_softmax));
    for case in ["peak.0", "peak.1"] {
        check_layer(&fixture, case, |x| differentiable(x, peak_normalise));
    }
    for least in [8, 12] {
        let pad = CentrePad::new(least);
        check_layer(&fixture, &format!("pad.{least}"), |x| differentiable(x, |x| pad.forward(x)));
    }
}
