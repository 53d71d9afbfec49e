//! The columns of the table: what each shows, and how rows are put in order by it.

use std::cmp::Ordering;

use super::comparison::{Row, RowState};
use crate::attacks::Status;
use crate::models::Labels;
use crate::ui::lab::{Lab, LabResult};
use crate::ui::text;

/// A column of words or numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The attack.
    Attack,
    /// The model.
    Model,
    /// The label that it hears now.
    Heard,
    /// How sure it is of that.
    Confidence,
    /// The SNR in dB.
    Snr,
    /// The noise-to-mask ratio in dB.
    NoiseToMask,
    /// Gradients, or questions to the model.
    Gradients,
    /// Seconds of the search.
    Seconds,
}

/// By what the table is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column; none for the order in which the attacks ran.
    pub column: Option<Column>,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { column: None, descending: true }
    }
}

impl Sort {
    /// What a click on a column's head makes of it: its natural order, the reverse, none.
    pub fn clicked(self, column: Column) -> Self {
        let natural = column.is_better_high();
        match self {
            Self { column: Some(sorted), descending } if sorted == column => {
                if descending == natural {
                    Self { column: Some(column), descending: !natural }
                } else {
                    Self::default()
                }
            }
            _ => Self { column: Some(column), descending: natural },
        }
    }
}

impl Column {
    /// All columns from left to right.
    pub const ALL: [Self; 8] = [
        Self::Attack,
        Self::Model,
        Self::Heard,
        Self::Confidence,
        Self::Snr,
        Self::NoiseToMask,
        Self::Gradients,
        Self::Seconds,
    ];

    /// Its head.
    pub fn title(self) -> &'static str {
        match self {
            Self::Attack => "Attack",
            Self::Model => "Model",
            Self::Heard => "Hears now",
            Self::Confidence => "Sure",
            Self::Snr => "SNR",
            Self::NoiseToMask => "To mask",
            Self::Gradients => "Gradients",
            Self::Seconds => "Time",
        }
    }

    /// What its head teaches.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Attack => "The attack that searched the change",
            Self::Model => "The model that was attacked",
            Self::Heard => "The label that this model hears in the changed clip",
            Self::Confidence => "The probability that it gives to that label",
            Self::Snr => "Signal-to-noise ratio: the higher, the smaller the change",
            Self::NoiseToMask => {
                "Noise-to-mask ratio: the lower, the better the clip hides the change. Around 0 dB \
                 it is just audible."
            }
            Self::Gradients => {
                "Gradients that were computed; for the black box, questions to the model"
            }
            Self::Seconds => "How long the search took",
        }
    }

    /// Whether large values come first when it is sorted first.
    fn is_better_high(self) -> bool {
        matches!(self, Self::Snr | Self::Confidence)
    }

    /// The words of a cell.
    pub fn words(self, row: &Row, result: Option<&LabResult>, lab: &Lab) -> String {
        match (self, result) {
            (Self::Attack, _) => match (row.job.goal.target(), labels_of(row, lab)) {
                (Some(target), Some(labels)) => {
                    format!("{} to {}", row.job.spec.id.title(), labels.title(target))
                }
                _ => row.job.spec.id.title().to_owned(),
            },
            (Self::Model, _) => lab.models.title(&row.job.model),
            (Self::Heard, Some(result)) if result.outcome.status == Status::Cancelled => {
                format!("{} (stopped early)", result.headline())
            }
            (Self::Heard, Some(result)) => result.headline(),
            (Self::Heard, None) => match &row.state {
                RowState::Waiting => "waiting".to_owned(),
                RowState::Running(_) => progress(lab),
                RowState::Failed => "failed".to_owned(),
                RowState::LeftOut => "stopped before".to_owned(),
                RowState::Ended(_) => String::new(),
            },
            (column, Some(result)) => {
                column.value(result).map_or("–".to_owned(), |value| match column {
                    Self::Confidence => format!("{value:.2}"),
                    Self::Gradients => text::thousands(value as usize),
                    Self::Seconds => text::duration(value),
                    _ => text::decibels(value, 1),
                })
            }
            (_, None) => String::new(),
        }
    }

    /// The number of a cell, where it is one.
    pub fn value(self, result: &LabResult) -> Option<f64> {
        let outcome = &result.outcome;
        let changed = result.was_changed();
        match self {
            Self::Attack | Self::Model | Self::Heard => None,
            Self::Confidence => Some(f64::from(outcome.adversarial.top().1)),
            Self::Snr => changed.then_some(outcome.metrics.snr_db),
            Self::NoiseToMask => changed.then_some(outcome.metrics.noise_to_mask.total_db),
            Self::Gradients => {
                let none = outcome.gradient_evaluations == 0;
                let count = if none { outcome.iterations } else { outcome.gradient_evaluations };
                Some(count as f64)
            }
            Self::Seconds => Some(outcome.seconds),
        }
    }

    /// Which of two cells comes first where the smallest does; what is empty always comes last.
    pub fn compare(
        self,
        one: (&Row, Option<&LabResult>),
        other: (&Row, Option<&LabResult>),
        lab: &Lab,
        descending: bool,
    ) -> Ordering {
        let in_order = |order: Ordering| if descending { order.reverse() } else { order };
        match (one.1, other.1) {
            (Some(a), Some(b)) => match (self.value(a), self.value(b)) {
                (Some(a), Some(b)) => in_order(a.total_cmp(&b)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => {
                    let words = |(row, result)| self.words(row, result, lab).to_lowercase();
                    in_order(words(one).cmp(&words(other)))
                }
            },
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

/// The labels of a row's model, once it is loaded.
fn labels_of<'a>(row: &Row, lab: &'a Lab) -> Option<&'a Labels> {
    Some(&lab.models.get(&row.job.model)?.card.as_ref()?.labels)
}

/// How far the attack under way is.
fn progress(lab: &Lab) -> String {
    let snapshot = lab.running.as_ref().and_then(|running| running.snapshot.as_ref());
    snapshot.map_or("getting ready…".to_owned(), |snapshot| {
        format!("step {} of {}", snapshot.iteration, snapshot.of)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_clicked_through_its_natural_order_the_reverse_and_none() {
        let first = Sort::default().clicked(Column::Snr);
        assert_eq!(first, Sort { column: Some(Column::Snr), descending: true });
        let second = first.clicked(Column::Snr);
        assert_eq!(second, Sort { column: Some(Column::Snr), descending: false });
        assert_eq!(second.clicked(Column::Snr), Sort::default());
        let time = second.clicked(Column::Seconds);
        assert_eq!(time, Sort { column: Some(Column::Seconds), descending: false });
    }
}
