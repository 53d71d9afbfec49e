//! The gradients of trained layers with respect to inputs, weights and biases against central
//! finite differences in `f64`, over random shapes.

use candle_core::{Device, Result, Tensor};
use mondegreen::nn::trained::{
    TracedSqueezeExcite, batch_norm, cross_entropy, dense, squeeze_excite_pool,
};
use mondegreen::nn::{
    Edge, Gate, Rectifier, Traced, Window, bidirectional_gru, by_tensor_operations, convolution,
    log_1p,
};
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const RECTIFIERS: [Rectifier; 3] = [Rectifier::None, Rectifier::Before, Rectifier::After];

fn random(rng: &mut ChaCha8Rng, shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    let values: Vec<f64> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Compares the gradients of `sum(upstream * layer(operands))` with respect to every operand with
/// finite differences at up to 25 entries each, with the best of these steps: a long one may have a
/// kink within it, a short one is rounded. What runs on a GPU has to give the same gradients.
fn check(
    layer: impl Fn(&[Traced]) -> Result<Traced>,
    shapes: &[&[usize]],
    steps: &[f64],
    seed: u64,
) -> std::result::Result<(), TestCaseError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let operands: Vec<_> = shapes.iter().map(|shape| random(&mut rng, shape)).collect();
    let traced: Vec<_> = operands.iter().map(|o| Traced::variable(o.clone())).collect();
    let output = layer(&traced).unwrap();
    let upstream = random(&mut rng, output.tensor().dims());
    let variables: Vec<_> = traced.iter().collect();
    let gradients = output.gradients(&upstream, &variables).unwrap();
    by_tensor_operations(|| {
        let by_tensors = layer(&traced).unwrap();
        let others = by_tensors.gradients(&upstream, &variables).unwrap();
        let pairs = others.iter().zip(&gradients).chain([(by_tensors.tensor(), output.tensor())]);
        for (which, (other, own)) in pairs.enumerate() {
            prop_assert_eq!(other.dims(), own.dims());
            let (other, own) = (values(other), values(own));
            let largest = own.iter().fold(1e-6_f64, |m, g| m.max(g.abs()));
            let error = other.iter().zip(&own).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            prop_assert!(error <= 1e-9 * largest, "by tensors, operand {which}: {error:e}");
        }
        Ok(())
    })?;
    let loss = |operands: &[Tensor]| -> f64 {
        let constants: Vec<_> = operands.iter().map(|o| Traced::constant(o.clone())).collect();
        let output = layer(&constants).unwrap();
        values(output.tensor()).iter().zip(values(&upstream)).map(|(a, b)| a * b).sum()
    };
    for (which, gradient) in gradients.iter().enumerate() {
        prop_assert_eq!(gradient.dims(), operands[which].dims());
        let gradient = values(gradient);
        let largest = gradient.iter().fold(1e-9_f64, |m, g| m.max(g.abs()));
        for _ in 0..gradient.len().min(25) {
            let index = rng.random_range(0..gradient.len());
            let moved = |by: f64| {
                let mut operands = operands.clone();
                let mut entries = values(&operands[which]);
                entries[index] += by;
                operands[which] =
                    Tensor::from_vec(entries, operands[which].dims(), &Device::Cpu).unwrap();
                loss(&operands)
            };
            // Four evaluations cancel the cubic term.
            let slope = |h: f64| (moved(h) - moved(-h)) / (2.0 * h);
            let error = |&step: &f64| {
                let expected = (4.0 * slope(step / 2.0) - slope(step)) / 3.0;
                (gradient[index] - expected).abs() / largest
            };
            let error = steps.iter().map(error).fold(f64::INFINITY, f64::min);
            prop_assert!(error <= 2e-6, "operand {which}, entry {index}: {error:e}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn convolutions(
        b in 1..4usize, i in 1..20usize, o in 1..20usize, h in 1..9usize, w in 1..9usize,
        kind in 0..3usize, seed: u64,
    ) {
        let (window, kernel) =
            [(Window::SQUARE, [3, 3]), (Window::POINT, [1, 1]), (Window::LINE, [1, 3])][kind];
        check(
            |x| convolution(&x[0], &x[1], &x[2], window),
            &[&[b, h, w, i], &[o, i, kernel[0], kernel[1]], &[o]],
            &[1e-3],
            seed,
        )?;
    }

    #[test]
    fn convolutions_of_signals(
        b in 1..4usize, i in 1..20usize, o in 1..20usize, l in 1..40usize, seed: u64,
    ) {
        let shapes: [&[usize]; 3] = [&[b, l, i], &[o, i, 3], &[o]];
        check(|x| convolution(&x[0], &x[1], &x[2], Window::LINE), &shapes, &[1e-3], seed)?;
    }

    #[test]
    fn gates(b in 1..4usize, h in 1..6usize, c in 1..20usize, seed: u64) {
        check(|x| Gate::new(c)?.forward(&x[0]), &[&[b, h, 2, 2 * c]], &[1e-3], seed)?;
    }

    #[test]
    fn batch_norms(
        b in 2..5usize, h in 2..6usize, c in 1..20usize, kind in 0..3usize, seed: u64,
    ) {
        let shapes: [&[usize]; 3] = [&[b, h, 2, c], &[c], &[c]];
        let rectifier = RECTIFIERS[kind];
        // Far from constant channels, where the norm is steep.
        let layer = |x: &[Traced]| Ok(batch_norm(&x[0], &x[1], &x[2], 1e-1, rectifier)?.0);
        check(layer, &shapes, &[1e-3, 1e-5, 1e-6, 1e-7], seed)?;
    }

    #[test]
    fn filterbanks(
        b in 1..4usize, i in 1..8usize, o in 1..40usize, l in 1..40usize, taps in 0..13usize,
        seed: u64,
    ) {
        let window = Window { height: 1, width: 2 * taps + 1 };
        let shapes: [&[usize]; 3] = [&[b, l, i], &[o, i, window.width], &[o]];
        check(|x| convolution(&x[0], &x[1], &x[2], window), &shapes, &[1e-3], seed)?;
    }

    #[test]
    fn squeeze_and_excite_with_its_pool(
        b in 1..4usize, h in 1..6usize, w in 1..6usize, c in 1..20usize, r in 1..7usize,
        signal: bool, keep: bool, seed: u64,
    ) {
        let edge = if keep || h < 2 || w < 2 { Edge::Keep } else { Edge::Drop };
        let shape = if signal { vec![b, w, c] } else { vec![b, h, w, c] };
        let shapes: [&[usize]; 5] = [&shape, &[r, c], &[r], &[c, r], &[c]];
        let layer = |x: &[Traced]| {
            let weights = TracedSqueezeExcite {
                squeeze_weight: x[1].clone(),
                squeeze_bias: x[2].clone(),
                excite_weight: x[3].clone(),
                excite_bias: x[4].clone(),
            };
            squeeze_excite_pool(&x[0], &weights, edge)
        };
        check(layer, &shapes, &[1e-3, 1e-5, 1e-6, 1e-7], seed)?;
    }

    #[test]
    fn concatenations(
        b in 1..4usize, h in 1..9usize, w in 1..9usize, one in 1..20usize, two in 1..20usize,
        seed: u64,
    ) {
        let shapes: [&[usize]; 3] = [&[b, h, w, one], &[b, h, w, two], &[b, h, w, 1]];
        check(|x| Traced::concatenate(&[&x[2], &x[0], &x[1]]), &shapes, &[1e-3], seed)?;
    }

    #[test]
    fn logarithms(b in 1..4usize, l in 1..9usize, c in 1..20usize, seed: u64) {
        // Above the pole at -1.
        let layer = |x: &[Traced]| log_1p(&x[0].map(|x| x * 0.5)?);
        check(layer, &[&[b, l, c]], &[1e-3], seed)?;
    }

    #[test]
    fn dense_layers(b in 1..5usize, i in 1..9usize, o in 1..9usize, seed: u64) {
        let shapes: [&[usize]; 3] = [&[b, i], &[o, i], &[o]];
        check(|x| dense(&x[0], &x[1], &x[2]), &shapes, &[1e-3], seed)?;
    }

    #[test]
    fn recurrent_layers(b in 1..4usize, t in 1..6usize, f in 1..7usize, h in 1..7usize, seed: u64) {
        let [ih, hh, bias] = [[3 * h, f], [3 * h, h], [3 * h, 1]];
        let shapes: [&[usize]; 7] =
            [&[b, t, f], &ih, &hh, &bias[..1], &ih, &hh, &bias[..1]];
        let layer = |x: &[Traced]| {
            let direction = |first: usize| [0, 1, 2].map(|i| x[first + i].clone());
            // Loud enough that some gates are wide open or shut.
            let input = x[0].map(|x| x * 4.0)?;
            bidirectional_gru(&input, &[direction(1), direction(4)])
        };
        check(layer, &shapes, &[1e-3, 1e-5, 1e-6, 1e-7], seed)?;
    }

    #[test]
    fn the_cross_entropys_gradient(
        b in 1..5usize, heads in 1..4usize, labels in 2..9usize, seed: u64,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let logits = random(&mut rng, &[b, heads, labels]);
        let targets = random(&mut rng, &[b, labels]).abs().unwrap();
        let at = |logits: &Tensor| cross_entropy(&Traced::constant(logits.clone()), &targets).unwrap();
        let (_, gradient) = at(&logits);
        for (index, &gradient) in values(&gradient).iter().enumerate() {
            let moved = |by: f64| {
                let mut entries = values(&logits);
                entries[index] += by;
                at(&Tensor::from_vec(entries, logits.dims(), &Device::Cpu).unwrap()).0
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            prop_assert!((gradient - expected).abs() < 1e-8, "{gradient} but {expected}");
        }
    }
}

#[test]
fn statistics_are_the_batchs() {
    let x = Tensor::new(&[[1.0_f32, -2.0], [3.0, 4.0], [5.0, -6.0]], &Device::Cpu).unwrap();
    let parameter = |value: f32| Traced::variable(Tensor::full(value, 2, &Device::Cpu).unwrap());
    let norm = |rectifier| {
        let input = Traced::constant(x.clone());
        batch_norm(&input, &parameter(1.0), &parameter(0.0), 0.0, rectifier).unwrap().1
    };
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    let plain = norm(Rectifier::None);
    assert!(close(&plain.mean, &[3.0, -4.0 / 3.0]), "{plain:?}");
    assert!(close(&plain.variance, &[8.0 / 3.0, 56.0 / 3.0 - 16.0 / 9.0]), "{plain:?}");
    let rectified = norm(Rectifier::Before);
    assert!(close(&rectified.mean, &[3.0, 4.0 / 3.0]), "{rectified:?}");
    assert!(close(&rectified.variance, &[8.0 / 3.0, 32.0 / 9.0]), "{rectified:?}");
}
