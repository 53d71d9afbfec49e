//! Tables 1 to 5 from the rows of one or several runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::attack_entry::AttackEntry;
use super::attack_line::AttackLine;
use super::configuration::Configuration;
use super::machine::Contestant;
use super::paper::{self, Quantity};
use super::row::Row;
use super::statistics::mean;
use super::survey::{Heard, Survey};
use super::table::{Cell, Table};
use crate::models::ModelId;

/// What tables are made of.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The last row of each item, untargeted and targeted.
    pub rows: Vec<Row>,
    /// What models said of the clean clips.
    pub survey: Vec<Heard>,
    /// The models, in the order in which they are shown.
    pub models: Vec<String>,
    /// The attacks, in the order in which they are shown.
    pub attacks: Vec<AttackLine>,
    /// The labels that a targeted run aims at and from, whether it has got there or not.
    pub aimed: BTreeSet<String>,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// How many items more than one run has done: each counts once.
    pub doubles: usize,
    /// How many of these with another seed, or another revision of the attack, and another result:
    /// the first run's counts.
    pub differing: usize,
}

impl Results {
    /// Adds what another run found so far. Models come in the order of its configuration.
    pub fn add_run(&mut self, configuration: &Configuration, rows: Vec<Row>, survey: Vec<Heard>) {
        if self.rows.is_empty() && self.survey.is_empty() {
            self.seed = configuration.seed;
        }
        let sources = configuration.sources().unwrap_or_default();
        let order: Vec<String> = sources.iter().map(Contestant::name_of).collect();
        let heard: BTreeSet<&String> = survey.iter().map(|heard| &heard.model).collect();
        let mut models: Vec<String> = heard.into_iter().cloned().collect();
        models.sort_by_key(|name| order.iter().position(|known| known == name));
        self.aimed.extend(configuration.aimed());
        self.add(rows, survey, &models, &configuration.attacks);
    }

    /// Adds what another run found; models and attacks that are new come last. Attacks of one name
    /// but other settings, such as those of a quick run and a small thorough one, stay apart; what
    /// two runs have both done counts once, as the first one has it unless it failed there.
    pub fn add(
        &mut self,
        rows: Vec<Row>,
        survey: Vec<Heard>,
        models: &[String],
        attacks: &[AttackEntry],
    ) {
        for model in models {
            if !self.models.contains(model) {
                self.models.push(model.clone());
            }
        }
        let called: HashMap<String, String> =
            AttackLine::merge(&mut self.attacks, attacks).into_iter().collect();
        let key = |row: &Row| (row.id.clone(), row.attack.clone());
        let there = self.rows.iter().enumerate();
        let there: HashMap<_, usize> = there.map(|(place, row)| (key(row), place)).collect();
        for row in rows {
            let attack = called.get(&row.attack).cloned().unwrap_or(row.attack.clone());
            let row = Row { attack, ..row };
            match there.get(&key(&row)) {
                None => self.rows.push(row),
                Some(&place) => {
                    let known = &self.rows[place];
                    self.doubles += 1;
                    self.differing +=
                        usize::from(known.work != row.work && !known.agrees_with(&row));
                    if known.is_failed() {
                        self.rows[place] = row;
                    }
                }
            }
        }
        // What one run could not find out another may have.
        let answered = self.survey.iter().filter(|h| h.heard.is_some());
        let answered: BTreeSet<(String, String, String)> =
            answered.map(|h| (h.clip.clone(), h.model.clone(), h.weights.clone())).collect();
        let new = survey
            .into_iter()
            .filter(|h| !answered.contains(&(h.clip.clone(), h.model.clone(), h.weights.clone())));
        self.survey.extend(new);
    }

