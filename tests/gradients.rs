//! Every layer's gradient with respect to its input against central finite differences in `f64`,
//! over random shapes, among them one pixel, one channel and odd sizes; and several gradients of one
//! forward pass against as many single ones.

use candle_core::{DType, Device, Result, Tensor, Var};
use mondegreen::nn::{
    Affine, BiGru, CentrePad, Chunks, Conv, Dense, Edge, Gate, GruWeights, LogMel, LogMelConfig,
    MeanOver, PadMode, Rectifier, SqueezeExcite, SqueezeExciteWeights, Standardise, Traced, Window,
    differentiable, log_softmax, max_pool, mean, peak_normalise, softmax,
};
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Random values in [-1, 1].
fn random(rng: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn random_f32(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    random(rng, count).into_iter().map(|x| x as f32).collect()
}

/// Compares the gradient of `sum(upstream * layer(x))` with finite differences at up to 40 of its
/// entries; the relative error is measured against the largest entry of the gradient. Then
/// several gradients at once with single ones.
fn check(layer: impl Fn(&Traced) -> Result<Traced>, shape: &[usize], step: f64, seed: u64) {
    check_slopes(&layer, shape, step, seed);
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-4)] {
        check_copies(&layer, shape, dtype, tolerance, seed);
    }
}

fn check_slopes(layer: impl Fn(&Traced) -> Result<Traced>, shape: &[usize], step: f64, seed: u64) {
    let layer = |x: &Tensor| differentiable(x, &layer);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = shape.iter().product();
    let input = random(&mut rng, count);
    let at = |values: Vec<f64>| Tensor::from_vec(values, shape, &Device::Cpu);
    let var = Var::from_tensor(&at(input.clone()).unwrap()).unwrap();
    let output = layer(&var).unwrap();
    let weights = random(&mut rng, output.elem_count());
    let upstream = Tensor::from_vec(weights.clone(), output.shape(), &Device::Cpu).unwrap();
    let gradients = (output * &upstream).unwrap().sum_all().unwrap().backward().unwrap();
    let gradient = values(gradients.get(&var).expect("the gradient reaches the input"));
    let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    assert!(largest.is_finite());
    for _ in 0..count.min(40) {
        let index = rng.random_range(0..count);
        let moved = |by: f64| {
            let mut values = input.clone();
            values[index] += by;
            self::values(&layer(&at(values).unwrap()).unwrap())
        };
        // The slope of the weighted sum, and how far rounding can have moved it: what does not
        // depend on the entry cancels.
        let slope = |h: f64| {
            let (up, down) = (moved(h), moved(-h));
            let (mut change, mut size) = (0.0, 0.0);
            for ((u, d), weight) in up.iter().zip(&down).zip(&weights).filter(|((u, d), _)| u != d)
            {
                change += weight * (u - d);
                size += weight.abs() * (u.abs() + d.abs());
            }
            (change / (2.0 * h), 2.0 * f64::EPSILON * size / h)
        };
        // Four evaluations cancel the cubic term, so that the step can stay large.
        let compare = |step: f64| {
            let ((fine, rounding), (coarse, _)) = (slope(step / 2.0), slope(step));
            let expected = (4.0 * fine - coarse) / 3.0;
            let error = (gradient[index] - expected).abs();
            (error <= 1e-6 * largest.max(1e-12) + rounding, expected)
        };
        // Where a maximum changes hands within the step, a smaller one tells.
        let (fits, expected) = compare(step);
        let fits = fits || compare((step / 100.0).max(1e-7)).0;
        assert!(fits, "entry {index}: {} but {expected}, largest {largest}", gradient[index]);
    }
}

/// Compares three gradients of one forward pass, taken at once, with those taken one by one; the
/// error is measured against the largest entry.
fn check_copies(
    layer: impl Fn(&Traced) -> Result<Traced>,
    shape: &[usize],
    dtype: DType,
    tolerance: f64,
    seed: u64,
) {
    const COPIES: usize = 3;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut tensor = |shape: &[usize]| {
        let values = random(&mut rng, shape.iter().product());
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    };
    let input = Traced::variable(tensor(shape));
    let output = layer(&input).unwrap();
    let constant = layer(&Traced::constant(input.tensor().clone())).unwrap();
    assert_eq!(values(output.tensor()), values(constant.tensor()), "without a gradient");
    let weights: Vec<_> = (0..COPIES).map(|_| tensor(output.tensor().dims())).collect();
    let together = output.gradients(&Tensor::cat(&weights, 0).unwrap(), &[&input]).unwrap();
    assert_eq!(together[0].dims()[0], COPIES * shape[0]);
    assert_eq!(together[0].dims()[1..], shape[1..]);
    let together = values(&together[0]);
    let alone: Vec<f64> = weights
        .iter()
        .flat_map(|weights| values(&output.gradients(weights, &[&input]).unwrap()[0]))
        .collect();
    assert_eq!(together.len(), alone.len());
    let largest = alone.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    for (a, b) in together.iter().zip(&alone) {
        assert!((a - b).abs() <= tolerance * largest, "{a} together, {b} alone in {dtype:?}");
    }
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn random_conv(inputs: usize, outputs: usize, window: Window, seed: u64) -> Conv {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 1);
    let weight = random_f32(&mut rng, outputs * inputs * window.taps());
    Conv::new(&weight, &random_f32(&mut rng, outputs), inputs, window).unwrap()
}

