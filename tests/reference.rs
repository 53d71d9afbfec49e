//! Our layers, log-mel and models against PyTorch's and librosa's values in `tests/reference/`.
//!
//! The references are computed in `f64` unless named `_f32`. Clips of the training corpus are
//! checked where the corpus is at hand (`MONDEGREEN_CORPUS`, or `../shared/corpus`); the bundled
//! clips are always checked.

#[path = "support/formula.rs"]
mod formula;
#[path = "reference/layers.rs"]
mod layers;
#[path = "reference/masking.rs"]
mod masking;
#[path = "reference/models.rs"]
mod models;

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Result, Tensor, Var};
use mondegreen::attacks::Evaluation;
use mondegreen::audio;
use mondegreen::models::{Classifier as _, Vgg13, Weights};
use mondegreen::nn::{
    Affine, Conv, Dense, Edge, LogMel, LogMelConfig, PadMode, Rectifier, Traced, Window,
    differentiable, max_pool,
};
use safetensors::{Dtype, SafeTensors};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fixture file and its metadata.
struct Fixture {
    bytes: Vec<u8>,
}

impl Fixture {
    fn open(name: &str) -> Self {
        let path = root().join("tests/reference").join(format!("{name}.safetensors"));
        Self { bytes: std::fs::read(path).unwrap() }
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap()
    }

