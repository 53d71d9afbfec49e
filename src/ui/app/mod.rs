//! The application: owns everything, split by role into events, wishes and painting.

mod apply;
mod attacking;
mod class;
mod closing;
mod commands;
mod entries;
mod experimenting;
mod keep;
mod listening;
mod logic;
mod top_bar;
mod ui;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui;

pub use commands::{BINDINGS, UiCommand};

use closing::Closing;

use self::attacking::Awaited;
use super::command_palette::CommandPalette;
use super::compare::Comparison;
use super::dialogs::Dialogs;
use super::experiments::Experiments;
use super::frame_log::{self, Doing, FrameLog};
use super::lab::{Lab, Models};
use super::listen::Listening;
use super::model_sheet::ModelSheet;
use super::notices::Notices;
use super::pace::Pace;
use super::record_sheet::RecordSheet;
use super::run::Options;
use super::settings::Settings;
use super::tab::Tab;
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
    pace: Pace,
    lab: Lab,
    comparison: Comparison,
    experiments: Experiments,
    /// Blind tests.
    listening: Listening,
    /// The page of a session whose sounds the player has.
    heard_page: Option<u64>,
    tab: Tab,
    settings: Settings,
    notices: Notices,
    dialogs: Dialogs,
    /// Wishes to be fulfilled after this frame.
    asked: Vec<UiCommand>,
    help: bool,
    /// Whether the sheet for exports is open.
    exporting: bool,
    /// The command palette, while it is open.
    palette: Option<CommandPalette>,
    /// The step of the tour, while it is taken.
    tour: Option<usize>,
    /// What to attack with as soon as that is possible.
    attack_when_ready: Option<Awaited>,
    /// The scale of everything before it was made larger for a class.
    zoom_before: Option<f32>,
    about: bool,
    /// The microphone and its sheet.
    recording: RecordSheet,
    /// What there is to say of the models.
    sheet: ModelSheet,
    /// What the player was given last.
    given: Given,
    /// What the player complained about last.
    complaint: Option<String>,
    /// The result that a file dialog was opened for: another may be shown when it answers.
    to_save: Option<CommandId>,
    /// Files being written, and the latest that were.
    saving: Vec<CommandId>,
    saved: Vec<PathBuf>,
    closing: Closing,
    /// Where frame times are written, if they are measured.
    frame_log: Option<FrameLog>,
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
        let mut settings: Settings =
            cc.storage.and_then(|storage| eframe::get_value(storage, SETTINGS)).unwrap_or_default();
        ctx.set_theme(settings.theme);
        ctx.set_zoom_factor(settings.usable_zoom());

        let pace = Pace::new(ctx);
        let waker = pace.clone();
        let mut engine = options.engine;
        // The command line's word counts for this run; what is chosen in the window is kept.
        engine.threads = engine.threads.or(settings.usable_threads());
        let threads = engine.threads;
        let engine = Engine::start(engine, move || waker.wake())?;
        let gone = settings.forget_missing_models();
        let models = Models::new(&settings.own_models, &settings.model);
        let mut lab = Lab::new(&pace, models, engine.first_device().clone())
            .map_err(|error| format!("no thread for the spectrograms can be started: {error}"))?;
        lab.threads = threads;
        lab.changing_device = engine.opening_device();
        let mut app = Self {
            engine,
            player: Player::new(),
            pace,
            lab,
            comparison: Comparison::default(),
            experiments: Experiments::default(),
            listening: Listening::default(),
            heard_page: None,
            tab: Tab::default(),
            settings,
            notices: Notices::default(),
            dialogs: Dialogs::default(),
            asked: Vec::new(),
            help: false,
            exporting: false,
            palette: None,
            tour: None,
            attack_when_ready: None,
            zoom_before: None,
            about: false,
            recording: RecordSheet::default(),
            sheet: ModelSheet::default(),
            given: (None, None),
            complaint: None,
            to_save: None,
            saving: Vec::new(),
            saved: Vec::new(),
            closing: Closing::default(),
            frame_log: frame_log::from_environment(),
        };
        app.player.set_gain_db(app.settings.gain_db);
        app.player.set_difference_gain_db(app.settings.difference_gain_db);
        app.player.set_looping(app.settings.looping);
        app.player.set_device(app.settings.output.clone());
        app.asked.extend(options.clip.map(UiCommand::open));
        for path in gone {
            app.notices.info(format!(
                "The model {} is no longer there and was left out. Open it again once it is back.",
                path.display()
            ));
        }
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

    /// What is remembered from one run to the next.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The files that were written last.
    pub fn saved(&self) -> &[PathBuf] {
        &self.saved
    }

    /// How many adversarial samples of results are in memory now.
    pub fn samples_in_memory(&self) -> usize {
        self.lab.results.iter().map(|result| result.outcome.samples.len()).sum()
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        if let Some(log) = &mut self.frame_log {
            log.frame_begins(frame.info().cpu_usage);
        }
        self.pace.frame_begins();
        self.take_in(ctx);
        self.mind_closing(ctx);
        if let Some(log) = &mut self.frame_log {
            log.logic_ends();
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        if let Some(log) = &mut self.frame_log {
            log.ui_begins();
        }
        self.paint(ui);
        self.fulfil(ui.ctx());
        if let Some(log) = &mut self.frame_log {
            let player = self.player.state();
            log.ui_ends(Doing {
                attacking: self.lab.running.is_some(),
                playing: player.playing,
                dropouts: player.dropouts,
                late: player.late,
                steps: self.lab.running.as_ref().map_or(0, |running| running.trace.len()),
            });
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, SETTINGS, &self.settings);
    }

    // The Lab is all there is to restore; remembered scroll positions and popups only confuse.
    fn persist_egui_memory(&self) -> bool {
        false
    }
}
