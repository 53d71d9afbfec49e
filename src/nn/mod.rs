//! What gradients flow through: the differentiable parts that Candle lacks, gets wrong or is slow at.
//!
//! Every layer here is frozen: it knows the gradient with respect to its input and computes no
//! gradient of its weights, which attacks never need. Forward and adjoint of a layer are written
//! once on slices, generic over `f32` (used) and `f64` (checked against finite differences), as a
//! `kernel::Kernel`; callers see layers that map tensors to tensors. A faster kernel goes behind
//! the same layer.

mod activation;
mod chunks;
mod conv;
mod dense;
mod element;
mod gemm;
mod kernel;
mod log_mel;
mod pool;

pub use activation::{BatchNorm, ReluAffine, Standardise};
pub use chunks::{Chunks, chunk_frames};
pub use conv::Conv3x3;
pub use dense::Dense;
pub use log_mel::{LogMel, LogMelConfig, PadMode};
pub use pool::max_pool_2x2;
