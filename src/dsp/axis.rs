//! Frequency axes: where on the height of a picture a frequency lies.

use serde::{Deserialize, Serialize};

use super::mel::{hz_to_mel, mel_to_hz};

/// The highest frequency of every axis, in Hz: half of the sample rate of a clip.
pub const NYQUIST_HZ: f64 = crate::audio::SAMPLE_RATE as f64 / 2.0;

/// Where the logarithmic axis begins, in Hz: the lower limit of hearing.
const LOG_START_HZ: f64 = 20.0;

/// How frequency is laid out from the bottom (0) to the top (1) of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrequencyAxis {
    /// Equal steps in Hz from 0 to [`NYQUIST_HZ`].
    Linear,
    /// Equal steps per octave from 20 Hz to [`NYQUIST_HZ`].
    Log,
    /// Equal steps in Slaney mel from 0 to [`NYQUIST_HZ`], close to what the ear and the models do.
    #[default]
    Mel,
}

impl FrequencyAxis {
    /// All axes, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Linear, Self::Log, Self::Mel];

    /// The name for command lines and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Log => "log",
            Self::Mel => "mel",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Linear => "Linear",
            Self::Log => "Logarithmic",
            Self::Mel => "Mel",
        }
    }

    /// The lowest frequency of the axis, in Hz.
    pub fn lowest_hz(self) -> f64 {
        match self {
            Self::Linear | Self::Mel => 0.0,
            Self::Log => LOG_START_HZ,
        }
    }

    /// The height in \[0, 1\] at which a frequency in Hz lies; frequencies off the axis land on
    /// its end.
    pub fn unit(self, hz: f64) -> f64 {
        let hz = hz.clamp(self.lowest_hz(), NYQUIST_HZ);
        match self {
            Self::Linear => hz / NYQUIST_HZ,
            Self::Log => (hz / LOG_START_HZ).ln() / (NYQUIST_HZ / LOG_START_HZ).ln(),
            Self::Mel => hz_to_mel(hz) / hz_to_mel(NYQUIST_HZ),
        }
    }

    /// The frequency in Hz at a height in \[0, 1\], the inverse of [`unit`](Self::unit); heights
    /// off the axis land on its end.
    pub fn hz(self, unit: f64) -> f64 {
        let unit = unit.clamp(0.0, 1.0);
        match self {
            Self::Linear => unit * NYQUIST_HZ,
            Self::Log => LOG_START_HZ * (NYQUIST_HZ / LOG_START_HZ).powf(unit),
            Self::Mel => mel_to_hz(unit * hz_to_mel(NYQUIST_HZ)),
        }
    }

    /// Round frequencies in Hz with their labels ("500", "1k", "1.5k"), rising: of a few sets
    /// that are spread well over the axis, the one whose size is nearest to `about`.
    pub fn ticks(self, about: usize) -> Vec<(f64, String)> {
        let sets: &[&[f64]] = match self {
            Self::Linear => &[
                &[0.0, 8e3, 16e3],
                &[0.0, 4e3, 8e3, 12e3, 16e3],
                &[0.0, 2e3, 4e3, 6e3, 8e3, 10e3, 12e3, 14e3, 16e3],
                &[
                    0.0, 1e3, 2e3, 3e3, 4e3, 5e3, 6e3, 7e3, 8e3, 9e3, 10e3, 11e3, 12e3, 13e3, 14e3,
                    15e3, 16e3,
                ],
            ],
            Self::Log => &[
                &[100.0, 1e3, 10e3],
                &[50.0, 200.0, 1e3, 4e3, 16e3],
                &[20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3],
                &[
                    20.0, 30.0, 50.0, 70.0, 100.0, 150.0, 200.0, 300.0, 500.0, 700.0, 1e3, 1.5e3,
                    2e3, 3e3, 5e3, 7e3, 10e3, 15e3,
                ],
            ],
            Self::Mel => &[
                &[0.0, 1e3, 4e3, 16e3],
                &[0.0, 500.0, 1e3, 2e3, 4e3, 8e3, 16e3],
                &[0.0, 250.0, 500.0, 750.0, 1e3, 1.5e3, 2e3, 3e3, 4e3, 6e3, 8e3, 12e3, 16e3],
            ],
        };
        let closest = sets.iter().min_by_key(|set| set.len().abs_diff(about));
        closest.into_iter().flat_map(|set| set.iter()).map(|&hz| (hz, tick_label(hz))).collect()
    }
}

/// A frequency in Hz as short as an axis wants it.
fn tick_label(hz: f64) -> String {
    if hz >= 1e3 { format!("{}k", hz / 1e3) } else { hz.to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn axes() -> impl Strategy<Value = FrequencyAxis> {
        prop::sample::select(FrequencyAxis::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn unit_and_hz_are_inverses(axis in axes(), unit in 0.0..=1.0, hz in 0.0..=NYQUIST_HZ) {
            prop_assert!((axis.unit(axis.hz(unit)) - unit).abs() < 1e-12);
            let hz = f64::max(hz, axis.lowest_hz());
            prop_assert!((axis.hz(axis.unit(hz)) / hz.max(1.0) - hz / hz.max(1.0)).abs() < 1e-12);
        }

        #[test]
        fn higher_is_further_up(axis in axes(), a in 20.0..NYQUIST_HZ, b in 20.0..NYQUIST_HZ) {
            prop_assume!((a - b).abs() > 1e-6);
            prop_assert_eq!(a < b, axis.unit(a) < axis.unit(b));
        }
    }

    #[test]
    fn the_ends_are_the_ends_and_beyond_them_nothing_changes() {
        for axis in FrequencyAxis::ALL {
            assert_eq!(axis.unit(axis.lowest_hz()), 0.0);
            assert_eq!(axis.unit(-5.0), 0.0);
            assert_eq!(axis.unit(NYQUIST_HZ), 1.0);
            assert_eq!(axis.unit(1e6), 1.0);
            assert_eq!(axis.hz(-1.0), axis.lowest_hz());
            assert!((axis.hz(2.0) - NYQUIST_HZ).abs() < 1e-9);
        }
        assert!((FrequencyAxis::Log.hz(0.5) - (20.0 * 16_000.0f64).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn ticks_rise_lie_on_the_axis_apart_from_each_other_and_are_about_as_many() {
        for axis in FrequencyAxis::ALL {
            for about in [0, 3, 5, 8, 12, 100] {
                let ticks = axis.ticks(about);
                assert!(ticks.len() >= 3, "{axis:?} {about}");
                if (3..=16).contains(&about) {
                    assert!(ticks.len().abs_diff(about) <= 3, "{axis:?} {about}: {ticks:?}");
                }
                let gap = 0.35 / ticks.len() as f64;
                for pair in ticks.windows(2) {
                    let apart = axis.unit(pair[1].0) - axis.unit(pair[0].0);
                    assert!(apart > gap, "{axis:?} {about}: {pair:?} only {apart} apart");
                }
                assert!(
                    ticks.iter().all(|(hz, _)| { (axis.lowest_hz()..=NYQUIST_HZ).contains(hz) })
                );
            }
        }
    }

    #[test]
    fn tick_labels_are_short() {
        let labels: Vec<String> =
            FrequencyAxis::Mel.ticks(13).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels[..6], ["0", "250", "500", "750", "1k", "1.5k"]);
    }
}