fn random_norm(channels: usize, seed: u64) -> Affine {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 2);
    Affine::new(&random_f32(&mut rng, channels), &random_f32(&mut rng, channels))
        .unwrap()
        .with(Rectifier::Before)
}

fn random_affine(channels: usize, seed: u64) -> Affine {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 3);
    Affine::new(&random_f32(&mut rng, channels), &random_f32(&mut rng, channels)).unwrap()
}

fn random_squeeze_excite(channels: usize, reduced: usize, seed: u64) -> SqueezeExcite {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 4);
    SqueezeExcite::new(&SqueezeExciteWeights {
        squeeze_weight: &random_f32(&mut rng, reduced * channels),
        squeeze_bias: &random_f32(&mut rng, reduced),
        excite_weight: &random_f32(&mut rng, channels * reduced),
        excite_bias: &random_f32(&mut rng, channels),
    })
    .unwrap()
}

fn random_gru(features: usize, hidden: usize, seed: u64) -> BiGru {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 5);
    let mut values = |count: usize| -> Vec<f32> {
        // Wide enough that some gates are closed, some wide open.
        (0..count).map(|_| rng.random_range(-1.5..1.5)).collect()
    };
    let weights: Vec<_> = (0..2)
        .map(|_| [3 * hidden * features, 3 * hidden * hidden, 3 * hidden].map(&mut values))
        .collect();
    let [forwards, backwards] = [&weights[0], &weights[1]]
        .map(|[weight_ih, weight_hh, bias]| GruWeights { weight_ih, weight_hh, bias });
    BiGru::new(&forwards, &backwards, features).unwrap()
}

