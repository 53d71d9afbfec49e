//! Whole models against PyTorch: with weights by formula, and with the trained ones where they are.

use candle_core::{Device, Tensor, Var};
use mondegreen::models::{
    ChunkClassifier, ChunkNetwork, Classifier, Crnn, CrnnLayers, CrnnNetwork, DenseMel,
    DenseMelNetwork, DenseWav, DenseWavNetwork, Gcnn, GcnnLayers, GcnnNetwork, ModelId, Network,
    Vgg13, Vgg13Layers, Vgg13Network, Weights,
};
use mondegreen::nn::Traced;

use super::formula;
use super::{Fixture, difference, root, samples, values};

/// Compares scores and probabilities, in the type that models run in.
fn check_scores(fixture: &Fixture, case: &str, model: &dyn Classifier, samples: &[f32]) {
    let waveform = Tensor::from_slice(samples, (1, samples.len()), &Device::Cpu).unwrap();
    for (name, ours) in
        [("scores", model.scores(&waveform)), ("probabilities", model.probabilities(&waveform))]
    {
        let (ours, reference) = (values(&ours.unwrap()), fixture.values(&format!("{case}.{name}")));
        assert_eq!(ours.len(), reference.len(), "{case}.{name}");
        let error = ours.iter().zip(&reference).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{case}.{name}: within {error:.1e}");
        assert!(error <= 1e-4, "{case}.{name}: {error:e}");
    }
}

/// Compares the gradient of the top score with respect to the waveform; of the reference every
/// `stride`th sample is stored.
fn check_gradient(
    fixture: &Fixture,
    case: &str,
    model: &dyn Classifier,
    samples: &[f32],
    stride: usize,
    tolerance: f64,
) {
    // In f64: what is compared is the formula, not the rounding of f32 near silence.
    let waveform: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
    let waveform = Tensor::from_vec(waveform, (1, samples.len()), &Device::Cpu).unwrap();
    let waveform = Var::from_tensor(&waveform).unwrap();
    let scores = model.scores(&waveform).unwrap();
    let top = values(&scores).into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
    let loss = scores.squeeze(0).unwrap().get(top).unwrap();
    let gradient = values(&loss.backward().unwrap().get(&waveform).unwrap().clone());
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let reference_norm = fixture.values(&format!("{case}.gradient_norm"))[0];
    assert!((norm / reference_norm - 1.0).abs() < 1e-3, "{case}: {norm} but {reference_norm}");
    let ours: Vec<f64> = gradient.into_iter().step_by(stride).collect();
    let error = difference(&ours, &fixture.values(&format!("{case}.gradient")));
    println!("{case}.gradient: within {error:.1e}");
    assert!(error < tolerance, "{case}: {error:e}");
}

fn check_formula(network: &dyn Network, model: &dyn Classifier) {
    let fixture = Fixture::open("formula");
    let name = network.id().name();
    for clip in ["short", "medium", "long"] {
        let whole = samples(&fixture.source(clip)).unwrap();
        let length = fixture.values(&format!("{clip}.samples"))[0] as usize;
        let samples: Vec<f32> = whole.iter().copied().cycle().take(length).collect();
        let case = format!("{name}.{clip}");
        check_scores(&fixture, &case, model, &samples);
        check_gradient(&fixture, &case, model, &samples, 41, 1e-6);
    }
}

#[test]
fn vgg13_with_weights_by_formula_equals_pytorch() {
    let model = Vgg13::new(formula::weights(&Vgg13Network), &Device::Cpu).unwrap();
    check_formula(&Vgg13Network, &model);
}

#[test]
fn crnn_with_weights_by_formula_equals_pytorch() {
    let model = Crnn::new(formula::weights(&CrnnNetwork), &Device::Cpu).unwrap();
    check_formula(&CrnnNetwork, &model);
}

#[test]
fn gcnn_with_weights_by_formula_equals_pytorch() {
    let model = Gcnn::new(formula::weights(&GcnnNetwork), &Device::Cpu).unwrap();
    check_formula(&GcnnNetwork, &model);
}

