//! Networks while they are being trained: weights as variables, batch norms with the batch's
//! statistics. What is here ends as a weights file that the model of the same name reads.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, bail};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal, Uniform};

use super::classifier::ModelId;
use super::crnn::CrnnNetwork;
use super::dense_mel::DenseMelNetwork;
use super::dense_wav::DenseWavNetwork;
use super::front_end::log_mel;
use super::gcnn::GcnnNetwork;
use super::vgg13::Vgg13Network;
use crate::nn::trained::{self, Statistics};
use crate::nn::{LogMelConfig, PadMode, Rectifier, Traced, Window, bidirectional_gru};

/// Keras' default, which the authors of all five networks used.
pub const BATCH_NORM_EPS: f64 = 1e-3;

/// Tensors and their names in a weights file, in the order of the network.
pub type NamedTensors = Vec<(String, Tensor)>;

/// What a network is trained on: how a stretch of sound becomes its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Log-mel of 64 bands, window 1024, `hop` samples from frame to frame, in dB below the clip's
    /// maximum: inputs `[B, frames, 64]`, standardised a band with the `mean` and `std` `[64]` of
    /// the training data.
    StandardisedLogMel {
        /// Samples from one frame to the next.
        hop: usize,
        /// Frames of one training example.
        frames: usize,
    },
    /// The same, not standardised: `[B, frames, 64]` in dB. `mean` and `std` `[1]` are those of the
    /// training data's waveforms, each divided by its peak.
    LogMel {
        /// Samples from one frame to the next.
        hop: usize,
        /// Frames of one training example.
        frames: usize,
    },
    /// The waveform divided by its peak: `[B, samples]`.
    Waveform {
        /// Samples of one training example; shorter clips are zero-padded to it.
        samples: usize,
    },
}

impl Feed {
    /// What turns sound into it, where that is a log-mel.
    pub fn log_mel(self, pad: PadMode) -> Option<LogMelConfig> {
        match self {
            Self::StandardisedLogMel { hop, .. } | Self::LogMel { hop, .. } => {
                Some(log_mel(hop, pad))
            }
            Self::Waveform { .. } => None,
        }
    }
}

/// A network that can be trained.
pub trait Network: Send + Sync {
    /// Which model its weights are for.
    fn id(&self) -> ModelId;

    /// What it is fed with.
    fn feed(&self) -> Feed;

    /// The dense layer whose outputs are the logits.
    fn last_layer(&self) -> &'static str;

    /// Weights before training, for so many labels.
    ///
    /// # Errors
    /// Where memory runs out.
    fn initial(&self, labels: usize, seed: u64) -> Result<NamedTensors>;

    /// Logits `[B, heads, labels]` of inputs as [`Self::feed`] says; the probabilities are the mean
    /// of the heads' softmaxes.
    ///
    /// # Errors
    /// Where the input has another shape or `layers` lack a weight.
    fn forward(&self, layers: &mut TrainedLayers, input: &Tensor) -> Result<Traced>;
}

/// The network of a model.
pub fn network(id: ModelId) -> &'static dyn Network {
    match id {
        ModelId::Vgg13 => &Vgg13Network,
        ModelId::Crnn => &CrnnNetwork,
        ModelId::Gcnn => &GcnnNetwork,
        ModelId::DenseMel => &DenseMelNetwork,
        ModelId::DenseWav => &DenseWavNetwork,
    }
}

/// Weights before training, drawn one after the other: Keras' defaults.
pub struct Initial {
    random: ChaCha8Rng,
    values: NamedTensors,
}

