//! Recording a short clip from a microphone.
//!
//! Three threads, as in the [player](super::player), and none waits for another:
//! - the caller's (the window's) holds the [`Recorder`]; it sends orders and reads the state;
//! - the recording thread opens the microphone, empties the queue, meters, and writes the file;
//! - the audio callback owns the [`Capture`]; it mixes down to mono and fills a lock-free queue. It
//!   never allocates, locks or blocks.

mod capture;
mod handle;
mod input;
mod keep;
mod meter;
mod session;

pub use capture::{Capture, Captured, capture};
pub use handle::Recorder;
pub use session::{LIMIT_SECONDS, Phase, RecorderState, Recording};
