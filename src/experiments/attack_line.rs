//! An attack with its settings, as tables tell it from others.

use super::attack_entry::AttackEntry;
use crate::attacks::AttackId;

/// A row of the tables by attack.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackLine {
    /// What its rows name, and what files are called after.
    pub key: String,
    /// Its name for people; with its settings where another one has the same name.
    pub title: String,
    /// Which attack it is; none where the configuration names one that nobody knows.
    pub id: Option<AttackId>,
    entry: AttackEntry,
}

impl AttackLine {
    /// The only attack of its name.
    pub fn of(entry: &AttackEntry) -> Self {
        Self {
            key: entry.title().to_owned(),
            title: attack_title(entry.title()),
            id: AttackId::find(&entry.attack).ok(),
            entry: entry.clone(),
        }
    }

    /// Whether the paper's numbers may stand beside it: it is set as there, but for how long it
    /// searches.
    pub fn is_the_papers(&self) -> bool {
        let AttackEntry { attack, preset, snr_db, .. } = &self.entry;
        let plain = AttackEntry {
            attack: attack.clone(),
            preset: preset.clone(),
            snr_db: snr_db.filter(|db| *db == 20.0),
            ..AttackEntry::default()
        };
        AttackEntry { name: None, ..self.entry.clone() } == plain
    }

    /// Whether it works at a fixed SNR, not at a fixed peak and not searching the smallest change.
    pub fn has_fixed_snr(&self) -> bool {
        self.id.is_some_and(AttackId::takes_snr) && self.entry.linf_dbfs.is_none()
    }

    /// Puts what a run calls its attacks to those that are known, and gives what each is called
    /// now: attacks of one name and other settings stay apart.
    pub(super) fn merge(known: &mut Vec<Self>, entries: &[AttackEntry]) -> Vec<(String, String)> {
        let mut called = Vec::new();
        for entry in entries {
            let name = entry.title();
            let same = |line: &&Self| line.entry.title() == name;
            if let Some(line) = known.iter().filter(same).find(|line| line.is_set_as(entry)) {
                called.push((name.to_owned(), line.key.clone()));
                continue;
            }
            let mut line = Self::of(entry);
            if known.iter().any(|line| same(&line)) {
                known.iter_mut().filter(|line| same(&&**line)).for_each(Self::say_settings);
                line.say_settings();
                let settings = entry.settings().replace(", ", "-").replace(' ', "-");
                line.key = format!("{name}-{settings}");
            }
            called.push((name.to_owned(), line.key.clone()));
            known.push(line);
        }
        called
    }

    fn is_set_as(&self, entry: &AttackEntry) -> bool {
        self.entry.attack == entry.attack && self.entry.spec() == entry.spec()
    }

    fn say_settings(&mut self) {
        let settings = self.entry.settings();
        let settings = if settings.is_empty() { "as it is".to_owned() } else { settings };
        self.title = format!("{} ({settings})", attack_title(self.entry.title()));
    }
}

/// An attack's name in rows, for people.
pub fn attack_title(name: &str) -> String {
    AttackId::find(name).map_or_else(|_| name.to_owned(), |id| id.title().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::Preset;

    #[test]
    fn attacks_of_one_name_and_other_settings_stay_apart() {
        let quick = AttackEntry::new(AttackId::CarliniWagner, Preset::Quick);
        let short = AttackEntry { iterations: Some(3), ..quick.clone() };
        let mut known = Vec::new();
        let name = "carlini-wagner".to_owned();
        let first = AttackLine::merge(&mut known, std::slice::from_ref(&quick));
        assert_eq!(first, [(name.clone(), name.clone())]);
        assert_eq!(known[0].title, "Carlini & Wagner");
        let second = AttackLine::merge(&mut known, std::slice::from_ref(&short));
        assert_eq!(second, [(name.clone(), "carlini-wagner-iterations-3-quick".to_owned())]);
        assert_eq!(known[0].title, "Carlini & Wagner (quick)");
        assert_eq!(known[1].title, "Carlini & Wagner (iterations 3, quick)");
        // A third run of the first kind joins it.
        assert_eq!(AttackLine::merge(&mut known, &[quick]), [(name.clone(), name)]);
        assert_eq!(known.len(), 2);
    }

    #[test]
    fn the_papers_numbers_stand_beside_its_own_settings_only() {
        let is = |entry: AttackEntry| AttackLine::of(&entry).is_the_papers();
        let fgsm = AttackEntry::new(AttackId::Fgsm, Preset::Quick);
        assert!(is(fgsm.clone()));
        assert!(is(AttackEntry { snr_db: Some(20.0), name: Some("f".to_owned()), ..fgsm.clone() }));
        assert!(!is(AttackEntry { snr_db: Some(5.0), ..fgsm }));
        let search = AttackEntry::new(AttackId::CarliniWagner, Preset::Paper);
        assert!(is(search.clone()));
        assert!(!is(AttackEntry { iterations: Some(3), ..search }));
    }
}
