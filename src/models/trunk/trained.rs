//! The trunk while it is being trained.

use candle_core::{Result, Tensor};

use super::{Activation, Place, places};
use crate::models::network::{Initial, TrainedLayers};
use crate::nn::{Edge, Gate, Rectifier, Traced, Window, max_pool};

/// Draws the trunk's first weights.
///
/// # Errors
/// Where memory runs out.
pub fn initial(initial: &mut Initial, activation: Activation) -> Result<()> {
    for Place { convolution, norm, inputs, width, .. } in places() {
        let outputs = activation.channels_before(width);
        initial.convolution(&convolution, inputs, outputs, &[3, 3])?;
        initial.batch_norm(&norm, width)?;
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
    for Place { convolution, norm, width, pool, .. } in places() {
        let sums = layers.convolution(&x, &convolution, Window::SQUARE)?;
        x = match activation {
            Activation::Rectifier => layers.batch_norm(&sums, &norm, Rectifier::Before)?,
            Activation::Gate => {
                layers.batch_norm(&Gate::new(width)?.forward(&sums)?, &norm, Rectifier::None)?
            }
        };
        if pool {
            x = max_pool(&x, Edge::Drop)?;
        }
    }
    Ok(x)
}
