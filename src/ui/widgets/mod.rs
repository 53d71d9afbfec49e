//! Small parts that every tab builds from.

mod bars;
mod button;
mod card;
mod chip;
mod device_picker;
mod icon;
mod rows;
mod segmented;
mod sheet;

pub use bars::{confidence_bar, progress_bar};
pub use button::{down_mark, icon_button, popup_button, primary_button, quiet_button};
pub use card::{caption, card, strip};
pub use chip::chip;
pub use device_picker::device_picker;
pub use icon::Icon;
pub use rows::{key_hint, row, row_check, row_text, sub_row};
pub use segmented::{Segment, segmented};
pub use sheet::{sheet, sheet_is_open};
