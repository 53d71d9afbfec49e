//! The blocks and heads while they are being trained.

use candle_core::{Result, bail};

use super::{HEADS, LAST_LAYER, Layout, reduced};
use crate::models::network::{Initial, TrainedLayers};
use crate::nn::trained::{TracedSqueezeExcite, squeeze_excite_pool};
use crate::nn::{Edge, MeanOver, Rectifier, Traced, Window, max_pool, mean};

/// Draws the weights of blocks and heads.
///
/// # Errors
/// Where memory runs out.
pub fn initial(initial: &mut Initial, layout: &Layout, labels: usize) -> Result<()> {
    let Layout { mut inputs, widths, axes } = *layout;
    for (block, width) in widths.into_iter().enumerate() {
        let name = |part: &str| format!("blocks.{block}.{part}");
        initial.batch_norm(&name("bn1"), inputs)?;
        initial.unbiased(&name("conv1"), inputs, width, &vec![1; axes])?;
        initial.batch_norm(&name("bn2"), width)?;
        initial.convolution(&name("conv2"), width, width, &vec![3; axes])?;
        initial.dense(&name("se.fc1"), width, reduced(width))?;
        initial.dense(&name("se.fc2"), reduced(width), width)?;
        inputs += width;
    }
    initial.batch_norm("bn_out", inputs)?;
    // One layer for all heads, each drawn as if it were alone.
    let name = |part: &str| format!("{LAST_LAYER}.{part}");
    initial.glorot(&name("weight"), &[HEADS * labels, inputs], inputs + labels)?;
    initial.constant(&name("bias"), HEADS * labels, 0.0)
}

/// Logits `[B, heads, labels]` of what comes into the first block.
///
/// # Errors
/// Where the input has another number of axes or channels, or `layers` lack a weight.
pub fn classify_trained(
    layers: &mut TrainedLayers,
    layout: &Layout,
    input: &Traced,
) -> Result<Traced> {
    let mut x = input.clone();
    for block in 0..layout.widths.len() {
        let name = |part: &str| format!("blocks.{block}.{part}");
        let y = layers.batch_norm(&x, &name("bn1"), Rectifier::After)?;
        let y = layers.unbiased(&y, &name("conv1"), Window::POINT)?;
        let y = layers.batch_norm(&y, &name("bn2"), Rectifier::After)?;
        let y = layers.convolution(&y, &name("conv2"), layout.window())?;
        let weights = TracedSqueezeExcite {
            squeeze_weight: layers.get(&name("se.fc1.weight"))?,
            squeeze_bias: layers.get(&name("se.fc1.bias"))?,
            excite_weight: layers.get(&name("se.fc2.weight"))?,
            excite_bias: layers.get(&name("se.fc2.bias"))?,
        };
        // Joined after the pool, which goes channel by channel: there are fewer values then.
        let y = squeeze_excite_pool(&y, &weights, Edge::Keep)?;
        x = Traced::concatenate(&[&y, &max_pool(&x, Edge::Keep)?])?;
    }
    let x = layers.batch_norm(&x, "bn_out", Rectifier::After)?;
    let logits = layers.dense(&mean(&x, MeanOver::Pixels)?, LAST_LAYER)?;
    let (batch, outputs) = logits.tensor().dims2()?;
    if outputs % HEADS != 0 {
        bail!("{outputs} outputs are not those of {HEADS} heads")
    }
    logits.reshape((batch, HEADS, outputs / HEADS))
}
