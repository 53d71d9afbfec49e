//! What is to be computed, as TOML that the window writes or people do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::attack_entry::AttackEntry;
use super::error::ExperimentError;
use crate::attacks::{AttackId, Preset};
use crate::audio::DEFAULT_LIMIT_SECONDS;
use crate::files;
use crate::models::{ModelId, ModelSource};

/// The name of a configuration in its run's folder.
pub const CONFIGURATION_FILE: &str = "experiment.toml";

/// Most clips of each label that can be asked for.
pub const MOST_CLIPS: usize = 100_000;

/// The labels that the paper aims at, from and to (in its authors' own script `lbfgs_main.py`).
pub const TARGETED_LABELS: [&str; 6] =
    ["Bass_drum", "Cello", "Clarinet", "Oboe", "Snare_drum", "Violin_or_fiddle"];

/// Which of the paper's experiments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExperimentKind {
    /// What the models make of the clean clips, and no attack: Table 1.
    Accuracy,
    /// Away from the true label: Tables 2, 3 and 5, Figures 1 and 3.
    Untargeted,
    /// To each of the other labels: Figure 2 and Table 4.
    Targeted,
}

impl ExperimentKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Untargeted, Self::Targeted, Self::Accuracy];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Untargeted => "untargeted",
            Self::Targeted => "targeted",
        }
    }

    /// The paper's attacks of this experiment.
    pub fn attacks(self) -> &'static [AttackId] {
        match self {
            Self::Accuracy => &[],
            Self::Untargeted => {
                &[AttackId::WhiteNoise, AttackId::Fgsm, AttackId::Deepfool, AttackId::CarliniWagner]
            }
            Self::Targeted => &[AttackId::CarliniWagner, AttackId::Lbfgs],
        }
    }
}

/// Which recordings of a data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Those to report on.
    #[default]
    Test,
    /// Those the models may have learned from.
    Train,
    /// All.
    All,
}

impl Split {
    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
            Self::All => "all",
        }
    }
}

/// What is kept of the adversarial clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Their numbers only.
    #[default]
    Nothing,
    /// The adversarial clip as a WAV of 32-bit floats, bit for bit what the model heard.
    Wav,
    /// `original` and `perturbation` as tensors of one safetensors file.
    Safetensors,
}

/// One experiment. Paths may be relative to the configuration's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Which experiment.
    pub experiment: ExperimentKind,
    /// The data set: a folder a label, a CSV list, or FSDKaggle2018 as it is downloaded.
    pub data: PathBuf,
    /// Which of its recordings.
    #[serde(default)]
    pub split: Split,
    /// Whether only recordings whose label somebody verified count (FSDKaggle2018's flag).
    #[serde(default)]
    pub verified_only: bool,
    /// Labels of the clips, and targets; empty: all, or the paper's six where targets are aimed at.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Most clips of each label.
    #[serde(default = "six")]
    pub clips_per_label: usize,
    /// The models, by name or file.
    #[serde(default = "Configuration::all_models")]
    pub models: Vec<String>,
    /// Seed of the choice of clips, and of everything random in the attacks.
    #[serde(default)]
    pub seed: u64,
    /// Whether the other models are asked about each untargeted success: Table 5.
    #[serde(default = "yes")]
    pub transfer: bool,
    /// What is kept of the adversarial clips.
    #[serde(default)]
    pub keep: Keep,
    /// Longest clip that is accepted, in seconds.
    #[serde(default = "limit")]
    pub limit_seconds: f64,
    /// The attacks; none: the paper's, with the preset `quick`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<AttackEntry>,
}

fn six() -> usize {
    6
}

fn yes() -> bool {
    true
}

fn limit() -> f64 {
    DEFAULT_LIMIT_SECONDS
}

impl Configuration {
    /// The paper's experiment on a data set, with its attacks at this preset.
    pub fn new(experiment: ExperimentKind, data: PathBuf, preset: Preset) -> Self {
        let attacks = experiment.attacks().iter().map(|&id| AttackEntry::new(id, preset));
        Self {
            experiment,
            data,
            split: Split::Test,
            verified_only: false,
            labels: Vec::new(),
            clips_per_label: six(),
            models: Self::all_models(),
            seed: 0,
            transfer: true,
            keep: Keep::Nothing,
            limit_seconds: limit(),
            attacks: attacks.collect(),
        }
    }