impl Initial {
    /// Nothing yet.
    pub fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), values: Vec::new() }
    }

    /// What was drawn, in order.
    pub fn finish(self) -> NamedTensors {
        self.values
    }

    /// A tensor from Glorot's uniform distribution; `fans` is the sum of how many values it reads
    /// for one that it writes, and the reverse.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn glorot(&mut self, name: &str, shape: &[usize], fans: usize) -> Result<()> {
        let limit = (6.0 / fans.max(1) as f32).sqrt();
        let uniform = Uniform::new(-limit, limit).map_err(candle_core::Error::wrap)?;
        let count = shape.iter().product();
        let numbers: Vec<f32> = uniform.sample_iter(&mut self.random).take(count).collect();
        self.values.push((name.to_owned(), Tensor::from_vec(numbers, shape, &Device::Cpu)?));
        Ok(())
    }

    /// A vector of one value.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn constant(&mut self, name: &str, width: usize, value: f32) -> Result<()> {
        self.values.push((name.to_owned(), Tensor::full(value, width, &Device::Cpu)?));
        Ok(())
    }

    /// A tensor that is not random.
    pub fn value(&mut self, name: &str, value: Tensor) {
        self.values.push((name.to_owned(), value));
    }

    /// `NAME.weight` `[outputs, inputs, sides...]` of a convolution and `NAME.bias`.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn convolution(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        sides: &[usize],
    ) -> Result<()> {
        self.unbiased(name, inputs, outputs, sides)?;
        self.constant(&format!("{name}.bias"), outputs, 0.0)
    }

    /// `NAME.weight` of a convolution without a bias.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn unbiased(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        sides: &[usize],
    ) -> Result<()> {
        let fans = sides.iter().product::<usize>() * (inputs + outputs);
        self.glorot(&format!("{name}.weight"), &[&[outputs, inputs], sides].concat(), fans)
    }

    /// The weights of a bidirectional GRU ([`gru_names`], laid out as in [`crate::nn::GruWeights`]):
    /// Glorot's for inputs; those for states, taken together, keep a state's length.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn bidirectional_gru(&mut self, name: &str, inputs: usize, states: usize) -> Result<()> {
        for [weight_ih, weight_hh, bias] in gru_names(name) {
            self.glorot(&weight_ih, &[3 * states, inputs], inputs + 3 * states)?;
            let columns = orthonormal(&mut self.random, states, 3 * states);
            let columns = Tensor::from_vec(columns, (states, 3 * states), &Device::Cpu)?;
            let weight = columns.t()?.contiguous()?.to_dtype(DType::F32)?;
            self.values.push((weight_hh, weight));
            self.constant(&bias, 3 * states, 0.0)?;
        }
        Ok(())
    }

    /// `NAME.weight` and `NAME.bias` of a batch norm.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn batch_norm(&mut self, name: &str, channels: usize) -> Result<()> {
        self.constant(&format!("{name}.weight"), channels, 1.0)?;
        self.constant(&format!("{name}.bias"), channels, 0.0)
    }

    /// `NAME.weight` `[outputs, inputs]` and `NAME.bias` of a dense layer.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn dense(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<()> {
        self.glorot(&format!("{name}.weight"), &[outputs, inputs], inputs + outputs)?;
        self.constant(&format!("{name}.bias"), outputs, 0.0)
    }
}

/// The names of a recurrent layer's weights: of the direction that reads forwards, and of the other.
pub fn gru_names(name: &str) -> [[String; 3]; 2] {
    ["", "_reverse"].map(|direction| {
        ["weight_ih", "weight_hh", "bias"].map(|part| format!("{name}.{part}{direction}"))
    })
}

/// Vectors of a length that are orthogonal to each other and of length 1, one behind the other, the
/// space that they span being any with equal probability; there are at most `length` of them.
fn orthonormal(random: &mut ChaCha8Rng, count: usize, length: usize) -> Vec<f64> {
    let mut rows: Vec<f64> = StandardNormal.sample_iter(random).take(count * length).collect();
    for row in 0..count {
        let (before, rest) = rows.split_at_mut(row * length);
        let own = &mut rest[..length];
        for other in before.chunks_exact(length) {
            let along: f64 = own.iter().zip(other).map(|(a, b)| a * b).sum();
            own.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
        }
        let norm = own.iter().map(|a| a * a).sum::<f64>().sqrt();
        own.iter_mut().for_each(|a| *a /= norm);
    }
    rows
}

/// The weights of one training step as variables, and what its batch norms saw.
pub struct TrainedLayers {
    places: HashMap<String, usize>,
    variables: Vec<Traced>,
    statistics: Vec<(String, Statistics)>,
}

impl TrainedLayers {
    /// Weights that gradients can be asked for, on the device to compute with.
    ///
    /// # Errors
    /// Where its memory runs out.
    pub fn new(weights: &[(String, Tensor)], device: &Device) -> Result<Self> {
        let places = weights.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        let variable = |(_, w): &(String, Tensor)| Ok(Traced::variable(w.to_device(device)?));
        let variables = weights.iter().map(variable).collect::<Result<_>>()?;
        Ok(Self { places, variables, statistics: Vec::new() })
    }

    /// Weights that no gradient is asked for: the forward pass remembers nothing.
    ///
    /// # Errors
    /// Where the device's memory runs out.
    pub fn frozen(weights: &[(String, Tensor)], device: &Device) -> Result<Self> {
        let mut layers = Self::new(weights, device)?;
        let constant = |weight: &Traced| Traced::constant(weight.tensor().clone());
        layers.variables = layers.variables.iter().map(constant).collect();
        Ok(layers)
    }

