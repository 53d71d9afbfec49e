//! From labelled recordings to weights: data sets, augmentation, the trainer, checkpoints,
//! evaluation.

mod augment;
mod calibrate;
mod checkpoint;
mod data_set;
mod error;
mod evaluate;
mod examples;
mod export;
mod finish;
mod log;
mod optimiser;
mod recordings;
mod settings;
mod split;
mod trainer;

pub use augment::Augmentation;
pub use calibrate::calibrate;
pub use data_set::{DataSet, Part, Recording, UNVERIFIED_WEIGHT};
pub use error::TrainingError;
pub use evaluate::{Evaluation, evaluate};
pub use export::Trained;
pub use finish::{Report, finish};
pub use log::write_log;
pub use recordings::Recordings;
pub use settings::Settings;
pub use split::hold_back;
pub use trainer::{Epoch, Material, News, Place, Trainer};
