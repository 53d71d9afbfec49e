//! The window's side of the engine.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::compute::Compute;
use super::device::DeviceChoice;
use super::files;
use super::message::{Command, CommandId, Event, EventKind};
use super::outbox::Outbox;
use super::worker::{Shared, Worker};

/// How an engine is set up.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// Folders that are searched for weights, in order.
    pub model_directories: Vec<PathBuf>,
    /// Threads that compute; none for one a core.
    pub threads: Option<usize>,
    /// Where models compute.
    pub device: DeviceChoice,
}

/// Where models compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInUse {
    /// What was asked for.
    pub choice: DeviceChoice,
    /// The device's name for people.
    pub name: String,
    /// What people must know, such as why it is not a GPU.
    pub notice: Option<String>,
}

impl DeviceInUse {
    /// What `choice` became.
    pub fn new(choice: DeviceChoice, compute: &Compute) -> Self {
        Self { choice, name: compute.name.clone(), notice: compute.notice.clone() }
    }
}

/// Owns the engine's thread; dropping it cancels what runs and waits for the thread.
pub struct Engine {
    commands: Option<Sender<(CommandId, Command)>>,
    outbox: Outbox,
    last_id: AtomicU64,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Threads that write files: they are waited for, so that closing the window loses nothing.
    saves: Mutex<Vec<JoinHandle<()>>>,
    model_directories: Vec<PathBuf>,
    first_device: DeviceInUse,
    opening_device: Option<CommandId>,
}

impl Engine {
    /// Starts the thread, whose work has a lower priority than the calling thread. `wake` is
    /// called when there are new events, from whichever thread sent the first of them, and not
    /// again before they have been taken.
    ///
    /// A GPU is opened by the thread, as its first command: that can take seconds.
    ///
    /// # Errors
    /// Where this build does not have the device or no thread can be started.
    pub fn start(
        options: EngineOptions,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let (commands, inbox) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let later = options.device.tries_a_gpu().map_err(|error| error.to_string())?;
        let compute = Compute::cpu();
        let first = if later { DeviceChoice::Cpu } else { options.device };
        let first_device = DeviceInUse::new(first, &compute);
        let outbox = Outbox::new(Arc::new(wake));
        let model_directories = options.model_directories.clone();
        let worker = Worker::new(
            options.model_directories,
            compute,
            options.threads,
            outbox.clone(),
            shared.clone(),
        )?;
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || worker.run(&inbox))
            .map_err(|error| format!("the engine's thread can't be started: {error}"))?;
        let mut engine = Self {
            commands: Some(commands),
            outbox,
            last_id: AtomicU64::new(0),
            shared,
            thread: Some(thread),
            saves: Mutex::default(),
            model_directories,
            first_device,
            opening_device: None,
        };
        if later {
            engine.opening_device = Some(engine.send(Command::UseDevice(options.device)));
        }
        Ok(engine)
    }

    /// Folders that are searched for weights, in order.
    pub fn model_directories(&self) -> &[PathBuf] {
        &self.model_directories
    }

    /// A number that no other command has: for a result of an earlier session.
    pub fn number(&self) -> CommandId {
        CommandId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Queues a command, or starts it at once beside the others if it only reads or writes files; its
    /// events carry the number given back.
    pub fn send(&self, command: Command) -> CommandId {
        let id = self.number();
        match command {
            Command::LoadClip { source, limit_seconds } => {
                // Nobody waits for a clip that is still being decoded when the window closes.
                files::aside(&self.outbox, id, move || files::load_clip(&source, limit_seconds));
            }
            Command::OpenLab(path) => {
                files::aside(&self.outbox, id, move || files::open_lab(&path));
            }
            Command::Save(job) => {
                let save = move || files::save(&job).map(EventKind::Saved);
                let thread = files::aside(&self.outbox, id, save);
                let mut saves = self.saves.lock().unwrap_or_else(PoisonError::into_inner);
                saves.retain(|save| !save.is_finished());
                saves.extend(thread);
            }
            command => {
                if let Some(commands) = &self.commands {
                    // The thread outlives this handle: sending can't fail before `drop`.
                    commands.send((id, command)).ok();
                }
            }
        }
        id
    }

    /// Stops the running attack and those queued so far after their next gradient step; each keeps
    /// its best.
    pub fn cancel(&self) {
        self.shared.cancelled.store(self.last_id.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Everything that happened since the last call; never waits.
    pub fn try_events(&self) -> Vec<Event> {
        self.outbox.take()
    }

    /// The command that opens a GPU, where one was asked for at the start.
    pub fn opening_device(&self) -> Option<CommandId> {
        self.opening_device
    }

    /// Where models compute at first: on the CPU until a GPU is open. [`EventKind::DeviceChanged`]
    /// tells of every change.
    pub fn first_device(&self) -> &DeviceInUse {
        &self.first_device
    }

    /// How many threads compute; [`Command::SetThreads`] changes it once its turn comes.
    pub fn threads(&self) -> usize {
        self.shared.threads.load(Ordering::Relaxed)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.cancel();
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        let saves = self.saves.get_mut().unwrap_or_else(PoisonError::into_inner);
        for save in saves.drain(..) {
            save.join().ok();
        }
    }
}
