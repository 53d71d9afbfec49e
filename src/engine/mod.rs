//! The background threads: the Lab's, which owns the device and the models (commands in, events
//! out), and an experiment's beside it.

mod backlog;
mod compute;
mod device;
mod experiment;
mod files;
mod handle;
mod message;
mod outbox;
mod threads;
mod trace;
mod worker;

pub use compute::Compute;
pub use device::{DeviceChoice, DeviceError, Gpu};
pub use experiment::{ExperimentEnd, ExperimentJob, ExperimentNews, ExperimentThread, Opened};
pub use handle::{DeviceInUse, Engine, EngineOptions};
pub use message::{
    AttackJob, ClipSource, Command, CommandId, Event, EventKind, SaveJob, Snapshot, SurvivalJob,
};
pub use threads::{Background, automatic_threads, most_threads, parse_threads, thread_pool};
