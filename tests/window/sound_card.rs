//! A sound card for machines without one: takes sound at the pace of the clock, and notices when
//! there is none to take.
//!
//! ALSA's `file` plugin writes what is played to a pipe that holds as much as a card's buffer would.
//! Here somebody reads a few milliseconds of it every few milliseconds, as a converter would.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// What cpal asks of a card that takes everything: 48 kHz, two channels of 32-bit float.
const BYTES_PER_SECOND: f64 = 48_000.0 * 8.0;

/// What the card takes at a time: 5 ms.
const SIP: usize = (BYTES_PER_SECOND * 0.005) as usize;

/// The card's buffer, 43 ms: two of the player's periods of 20 ms.
const BUFFER: usize = 16_384;

/// What the card has noticed.
#[derive(Debug, Default)]
pub struct Noticed {
    /// Times that it ran dry while something was to be played.
    pub dry: AtomicU64,
    /// Times that this process itself came too late to tell.
    pub blind: AtomicU64,
    /// Sips that were not silent, of 5 ms each.
    pub heard: AtomicU64,
}

/// The card; it stops when dropped.
pub struct SoundCard {
    pub noticed: Arc<Noticed>,
    /// For the program's environment variable `ALSA_CONFIG_PATH`.
    pub configuration: OsString,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SoundCard {
    /// A card whose pipe and configuration are in `folder`.
    pub fn new(folder: &Path) -> Self {
        let pipe = folder.join("capture");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let configuration = folder.join("asound.conf");
        let text = include_str!("../alsa/asound.conf")
            .replace("@CAPTURE@", pipe.to_str().expect("a path that is text"))
            .replace("@SLAVE@", "null")
            .replace("@SLAVE_OPTIONS@", "");
        std::fs::write(&configuration, text).expect("the configuration is written");
        // Open for writing too, so that opening never waits and the end never comes.
        let file = File::options().read(true).write(true).open(pipe).expect("the pipe opens");
        rustix::pipe::fcntl_setpipe_size(&file, BUFFER).expect("the pipe takes the buffer's size");
        let (noticed, stop) = (Arc::new(Noticed::default()), Arc::new(AtomicBool::new(false)));
        let (counters, ends) = (Arc::clone(&noticed), Arc::clone(&stop));
        let thread = std::thread::spawn(move || convert(file, &counters, &ends));
        Self { noticed, configuration: configuration.into(), stop, thread: Some(thread) }
    }
}

impl Drop for SoundCard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Takes a sip whenever one is due.
fn convert(mut pipe: File, noticed: &Noticed, stop: &AtomicBool) {
    // A card is never late. Without the right to hurry it is still counted when this one was.
    rustix::process::setpriority_process(None, -15).ok();
    let mut sip = vec![0; SIP];
    let period = Duration::from_secs_f64(SIP as f64 / BYTES_PER_SECOND);
    let mut due = Instant::now();
    let mut running = false;
    while !stop.load(Ordering::Relaxed) {
        let late = Instant::now().saturating_duration_since(due);
        if late > Duration::from_millis(30) {
            noticed.blind.fetch_add(1, Ordering::Relaxed);
            due = Instant::now();
        }
        let there = rustix::io::ioctl_fionread(pipe.as_fd()).unwrap_or(0) as usize;
        if there >= SIP {
            pipe.read_exact(&mut sip).expect("what is there can be read");
            running = sip.iter().any(|&byte| byte != 0);
            noticed.heard.fetch_add(u64::from(running), Ordering::Relaxed);
        } else if running {
            noticed.dry.fetch_add(1, Ordering::Relaxed);
            running = false;
        }
        due += period;
        sleep(due.saturating_duration_since(Instant::now()));
    }
}
