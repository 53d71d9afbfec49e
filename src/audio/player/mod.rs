//! Hearing original, adversarial and difference, sample-locked.
//!
//! Three threads meet here and never wait for each other:
//! - the caller's (the window's) holds the [`Player`]; it writes atomics ([`Controls`]) and sends
//!   messages;
//! - the device thread opens, holds and reopens the output, resamples clips to its rate, and frees
//!   what the callback has done with;
//! - the audio callback owns the [`Mixer`]; it reads atomics, takes new clips from a lock-free
//!   queue and gives old ones back through another. It never allocates, locks or blocks.

mod buffers;
mod controls;
mod device;
mod handle;
mod limiter;
mod mixer;
mod output;
mod punctuality;
mod ramp;

pub use buffers::Buffers;
pub use controls::{Controls, Side};
pub use handle::{Player, PlayerState};
pub use limiter::DIFFERENCE_CEILING;
pub use mixer::{FADE_SECONDS, GAIN_SECONDS, Link, Mixer, mixer};