    /// Reads and checks a configuration; paths in it that are relative to the file become absolute.
    ///
    /// # Errors
    /// Where the file can't be read, or a key is unknown, missing or makes no sense; the message
    /// names it.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let text = fs::read_to_string(path).map_err(ExperimentError::read(path))?;
        let place = files::absolute(path);
        Self::parse(&text, place.parent().unwrap_or(Path::new("")))
            .map_err(|reason| ExperimentError::Configuration { path: path.to_owned(), reason })
    }

    /// As [`Self::read`], from a text; relative paths are relative to `folder`.
    ///
    /// # Errors
    /// The reason, with the key.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut configuration: Self =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        if configuration.attacks.is_empty() {
            let attacks = configuration.experiment.attacks().iter();
            configuration.attacks =
                attacks.map(|&id| AttackEntry::new(id, Preset::Quick)).collect();
        }
        configuration.attacks.iter_mut().for_each(AttackEntry::spell);
        if !configuration.data.as_os_str().is_empty() {
            configuration.data = folder.join(&configuration.data);
        }
        for model in &mut configuration.models {
            if let Ok(ModelSource::File(path)) = ModelSource::find(model) {
                *model = folder.join(path).to_string_lossy().into_owned();
            }
        }
        configuration.check()?;
        Ok(configuration)
    }

    /// The names of the models that come with the program.
    pub fn all_models() -> Vec<String> {
        ModelId::ALL.iter().map(|id| id.name().to_owned()).collect()
    }

    /// Whether everything makes sense together.
    ///
    /// # Errors
    /// The reason, with the key.
    pub fn check(&self) -> Result<(), String> {
        if self.data.as_os_str().is_empty() {
            return Err("data: name the data set's folder or list".to_owned());
        }
        if self.data.to_str().is_none() {
            return Err(format!(
                "data: {} has characters that TOML can't hold (it is not UTF-8); rename the folder \
                 or give it a link with another name",
                self.data.display()
            ));
        }
        if !(1..=MOST_CLIPS).contains(&self.clips_per_label) {
            let clips = self.clips_per_label;
            return Err(format!("clips_per_label: {clips} must be from 1 to {MOST_CLIPS}"));
        }
        if !(self.limit_seconds > 0.0 && self.limit_seconds.is_finite()) {
            return Err(format!(
                "limit_seconds: {} must be a number of seconds above 0",
                self.limit_seconds
            ));
        }
        self.sources()?;
        if i64::try_from(self.seed).is_err() {
            return Err(format!("seed: {} is too large for TOML", self.seed));
        }
        let twice = |key: &str, names: &[&str]| {
            let mut seen = BTreeSet::new();
            let twice = names.iter().find(|name| !seen.insert(crate::names::fold(name)));
            twice.map_or(Ok(()), |name| Err(format!("{key}: {name} is there twice")))
        };
        let names: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        twice("labels", &names)?;
        let targeted = self.experiment == ExperimentKind::Targeted;
        if targeted && self.labels.len() == 1 {
            return Err("labels: a targeted experiment needs two labels or more".to_owned());
        }
        if self.experiment == ExperimentKind::Accuracy && !self.attacks.is_empty() {
            return Err("attacks: an experiment of accuracy has none; take them out".to_owned());
        }
        let names: Vec<&str> = self.attacks.iter().map(AttackEntry::title).collect();
        twice("attacks.name", &names)?;
        for entry in &self.attacks {
            if let Some(name) = entry.name.as_deref().filter(|name| !names_a_file(name)) {
                return Err(format!(
                    "attacks.name: \u{201c}{name}\u{201d} must begin with a letter or digit and have \
                     letters, digits, blanks, -, _ and . only: files are called after it"
                ));
            }
            // Tables and figures tell attacks apart by what they are called.
            let other = entry.name.as_deref().and_then(|name| AttackId::find(name).ok());
            if let Some(other) = other.filter(|other| other.name() != entry.attack) {
                let (name, attack) = (other.name(), &entry.attack);
                return Err(format!("attacks.name: {name} is another attack than {attack}"));
            }
            let spec = entry.spec().map_err(|reason| format!("attacks.{reason}"))?;
            if targeted && !spec.id.takes_target() {
                return Err(format!("attacks: {} cannot aim at a label", spec.id.name()));
            }
        }
        Ok(())
    }

    /// The models.
    ///
    /// # Errors
    /// The reason, with the key.
    pub fn sources(&self) -> Result<Vec<ModelSource>, String> {
        if self.models.is_empty() {
            return Err("models: name at least one".to_owned());
        }
        let mut sources: Vec<ModelSource> = Vec::new();
        for name in &self.models {
            let source = ModelSource::find(name).map_err(|error| format!("models: {error}"))?;
            if sources.contains(&source) {
                return Err(format!("models: {name} is there twice"));
            }
            sources.push(source);
        }
        Ok(sources)
    }

    /// The folder that the clips' names are relative to: the data set, or where its list lies.
    pub fn data_folder(&self) -> &Path {
        // It may be gone, or on another machine: then its name tells.
        let is_list = self.data.is_file()
            || !self.data.is_dir() && self.data.extension().is_some_and(|ending| ending == "csv");
        if is_list { self.data.parent().unwrap_or(Path::new("")) } else { &self.data }
    }

    /// Where a row's clip lies.
    pub fn clip_path(&self, name: &str) -> PathBuf {
        self.data_folder().join(name)
    }

    /// The labels that were asked for; none means all of the data set.
    pub fn chosen_labels(&self) -> Vec<String> {
        if self.labels.is_empty() && self.experiment == ExperimentKind::Targeted {
            return TARGETED_LABELS.map(str::to_owned).to_vec();
        }
        self.labels.clone()
    }

    /// The labels that are aimed at, and from; none where nothing is aimed at.
    pub fn aimed(&self) -> Vec<String> {
        let targeted = self.experiment == ExperimentKind::Targeted;
        if targeted { self.chosen_labels() } else { Vec::new() }
    }

    /// As TOML, with a word on what it is.
    ///
    /// # Errors
    /// Where TOML can't hold it.
    pub fn to_toml(&self) -> Result<String, String> {
        let body = toml::to_string_pretty(self).map_err(|error| error.to_string())?;
        Ok(format!(
            "# An experiment of mondegreen {}: `mondegreen experiment run FOLDER` computes it.\n{body}",
            crate::VERSION
        ))
    }

    /// Writes it into a run's folder, unless a file there says the same in words of its own.
    ///
    /// # Errors
    /// Where that can't be written.
    pub fn write(&self, folder: &Path) -> Result<(), ExperimentError> {
        let path = folder.join(CONFIGURATION_FILE);
        if Self::read(&path).is_ok_and(|there| there == *self) {
            return Ok(());
        }
        let wrong = |reason| ExperimentError::Configuration { path: path.clone(), reason };
        let text = self.to_toml().map_err(wrong)?;
        files::replace(&path, text.as_bytes()).map_err(ExperimentError::write(&path))
    }

    /// The keys in which another configuration differs, but for where the data set lies: whether it
    /// is another one is known by its contents.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let fields = |one: &Self| match serde_json::to_value(one) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (one, other) = (fields(self), fields(other));
        let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        let changed =
            keys.into_iter().filter(|key| *key != "data" && one.get(*key) != other.get(*key));
        changed.cloned().collect()
    }
}

