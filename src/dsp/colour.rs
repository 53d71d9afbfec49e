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

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE L* of an sRGB colour, 0 to 100.
    fn lightness(rgb: [u8; 3]) -> f64 {
        let linear = rgb.map(|code| {
            let s = f64::from(code) / 255.0;
            if s <= 0.04045 { s / 12.92 } else { ((s + 0.055) / 1.055).powf(2.4) }
        });
        let y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        if y <= 216.0 / 24389.0 { y * 24389.0 / 27.0 } else { 116.0 * y.cbrt() - 16.0 }
    }

    #[test]
    fn lightness_rises_all_the_way_and_evenly() {
        for map in ColourMap::ALL {
            let lightness: Vec<f64> = map.table().into_iter().map(lightness).collect();
            let whole = lightness[255] - lightness[0];
            assert!(whole > 70.0, "{map:?} spans {whole}");
            for (index, pair) in lightness.windows(2).enumerate() {
                // Rounding to 8 bits a channel moves L* by up to about 0.3.
                assert!(pair[1] > pair[0] - 0.3, "{map:?} darkens at {index}: {pair:?}");
            }
            for (index, part) in lightness.chunks(32).enumerate() {
                let rise = (part[31] - part[0]) / whole * 255.0 / 31.0;
                assert!((0.4..1.6).contains(&rise), "{map:?} part {index} rises by {rise}");
            }
        }
    }

    #[test]
    fn known_ends_and_levels_outside() {
        assert_eq!(ColourMap::Viridis.rgb(0.0), [0x44, 0x01, 0x54]);
        assert_eq!(ColourMap::Magma.rgb(1.0), [0xfc, 0xfd, 0xbf]);
        assert_eq!(ColourMap::Inferno.rgb(0.0), [0x00, 0x00, 0x04]);
        assert_eq!(ColourMap::Grey.rgb(0.5), [128; 3]);
        for map in ColourMap::ALL {
            assert_eq!(map.rgb(-3.0), map.rgb(0.0));
            assert_eq!(map.rgb(f32::NAN), map.rgb(0.0));
            assert_eq!(map.rgb(f32::INFINITY), map.rgb(1.0));
        }
    }
}
