//! The classifiers: one file a model, one trait, weights from safetensors files.

mod classifier;
mod crnn;
mod dense_mel;
mod dense_net;
mod dense_wav;
mod gcnn;
mod labels;
mod library;
mod network;

mod trunk;
mod vgg13;
mod weights;

pub use classifier::{Classifier, ModelCard, ModelId, ScoreKind};
pub use crnn::CrnnNetwork;
pub use dense_mel::DenseMelNetwork;
pub use dense_wav::DenseWavNetwork;
pub use gcnn::GcnnNetwork;
pub use labels::{FSDKAGGLE2018, Labels, Verdict};
pub use library::{ModelLibrary, build, find_weights, search_directories};
pub use network::{BATCH_NORM_EPS, Feed, Initial, NamedTensors, Network, TrainedLayers, network};
pub use vgg13::{CHUNK_FRAMES, Vgg13, Vgg13Network};
pub use weights::{Weights, WeightsError};
