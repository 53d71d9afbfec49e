//! Blind listening tests: can people hear it? Stimuli, protocols, the hidden order, the session as a
//! state machine, a log that loses nothing, and what can be concluded.
//!
//! A test is a [`TestFile`] (TOML) whose sounds become [`Stimuli`]. A [`Session`] goes through it
//! with one participant: it shows a [`Screen`], takes an [`Action`], and writes each answer to a
//! [`Log`] before the next trial. A [`Report`] reads logs. The window and simulated listeners
//! ([`simulate`]) drive the same session. Nothing here knows windows, threads or sound cards.

pub mod adaptive;
mod entry;
mod error;
mod log;
mod plan;
mod protocol;
mod report;
mod screen;
mod session;
pub mod simulate;
pub mod stats;
mod stimuli;
mod test_file;

pub use entry::{Answered, Entry, LoggedStimulus, SCHEMA, Start, Trial as LoggedTrial};
pub use error::ListenError;
pub use log::{Log, LogFile, Verified, read_log, verify};
pub use plan::{Arrangement, Part, Plan, PlannedTrial};
pub use protocol::{Answer, Protocol, Slot};
pub use report::{
    LoggedSession, MeanThreshold, Participant, Pooled, RATES, Report, Said, Summary, TestPower,
    Threshold,
};
pub use screen::{Action, Environment, Screen, Sounds, TrialScreen};
pub use session::Session;
pub use stimuli::{HEADROOM, Stimuli, Stimulus, at_snr};
pub use test_file::{Adaptive, Order, Playback, StimulusEntry, TEST_VERSION, TestFile};
