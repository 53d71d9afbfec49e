//! Figures 1 to 3 from rows.

use std::collections::BTreeSet;

use super::attack_line::{AttackLine, attack_title};
use super::configuration::Configuration;
use super::error::ExperimentError;
use super::folder::RunFolder;
use super::row::Row;
use super::tables::{Results, model_title};
use crate::dsp::{Look, StftSettings};
use crate::figure::{Figure, Histogram, Histograms, Matrices, Matrix};

impl Results {
    /// Figure 1: which labels adversarial clips are given, for each untargeted attack; none where
    /// nobody was fooled.
    pub fn histograms(&self) -> Option<Histograms> {
        let fooled = |row: &&Row| row.fooled() && row.target.is_none();
        let labels: BTreeSet<&String> =
            self.rows.iter().filter(fooled).flat_map(|row| [&row.new_label, &row.label]).collect();
        let labels: Vec<&String> = labels.into_iter().collect();
        if labels.is_empty() {
            return None;
        }
        let panel = |attack: &&AttackLine| {
            let mut counts = vec![0; labels.len()];
            for row in self.rows.iter().filter(fooled).filter(|row| row.attack == attack.key) {
                if let Ok(place) = labels.binary_search(&&row.new_label) {
                    counts[place] += 1;
                }
            }
            let total: usize = counts.iter().sum();
            let title = format!("{}, {total} times fooled", attack.title);
            Histogram { title, counts }
        };
        Some(Histograms {
            title: "Labels that models give to untargeted adversarial clips, all models".to_owned(),
            labels: labels.iter().map(|label| label.replace('_', " ")).collect(),
            panels: self.attacks_of(false).iter().map(panel).collect(),
        })
    }

    /// Figure 2: of a targeted attack, the share of attacks from each label to each other that
    /// reached it, and, as the paper shows it, which share of a label's successes went to which
    /// target. All models, or one.
    pub fn matrices(&self, attack: &AttackLine, model: Option<&str>) -> Option<Matrices> {
        let labels = self.targets();
        let mut tried = vec![vec![0_usize; labels.len()]; labels.len()];
        let mut reached = tried.clone();
        let place = |label: &String| labels.binary_search(label).ok();
        for row in &self.rows {
            let is_of = row.attack == attack.key && model.is_none_or(|model| row.model == model);
            let Some(target) = row.target.as_ref().filter(|_| is_of && row.counts()) else {
                continue;
            };
            if let (Some(from), Some(to)) = (place(&row.label), place(target)) {
                tried[from][to] += 1;
                reached[from][to] += usize::from(row.fooled());
            }
        }
        if tried.iter().flatten().all(|&count| count == 0) {
            return None;
        }
        let all = 0..labels.len();
        let cells = |of: &dyn Fn(usize, usize) -> Option<f64>| {
            all.clone().map(|from| all.clone().map(|to| of(from, to)).collect()).collect()
        };
        let rates = cells(&|from, to| {
            let count = tried[from][to];
            (count > 0).then(|| 100.0 * reached[from][to] as f64 / count as f64)
        });
        let shares = cells(&|from, to| {
            let sum: usize = reached[from].iter().sum();
            (sum > 0 && tried[from][to] > 0).then(|| 100.0 * reached[from][to] as f64 / sum as f64)
        });
        let even = 100.0 / (labels.len().saturating_sub(1)).max(1) as f64;
        let whom = model.map_or("all models".to_owned(), model_title);
        Some(Matrices {
            title: format!("{}, targeted, {whom}", attack.title),
            labels: labels.iter().map(|label| label.replace('_', " ")).collect(),
            row_title: "Original label".to_owned(),
            column_title: "Target".to_owned(),
            panels: vec![
                Matrix {
                    title: "Success rate in %".to_owned(),
                    cells: rates,
                    most: 100.0,
                    decimals: 0,
                },
                Matrix {
                    title: "Share of the row's successes in %".to_owned(),
                    cells: shares,
                    most: 2.0 * even,
                    decimals: 0,
                },
            ],
        })
    }
}

/// Figure 3 of one row: both spectrograms, from the clean clip and the kept adversarial one. None
/// where that was not kept.
///
/// # Errors
/// As [`RunFolder::kept_pair`].
pub fn spectrograms(
    folder: &RunFolder,
    configuration: &Configuration,
    row: &Row,
) -> Result<Option<Figure>, ExperimentError> {
    let Some(pair) = folder.kept_pair(configuration, row)? else { return Ok(None) };
    Ok(Some(Figure {
        clip: pair.clean.name.to_string(),
        model: model_title(&row.model),
        attack: attack_title(&row.attack),
        original: pair.clean.samples,
        adversarial: pair.adversarial,
        original_label: (row.label.replace('_', " "), row.original_confidence),
        adversarial_label: (row.new_label.replace('_', " "), row.new_confidence),
        snr_db: row.snr_db.unwrap_or(f64::INFINITY),
        stft: StftSettings::default(),
        look: Look::default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::{AttackId, Preset};
    use crate::experiments::AttackEntry;
    use crate::experiments::plan::Item;

    fn row(label: &str, target: &str, fooled: bool) -> Row {
        let item = Item {
            id: format!("{label}{target}{fooled}"),
            label: label.to_owned(),
            attack: "lbfgs".to_owned(),
            target: Some(target.to_owned()),
            ..Item::example()
        };
        let status = if fooled { "fooled" } else { "not fooled" };
        Row { status: status.to_owned(), ..Row::failed(&item, String::new()) }
    }

    #[test]
    fn rates_are_of_attempts_and_shares_of_a_rows_successes() {
        let rows = vec![
            row("Bark", "Gong", true),
            row("Bark", "Gong", false),
            row("Bark", "Meow", true),
            row("Meow", "Bark", false),
        ];
        let mut results = Results::default();
        let attack = AttackEntry::new(AttackId::Lbfgs, Preset::Quick);
        results.add(rows, Vec::new(), &["vgg13".to_owned()], &[attack]);
        let attack = results.attacks[0].clone();
        let matrices = results.matrices(&attack, None).unwrap();
        assert_eq!(matrices.labels, ["Bark", "Gong", "Meow"]);
        let [rates, shares] = &matrices.panels[..] else { panic!("two panels") };
        assert_eq!(rates.cells[0], [None, Some(50.0), Some(100.0)]);
        assert_eq!(shares.cells[0], [None, Some(50.0), Some(50.0)]);
        assert_eq!(rates.cells[2], [Some(0.0), None, None]);
        assert_eq!(shares.cells[2], [None, None, None]);
        assert!(results.matrices(&attack, Some("crnn")).is_none());
    }
}
