//! CRNN of Iqbal et al. (2018): VGG13's convolutions, then a recurrent layer over time.

mod trained;

pub use trained::CrnnNetwork;

/// States of each direction of the recurrent layer.
const STATES: usize = 512;
