//! Everything that can be asked of the window.

use std::path::{Path, PathBuf};

use eframe::egui::{self, Key, KeyboardShortcut, Modifiers, ThemePreference};

use crate::attacks::AttackId;
use crate::audio::SoundDevice;
use crate::audio::player::Side;
use crate::engine::{CommandId, DeviceChoice};
use crate::experiments::RunFolder;
use crate::export::Destination;
use crate::lab_file::is_lab_file;
use crate::metrics::Region;
use crate::models::{ModelSource, is_weights_file};
use crate::ui::experiments::ExperimentWish;
use crate::ui::lab::PictureMode;
use crate::ui::listen::ListenCommand;
use crate::ui::tab::Tab;

/// A wish. Buttons, keys, dropped files and tests all ask by one of these.
#[derive(Clone, Debug, PartialEq)]
pub enum UiCommand {
    /// Show the dialog for a clip.
    ChooseClip,
    /// Open a file.
    OpenFile(PathBuf),
    /// Open a clip that the program brings along.
    OpenBundled(usize),
    /// Take a file off the list of recent ones.
    ForgetRecent(PathBuf),
    /// Look which recent files are still there.
    LookForRecent,
    /// Open the microphone and the sheet for recording, or open both again.
    OpenRecorder,
    /// Close them; what is being recorded is thrown away.
    CloseRecorder,
    /// Start to record, or stop and keep what was recorded.
    RecordOrStop,
    /// Record from this microphone from now on; none for the system's default.
    ChooseMicrophone(Option<SoundDevice>),
    /// Try again to load a model, after its file was put in place.
    RetryModel(ModelSource),
    /// Ask models again that failed to name a clip.
    HearAgain,
    /// Choose a model.
    ChooseModel(ModelSource),
    /// Show the dialog for a model's weights.
    ChooseWeights,
    /// Open a weights file as a model, or again what it holds now.
    OpenModel(PathBuf),
    /// Forget a weights file that was opened.
    CloseModel(ModelSource),
    /// Show what there is to say of the models, or hide it.
    ToggleModels,
    /// Compute elsewhere from now on.
    UseDevice(DeviceChoice),
    /// Compute on so many threads from the next job on; none for one a core.
    SetThreads(Option<usize>),
    /// Attack, or stop the attack under way.
    AttackOrStop,
    /// Find out what survives of the shown result, or stop finding out.
    CheckSurvivalOrStop,
    /// Bring back a result, by its index among all of the session.
    ShowResult(usize),
    /// Have the samples of a result in memory, by its index, for this frame and the next.
    BringBack(usize),
    /// Bring back a result in the Lab, by its index.
    OpenResult(usize),
    /// Play a result, by its index, or pause it.
    PlayResult(usize),
    /// Run the chosen attacks against the chosen models, or stop.
    CompareOrStop,
    /// Type a name for the shown result.
    BeginRenaming,
    /// Give a result a name, by the command that gave it.
    RenameResult(CommandId, String),
    /// Delete a result, by its index.
    DeleteResult(usize),
    /// Delete the shown result.
    DeleteShown,
    /// Undo the latest deletion or renaming of a result.
    Undo,
    /// Something of the Experiments tab.
    Experiment(ExperimentWish),
    /// Something of the Listen tab.
    Listening(ListenCommand),
    /// Show a tab.
    ShowTab(Tab),
    /// Attack as soon as clip and model are there and nothing else is under way.
    Attack,
    /// Choose an attack, with its usual SNR.
    ChooseAttack(AttackId),
    /// Aim at a label, by its name, or at none.
    SetTarget(Option<String>),
    /// Show these of original, adversarial and difference.
    SetPanes([bool; 3]),
    /// Run a demonstration, by its index.
    Demo(usize),
    /// Go to a step of the tour; none ends it.
    Tour(Option<usize>),
    /// Show only what a class must see, in large type, or everything again.
    TogglePresenter,
    /// Show or hide the command palette.
    TogglePalette,
    /// Tell people for a while that something was done.
    Tell(String),
    /// Show the attack under way.
    ShowLive,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// Play or pause.
    PlayOrPause,
    /// Listen to a side.
    Listen(Side),
    /// Play from a moment, in seconds.
    Seek(f64),
    /// Move the playhead by some seconds.
    SeekBy(f64),
    /// Play again from the start at the end, or not.
    SetLooping(bool),
    /// Play a part again and again, in seconds, or all of the clip.
    SetLoop(Option<(f64, f64)>),
    /// Choose a part in time, and perhaps in frequency, to be looped, measured and zoomed to; or
    /// none.
    Select(Option<Region>),
    /// Show the chosen part and nothing else.
    ZoomToRegion,
    /// Show levels, what the model is fed, or where it listens.
    ShowPicture(PictureMode),
    /// Show that, or levels where it is shown.
    TogglePicture(PictureMode),
    /// Volume in dB, all sides alike.
    SetGain(f32),
    /// How much louder the difference is played, in dB.
    SetDifferenceGain(f32),
    /// Play on this device from now on; none for the system's default.
    ChooseOutput(Option<SoundDevice>),
    /// Look which devices sound can go to.
    LookForOutputs,
    /// Show all of the clip.
    ResetView,
    /// Show or hide the difference.
    ToggleDifference,
    /// Open a lab file.
    OpenLab(PathBuf),
    /// Ask for a file and save the lab there.
    ChooseLab,
    /// Save the lab in a file.
    SaveLab(PathBuf),
    /// Show what of the result can be exported, or hide it.
    ToggleExport,
    /// Ask for a folder and export into a new folder there.
    ChooseExportFolder,
    /// Ask for a file and export as a ZIP.
    ChooseExportZip,
    /// Export what was chosen of the result.
    Export(Destination),
    /// Ask for a folder and save the pair of WAVs there.
    ChoosePairFolder,
    /// Save the pair of WAVs in a folder.
    SavePair(PathBuf),
    /// Ask for a file and save the figure there.
    ChooseFigure,
    /// Save the figure as a PNG or SVG file.
    SaveFigure(PathBuf),
    /// Dark, light, or as the system says.
    SetTheme(ThemePreference),
    /// Show text and everything else at this scale, 1 for the usual one.
    SetZoom(f32),
    /// Show or hide what the program is made of.
    ToggleAbout,
    /// Show or hide the keys and what the program is.
    ToggleHelp,
    /// Dismiss a notice, by its index.
    DismissNotice(usize),
    /// Dismiss all notices.
    DismissNotices,
}