    fn source(&self, name: &str) -> String {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).unwrap();
        header.metadata().as_ref().unwrap()[name].clone()
    }

    /// Names before the first dot of all tensors that end in `suffix`, in order.
    fn cases(&self, prefix: &str, suffix: &str) -> Vec<String> {
        let file = self.file();
        let mut cases: Vec<_> = file
            .names()
            .iter()
            .filter_map(|name| name.strip_suffix(suffix))
            .filter(|name| name.starts_with(prefix))
            .map(|name| (*name).to_owned())
            .collect();
        cases.sort();
        cases
    }

    fn shape(&self, name: &str) -> Vec<usize> {
        self.file().tensor(name).unwrap().shape().to_vec()
    }

    /// The values of a tensor of any number type.
    fn values(&self, name: &str) -> Vec<f64> {
        let file = self.file();
        let view = file.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}"));
        let data = view.data();
        match view.dtype() {
            Dtype::F64 => {
                data.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
            }
            Dtype::F32 => data
                .chunks(4)
                .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
                .collect(),
            Dtype::I64 => {
                data.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect()
            }
            other => panic!("{name} is {other:?}"),
        }
    }

    fn singles(&self, name: &str) -> Vec<f32> {
        self.values(name).into_iter().map(|v| v as f32).collect()
    }

    fn tensor(&self, name: &str, dtype: DType) -> Tensor {
        Tensor::from_vec(self.values(name), self.shape(name), &Device::Cpu)
            .unwrap()
            .to_dtype(dtype)
            .unwrap()
    }
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference relative to the largest reference value.
fn difference(ours: &[f64], reference: &[f64]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let largest = reference.iter().fold(1e-30_f64, |m, v| m.max(v.abs()));
    ours.iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

/// Forward and gradient of a layer in both number types against one case.
fn check_layer(fixture: &Fixture, case: &str, layer: impl Fn(&Tensor) -> Result<Tensor>) {
    for (dtype, tolerance) in [(DType::F64, 1e-7), (DType::F32, 1e-4)] {
        let input = Var::from_tensor(&fixture.tensor(&format!("{case}.input"), dtype)).unwrap();
        let output = layer(&input).unwrap();
        let error = difference(&values(&output), &fixture.values(&format!("{case}.output")));
        assert!(error <= tolerance, "{case} forward in {dtype:?}: {error:e}");
        let upstream = fixture.tensor(&format!("{case}.upstream"), dtype);
        let loss = (output * upstream.reshape(fixture.shape(&format!("{case}.output"))).unwrap())
            .unwrap()
            .sum_all()
            .unwrap();
        let gradient = loss.backward().unwrap().get(&input).unwrap().clone();
        let error = difference(&values(&gradient), &fixture.values(&format!("{case}.gradient")));
        assert!(error <= tolerance, "{case} gradient in {dtype:?}: {error:e}");
    }
}

/// A layer of channels-last images or signals, applied to PyTorch's channels-first ones.
fn channels_last(x: &Tensor, layer: impl Fn(&Traced) -> Result<Traced>) -> Result<Tensor> {
    let last = |x: &Tensor| match x.rank() {
        4 => x.permute((0, 2, 3, 1)),
        3 => x.transpose(1, 2),
        _ => Ok(x.clone()),
    };
    let output = differentiable(&last(x)?, layer)?;
    match output.rank() {
        4 => output.permute((0, 3, 1, 2)),
        3 => output.transpose(1, 2),
        _ => Ok(output),
    }
}

#[test]
fn convolution_relu_and_batch_norm_equal_pytorch() {
    let fixture = Fixture::open("layers");
    let cases = fixture.cases("conv.", ".output");
    assert!(cases.len() >= 5, "{cases:?}");
    for case in cases {
        let part = |name: &str| fixture.singles(&format!("{case}.{name}"));
        let inputs = fixture.shape(&format!("{case}.weight"))[1];
        let conv = Conv::new(&part("weight"), &part("bias"), inputs, Window::SQUARE).unwrap();
        let norm = Affine::new(&part("scale"), &part("shift")).unwrap().with(Rectifier::Before);
        let fused = conv.then(&norm, false).unwrap();
        check_layer(&fixture, &case, |x| channels_last(x, |x| norm.forward(&conv.forward(x)?)));
        check_layer(&fixture, &case, |x| channels_last(x, |x| fused.forward(x)));
    }
}

#[test]
fn max_pool_equals_pytorch_on_even_and_odd_sizes() {
    let fixture = Fixture::open("layers");
    let cases = fixture.cases("pool.", ".output");
    assert!(cases.len() >= 5, "{cases:?}");
    for case in cases {
        check_layer(&fixture, &case, |x| channels_last(x, |x| max_pool(x, Edge::Drop)));
    }
    let cases = fixture.cases("pool_ceil.", ".output");
    assert!(cases.len() >= 5, "{cases:?}");
    for case in cases {
        check_layer(&fixture, &case, |x| channels_last(x, |x| max_pool(x, Edge::Keep)));
    }
}

#[test]
fn dense_equals_pytorch() {
    let fixture = Fixture::open("layers");
    for case in fixture.cases("dense.", ".output") {
        let part = |name: &str| fixture.singles(&format!("{case}.{name}"));
        let inputs = fixture.shape(&format!("{case}.weight"))[1];
        let dense = Dense::new(&part("weight"), &part("bias"), inputs).unwrap();
        check_layer(&fixture, &case, |x| differentiable(x, |x| dense.forward(x)));
    }
}

fn log_mel(pad: PadMode) -> LogMel {
    LogMel::new(LogMelConfig { sample_rate: 32_000.0, window: 1024, hop: 512, bands: 64, pad })
        .unwrap()
}

const PADS: [(&str, PadMode); 2] = [("constant", PadMode::Zero), ("reflect", PadMode::Reflect)];

#[test]
fn the_log_mel_gradient_equals_pytorch() {
    let fixture = Fixture::open("layers");
    for sound in ["sound", "half_silent"] {
        for (name, pad) in PADS {
            let layer = log_mel(pad);
            let case = format!("log_mel_gradient.{sound}.{name}");
            check_layer(&fixture, &case, |x| {
                differentiable(&x.unsqueeze(0)?, |x| layer.forward(x))?.squeeze(0)
            });
        }
    }
}

fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("MONDEGREEN_CORPUS").map(PathBuf::from);
    given.into_iter().chain([root().join("../shared/corpus")]).find(|path| path.is_dir())
}