/// Whether files may have this name on every system.
fn names_a_file(name: &str) -> bool {
    name.starts_with(char::is_alphanumeric)
        && name.chars().all(|c| c.is_alphanumeric() || " -_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for kind in ExperimentKind::ALL {
            let mut one = Configuration::new(kind, "/clips".into(), Preset::Paper);
            one.labels = vec!["Bark".to_owned(), "Hi-hat".to_owned()];
            one.keep = Keep::Wav;
            let read = Configuration::parse(&one.to_toml().unwrap(), Path::new("/run")).unwrap();
            assert_eq!(read, one);
        }
    }

    #[test]
    fn a_file_that_says_the_same_keeps_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(CONFIGURATION_FILE);
        let words = "# Mine.\nexperiment = \"untargeted\"\ndata = \"clips\"";
        fs::write(&file, words).unwrap();
        let mut read = Configuration::read(&file).unwrap();
        read.write(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), words);
        read.seed = 3;
        read.write(folder.path()).unwrap();
        assert_eq!(Configuration::read(&file).unwrap(), read);
    }

    #[test]
    fn attacks_are_called_the_same_however_they_are_spelled() {
        let of = |name: &str| {
            let text = format!(
                "experiment = \"untargeted\"\ndata = \"clips\"\n[[attacks]]\nattack = \"{name}\""
            );
            Configuration::parse(&text, Path::new("/run")).unwrap()
        };
        assert_eq!(of("DeepFool"), of("deepfool"));
        assert_eq!(of("Carlini Wagner").attacks[0].title(), "carlini-wagner");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_toml_can_not_hold_is_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = std::ffi::OsStr::from_bytes(b"/clips\xff");
        let one = Configuration::new(ExperimentKind::Accuracy, folder.into(), Preset::Quick);
        assert!(one.check().unwrap_err().contains("rename the folder"));
    }

    #[test]
    fn little_has_to_be_said() {
        let text = "experiment = \"untargeted\"\ndata = \"clips\"";
        let read = Configuration::parse(text, Path::new("/run")).unwrap();
        let paper =
            Configuration::new(ExperimentKind::Untargeted, "/run/clips".into(), Preset::Quick);
        assert_eq!(read, paper);
        assert_eq!(read.attacks.len(), 4);
    }

    #[test]
    fn the_documented_configuration_is_one() {
        let text = include_str!("../../docs/experiments.md");
        let toml = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let read = Configuration::parse(toml, Path::new("/run")).unwrap();
        let names: Vec<_> = read.attacks.iter().map(AttackEntry::title).collect();
        assert_eq!(names, ["fgsm-30", "carlini-wagner"]);
        let mut usual =
            Configuration::new(ExperimentKind::Untargeted, read.data.clone(), Preset::Quick);
        usual.attacks.clone_from(&read.attacks);
        assert_eq!(read, usual, "what is shown is what is there without it");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        let untargeted = "experiment = \"untargeted\"\ndata = \"d\"\n";
        let targeted = "experiment = \"targeted\"\ndata = \"d\"\n";
        for (head, line, words) in [
            (untargeted, "clips_per_lable = 3", "clips_per_lable"),
            (untargeted, "clips_per_label = 0", "clips_per_label: 0"),
            (untargeted, "models = []", "models: name"),
            (untargeted, "models = [\"vgg14\"]", "did you mean vgg13?"),
            (untargeted, "models = [\"vgg13\", \"VGG 13\"]", "models: VGG 13 is there twice"),
            (untargeted, "labels = [\"Hi-hat\", \"hi_hat\"]", "labels: hi_hat is there twice"),
            (untargeted, "seed = -1", "seed"),
            (untargeted, "split = \"exam\"", "split"),
            (untargeted, "limit_seconds = nan", "limit_seconds: NaN"),
            (
                untargeted,
                "[[attacks]]\nattack = \"fgsm\"\npreset = \"best\"",
                "attacks.preset: fgsm",
            ),
            (
                untargeted,
                "[[attacks]]\nattack = \"fgsm\"\n[[attacks]]\nattack = \"fgsm\"\nsnr_db = 30.0",
                "attacks.name: fgsm is there twice",
            ),
            (targeted, "[[attacks]]\nattack = \"deepfool\"", "attacks: deepfool cannot aim"),
            (targeted, "labels = [\"Bark\"]", "labels: a targeted experiment needs two"),
            ("data = \"d\"\n", "", "missing field `experiment`"),
        ] {
            let reason = Configuration::parse(&format!("{head}{line}"), Path::new("")).unwrap_err();
            assert!(reason.contains(words), "{line}: {reason}");
        }
    }

    #[test]
    fn differences_are_told_by_key_and_the_place_of_the_data_is_none() {
        let one = Configuration::new(ExperimentKind::Untargeted, "a".into(), Preset::Quick);
        let moved = Configuration { data: "b".into(), ..one.clone() };
        assert!(one.differences(&moved).is_empty());
        let other = Configuration { seed: 1, clips_per_label: 2, ..moved };
        assert_eq!(one.differences(&other), ["clips_per_label", "seed"]);
    }
}
