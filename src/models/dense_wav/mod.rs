//! Dense-wav: the densely connected network of Jeong and Lim (2018) on the waveform. The authors
//! published how dense-mel is built, but not this one; its layout is ours.
//!
//! The clip divided by its peak, zero-padded to two seconds; batch norm; a learned filterbank, which
//! starts as 64 Gabor filters; batch norm, ReLU, max pool over four, `ln(1 + x)`: a spectrogram of
//! 500 frames a second; eight blocks in one dimension ([`super::dense_net`]).

mod filters;
mod trained;

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use super::card::ModelCard;
use super::classifier::{Classifier, ModelId, ScoreKind};
use super::dense_net::{self, DenseNet, Layout};
use super::inspection::{FeatureKind, Features, Inspection};
use super::weights::{Weights, WeightsError};
use crate::nn::{Affine, CentrePad, Conv, Edge, Traced, Window, log_1p, max_pool, peak_normalise};

pub use trained::DenseWavNetwork;

/// Samples that shorter clips are zero-padded to.
const LEAST_SAMPLES: usize = 64_000;
/// Filters of the learned filterbank.
const FILTERS: usize = 64;
/// Samples from one output of a filter to the next; clips are zero-padded to a multiple of it.
const STRIDE: usize = 16;
/// How long a filter is, in strides: odd.
const STRIDES: usize = 25;
/// Filters as convolutions of the waveform's pieces of [`STRIDE`] samples.
const WINDOW: Window = Window { height: 1, width: STRIDES };
/// How often pairs of a filter's outputs are reduced to their maximum.
const POOLS: usize = 2;
/// What the filters' batch norm starts with as its scale: this much goes into the logarithm.
const INITIAL_SCALE: f32 = 5.0;
const LAYOUT: Layout =
    Layout { inputs: FILTERS, widths: [64, 64, 128, 128, 256, 256, 512, 512], axes: 1 };

/// The classifier with its weights.
pub struct DenseWav {
    pad: CentrePad,
    norm: Affine,
    /// With batch norm and rectifier.
    filters: Conv,
    /// The filters and the frequencies in Hz that each passes best, in the order of these.
    rising: Vec<(usize, f64)>,
    net: DenseNet,
    card: ModelCard,
    device: Device,
}

impl DenseWav {
    /// Builds the model from its weights file, to compute on `device`.
    ///
    /// # Errors
    /// Where a tensor is missing, left over or of another shape, the metadata is of another model,
    /// or the model can't compute there.
    pub fn new(mut weights: Weights, device: &Device) -> std::result::Result<Self, WeightsError> {
        let labels = weights.check_header(ModelId::DenseWav.name())?;
        let card = ModelCard::of_weights(ModelId::DenseWav, labels, &weights);
        let norm = weights.take_batch_norm("bn0", 1, Affine::from_batch_norm)?;
        let taps = weights.take("filters.weight", &[FILTERS, 1, STRIDE * STRIDES])?;
        let rising = filters::by_frequency(&taps);
        // From PyTorch's order of a filter's taps to that of pieces of the waveform.
        let pieces: Vec<f32> = taps
            .chunks(STRIDE * STRIDES)
            .flat_map(|filter| {
                (0..STRIDE).flat_map(|i| filter.iter().copied().skip(i).step_by(STRIDE))
            })
            .collect();
        let filters = weights.take_batch_norm("bn_filters", FILTERS, |norm| {
            Conv::normalised(&pieces, STRIDE, WINDOW, norm)?.rectified()
        })?;
        let net = DenseNet::take(&mut weights, &LAYOUT, card.labels.len())?;
        weights.finish()?;
        let pad = CentrePad::new(LEAST_SAMPLES).to_multiple_of(STRIDE);
        Ok(Self { pad, norm, filters, rising, net, card, device: device.clone() })
    }

    /// The network alone: logits `[B, heads, labels]` of waveforms `[B, samples]`, a multiple of 16.
    ///
    /// # Errors
    /// Where the input has another shape.
    pub fn logits(&self, waveform: &Traced) -> Result<Traced> {
        self.net.logits(&self.filterbank(waveform)?)
    }

    /// What the blocks are fed: `[B, samples / 64, filters]`.
    fn filterbank(&self, waveform: &Traced) -> Result<Traced> {
        let (batch, samples) = waveform.tensor().dims2()?;
        let x = self.norm.forward(&waveform.reshape((batch, samples, 1))?)?;
        let pieces = x.reshape((batch, samples / STRIDE, STRIDE))?;
        let mut x = self.filters.forward(&pieces)?;
        for _ in 0..POOLS {
            x = max_pool(&x, Edge::Keep)?;
        }
        log_1p(&x)
    }
}

impl Classifier for DenseWav {
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
        let padded = self.pad.forward(&peak_normalise(waveform)?)?;
        dense_net::average(&self.logits(&padded)?)
    }

    /// The waveform is all that the network is fed; what its first layer, the learned filterbank,
    /// makes of it can be looked at.
    fn inspect(&self, samples: &[f32]) -> Result<Inspection> {
        let waveform = Tensor::from_slice(samples, (1, samples.len()), &self.device)?;
        let padded = self.pad.forward(&peak_normalise(&Traced::constant(waveform))?)?;
        let filtered = self.filterbank(&padded)?;
        let probabilities = dense_net::average(&self.net.logits(&filtered)?)?;
        let verdict = self.verdict(&probabilities.tensor().squeeze(0)?.to_vec1::<f32>()?)?;
        let frames = filtered.tensor().flatten_all()?.to_vec1::<f32>()?;
        let sorted = frames
            .chunks_exact(FILTERS)
            .flat_map(|frame| self.rising.iter().map(|&(filter, _)| frame[filter]));
        let hop = STRIDE << POOLS;
        let features = Features {
            kind: FeatureKind::Filterbank,
            values: sorted.collect(),
            centres_hz: self.rising.iter().map(|&(_, hz)| hz).collect::<Arc<[f64]>>(),
            first: hop as f64 / 2.0 - self.pad.before(samples.len()) as f64,
            hop,
        };
        Ok(Inspection::whole(Some(features), samples.len(), verdict))
    }
}
