//! The window: what people see, hear and press. No arithmetic of sound lives here.
//!
//! [`App`] owns the engine, the player and the tabs. Everything that can be asked of it is a
//! [`UiCommand`], whether a button, a key, a dropped file or a test asks.

mod about;
mod app;
mod command_palette;
mod compare;
mod demos;
mod dialogs;
mod dump;
mod experiments;
mod export_sheet;
mod frame_log;
mod help;
mod lab;
mod listen;
mod model_sheet;
mod notices;
mod pace;
mod recent;
mod record_sheet;
mod run;
mod settings;
mod tab;
mod text;
mod theme;
mod tour;
mod widgets;

pub use app::{App, UiCommand};
pub use experiments::ExperimentWish;
pub use listen::ListenCommand;
pub use notices::{Notice, NoticeKind, Notices};
pub use run::{Options, WindowError, run};
