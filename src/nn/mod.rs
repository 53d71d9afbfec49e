//! What gradients flow through: the differentiable parts that Candle lacks, gets wrong or is slow at.
//!
//! Values are [`Traced`]: a tensor and how it came about. Images are channels-last,
//! `[B, H, W, C]`, so that the channels of a pixel lie side by side, which is what every inner loop
//! here runs over. Forward and adjoint of a layer are written once on slices, generic over `f32`
//! (used) and `f64` (checked against finite differences), as a `kernel::Kernel`; callers see layers
//! that map traced values to traced values.

mod affine;
mod centre_pad;
mod chunks;
mod concatenate;
mod conv;
mod dense;
mod element;
mod exp;
mod gate;
mod graph;
mod gru;
mod kernel;
mod lanes;
mod log_mel;
mod logarithm;
mod mean;
mod peak;
mod pool;
mod portable;
mod product;
mod rows;
mod softmax;
mod squeeze_excite;
mod standardise;
pub mod trained;
mod winograd;

pub use affine::{Affine, BatchNorm, Rectifier};
pub use centre_pad::CentrePad;
pub use chunks::{Chunks, chunk_frames};
pub use conv::{Conv, Window, convolution};
pub use dense::Dense;
pub use gate::Gate;
pub use graph::{Traced, differentiable};
pub use gru::{BiGru, GruWeights, bidirectional_gru};
pub use log_mel::{LogMel, LogMelConfig, PadMode};
pub use logarithm::log_1p;
pub use mean::{MeanOver, mean};
pub use peak::peak_normalise;
pub use pool::{Edge, max_pool};
pub use portable::by_tensor_operations;
pub use softmax::{log_softmax, softmax};
pub use squeeze_excite::{SqueezeExcite, SqueezeExciteWeights};
pub use standardise::Standardise;
