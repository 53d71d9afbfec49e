//! Classifiers that hear a clip's log-mel chunk by chunk: what the networks of Iqbal et al. (2018)
//! have in common before and behind the network.
//!
//! Log-mel (64 bands, window 1024, hop 512) in dB relative to the clip's maximum, chunks of 128
//! frames, standardised a band; the chunks' log-probabilities are averaged, which is the authors'
//! geometric mean.

use candle_core::{Device, Result, Tensor};

use super::card::ModelCard;
use super::classifier::{Classifier, ModelId, ScoreKind};
use super::front_end::{BANDS, log_mel};
use super::inspection::{FeatureKind, Features, Inspection, Part};
use super::network::Feed;
use super::weights::{Weights, WeightsError};
use crate::nn::{Chunks, LogMel, LogMelConfig, Standardise, Traced, chunk_frames, log_softmax};

/// Frames of one chunk.
pub const CHUNK_FRAMES: usize = 128;

const HOP: usize = 512;

/// The dense layer whose outputs are the logits.
pub const LAST_LAYER: &str = "fc";

/// What such networks are fed with in training.
pub const FEED: Feed = Feed::StandardisedLogMel { hop: HOP, frames: CHUNK_FRAMES };

/// A network between standardised chunks and logits.
pub trait ChunkNetwork: Sized + Send + Sync + 'static {
    /// Which model it makes.
    const ID: ModelId;

    /// Takes its weights from the file, for so many labels.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    fn take(weights: &mut Weights, labels: usize) -> std::result::Result<Self, WeightsError>;

    /// Logits `[B, labels]` of standardised chunks `[B, frames, bands]`.
    ///
    /// # Errors
    /// Where the input has another shape or fewer than 32 frames or bands.
    fn logits(&self, chunks: &Traced) -> Result<Traced>;
}

/// A classifier with its weights.
pub struct ChunkClassifier<N> {
    log_mel: LogMel,
    chunks: Chunks,
    standardise: Standardise,
    network: N,
    card: ModelCard,
    device: Device,
}

impl<N: ChunkNetwork> ChunkClassifier<N> {
    /// Builds the model from its weights file, to compute on `device`.
    ///
    /// # Errors
    /// Where a tensor is missing, left over or of another shape, the metadata is of another model,
    /// or the model can't compute there.
    pub fn new(mut weights: Weights, device: &Device) -> std::result::Result<Self, WeightsError> {
        let labels = weights.check_header(N::ID.name())?;
        let pad = weights.pad_mode()?;
        let card = ModelCard::of_weights(N::ID, labels, &weights);
        let mean = weights.take("mean", &[BANDS])?;
        let std = weights.take("std", &[BANDS])?;
        let standardise =
            Standardise::new(&mean, &std).map_err(|e| weights.misfit(e.to_string()))?;
        let network = N::take(&mut weights, card.labels.len())?;
        weights.finish()?;
        let log_mel = LogMel::new(log_mel(HOP, pad)).map_err(|e| weights.misfit(e.to_string()))?;
        let chunks = Chunks::new(CHUNK_FRAMES);
        let device = device.clone();
        Ok(Self { log_mel, chunks, standardise, network, card, device })
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
        self.network.logits(chunks)
    }
}

impl<N: ChunkNetwork> Classifier for ChunkClassifier<N> {
    fn card(&self) -> &ModelCard {
        &self.card
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
        chunks.reshape((batch, chunk_count, self.card.labels.len()))?.map(|chunks| chunks.mean(1))
    }

    /// The standardised log-mel, and the chunks with the probabilities of each.
    fn inspect(&self, samples: &[f32]) -> Result<Inspection> {
        let waveform = Tensor::from_slice(samples, (1, samples.len()), &self.device)?;
        let log_mel = self.log_mel.forward(&Traced::constant(waveform))?;
        let chunks = self.standardise.forward(&self.chunks.forward(&log_mel)?)?;
        let chunks = log_softmax(&self.chunk_logits(&chunks)?)?;
        let mean = chunks.tensor().mean(0)?.to_vec1::<f32>()?;
        // Standardising goes value by value: it may as well come before the cut into chunks.
        let fed = self.standardise.forward(&log_mel)?;
        let features = Features::log_mel(FeatureKind::StandardisedLogMel, &fed, 0.0, HOP)?;
        let rows = chunks.tensor().to_vec2::<f32>()?;
        let parts = chunk_frames(features.frames(), CHUNK_FRAMES).into_iter().zip(&rows);
        let parts = parts.map(|(start, log_probabilities)| {
            let frames = start..start + CHUNK_FRAMES;
            // A frame stands for half a hop on either side of its centre.
            let edge = |frame: usize| (frame as f64 - 0.5) * HOP as f64;
            Ok(Part {
                samples: [edge(frames.start), edge(frames.end)],
                frames,
                verdict: self.verdict(log_probabilities)?,
            })
        });
        let parts = parts.collect::<Result<_>>()?;
        Ok(Inspection { features: Some(features), parts, verdict: self.verdict(&mean)? })
    }
}
