//! What people fill in, and the configuration that it makes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::attacks::{AttackId, Preset};
use crate::experiments::{
    AttackEntry, Configuration, ExperimentKind, Keep, Split, TARGETED_LABELS,
};
use crate::files;
use crate::models::ModelSource;
use crate::names;

/// The setting up of an experiment as it was last left. Paths are text, so that it can be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExperimentForm {
    /// The data set's folder or list.
    pub data: String,
    /// The run's folder; empty for one that the program names.
    pub run: String,
    /// Which experiment.
    pub kind: ExperimentKind,
    /// Which recordings.
    pub split: Split,
    /// Whether only verified labels count.
    pub verified_only: bool,
    /// The chosen labels; empty for all, or for the paper's six.
    pub labels: Vec<String>,
    /// Most clips of each label.
    pub clips: usize,
    /// The models that are left out.
    pub without: Vec<String>,
    /// The chosen attacks; empty for the paper's.
    pub attacks: Vec<String>,
    /// How long attacks search.
    pub preset: String,
    /// Seed of everything random.
    pub seed: u32,
    /// Whether the other models are asked about successes.
    pub transfer: bool,
    /// What is kept of adversarial clips.
    pub keep: Keep,
    /// Items at a time.
    pub jobs: usize,
}

impl Default for ExperimentForm {
    fn default() -> Self {
        Self {
            data: String::new(),
            run: String::new(),
            kind: ExperimentKind::Untargeted,
            split: Split::Test,
            verified_only: false,
            labels: Vec::new(),
            clips: 6,
            without: Vec::new(),
            attacks: Vec::new(),
            preset: Preset::Quick.name().to_owned(),
            seed: 0,
            transfer: true,
            keep: Keep::Nothing,
            // The window and the Lab have the others.
            jobs: 1,
        }
    }
}

impl ExperimentForm {
    /// The attacks that this experiment can use.
    pub fn possible_attacks(&self) -> Vec<AttackId> {
        let fits = |id: &AttackId| match self.kind {
            ExperimentKind::Untargeted => true,
            ExperimentKind::Targeted => id.takes_target(),
            ExperimentKind::Accuracy => false,
        };
        AttackId::ALL.into_iter().filter(fits).collect()
    }

    /// The attacks that are chosen, the paper's where none is.
    pub fn chosen_attacks(&self) -> Vec<AttackId> {
        let chosen: Vec<_> = self
            .possible_attacks()
            .into_iter()
            .filter(|id| self.attacks.iter().any(|name| name == id.name()))
            .collect();
        if chosen.is_empty() { self.kind.attacks().to_vec() } else { chosen }
    }

    /// Chooses an attack, or not. The last one stays.
    pub fn choose_attack(&mut self, id: AttackId, on: bool) {
        let mut chosen = self.chosen_attacks();
        chosen.retain(|known| *known != id);
        if on {
            chosen.push(id);
        }
        if !chosen.is_empty() {
            self.attacks = chosen.iter().map(|id| id.name().to_owned()).collect();
        }
    }

    /// How long attacks search.
    pub fn preset(&self) -> Preset {
        Preset::find(&self.preset).unwrap_or(Preset::Quick)
    }

