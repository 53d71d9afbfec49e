//! A training step of each network against PyTorch's, from `tests/reference/training.safetensors`:
//! loss, logits, batch statistics and the gradients of all weights, in both number types.

#[path = "support/formula.rs"]
mod formula;

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use mondegreen::models::{
    CrnnNetwork, DenseMelNetwork, DenseWavNetwork, GcnnNetwork, NamedTensors, Network,
    TrainedLayers, Vgg13Network,
};
use mondegreen::nn::by_tensor_operations;
use mondegreen::nn::trained::cross_entropy;
use safetensors::SafeTensors;

use formula::{LABELS, formula, trained};

/// Of chunks.
const CHUNKS: [usize; 3] = [3, 104, 68];

fn tensor(values: Vec<f64>, shape: &[usize], dtype: DType) -> Tensor {
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn difference(ours: &[f64], reference: &[f64]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let largest = reference.iter().fold(1e-12_f64, |m, v| m.max(v.abs()));
    ours.iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

#[test]
fn a_training_step_of_vgg13_equals_pytorchs() {
    check(&Vgg13Network, &CHUNKS, 1, 4e-3);
}

#[test]
fn a_training_step_of_crnn_equals_pytorchs() {
    check(&CrnnNetwork, &CHUNKS, 1, 4e-3);
}

#[test]
fn a_training_step_of_gcnn_equals_pytorchs() {
    check(&GcnnNetwork, &CHUNKS, 1, 4e-3);
}

#[test]
fn a_training_step_of_dense_mel_equals_pytorchs() {
    check(&DenseMelNetwork, &[3, 300, 64], 8, 6e-2);
}

#[test]
fn a_training_step_of_dense_wav_equals_pytorchs() {
    check(&DenseWavNetwork, &[3, 40_000], 8, 6e-2);
}

fn check(network: &dyn Network, shape: &[usize], heads: usize, single_tolerance: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/training.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let reference = |name: &str| -> Vec<f64> {
        let view = file.tensor(&format!("{}.{name}", network.id().name())).unwrap();
        view.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    };
    // In f32 one rectifier or pool of millions that is off by its last bit moves gradients in the
    // layers before it by hundredths of an entry, their norms by a thousandth. In the dense networks,
    // whose last norms see ten pixels, PyTorch's own f32 is off by up to 5e-2.
    for (dtype, by_tensors, value_tolerance, tolerance) in [
        (DType::F64, false, 1e-8_f64, 1e-8),
        (DType::F64, true, 1e-8, 1e-8),
        (DType::F32, false, 1e-3, single_tolerance),
    ] {
        let close = |name: &str, ours: &[f64], expected: &[f64], tolerance: f64| {
            let error = difference(ours, expected);
            let way = if by_tensors { "tensor operations" } else { "kernels" };
            assert!(error < tolerance, "{name} in {dtype:?} by {way}: {error:e}");
        };
        let weights: NamedTensors = trained(network)
            .into_iter()
            .map(|(name, weight)| (name, weight.to_dtype(dtype).unwrap()))
            .collect();
        let mut layers = TrainedLayers::new(&weights, &Device::Cpu).unwrap();
        let chunks = tensor(formula(shape.iter().product(), 0.5, 1.5), shape, dtype);
        let mut forward = || network.forward(&mut layers, &chunks).unwrap();
        let logits = if by_tensors { by_tensor_operations(forward) } else { forward() };
        assert_eq!(logits.tensor().dims(), [shape[0], heads, LABELS]);
        assert!(layers.statistics().len() >= 10);
        for (layer, seen) in layers.statistics() {
            for (name, ours) in [("mean", &seen.mean), ("variance", &seen.variance)] {
                let expected = reference(&format!("{name}.{layer}"));
                let ours: Vec<f64> = ours.iter().map(|&v| v.into()).collect();
                // Statistics are kept as f32.
                let error = difference(&ours, &expected);
                assert!(error < value_tolerance.max(1e-6), "{name} {layer}: {error:e}");
            }
        }
        close("logits", &values(logits.tensor()), &reference("logits"), value_tolerance);
        let targets = tensor(formula(shape[0] * LABELS, 0.9, 3.0), &[shape[0], LABELS], dtype);
        let targets = candle_nn::ops::softmax(&targets, 1).unwrap();
        let (loss, gradient) = cross_entropy(&logits, &targets).unwrap();
        close("loss", &[loss], &reference("loss"), value_tolerance);
        let variables: Vec<_> = layers.variables().iter().collect();
        let gradients = logits.gradients(&gradient, &variables).unwrap();
        for ((name, value), gradient) in weights.iter().zip(&gradients) {
            assert_eq!(gradient.dims(), value.dims());
            let gradient = values(gradient);
            let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            let expected_norm = reference(&format!("norm.{name}"))[0];
            close(&format!("the norm of {name}"), &[norm], &[expected_norm], tolerance);
            let expected = reference(&format!("entries.{name}"));
            let ours: Vec<_> = gradient
                .iter()
                .copied()
                .step_by((gradient.len() / 24).max(1))
                .take(expected.len())
                .collect();
            // Relative to a typical entry of the whole gradient, which the few may lie far below.
            let typical = expected_norm / (gradient.len() as f64).sqrt();
            let error = ours.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error < 20.0 * tolerance * typical, "{name} in {dtype:?}: {error:e}");
        }
    }
}
