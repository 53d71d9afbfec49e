//! What gradients flow through: the differentiable parts that Candle lacks, gets wrong or is slow at.
//!
//! Values are [`Traced`]: a tensor and how it came about. Images are channels-last,
//! `[B, H, W, C]`, so that the channels of a pixel lie side by side, which is what every inner loop
//! here runs over. Forward and adjoint of a layer are written once on slices, generic over `f32`
//! (used) and `f64` (checked against finite differences), as a `kernel::Kernel`; callers see layers
//! that map traced values to traced values.

mod activation;
mod chunks;
mod conv;
mod dense;
mod element;
mod graph;
mod kernel;
mod lanes;
mod log_mel;
mod pool;
mod portable;
mod product;
pub mod trained;
mod winograd;

pub use activation::{BatchNorm, ReluAffine, Standardise};
pub use chunks::{Chunks, chunk_frames};
pub use conv::{Conv, Window, convolution};
pub use dense::Dense;
pub use graph::{Traced, differentiable};
pub use log_mel::{LogMel, LogMelConfig, PadMode};
pub use pool::{Edge, max_pool};
pub use portable::by_tensor_operations;
