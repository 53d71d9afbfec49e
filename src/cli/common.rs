//! What subcommands share.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::ThreadPool;

use crate::audio::{self, Clip};
use crate::engine::{self, DeviceChoice, DeviceError, EngineOptions};
use crate::files;
use crate::models::{Classifier, ModelLibrary, ModelSource, WeightsError, search_directories};
use crate::names::UnknownName;

/// Where and with what to compute.
#[derive(Args, Clone, Debug)]
pub struct Compute {
    /// Folder that holds the models' weights
    #[arg(long, value_name = "DIR", global = true)]
    pub models: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = DeviceChoice::find, global = true)]
    pub device: DeviceChoice,
    /// Computing threads (default: one a core)
    #[arg(long, value_name = "N", value_parser = engine::parse_threads, global = true)]
    pub threads: Option<usize>,
}

impl Compute {
    /// The same for the window's engine.
    pub fn engine_options(&self) -> EngineOptions {
        EngineOptions {
            model_directories: search_directories(self.models.as_deref()),
            threads: self.threads,
            device: self.device,
        }
    }

    /// The models, the threads, and where they compute; what people must know of it goes to stderr.
    ///
    /// # Errors
    /// Where the device does not exist here or threads can't be started.
    pub fn prepare(&self) -> Result<Prepared, Failure> {
        let compute = self.device.resolve().map_err(|error| match error {
            DeviceError::NotInThisBuild(_) => Failure::Usage(error.to_string()),
            DeviceError::Unusable { .. } => Failure::Failed(error.to_string()),
        })?;
        if let Some(notice) = &compute.notice {
            eprintln!("mondegreen: {notice}");
        }
        let pool = self.pool()?;
        let directories = search_directories(self.models.as_deref());
        let library = ModelLibrary::new(directories, compute.device.clone());
        Ok(Prepared { library, pool, compute })
    }

    /// The computing threads alone.
    ///
    /// # Errors
    /// Where the system gives none.
    pub fn pool(&self) -> Result<ThreadPool, Failure> {
        engine::thread_pool(self.threads).map_err(Failure::Failed)
    }
}

/// Reads a clip of at most so many seconds.
///
/// # Errors
/// What can't become a clip, and why.
pub fn load(path: &Path, limit: f64) -> Result<Clip, Failure> {
    audio::load(path, limit).map_err(|error| Failure::Failed(error.to_string()))
}

/// The first Ctrl-C (or SIGTERM) asks to stop after the current step, keeping everything; a second
/// one ends the program at once.
///
/// # Errors
/// Where the system lets nobody listen for them.
pub fn stop_on_signals(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(stop)))
            .map_err(|error| {
                Failure::Failed(format!("the program can't listen for Ctrl-C: {error}"))
            })?;
    }
    Ok(())
}

/// Refuses a table that can't be written before anything is computed for it.
///
/// # Errors
/// As writing it would give.
pub fn check_table(path: &Path) -> Result<(), Failure> {
    files::check_place(path).map_err(|error| unwritten(path, &error))
}

/// What to say where a file can't be written.
pub fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{} can't be written: {error}", path.display()))
}

/// All that a subcommand computes with.
pub struct Prepared {
    library: ModelLibrary,
    /// The computing threads.
    pub pool: ThreadPool,
    /// Where models compute.
    pub compute: engine::Compute,
}

impl Prepared {
    /// What to say where a model can't take a clip.
    pub fn failure(&self, clip: &Path, reason: &str) -> Failure {
        Failure::Failed(format!("{}: {}", clip.display(), self.compute.explain(reason)))
    }

    /// A loaded model.
    ///
    /// # Errors
    /// Where its weights are missing or do not fit.
    pub fn model(&mut self, source: &ModelSource) -> Result<Arc<dyn Classifier>, Failure> {
        let model = self.library.get(source);
        model.map_err(|error| Failure::Failed(self.compute.explain(&error.to_string())))
    }

