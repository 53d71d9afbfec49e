//! The background thread that owns the device and the models: commands in, events out.

mod handle;
mod message;
mod worker;

pub use handle::{Engine, EngineOptions};
pub use message::{
    AttackJob, ClipSource, Command, CommandId, Event, EventKind, SaveJob, Snapshot, TracePoint,
};
