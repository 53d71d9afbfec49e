//! What models show of themselves is what their networks are fed and what they answer.

use candle_core::{D, Device, Tensor};
use mondegreen::models::{
    BANDS, CHUNK_FRAMES, ChunkClassifier, ChunkNetwork, Classifier, Crnn, CrnnNetwork, DenseMel,
    DenseMelNetwork, DenseWav, DenseWavNetwork, FeatureKind, Gcnn, GcnnNetwork, Inspection,
    Network, Vgg13, Vgg13Network,
};
use mondegreen::nn::{LogMel, Traced};

#[path = "support/formula.rs"]
mod formula;

/// Bursts of falling tones in silence: loud and quiet, with gaps.
fn clip(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| {
            let t = n as f64 / 32_000.0;
            let wave = (2000.0 * t - 300.0 * t * t).sin() + 0.1 * (31_000.0 * t).sin();
            (0.4 * wave * (-6.0 * (t % 0.7)).exp()) as f32
        })
        .collect()
}

fn close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "{what}, {index}: {a} instead of {b}");
    }
}

/// The verdict of an inspection is the model's, and each part's probabilities are a distribution.
fn check_verdict(model: &dyn Classifier, samples: &[f32], inspection: &Inspection) {
    let verdict = model.classify(samples).unwrap();
    close(&inspection.verdict.probabilities, &verdict.probabilities, 1e-6, "verdict");
    for part in &inspection.parts {
        let sum: f32 = part.verdict.probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
    }
}

/// The geometric mean of the parts, as the model's authors publish it.
fn geometric_mean(inspection: &Inspection) -> Vec<f32> {
    let labels = inspection.verdict.probabilities.len();
    let product: Vec<f64> = (0..labels)
        .map(|label| {
            let parts = inspection.parts.iter().map(|part| part.verdict.probability(label));
            let sum: f64 = parts.map(|p| f64::from(p).max(1e-30).ln()).sum();
            (sum / inspection.parts.len() as f64).exp()
        })
        .collect();
    let sum: f64 = product.iter().sum();
    product.iter().map(|p| (p / sum) as f32).collect()
}

fn check_chunks<N: ChunkNetwork>(network: &dyn Network) {
    let mut weights = formula::weights(network);
    let mean = weights.take("mean", &[BANDS]).unwrap();
    let std = weights.take("std", &[BANDS]).unwrap();
    let model = ChunkClassifier::<N>::new(formula::weights(network), &Device::Cpu).unwrap();
    // One chunk that must be padded; two that overlap; two and a rest that is left out.
    for (samples, starts, padded) in
        [(20_000, vec![0], true), (90_000, vec![0, 48], false), (135_000, vec![4, 132], false)]
    {
        let samples = clip(samples);
        let inspection = model.inspect(&samples).unwrap();
        check_verdict(&model, &samples, &inspection);
        close(&geometric_mean(&inspection), &inspection.verdict.probabilities, 1e-5, "mean");
        let found: Vec<usize> = inspection.parts.iter().map(|part| part.frames.start).collect();
        assert_eq!(found, starts);

        // The features, by the steps before the network one by one.
        let features = inspection.features.as_ref().unwrap();
        assert_eq!((features.kind, features.hop), (FeatureKind::StandardisedLogMel, 512));
        assert_eq!((features.bands(), features.first), (BANDS, 0.0));
        let waveform = Tensor::from_slice(&samples, (1, samples.len()), &Device::Cpu).unwrap();
        let log_mel = LogMel::new(*model.log_mel()).unwrap();
        let decibels = log_mel.forward(&Traced::constant(waveform)).unwrap();
        let decibels = decibels.tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let standard = decibels.iter().enumerate();
        let standard: Vec<f32> =
            standard.map(|(i, db)| (db - mean[i % BANDS]) / std[i % BANDS]).collect();
        close(&features.values, &standard, 1e-4, "features");

        // What the network says of exactly these numbers is what is said of the part.
        for part in inspection.parts.iter().filter(|_| !padded) {
            let rows = part.frames.start * BANDS..part.frames.end * BANDS;
            let chunk =
                Tensor::from_slice(&features.values[rows], (1, CHUNK_FRAMES, BANDS), &Device::Cpu);
            let logits = model.chunk_logits(&Traced::constant(chunk.unwrap())).unwrap();
            let probabilities = candle_nn::ops::softmax(logits.tensor(), D::Minus1).unwrap();
            let probabilities = probabilities.squeeze(0).unwrap().to_vec1::<f32>().unwrap();
            close(&part.verdict.probabilities, &probabilities, 1e-5, "part");
            assert!(part.samples[0] < part.samples[1]);
            assert_eq!(part.samples[1] - part.samples[0], 128.0 * 512.0);
        }
        assert_eq!(padded, inspection.parts[0].frames.end > features.frames());
    }
}

