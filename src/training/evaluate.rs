//! How good a model is on labelled clips, and what is written of it.

use std::path::{Path, PathBuf};

use super::data_set::{DataSet, Part};
use super::error::TrainingError;
use crate::audio;
use crate::figure::{Chart, Confusion, Curve, Curves};
use crate::files;
use crate::metrics::Classification;
use crate::models::{Classifier, Labels};

/// Bins of the reliability diagram.
const BINS: usize = 10;

/// What a model said of a data set.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The model's labels.
    pub labels: Labels,
    /// What it said of the clips that could be read.
    pub said: Classification,
    /// The clips that could not, with why.
    pub failed: Vec<String>,
}

/// Lets the model name every recording of `part`, or all where there is none. `done` hears of each.
///
/// # Errors
/// Where the data set has a label that the model does not, or nothing could be named.
pub fn evaluate(
    model: &dyn Classifier,
    data: &DataSet,
    part: Option<Part>,
    limit_seconds: f64,
    mut done: impl FnMut(),
) -> Result<Evaluation, TrainingError> {
    let reason = |reason: String| TrainingError::Data { path: PathBuf::from(&data.name), reason };
    let labels = model.labels();
    let places = data.labels.iter().map(|name| {
        labels.find(name).map_err(|unknown| {
            reason(format!(
                "{unknown}. The model can't be evaluated on labels that it never learned"
            ))
        })
    });
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let mut said = Classification::new(labels.len());
    let mut failed = Vec::new();
    for recording in data.recordings.iter().filter(|r| part.is_none_or(|part| r.part == part)) {
        match audio::load(&recording.path, limit_seconds) {
            Ok(clip) => {
                let verdict = model.classify(&clip.samples)?;
                said.push(places[recording.label], &verdict.probabilities);
            }
            Err(error) => failed.push(error.to_string()),
        }
        done();
    }
    if said.is_empty() {
        let why = failed.first().map_or_else(
            || "it has no recordings of this part; --part all takes every one".to_owned(),
            |first| format!("none of its {} clips can be read: {first}", failed.len()),
        );
        return Err(reason(why));
    }
    Ok(Evaluation { labels: labels.clone(), said, failed })
}

impl Evaluation {
    /// The pairs that are confused most: true label, named label, clips.
    pub fn confusions(&self, most: usize) -> Vec<(usize, usize, usize)> {
        let confusion = self.said.confusion();
        let mut pairs: Vec<_> = confusion
            .iter()
            .enumerate()
            .flat_map(|(truth, row)| row.iter().enumerate().map(move |(said, &n)| (truth, said, n)))
            .filter(|&(truth, said, count)| truth != said && count > 0)
            .collect();
        pairs.sort_by_key(|&(_, _, count)| std::cmp::Reverse(count));
        pairs.truncate(most);
        pairs
    }

    /// Writes `NAME-confusion.csv`, `NAME-confusion.png`, `NAME-labels.csv` (clips and recall of
    /// each), `NAME-calibration.csv` and `NAME-calibration.png` into a folder, which is made.
    ///
    /// # Errors
    /// Where a file can't be written.
    pub fn write(&self, folder: &Path, name: &str, title: &str) -> Result<(), TrainingError> {
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| TrainingError::Write { path, source }
        };
        std::fs::create_dir_all(folder).map_err(write(folder))?;
        let names: Vec<&str> = self.labels.iter().collect();
        let confusion = self.said.confusion();
        let table = |file: &str, rows: Vec<Vec<String>>| {
            let path = folder.join(format!("{name}-{file}.csv"));
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in rows {
                writer.write_record(row).map_err(|e| write(&path)(std::io::Error::other(e)))?;
            }
            let bytes =
                writer.into_inner().map_err(|e| write(&path)(std::io::Error::other(e.to_string())));
            files::replace(&path, &bytes?).map_err(write(&path))
        };
        let text = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut rows = vec![[text(&["true label"]), text(&names)].concat()];
        for (label, counts) in names.iter().zip(&confusion) {
            let counts = counts.iter().map(usize::to_string).collect();
            rows.push([vec![(*label).to_owned()], counts].concat());
        }
        table("confusion", rows)?;
        let mut rows = vec![text(&["label", "clips", "recall"])];
        for ((label, count), recall) in names.iter().zip(self.said.counts()).zip(self.said.recall())
        {
            let recall = recall.map_or_else(String::new, |recall| format!("{recall:.4}"));
            rows.push(vec![(*label).to_owned(), count.to_string(), recall]);
        }
        table("labels", rows)?;
        let mut rows = vec![text(&["from", "to", "clips", "confidence", "accuracy"])];
        let bins = self.said.reliability(BINS);
        for (index, bin) in bins.iter().enumerate() {
            let edge = |index: usize| format!("{:.1}", index as f64 / BINS as f64);
            let share =
                |value: f64| if bin.count > 0 { format!("{value:.4}") } else { String::new() };
            rows.push(vec![
                edge(index),
                edge(index + 1),
                bin.count.to_string(),
                share(bin.confidence),
                share(bin.accuracy),
            ]);
        }
        table("calibration", rows)?;
        let labels = (0..self.labels.len()).map(|label| self.labels.title(label)).collect();
        let accuracy =
            format!("{title}: {:.1} % of {} clips", 100.0 * self.said.accuracy(), self.said.len());
        Confusion { title: accuracy, labels, counts: confusion }
            .write(&folder.join(format!("{name}-confusion.png")))?;
        let title =
            format!("{title}: expected calibration error {:.3}", self.said.calibration_error());
        let filled = bins.iter().filter(|bin| bin.count > 0);
        let observed = filled.map(|bin| (bin.confidence, bin.accuracy)).collect();
        let curve = |name: &str, points| Curve { name: name.to_owned(), points };
        let honest = curve("perfectly calibrated", vec![(0.0, 0.0), (1.0, 1.0)]);
        let chart = Chart {
            x_title: "Confidence".to_owned(),
            y_title: "Accuracy".to_owned(),
            y_range: Some([0.0, 1.0]),
            curves: vec![curve("observed", observed), honest],
        };
        let path = folder.join(format!("{name}-calibration.png"));
        Ok(Curves { title, charts: vec![chart] }.write(&path)?)
    }
}
