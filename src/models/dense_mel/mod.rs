//! Dense-mel of Jeong and Lim (2018): a densely connected network on log-mels.
//!
//! The clip divided by its peak, zero-padded to two seconds, standardised; log-mel (64 bands, window
//! 1024, hop 128) in dB; batch norm a band; 3x3 convolution to 15 channels, joined behind the
//! log-mel; eight blocks in two dimensions ([`super::dense_net`]).
//!
//! The authors' log-mel is half of ours (`power_melgram=1.0`), which the batch norm makes up for, and
//! not less than 80 dB below the maximum, which ours has no limit for.

mod trained;

use candle_core::{Device, Result, Tensor};

use super::card::ModelCard;
use super::classifier::{Classifier, ModelId, ScoreKind};
use super::dense_net::{self, DenseNet, Layout};
use super::front_end::{BANDS, log_mel};
use super::inspection::{FeatureKind, Features, Inspection};
use super::weights::{Weights, WeightsError};
use crate::nn::{
    Affine, CentrePad, Conv, LogMel, LogMelConfig, Standardise, Traced, Window, peak_normalise,
};

pub use trained::DenseMelNetwork;

/// Samples that shorter clips are zero-padded to.
const LEAST_SAMPLES: usize = 64_000;
/// Samples from one frame to the next.
const HOP: usize = 128;
/// Channels of the first convolution.
const FIRST: usize = 15;
const LAYOUT: Layout =
    Layout { inputs: 1 + FIRST, widths: [16, 32, 64, 128, 256, 512, 512, 512], axes: 2 };

/// The classifier with its weights.
pub struct DenseMel {
    pad: CentrePad,
    standardise: Standardise,
    log_mel: LogMel,
    norm: Affine,
    first: Conv,
    net: DenseNet,
    card: ModelCard,
    device: Device,
}

impl DenseMel {
    /// Builds the model from its weights file, to compute on `device`.
    ///
    /// # Errors
    /// Where a tensor is missing, left over or of another shape, the metadata is of another model,
    /// or the model can't compute there.
    pub fn new(mut weights: Weights, device: &Device) -> std::result::Result<Self, WeightsError> {
        let labels = weights.check_header(ModelId::DenseMel.name())?;
        let pad = weights.pad_mode()?;
        let card = ModelCard::of_weights(ModelId::DenseMel, labels, &weights);
        let (mean, std) = (weights.take("mean", &[1])?, weights.take("std", &[1])?);
        let standardise =
            Standardise::new(&mean, &std).map_err(|e| weights.misfit(e.to_string()))?;
        let norm = weights.take_batch_norm("bn0", BANDS, Affine::from_batch_norm)?;
        let weight = weights.take("conv0.weight", &[FIRST, 1, 3, 3])?;
        let first = Conv::new(&weight, &[0.0; FIRST], 1, Window::SQUARE)
            .map_err(|e| weights.misfit(e.to_string()))?;
        let net = DenseNet::take(&mut weights, &LAYOUT, card.labels.len())?;
        weights.finish()?;
        let log_mel = LogMel::new(log_mel(HOP, pad)).map_err(|e| weights.misfit(e.to_string()))?;
        let (pad, device) = (CentrePad::new(LEAST_SAMPLES), device.clone());
        Ok(Self { pad, standardise, log_mel, norm, first, net, card, device })
    }

    /// What is before the network.
    pub fn log_mel(&self) -> &LogMelConfig {
        self.log_mel.config()
    }

    /// What the network is fed: log-mels `[B, frames, bands]` in dB of waveforms `[B, N]`.
    fn feed(&self, waveform: &Traced) -> Result<Traced> {
        let padded = self.pad.forward(&peak_normalise(waveform)?)?;
        let (batch, samples) = padded.tensor().dims2()?;
        let standard = self.standardise.forward(&padded.reshape((batch, samples, 1))?)?;
        self.log_mel.forward(&standard.reshape((batch, samples))?)
    }

    /// The network alone: logits `[B, heads, labels]` of log-mels `[B, frames, bands]` in dB.
    ///
    /// # Errors
    /// Where the input has another shape.
    pub fn logits(&self, log_mel: &Traced) -> Result<Traced> {
        let (batch, frames, bands) = log_mel.tensor().dims3()?;
        let x = self.norm.forward(log_mel)?.reshape((batch, frames, bands, 1))?;
        self.net.logits(&Traced::concatenate(&[&x, &self.first.forward(&x)?])?)
    }
}

impl Classifier for DenseMel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::Probabilities
    }

    /// The mean of the heads' probabilities.
    fn trace(&self, waveform: &Traced) -> Result<Traced> {
        dense_net::average(&self.logits(&self.feed(waveform)?)?)
    }

    fn inspect(&self, samples: &[f32]) -> Result<Inspection> {
        let waveform = Tensor::from_slice(samples, (1, samples.len()), &self.device)?;
        let fed = self.feed(&Traced::constant(waveform))?;
        let probabilities = dense_net::average(&self.logits(&fed)?)?;
        let verdict = self.verdict(&probabilities.tensor().squeeze(0)?.to_vec1::<f32>()?)?;
        let first = -(self.pad.before(samples.len()) as f64);
        let features = Features::log_mel(FeatureKind::LogMel, &fed, first, HOP)?;
        Ok(Inspection::whole(Some(features), samples.len(), verdict))
    }
}