#[test]
fn dense_mel_with_weights_by_formula_equals_pytorch() {
    let model = DenseMel::new(formula::weights(&DenseMelNetwork), &Device::Cpu).unwrap();
    check_formula(&DenseMelNetwork, &model);
}

#[test]
fn dense_wav_with_weights_by_formula_equals_pytorch() {
    let model = DenseWav::new(formula::weights(&DenseWavNetwork), &Device::Cpu).unwrap();
    check_formula(&DenseWavNetwork, &model);
}

/// The trained weights, where they are here; then there must be a fixture of them.
fn trained(id: ModelId) -> Option<(Weights, Fixture)> {
    let name = id.name();
    let path = root().join(format!("models-safetensors/{name}.safetensors"));
    if !path.is_file() {
        eprintln!("skipped: there are no trained weights of {name}");
        return None;
    }
    let fixture = Fixture::open(name);
    let (bias, outputs) = match id {
        ModelId::DenseMel | ModelId::DenseWav => ("heads.bias", 8 * 41),
        ModelId::Vgg13 | ModelId::Crnn | ModelId::Gcnn => ("fc.bias", 41),
    };
    let values = Weights::load(&path).unwrap().take(bias, &[outputs]).unwrap();
    assert!(
        values == fixture.singles(bias),
        "tests/reference/{name}.safetensors belongs to other weights: run model_fixtures.py"
    );
    Some((Weights::load(&path).unwrap(), fixture))
}

/// Compares a model on all clips that are here; `more` compares what only some models have.
fn check_trained(fixture: &Fixture, model: &dyn Classifier, more: impl Fn(&str, &Traced)) {
    let (mut scores, mut gradients) = (0, 0);
    for case in fixture.cases("", ".probabilities") {
        let Some(samples) = samples(&fixture.source(&case)) else { continue };
        let samples = &samples[..fixture.values(&format!("{case}.samples"))[0] as usize];
        check_scores(fixture, &case, model, samples);
        let waveform = Tensor::from_slice(samples, (1, samples.len()), &Device::Cpu).unwrap();
        more(&case, &Traced::constant(waveform));
        scores += 1;
        if !fixture.cases(&case, ".gradient").is_empty() {
            // PyTorch's own f32 gradients differ by up to 4e-2 from these.
            check_gradient(fixture, &case, model, samples, 7, 1e-3);
            gradients += 1;
        }
    }
    assert!(scores >= 4 && gradients >= 4);
}

fn check_trained_on_chunks<N: ChunkNetwork>() {
    let Some((weights, fixture)) = trained(N::ID) else { return };
    let model = ChunkClassifier::<N>::new(weights, &Device::Cpu).unwrap();
    check_trained(&fixture, &model, |case, waveform| {
        let chunks = model.chunk_log_probabilities(waveform).unwrap();
        let reference = fixture.values(&format!("{case}.chunk_log_probabilities"));
        let ours = values(chunks.tensor());
        assert_eq!(ours.len(), reference.len(), "{case}");
        let error = ours.iter().zip(&reference).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(error <= 1e-4, "{case}, chunks: {error:e}");
    });
}

#[test]
fn trained_vgg13_equals_pytorch_on_real_clips() {
    check_trained_on_chunks::<Vgg13Layers>();
}

#[test]
fn trained_crnn_equals_pytorch_on_real_clips() {
    check_trained_on_chunks::<CrnnLayers>();
}

#[test]
fn trained_gcnn_equals_pytorch_on_real_clips() {
    check_trained_on_chunks::<GcnnLayers>();
}

#[test]
fn trained_dense_mel_equals_pytorch_on_real_clips() {
    let Some((weights, fixture)) = trained(ModelId::DenseMel) else { return };
    check_trained(&fixture, &DenseMel::new(weights, &Device::Cpu).unwrap(), |_, _| ());
}

#[test]
fn trained_dense_wav_equals_pytorch_on_real_clips() {
    let Some((weights, fixture)) = trained(ModelId::DenseWav) else { return };
    check_trained(&fixture, &DenseWav::new(weights, &Device::Cpu).unwrap(), |_, _| ());
}