/// The samples of a fixture's clip; none where it is of the corpus and that is not at hand.
fn samples(source: &str) -> Option<Vec<f32>> {
    let path = match source.strip_prefix("corpus:") {
        Some(path) => {
            let Some(corpus) = corpus() else {
                eprintln!("skipped: {source}, there is no corpus here");
                return None;
            };
            corpus.join(path)
        }
        None => root().join(source),
    };
    Some(audio::load(&path, audio::DEFAULT_LIMIT_SECONDS).unwrap().samples.to_vec())
}

#[test]
fn log_mel_equals_librosa_on_real_clips() {
    let fixture = Fixture::open("log_mel");
    let mut compared = 0;
    for case in fixture.cases("", ".frame_count") {
        let Some(samples) = samples(&fixture.source(&case)) else { continue };
        let waveform = Tensor::from_slice(&samples, (1, samples.len()), &Device::Cpu).unwrap();
        let frames = fixture.values(&format!("{case}.frames"));
        for (name, pad) in PADS {
            let ours = log_mel(pad).forward(&Traced::constant(waveform.clone())).unwrap();
            let ours = ours.tensor().squeeze(0).unwrap();
            let ours = ours.to_vec2::<f32>().unwrap();
            assert_eq!(ours.len(), fixture.values(&format!("{case}.frame_count"))[0] as usize);
            let reference = fixture.values(&format!("{case}.{name}"));
            for (row, &frame) in reference.chunks(64).zip(&frames) {
                for (band, (a, b)) in ours[frame as usize].iter().zip(row).enumerate() {
                    let error = (f64::from(*a) - b).abs();
                    assert!(error <= 1e-3, "{case} {name}, frame {frame} band {band}: {error} dB");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 3000, "only {compared} values");
}

fn vgg13() -> Vgg13 {
    let weights = Weights::load(&root().join("models-safetensors/vgg13.safetensors")).unwrap();
    Vgg13::new(weights, &Device::Cpu).unwrap()
}

#[test]
fn a_batch_gives_what_its_clips_give_alone() {
    let model = vgg13();
    let one = samples("assets/clips/glockenspiel.flac").unwrap();
    let two = samples("assets/clips/trumpet.flac").unwrap();
    let length = one.len().min(two.len());
    let batch: Vec<f32> = one[..length].iter().chain(&two[..length]).copied().collect();
    let batch = Tensor::from_vec(batch, (2, length), &Device::Cpu).unwrap();
    let together = model.probabilities(&batch).unwrap().to_vec2::<f32>().unwrap();
    for (alone, row) in [&one[..length], &two[..length]].into_iter().zip(together) {
        let verdict = model.classify(alone).unwrap();
        let error = verdict.probabilities.iter().zip(&row).map(|(a, b)| (a - b).abs());
        assert!(error.fold(0.0, f32::max) < 1e-5);
    }
}

#[test]
fn ten_gradients_at_once_are_those_of_ten_passes() {
    let model = vgg13();
    let samples = samples("assets/clips/glockenspiel.flac").unwrap();
    let evaluation = Evaluation::at(&model, &samples).unwrap();
    let mut order: Vec<usize> = (0..41).collect();
    order.sort_by(|&a, &b| evaluation.scores[b].total_cmp(&evaluation.scores[a]));
    let weights: Vec<Vec<f32>> = order[..10]
        .iter()
        .map(|&label| (0..41).map(|other| f32::from(u8::from(other == label))).collect())
        .collect();
    let slices: Vec<_> = weights.iter().map(Vec::as_slice).collect();
    let together = evaluation.gradients(&slices).unwrap();
    assert_eq!(together.len(), 10);
    for (weights, together) in weights.iter().zip(together) {
        let alone = evaluation.gradient(weights).unwrap();
        let double = |values: &[f32]| -> Vec<f64> { values.iter().map(|&v| v.into()).collect() };
        assert!(difference(&double(&together), &double(&alone)) < 1e-4);
    }
}
