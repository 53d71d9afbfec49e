//! A training step of VGG13 against PyTorch's, from `tests/reference/training.safetensors`: loss,
//! logits, batch statistics and the gradients of all weights, in both number types.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use mondegreen::models::{NamedTensors, Network as _, TrainedLayers, Vgg13Network};
use mondegreen::nn::trained::cross_entropy;
use safetensors::SafeTensors;

const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];
const LABELS: usize = 41;
const SHAPE: [usize; 3] = [3, 40, 36];

/// The numbers of `training_fixtures.py`.
fn formula(count: usize, phase: f64, scale: f64) -> Vec<f64> {
    (0..count).map(|i| scale * (0.7 * (i as f64).powf(1.1) + phase).sin()).collect()
}

fn tensor(values: Vec<f64>, shape: &[usize], dtype: DType) -> Tensor {
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

fn parameters(dtype: DType) -> NamedTensors {
    let (mut values, mut inputs, mut phase) = (Vec::new(), 1, 0.0);
    let mut put = |name: String, numbers: Vec<f64>, shape: &[usize]| {
        values.push((name, tensor(numbers, shape, dtype)));
    };
    for (block, width) in WIDTHS.into_iter().enumerate() {
        for half in 1..=2 {
            let scale = (4.0 / (9.0 * inputs as f64)).sqrt();
            let (conv, norm) =
                (format!("blocks.{block}.conv{half}"), format!("blocks.{block}.bn{half}"));
            let kernel = formula(width * inputs * 9, phase, scale);
            put(format!("{conv}.weight"), kernel, &[width, inputs, 3, 3]);
            put(format!("{conv}.bias"), formula(width, phase + 1.0, 0.1), &[width]);
            let scales = formula(width, phase + 2.0, 0.3).iter().map(|s| 1.0 + s).collect();
            put(format!("{norm}.weight"), scales, &[width]);
            put(format!("{norm}.bias"), formula(width, phase + 3.0, 0.2), &[width]);
            (inputs, phase) = (width, phase + 0.37);
        }
    }
    put("fc.weight".to_owned(), formula(LABELS * inputs, phase, 0.06), &[LABELS, inputs]);
    put("fc.bias".to_owned(), formula(LABELS, phase + 1.0, 0.1), &[LABELS]);
    values
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
fn a_training_step_equals_pytorchs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/training.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let reference = |name: &str| -> Vec<f64> {
        let view = file.tensor(name).unwrap();
        view.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    };
    // In f32 one rectifier of millions that is off by its last bit moves gradients in the layers
    // before it by a hundredth of an entry.
    for (dtype, tolerance) in [(DType::F64, 1e-8_f64), (DType::F32, 1e-3)] {
        let close = |name: &str, ours: &[f64], expected: &[f64]| {
            let error = difference(ours, expected);
            assert!(error < tolerance, "{name} in {dtype:?}: {error:e}");
        };
        let weights = parameters(dtype);
        let mut layers = TrainedLayers::new(&weights);
        let chunks = tensor(formula(SHAPE.iter().product(), 0.5, 1.5), &SHAPE, dtype);
        let logits = Vgg13Network.forward(&mut layers, &chunks).unwrap();
        for (layer, (_, seen)) in layers.statistics().iter().enumerate() {
            for (name, ours) in [("mean", &seen.mean), ("variance", &seen.variance)] {
                let expected = reference(&format!("{name}.{layer}"));
                let ours: Vec<f64> = ours.iter().map(|&v| v.into()).collect();
                // Statistics are kept as f32.
                let error = difference(&ours, &expected);
                assert!(error < tolerance.max(1e-6), "{name} {layer}: {error:e}");
            }
        }
        close("logits", &values(logits.tensor()), &reference("logits"));
        let targets = tensor(formula(SHAPE[0] * LABELS, 0.9, 3.0), &[SHAPE[0], LABELS], dtype);
        let targets = candle_nn::ops::softmax(&targets, 1).unwrap();
        let (loss, gradient) = cross_entropy(&logits, &targets).unwrap();
        close("loss", &[loss], &reference("loss"));
        let variables: Vec<_> = layers.variables().iter().collect();
        let gradients = logits.gradients(&gradient, &variables).unwrap();
        for ((name, value), gradient) in weights.iter().zip(&gradients) {
            assert_eq!(gradient.dims(), value.dims());
            let gradient = values(gradient);
            let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            let expected_norm = reference(&format!("norm.{name}"))[0];
            close(&format!("the norm of {name}"), &[norm], &[expected_norm]);
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
