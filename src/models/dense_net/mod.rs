//! What the two densely connected networks of Jeong and Lim share, in two dimensions and in one:
//! "Audio tagging system for DCASE 2018: focusing on label noise, data augmentation and its
//! efficient learning" (the authors' code: finejuly/dcase2018_task2_cochlearai).
//!
//! Blocks of [batch norm, ReLU, convolution of one pixel; batch norm, ReLU, convolution of three
//! pixels a side; squeeze-and-excitation to half of the channels], the block's input joined behind
//! the result, max pool that keeps an odd last row or column; after the last block batch norm and
//! ReLU; eight heads, each dense a pixel, mean over the pixels, softmax. The mean comes first here:
//! both are linear. The heads' probabilities are averaged. The first convolution of a block has no
//! bias, other than the authors': the batch norm behind it would take it off.

mod trained;

pub use trained::{classify_trained, initial};

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

/// Channels that squeeze-and-excitation has inside.
fn reduced(width: usize) -> usize {
    width / 2
}
