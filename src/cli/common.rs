//! What subcommands share.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rayon::ThreadPool;
use serde_json::{Value, json};

use crate::engine::{self, DeviceChoice, EngineOptions};
use crate::models::{Classifier, ModelId, ModelLibrary, Verdict, search_directories};

/// Where and with what to compute.
#[derive(Args, Clone, Debug)]
pub struct Compute {
    /// Folder that holds the models' weights
    #[arg(long, value_name = "DIR", global = true)]
    pub models: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = DeviceChoice::find, global = true)]
    pub device: DeviceChoice,
    /// Computing threads (default: one a core)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), global = true)]
    pub threads: Option<u16>,
}

impl Compute {
    /// The same for the window's engine.
    pub fn engine_options(&self) -> EngineOptions {
        EngineOptions {
            model_directories: search_directories(self.models.as_deref()),
            threads: self.threads.map(usize::from),
            device: self.device,
        }
    }

    /// The models and the threads.
    ///
    /// # Errors
    /// Where the device does not exist here or threads can't be started.
    pub fn prepare(&self) -> Result<(ModelLibrary, ThreadPool), Failure> {
        self.device.resolve().map_err(Failure::Usage)?;
        let pool = engine::thread_pool(self.threads.map(usize::from)).map_err(Failure::Failed)?;
        Ok((ModelLibrary::new(search_directories(self.models.as_deref())), pool))
    }
}

/// Why a subcommand did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// It was asked for what does not exist: exit status 2.
    Usage(String),
    /// It could not do it: exit status 1.
    Failed(String),
    /// It did part of it and has said what failed: exit status 1.
    Partly(usize),
}

impl Failure {
    /// The exit status that DESIGN asks for.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Partly(_) => 1,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Failed(message) => f.write_str(message),
            Self::Partly(1) => f.write_str("1 clip could not be done"),
            Self::Partly(count) => write!(f, "{count} clips could not be done"),
        }
    }
}

/// A loaded model.
///
/// # Errors
/// Where its weights are missing or do not fit.
pub fn model(library: &mut ModelLibrary, id: ModelId) -> Result<Arc<dyn Classifier>, Failure> {
    library.get(id).map_err(|error| Failure::Failed(error.to_string()))
}

/// `{"label", "confidence"}` of one label.
pub fn label_json(verdict: &Verdict, label: usize) -> Value {
    json!({ "label": verdict.labels.name(label), "confidence": verdict.probability(label) })
}
