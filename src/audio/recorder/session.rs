//! One opening of the microphone, from the first level to the finished recording.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::capture::Captured;
use super::keep::{self, Raw};
use super::meter::{Meter, SILENCE};
use crate::audio::Clip;

/// The longest recording, in seconds.
pub const LIMIT_SECONDS: f64 = 10.0;

/// How often the queue is emptied.
const TICK: Duration = Duration::from_millis(20);

/// How far a recording is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// The microphone is being opened.
    #[default]
    Opening,
    /// The level is shown; nothing is kept.
    Ready,
    /// It begins when the countdown is over.
    CountingDown,
    /// It is recording.
    Recording,
    /// It is over: there is a recording or a failure.
    Over,
}

/// A finished recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The clip; with the path of its file, where it could be written.
    pub clip: Clip,
    /// What went wrong without spoiling it, for people.
    pub notes: Vec<String>,
}

/// What people see of it.
#[derive(Clone, Debug)]
pub struct RecorderState {
    /// How far it is.
    pub phase: Phase,
    /// The microphone, once it is open.
    pub device: Option<String>,
    /// The chosen microphone, where another one stands in for it.
    pub missing: Option<String>,
    /// Seconds recorded, or left of the countdown.
    pub seconds: f64,
    /// The level now, in dB relative to full scale.
    pub level_dbfs: f32,
    /// The highest level of the last moments, in dB relative to full scale.
    pub peak_dbfs: f32,
    /// Whether the microphone is overdriven, or was in this recording.
    pub clipping: bool,
    /// The recording, once it is over.
    pub recording: Option<Recording>,
    /// Why there is none.
    pub failure: Option<String>,
}

impl Default for RecorderState {
    fn default() -> Self {
        Self {
            phase: Phase::Opening,
            device: None,
            missing: None,
            seconds: 0.0,
            level_dbfs: SILENCE,
            peak_dbfs: SILENCE,
            clipping: false,
            recording: None,
            failure: None,
        }
    }
}

/// What the recording thread is asked to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    /// Record, after so long.
    Start(Duration),
    /// End, and keep what was recorded.
    Stop,
    /// Throw away what was recorded, and go on listening.
    Discard,
    /// Close the microphone and throw away what was recorded.
    Close,
}

/// The lock of the state; nobody holds it for longer than a copy.
pub(super) fn lock(state: &Mutex<RecorderState>) -> MutexGuard<'_, RecorderState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is being recorded.
struct Take {
    samples: Vec<f32>,
    /// Counts of the capture when it began.
    clipped: u64,
    lost: u64,
}

/// Why a recording ends.
enum End {
    Stopped,
    Full,
    Broken(String),
}

/// What the session listens to. Its device is open.
pub(super) struct Session {
    pub captured: Captured,
    pub rate: u32,
    pub channels: usize,
    pub device: String,
    pub folder: Option<PathBuf>,
    pub state: Arc<Mutex<RecorderState>>,
    /// Asks for a frame of the window.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl Session {
    /// Listens and records until there is a recording or a failure, or it is closed. `close` is
    /// called when the device is no longer needed.
    pub fn run(
        mut self,
        orders: &Receiver<Order>,
        faults: &Receiver<String>,
        close: impl FnOnce(),
    ) {
        let mut meter = Meter::new(Instant::now());
        let mut heard = Vec::with_capacity(self.rate as usize);
        let mut starts: Option<Instant> = None;
        let mut take: Option<Take> = None;
        let mut clipped = 0;
        let end = loop {
            let mut stopped = false;
            match orders.recv_timeout(TICK) {
                Ok(Order::Start(after)) if take.is_none() => starts = Some(Instant::now() + after),
                Ok(Order::Start(_)) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Order::Stop) => stopped = true,
                Ok(Order::Discard) => (starts, take) = (None, None),
                Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => return,
            }
            heard.clear();
            self.captured.drain(&mut heard);
            let now = Instant::now();
            meter.update(now, &heard, self.captured.clipped() > clipped);
            clipped = self.captured.clipped();
            if let Some(take) = &mut take {
                let room = self.most_frames() - take.samples.len();
                take.samples.extend_from_slice(&heard[..heard.len().min(room)]);
            } else if starts.is_some_and(|at| at <= now) {
                // What came until now belongs to the countdown.
                starts = None;
                take = Some(self.begin());
            }
            self.tell(&meter, now, starts, take.as_ref());
            let full = take.as_ref().is_some_and(|take| take.samples.len() >= self.most_frames());
            match faults.try_recv() {
                Ok(reason) => break End::Broken(reason),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
            if full {
                break End::Full;
            }
            if stopped && take.is_some() {
                break End::Stopped;
            }
            if stopped {
                starts = None;
            }
        };
        close();
        self.finish(take, end);
    }

