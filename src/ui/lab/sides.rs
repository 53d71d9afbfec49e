//! The sides that can be seen and heard.

use crate::audio::player::Side;

/// The three sides in the order in which they stand.
pub(super) const SIDES: [Side; 3] = [Side::Original, Side::Adversarial, Side::Difference];

/// The title of a side.
pub(super) fn title(side: Side) -> &'static str {
    match side {
        Side::Original => "Original",
        Side::Adversarial => "Adversarial",
        Side::Difference => "Difference",
    }
}
