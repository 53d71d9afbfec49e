//! The Listen tab: blind tests, set up, taken and reported on.
//!
//! [`Listening`] is the state; [`ListenUi`] shows set-up and results, [`session_page`] the pages of a
//! session, which fill the window so that nothing else gives an answer away.

mod background;
mod command;
mod draft;
mod known;
mod layout;
mod pages;
mod results;
mod running;
mod set_up;
mod state;
mod trial;

pub use command::ListenCommand;
pub use layout::ListenUi;
pub use pages::session_page;
pub use running::Running;
pub use state::{Listening, News, Page};
