//! The recorder as the window sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::input;
use super::session::{Order, Phase, RecorderState, Recording, Session, lock};
use crate::audio::SoundDevice;

/// An open microphone. Its methods return at once; poll [`state`](Self::state). Dropping it closes
/// the microphone; what is being recorded is thrown away, what was recorded is in its file.
pub struct Recorder {
    orders: Sender<Order>,
    state: Arc<Mutex<RecorderState>>,
}

impl Recorder {
    /// Opens a microphone (the system's default without a choice) on a thread of its own; finished
    /// recordings are kept in `folder`. `wake` is called when it is over.
    pub fn open(
        device: Option<SoundDevice>,
        folder: Option<PathBuf>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (orders, taken) = channel();
        let state = Arc::new(Mutex::new(RecorderState::default()));
        let (shared, wake) = (state.clone(), Arc::new(wake));
        let started = thread::Builder::new()
            .name("microphone".to_owned())
            .spawn(move || record(device.as_ref(), folder, shared, wake, &taken));
        if let Err(error) = started {
            fail(&state, format!("No microphone: {error}."));
        }
        Self { orders, state }
    }

    /// Records, after a countdown.
    pub fn start(&self, after: Duration) {
        self.send(Order::Start(after));
    }

    /// Ends, and keeps what was recorded. During the countdown nothing was.
    pub fn stop(&self) {
        self.send(Order::Stop);
    }

    /// Throws away what was recorded so far and goes on listening.
    pub fn discard(&self) {
        self.send(Order::Discard);
    }

    /// How far it is.
    pub fn state(&self) -> RecorderState {
        lock(&self.state).clone()
    }

    /// The finished recording, once.
    pub fn take(&self) -> Option<Recording> {
        lock(&self.state).recording.take()
    }

    /// Where the thread is gone it has said why.
    fn send(&self, order: Order) {
        self.orders.send(order).ok();
    }
}

impl Drop for Recorder {
    /// The thread ends by itself; waiting for it could hang on a device that does.
    fn drop(&mut self) {
        self.send(Order::Close);
    }
}

fn record(
    device: Option<&SoundDevice>,
    folder: Option<PathBuf>,
    state: Arc<Mutex<RecorderState>>,
    wake: Arc<dyn Fn() + Send + Sync>,
    orders: &Receiver<Order>,
) {
    let (to_us, faults) = channel();
    let opened = catch_unwind(AssertUnwindSafe(|| input::open(device, &to_us)))
        .unwrap_or_else(|_| Err("the sound system failed".to_owned()));
    match opened {
        Ok(input) => {
            let input::Input { stream, captured, rate, channels, name, missing } = input;
            {
                let mut state = lock(&state);
                (state.device, state.missing) = (Some(name.clone()), missing);
                state.phase = Phase::Ready;
            }
            wake();
            let session = Session { captured, rate, channels, device: name, folder, state, wake };
            session.run(orders, &faults, move || drop(stream));
        }
        Err(reason) => {
            fail(&state, format!("No microphone: {reason}."));
            wake();
        }
    }
}

