//! VGG13 of Iqbal, Kong, Plumbley and Wang, "General-purpose audio tagging from noisy labels using
//! convolutional neural networks", DCASE 2018 (the authors' code: tqbl/dcase2018_task2).
//!
//! Log-mel (64 bands, window 1024, hop 512) in dB relative to the clip's maximum, chunks of 128
//! frames, standardised a band; five blocks of twice [3x3 convolution, ReLU, batch norm] and a 2x2
//! max pool, 64-128-256-512-512 channels; mean over time and frequency; dense. The chunks'
//! log-probabilities are averaged, which is the authors' geometric mean.

mod trained;

use candle_core::{Device, Result};

use super::card::ModelCard;
use super::classifier::{Classifier, ModelId, ScoreKind};
use super::labels::Labels;
use super::network::BATCH_NORM_EPS;
use super::weights::{Weights, WeightsError};
use crate::audio::SAMPLE_RATE;
use crate::nn::{
    BatchNorm, Chunks, Conv, Dense, LogMel, LogMelConfig, MeanOver, PadMode, ReluAffine,
    Standardise, Traced, Window, log_softmax, mean,
};

pub use trained::Vgg13Network;

/// Frames of one chunk.
pub const CHUNK_FRAMES: usize = 128;

const BANDS: usize = 64;
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

/// The classifier with its weights.
pub struct Vgg13 {
    log_mel: LogMel,
    chunks: Chunks,
    standardise: Standardise,
    layers: Vec<Conv>,
    dense: Dense,
    labels: Labels,
    card: ModelCard,
    device: Device,
}

impl Vgg13 {
    /// Builds the model from its weights file, to compute on `device`.
    ///
    /// # Errors
    /// Where a tensor is missing, left over or of another shape, the metadata is of another model,
    /// or the model can't compute there.
    pub fn new(mut weights: Weights, device: &Device) -> std::result::Result<Self, WeightsError> {
        let labels = weights.check_header(ModelId::Vgg13.name())?;
        let pad = match weights.metadata("pad_mode") {
            Some("zero") => PadMode::Zero,
            Some("reflect") => PadMode::Reflect,
            other => {
                let reason = format!("pad_mode must be zero or reflect, not {other:?}");
                return Err(weights.misfit(reason));
            }
        };
        let card = ModelCard::of_weights(ModelId::Vgg13, labels.clone(), &weights);
        let mean = weights.take("mean", &[BANDS])?;
        let std = weights.take("std", &[BANDS])?;
        let standardise =
            Standardise::new(&mean, &std).map_err(|e| weights.misfit(e.to_string()))?;
        let mut layers = Vec::new();
        let mut inputs = 1;
        for (block, width) in WIDTHS.into_iter().enumerate() {
            for half in 1..=2 {
                layers.push(layer(&mut weights, block, half, inputs, width)?);
                inputs = width;
            }
        }
        let dense = Dense::new(
            &weights.take("fc.weight", &[labels.len(), inputs])?,
            &weights.take("fc.bias", &[labels.len()])?,
            inputs,
        )
        .map_err(|e| weights.misfit(e.to_string()))?;
        weights.finish()?;
        let log_mel = LogMel::new(LogMelConfig {
            sample_rate: f64::from(SAMPLE_RATE),
            window: 1024,
            hop: 512,
            bands: BANDS,
            pad,
        })
        .map_err(|e| weights.misfit(e.to_string()))?;
        let chunks = Chunks::new(CHUNK_FRAMES);
        let device = device.clone();
        Ok(Self { log_mel, chunks, standardise, layers, dense, labels, card, device })
    }

    /// Log-probabilities of every chunk, `[B * chunks, labels]`.
    ///
    /// # Errors
    /// Where the waveform is not `[B, N]`.
    pub fn chunk_log_probabilities(&self, waveform: &Traced) -> Result<Traced> {
        let chunks = self.chunks.forward(&self.log_mel.forward(waveform)?)?;
        log_softmax(&self.chunk_logits(&self.standardise.forward(&chunks)?)?)
    }

    /// What is before the network.
    pub fn log_mel(&self) -> &LogMelConfig {
        self.log_mel.config()
    }

    /// The network alone: logits `[B, labels]` of standardised log-mel chunks `[B, frames, bands]`.
    ///
    /// # Errors
    /// Where the input has another shape or fewer than 32 frames or bands, which five pools halve.
    pub fn chunk_logits(&self, chunks: &Traced) -> Result<Traced> {
        let (count, frames, bands) = chunks.tensor().dims3()?;
        let mut x = chunks.reshape((count, frames, bands, 1))?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        self.dense.forward(&mean(&x, MeanOver::Pixels)?)
    }
}

/// One convolution of a block with the batch norm after its ReLU, and the second one's pool.
fn layer(
    weights: &mut Weights,
    block: usize,
    half: usize,
    inputs: usize,
    width: usize,
) -> std::result::Result<Conv, WeightsError> {
    let conv = format!("blocks.{block}.conv{half}");
    let kernel = weights.take(&format!("{conv}.weight"), &[width, inputs, 3, 3])?;
    let bias = weights.take(&format!("{conv}.bias"), &[width])?;
    let mut part = |name: &str| weights.take(&format!("blocks.{block}.bn{half}.{name}"), &[width]);
    let (weight, shift) = (part("weight")?, part("bias")?);
    let (mean, variance) = (part("running_mean")?, part("running_var")?);
    let norm = BatchNorm {
        weight: &weight,
        bias: &shift,
        running_mean: &mean,
        running_var: &variance,
        eps: BATCH_NORM_EPS,
    };
    Conv::new(&kernel, &bias, inputs, Window::SQUARE)
        .and_then(|conv| conv.then(&ReluAffine::from_batch_norm(&norm)?, half == 2))
        .map_err(|e| weights.misfit(e.to_string()))
}

impl Classifier for Vgg13 {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::Logits
    }

    /// The mean of the chunks' log-probabilities: up to one constant the mean of their logits.
    fn trace(&self, waveform: &Traced) -> Result<Traced> {
        let (batch, _) = waveform.tensor().dims2()?;
        let chunks = self.chunk_log_probabilities(waveform)?;
        let chunk_count = chunks.tensor().dim(0)? / batch.max(1);
        chunks.reshape((batch, chunk_count, self.labels.len()))?.map(|chunks| chunks.mean(1))
    }
}