impl UiCommand {
    /// Opens a file as what its name says: a model's weights, a lab, a listening test, or a recording;
    /// the folder of a run of an experiment as that.
    pub fn open(path: PathBuf) -> Self {
        if is_weights_file(&path) {
            Self::OpenModel(path)
        } else if is_lab_file(&path) {
            Self::OpenLab(path)
        } else if is_test_file(&path) {
            Self::Listening(ListenCommand::OpenTest(path))
        } else if RunFolder::new(&path).has_configuration() {
            Self::Experiment(ExperimentWish::OpenRun(path))
        } else {
            Self::OpenFile(path)
        }
    }
}

/// Whether a file is the session file of a listening test.
fn is_test_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

/// A key, what it asks for, and how the help puts it.
pub struct Binding {
    /// The key as it is written.
    pub key: &'static str,
    /// What it does.
    pub does: &'static str,
    shortcut: KeyboardShortcut,
    command: fn() -> UiCommand,
}

impl Binding {
    /// What it asks for.
    pub fn command(&self) -> UiCommand {
        (self.command)()
    }
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn with_command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

macro_rules! binding {
    ($key:literal, $does:literal, $shortcut:expr, $command:expr) => {
        Binding { key: $key, does: $does, shortcut: $shortcut, command: || $command }
    };
}

/// All keys, in the order of the help.
pub const BINDINGS: [Binding; 31] = [
    binding!("Space", "Play or pause", plain(Key::Space), UiCommand::PlayOrPause),
    binding!("A", "Listen to the original", plain(Key::A), UiCommand::Listen(Side::Original)),
    binding!(
        "B",
        "Listen to the adversarial clip",
        plain(Key::B),
        UiCommand::Listen(Side::Adversarial)
    ),
    binding!("D", "Listen to the difference", plain(Key::D), UiCommand::Listen(Side::Difference)),
    binding!("←", "Back by a quarter of a second", plain(Key::ArrowLeft), UiCommand::SeekBy(-0.25)),
    binding!("→", "On by a quarter of a second", plain(Key::ArrowRight), UiCommand::SeekBy(0.25)),
    binding!("Home", "Back to the start", plain(Key::Home), UiCommand::Seek(0.0)),
    binding!("L", "Loop on or off", plain(Key::L), UiCommand::SetLooping(true)),
    binding!("F", "Show all of the clip", plain(Key::F), UiCommand::ResetView),
    binding!("Z", "Zoom to the chosen part", plain(Key::Z), UiCommand::ZoomToRegion),
    binding!(
        "M",
        "What the model sees, or the levels",
        plain(Key::M),
        UiCommand::TogglePicture(PictureMode::Machine)
    ),
    binding!(
        "G",
        "Where the model listens, or the levels",
        plain(Key::G),
        UiCommand::TogglePicture(PictureMode::Listening)
    ),
    binding!("X", "Show or hide the difference", plain(Key::X), UiCommand::ToggleDifference),
    binding!(
        "Ctrl Enter",
        "Attack, or stop and keep the best",
        with_command(Key::Enter),
        UiCommand::AttackOrStop
    ),
    binding!("Ctrl O", "Open a recording", with_command(Key::O), UiCommand::ChooseClip),
    binding!("Ctrl R", "Record a clip", with_command(Key::R), UiCommand::OpenRecorder),
    binding!("Ctrl S", "Save the pair of WAVs", with_command(Key::S), UiCommand::ChoosePairFolder),
    binding!("F2", "Rename the result", plain(Key::F2), UiCommand::BeginRenaming),
    binding!("Delete", "Delete the result", plain(Key::Delete), UiCommand::DeleteShown),
    binding!("Ctrl Z", "Undo deleting or renaming", with_command(Key::Z), UiCommand::Undo),
    binding!("Ctrl E", "Export the result", with_command(Key::E), UiCommand::ToggleExport),
    binding!(
        "Ctrl Shift S",
        "Save the whole lab",
        KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S),
        UiCommand::ChooseLab
    ),
    binding!("Ctrl P", "Save the figure", with_command(Key::P), UiCommand::ChooseFigure),
    binding!("Ctrl 1", "The Lab", with_command(Key::Num1), UiCommand::ShowTab(Tab::Lab)),
    binding!(
        "Ctrl 2",
        "Compare attacks and models",
        with_command(Key::Num2),
        UiCommand::ShowTab(Tab::Compare)
    ),
    binding!("Ctrl 3", "Listening tests", with_command(Key::Num3), UiCommand::ShowTab(Tab::Listen)),
    binding!(
        "Ctrl 4",
        "The paper's experiments",
        with_command(Key::Num4),
        UiCommand::ShowTab(Tab::Experiments)
    ),
    binding!(
        "Ctrl K",
        "Find anything to do by typing",
        with_command(Key::K),
        UiCommand::TogglePalette
    ),
    binding!(
        "F5",
        "Large type for a class, or everything",
        plain(Key::F5),
        UiCommand::TogglePresenter
    ),
    binding!("F1", "Show or hide this help", plain(Key::F1), UiCommand::ToggleHelp),
    binding!(
        "?",
        "Show or hide this help",
        KeyboardShortcut::new(Modifiers::NONE, Key::Questionmark),
        UiCommand::ToggleHelp
    ),
];

