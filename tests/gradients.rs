//! Every layer's gradient with respect to its input against central finite differences in `f64`,
//! over random shapes, among them one pixel, one channel and odd sizes.

use candle_core::{Device, Result, Tensor, Var};
use mondegreen::nn::{
    Chunks, Conv, Dense, Edge, LogMel, LogMelConfig, PadMode, ReluAffine, Standardise, Traced,
    Window, differentiable, max_pool,
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
/// entries; the relative error is measured against the largest entry of the gradient.
fn check(layer: impl Fn(&Traced) -> Result<Traced>, shape: &[usize], step: f64, seed: u64) {
    let layer = |x: &Tensor| differentiable(x, &layer);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = shape.iter().product();
    let input = random(&mut rng, count);
    let at = |values: Vec<f64>| Tensor::from_vec(values, shape, &Device::Cpu);
    let var = Var::from_tensor(&at(input.clone()).unwrap()).unwrap();
    let output = layer(&var).unwrap();
    let upstream = random(&mut rng, output.elem_count());
    let upstream = Tensor::from_vec(upstream, output.shape(), &Device::Cpu).unwrap();
    let loss =
        |x: &Tensor| -> Result<f64> { (layer(x)? * &upstream)?.sum_all()?.to_scalar::<f64>() };
    let gradients = (output * &upstream).unwrap().sum_all().unwrap().backward().unwrap();
    let gradient = gradients.get(&var).expect("the gradient reaches the input");
    let gradient = gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let largest = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    assert!(largest.is_finite());
    for _ in 0..count.min(40) {
        let index = rng.random_range(0..count);
        let moved = |by: f64| {
            let mut values = input.clone();
            values[index] += by;
            loss(&at(values).unwrap()).unwrap()
        };
        // Four evaluations cancel the cubic term, so that the step can stay large.
        let slope = |h: f64| (moved(h) - moved(-h)) / (2.0 * h);
        let expected = (4.0 * slope(step / 2.0) - slope(step)) / 3.0;
        let error = (gradient[index] - expected).abs() / largest.max(1e-12);
        assert!(error <= 1e-6, "entry {index}: {} but {expected}, {error:e}", gradient[index]);
    }
}

fn random_conv(inputs: usize, outputs: usize, window: Window, seed: u64) -> Conv {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 1);
    let weight = random_f32(&mut rng, outputs * inputs * window.taps());
    Conv::new(&weight, &random_f32(&mut rng, outputs), inputs, window).unwrap()
}

fn random_norm(channels: usize, seed: u64) -> ReluAffine {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 2);
    ReluAffine::new(&random_f32(&mut rng, channels), &random_f32(&mut rng, channels)).unwrap()
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
        check(|x| max_pool(x, edge), &[b, h, c], 1e-7, seed);
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
    fn log_mel(b in 1..3usize, samples in 40..300usize, reflect: bool, seed: u64) {
        let pad = if reflect { PadMode::Reflect } else { PadMode::Zero };
        let config = LogMelConfig { sample_rate: 32_000.0, window: 64, hop: 24, bands: 6, pad };
        let layer = LogMel::new(config).unwrap();
        check(|x| layer.forward(x), &[b, samples], 1e-4, seed);
    }
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