    /// The labels of the clips, of all that models know.
    pub fn chosen_labels<'a>(&'a self, all: &[&'a str]) -> Vec<&'a str> {
        let same = |one: &str, other: &str| names::fold(one) == names::fold(other);
        let chosen = |label: &&str| match (self.labels.is_empty(), self.kind) {
            (true, ExperimentKind::Targeted) => TARGETED_LABELS.iter().any(|one| same(one, label)),
            (true, _) => true,
            (false, _) => self.labels.iter().any(|one| same(one, label)),
        };
        all.iter().copied().filter(chosen).collect()
    }

    /// The run's folder.
    ///
    /// # Errors
    /// Where none was named and the system has no place for one.
    pub fn run_folder(&self) -> Result<PathBuf, String> {
        if !self.run.trim().is_empty() {
            return Ok(files::absolute(Path::new(self.run.trim())));
        }
        let data = Path::new(self.data.trim());
        let name = data.file_stem().map_or("run".into(), |name| name.to_string_lossy());
        let folder = files::data_folder().ok_or("Name a folder for the run.")?;
        Ok(folder.join("experiments").join(format!("{}-{name}", self.kind.name())))
    }

    /// The configuration, with these models.
    ///
    /// # Errors
    /// What is missing, in words for people.
    pub fn configuration(&self, models: &[String]) -> Result<Configuration, String> {
        let it = self.unchecked(models)?;
        it.check()?;
        Ok(it)
    }

    fn unchecked(&self, models: &[String]) -> Result<Configuration, String> {
        if self.data.trim().is_empty() {
            return Err("Choose a data set first.".to_owned());
        }
        let data = files::absolute(Path::new(self.data.trim()));
        let mut it = Configuration::new(self.kind, data, self.preset());
        let preset = self.preset();
        let attacks =
            if self.kind == ExperimentKind::Accuracy { Vec::new() } else { self.chosen_attacks() };
        it.attacks = attacks.iter().map(|&id| AttackEntry::new(id, preset)).collect();
        it.models = models.iter().filter(|name| !self.without.contains(name)).cloned().collect();
        it.split = self.split;
        it.verified_only = self.verified_only;
        it.labels.clone_from(&self.labels);
        it.clips_per_label = self.clips;
        it.seed = u64::from(self.seed);
        it.transfer = self.transfer;
        it.keep = self.keep;
        Ok(it)
    }

    /// The configuration of a run that there is already, changed as the form has been since it took
    /// it up. What a form can't hold (attacks' single options, a limit, models of which the window
    /// knows nothing) stays as it is.
    ///
    /// # Errors
    /// As [`Self::configuration`].
    pub fn change(
        &self,
        there: &Configuration,
        models: &[String],
    ) -> Result<Configuration, String> {
        let mut it = self.unchecked(models)?;
        let mut before = self.clone();
        before.take_up(Path::new(&self.run), there, models);
        it.limit_seconds = there.limit_seconds;
        let wanted = std::mem::take(&mut it.models);
        // In files people spell names as they like.
        let has = |names: &[String], name: &String| {
            names.iter().any(|one| ModelSource::find(one) == ModelSource::find(name))
        };
        let stays = |name: &&String| has(&wanted, name) || !has(models, name);
        it.models = there.models.iter().filter(stays).cloned().collect();
        let is_new = |name: &String| !has(&there.models, name);
        it.models.extend(wanted.iter().filter(|name| is_new(name)).cloned());
        if before.seed == self.seed {
            it.seed = there.seed;
        }
        let wanted = std::mem::take(&mut it.attacks);
        let same = |a: &AttackEntry, b: &AttackEntry| {
            AttackId::find(&a.attack).is_ok_and(|id| AttackId::find(&b.attack) == Ok(id))
        };
        let kept = there.attacks.iter().filter(|entry| wanted.iter().any(|one| same(one, entry)));
        it.attacks = kept.cloned().collect();
        if before.preset != self.preset {
            it.attacks.iter_mut().for_each(|entry| entry.set_preset(self.preset()));
        }
        let is_new = |one: &AttackEntry| there.attacks.iter().all(|entry| !same(one, entry));
        it.attacks.extend(wanted.into_iter().filter(is_new));
        it.check()?;
        Ok(it)
    }

    /// Takes up what a run was configured as, as far as a form can hold it.
    pub fn take_up(&mut self, folder: &Path, it: &Configuration, models: &[String]) {
        self.data = it.data.to_string_lossy().into_owned();
        self.run = folder.to_string_lossy().into_owned();
        self.kind = it.experiment;
        self.split = it.split;
        self.verified_only = it.verified_only;
        self.labels.clone_from(&it.labels);
        self.clips = it.clips_per_label;
        let sources: Vec<_> = it.models.iter().map(|name| ModelSource::find(name)).collect();
        let is_left_out = |name: &&String| !sources.contains(&ModelSource::find(name));
        self.without = models.iter().filter(is_left_out).cloned().collect();
        let attacks = it.attacks.iter().filter_map(|entry| AttackId::find(&entry.attack).ok());
        self.attacks = attacks.map(|id| id.name().to_owned()).collect();
        let preset = it.attacks.iter().find_map(|entry| entry.preset.clone());
        self.preset = preset.unwrap_or_else(|| Preset::Quick.name().to_owned());
        self.seed = u32::try_from(it.seed).unwrap_or(u32::MAX);
        self.transfer = it.transfer;
        self.keep = it.keep;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Vec<String> {
        ["vgg13", "crnn"].map(str::to_owned).to_vec()
    }

    #[test]
    fn what_a_run_was_is_what_the_form_makes_again() {
        let form = ExperimentForm {
            data: "/clips".to_owned(),
            kind: ExperimentKind::Targeted,
            labels: vec!["Bark".to_owned(), "Meow".to_owned()],
            attacks: vec!["fgsm".to_owned(), "lbfgs".to_owned()],
            preset: "paper".to_owned(),
            without: vec!["crnn".to_owned()],
            clips: 3,
            seed: 9,
            keep: Keep::Wav,
            ..ExperimentForm::default()
        };
        let configuration = form.configuration(&models()).unwrap();
        assert_eq!(configuration.models, ["vgg13"]);
        let mut other = ExperimentForm::default();
        other.take_up(Path::new("/run"), &configuration, &models());
        assert_eq!(other.configuration(&models()).unwrap(), configuration);
        assert_eq!(other.run_folder().unwrap(), Path::new("/run"));
    }

    #[test]
    fn a_change_leaves_what_the_form_can_not_hold() {
        let text = "experiment = \"untargeted\"\ndata = \"/clips\"\nlimit_seconds = 9.0\n\
                    models = [\"VGG 13\", \"/mine.safetensors\"]\n\
                    [[attacks]]\nattack = \"carlini-wagner\"\nname = \"short\"\niterations = 5\n\
                    [[attacks]]\nattack = \"FGSM\"\nsnr_db = 30.0";
        let there = Configuration::parse(text, Path::new("/run")).unwrap();
        let mut form = ExperimentForm::default();
        form.take_up(Path::new("/run"), &there, &models());
        assert_eq!(form.without, ["crnn"]);
        assert_eq!(form.change(&there, &models()).unwrap(), there);
        form.clips = 2;
        let expected = Configuration { clips_per_label: 2, ..there.clone() };
        assert_eq!(form.change(&there, &models()).unwrap(), expected);
        form.preset = "paper".to_owned();
        form.choose_attack(AttackId::Fgsm, false);
        form.choose_attack(AttackId::Deepfool, true);
        let attacks = form.change(&there, &models()).unwrap().attacks;
        let mut long = there.attacks[0].clone();
        long.preset = Some("paper".to_owned());
        assert_eq!(attacks, [long, AttackEntry::new(AttackId::Deepfool, Preset::Paper)]);
        form.without = vec!["vgg13".to_owned()];
        let changed = form.change(&there, &models()).unwrap().models;
        assert_eq!(changed, ["/mine.safetensors", "crnn"]);
        // One of which the window knows no model at all.
        let foreign = Configuration { models: vec!["/mine.safetensors".to_owned()], ..there };
        form.take_up(Path::new("/run"), &foreign, &models());
        assert_eq!(form.change(&foreign, &models()).unwrap(), foreign);
    }

    #[test]
    fn attacks_fit_the_experiment_and_one_is_always_there() {
        let mut form = ExperimentForm::default();
        assert_eq!(form.chosen_attacks().len(), 4);
        for id in ExperimentKind::Untargeted.attacks() {
            form.choose_attack(*id, false);
        }
        assert_eq!(form.chosen_attacks(), [AttackId::CarliniWagner], "the last one stays");
        form.attacks = vec!["deepfool".to_owned()];
        form.kind = ExperimentKind::Targeted;
        assert_eq!(form.chosen_attacks(), ExperimentKind::Targeted.attacks());
        assert!(form.configuration(&models()).unwrap_err().contains("data set"));
    }
}
