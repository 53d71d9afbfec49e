//! The thread that owns the output: opens it, feeds it, reopens it, frees what it is done with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::mixer::Link;
use super::output::{self, Fault, Output};
use super::{Buffers, Controls};
use crate::audio::{ResampleError, SAMPLE_RATE, resample};

/// The sides of a clip as the caller gives them, at [`SAMPLE_RATE`].
#[derive(Clone)]
pub(super) struct Source {
    pub original: Arc<[f32]>,
    pub adversarial: Option<Arc<[f32]>>,
    pub generation: u64,
    pub keep_position: bool,
}

/// What the device thread is asked to do.
pub(super) enum Message {
    /// Play this from now on.
    Clip(Source),
    /// Open the device unless it is open.
    Open,
    /// The output with this number failed.
    Failed(u64, Fault),
    /// Free what is retired, send what is pending.
    Tick,
}

/// What the device thread tells people.
#[derive(Default)]
pub(super) struct Status {
    pub device: Option<String>,
    pub notice: Option<String>,
    /// When a lost device should be tried again.
    pub retry_at: Option<Instant>,
}

/// The lock of the status; nobody holds it for longer than a copy.
pub(super) fn lock(status: &Mutex<Status>) -> MutexGuard<'_, Status> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits before a lost device is tried again: 1 s, doubled up to 32 s.
fn back_off(attempts: u32) -> Duration {
    Duration::from_secs(1 << attempts.min(5))
}

/// Runs until all senders but its own are gone, which [`Player`](super::Player) sees to.
pub(super) struct DeviceThread {
    pub controls: Arc<Controls>,
    pub status: Arc<Mutex<Status>>,
    pub sender: Sender<Option<Message>>,
    output: Option<(Output, Link)>,
    /// Tells reports of this output from those of earlier ones.
    number: u64,
    source: Option<Source>,
    /// The original of the present clip at the device's rate, which most exchanges keep.
    resampled: Option<(Arc<[f32]>, u32, Arc<[f32]>)>,
    /// Made while the queue was full.
    pending: Option<Box<Buffers>>,
    /// Tries since the device was lost; `None` while it was never there.
    attempts: Option<u32>,
}

impl DeviceThread {
    pub fn new(
        controls: Arc<Controls>,
        status: Arc<Mutex<Status>>,
        sender: Sender<Option<Message>>,
    ) -> Self {
        Self {
            controls,
            status,
            sender,
            output: None,
            number: 0,
            source: None,
            resampled: None,
            pending: None,
            attempts: None,
        }
    }

    /// Handles messages until one is `None`.
    pub fn run(mut self, messages: &Receiver<Option<Message>>) {
        while let Ok(Some(first)) = messages.recv() {
            let mut clip = None;
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    // During an attack clips arrive faster than they can be resampled: the last
                    // one counts.
                    Message::Clip(source) => clip = Some(merge(clip, source)),
                    Message::Open => self.open(),
                    Message::Failed(number, fault) if number == self.number => self.failed(&fault),
                    Message::Failed(..) | Message::Tick => {}
                }
                next = match messages.try_recv() {
                    Ok(None) => return,
                    other => other.ok().flatten(),
                };
            }
            if let Some(source) = clip {
                self.source = Some(source);
                self.feed();
            }
            self.tidy();
        }
    }

    fn open(&mut self) {
        if self.output.is_some() {
            return;
        }
        self.number += 1;
        let (number, sender) = (self.number, self.sender.clone());
        let report = move |fault| {
            sender.send(Some(Message::Failed(number, fault))).ok();
        };
        let controls = self.controls.clone();
        let opened = catch_unwind(AssertUnwindSafe(|| output::open(&controls, report)))
            .unwrap_or_else(|_| Err("the sound system failed".to_owned()));
        match opened {
            Ok((output, link)) => {
                let mut status = lock(&self.status);
                (status.device, status.notice) = (Some(output.name.clone()), None);
                drop(status);
                self.attempts = None;
                self.output = Some((output, link));
                self.feed();
            }
            Err(reason) => self.unavailable(&reason),
        }
    }

    fn failed(&mut self, fault: &Fault) {
        self.output = None;
        self.pending = None;
        self.controls.retired.store(0, Relaxed);
        self.attempts = Some(0);
        lock(&self.status).device = None;
        match fault {
            Fault::Invalidated => self.open(),
            Fault::Lost(reason) => self.unavailable(reason),
        }
    }

    /// Pauses, says why, and plans the next try if there was a device before.
    fn unavailable(&mut self, reason: &str) {
        self.controls.set_playing(false);
        let mut status = lock(&self.status);
        status.device = None;
        status.notice = Some(match self.attempts {
            Some(_) => format!("Sound output lost: {reason}. Playback is paused."),
            None => format!("No sound output: {reason}. Press play to try again."),
        });
        status.retry_at = self.attempts.map(|attempts| Instant::now() + back_off(attempts));
        self.attempts = self.attempts.map(|attempts| attempts + 1);
    }

    /// Makes buffers at the device's rate and hands them over.
    fn feed(&mut self) {
        let Some((rate, source)) =
            self.output.as_ref().map(|(o, _)| o.rate).zip(self.source.take())
        else {
            return;
        };
        match self.buffers(&source, rate) {
            Ok(mut buffers) => {
                let waiting = self.pending.take();
                buffers.keep_position &= waiting.is_none_or(|waiting| waiting.keep_position);
                self.pending = Some(buffers);
            }
            Err(error) => lock(&self.status).notice = Some(format!("No sound output: {error}.")),
        }
        self.source = Some(source);
    }

    fn buffers(&mut self, source: &Source, rate: u32) -> Result<Box<Buffers>, ResampleError> {
        let at_rate = |samples: &Arc<[f32]>| -> Result<Arc<[f32]>, ResampleError> {
            if rate == SAMPLE_RATE {
                return Ok(samples.clone());
            }
            resample(samples, SAMPLE_RATE, rate).map(Arc::from)
        };
        let original = match &self.resampled {
            Some((of, at, done)) if Arc::ptr_eq(of, &source.original) && *at == rate => {
                done.clone()
            }
            _ => at_rate(&source.original)?,
        };
        self.resampled = Some((source.original.clone(), rate, original.clone()));
        let attacked = match &source.adversarial {
            Some(adversarial) => {
                let pairs = adversarial.iter().zip(source.original.iter());
                let difference: Arc<[f32]> = pairs.map(|(a, o)| a - o).collect();
                Some([at_rate(adversarial)?, at_rate(&difference)?])
            }
            None => None,
        };
        let (generation, keep) = (source.generation, source.keep_position);
        Ok(Box::new(Buffers::new(original, attacked, generation, keep)))
    }

    /// Frees what the callback has done with and hands over what waits.
    fn tidy(&mut self) {
        let Some((_, link)) = &mut self.output else { return };
        link.collect();
        if let Some(buffers) = self.pending.take() {
            self.pending = link.send(buffers).err();
        }
    }
}

/// `new` in the place of `old`, which nobody heard.
fn merge(old: Option<Source>, new: Source) -> Source {
    let keep = old.is_none_or(|old| old.keep_position);
    Source { keep_position: new.keep_position && keep, ..new }
}
