//! The trunk while it is being trained.

use candle_core::{Result, Tensor};

use super::{Activation, WIDTHS};
use crate::models::network::{Initial, TrainedLayers};
use crate::nn::trained::Rectifier;
use crate::nn::{Edge, Gate, Traced, Window, max_pool};

/// Draws the trunk's first weights.
///
/// # Errors
/// Where memory runs out.
pub fn initial(initial: &mut Initial, activation: Activation) -> Result<()> {
    let mut inputs = 1;
    for (block, width) in WIDTHS.into_iter().enumerate() {
        for half in 1..=2 {
            let outputs = activation.channels_before(width);
            initial.convolution(&format!("blocks.{block}.conv{half}"), inputs, outputs, &[3, 3])?;
            initial.batch_norm(&format!("blocks.{block}.bn{half}"), width)?;
            inputs = width;
        }
    }
    Ok(())
}

/// The trunk of chunks `[B, frames, bands]`: `[B, frames / 32, bands / 32, channels]`.
///
/// # Errors
/// Where the input has another shape or `layers` lack a weight.
pub fn traced(
    layers: &mut TrainedLayers,
    chunks: &Tensor,
    activation: Activation,
) -> Result<Traced> {
    let mut x = Traced::constant(chunks.unsqueeze(3)?);
    for (block, width) in WIDTHS.into_iter().enumerate() {
        for half in 1..=2 {
            let conv = format!("blocks.{block}.conv{half}");
            let sums = layers.convolution(&x, &conv, Window::SQUARE)?;
            let norm = format!("blocks.{block}.bn{half}");
            x = match activation {
                Activation::Rectifier => layers.batch_norm(&sums, &norm, Rectifier::Before)?,
                Activation::Gate => {
                    let gated = Gate::new(width)?.forward(&sums)?;
                    layers.batch_norm(&gated, &norm, Rectifier::None)?
                }
            };
        }
        x = max_pool(&x, Edge::Drop)?;
    }
    Ok(x)
}
