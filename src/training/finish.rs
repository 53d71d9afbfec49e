//! What is said of finished weights: accuracies, measured on what will be in the file.

use super::data_set::Recording;
use super::error::TrainingError;
use super::export::Trained;
use super::recordings::Recordings;
use super::trainer::{Place, model};
use crate::metrics::Classification;
use crate::models::Classifier;

/// The accuracies of a weights file.
#[derive(Clone, Debug)]
pub struct Report {
    /// On the test part, if there is one, with weights as in the file.
    pub test: Option<Classification>,
    /// On the recordings that it learned from.
    pub learned: Classification,
    /// Test recordings that are named otherwise with weights in `f32`.
    pub changed_by_rounding: usize,
}

/// What the model says of these recordings.
///
/// # Errors
/// Where one can't be read.
pub fn classify_all(
    model: &dyn Classifier,
    list: &[&Recording],
    recordings: &Recordings,
    chosen: impl IntoIterator<Item = usize>,
) -> Result<Classification, TrainingError> {
    let mut said = Classification::new(model.labels().len());
    for index in chosen {
        let verdict = model.classify(&recordings.read(index)?)?;
        said.push(list[index].label, &verdict.probabilities);
    }
    Ok(said)
}

/// Measures the weights on the recordings to `learn` from (at most 500 of them, evenly picked) and
/// on the `test` ones, and notes the results in the metadata.
///
/// # Errors
/// Where a recording can't be read, or the weights do not fit together.
pub fn finish(
    trained: &mut Trained,
    [list, test_list]: [&[&Recording]; 2],
    [recordings, test]: [&Recordings; 2],
    learn: &[usize],
    place: &Place,
) -> Result<Report, TrainingError> {
    let rounded = model(trained, true, place)?;
    let classifier = rounded.as_ref();
    let some = learn.iter().copied().step_by(learn.len().div_ceil(500).max(1));
    let learned = classify_all(classifier, list, recordings, some)?;
    let (mut tested, mut changed_by_rounding) = (None, 0);
    if !test.is_empty() {
        let said = classify_all(classifier, test_list, test, 0..test.len())?;
        let whole = model(trained, false, place)?;
        let exact = classify_all(whole.as_ref(), test_list, test, 0..test.len())?;
        changed_by_rounding = said.differently_named(&exact);
        tested = Some(said);
    }
    let mut note = |name: &str, value: f64| {
        if value.is_finite() {
            trained.metadata.insert(name.to_owned(), format!("{value:.4}"));
        }
    };
    note("training_accuracy", learned.accuracy());
    if let Some(said) = &tested {
        note("test_accuracy", said.accuracy());
        note("test_map_at_3", said.map_at_3());
        note("test_balanced_accuracy", said.balanced_accuracy());
        if let Some(confidence) = said.confidence_where_correct() {
            note("test_confidence_where_correct", confidence);
        }
        trained.metadata.insert("test_clips".to_owned(), said.len().to_string());
    }
    Ok(Report { test: tested, learned, changed_by_rounding })
}
