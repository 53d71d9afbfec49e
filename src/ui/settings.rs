//! What the window remembers from one run to the next.

use std::path::{Path, PathBuf};

use eframe::egui::ThemePreference;
use serde::{Deserialize, Serialize};

use crate::attacks::{AttackId, AttackSpec, Preset};
use crate::audio::SoundDevice;
use crate::dsp::{Look, StftSettings};
use crate::engine::most_threads;
use crate::export::Contents;
use crate::models::TargetRule;
use crate::ui::experiments::ExperimentForm;

/// How many recent files are kept.
const RECENT: usize = 8;

/// The attacks that are compared at first: the paper's that are quick enough for a class.
const COMPARED: [AttackId; 4] =
    [AttackId::WhiteNoise, AttackId::Fgsm, AttackId::Deepfool, AttackId::CarliniWagner];
/// The scales of text that are offered reach from here...
pub const SMALLEST_ZOOM: f32 = 0.7;
/// ...to here.
pub const LARGEST_ZOOM: f32 = 2.5;

/// All settings. Missing ones take their defaults, so that older files stay readable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark, light, or as the system says.
    pub theme: ThemePreference,
    /// Scale of text and everything else.
    pub zoom: f32,
    /// Axis, colours and dB range of both clips.
    pub look: Look,
    /// Whether the difference's range follows its loudest point.
    pub difference_auto: bool,
    /// The dB range of the difference, where it does not.
    pub difference_range: [f32; 2],
    /// Window and hop of the spectrograms.
    pub stft: StftSettings,
    /// Which of original, adversarial and difference are shown.
    pub panes: [bool; 3],
    /// By how much the perturbation is magnified in the waveform lane, 0 for as much as fits.
    pub magnification: u32,
    /// Volume in dB, all sides alike.
    pub gain_db: f32,
    /// How much louder the difference is played, in dB.
    pub difference_gain_db: f32,
    /// Whether playing starts again at the end.
    pub looping: bool,
    /// Where sound goes; none for the system's default.
    pub output: Option<SoundDevice>,
    /// Where recordings come from; none for the system's default.
    pub input: Option<SoundDevice>,
    /// Whether a recording begins with a countdown.
    pub countdown: bool,
    /// Threads that compute; none for one a core.
    pub threads: Option<usize>,
    /// The attack as it was last set.
    pub attack: AttackForm,
    /// The set-up of an experiment as it was last left.
    pub experiment: ExperimentForm,
    /// What goes into an export.
    pub export: Contents,
    /// The attacks that are compared, by their names on the command line.
    pub compared_attacks: Vec<String>,
    /// The models that are not compared, as on the command line.
    pub uncompared_models: Vec<String>,
    /// The model that was chosen, as on the command line.
    pub model: String,
    /// Weights files that were opened, in the order in which they came.
    pub own_models: Vec<PathBuf>,
    /// Files that were opened, latest first.
    pub recent: Vec<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemePreference::System,
            zoom: 1.0,
            look: Look::default(),
            difference_auto: true,
            difference_range: [-140.0, -60.0],
            stft: StftSettings::default(),
            panes: [true, true, false],
            magnification: 0,
            gain_db: 0.0,
            difference_gain_db: 40.0,
            looping: false,
            output: None,
            input: None,
            countdown: false,
            threads: None,
            attack: AttackForm::default(),
            experiment: ExperimentForm::default(),
            export: Contents::default(),
            compared_attacks: COMPARED.map(|id| id.name().to_owned()).into(),
            uncompared_models: Vec::new(),
            model: String::new(),
            own_models: Vec::new(),
            recent: Vec::new(),
        }
    }
}

impl Settings {
    /// The threads that compute as they were last set; none for one a core, also where the
    /// settings ask for more than this machine can use.
    pub fn usable_threads(&self) -> Option<usize> {
        self.threads.filter(|threads| (1..=most_threads()).contains(threads))
    }

    /// The attacks that are compared, in the order of all attacks.
    pub fn compared_attacks(&self) -> Vec<AttackId> {
        let chosen = |id: &AttackId| self.compared_attacks.iter().any(|name| name == id.name());
        AttackId::ALL.into_iter().filter(chosen).collect()
    }

