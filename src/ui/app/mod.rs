//! The application: owns everything, split by role into events, wishes and painting.

mod apply;
mod commands;
mod logic;
mod top_bar;
mod ui;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui;

pub use commands::{BINDINGS, UiCommand};

use super::dialogs::Dialogs;
use super::lab::Lab;
use super::notices::Notices;
use super::run::Options;
use super::settings::Settings;
use super::{dump, theme};
use crate::audio::player::Player;
use crate::engine::{CommandId, Engine};

/// Under which key the settings are kept.
const SETTINGS: &str = "settings";

/// What the player was given: the original and the adversarial samples.
type Given = (Option<Arc<[f32]>>, Option<Arc<[f32]>>);

/// The window's application.
pub struct App {
    engine: Engine,
    player: Player,
    lab: Lab,
    settings: Settings,
    notices: Notices,
    dialogs: Dialogs,
    /// Wishes to be fulfilled after this frame.
    asked: Vec<UiCommand>,
    help: bool,
    /// What the player was given last.
    given: Given,
    /// What the player complained about last.
    complaint: Option<String>,
    /// The result that a file dialog was opened for: another may be shown when it answers.
    to_save: Option<usize>,
    /// Files being written, and the latest that were.
    saving: Vec<CommandId>,
    saved: Vec<PathBuf>,
}

impl App {
    /// Starts the engine and the player and opens the clip that the options name.
    ///
    /// # Errors
    /// The device does not exist or the system gives no thread.
    pub fn new(cc: &eframe::CreationContext<'_>, options: Options) -> Result<Self, String> {
        let ctx = &cc.egui_ctx;
        theme::install(ctx);
        dump::install(ctx);
        let settings: Settings =
            cc.storage.and_then(|storage| eframe::get_value(storage, SETTINGS)).unwrap_or_default();
        ctx.set_theme(settings.theme);
        ctx.set_zoom_factor(settings.zoom);

        let waker = ctx.clone();
        let engine = Engine::start(options.engine, move || waker.request_repaint())?;
        let mut lab = Lab::new(ctx, engine.first_device().clone())
            .map_err(|error| format!("no thread for the spectrograms can be started: {error}"))?;
        lab.changing_device = engine.opening_device();
        let mut app = Self {
            engine,
            player: Player::new(),
            lab,
            settings,
            notices: Notices::default(),
            dialogs: Dialogs::default(),
            asked: vec![UiCommand::ReloadModel],
            help: false,
            given: (None, None),
            complaint: None,
            to_save: None,
            saving: Vec::new(),
            saved: Vec::new(),
        };
        app.player.set_gain_db(app.settings.gain_db);
        app.player.set_difference_gain_db(app.settings.difference_gain_db);
        app.player.set_looping(app.settings.looping);
        app.asked.extend(options.clip.map(UiCommand::OpenFile));
        Ok(app)
    }

    /// Asks for something, as a button would.
    pub fn ask(&mut self, command: UiCommand) {
        self.asked.push(command);
    }

    /// The notices that are shown.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The files that were written last.
    pub fn saved(&self) -> &[PathBuf] {
        &self.saved
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.paint(ui);
        self.fulfil(ui.ctx());
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, SETTINGS, &self.settings);
    }

    // The Lab is all there is to restore; remembered scroll positions and popups only confuse.
    fn persist_egui_memory(&self) -> bool {
        false
    }
}