    pub(super) fn counted<'a>(&'a self, targeted: bool) -> impl Iterator<Item = &'a Row> + 'a {
        self.rows.iter().filter(move |row| row.counts() && row.target.is_some() == targeted)
    }

    /// The attacks that untargeted (or targeted) rows are of.
    pub fn attacks_of(&self, targeted: bool) -> Vec<&AttackLine> {
        let used =
            |attack: &&AttackLine| self.counted(targeted).any(|row| row.attack == attack.key);
        self.attacks.iter().filter(used).collect()
    }

    /// The labels that are aimed at and from, in the order of the alphabet, as the data set spells
    /// them where rows tell: a configuration may spell them otherwise.
    pub fn targets(&self) -> Vec<String> {
        let of_row = |row: &'_ Row| [Some(row.label.clone()), row.target.clone()];
        let spelled = self.counted(true).flat_map(of_row).flatten();
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        for label in spelled.chain(self.aimed.iter().cloned()) {
            labels.entry(crate::names::fold(&label)).or_insert(label);
        }
        let mut labels: Vec<String> = labels.into_values().collect();
        labels.sort_unstable();
        labels
    }

    /// All tables that there is something to put into.
    pub fn tables(&self) -> Vec<Table> {
        let mut tables = vec![self.accuracies()];
        if self.counted(false).next().is_some() {
            tables.extend([self.by_attack(), self.by_model()]);
        }
        for attack in self.attacks_of(true) {
            tables.extend([self.pairs(attack), self.rates(attack)]);
        }
        for attack in self.attacks_of(false) {
            tables.extend(self.transfer(attack));
        }
        tables
    }

    /// Table 1: what the models make of the clean clips.
    pub fn accuracies(&self) -> Table {
        let row = |model: &String| {
            let said = self.survey.iter().filter(|heard| heard.model == *model);
            let known = said.filter(|heard| heard.heard.is_some());
            let group = known.map(|h| (h.clip.as_str(), percent(h.is_right()))).collect();
            let ours = mean(&[group], self.seed);
            let paper = ModelId::find(model).ok().map(paper::accuracy);
            vec![Cell::Words(model_title(model)), Cell::Number { ours, paper, decimals: 1 }]
        };
        let mut notes =
            vec!["Of the clips of the chosen split and labels that can be read.".to_owned()];
        let broken = Survey::new(self.survey.iter().cloned()).left_out();
        let broken = broken.iter().filter(|clip| clip.model.is_some()).count();
        if broken > 0 {
            notes.push(format!("{broken} answers are missing, of models that failed."));
        }
        notes.push(paper::remark(1).to_owned());
        Table {
            name: "table1".to_owned(),
            title: "Table 1: accuracy on the clean clips".to_owned(),
            columns: ["Model", "Accuracy %"].map(str::to_owned).to_vec(),
            rows: self.models.iter().map(row).collect(),
            notes,
        }
    }

    /// One quantity of an attack on each model, untargeted.
    fn groups<'a>(
        &'a self,
        attack: &AttackLine,
        models: &[&String],
        quantity: Quantity,
    ) -> Vec<Vec<(&'a str, f64)>> {
        let of_model = |model: &&String| {
            let rows = self.counted(false);
            let rows = rows.filter(|row| row.attack == attack.key && row.model == **model);
            let value = |row: &'a Row| Some((row.clip.as_str(), value(row, attack, quantity)?));
            rows.filter_map(value).collect()
        };
        models.iter().map(of_model).collect()
    }

    /// Table 2: each untargeted attack, all models.
    pub fn by_attack(&self) -> Table {
        let models: Vec<&String> = self.models.iter().collect();
        let row = |attack: &&AttackLine| {
            let cell = |quantity: Quantity| {
                let ours = mean(&self.groups(attack, &models, quantity), self.seed);
                let paper = attack.id.filter(|_| attack.is_the_papers());
                let paper = paper.and_then(|attack| paper::untargeted(attack, quantity));
                Cell::Number { ours, paper, decimals: quantity.decimals() }
            };
            let name = Cell::Words(attack.title.clone());
            [name].into_iter().chain(Quantity::ALL.map(cell)).collect()
        };
        Table {
            name: "table2".to_owned(),
            title: "Table 2: untargeted attacks, mean over the models".to_owned(),
            columns: columns(&["Attack"]),
            rows: self.attacks_of(false).iter().map(row).collect(),
            notes: vec![QUANTITIES.to_owned(), paper::remark(2).to_owned()],
        }
    }

    /// Table 3: each untargeted attack on each model.
    pub fn by_model(&self) -> Table {
        let mut rows = Vec::new();
        for attack in self.attacks_of(false) {
            for model in &self.models {
                let cell = |quantity: Quantity| {
                    let ours = mean(&self.groups(attack, &[model], quantity), self.seed);
                    let id = attack.id.filter(|_| attack.is_the_papers());
                    let ids = id.zip(ModelId::find(model).ok());
                    let paper = ids
                        .and_then(|(attack, model)| paper::untargeted_on(attack, model, quantity));
                    Cell::Number { ours, paper, decimals: quantity.decimals() }
                };
                let names = [attack.title.clone(), model_title(model)].map(Cell::Words);
                rows.push(names.into_iter().chain(Quantity::ALL.map(cell)).collect());
            }
        }
        Table {
            name: "table3".to_owned(),
            title: "Table 3: untargeted attacks on each model".to_owned(),
            columns: columns(&["Attack", "Model"]),
            rows,
            notes: vec![QUANTITIES.to_owned(), paper::remark(3).to_owned()],
        }
    }

    /// Table 5: how often a clip that fools one model fools another; none where nobody was asked.
    pub fn transfer(&self, attack: &AttackLine) -> Option<Table> {
        let success = |row: &&Row| row.attack == attack.key && row.fooled();
        let successes: Vec<&Row> = self.counted(false).filter(success).collect();
        let rows: Vec<&Row> =
            successes.iter().copied().filter(|row| row.transfer.is_some()).collect();
        if rows.is_empty() {
            return None;
        }
        let row = |source: &String| {
            let cell = |target: &String| {
                if source == target {
                    return Cell::Nothing;
                }
                let of_source = rows.iter().filter(|row| row.model == *source);
                let answers = of_source.filter_map(|row| {
                    let mut all = row.transfer.iter().flatten();
                    // A model that misnames the clean clip can't be fooled about it.
                    let asked = all.find(|one| one.model == *target && one.clean == row.label)?;
                    Some((row.clip.as_str(), percent(asked.fooled())))
                });
                let ours = mean(&[answers.collect()], self.seed);
                Cell::Number { ours, paper: None, decimals: 1 }
            };
            let name = Cell::Words(model_title(source));
            [name].into_iter().chain(self.models.iter().map(cell)).collect()
        };
        let heads = self.models.iter().map(|model| format!("fools {} %", model_title(model)));
        let title = &attack.title;
        let mut notes = vec![
            "Of the successes on clips that the other model names rightly when they are clean."
                .to_owned(),
        ];
        let asked = |row: &&&Row| row.has_answers_of(self.models.iter().map(String::as_str));
        let unasked = successes.len() - successes.iter().filter(asked).count();
        if unasked > 0 {
            notes.push(format!(
                "Of {} successes, not all other models were asked about {unasked}: `mondegreen \
                 experiment transfer` asks where clips were kept, `run --retry` attacks again where \
                 not.",
                successes.len()
            ));
        }
        notes.push(paper::remark(5).to_owned());
        Some(Table {
            name: format!("table5-{}", attack.key),
            title: format!("Table 5: transfer of {title}, from the attacked model (row) to others"),
            columns: ["made for".to_owned()].into_iter().chain(heads).collect(),
            rows: self.models.iter().map(row).collect(),
            notes,
        })
    }
}