    fn most_frames(&self) -> usize {
        (LIMIT_SECONDS * f64::from(self.rate)) as usize
    }

    fn begin(&self) -> Take {
        let samples = Vec::with_capacity(self.most_frames());
        Take { samples, clipped: self.captured.clipped(), lost: self.captured.lost() }
    }

    fn tell(&self, meter: &Meter, now: Instant, starts: Option<Instant>, take: Option<&Take>) {
        let mut state = lock(&self.state);
        (state.phase, state.seconds) = match (take, starts) {
            (Some(take), _) => (Phase::Recording, take.samples.len() as f64 / f64::from(self.rate)),
            (None, Some(at)) => {
                (Phase::CountingDown, at.saturating_duration_since(now).as_secs_f64())
            }
            (None, None) => (Phase::Ready, 0.0),
        };
        let in_this = take.is_some_and(|take| self.captured.clipped() > take.clipped);
        state.clipping = in_this || meter.warns(now);
        (state.level_dbfs, state.peak_dbfs) = (meter.level, meter.peak);
    }

    /// Makes a clip of what was recorded.
    fn finish(self, take: Option<Take>, end: End) {
        let outcome = match (take, end) {
            (Some(take), end) => self.keep(take, end),
            (None, End::Broken(reason)) => Err(format!("The microphone stopped: {reason}.")),
            (None, End::Stopped | End::Full) => Err("Nothing was recorded.".to_owned()),
        };
        let mut state = lock(&self.state);
        match outcome {
            Ok(recording) => state.recording = Some(recording),
            Err(reason) => state.failure = Some(reason),
        }
        state.phase = Phase::Over;
        drop(state);
        (self.wake)();
    }

    fn keep(&self, take: Take, end: End) -> Result<Recording, String> {
        let seconds = take.samples.len() as f64 / f64::from(self.rate);
        let lost = self.captured.lost() - take.lost;
        let raw = Raw {
            samples: take.samples,
            rate: self.rate,
            channels: self.channels,
            device: self.device.clone(),
            clipped: self.captured.clipped() > take.clipped,
        };
        let clipped = raw.clipped;
        let kept = keep::keep(raw, self.folder.as_deref());
        let (clip, not_saved) = match (kept, &end) {
            (Ok(kept), _) => kept,
            // The reason for its shortness says more.
            (Err(_), End::Broken(reason)) => {
                return Err(format!("The microphone stopped after {seconds:.1} s: {reason}."));
            }
            (Err(reason), End::Stopped | End::Full) => return Err(reason),
        };
        let mut notes = Vec::new();
        if let End::Broken(reason) = end {
            notes.push(format!(
                "The microphone stopped after {seconds:.1} s: {reason}. What was recorded until \
                 then is kept."
            ));
        }
        if lost > 0 {
            let lost = lost as f64 / f64::from(self.rate);
            notes.push(format!(
                "{lost:.2} s of the recording are missing: the computer was too busy to take them."
            ));
        }
        if clipped {
            notes.push(
                "The recording is clipped: the microphone was too loud. Turn it down or go \
                 further away, and record again."
                    .to_owned(),
            );
        }
        if let Some(reason) = not_saved {
            notes.push(format!(
                "The recording could not be kept as a file: {reason}. It is on the desk until \
                 another clip is opened."
            ));
        }
        Ok(Recording { clip, notes })
    }
}
