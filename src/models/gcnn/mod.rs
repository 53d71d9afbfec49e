//! GCNN of Iqbal et al. (2018): VGG13 whose convolutions are gated.

mod trained;

pub use trained::GcnnNetwork;
