//! Weights by formula, as `tests/reference/formula.py` makes them: nothing large must be stored.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use mondegreen::models::{FSDKAGGLE2018, Feed, Network, Weights};

/// Labels of the reference networks.
pub const LABELS: usize = 41;

/// Numbers that look random enough and are the same everywhere: `scale sin(0.7 i^1.1 + phase)`.
pub fn formula(count: usize, phase: f64, scale: f64) -> Vec<f64> {
    (0..count).map(|i| scale * (0.7 * (i as f64).powf(1.1) + phase).sin()).collect()
}

/// Whether a tensor is a batch norm's.
fn is_norm(name: &str) -> bool {
    name.rsplit('.').nth(1).is_some_and(|layer| layer.starts_with("bn"))
}

/// The values of one tensor.
fn values(name: &str, shape: &[usize], phase: f64) -> Vec<f64> {
    let (centre, spread) = match name.rsplit('.').next() {
        // What goes into a network: log-mels in dB, or waveforms at full scale.
        Some("mean") if shape == [64] => (-50.0, 5.0),
        Some("mean") => (0.01, 0.005),
        Some("std") if shape == [64] => (18.0, 4.0),
        Some("std") => (0.15, 0.05),
        Some("running_mean") if name.starts_with("bn0.") && shape == [64] => (-50.0, 5.0),
        Some("running_mean") if name.starts_with("bn0.") => (0.01, 0.005),
        Some("running_var") if name.starts_with("bn0.") && shape == [64] => (320.0, 80.0),
        Some("running_var") if name.starts_with("bn0.") => (0.03, 0.01),
        Some("running_mean") => (0.3, 0.2),
        Some("running_var") => (0.7, 0.2),
        Some("weight") if is_norm(name) => (1.0, 0.3),
        _ if shape.len() == 1 => (0.0, 0.1),
        _ => {
            let gain = match name {
                // Averaged over several heads, probabilities would be nearly equal.
                "heads.weight" => 10.0,
                // Filters by formula hear little.
                "filters.weight" => 40.0,
                _ => 2.0,
            };
            (0.0, gain / (shape[1..].iter().product::<usize>() as f64).sqrt())
        }
    };
    formula(shape.iter().product(), phase, spread).into_iter().map(|v| centre + v).collect()
}

/// All tensors of such shapes, by name.
fn tensors(shapes: BTreeMap<String, Vec<usize>>) -> BTreeMap<String, Tensor> {
    let named = shapes.into_iter().enumerate().map(|(i, (name, shape))| {
        let values = values(&name, &shape, 0.37 * i as f64);
        (name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap())
    });
    named.collect()
}

fn shapes(network: &dyn Network) -> BTreeMap<String, Vec<usize>> {
    let initial = network.initial(LABELS, 0).unwrap();
    initial.into_iter().map(|(name, tensor)| (name, tensor.dims().to_vec())).collect()
}

/// The weights that are trained, in `f64`.
#[allow(dead_code)] // Not every test trains.
pub fn trained(network: &dyn Network) -> BTreeMap<String, Tensor> {
    tensors(shapes(network))
}

/// A whole weights file of a network, in `f32`.
#[allow(dead_code)] // Not every test loads a file.
pub fn weights(network: &dyn Network) -> Weights {
    let mut shapes = shapes(network);
    for (name, shape) in shapes.clone() {
        if let Some(norm) = name.strip_suffix(".weight").filter(|_| is_norm(&name)) {
            for part in ["running_mean", "running_var"] {
                shapes.insert(format!("{norm}.{part}"), shape.clone());
            }
        }
    }
    let standardised = match network.feed() {
        Feed::StandardisedLogMel { .. } => Some(64),
        Feed::LogMel { .. } => Some(1),
        Feed::Waveform { .. } => None,
    };
    if let Some(size) = standardised {
        for name in ["mean", "std"] {
            shapes.insert(name.to_owned(), vec![size]);
        }
    }
    let tensors: BTreeMap<_, _> = tensors(shapes)
        .into_iter()
        .map(|(name, tensor)| (name, tensor.to_dtype(candle_core::DType::F32).unwrap()))
        .collect();
    let metadata = [
        ("model", network.id().name().to_owned()),
        ("sample_rate", "32000".to_owned()),
        ("pad_mode", "zero".to_owned()),
        ("labels", serde_json::to_string(&FSDKAGGLE2018[..]).unwrap()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    safetensors::serialize_to_file(&tensors, Some(metadata), &path).unwrap();
    Weights::load(&path).unwrap()
}