    /// The models that were asked for, with how each was asked for. Where `all` were, those whose
    /// file is not there are left out, which is said on stderr, unless none is there.
    ///
    /// # Errors
    /// As [`Self::model`].
    pub fn models(&mut self, wanted: &Models) -> Result<Vec<Loaded>, Failure> {
        let mut loaded = Vec::new();
        let mut missing = Vec::new();
        for source in &wanted.sources {
            match self.library.get(source) {
                Ok(model) => loaded.push((source.clone(), model)),
                Err(error @ WeightsError::NotFound { .. }) if wanted.all => missing.push(error),
                Err(error) => {
                    return Err(Failure::Failed(self.compute.explain(&error.to_string())));
                }
            }
        }
        match missing.first() {
            Some(error) if loaded.is_empty() => return Err(Failure::Failed(error.to_string())),
            _ => missing.iter().for_each(say_left_out),
        }
        Ok(loaded)
    }
}

/// A confidence from 0 to 1 for people.
pub fn confidence(confidence: Option<f64>) -> String {
    confidence.map_or_else(|| "none".to_owned(), |confidence| format!("{confidence:.2}"))
}

/// A model and how it was asked for.
pub type Loaded = (ModelSource, Arc<dyn Classifier>);

/// Says that one of all models is left out.
pub fn say_left_out(error: &WeightsError) {
    match error {
        WeightsError::NotFound { file, .. } => {
            eprintln!("mondegreen: left out: there is no {file} in the models' folders");
        }
        error => eprintln!("mondegreen: left out: {error}"),
    }
}

/// Why a subcommand did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// It was asked for what does not exist: exit status 2.
    Usage(String),
    /// It could not do it: exit status 1.
    Failed(String),
    /// It did part of it and has said what failed: exit status 1.
    Partly(usize),
    /// Whoever read its output has closed the pipe (`| head`): no failure, but no reason to go on.
    NobodyReads,
}

impl Failure {
    /// The exit status that DESIGN asks for.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::NobodyReads => 0,
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Partly(_) => 1,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Failed(message) => f.write_str(message),
            Self::Partly(1) => f.write_str("one thing could not be done: see above"),
            Self::Partly(count) => write!(f, "{count} things could not be done: see above"),
            Self::NobodyReads => f.write_str("nobody reads the output"),
        }
    }
}

/// One model or all of them.
#[derive(Clone, Debug)]
pub struct Models {
    /// The models.
    pub sources: Vec<ModelSource>,
    /// Whether all were asked for, rather than one by its name.
    pub all: bool,
}

/// A model's name, a weights file, or `all`.
///
/// # Errors
/// [`UnknownName`] with the closest model.
pub fn parse_models(name: &str) -> Result<Models, UnknownName> {
    if name.eq_ignore_ascii_case("all") {
        return Ok(Models { sources: ModelSource::named().collect(), all: true });
    }
    ModelSource::find(name).map(|source| Models { sources: vec![source], all: false })
}

/// A bar on stderr for so many steps, hidden where stderr is no terminal.
pub fn progress_bar(steps: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {eta} left  {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Writes a line to stdout. `println!` would panic where the pipe is closed or the disk full.
///
/// # Errors
/// [`Failure::NobodyReads`] where the pipe is closed, [`Failure::Failed`] for all else.
pub fn say(line: impl fmt::Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => Failure::Failed(format!("the result can't be written to stdout: {error}")),
    })
}

/// A finite number of the command line: `nan` and `inf` parse as numbers, too.
///
/// # Errors
/// A message for people where it is none.
pub fn finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("it must be a number".to_owned()),
    }
}

/// A finite number of the command line that is 0 or more.
///
/// # Errors
/// As [`finite`].
pub fn not_negative(text: &str) -> Result<f64, String> {
    let number = finite(text)?;
    if number >= 0.0 { Ok(number) } else { Err("it must be 0 or more".to_owned()) }
}

/// A number of the command line from 0 to 1.
///
/// # Errors
/// As [`finite`].
pub fn share(text: &str) -> Result<f64, String> {
    let number = finite(text)?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err("it must be from 0 to 1".to_owned())
    }
}

/// A finite number of the command line above 0.
///
/// # Errors
/// As [`finite`].
pub fn positive(text: &str) -> Result<f64, String> {
    let number = finite(text)?;
    if number > 0.0 { Ok(number) } else { Err("it must be more than 0".to_owned()) }
}