#[test]
fn vgg13_shows_what_it_is_fed_chunk_by_chunk() {
    check_chunks::<mondegreen::models::Vgg13Layers>(&Vgg13Network);
    assert!(Vgg13::new(formula::weights(&Vgg13Network), &Device::Cpu).is_ok());
}

#[test]
fn crnn_and_gcnn_show_what_they_are_fed_chunk_by_chunk() {
    check_chunks::<mondegreen::models::CrnnLayers>(&CrnnNetwork);
    check_chunks::<mondegreen::models::GcnnLayers>(&GcnnNetwork);
    assert!(Crnn::new(formula::weights(&CrnnNetwork), &Device::Cpu).is_ok());
    assert!(Gcnn::new(formula::weights(&GcnnNetwork), &Device::Cpu).is_ok());
}

#[test]
fn dense_mel_shows_its_own_log_mel_and_the_average_of_its_heads() {
    let model = DenseMel::new(formula::weights(&DenseMelNetwork), &Device::Cpu).unwrap();
    for length in [30_001, 70_000] {
        let samples = clip(length);
        let inspection = model.inspect(&samples).unwrap();
        check_verdict(&model, &samples, &inspection);
        assert_eq!(inspection.parts.len(), 1);
        close(
            &inspection.parts[0].verdict.probabilities,
            &inspection.verdict.probabilities,
            0.0,
            "whole",
        );
        let features = inspection.features.as_ref().unwrap();
        assert_eq!((features.kind, features.hop), (FeatureKind::LogMel, 128));
        assert_eq!(features.frames(), length.max(64_000) / 128 + 1);
        assert_eq!(features.first, -((length.max(64_000) - length) as f64 / 2.0).floor());
        // Heads that are fed these numbers give that average.
        let fed = Tensor::from_slice(&features.values, (1, features.frames(), BANDS), &Device::Cpu);
        let heads = model.logits(&Traced::constant(fed.unwrap())).unwrap();
        let heads = candle_nn::ops::softmax(heads.tensor(), D::Minus1).unwrap();
        let average = heads.mean(1).unwrap().squeeze(0).unwrap().to_vec1::<f32>().unwrap();
        close(&inspection.verdict.probabilities, &average, 1e-5, "heads");
    }
}

#[test]
fn dense_wav_shows_its_filters_in_rising_order_at_the_right_moments() {
    let model = DenseWav::new(formula::weights(&DenseWavNetwork), &Device::Cpu).unwrap();
    // Shorter than what it is padded to: frames before the clip.
    let mut samples = vec![0.0; 40_000];
    for (n, sample) in samples[20_000..20_100].iter_mut().enumerate() {
        *sample = 0.8 * (0.5 * n as f32).sin();
    }
    let inspection = model.inspect(&samples).unwrap();
    check_verdict(&model, &samples, &inspection);
    let features = inspection.features.as_ref().unwrap();
    assert_eq!(
        (features.kind, features.hop, features.frames()),
        (FeatureKind::Filterbank, 64, 1000)
    );
    assert_eq!(features.first, 32.0 - 12_000.0);
    assert!(features.centres_hz.windows(2).all(|pair| pair[0] <= pair[1]));
    // Where nothing sounds all frames are equal; those that differ are around the burst.
    let silent = &features.values[..features.bands()];
    let frames = features.values.chunks_exact(features.bands());
    let moved: Vec<f64> = frames
        .enumerate()
        .filter(|(_, frame)| frame.iter().zip(silent).any(|(a, b)| (a - b).abs() > 1e-6))
        .map(|(index, _)| features.first + (index * features.hop) as f64)
        .collect();
    let (first, last) = (moved[0], moved[moved.len() - 1]);
    // Filters are 400 samples long and frames 64.
    assert!((19_768.0 - 232.0..20_000.0).contains(&first), "{first}");
    assert!((20_100.0..20_100.0 + 264.0).contains(&last), "{last}");
    let middle = (first + last) / 2.0;
    assert!((middle - 20_050.0).abs() < 64.0, "{middle}");
}

#[test]
fn dense_mel_s_picture_is_relative_to_its_loudest_and_does_not_tell_how_loud_the_clip_is() {
    let model = DenseMel::new(formula::weights(&DenseMelNetwork), &Device::Cpu).unwrap();
    let features = |samples: &[f32]| model.inspect(samples).unwrap().features.unwrap().values;
    let loud = features(&clip(64_000));
    let loudest = loud.iter().copied().fold(f32::MIN, f32::max);
    assert!(loudest.abs() < 1e-4, "{loudest}");
    let quiet: Vec<f32> = clip(64_000).iter().map(|x| 0.01 * x).collect();
    // Far below the loudest the rounding of samples shows.
    let heard = |values: &[f32]| values.iter().map(|db| db.max(-100.0)).collect::<Vec<_>>();
    close(&heard(&features(&quiet)), &heard(&loud), 0.01, "quieter");
}
