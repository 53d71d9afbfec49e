//! The thread that owns the output: opens it, feeds it, reopens it, frees what it is done with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::mixer::Link;
use super::output::{self, Fault, Output};
use super::{Buffers, Controls};
use crate::audio::{ResampleError, SAMPLE_RATE, SoundDevice, resample};

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
    /// Play on this device from now on; none for the system's default.
    Choose(Option<SoundDevice>),
    /// The output with this number failed.
    Failed(u64, Fault),
    /// Free what is retired, send what is pending.
    Tick,
}

/// What the device thread tells people.
#[derive(Default)]
pub(super) struct Status {
    pub device: Option<String>,
    /// Its rate in Hz.
    pub rate: Option<u32>,
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

/// A sound, a rate in Hz, and that sound at that rate.
type Resampled = (Arc<[f32]>, u32, Arc<[f32]>);

/// Runs until all senders but its own are gone, which [`Player`](super::Player) sees to.
pub(super) struct DeviceThread {
    pub controls: Arc<Controls>,
    pub status: Arc<Mutex<Status>>,
    pub sender: Sender<Option<Message>>,
    output: Option<(Output, Link)>,
    /// The device that was chosen; none for the system's default.
    chosen: Option<SoundDevice>,
    /// Tells reports of this output from those of earlier ones.
    number: u64,
    source: Option<Source>,
    /// The original of the present clip at the device's rate, which most exchanges keep.
    resampled: Option<Resampled>,
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
            chosen: None,
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
                    Message::Choose(device) => self.choose(device),
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

    /// Goes on playing on another device, where one is open.
    fn choose(&mut self, device: Option<SoundDevice>) {
        if device == self.chosen {
            return;
        }
        self.chosen = device;
        if self.output.take().is_some() {
            self.pending = None;
            self.controls.retired.store(0, Relaxed);
            self.open();
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
        let (controls, chosen) = (self.controls.clone(), self.chosen.clone());
        let opened =
            catch_unwind(AssertUnwindSafe(|| output::open(chosen.as_ref(), &controls, report)))
                .unwrap_or_else(|_| Err("the sound system failed".to_owned()));
        match opened {
            Ok((output, link)) => {
                let mut status = lock(&self.status);
                let stand_in = output.missing.as_ref().map(|missing| {
                    format!(
                        "The sound device \u{201c}{missing}\u{201d} is not there: the sound goes \
                         to {} instead. Choose another under the loudspeaker.",
                        output.name
                    )
                });
                (status.device, status.notice) = (Some(output.name.clone()), stand_in);
                status.rate = Some(output.rate);
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
        let (Some((output, _)), Some(source)) = (&self.output, self.source.clone()) else {
            return;
        };
        let rate = output.rate;
        match self.buffers(&source, rate) {
            Ok(mut buffers) => {
                let waiting = self.pending.take();
                buffers.keep_position &= waiting.is_none_or(|waiting| waiting.keep_position);
                self.pending = Some(buffers);
            }
            Err(error) => lock(&self.status).notice = Some(format!("No sound output: {error}.")),
        }
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
        Ok(Box::new(Buffers::new(original, attacked, rate, generation, keep)))
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::buffers::Mix;
    use super::*;

    fn thread() -> DeviceThread {
        DeviceThread::new(Arc::default(), Arc::default(), channel().0)
    }

    #[test]
    fn a_lost_device_pauses_keeps_the_position_says_so_and_plans_a_retry() {
        let mut thread = thread();
        thread.controls.seek(1.5);
        thread.controls.set_playing(true);
        thread.failed(&Fault::Lost("no output device is connected".to_owned()));
        assert!(!thread.controls.playing());
        assert_eq!(thread.controls.position(), 1.5);
        let status = lock(&thread.status);
        let notice = status.notice.as_deref();
        let expected = "Sound output lost: no output device is connected. Playback is paused.";
        assert_eq!((notice, &status.device), (Some(expected), &None));
        assert!(status.retry_at.is_some_and(|at| at > Instant::now()));
    }

    #[test]
    fn retries_come_less_and_less_often_and_only_after_a_loss() {
        let mut thread = thread();
        thread.unavailable("none");
        assert_eq!(lock(&thread.status).retry_at, None, "it was never there");
        thread.attempts = Some(0);
        for seconds in [1, 2, 4, 8, 16, 32, 32] {
            thread.unavailable("none");
            let wait = lock(&thread.status).retry_at.unwrap() - Instant::now();
            assert_eq!((wait.as_secs_f64().ceil()) as u64, seconds);
        }
    }

    #[test]
    fn a_clip_that_nobody_heard_is_replaced_without_forgetting_that_it_was_new() {
        let source = |generation, keep_position| Source {
            original: Arc::from([0.0; 4]),
            adversarial: None,
            generation,
            keep_position,
        };
        let merged = merge(Some(source(1, false)), source(2, true));
        assert_eq!((merged.generation, merged.keep_position), (2, false));
        assert!(merge(Some(source(1, true)), source(2, true)).keep_position);
    }

    #[test]
    fn buffers_are_at_the_device_rate_and_the_original_is_resampled_once() {
        let mut thread = thread();
        let original: Arc<[f32]> = (0..3_200).map(|i| 0.9 * (i as f32 * 0.1).sin()).collect();
        let adversarial: Arc<[f32]> = original.iter().map(|sample| sample * 0.9).collect();
        let source =
            Source { original, adversarial: Some(adversarial), generation: 1, keep_position: true };
        let buffers = thread.buffers(&source, 44_100).unwrap();
        assert_eq!(buffers.frames(), 4_410);
        let first = thread.resampled.clone().unwrap().2;
        thread.buffers(&source, 44_100).unwrap();
        assert!(Arc::ptr_eq(&first, &thread.resampled.unwrap().2));
        let sides = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        for i in (0..4_410).step_by(7) {
            let mut share = 1.0;
            let mix = |weights| Mix { weights, gain: 1.0, magnification: 1.0 };
            let [o, a, d] = sides.map(|weights| buffers.sample(i, mix(weights), &mut share));
            assert!((a - o - d).abs() < 1e-5, "sides are locked at {i}: {o} {a} {d}");
        }
    }
}
