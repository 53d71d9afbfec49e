//! Experiments: the paper's, on a data set, started, watched, resumed and read.
//!
//! [`Experiments`] is the state, [`ExperimentsUi`] shows it, [`ExperimentForm`] is what people fill
//! in. What is computed, `experiments/` does, on the thread of `engine/experiment.rs`.

mod data_set;
mod digest;
mod form;
mod layout;
mod progress;
mod results;
mod rows;
mod setup;
mod state;
mod wish;

pub use form::ExperimentForm;
pub use layout::ExperimentsUi;
pub use state::{Errand, Experiments, Phase};
pub use wish::ExperimentWish;