    /// Compares an attack from now on, or does not.
    pub fn compare_attack(&mut self, id: AttackId, on: bool) {
        set(&mut self.compared_attacks, id.name(), on);
    }

    /// Whether a model is compared: all are but those that were taken out.
    pub fn compares_model(&self, name: &str) -> bool {
        !self.uncompared_models.iter().any(|known| known == name)
    }

    /// Compares a model from now on, or does not.
    pub fn compare_model(&mut self, name: &str, on: bool) {
        set(&mut self.uncompared_models, name, !on);
    }

    /// Drops a file from the recent ones.
    pub fn forget(&mut self, path: &Path) {
        self.recent.retain(|known| known != path);
    }

    /// Drops the opened weights files that are not there any more, and gives them.
    pub fn forget_missing_models(&mut self) -> Vec<PathBuf> {
        let (there, gone) =
            std::mem::take(&mut self.own_models).into_iter().partition(|path| path.is_file());
        self.own_models = there;
        gone
    }

    /// The scale of text as it was last set, or as large as can still be undone.
    pub fn usable_zoom(&self) -> f32 {
        if self.zoom.is_finite() { self.zoom.clamp(SMALLEST_ZOOM, LARGEST_ZOOM) } else { 1.0 }
    }

    /// Puts a file at the top of the recent ones.
    pub fn remember(&mut self, path: &Path) {
        // A path that is no text could not be kept, nor any other setting beside it.
        if path.to_str().is_none() {
            return;
        }
        self.recent.retain(|known| known != path);
        self.recent.insert(0, path.to_path_buf());
        self.recent.truncate(RECENT);
    }
}

/// Has a name in a list, or has it not.
fn set(names: &mut Vec<String>, name: &str, there: bool) {
    names.retain(|known| known != name);
    if there {
        names.push(name.to_owned());
    }
}

/// The attack card as people filled it in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttackForm {
    /// The attack's name on the command line.
    attack: String,
    /// The preset's name on the command line.
    preset: String,
    /// Whether a target is aimed at.
    pub targeted: bool,
    /// The target label's name, empty before one is chosen.
    pub target: String,
    /// How the target follows from the clip, where it is not named.
    pub target_rule: Option<TargetRule>,
    /// SNR in dB for attacks at a fixed one.
    pub snr_db: f64,
    /// By how much the wrong label must lead, in logits.
    pub confidence: f64,
    /// PGD's momentum.
    pub momentum: f64,
    /// Whether PGD starts at random.
    pub random_start: bool,
    /// Whether logarithms of probabilities are attacked.
    pub log_scores: bool,
    /// Whether 16-bit files are to hold the result exactly.
    pub sixteen_bit: bool,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for AttackForm {
    fn default() -> Self {
        let spec = AttackSpec::new(AttackId::CarliniWagner);
        Self {
            attack: spec.id.name().to_owned(),
            preset: spec.preset.name().to_owned(),
            targeted: false,
            target: String::new(),
            target_rule: None,
            snr_db: spec.snr_db,
            confidence: spec.confidence,
            momentum: spec.momentum,
            random_start: spec.random_start,
            log_scores: spec.log_scores,
            sixteen_bit: spec.sixteen_bit,
            seed: 0,
        }
    }
}

impl AttackForm {
    /// The attack that was chosen.
    pub fn id(&self) -> AttackId {
        AttackId::find(&self.attack).unwrap_or(AttackId::CarliniWagner)
    }

    /// Chooses an attack. An SNR that nobody changed follows it: one step needs far more than many.
    pub fn set_id(&mut self, id: AttackId) {
        if self.snr_db == AttackSpec::new(self.id()).snr_db {
            self.snr_db = AttackSpec::new(id).snr_db;
        }
        id.name().clone_into(&mut self.attack);
    }

    /// The preset that was chosen.
    pub fn preset(&self) -> Preset {
        Preset::find(&self.preset).unwrap_or(Preset::Quick)
    }

    /// Chooses a preset.
    pub fn set_preset(&mut self, preset: Preset) {
        preset.name().clone_into(&mut self.preset);
    }

