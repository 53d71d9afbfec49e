//! The classifiers: one file or folder a model, one trait, weights from safetensors
//! files.

mod card;
mod chunked;
mod classifier;
mod crnn;
mod dense_mel;
mod dense_net;
mod dense_wav;
mod front_end;
mod gcnn;
mod groups;
mod inspection;
mod labels;
mod layers;
mod library;
mod network;
mod source;
mod target;
mod trunk;
mod vgg13;
mod weights;

pub use card::{ModelCard, about};
pub use chunked::{CHUNK_FRAMES, ChunkClassifier, ChunkNetwork};
pub use classifier::{Classifier, ModelId, ScoreKind};
pub use crnn::{Crnn, CrnnLayers, CrnnNetwork};
pub use dense_mel::{DenseMel, DenseMelNetwork};
pub use dense_wav::{DenseWav, DenseWavNetwork};
pub use front_end::{BANDS, FRAME_SAMPLES};
pub use gcnn::{Gcnn, GcnnLayers, GcnnNetwork};
pub use groups::{FSDKAGGLE2018_GROUPS, groups};
pub use inspection::{FeatureKind, Features, Inspection, Part};
pub use labels::{FSDKAGGLE2018, Labels, Verdict};
pub use library::{ModelLibrary, build, find_weights, open_weights, search_directories};
pub use network::{BATCH_NORM_EPS, Feed, Initial, NamedTensors, Network, TrainedLayers, network};
pub use source::{ModelSource, WEIGHTS_EXTENSION, is_weights_file};
pub use target::{TargetChoice, TargetRule};
pub use vgg13::{Vgg13, Vgg13Layers, Vgg13Network};
pub use weights::{Weights, WeightsError};
