//! What every model can do, whatever it is made of.

use candle_core::{Device, Result, Tensor};

use super::card::ModelCard;
use super::inspection::Inspection;
use super::labels::{Labels, Verdict};
use crate::names::{self, UnknownName};
use crate::nn::{Traced, differentiable};

/// The models that the program knows, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModelId {
    /// The VGG-style convolutional network of Iqbal et al. (2018).
    Vgg13,
    /// VGG13's convolutions and a bidirectional GRU, of the same authors.
    Crnn,
    /// VGG13 with gated convolutions, of the same authors.
    Gcnn,
    /// The densely connected network on log-mels of Jeong and Lim (2018).
    DenseMel,
    /// The same on the waveform.
    DenseWav,
}

impl ModelId {
    /// All models.
    pub const ALL: [Self; 5] =
        [Self::Vgg13, Self::Crnn, Self::Gcnn, Self::DenseMel, Self::DenseWav];

    /// The name on the command line, in files and in metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vgg13 => "vgg13",
            Self::Crnn => "crnn",
            Self::Gcnn => "gcnn",
            Self::DenseMel => "dense-mel",
            Self::DenseWav => "dense-wav",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Vgg13 => "VGG13",
            Self::Crnn => "CRNN",
            Self::Gcnn => "GCNN",
            Self::DenseMel => "Dense-mel",
            Self::DenseWav => "Dense-wav",
        }
    }

    /// The model of that name.
    ///
    /// # Errors
    /// [`UnknownName`] with the closest model.
    pub fn find(name: &str) -> std::result::Result<Self, UnknownName> {
        let known = Self::ALL.map(Self::name);
        names::find("model", &known, name).map(|index| Self::ALL[index])
    }
}

/// What a model's scores are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// Logits, up to a constant: their softmax gives the probabilities.
    Logits,
    /// The probabilities themselves.
    Probabilities,
}

/// A sound-event classifier whose scores can be differentiated with respect to the waveform.
///
/// Waveforms are `[B, N]`, mono at 32 kHz, any N from 0.1 s up. Both outputs are deterministic.
pub trait Classifier: Send + Sync {
    /// What there is to say of this model.
    fn card(&self) -> &ModelCard;

    /// The names of the outputs.
    fn labels(&self) -> &Labels {
        &self.card().labels
    }

    /// Where the model computes.
    fn device(&self) -> &Device;

    /// What the scores are.
    fn score_kind(&self) -> ScoreKind;

    /// The quantity that attacks differentiate, `[B, labels]`: the logits where the model has one
    /// logit layer. Traced, so that any number of gradients of one forward pass can be had at once.
    fn trace(&self, waveform: &Traced) -> Result<Traced>;

    /// [`Self::trace`] as an operation of Candle's graph: differentiable with respect to the
    /// waveform.
    fn scores(&self, waveform: &Tensor) -> Result<Tensor> {
        differentiable(waveform, |waveform| self.trace(waveform))
    }

    /// Class probabilities `[B, labels]`, as people are shown.
    fn probabilities(&self, waveform: &Tensor) -> Result<Tensor> {
        let scores = self.scores(waveform)?;
        match self.score_kind() {
            ScoreKind::Logits => candle_nn::ops::softmax(&scores, 1),
            ScoreKind::Probabilities => Ok(scores),
        }
    }

    /// What the scores of one clip say.
    ///
    /// # Errors
    /// Where they are no numbers: of such, any label would seem to lead.
    fn verdict(&self, scores: &[f32]) -> Result<Verdict> {
        let probabilities = match self.score_kind() {
            ScoreKind::Logits => softmax(scores),
            ScoreKind::Probabilities => scores.to_vec(),
        };
        if probabilities.iter().any(|p| !p.is_finite()) {
            candle_core::bail!("the answer is not finite (NaN or infinite)")
        }
        Ok(Verdict { labels: self.labels().clone(), probabilities: probabilities.into() })
    }

    /// What the model says of one clip.
    ///
    /// # Errors
    /// Where the model fails, and as [`Self::verdict`].
    fn classify(&self, samples: &[f32]) -> Result<Verdict> {
        let waveform = Tensor::from_slice(samples, (1, samples.len()), self.device())?;
        let scores = self.scores(&waveform)?.squeeze(0)?.to_vec1::<f32>()?;
        self.verdict(&scores)
    }

    /// What the network is fed of one clip, and what it says of each part that it hears on its
    /// own.
    fn inspect(&self, samples: &[f32]) -> Result<Inspection> {
        Ok(Inspection::whole(None, samples.len(), self.classify(samples)?))
    }
}

/// Probabilities from logits.
fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> =
        logits.iter().map(|&z| (f64::from(z) - f64::from(largest)).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|e| (e / sum) as f32).collect()
}