    /// Whether the attack as set aims at a target.
    pub fn aims(&self) -> bool {
        self.targeted && self.id().takes_target()
    }

    /// Takes over an attack as it was run elsewhere, as far as the window has its options.
    pub fn set_spec(&mut self, spec: &AttackSpec) {
        self.set_id(spec.id);
        self.set_preset(spec.preset);
        self.snr_db = spec.snr_db;
        self.confidence = spec.confidence;
        self.momentum = spec.momentum;
        self.random_start = spec.random_start;
        self.log_scores = spec.log_scores;
        self.sixteen_bit = spec.sixteen_bit;
    }

    /// The attack with its options.
    pub fn spec(&self) -> AttackSpec {
        AttackSpec {
            id: self.id(),
            snr_db: self.snr_db,
            preset: self.preset(),
            confidence: self.confidence,
            momentum: self.momentum,
            random_start: self.random_start,
            log_scores: self.log_scores,
            sixteen_bit: self.sixteen_bit,
            ..AttackSpec::new(self.id())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_round_trip_and_missing_fields() {
        let mut settings = Settings::default();
        settings.attack.set_id(AttackId::Fgsm);
        settings.attack.set_preset(Preset::Paper);
        settings.remember(Path::new("a.wav"));
        settings.threads = Some(1);
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
        let old: Settings = serde_json::from_str("{\"gain_db\": -6.0}").unwrap();
        assert_eq!(old, Settings { gain_db: -6.0, ..Settings::default() });
    }

    #[test]
    fn the_latest_file_comes_first_and_once() {
        let mut settings = Settings::default();
        for name in ["a", "b", "a"] {
            settings.remember(Path::new(name));
        }
        assert_eq!(settings.recent, [Path::new("a"), Path::new("b")]);
    }

    #[test]
    fn a_scale_that_nobody_could_read_is_not_taken() {
        let with = |zoom| Settings { zoom, ..Settings::default() }.usable_zoom();
        assert_eq!([f32::NAN, 0.01, 90.0, 1.3].map(with), [1.0, SMALLEST_ZOOM, LARGEST_ZOOM, 1.3]);
    }

    #[test]
    fn devices_and_the_rule_of_a_target_are_kept() {
        let device = SoundDevice { id: "hw:1".to_owned(), name: "Headphones".to_owned() };
        let mut settings = Settings {
            output: Some(device.clone()),
            input: Some(device),
            countdown: true,
            ..Settings::default()
        };
        settings.attack.target_rule = Some(TargetRule::LeastLikely);
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn an_unknown_attack_in_a_settings_file_becomes_the_default() {
        let form = AttackForm { attack: "gone".to_owned(), ..AttackForm::default() };
        assert_eq!(form.id(), AttackId::CarliniWagner);
    }

    #[test]
    fn absurd_threads_in_a_settings_file_become_one_a_core() {
        let with = |threads| Settings { threads, ..Settings::default() }.usable_threads();
        assert_eq!([0, 60_000, usize::MAX].map(|threads| with(Some(threads))), [None; 3]);
        assert_eq!([with(None), with(Some(1))], [None, Some(1)]);
    }

    #[test]
    fn noise_and_deepfool_cannot_aim() {
        let mut form = AttackForm { targeted: true, ..AttackForm::default() };
        assert!(form.aims());
        for id in [AttackId::WhiteNoise, AttackId::Deepfool] {
            form.set_id(id);
            assert!(!form.aims());
        }
        form.set_id(AttackId::Lbfgs);
        assert!(form.aims());
    }

    #[test]
    fn an_snr_follows_the_attack_until_somebody_changes_it() {
        let mut form = AttackForm::default();
        for (id, snr_db) in [(AttackId::Pgd, 40.0), (AttackId::Fgsm, 20.0), (AttackId::Pgd, 40.0)] {
            form.set_id(id);
            assert_eq!(form.spec().snr_db, snr_db);
        }
        form.snr_db = 33.0;
        form.set_id(AttackId::WhiteNoise);
        assert_eq!(form.spec().snr_db, 33.0);
    }
}