    /// The weights in the order that they were given in.
    pub fn variables(&self) -> &[Traced] {
        &self.variables
    }

    /// What each batch norm of the forward pass saw, under its name, in order.
    pub fn statistics(&self) -> &[(String, Statistics)] {
        &self.statistics
    }

    /// One weight.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn get(&self, name: &str) -> Result<Traced> {
        match self.places.get(name) {
            Some(&place) => Ok(self.variables[place].clone()),
            None => bail!("the weight {name} is missing"),
        }
    }

    /// The convolution NAME of `[B, H, W, C]`.
    ///
    /// # Errors
    /// Where a weight is missing or does not fit.
    pub fn convolution(&self, input: &Traced, name: &str, window: Window) -> Result<Traced> {
        let weight = self.get(&format!("{name}.weight"))?;
        crate::nn::convolution(input, &weight, &self.get(&format!("{name}.bias"))?, window)
    }

    /// The convolution NAME without a bias: a batch norm follows, which would take it off.
    ///
    /// # Errors
    /// Where the weight is missing or does not fit.
    pub fn unbiased(&self, input: &Traced, name: &str, window: Window) -> Result<Traced> {
        let weight = self.get(&format!("{name}.weight"))?;
        let outputs = weight.tensor().dim(0)?;
        let zero = Tensor::zeros(outputs, weight.tensor().dtype(), weight.tensor().device())?;
        crate::nn::convolution(input, &weight, &Traced::constant(zero), window)
    }

    /// The batch norm NAME over all but the last axis, and a rectifier before or after it.
    ///
    /// # Errors
    /// Where a weight is missing or does not fit.
    pub fn batch_norm(
        &mut self,
        input: &Traced,
        name: &str,
        rectifier: Rectifier,
    ) -> Result<Traced> {
        let scale = self.get(&format!("{name}.weight"))?;
        let shift = self.get(&format!("{name}.bias"))?;
        let (output, seen) = trained::batch_norm(input, &scale, &shift, BATCH_NORM_EPS, rectifier)?;
        self.statistics.push((name.to_owned(), seen));
        Ok(output)
    }

    /// The bidirectional GRU NAME of `[B, T, inputs]` ([`gru_names`]).
    ///
    /// # Errors
    /// Where a weight is missing or does not fit.
    pub fn bidirectional_gru(&self, input: &Traced, name: &str) -> Result<Traced> {
        let [forwards, backwards] = gru_names(name);
        let get = |[ih, hh, bias]: [String; 3]| -> Result<[Traced; 3]> {
            Ok([self.get(&ih)?, self.get(&hh)?, self.get(&bias)?])
        };
        bidirectional_gru(input, &[get(forwards)?, get(backwards)?])
    }

    /// The dense layer NAME of `[B, inputs]`.
    ///
    /// # Errors
    /// Where a weight is missing or does not fit.
    pub fn dense(&self, input: &Traced, name: &str) -> Result<Traced> {
        let weight = self.get(&format!("{name}.weight"))?;
        trained::dense(input, &weight, &self.get(&format!("{name}.bias"))?)
    }

    /// The dense layer NAME of `[B, inputs]` as the logits of a network with one head,
    /// `[B, 1, labels]`.
    ///
    /// # Errors
    /// Where a weight is missing or does not fit.
    pub fn one_head(&self, input: &Traced, name: &str) -> Result<Traced> {
        let logits = self.dense(input, name)?;
        let (batch, labels) = logits.tensor().dims2()?;
        logits.reshape((batch, 1, labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_recurrent_weights_keep_a_states_length() {
        let mut initial = Initial::new(3);
        initial.bidirectional_gru("gru", 5, 20).unwrap();
        let weights = initial.finish();
        let names: Vec<_> = weights.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "gru.weight_ih",
                "gru.weight_hh",
                "gru.bias",
                "gru.weight_ih_reverse",
                "gru.weight_hh_reverse",
                "gru.bias_reverse"
            ]
        );
        for (name, weight) in weights.iter().filter(|(name, _)| name.contains("weight_hh")) {
            let products = weight.t().unwrap().matmul(weight).unwrap().to_vec2::<f32>().unwrap();
            for (i, row) in products.iter().enumerate() {
                for (j, product) in row.iter().enumerate() {
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-6, "{name}: {i}, {j}: {product}");
                }
            }
        }
    }
}
