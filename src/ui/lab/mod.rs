//! The Lab: one clip, one model, one attack, seen, heard and measured.
//!
//! [`Lab`] is the state; [`LabUi`] shows it, one file a card or pane.

mod all_models;
mod attack_button;
mod attack_card;
mod clip_card;
mod colour_bar;
mod confidences;
mod events;
mod hearing;
mod layout;
mod lessons;
mod live_plots;
mod measures;
mod model_card;
mod models;
mod outcome_card;
mod overview;
mod pane;
mod panes;
mod pictures;
mod places;
mod presenter;
mod recent_menu;
mod result;
mod results_card;
mod running;
mod sides;
mod sound_settings;
mod start;
mod state;
mod survival_card;
mod target_picker;
mod threads;
mod transport;
mod verdicts;
mod view;
mod view_bar;
mod waveform;

pub use events::News;
pub use layout::LabUi;
pub use models::{KnownModel, Models};
pub use places::Place;
pub use result::LabResult;
pub use running::Running;
pub use state::{Lab, Opening, Shown};
pub use survival_card::Survival;
