//! What runs on a GPU, Candle's tensor operations, against our kernels, on the CPU: values and
//! gradients of every layer, of whole models, and of several gradients at once.

#[path = "support/formula.rs"]
mod formula;

use std::path::Path;

use candle_core::{DType, Device, Result, Tensor};
use mondegreen::audio;
use mondegreen::models::{
    Classifier, Crnn, CrnnNetwork, DenseMel, DenseMelNetwork, DenseWav, DenseWavNetwork, Gcnn,
    GcnnNetwork, Vgg13, Weights,
};
use mondegreen::nn::{
    Affine, BatchNorm, BiGru, CentrePad, Chunks, Conv, Dense, Edge, Gate, GruWeights, LogMel,
    LogMelConfig, MeanOver, PadMode, Rectifier, SqueezeExcite, SqueezeExciteWeights, Standardise,
    Traced, Window, by_tensor_operations, log_1p, log_softmax, max_pool, mean, peak_normalise,
    softmax,
};
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

fn random(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference relative to the largest reference value.
fn difference(ours: &Tensor, reference: &Tensor) -> f64 {
    assert_eq!(ours.dims(), reference.dims());
    let reference = values(reference);
    let largest = reference.iter().fold(1e-9_f64, |m, v| m.max(v.abs()));
    values(ours).iter().zip(&reference).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

fn constant(shape: &[usize]) -> Traced {
    Traced::constant(Tensor::zeros(shape, DType::F64, &Device::Cpu).unwrap())
}

/// Both ways of computing a layer: values, and the gradients of three weighted sums at once.
fn check(
    layer: impl Fn(&Traced) -> Result<Traced>,
    shape: &[usize],
    seed: u64,
) -> std::result::Result<(), TestCaseError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let input = Tensor::from_vec(random(&mut rng, shape.iter().product()), shape, &Device::Cpu);
    let input = Traced::variable(input.unwrap().to_dtype(DType::F64).unwrap());
    let kernels = layer(&input).unwrap();
    let mut stacked = kernels.tensor().dims().to_vec();
    stacked[0] *= 3;
    let upstream = random(&mut rng, stacked.iter().product());
    let upstream = Tensor::from_vec(upstream, stacked, &Device::Cpu).unwrap();
    let upstream = upstream.to_dtype(DType::F64).unwrap();
    let expected = kernels.gradients(&upstream, &[&input]).unwrap();
    by_tensor_operations(|| {
        let tensors = layer(&input).unwrap();
        let error = difference(tensors.tensor(), kernels.tensor());
        prop_assert!(error < 1e-10, "values: {error:e}");
        let gradients = tensors.gradients(&upstream, &[&input]).unwrap();
        let error = difference(&gradients[0], &expected[0]);
        prop_assert!(error < 1e-9, "gradients: {error:e}");
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn convolution(
        b in 1..3usize, i in 1..20usize, o in 1..20usize, h in 2..11usize, w in 2..11usize,
        kind in 0..3usize, norm: bool, pool: bool, seed: u64,
    ) {
        let window = [Window::SQUARE, Window::POINT, Window::LINE][kind];
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let weight = random(&mut rng, o * i * window.taps());
        let conv = Conv::new(&weight, &random(&mut rng, o), i, window).unwrap();
        let after = Affine::new(&random(&mut rng, o), &random(&mut rng, o)).unwrap().with(Rectifier::Before);
        let conv = if norm { conv.then(&after, pool).unwrap() } else { conv };
        check(|x| conv.forward(x), &[b, h, w, i], seed)?;
        if window == Window::LINE && !(norm && pool) {
            check(|x| conv.forward(x), &[b, w, i], seed)?;
        }
    }

    #[test]
    fn pools(
        b in 1..3usize, c in 1..4usize, h in 2..9usize, w in 2..9usize, keep: bool, seed: u64,
    ) {
        let edge = if keep { Edge::Keep } else { Edge::Drop };
        check(|x| max_pool(x, edge), &[b, h, w, c], seed)?;
        check(|x| max_pool(x, edge), &[b, h, c], seed)?;
    }

    #[test]
    fn dense_and_standardise(b in 1..4usize, i in 1..9usize, o in 1..9usize, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let dense = Dense::new(&random(&mut rng, o * i), &random(&mut rng, o), i).unwrap();
        check(|x| dense.forward(x), &[b, i], seed)?;
        let deviation: Vec<f32> = (0..i).map(|_| rng.random_range(0.5..2.0)).collect();
        let standardise = Standardise::new(&random(&mut rng, i), &deviation).unwrap();
        check(|x| standardise.forward(x), &[b, i], seed)?;
    }

    #[test]
    fn gates_norms_and_means(
        b in 1..3usize, c in 1..20usize, h in 1..6usize, w in 1..6usize, rectified: bool, seed: u64,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let norm = Affine::new(&random(&mut rng, c), &random(&mut rng, c)).unwrap();
        let gate = Gate::with_norm(&norm).unwrap();
        check(|x| gate.forward(x), &[b, h, w, 2 * c], seed)?;
        let norm = if rectified { norm.with(Rectifier::After) } else { norm };
        check(|x| norm.forward(x), &[b, h, w, c], seed)?;
        for over in [MeanOver::Pixels, MeanOver::Rows, MeanOver::Columns] {
            check(|x| mean(x, over), &[b, h, w, c], seed)?;
        }
        check(|x| mean(x, MeanOver::Pixels), &[b, w, c], seed)?;
        check(softmax, &[b, c], seed)?;
        check(log_softmax, &[b, c], seed)?;
    }

    #[test]
    fn squeeze_and_excite(
        b in 1..3usize, c in 1..9usize, r in 1..5usize, h in 1..5usize, w in 1..5usize, seed: u64,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let layer = SqueezeExcite::new(&SqueezeExciteWeights {
            squeeze_weight: &random(&mut rng, r * c),
            squeeze_bias: &random(&mut rng, r),
            excite_weight: &random(&mut rng, c * r),
            excite_bias: &random(&mut rng, c),
        }).unwrap();
        check(|x| layer.forward_pooled(x, Edge::Keep), &[b, h, w, c], seed)?;
        check(|x| layer.forward_pooled(x, Edge::Keep), &[b, w, c], seed)?;
        check(|x| layer.forward_pooled(x, Edge::Drop), &[b, h + 1, w + 1, c], seed)?;
    }

    #[test]
    fn filterbanks_and_concatenations(
        b in 1..3usize, i in 1..9usize, o in 1..20usize, l in 1..30usize, taps in 0..13usize,
        seed: u64,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let window = Window { height: 1, width: 2 * taps + 1 };
        let weight = random(&mut rng, o * i * window.width);
        let part = random(&mut rng, o);
        let variance: Vec<f32> = (0..o).map(|_| rng.random_range(0.5..2.0)).collect();
        let norm = BatchNorm {
            weight: &part,
            bias: &random(&mut rng, o),
            running_mean: &random(&mut rng, o),
            running_var: &variance,
            eps: 1e-3,
        };
        let filters = Conv::normalised(&weight, i, window, &norm).unwrap().rectified().unwrap();
        let layer = |x: &Traced| Traced::concatenate(&[&log_1p(&filters.forward(x)?)?, x]);
        check(layer, &[b, l, i], seed)?;
    }

    #[test]
    fn recurrent(b in 1..3usize, t in 1..5usize, f in 1..6usize, h in 1..6usize, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let numbers: Vec<_> = [3 * h * f, 3 * h * h, 3 * h, 3 * h * f, 3 * h * h, 3 * h]
            .into_iter()
            .map(|count| random(&mut rng, count))
            .collect();
        let direction = |first: usize| GruWeights {
            weight_ih: &numbers[first],
            weight_hh: &numbers[first + 1],
            bias: &numbers[first + 2],
        };
        let layer = BiGru::new(&direction(0), &direction(3), f).unwrap();
        check(|x| layer.forward(x), &[b, t, f], seed)?;
    }

    #[test]
    fn waveforms(b in 1..3usize, samples in 1..50usize, least in 1..80usize, seed: u64) {
        check(peak_normalise, &[b, samples], seed)?;
        let pad = CentrePad::new(least);
        check(|x| pad.forward(x), &[b, samples], seed)?;
        let pad = pad.to_multiple_of(16);
        check(|x| pad.forward(x), &[b, samples], seed)?;
        prop_assert_eq!(pad.forward(&constant(&[b, samples])).unwrap().tensor().dims()[1] % 16, 0);
    }

    #[test]
    fn chunks(b in 1..3usize, frames in 1..90usize, bands in 1..4usize, seed: u64) {
        let chunks = Chunks::new(40);
        check(|x| chunks.forward(x), &[b, frames, bands], seed)?;
    }

    #[test]
    fn log_mels(b in 1..3usize, samples in 40..300usize, reflect: bool, quarter: bool, seed: u64) {
        let pad = if reflect { PadMode::Reflect } else { PadMode::Zero };
        let hop = if quarter { 16 } else { 32 };
        let config = LogMelConfig { sample_rate: 32_000.0, window: 64, hop, bands: 6, pad };
        let layer = LogMel::new(config).unwrap();
        check(|x| layer.forward(x), &[b, samples], seed)?;
    }
}

#[test]
fn vgg13_and_ten_of_its_gradients() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let weights = Weights::load(&root.join("models-safetensors/vgg13.safetensors")).unwrap();
    check_model(&Vgg13::new(weights, &Device::Cpu).unwrap());
}

#[test]
fn crnn_and_ten_of_its_gradients() {
    check_model(&Crnn::new(formula::weights(&CrnnNetwork), &Device::Cpu).unwrap());
}

#[test]
fn dense_mel_and_ten_of_its_gradients() {
    check_model(&DenseMel::new(formula::weights(&DenseMelNetwork), &Device::Cpu).unwrap());
}

#[test]
fn dense_wav_and_ten_of_its_gradients() {
    check_model(&DenseWav::new(formula::weights(&DenseWavNetwork), &Device::Cpu).unwrap());
}

#[test]
fn gcnn_and_ten_of_its_gradients() {
    check_model(&Gcnn::new(formula::weights(&GcnnNetwork), &Device::Cpu).unwrap());
}

fn check_model(model: &dyn Classifier) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clip = audio::load(&root.join("assets/clips/glockenspiel.flac"), 60.0).unwrap();
    let samples: Vec<f64> = clip.samples[..30_000].iter().map(|&x| f64::from(x)).collect();
    let waveform = Tensor::from_vec(samples, (1, 30_000), &Device::Cpu).unwrap();
    let waveform = Traced::variable(waveform);
    let kernels = model.trace(&waveform).unwrap();
    let weights = Tensor::eye(10, DType::F64, &Device::Cpu).unwrap();
    let weights = weights.pad_with_zeros(1, 0, 31).unwrap();
    let expected = kernels.gradients(&weights, &[&waveform]).unwrap();
    by_tensor_operations(|| {
        let tensors = model.trace(&waveform).unwrap();
        assert!(difference(tensors.tensor(), kernels.tensor()) < 1e-9);
        let gradients = tensors.gradients(&weights, &[&waveform]).unwrap();
        let error = difference(&gradients[0], &expected[0]);
        assert!(error < 1e-6, "{error:e}");
    });
}
