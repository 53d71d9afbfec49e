//! Dense-mel of Jeong and Lim (2018): a densely connected network on log-mels.
//!
//! The clip divided by its peak, zero-padded to two seconds, standardised; log-mel (64 bands, window
//! 1024, hop 128) in dB; batch norm a band; 3x3 convolution to 15 channels, joined behind the
//! log-mel; eight blocks in two dimensions ([`super::dense_net`]).
//!
//! The authors' log-mel is half of ours (`power_melgram=1.0`), which the batch norm makes up for, and
//! not less than 80 dB below the maximum, which ours has no limit for.

mod trained;

use super::dense_net::Layout;

pub use trained::DenseMelNetwork;

/// Samples that shorter clips are zero-padded to.
const LEAST_SAMPLES: usize = 64_000;
/// Samples from one frame to the next.
const HOP: usize = 128;
const BANDS: usize = 64;
/// Channels of the first convolution.
const FIRST: usize = 15;
const LAYOUT: Layout =
    Layout { inputs: 1 + FIRST, widths: [16, 32, 64, 128, 256, 512, 512, 512], axes: 2 };
