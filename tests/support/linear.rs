//! Classifiers whose boundaries are known, so that the smallest change is known too.

use std::sync::{Arc, Mutex};

use candle_core::{Device, Result, Tensor};
use mondegreen::models::{Classifier, Labels, ModelCard, ModelId, ScoreKind};
use mondegreen::nn::Traced;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Scores `x W^T + b`: its boundaries are planes, so that the smallest perturbation is known.
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
    /// The weights, a row a label.
    pub rows: Vec<Vec<f64>>,
    labels: Labels,
    card: ModelCard,
    /// From this question on every gradient is NaN.
    pub broken_from: usize,
    /// Until this question every gradient is zero.
    pub flat_until: usize,
    /// What was answered to each question so far.
    pub answers: Mutex<Vec<usize>>,
    /// Gives NaN for every clip but this one where set.
    pub only: Option<Arc<[f32]>>,
    /// Gives the softmax of the scores where set, as a model of probabilities.
    pub probabilities: bool,
    /// What is made of the scores.
    pub shape: fn(Tensor) -> Result<Tensor>,
}

impl Linear {
    /// The model of those weights and biases.
    pub fn new(rows: &[Vec<f32>], bias: Vec<f32>) -> Self {
        let (labels, samples) = (rows.len(), rows[0].len());
        let flat: Vec<f32> = rows.iter().flatten().copied().collect();
        Self {
            weight: Tensor::from_vec(flat, (labels, samples), &Device::Cpu).unwrap(),
            bias: Tensor::from_vec(bias, labels, &Device::Cpu).unwrap(),
            rows: rows.iter().map(|row| row.iter().map(|&w| f64::from(w)).collect()).collect(),
            labels: Labels::new((0..labels).map(|i| format!("label {i}"))),
            card: ModelCard::new(ModelId::Vgg13, Labels::fsdkaggle2018()),
            broken_from: usize::MAX,
            flat_until: 0,
            answers: Mutex::default(),
            only: None,
            probabilities: false,
            shape: Ok,
        }
    }

    /// A model at random, and a clip.
    pub fn random(seed: u64, labels: usize, samples: usize) -> (Self, Arc<[f32]>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut row = |scale: f32| (0..samples).map(|_| rng.random_range(-scale..scale)).collect();
        let rows: Vec<_> = (0..labels).map(|_| row(1.0)).collect();
        let clip: Vec<f32> = row(0.3);
        (Self::new(&rows, vec![0.0; labels]), clip.into())
    }

    /// The distance to the nearest plane on which `from` and one of `to` score alike.
    pub fn distance(&self, clip: &[f32], from: usize, to: impl Iterator<Item = usize>) -> f64 {
        let score = |label: usize| -> f64 {
            self.rows[label].iter().zip(clip).map(|(w, &x)| w * f64::from(x)).sum()
        };
        to.filter(|&label| label != from)
            .map(|label| {
                let gap: f64 = self.rows[from]
                    .iter()
                    .zip(&self.rows[label])
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f64>()
                    .sqrt();
                (score(from) - score(label)) / gap
            })
            .fold(f64::INFINITY, f64::min)
    }
}

impl Classifier for Linear {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }

    fn score_kind(&self) -> ScoreKind {
        if self.probabilities { ScoreKind::Probabilities } else { ScoreKind::Logits }
    }

    fn trace(&self, waveform: &Traced) -> Result<Traced> {
        let asked = self.answers.lock().unwrap().len();
        let broken = asked >= self.broken_from;
        waveform.map(|waveform| {
            let weight = self.weight.t()?;
            let scores = (self.shape)(waveform.matmul(&weight)?.broadcast_add(&self.bias)?)?;
            let label = scores.flatten_all()?.argmax(0)?.to_scalar::<u32>()?;
            self.answers.lock().unwrap().push(label as usize);
            if let Some(only) = &self.only
                && waveform.flatten_all()?.to_vec1::<f32>()? != **only
            {
                return scores.affine(f64::NAN, 0.0);
            }
            if asked < self.flat_until {
                return scores.detach() + scores.affine(0.0, 0.0);
            }
            if self.probabilities {
                return candle_nn::ops::softmax(&scores, 1);
            }
            if !broken {
                return Ok(scores);
            }
            // The square root's derivative at zero is infinite: times 0 it gives NaN on the way back.
            scores + (waveform - waveform.clone())?.sqrt()?.matmul(&weight)?
        })
    }
}

/// Two labels of a clip of two samples: inside and outside of an ellipse around the origin.
pub struct Ellipse {
    /// Largest samples, one a sample.
    pub axes: [f64; 2],
    labels: Labels,
    card: ModelCard,
}

impl Ellipse {
    /// With these half axes.
    pub fn new(axes: [f64; 2]) -> Self {
        let labels = Labels::new(["inside", "outside"].map(str::to_owned));
        Self { axes, labels, card: ModelCard::new(ModelId::Vgg13, Labels::fsdkaggle2018()) }
    }

    /// The distance of a point inside to the ellipse, by looking along its whole length.
    pub fn distance(&self, [x, y]: [f64; 2]) -> f64 {
        let away = |i: u32| {
            let angle = std::f64::consts::TAU * f64::from(i) / 1e5;
            (self.axes[0] * angle.cos() - x).hypot(self.axes[1] * angle.sin() - y)
        };
        (0..100_000).map(away).fold(f64::INFINITY, f64::min)
    }
}

impl Classifier for Ellipse {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }

    fn score_kind(&self) -> ScoreKind {
        ScoreKind::Logits
    }

    fn trace(&self, waveform: &Traced) -> Result<Traced> {
        waveform.map(|waveform| {
            let scale = self.axes.map(|axis| (1.0 / axis) as f32);
            let scale = Tensor::from_slice(&scale, (1, 2), &Device::Cpu)?;
            let outside = (waveform.broadcast_mul(&scale)?.sqr()?.sum_keepdim(1)? - 1.0)?;
            let outside = (outside * 8.0)?;
            Tensor::cat(&[&outside.neg()?, &outside], 1)
        })
    }
}

/// The length of the difference of two clips.
pub fn norm(clean: &[f32], other: &[f32]) -> f64 {
    clean
        .iter()
        .zip(other)
        .map(|(&a, &b)| (f64::from(b) - f64::from(a)).powi(2))
        .sum::<f64>()
        .sqrt()
}
