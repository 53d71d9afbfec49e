//! Mondegreen: hear, see and measure what makes a sound-event classifier mishear.
//!
//! A clip goes in; models name it; an attack searches the smallest change that makes a model
//! mishear it; people see, hear and measure the difference. `ARCHITECTURE.md` walks one clip
//! through the rooms below; an arrow there is the only direction in which a room may `use` another.

pub mod assets;
pub mod attacks;
pub mod audio;
pub mod cli;
pub mod dsp;
pub mod engine;
pub mod experiments;
pub mod export;
pub mod figure;
pub mod files;
pub mod lab_file;
pub mod listening;
pub mod metrics;
pub mod models;
pub mod names;
pub mod nn;
pub mod survival;
pub mod timing;
pub mod training;
pub mod ui;

/// The program's version, as `Cargo.toml` states it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
