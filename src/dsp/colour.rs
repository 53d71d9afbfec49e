//! Colour maps whose lightness rises evenly, so that equal steps in dB look equal, in print and to
//! people who do not tell red from green as well.

use serde::{Deserialize, Serialize};

/// A map from a level in \[0, 1\] to a colour, dark to light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColourMap {
    /// Violet, teal, yellow.
    Viridis,
    /// Black, purple, orange, cream.
    #[default]
    Magma,
    /// Black, red, yellow.
    Inferno,
    /// Black to white.
    Grey,
}

impl ColourMap {
    /// All colour maps, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Viridis, Self::Magma, Self::Inferno, Self::Grey];

    /// The name for command lines and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "viridis",
            Self::Magma => "magma",
            Self::Inferno => "inferno",
            Self::Grey => "grey",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Viridis => "Viridis",
            Self::Magma => "Magma",
            Self::Inferno => "Inferno",
            Self::Grey => "Grey",
        }
    }

    /// The colour of a level in \[0, 1\] as sRGB; levels outside take the end colours, NaN the
    /// darkest.
    pub fn rgb(self, unit: f32) -> [u8; 3] {
        let unit = if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) };
        let gradient = match self {
            Self::Viridis => colorous::VIRIDIS,
            Self::Magma => colorous::MAGMA,
            Self::Inferno => colorous::INFERNO,
            Self::Grey => return [(unit * 255.0).round() as u8; 3],
        };
        gradient.eval_continuous(f64::from(unit)).as_array()
    }

    /// The colours of 256 evenly spaced levels.
    pub(super) fn table(self) -> [[u8; 3]; 256] {
        std::array::from_fn(|index| self.rgb(index as f32 / 255.0))
    }
}
