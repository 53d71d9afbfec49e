//! How good a classifier is: accuracy, recall, confusion, MAP@3, cross entropy, calibration.

/// What a classifier said of labelled clips.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Classification {
    labels: usize,
    rows: Vec<(usize, Vec<f32>)>,
}

/// One bin of a reliability diagram (Guo et al., "On calibration of modern neural networks", 2017).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReliabilityBin {
    /// How many clips were named with a confidence in this bin.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that was named correctly.
    pub accuracy: f64,
}

impl Classification {
    /// Nothing said yet, of so many labels.
    pub fn new(labels: usize) -> Self {
        Self { labels, rows: Vec::new() }
    }

    /// Adds a clip: its true label and one probability a label.
    pub fn push(&mut self, truth: usize, probabilities: &[f32]) {
        self.rows.push((truth, probabilities.to_vec()));
    }

    /// How many clips there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn mean(&self, value: impl Fn(usize, &[f32]) -> f64) -> f64 {
        let sum: f64 = self.rows.iter().map(|(truth, row)| value(*truth, row)).sum();
        sum / self.rows.len() as f64
    }

    /// The share of clips whose most probable label is the true one, 0 to 1; NaN without clips.
    pub fn accuracy(&self) -> f64 {
        self.mean(|truth, row| f64::from(u8::from(top(row) == truth)))
    }

    /// Mean average precision at 3, the measure of the DCASE 2018 challenge: 1, 1/2 or 1/3 for a
    /// true label that is the first, second or third most probable, else 0; NaN without clips.
    pub fn map_at_3(&self) -> f64 {
        self.mean(|truth, row| match rank(row, truth) {
            place @ 0..3 => 1.0 / (place + 1) as f64,
            _ => 0.0,
        })
    }

    /// Mean negative logarithm of the true label's probability, in nats; NaN without clips.
    pub fn cross_entropy(&self) -> f64 {
        self.mean(|truth, row| -f64::from(row[truth]).max(1e-12).ln())
    }

    /// How many clips of each label there are.
    pub fn counts(&self) -> Vec<usize> {
        self.confusion().iter().map(|row| row.iter().sum()).collect()
    }

    /// For each label the share of its clips that is named correctly; none without clips.
    pub fn recall(&self) -> Vec<Option<f64>> {
        let confusion = self.confusion();
        let recall = |(label, row): (usize, &Vec<usize>)| {
            let count: usize = row.iter().sum();
            (count > 0).then(|| row[label] as f64 / count as f64)
        };
        confusion.iter().enumerate().map(recall).collect()
    }

    /// Mean of the labels' recalls, those without clips left out; NaN without clips.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<_> = self.recall().into_iter().flatten().collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    }

    /// `[true label][named label]` in clips.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        let mut counts = vec![vec![0; self.labels]; self.labels];
        for (truth, row) in &self.rows {
            counts[*truth][top(row)] += 1;
        }
        counts
    }

    /// How many clips `other` names otherwise, of the same clips in the same order.
    pub fn differently_named(&self, other: &Self) -> usize {
        self.rows.iter().zip(&other.rows).filter(|(a, b)| top(&a.1) != top(&b.1)).count()
    }

    /// The mean confidence of the clips that were named correctly, 0 to 1; none where none was.
    pub fn confidence_where_correct(&self) -> Option<f64> {
        let correct: Vec<_> = self
            .rows
            .iter()
            .filter(|(truth, row)| top(row) == *truth)
            .map(|(truth, row)| f64::from(row[*truth]))
            .collect();
        let sum: f64 = correct.iter().sum();
        (!correct.is_empty()).then(|| sum / correct.len() as f64)
    }

    /// Clips by the confidence of their most probable label, in equal bins from 0 to 1.
    pub fn reliability(&self, bins: usize) -> Vec<ReliabilityBin> {
        let mut result = vec![ReliabilityBin::default(); bins];
        for (truth, row) in &self.rows {
            let label = top(row);
            let confidence = f64::from(row[label]);
            let bin = ((confidence * bins as f64) as usize).min(bins - 1);
            result[bin].count += 1;
            result[bin].confidence += confidence;
            result[bin].accuracy += f64::from(u8::from(label == *truth));
        }
        for bin in result.iter_mut().filter(|bin| bin.count > 0) {
            bin.confidence /= bin.count as f64;
            bin.accuracy /= bin.count as f64;
        }
        result
    }

    /// Expected calibration error: the mean distance of confidence and accuracy over ten bins; NaN
    /// without clips.
    pub fn calibration_error(&self) -> f64 {
        let bins = self.reliability(10);
        let sum: f64 =
            bins.iter().map(|b| b.count as f64 * (b.confidence - b.accuracy).abs()).sum();
        sum / self.rows.len() as f64
    }
}

/// The most probable label, the first of equals.
fn top(row: &[f32]) -> usize {
    row.iter().enumerate().fold(0, |best, (i, p)| if *p > row[best] { i } else { best })
}

/// How many labels are more probable than this one, earlier ones of equals included.
fn rank(row: &[f32], label: usize) -> usize {
    let before = |(i, p): (usize, &f32)| *p > row[label] || (*p == row[label] && i < label);
    row.iter().enumerate().filter(|&(i, p)| before((i, p))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clips: named correctly with 0.6; second of three with 0.3; third with 0.1.
    fn three() -> Classification {
        let mut all = Classification::new(3);
        all.push(0, &[0.6, 0.3, 0.1]);
        all.push(1, &[0.6, 0.3, 0.1]);
        all.push(2, &[0.6, 0.3, 0.1]);
        all
    }

    #[test]
    fn accuracy_map_and_loss_by_hand() {
        let all = three();
        assert!((all.accuracy() - 1.0 / 3.0).abs() < 1e-12);
        assert!((all.map_at_3() - (1.0 + 0.5 + 1.0 / 3.0) / 3.0).abs() < 1e-12);
        let loss = -(0.6_f64.ln() + 0.3_f64.ln() + 0.1_f64.ln()) / 3.0;
        assert!((all.cross_entropy() - loss).abs() < 1e-6);
        assert_eq!(all.recall(), [Some(1.0), Some(0.0), Some(0.0)]);
        assert_eq!(all.confusion(), [[1, 0, 0], [1, 0, 0], [1, 0, 0]]);
        assert!((all.confidence_where_correct().unwrap() - 0.6).abs() < 1e-6);
        assert_eq!(Classification::new(3).confidence_where_correct(), None);
    }

    #[test]
    fn calibration_is_the_gap_between_confidence_and_accuracy() {
        // Confidence 0.6, a third is right.
        assert!((three().calibration_error() - (0.6 - 1.0 / 3.0)).abs() < 1e-6);
        let mut sure = Classification::new(2);
        sure.push(0, &[1.0, 0.0]);
        assert!(sure.calibration_error() < 1e-9);
        assert_eq!(sure.reliability(10)[9].count, 1);
    }

    #[test]
    fn equal_probabilities_rank_in_label_order() {
        let mut all = Classification::new(4);
        all.push(1, &[0.25; 4]);
        all.push(3, &[0.25; 4]);
        assert!((all.map_at_3() - 0.25).abs() < 1e-12);
        assert_eq!(all.recall(), [None, Some(0.0), None, Some(0.0)]);
    }
}