fn windows() -> impl Strategy<Value = Window> {
    prop_oneof![Just(Window::SQUARE), Just(Window::POINT), Just(Window::LINE)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn convolution(
        b in 1..3usize, i in 1..20usize, o in 1..20usize, h in 1..11usize, w in 1..11usize,
        window in windows(), seed: u64,
    ) {
        let conv = random_conv(i, o, window, seed);
        check(|x| conv.forward(x), &[b, h, w, i], 1e-3, seed);
    }

    #[test]
    fn convolution_of_a_signal(
        b in 1..3usize, i in 1..20usize, o in 1..20usize, l in 1..30usize, seed: u64,
    ) {
        let conv = random_conv(i, o, Window::LINE, seed);
        check(|x| conv.forward(x), &[b, l, i], 1e-3, seed);
    }

    #[test]
    fn convolution_with_norm_and_pool(
        b in 1..3usize, i in 1..20usize, o in 1..20usize, h in 2..11usize, w in 2..11usize,
        window in windows(), pool: bool, seed: u64,
    ) {
        let conv = random_conv(i, o, window, seed).then(&random_norm(o, seed), pool).unwrap();
        check(|x| conv.forward(x), &[b, h, w, i], 1e-7, seed);
    }

    #[test]
    fn relu_affine(b in 1..3usize, c in 1..5usize, h in 1..9usize, seed: u64) {
        let layer = random_norm(c, seed);
        check(|x| layer.forward(x), &[b, h, 2, c], 1e-7, seed);
    }

    #[test]
    fn max_pooling(
        b in 1..3usize, c in 1..4usize, h in 2..9usize, w in 2..9usize, keep: bool, seed: u64,
    ) {
        let edge = if keep { Edge::Keep } else { Edge::Drop };
        check(|x| max_pool(x, edge), &[b, h, w, c], 1e-7, seed);
        check(|x| max_pool(x, edge), &[b, h, 20 * c + 1], 1e-7, seed);
    }

    #[test]
    fn dense(b in 1..4usize, i in 1..9usize, o in 1..9usize, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let layer =
            Dense::new(&random_f32(&mut rng, o * i), &random_f32(&mut rng, o), i).unwrap();
        check(|x| layer.forward(x), &[b, i], 1e-3, seed);
    }

    #[test]
    fn standardise_and_chunks(b in 1..3usize, frames in 1..40usize, bands in 1..4usize, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mean = random_f32(&mut rng, bands);
        let std: Vec<f32> = (0..bands).map(|_| rng.random_range(0.5..2.0)).collect();
        let layer = Standardise::new(&mean, &std).unwrap();
        let chunks = Chunks::new(16);
        check(|x| layer.forward(&chunks.forward(x)?), &[b, frames, bands], 1e-7, seed);
    }

    #[test]
    fn gate(b in 1..3usize, h in 1..7usize, w in 1..7usize, n in 1..40usize, seed: u64) {
        let plain = Gate::new(n).unwrap();
        let normed = Gate::with_norm(&random_affine(n, seed)).unwrap();
        check(|x| plain.forward(x), &[b, h, w, 2 * n], 1e-3, seed);
        check(|x| normed.forward(x), &[b, h, w, 2 * n], 1e-3, seed);
        check(|x| normed.forward(x), &[b, 2 * n], 1e-3, seed);
    }

    #[test]
    fn affine(b in 1..3usize, h in 1..9usize, w in 1..40usize, c in 1..40usize, seed: u64) {
        let layer = random_affine(c, seed);
        let rectified = layer.with(Rectifier::After);
        check(|x| layer.forward(x), &[b, h, w, c], 1e-3, seed);
        check(|x| rectified.forward(x), &[b, h, w, c], 1e-7, seed);
        check(|x| rectified.forward(x), &[b, w, c], 1e-7, seed);
    }

    #[test]
    fn squeeze_excite(
        b in 1..4usize, h in 1..9usize, w in 1..9usize, c in 1..40usize, r in 1..6usize, seed: u64,
    ) {
        let layer = random_squeeze_excite(c, r, seed);
        check(|x| layer.forward_pooled(x, Edge::Keep), &[b, h, w, c], 1e-7, seed);
        check(|x| layer.forward_pooled(x, Edge::Keep), &[b, w, c], 1e-7, seed);
    }

    #[test]
    fn bidirectional_gru(
        b in 1..4usize, t in 1..6usize, f in 1..9usize, h in 1..12usize, seed: u64,
    ) {
        let layer = random_gru(f, h, seed);
        check(|x| layer.forward(x), &[b, t, f], 1e-7, seed);
    }

    #[test]
    fn means(b in 1..4usize, h in 1..9usize, w in 1..9usize, c in 1..40usize, seed: u64) {
        for over in [MeanOver::Pixels, MeanOver::Rows, MeanOver::Columns] {
            check(|x| mean(x, over), &[b, h, w, c], 1e-3, seed);
        }
        for over in [MeanOver::Pixels, MeanOver::Rows] {
            check(|x| mean(x, over), &[b, h, c], 1e-3, seed);
        }
    }

    #[test]
    fn softmaxes(b in 1..4usize, t in 1..4usize, c in 2..50usize, seed: u64) {
        check(softmax, &[b, t, c], 1e-3, seed);
        check(log_softmax, &[b, t, c], 1e-3, seed);
        check(softmax, &[b, c], 1e-3, seed);
        check(log_softmax, &[b, c], 1e-3, seed);
    }

    #[test]
    fn peak_and_pad(b in 1..4usize, n in 2..60usize, least in 0..90usize, seed: u64) {
        let pad = CentrePad::new(least);
        check(peak_normalise, &[b, n], 1e-7, seed);
        check(|x| pad.forward(x), &[b, n], 1e-3, seed);
    }

    #[test]
    fn log_mel(b in 1..3usize, samples in 40..300usize, reflect: bool, seed: u64) {
        let pad = if reflect { PadMode::Reflect } else { PadMode::Zero };
        let config = LogMelConfig { sample_rate: 32_000.0, window: 64, hop: 24, bands: 6, pad };
        let layer = LogMel::new(config).unwrap();
        check(|x| layer.forward(x), &[b, samples], 1e-4, seed);
    }
}

/// Larger than the blocks that threads share out, so that sums are put together from parts, and so
/// that products are shared out by their columns.
#[test]
fn layers_over_several_blocks() {
    let (affine, norm) = (random_affine(15, 1).with(Rectifier::After), random_affine(15, 2));
    let gate = Gate::with_norm(&norm).unwrap();
    let squeeze_excite = random_squeeze_excite(15, 3, 4);
    check(|x| affine.forward(x), &[2, 70, 41, 15], 1e-7, 1);
    check(|x| norm.forward(x), &[2, 70, 41, 15], 1e-3, 2);
    check(|x| gate.forward(x), &[2, 70, 41, 30], 1e-3, 3);
    check(|x| squeeze_excite.forward_pooled(x, Edge::Drop), &[2, 70, 41, 15], 1e-7, 4);
    for over in [MeanOver::Pixels, MeanOver::Rows, MeanOver::Columns] {
        check(|x| mean(x, over), &[2, 70, 41, 15], 1e-3, 5);
    }
    check(|x| mean(x, MeanOver::Pixels), &[1, 40_000, 1], 1e-3, 6);
    for edge in [Edge::Drop, Edge::Keep] {
        check(|x| max_pool(x, edge), &[2, 71, 41, 15], 1e-7, 8);
        check(|x| max_pool(x, edge), &[3, 30_001, 3], 1e-7, 9);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let weight = random_f32(&mut rng, 300 * 130);
    let dense = Dense::new(&weight, &random_f32(&mut rng, 130), 300).unwrap();
    check(|x| dense.forward(x), &[33, 300], 1e-3, 7);
}

#[test]
fn a_softmax_of_large_logits_is_finite() {
    let logits = Tensor::new(&[[1e4_f32, 0.0, -1e4], [-1e4, -1e4, -1e4]], &Device::Cpu).unwrap();
    let logits = Traced::constant(logits);
    let third = 1.0 / 3.0;
    let shares = values(softmax(&logits).unwrap().tensor());
    let expected = [1.0, 0.0, 0.0, third, third, third];
    assert!(shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{shares:?}");
    let logarithms = values(log_softmax(&logits).unwrap().tensor());
    let expected = [0.0, -1e4, -2e4, third.ln(), third.ln(), third.ln()];
    assert!(logarithms.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3), "{logarithms:?}");
}

#[test]
fn silence_has_no_peak_and_a_single_sample_is_one() {
    let waveforms = Tensor::new(&[[0.0_f32, 0.0, 0.0], [0.0, -0.25, 0.125]], &Device::Cpu).unwrap();
    let input = Traced::variable(waveforms);
    let output = peak_normalise(&input).unwrap();
    assert_eq!(values(output.tensor()), [0.0, 0.0, 0.0, 0.0, -1.0, 0.5]);
    let ones = output.tensor().ones_like().unwrap();
    let gradient = values(&output.gradients(&ones, &[&input]).unwrap()[0]);
    // Of the second clip: 1 / p, and for the peak itself (1 + (-1 + 0.5)) / p.
    assert_eq!(gradient, [0.0, 0.0, 0.0, 4.0, 2.0, 4.0]);
    let single = Traced::variable(Tensor::new(&[[-0.3_f32]], &Device::Cpu).unwrap());
    let output = peak_normalise(&single).unwrap();
    assert_eq!(values(output.tensor()), [-1.0]);
    let gradient = output.gradients(&output.tensor().ones_like().unwrap(), &[&single]).unwrap();
    assert_eq!(values(&gradient[0]), [0.0]);
}

#[test]
fn a_rectified_norm_passes_nothing_at_exactly_zero() {
    let layer = Affine::new(&[2.0], &[1.0]).unwrap().with(Rectifier::After);
    let input = Tensor::new(&[[-0.75_f32], [-0.5], [-0.25]], &Device::Cpu).unwrap();
    let input = Traced::variable(input);
    let output = layer.forward(&input).unwrap();
    assert_eq!(values(output.tensor()), [0.0, 0.0, 0.5]);
    let gradient = output.gradients(&output.tensor().ones_like().unwrap(), &[&input]).unwrap();
    assert_eq!(values(&gradient[0]), [0.0, 0.0, 2.0]);
}

#[test]
fn a_short_clip_is_padded_on_both_sides() {
    let clip = Traced::constant(Tensor::new(&[[1.0_f32, 2.0]], &Device::Cpu).unwrap());
    let padded = |least| values(CentrePad::new(least).forward(&clip).unwrap().tensor());
    assert_eq!(padded(0), [1.0, 2.0]);
    assert_eq!(padded(3), [1.0, 2.0, 0.0]);
    assert_eq!(padded(6), [0.0, 0.0, 1.0, 2.0, 0.0, 0.0]);
}

#[test]
fn log_mel_at_the_models_size() {
    let config = LogMelConfig {
        sample_rate: 32_000.0,
        window: 1024,
        hop: 512,
        bands: 64,
        pad: PadMode::Zero,
    };
    let layer = LogMel::new(config).unwrap();
    check(|x| layer.forward(x), &[1, 20_000], 1e-4, 7);
}

#[test]
fn silence_has_a_finite_zero_gradient() {
    let config =
        LogMelConfig { sample_rate: 32_000.0, window: 64, hop: 32, bands: 4, pad: PadMode::Zero };
    let layer = LogMel::new(config).unwrap();
    let silence = Var::zeros((1, 256), candle_core::DType::F64, &Device::Cpu).unwrap();
    let loss = differentiable(&silence, |x| layer.forward(x)).unwrap().sum_all().unwrap();
    let gradient = loss.backward().unwrap().get(&silence).unwrap().flatten_all().unwrap();
    assert!(gradient.to_vec1::<f64>().unwrap().iter().all(|&g| g == 0.0));
}
