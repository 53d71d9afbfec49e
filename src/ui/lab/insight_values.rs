//! What the read-out under the pointer says, in each kind of picture.

use super::LabUi;
use super::insight_pictures::Numbers;
use super::insights::PictureMode;
use crate::audio::player::Side;
use crate::dsp::Heights;
use crate::models::{FeatureKind, Inspection};
use crate::ui::text;

/// What a network's numbers are measured in; nothing where they have no unit.
pub(super) fn unit(inspection: &Inspection) -> &'static str {
    match inspection.features.as_ref().map(|features| features.kind) {
        Some(FeatureKind::LogMel) => "dB",
        Some(FeatureKind::StandardisedLogMel) => "σ",
        Some(FeatureKind::Filterbank) | None => "",
    }
}

impl LabUi<'_> {
    /// What is under the pointer on a side, without time and frequency.
    pub(super) fn value_at_cursor(&self, side: Side) -> String {
        match self.lab.insights.mode {
            PictureMode::Levels => self.level_words(side),
            PictureMode::Machine => self.fed_words(side),
            PictureMode::Listening => self.heat_words(side),
        }
    }

    fn level_words(&self, side: Side) -> String {
        let level = self.lab.level_at_cursor(side);
        let mut words = level.map_or("–".to_owned(), |level| text::decibels(level.into(), 0));
        if side == Side::Adversarial
            && let (Some(level), Some(original)) = (level, self.lab.level_at_cursor(Side::Original))
        {
            words += &format!(" · Δ {}", text::number(f64::from(level - original), 1));
        }
        words
    }

    /// The number that the network is fed there.
    fn fed_at_cursor(&self, side: Side) -> Option<f64> {
        let cursor = self.lab.cursor?;
        let Heights::Bands(bands) = self.heights() else { return None };
        let (band, _) = bands.band_at(cursor.height?)?;
        let picture = self.lab.insights.pictures.get(side, &self.lab.subject(side)?)?;
        match &picture.numbers {
            Numbers::Fed(grid, _) => grid.at(cursor.seconds, band).map(f64::from),
            Numbers::Heat(_) => None,
        }
    }

    fn fed_words(&self, side: Side) -> String {
        let Some(value) = self.fed_at_cursor(side) else { return "–".to_owned() };
        let unit = self.lab.inspection(Side::Original).map_or("", |inspection| unit(inspection));
        let number = match side {
            Side::Difference => text::signed(value, 2),
            Side::Original | Side::Adversarial => text::number(value, 2),
        };
        let words = format!("{number} {unit}");
        match (side, self.fed_at_cursor(Side::Original)) {
            (Side::Adversarial, Some(original)) => {
                format!("{} · Δ {}", words.trim_end(), text::signed(value - original, 2))
            }
            _ => words.trim_end().to_owned(),
        }
    }

    fn heat_words(&self, side: Side) -> String {
        let found = || {
            let cursor = self.lab.cursor?;
            let picture = self.lab.insights.pictures.get(side, &self.lab.subject(side)?)?;
            match &picture.numbers {
                Numbers::Heat(relevance) => relevance.at(cursor.seconds, cursor.hz?),
                Numbers::Fed(..) => None,
            }
        };
        let Some((value, share)) = found() else { return "–".to_owned() };
        let share = format!("{} %", percent(f64::from(share)));
        let value = f64::from(value);
        match side {
            _ if value == 0.0 => share,
            Side::Difference => format!("{share} · {}", small(value)),
            _ if self.lab.insights.gradient_alone => share,
            _ => format!("{share} · {} per dB", small(value)),
        }
    }
}

/// A share in percent, with as many decimals as tell small ones apart.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 0.005 {
        return "< 0.01".to_owned();
    }
    let decimals = if percent >= 9.95 {
        0
    } else if percent >= 0.095 {
        1
    } else {
        2
    };
    text::number(percent, decimals)
}

/// A signed number that may be far below one, "+2.1e−5".
fn small(value: f64) -> String {
    if value.abs() >= 0.01 {
        return text::signed(value, 3);
    }
    let written = format!("{value:+.1e}");
    written.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_keep_their_digits_and_signs() {
        assert_eq!([small(0.123), small(-0.5)], ["+0.123", "−0.500"]);
        assert_eq!([small(2.13e-5), small(-0.004)], ["+2.1e−5", "−4.0e−3"]);
        assert_eq!([1.0, 0.054, 0.0012].map(percent), ["100", "5.4", "0.1"]);
        assert_eq!([0.0004, 1e-9].map(percent), ["0.04", "< 0.01"]);
    }
}