fn fail(state: &Mutex<RecorderState>, reason: String) {
    let mut state = lock(state);
    (state.phase, state.failure) = (Phase::Over, Some(reason));
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::super::capture::{Capture, capture};
    use super::*;

    const RATE: u32 = 48_000;

    /// A session without a device: what the callback would get is handed to the capture.
    struct Rig {
        capture: Capture,
        orders: Sender<Order>,
        faults: Sender<String>,
        state: Arc<Mutex<RecorderState>>,
    }

    fn rig(folder: &Path) -> Rig {
        let (orders, taken) = channel();
        let (faults, told) = channel();
        let state = Arc::new(Mutex::new(RecorderState::default()));
        let (capture, captured) = capture(RATE as usize, 1);
        let session = Session {
            captured,
            rate: RATE,
            channels: 1,
            device: "Desk".to_owned(),
            folder: Some(folder.to_path_buf()),
            state: state.clone(),
            wake: Arc::new(|| {}),
        };
        thread::spawn(move || session.run(&taken, &told, || {}));
        Rig { capture, orders, faults, state }
    }

    impl Rig {
        fn until(&mut self, what: &str, done: impl Fn(&RecorderState) -> bool) -> RecorderState {
            let start = Instant::now();
            loop {
                let state = lock(&self.state).clone();
                if done(&state) {
                    return state;
                }
                assert!(start.elapsed() < Duration::from_secs(60), "in vain: {what}: {state:?}");
                thread::sleep(Duration::from_millis(2));
            }
        }

        /// Hands over so many frames of a tone, and waits until they were taken.
        fn hear(&mut self, frames: usize, amplitude: f32) {
            let before = lock(&self.state).seconds;
            let tone: Vec<f32> = (0..frames).map(|i| amplitude * (i as f32 * 0.05).sin()).collect();
            self.capture.take(&tone);
            let seconds = before + frames as f64 / f64::from(RATE) - 1e-6;
            self.until("it is taken", |s| s.phase == Phase::Over || s.seconds >= seconds);
        }

        fn record(&mut self) {
            self.orders.send(Order::Start(Duration::ZERO)).unwrap();
            self.until("it records", |state| state.phase == Phase::Recording);
        }
    }

    #[test]
    fn what_comes_between_start_and_stop_is_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let mut rig = rig(folder.path());
        rig.until("it is ready", |state| state.phase == Phase::Ready);
        rig.capture.take(&[0.9_f32; 4_800]);
        rig.until("the level is shown", |state| state.level_dbfs > -2.0);
        rig.record();
        rig.hear(24_000, 0.25);
        rig.orders.send(Order::Stop).unwrap();
        let state = rig.until("it is over", |state| state.phase == Phase::Over);
        let recording = state.recording.expect("a recording");
        assert!(recording.notes.is_empty(), "{:?}", recording.notes);
        assert_eq!(recording.clip.samples.len(), 16_000);
        let peak = recording.clip.samples.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        assert!((peak - 0.25).abs() < 0.01, "nothing of what came before: {peak}");
        assert!(folder.path().join("Recording 1.wav").is_file());
    }

    #[test]
    fn a_microphone_lost_on_the_way_leaves_what_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let mut rig = rig(folder.path());
        rig.record();
        rig.hear(48_000, 0.25);
        rig.faults.send("no microphone is connected".to_owned()).unwrap();
        let state = rig.until("it is over", |state| state.phase == Phase::Over);
        let recording = state.recording.expect("what was recorded");
        assert_eq!(recording.clip.samples.len(), 32_000);
        assert_eq!(
            recording.notes,
            ["The microphone stopped after 1.0 s: no microphone is connected. What was recorded \
              until then is kept."]
        );
        assert!(folder.path().join("Recording 1.wav").is_file());
    }

    #[test]
    fn a_microphone_lost_before_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut rig = rig(folder.path());
        rig.faults.send("no microphone is connected".to_owned()).unwrap();
        let state = rig.until("it is over", |state| state.phase == Phase::Over);
        let failure = state.failure.expect("a reason");
        assert_eq!(failure, "The microphone stopped: no microphone is connected.");
    }

    #[test]
    fn it_ends_by_itself_at_ten_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let mut rig = rig(folder.path());
        rig.record();
        for _ in 0..21 {
            rig.hear(24_000, 0.5);
        }
        let state = rig.until("it is over", |state| state.phase == Phase::Over);
        let clip = state.recording.expect("a recording").clip;
        assert_eq!(clip.samples.len(), 320_000);
    }

    #[test]
    fn what_is_discarded_is_gone_and_the_next_one_starts_afresh() {
        let folder = tempfile::tempdir().unwrap();
        let mut rig = rig(folder.path());
        rig.record();
        rig.hear(24_000, 0.5);
        rig.orders.send(Order::Discard).unwrap();
        rig.until("it listens again", |state| state.phase == Phase::Ready);
        // A countdown that is given up.
        rig.orders.send(Order::Start(Duration::from_secs(60))).unwrap();
        let state = rig.until("it counts", |state| state.phase == Phase::CountingDown);
        assert!(state.seconds > 50.0);
        rig.orders.send(Order::Discard).unwrap();
        rig.until("it listens again", |state| state.phase == Phase::Ready);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        rig.record();
        rig.hear(12_000, 0.5);
        rig.orders.send(Order::Stop).unwrap();
        let state = rig.until("it is over", |state| state.phase == Phase::Over);
        assert_eq!(state.recording.expect("a recording").clip.samples.len(), 8_000);
    }

    #[test]
    fn clipping_is_warned_of_and_noted() {
        let folder = tempfile::tempdir().unwrap();
        let mut rig = rig(folder.path());
        rig.record();
        rig.hear(24_000, 1.0);
        assert!(rig.until("a warning", |state| state.clipping).clipping);
        rig.orders.send(Order::Stop).unwrap();
        let state = rig.until("it is over", |state| state.phase == Phase::Over);
        let recording = state.recording.expect("a recording");
        assert!(recording.clip.clipped);
        assert!(recording.notes.iter().any(|note| note.contains("clipped")));
    }
}