/// What the keys pressed since the last frame ask for; nothing while people type or walk through
/// the controls with Tab, where keys belong to the control.
pub fn pressed(ctx: &egui::Context, looping: bool) -> Vec<UiCommand> {
    let busy = ctx.egui_wants_keyboard_input() || ctx.any_popup_open();
    let mut asked = Vec::new();
    for binding in &BINDINGS {
        if busy && binding.shortcut.modifiers == Modifiers::NONE {
            continue;
        }
        if ctx.input_mut(|input| consume(input, &binding.shortcut)) {
            asked.push(match (binding.command)() {
                UiCommand::SetLooping(_) => UiCommand::SetLooping(!looping),
                command => command,
            });
        }
    }
    asked
}

/// Takes a key press; a question mark counts with whatever modifier types it.
fn consume(input: &mut egui::InputState, shortcut: &KeyboardShortcut) -> bool {
    if shortcut.logical_key == Key::Questionmark {
        return input.key_pressed(Key::Questionmark);
    }
    // The modifiers of the key press, not those of now: a quick press may be over when a frame begins.
    let pressed = input.events.iter().any(|event| match event {
        egui::Event::Key { key, pressed: true, modifiers, .. } => {
            *key == shortcut.logical_key && modifiers.matches_exact(shortcut.modifiers)
        }
        _ => false,
    });
    pressed && input.consume_shortcut(shortcut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        for (index, one) in BINDINGS.iter().enumerate() {
            assert!(BINDINGS[index + 1..].iter().all(|other| other.shortcut != one.shortcut));
        }
    }
}
