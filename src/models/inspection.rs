//! What a model's network is fed of one clip, and what it says of each part that it hears alone.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Result;

use super::front_end::BANDS;
use super::labels::Verdict;
use crate::audio::SAMPLE_RATE;
use crate::dsp::mel;
use crate::nn::Traced;

/// What the numbers of [`Features`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// Log-mel in dB below the clip's maximum.
    LogMel,
    /// The same less the training data's mean of the band, in its standard deviations.
    StandardisedLogMel,
    /// The outputs of filters that the network has learned: `ln(1 + x)` of rectified, pooled
    /// amplitudes.
    Filterbank,
}

/// What a network is fed, over time and bands.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// What the numbers are.
    pub kind: FeatureKind,
    /// The numbers, frame by frame, lowest band first.
    pub values: Arc<[f32]>,
    /// The frequency in Hz that each band hears best, rising.
    pub centres_hz: Arc<[f64]>,
    /// Which sample of the clip the first frame is centred on; negative where the clip was padded.
    pub first: f64,
    /// Samples from one frame to the next.
    pub hop: usize,
}

impl Features {
    /// Log-mel frames `[1, frames, 64]`, the first centred on the sample `first` of the clip.
    pub(super) fn log_mel(
        kind: FeatureKind,
        values: &Traced,
        first: f64,
        hop: usize,
    ) -> Result<Self> {
        let centres = mel::band_centres(BANDS, f64::from(SAMPLE_RATE) / 2.0);
        let values = values.tensor().flatten_all()?.to_vec1::<f32>()?;
        Ok(Self { kind, values: values.into(), centres_hz: centres.into(), first, hop })
    }

    /// How many bands there are.
    pub fn bands(&self) -> usize {
        self.centres_hz.len()
    }

    /// How many frames there are.
    pub fn frames(&self) -> usize {
        self.values.len() / self.bands().max(1)
    }
}

/// A part of a clip that a network hears on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its frames among those of the features; more than there are where it was padded.
    pub frames: Range<usize>,
    /// From where to where it reaches in the clip, in samples; beyond the clip's end where it was
    /// padded.
    pub samples: [f64; 2],
    /// What the network says of it.
    pub verdict: Verdict,
}

/// A clip as a model takes it in.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// What the network is fed; none where that is the waveform and nothing else is known.
    pub features: Option<Features>,
    /// The parts that it hears on their own, in order.
    pub parts: Vec<Part>,
    /// What the model says of the clip as a whole.
    pub verdict: Verdict,
}

impl Inspection {
    /// A clip of so many samples that is heard as a whole.
    pub fn whole(features: Option<Features>, samples: usize, verdict: Verdict) -> Self {
        let frames = 0..features.as_ref().map_or(0, Features::frames);
        let part = Part { frames, samples: [0.0, samples as f64], verdict: verdict.clone() };
        Self { features, parts: vec![part], verdict }
    }
}
