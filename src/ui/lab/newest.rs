//! A worker beside the window that serves the newest wish of each kind.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use crate::engine::Background;
use crate::ui::pace::Pace;

struct Desk<R> {
    waiting: Vec<Option<R>>,
    quit: bool,
}

type SharedDesk<R> = Arc<(Mutex<Desk<R>>, Condvar)>;

fn lock<R>(desk: &Mutex<Desk<R>>) -> MutexGuard<'_, Desk<R>> {
    // Nothing that holds the lock can panic half-way through a change.
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that turns wishes into results. A newer wish replaces one of the same kind that it has
/// not begun.
pub struct Newest<R, D> {
    desk: SharedDesk<R>,
    done: mpsc::Receiver<D>,
}

impl<R: Send + 'static, D: Send + 'static> Newest<R, D> {
    /// Starts the thread, at a lower priority than the window, for so many kinds of wishes; it wakes
    /// the window whenever something is done.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        name: &str,
        kinds: usize,
        pace: &Pace,
        mut work: impl FnMut(R) -> D + Send + 'static,
    ) -> std::io::Result<Self> {
        let waiting = std::iter::repeat_with(|| None).take(kinds).collect();
        let desk = Arc::new((Mutex::new(Desk { waiting, quit: false }), Condvar::new()));
        let (sender, done) = mpsc::channel();
        let (shared, pace) = (desk.clone(), pace.clone());
        let priority = Background::below_this_thread();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            priority.enter();
            while let Some(wish) = next(&shared) {
                if sender.send(work(wish)).is_err() {
                    return;
                }
                pace.wake();
            }
        })?;
        Ok(Self { desk, done })
    }

    /// Wishes for something of the kind of that number.
    pub fn ask(&self, kind: usize, wish: R) {
        if let Some(waiting) = lock(&self.desk.0).waiting.get_mut(kind) {
            *waiting = Some(wish);
        }
        self.desk.1.notify_one();
    }

    /// Something that was done since the last call; never waits.
    pub fn take(&self) -> Option<D> {
        self.done.try_recv().ok()
    }
}

impl<R, D> Drop for Newest<R, D> {
    fn drop(&mut self) {
        lock(&self.desk.0).quit = true;
        self.desk.1.notify_one();
    }
}

/// The next wish; none once nobody waits for results any more.
fn next<R>(desk: &SharedDesk<R>) -> Option<R> {
    let mut guard = lock(&desk.0);
    loop {
        if guard.quit {
            return None;
        }
        if let Some(wish) = guard.waiting.iter_mut().find_map(Option::take) {
            return Some(wish);
        }
        guard = desk.1.wait(guard).unwrap_or_else(PoisonError::into_inner);
    }
}
