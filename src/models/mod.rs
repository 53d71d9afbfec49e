//! The classifiers: one file a model, one trait, weights from safetensors files.

mod classifier;
mod dense_mel;
mod dense_net;
mod dense_wav;
mod labels;
mod library;
mod network;
mod vgg13;
mod weights;

pub use classifier::{Classifier, ModelCard, ModelId, ScoreKind};
pub use dense_mel::DenseMelNetwork;
pub use dense_wav::DenseWavNetwork;
pub use labels::{FSDKAGGLE2018, Labels, Verdict};
pub use library::{ModelLibrary, find_weights, search_directories};
pub use network::{BATCH_NORM_EPS, Feed, Initial, NamedTensors, Network, TrainedLayers};
pub use vgg13::{CHUNK_FRAMES, Vgg13, Vgg13Network};
pub use weights::{Weights, WeightsError};
