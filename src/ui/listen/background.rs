//! What takes longer than a frame, on threads of its own.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::ui::pace::Pace;

/// Jobs under way and what came of them.
pub struct Background<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
    running: usize,
}

impl<T: Send + 'static> Default for Background<T> {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver, running: 0 }
    }
}

impl<T: Send + 'static> Background<T> {
    /// Whether something is under way.
    pub fn is_busy(&self) -> bool {
        self.running > 0
    }

    /// Does `job` on another thread; whether the system gave one.
    pub fn start(&mut self, pace: &Pace, job: impl FnOnce() -> T + Send + 'static) -> bool {
        let (sender, pace) = (self.sender.clone(), pace.clone());
        let spawned = thread::Builder::new().name("listening".to_owned()).spawn(move || {
            // The window may be gone by now; then nobody waits for it.
            sender.send(job()).ok();
            pace.wake();
        });
        self.running += usize::from(spawned.is_ok());
        spawned.is_ok()
    }

    /// What was done since the last call.
    pub fn poll(&mut self) -> Vec<T> {
        let done: Vec<T> = self.receiver.try_iter().collect();
        self.running = self.running.saturating_sub(done.len());
        done
    }
}
