//! Dense-wav: the densely connected network of Jeong and Lim (2018) on the waveform. The authors
//! published how dense-mel is built, but not this one; its layout is ours.
//!
//! The clip divided by its peak, zero-padded to two seconds; batch norm; a learned filterbank, which
//! starts as 64 Gabor filters; batch norm, ReLU, max pool over four, `ln(1 + x)`: a spectrogram of
//! 500 frames a second; eight blocks in one dimension ([`super::dense_net`]).

mod filters;
mod trained;

use super::dense_net::Layout;
use crate::nn::Window;

pub use trained::DenseWavNetwork;

/// Samples that shorter clips are zero-padded to.
const LEAST_SAMPLES: usize = 64_000;
/// Filters of the learned filterbank.
const FILTERS: usize = 64;
/// Samples from one output of a filter to the next; clips are zero-padded to a multiple of it.
const STRIDE: usize = 16;
/// How long a filter is, in strides: odd.
const STRIDES: usize = 25;
/// Filters as convolutions of the waveform's pieces of [`STRIDE`] samples.
const WINDOW: Window = Window { height: 1, width: STRIDES };
/// How often pairs of a filter's outputs are reduced to their maximum.
const POOLS: usize = 2;
/// What the filters' batch norm starts with as its scale: this much goes into the logarithm.
const INITIAL_SCALE: f32 = 5.0;
const LAYOUT: Layout =
    Layout { inputs: FILTERS, widths: [64, 64, 128, 128, 256, 256, 512, 512], axes: 1 };
