//! What the colours of the pictures mean.

use super::LabUi;
use super::colour_bar::{Scale, plain};
use super::insight_pictures::{HEAT_SPAN_DB, Numbers};
use super::insight_values::{percent, unit};
use super::insights::PictureMode;
use crate::audio::player::Side;

impl LabUi<'_> {
    /// What the colours mean: one scale for both clips, another one for the difference.
    pub(super) fn scales(&self, shown: &[Side]) -> Vec<Scale> {
        let difference = shown.contains(&Side::Difference);
        let clips = !difference || shown.len() > 1;
        let mut scales = Vec::new();
        match self.lab.insights.mode {
            PictureMode::Levels => {
                let look = self.settings.look;
                if clips {
                    scales.push(Scale::decibels([look.floor_db, look.ceiling_db], false));
                }
                if difference {
                    scales.push(Scale::decibels(self.difference_range(), true));
                }
            }
            PictureMode::Machine => {
                let unit = self.lab.inspection(Side::Original).map_or("", |it| unit(it));
                let range = |side| {
                    let picture = self.lab.insights.pictures.get(side, &self.lab.subject(side)?)?;
                    match picture.numbers {
                        Numbers::Fed(_, range) => Some(range),
                        Numbers::Heat(_) => None,
                    }
                };
                let scale = |range, unit, of_difference| Scale {
                    range,
                    unit,
                    of_difference,
                    least_step: 0.01,
                    label: plain,
                };
                if let Some(range) = range(Side::Original).filter(|_| clips) {
                    scales.push(scale(range, unit, false));
                }
                if let Some(range) = range(Side::Difference).filter(|_| difference) {
                    let unit = if unit == "dB" { "Δ dB" } else { "Δ" };
                    scales.push(scale(range, unit, true));
                }
            }
            PictureMode::Listening => scales.push(Scale {
                range: [-HEAT_SPAN_DB, 0.0],
                unit: "%",
                of_difference: false,
                least_step: 10.0,
                label: |level, _| percent(10f64.powf(f64::from(level) / 10.0)),
            }),
        }
        scales
    }
}
