//! How long the parts of a model and an attack take, and how much memory: what `mondegreen bench`
//! prints and `benches/` compares with others.

mod case;
mod memory;
mod report;
mod spread;
mod subject;
mod workload;

pub use case::{Case, Timing, interleave};
pub use memory::peak_resident_bytes;
pub use report::Report;
pub use spread::Spread;
pub use subject::Subject;
pub use workload::{ATTACKED_CLIP, CHUNK_SAMPLES, CLIP_SECONDS, Workload};
