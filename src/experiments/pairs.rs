//! What targeted attacks came to from each label to each other: Table 4, and Figure 2 in numbers.

use super::attack_line::AttackLine;
use super::configuration::TARGETED_LABELS;
use super::paper::{self, Quantity};
use super::row::Row;
use super::statistics::mean;
use super::table::{Cell, Table};
use super::tables::{Results, percent, value};

impl Results {
    /// Table 4: the mean SNR of a targeted attack from each label to each other.
    pub fn pairs(&self, attack: &AttackLine) -> Table {
        let of_pair = |rows: &[&Row]| {
            let of_model = |model: &String| {
                let rows = rows.iter().filter(|row| row.model == *model);
                let snr = |row: &Row| value(row, attack, Quantity::Snr);
                rows.filter_map(|row| Some((row.clip.as_str(), snr(row)?))).collect()
            };
            let groups: Vec<_> = self.models.iter().map(of_model).collect();
            Cell::Number { ours: mean(&groups, self.seed), paper: None, decimals: 1 }
        };
        let (columns, rows) = self.of_pairs(attack, &of_pair);
        let mut notes = vec![
            "Means over the successes, then over the models.".to_owned(),
            paper::remark(4).to_owned(),
        ];
        let labels = self.targets();
        if !TARGETED_LABELS.iter().all(|label| labels.iter().any(|known| known == label)) {
            notes.push("These are not the paper's six labels.".to_owned());
        }
        let title = format!("Table 4: mean SNR in dB of {}, targeted", attack.title);
        Table { name: format!("table4-{}", attack.key), title, columns, rows, notes }
    }

    /// Figure 2 in numbers: how often a targeted attack got from each label to each other.
    pub fn rates(&self, attack: &AttackLine) -> Table {
        let of_pair = |rows: &[&Row]| {
            let reached = |row: &&'_ Row| percent(row.fooled());
            let group = rows.iter().map(|row| (row.clip.as_str(), reached(row))).collect();
            Cell::Number { ours: mean(&[group], self.seed), paper: None, decimals: 1 }
        };
        let (columns, rows) = self.of_pairs(attack, &of_pair);
        let notes = vec!["The items of all models together, as in the figure.".to_owned()];
        let title = format!("Figure 2 in numbers: success rate in % of {}, targeted", attack.title);
        Table { name: format!("figure2-{}", attack.key), title, columns, rows, notes }
    }

    /// The columns, and a row for each label with a cell for each other one, from the rows that were
    /// to lead from the one to the other.
    fn of_pairs(
        &self,
        attack: &AttackLine,
        cell: &dyn Fn(&[&Row]) -> Cell,
    ) -> (Vec<String>, Vec<Vec<Cell>>) {
        let labels = self.targets();
        let row = |from: &String| {
            let cell = |to: &String| {
                if from == to {
                    return Cell::Nothing;
                }
                let is_of = |row: &&Row| {
                    row.attack == attack.key
                        && row.label == *from
                        && row.target.as_ref() == Some(to)
                };
                cell(&self.counted(true).filter(is_of).collect::<Vec<_>>())
            };
            let name = Cell::Words(from.replace('_', " "));
            [name].into_iter().chain(labels.iter().map(cell)).collect()
        };
        let heads = labels.iter().map(|label| format!("to {}", label.replace('_', " ")));
        (["from".to_owned()].into_iter().chain(heads).collect(), labels.iter().map(row).collect())
    }
}
