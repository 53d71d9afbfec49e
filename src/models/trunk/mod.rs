//! What the networks of Iqbal, Kong, Plumbley and Wang ("General-purpose audio tagging from noisy
//! labels using convolutional neural networks", DCASE 2018; their code: tqbl/dcase2018_task2) have
//! in common: five blocks of twice [3x3 convolution, activation, batch norm] and a 2x2 max pool.

mod trained;

use candle_core::Result;

use super::weights::{Weights, WeightsError};
use crate::nn::{Affine, Conv, Edge, Gate, Rectifier, Traced, Window, max_pool};

pub use trained::{initial, traced};

/// Channels after each block.
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

/// Channels after the last block.
pub const CHANNELS: usize = WIDTHS[WIDTHS.len() - 1];

/// What is between a convolution and its batch norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// A rectifier.
    Rectifier,
    /// A gated linear unit: the convolution has twice as many channels.
    Gate,
}

impl Activation {
    /// Channels of a convolution whose activation gives so many.
    fn channels_before(self, width: usize) -> usize {
        match self {
            Self::Rectifier => width,
            Self::Gate => 2 * width,
        }
    }
}

/// One layer of the trunk: a convolution and its place in the file.
struct Place {
    convolution: String,
    norm: String,
    inputs: usize,
    /// Channels after the activation.
    width: usize,
    /// Whether the block's max pool follows.
    pool: bool,
}

/// The ten layers in order.
fn places() -> impl Iterator<Item = Place> {
    let inputs = std::iter::once(1).chain(WIDTHS);
    WIDTHS.into_iter().zip(inputs).enumerate().flat_map(|(block, (width, inputs))| {
        [(1, inputs), (2, width)].map(|(half, inputs)| Place {
            convolution: format!("blocks.{block}.conv{half}"),
            norm: format!("blocks.{block}.bn{half}"),
            inputs,
            width,
            pool: half == 2,
        })
    })
}

/// The trunk with its weights.
pub struct Trunk(Vec<Layer>);

enum Layer {
    /// All of it in one pass.
    Rectified(Conv),
    /// A convolution, its gate and norm, and perhaps the pool.
    Gated(Conv, Gate, bool),
}

impl Trunk {
    /// Takes its weights from the file.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn take(
        weights: &mut Weights,
        activation: Activation,
    ) -> std::result::Result<Self, WeightsError> {
        let layers = places().map(|Place { convolution, norm, inputs, width, pool }| {
            let outputs = activation.channels_before(width);
            let conv = weights.take_convolution(&convolution, inputs, outputs, Window::SQUARE)?;
            match activation {
                Activation::Rectifier => weights
                    .take_batch_norm(&norm, width, |norm| {
                        conv.then(&Affine::from_batch_norm(norm)?.with(Rectifier::Before), pool)
                    })
                    .map(Layer::Rectified),
                Activation::Gate => weights
                    .take_batch_norm(&norm, width, |norm| {
                        Gate::with_norm(&Affine::from_batch_norm(norm)?)
                    })
                    .map(|gate| Layer::Gated(conv, gate, pool)),
            }
        });
        layers.collect::<std::result::Result<_, _>>().map(Self)
    }

    /// The trunk of chunks `[B, frames, bands]`: `[B, frames / 32, bands / 32, channels]`.
    ///
    /// # Errors
    /// Where the input has another shape or fewer than 32 frames or bands, which five pools halve.
    pub fn forward(&self, chunks: &Traced) -> Result<Traced> {
        let (count, frames, bands) = chunks.tensor().dims3()?;
        let mut x = chunks.reshape((count, frames, bands, 1))?;
        for layer in &self.0 {
            x = match layer {
                Layer::Rectified(conv) => conv.forward(&x)?,
                Layer::Gated(conv, gate, pool) => {
                    let gated = gate.forward(&conv.forward(&x)?)?;
                    if *pool { max_pool(&gated, Edge::Drop)? } else { gated }
                }
            };
        }
        Ok(x)
    }
}
