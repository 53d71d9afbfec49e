//! What goes to the engine's thread and what comes back.

use std::path::PathBuf;
use std::sync::Arc;

use super::device::DeviceChoice;
use super::handle::DeviceInUse;
use crate::attacks::{AttackSpec, Explanation, Goal, Outcome, TracePoint};
use crate::audio::Clip;
use crate::export::{Contents, Destination, Pictures, Record};
use crate::lab_file::LabState;
use crate::models::{Inspection, ModelCard, ModelSource, Verdict};
use crate::survival::Survived;

/// Numbers a command; its events carry the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// Where a clip comes from.
#[derive(Clone, Debug)]
pub enum ClipSource {
    /// A file of any kind that can be decoded.
    File(PathBuf),
    /// A clip that the program brings along: an index into [`crate::assets::BUNDLED`].
    Bundled(usize),
}

/// What the engine is asked to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Decode a clip (beside the engine's thread: an attack under way is not held up).
    LoadClip {
        /// Where it comes from.
        source: ClipSource,
        /// Longest clip that is accepted, in seconds.
        limit_seconds: f64,
    },
    /// Load a model unless it is loaded already.
    LoadModel(ModelSource),
    /// Load a model from its file as it is now. Where that fails, what was loaded before is kept.
    ReloadModel(ModelSource),
    /// Free a model's memory; it is loaded again when it is used again.
    ForgetModel(ModelSource),
    /// Load models, one by one, whenever there is nothing else to do. Each gives
    /// [`EventKind::ModelLoaded`] or [`EventKind::ModelNotLoaded`].
    Preload(Vec<ModelSource>),
    /// Name a clip.
    Classify {
        /// What to name.
        clip: Clip,
        /// Who names it.
        model: ModelSource,
    },
    /// Name a clip by several models, one by one, whenever there is nothing else to do: other
    /// commands go first, an attack too. Each gives [`EventKind::Classified`],
    /// [`EventKind::NotClassified`] or [`EventKind::ModelNotLoaded`].
    Survey {
        /// What to name.
        clip: Clip,
        /// Who name it.
        models: Vec<ModelSource>,
    },
    /// Drop what is left of a [`Command::Survey`] or [`Command::Preload`]; nothing more is told
    /// of it.
    Withdraw(CommandId),
    /// Show what a model is fed of a clip, and what it says of each part.
    Inspect {
        /// What to look at.
        clip: Clip,
        /// Who looks.
        model: ModelSource,
    },
    /// Say where in a clip a model hears a label.
    Explain {
        /// What to look at.
        clip: Clip,
        /// Who listens.
        model: ModelSource,
        /// The label; none for the one that it hears.
        label: Option<usize>,
    },
    /// Attack a clip.
    Attack(Box<AttackJob>),
    /// Ask what is left of an adversarial clip after what happens to recordings. Gives
    /// [`EventKind::Survived`] for each transform, then [`EventKind::SurvivalDone`].
    Survival(Box<SurvivalJob>),
    /// Compute on so many threads from the next command on; none for one a core.
    SetThreads(Option<usize>),
    /// Read a lab file, beside the engine's thread.
    OpenLab(PathBuf),
    /// Write files beside the engine's thread.
    Save(SaveJob),
    /// Compute elsewhere from now on; models are loaded there on their next use. Where it fails
    /// everything stays where it was.
    UseDevice(DeviceChoice),
}

/// One attack as the engine is asked for it.
#[derive(Clone, Debug)]
pub struct AttackJob {
    /// The clean clip.
    pub clip: Clip,
    /// Whom to fool.
    pub model: ModelSource,
    /// With which attack.
    pub spec: AttackSpec,
    /// Into which label.
    pub goal: Goal,
    /// Seed of everything random.
    pub seed: u64,
}

/// An adversarial clip whose survival is asked for.
#[derive(Clone, Debug)]
pub struct SurvivalJob {
    /// The clean clip.
    pub clip: Clip,
    /// The adversarial samples.
    pub adversarial: Arc<[f32]>,
    /// The model that they fool.
    pub model: ModelSource,
    /// The label that they left.
    pub original_label: usize,
    /// Where they went.
    pub goal: Goal,
    /// Seed of dither and noise.
    pub seed: u64,
}

