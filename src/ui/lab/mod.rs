//! The Lab: one clip, one model, one attack, seen, heard and measured.
//!
//! [`Lab`] is the state; [`LabUi`] shows it, one file a card or pane.

mod all_models;
mod answers;
mod attack_button;
mod attack_card;
mod chunks;
mod clip_card;
mod colour_bar;
mod confidences;
mod events;
mod hearing;
mod insight_pictures;
mod insight_values;
mod insights;
mod invitation;
mod layout;
mod live_plots;
mod measures;
mod model_card;
mod models;
mod newest;
mod outcome_card;
mod overview;
mod pane;
mod panes;
mod picture_bar;
mod pictures;
mod region;
mod result;
mod results_card;
mod running;
mod scales;
mod sides;
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
pub use insights::PictureMode;
pub use layout::LabUi;
pub use models::{KnownModel, Models};
pub use result::LabResult;
pub use running::Running;
pub use state::{Lab, Opening, Shown};
pub use survival_card::Survival;