const QUANTITIES: &str = "Success is the share of the attacked clips, all of which the model names \
    rightly when they are clean. Confidences and SNR are means over the successes; the SNR of \
    attacks at a fixed one is over all.";

fn columns(names: &[&str]) -> Vec<String> {
    let quantities = Quantity::ALL.map(Quantity::title);
    names.iter().chain(&quantities).map(|&name| name.to_owned()).collect()
}

pub(super) fn percent(yes: bool) -> f64 {
    if yes { 100.0 } else { 0.0 }
}

pub(super) fn value(row: &Row, attack: &AttackLine, quantity: Quantity) -> Option<f64> {
    match quantity {
        Quantity::Success => Some(percent(row.fooled())),
        // At a fixed SNR there is one, whether anybody was fooled or not.
        Quantity::Snr if attack.has_fixed_snr() => row.snr_db,
        _ if !row.fooled() => None,
        Quantity::NewConfidence => Some(f64::from(row.new_confidence)),
        Quantity::OriginalConfidence => Some(f64::from(row.original_confidence_after)),
        Quantity::Snr => row.snr_db,
    }
}

/// A model's name in rows, for people.
pub fn model_title(name: &str) -> String {
    ModelId::find(name).map_or_else(|_| name.to_owned(), |id| id.title().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::{AttackId, Preset};
    use crate::experiments::plan::Item;
    use crate::experiments::row::Asked;

    fn row(model: &str, clip: &str, target: Option<&str>, snr: Option<f64>) -> Row {
        let item = Item {
            id: format!("{model}{clip}{target:?}"),
            clip: clip.to_owned(),
            model: model.to_owned(),
            attack: "carlini-wagner".to_owned(),
            target: target.map(str::to_owned),
            ..Item::example()
        };
        let status = if snr.is_some() { "fooled" } else { "not fooled" };
        let new = if snr.is_some() { "Meow" } else { "Bark" };
        Row {
            status: status.to_owned(),
            new_label: new.to_owned(),
            new_confidence: 0.75,
            snr_db: snr,
            ..Row::failed(&item, String::new())
        }
    }

    fn results(rows: Vec<Row>) -> Results {
        let mut results = Results::default();
        let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let attack = AttackEntry::new(AttackId::CarliniWagner, Preset::Quick);
        results.add(rows, Vec::new(), &names(&["vgg13", "crnn"]), &[attack]);
        results
    }

    fn found(cell: &Cell) -> (f64, usize) {
        match cell {
            Cell::Number { ours: Some(mean), .. } => (mean.value, mean.clips),
            other => panic!("{other:?} has no mean"),
        }
    }

    #[test]
    fn rates_are_of_all_that_was_attacked_and_the_rest_of_successes() {
        let results = results(vec![
            row("vgg13", "a", None, Some(50.0)),
            row("vgg13", "b", None, None),
            row("crnn", "a", None, Some(60.0)),
            Row { status: "failed".to_owned(), ..row("crnn", "b", None, None) },
        ]);
        let table = results.by_attack();
        assert_eq!(found(&table.rows[0][1]), (75.0, 2), "half of VGG13's, all of CRNN's");
        assert_eq!(found(&table.rows[0][2]), (0.75, 1));
        assert_eq!(found(&table.rows[0][4]), (55.0, 1));
        let Cell::Number { paper, .. } = table.rows[0][4] else { panic!("no number") };
        assert_eq!(paper, Some(46.23));
        let table = results.by_model();
        assert_eq!(found(&table.rows[0][2]).0, 50.0);
        assert_eq!(found(&table.rows[1][5]).0, 60.0);
    }

    #[test]
    fn pairs_are_ordered_and_the_diagonal_is_empty() {
        let results = results(vec![
            row("vgg13", "a", Some("Meow"), Some(40.0)),
            row("vgg13", "b", Some("Meow"), None),
        ]);
        let table = results.pairs(&results.attacks[0]);
        assert_eq!(table.columns, ["from", "to Bark", "to Meow"]);
        assert_eq!(table.rows[0][1], Cell::Nothing);
        assert_eq!(found(&table.rows[0][2]), (40.0, 1));
        assert!(matches!(table.rows[1][1], Cell::Number { ours: None, .. }));
        let rates = results.rates(&results.attacks[0]);
        assert_eq!((&rates.columns, found(&rates.rows[0][2])), (&table.columns, (50.0, 2)));
    }

    #[test]
    fn labels_are_spelled_as_in_the_data_set_and_are_there_once() {
        let mut results = results(vec![row("vgg13", "a", Some("Violin_or_fiddle"), Some(40.0))]);
        results.aimed = ["bark", "violin or fiddle", "gong"].map(str::to_owned).into();
        assert_eq!(results.targets(), ["Bark", "Violin_or_fiddle", "gong"]);
        let table = results.pairs(&results.attacks[0]);
        assert_eq!(table.rows.len(), 3);
        assert_eq!(found(&table.rows[0][2]).0, 40.0);
    }

    #[test]
    fn what_two_runs_have_both_done_counts_once() {
        let mut results = results(vec![row("vgg13", "a", None, Some(50.0))]);
        let attack = AttackEntry::new(AttackId::CarliniWagner, Preset::Quick);
        let other_seed = Row { work: "other".to_owned(), ..row("vgg13", "a", None, Some(40.0)) };
        let rows = vec![other_seed, row("vgg13", "b", None, Some(30.0))];
        results.add(rows, Vec::new(), &[], &[attack]);
        assert_eq!((results.rows.len(), results.doubles, results.differing), (2, 1, 1));
        assert_eq!(found(&results.by_attack().rows[0][4]), (40.0, 2));
    }

    #[test]
    fn who_misnames_the_clean_clip_is_not_asked() {
        let asked = |clean: &str, heard: &str| {
            Some(vec![Asked {
                model: "crnn".to_owned(),
                weights: None,
                clean: clean.to_owned(),
                heard: heard.to_owned(),
                confidence: 0.5,
            }])
        };
        let of = |clip: &str, transfer| Row { transfer, ..row("vgg13", clip, None, Some(50.0)) };
        let results = results(vec![
            of("a", asked("Bark", "Bark")),
            of("b", asked("Bark", "Meow")),
            of("c", asked("Gong", "Meow")),
        ]);
        let table = results.transfer(&results.attacks[0]).unwrap();
        assert_eq!(found(&table.rows[0][2]), (50.0, 2));
        assert_eq!(table.rows[0][1], Cell::Nothing);
    }
}
