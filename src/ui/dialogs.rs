//! The system's file dialogs, each on a thread of its own so that the window goes on.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use eframe::egui;

use crate::lab_file;
use crate::models::WEIGHTS_EXTENSION;
use crate::ui::listen::ListenCommand;

/// What people chose.
#[derive(Debug)]
pub enum Chosen {
    /// A clip to open.
    Clip(PathBuf),
    /// A model's weights to open.
    Weights(PathBuf),
    /// A folder for the pair of WAVs.
    PairFolder(PathBuf),
    /// A folder for an export.
    ExportFolder(PathBuf),
    /// A ZIP for an export.
    ExportZip(PathBuf),
    /// Something for the Listen tab.
    Listening(ListenCommand),
    /// A file for a lab.
    Lab(PathBuf),
    /// The folder of a data set.
    DataSet(PathBuf),
    /// The folder of an experiment's run.
    RunFolder(PathBuf),
    /// A file for the figure.
    Figure(PathBuf),
    /// The dialog vanished at once: there is none on this system.
    NoDialog,
}

/// A dialog answered `None` faster than anybody can press Cancel.
const TOO_FAST: Duration = Duration::from_millis(250);

/// Opens dialogs, one at a time, and hands out what was chosen.
pub struct Dialogs {
    sender: mpsc::Sender<Option<Chosen>>,
    receiver: mpsc::Receiver<Option<Chosen>>,
    open: bool,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver, open: false }
    }
}

impl Dialogs {
    /// Whether a dialog is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Asks for a clip.
    pub fn open_clip(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new()
            .set_title("Open a recording or a lab")
            .add_filter("Recordings", &EXTENSIONS)
            .add_filter("Labs", &[lab_file::EXTENSION])
            .add_filter("All files", &["*"]);
        self.start(ctx, move || dialog.pick_file().map(Chosen::Clip));
    }

    /// Asks for a model's weights.
    pub fn open_weights(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new()
            .set_title("Open a model's weights")
            .add_filter("Weights", &[WEIGHTS_EXTENSION])
            .add_filter("All files", &["*"]);
        self.start(ctx, move || dialog.pick_file().map(Chosen::Weights));
    }

    /// Asks for the folder of a pair of WAVs.
    pub fn pair_folder(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new().set_title("Folder for the pair of WAVs");
        self.start(ctx, move || dialog.pick_folder().map(Chosen::PairFolder));
    }

    /// Asks for the folder in which an export makes its own.
    pub fn export_folder(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new().set_title("Export into a new folder in");
        self.start(ctx, move || dialog.pick_folder().map(Chosen::ExportFolder));
    }

    /// Asks for the ZIP of an export.
    pub fn export_zip(&mut self, ctx: &egui::Context, name: &str) {
        let dialog = rfd::FileDialog::new()
            .set_title("Export as a ZIP")
            .set_file_name(name)
            .add_filter("ZIP archive", &["zip"]);
        self.start(ctx, move || dialog.save_file().map(Chosen::ExportZip));
    }

    /// Asks for the folder of a data set.
    pub fn data_set(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new().set_title("Folder of a data set");
        self.start(ctx, move || dialog.pick_folder().map(Chosen::DataSet));
    }

    /// Asks for the folder of a run.
    pub fn run_folder(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new().set_title("Folder of an experiment's run");
        self.start(ctx, move || dialog.pick_folder().map(Chosen::RunFolder));
    }

    /// Asks for a folder for the Listen tab.
    pub fn listening_folder(
        &mut self,
        ctx: &egui::Context,
        title: &str,
        then: fn(PathBuf) -> ListenCommand,
    ) {
        let dialog = rfd::FileDialog::new().set_title(title);
        self.start(ctx, move || dialog.pick_folder().map(then).map(Chosen::Listening));
    }

    /// Asks for the session file of a listening test.
    pub fn listening_test(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new()
            .set_title("Open a listening test")
            .add_filter("Session files", &["toml"])
            .add_filter("All files", &["*"]);
        let chosen = |path| Chosen::Listening(ListenCommand::OpenTest(path));
        self.start(ctx, move || dialog.pick_file().map(chosen));
    }

    /// Asks for logs of listening tests.
    pub fn listening_logs(&mut self, ctx: &egui::Context) {
        let dialog = rfd::FileDialog::new()
            .set_title("Logs of one listening test")
            .add_filter("Logs", &["jsonl"])
            .add_filter("All files", &["*"]);
        let chosen = |paths| Chosen::Listening(ListenCommand::Report(paths));
        self.start(ctx, move || dialog.pick_files().map(chosen));
    }

    /// Asks for the file of a lab.
    pub fn lab(&mut self, ctx: &egui::Context, name: &str) {
        let dialog = rfd::FileDialog::new()
            .set_title("Save the lab")
            .set_file_name(name)
            .add_filter("Lab", &[lab_file::EXTENSION]);
        self.start(ctx, move || dialog.save_file().map(Chosen::Lab));
    }

    /// Asks for the file of a figure.
    pub fn figure(&mut self, ctx: &egui::Context, name: &str) {
        let dialog = rfd::FileDialog::new()
            .set_title("Save the figure")
            .set_file_name(name)
            .add_filter("PNG picture", &["png"])
            .add_filter("SVG drawing", &["svg"]);
        self.start(ctx, move || dialog.save_file().map(Chosen::Figure));
    }

    /// What was chosen since the last call.
    pub fn poll(&mut self) -> Option<Chosen> {
        let answer = self.receiver.try_recv().ok()?;
        self.open = false;
        answer
    }

    fn start(
        &mut self,
        ctx: &egui::Context,
        ask: impl FnOnce() -> Option<Chosen> + Send + 'static,
    ) {
        if self.open {
            return;
        }
        let (ctx, sender) = (ctx.clone(), self.sender.clone());
        let thread = std::thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            let since = Instant::now();
            let chosen = ask();
            let vanished = chosen.is_none() && since.elapsed() < TOO_FAST;
            // The window may be gone by now; then nobody waits for the answer.
            sender.send(if vanished { Some(Chosen::NoDialog) } else { chosen }).ok();
            ctx.request_repaint();
        });
        self.open = thread.is_ok();
    }
}

/// What the clip dialog offers first; any other file can be chosen too.
const EXTENSIONS: [&str; 14] = [
    "wav", "wave", "flac", "mp3", "ogg", "oga", "m4a", "aac", "mp4", "aif", "aiff", "caf", "mkv",
    "webm",
];
