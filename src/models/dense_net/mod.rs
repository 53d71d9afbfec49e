//! What the two densely connected networks of Jeong and Lim share, in two dimensions and in one:
//! "Audio tagging system for DCASE 2018: focusing on label noise, data augmentation and its
//! efficient learning" (the authors' code: finejuly/dcase2018_task2_cochlearai).
//!
//! Blocks of [batch norm, ReLU, convolution of one pixel; batch norm, ReLU, convolution of three
//! pixels a side; squeeze-and-excitation to half of the channels], the block's input joined behind
//! the result, max pool that keeps an odd last row or column; after the last block batch norm and
//! ReLU; eight heads, each dense a pixel, mean over the pixels, softmax. The mean comes first here:
//! both are linear. The heads' probabilities are averaged. The first convolution of a block has no
//! bias, other than the authors': the batch norm behind it would take it off. Nor has what is before
//! the blocks: all that reads it begins with a batch norm.

mod trained;

use candle_core::Result;

use crate::models::weights::{Weights, WeightsError};
use crate::nn::{
    Affine, Conv, Dense, Edge, MeanOver, Rectifier, SqueezeExcite, SqueezeExciteWeights, Traced,
    Window, max_pool, mean, softmax,
};

pub use trained::{classify_trained, initial};

/// The dense layer of all heads.
pub const LAST_LAYER: &str = "heads";

/// Classifiers that are averaged.
pub const HEADS: usize = 8;

/// The sizes of a network's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Channels before the first block.
    pub inputs: usize,
    /// Channels that each block adds.
    pub widths: [usize; 8],
    /// Axes of an image without batch and channels: 2, or 1 of signals.
    pub axes: usize,
}

impl Layout {
    /// The second convolution's neighbourhood.
    fn window(&self) -> Window {
        if self.axes == 1 { Window::LINE } else { Window::SQUARE }
    }
}

/// Blocks and heads with their weights.
pub struct DenseNet {
    blocks: Vec<Block>,
    norm: Affine,
    heads: Dense,
    labels: usize,
}

struct Block {
    norm: Affine,
    /// With batch norm and rectifier.
    first: Conv,
    second: Conv,
    excite: SqueezeExcite,
}

impl DenseNet {
    /// Takes the weights from the file, for so many labels.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub fn take(
        weights: &mut Weights,
        layout: &Layout,
        labels: usize,
    ) -> std::result::Result<Self, WeightsError> {
        let mut inputs = layout.inputs;
        let mut blocks = Vec::new();
        for (block, width) in layout.widths.into_iter().enumerate() {
            let place = Place { name: format!("blocks.{block}"), inputs, width };
            blocks.push(Block::take(weights, layout, &place)?);
            inputs += width;
        }
        let norm = weights.take_batch_norm("bn_out", inputs, Affine::from_batch_norm)?;
        let norm = norm.with(Rectifier::After);
        let heads = weights.take_dense(LAST_LAYER, inputs, HEADS * labels)?;
        Ok(Self { blocks, norm, heads, labels })
    }

    /// Logits `[B, heads, labels]` of what comes into the first block.
    ///
    /// # Errors
    /// Where the input has another number of axes or channels.
    pub fn logits(&self, input: &Traced) -> Result<Traced> {
        let mut x = input.clone();
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let logits = self.heads.forward(&mean(&self.norm.forward(&x)?, MeanOver::Pixels)?)?;
        let batch = logits.tensor().dim(0)?;
        logits.reshape((batch, HEADS, self.labels))
    }
}

/// The probabilities `[B, labels]` that heads `[B, heads, labels]` give on average.
///
/// # Errors
/// Where the logits have another number of axes.
pub fn average(logits: &Traced) -> Result<Traced> {
    mean(&softmax(logits)?, MeanOver::Rows)
}

/// Where a block is in the file, and its sizes.
struct Place {
    name: String,
    inputs: usize,
    width: usize,
}

impl Block {
    fn take(
        weights: &mut Weights,
        layout: &Layout,
        Place { name, inputs, width }: &Place,
    ) -> std::result::Result<Self, WeightsError> {
        let (inputs, width) = (*inputs, *width);
        let kernel = |inputs, side| [vec![width, inputs], vec![side; layout.axes]].concat();
        let norm =
            weights.take_batch_norm(&format!("{name}.bn1"), inputs, Affine::from_batch_norm)?;
        let weight = weights.take(&format!("{name}.conv1.weight"), &kernel(inputs, 1))?;
        let first = weights.take_batch_norm(&format!("{name}.bn2"), width, |norm| {
            Conv::normalised(&weight, inputs, Window::POINT, norm)?.rectified()
        })?;
        let weight = weights.take(&format!("{name}.conv2.weight"), &kernel(width, 3))?;
        let bias = weights.take(&format!("{name}.conv2.bias"), &[width])?;
        let second = Conv::new(&weight, &bias, width, layout.window())
            .map_err(|e| weights.misfit(e.to_string()))?;
        let mut part =
            |part: &str, shape: &[usize]| weights.take(&format!("{name}.se.{part}"), shape);
        let excite = SqueezeExcite::new(&SqueezeExciteWeights {
            squeeze_weight: &part("fc1.weight", &[reduced(width), width])?,
            squeeze_bias: &part("fc1.bias", &[reduced(width)])?,
            excite_weight: &part("fc2.weight", &[width, reduced(width)])?,
            excite_bias: &part("fc2.bias", &[width])?,
        })
        .map_err(|e| weights.misfit(e.to_string()))?;
        Ok(Self { norm: norm.with(Rectifier::After), first, second, excite })
    }

    fn forward(&self, x: &Traced) -> Result<Traced> {
        let y = self.first.forward(&self.norm.forward(x)?)?;
        // Joined after the pool, which goes channel by channel: there are fewer values then.
        let y = self.excite.forward_pooled(&self.second.forward(&y)?, Edge::Keep)?;
        Traced::concatenate(&[&y, &max_pool(x, Edge::Keep)?])
    }
}

/// Channels that squeeze-and-excitation has inside.
fn reduced(width: usize) -> usize {
    width / 2
}
