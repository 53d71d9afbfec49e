//! What the networks of Iqbal, Kong, Plumbley and Wang ("General-purpose audio tagging from noisy
//! labels using convolutional neural networks", DCASE 2018; their code: tqbl/dcase2018_task2) have
//! in common: five blocks of twice [3x3 convolution, activation, batch norm] and a 2x2 max pool.

mod trained;

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