/// Files to write from a result.
#[derive(Clone, Debug)]
pub enum SaveJob {
    /// `NAME_nat.wav` and `NAME_adv.wav`, 32-bit float, in a folder.
    Pair {
        /// The clean clip.
        clip: Clip,
        /// The adversarial samples.
        adversarial: Arc<[f32]>,
        /// The folder.
        folder: PathBuf,
    },
    /// Everything that was chosen of a result, as a folder or a ZIP.
    Export {
        /// The result.
        record: Box<Record>,
        /// The model's name for people.
        model: String,
        /// What goes in.
        contents: Contents,
        /// How the figure is drawn.
        pictures: Pictures,
        /// What is known of a file of so many bits.
        rounded: Option<Box<Survived>>,
        /// Where it goes.
        to: Destination,
    },
    /// A whole lab in one file.
    Lab {
        /// The lab.
        state: Box<LabState>,
        /// The file.
        path: PathBuf,
    },
    /// The figure: original and adversarial spectrogram side by side.
    Figure {
        /// What to draw.
        figure: Box<crate::figure::Figure>,
        /// The PNG or SVG file.
        path: PathBuf,
    },
}

/// A snapshot of a running attack, throttled for people's eyes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Steps done.
    pub iteration: usize,
    /// Most steps that it will do.
    pub of: usize,
    /// Gradients computed.
    pub gradient_evaluations: usize,
    /// What the attack is doing.
    pub stage: String,
    /// Seconds since it started.
    pub seconds: f64,
    /// The steps since the last snapshot, for the live plots.
    pub trace: Vec<TracePoint>,
    /// The model's answer to the last step.
    pub verdict: Verdict,
    /// SNR in dB of the best adversarial clip so far.
    pub best_snr_db: Option<f64>,
    /// The best adversarial samples and the model's answer, when they improved since the last
    /// snapshot.
    pub improved: Option<(Arc<[f32]>, Verdict)>,
}

/// What the engine tells.
#[derive(Clone, Debug)]
pub struct Event {
    /// The command that caused it.
    pub command: CommandId,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of [`Event`].
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A lab file was read.
    LabOpened(Box<LabState>),
    /// A clip was decoded.
    ClipLoaded(Clip),
    /// A model is ready.
    ModelLoaded {
        /// Which.
        model: ModelSource,
        /// What there is to say of it.
        card: Box<ModelCard>,
    },
    /// A model can't be had.
    ModelNotLoaded {
        /// Which.
        model: ModelSource,
        /// Why, and what to do.
        reason: String,
    },
    /// A clip was named.
    Classified {
        /// Who named it.
        model: ModelSource,
        /// What it said.
        verdict: Verdict,
    },
    /// One model of a survey could not name the clip.
    NotClassified {
        /// Which.
        model: ModelSource,
        /// Why.
        reason: String,
    },
    /// What a model is fed of a clip.
    Inspected(Box<Inspection>),
    /// Where in a clip a model hears a label.
    Explained(Box<Explanation>),
    /// The attack began: the model is loaded.
    AttackStarted {
        /// How many threads compute it.
        threads: usize,
        /// The model that is attacked, with the hash of its weights.
        card: Box<ModelCard>,
    },
    /// The attack goes on.
    AttackProgress(Box<Snapshot>),
    /// The attack ended.
    AttackDone(Box<Outcome>),
    /// What became of an adversarial clip by one transform.
    Survived(Box<Survived>),
    /// All transforms were tried, or people cancelled the rest.
    SurvivalDone,
    /// So many threads compute from now on.
    ThreadsSet(usize),
    /// Files were written.
    Saved(Vec<PathBuf>),
    /// Models compute here from now on, and none is loaded.
    DeviceChanged(DeviceInUse),
    /// The command failed; the engine lives on.
    Failed(String),
}
