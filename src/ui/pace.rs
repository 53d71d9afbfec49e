//! When other threads' news are painted: soon, all together, and not more often than people see.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eframe::egui;

/// Least time between the beginning of a frame and the next one that only news ask for: 30 frames
/// a second. Mouse and keys are answered at once.
const INTERVAL: Duration = Duration::from_millis(33);

/// The soonest that news are painted. Not zero, which would ask egui for two frames.
const SOON: Duration = Duration::from_millis(1);

/// Asks for frames on behalf of other threads.
#[derive(Clone)]
pub struct Pace {
    ctx: egui::Context,
    started: Instant,
    /// When the last frame began, in microseconds since the start.
    last: Arc<AtomicU64>,
}

impl Pace {
    /// For this window.
    pub fn new(ctx: &egui::Context) -> Self {
        Self { ctx: ctx.clone(), started: Instant::now(), last: Arc::default() }
    }

    /// A frame begins.
    pub fn frame_begins(&self) {
        let since = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
    }

    /// There are news: one frame, as soon as one is due again. Wishes for the same frame add up to
    /// one.
    pub fn wake(&self) {
        let last = Duration::from_micros(self.last.load(Ordering::Relaxed));
        self.ctx.request_repaint_after(until_due(last, self.started.elapsed()));
    }
}

/// How long to wait at the time `now` where the last frame began at `last`.
fn until_due(last: Duration, now: Duration) -> Duration {
    (last + INTERVAL).saturating_sub(now).max(SOON)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn news_wait_for_their_frame_but_never_longer() {
        let last = milliseconds(1000);
        assert_eq!(until_due(last, milliseconds(1000)), INTERVAL);
        assert_eq!(until_due(last, milliseconds(1030)), milliseconds(3));
        assert_eq!(until_due(last, milliseconds(1033)), SOON);
        assert_eq!(until_due(last, milliseconds(9000)), SOON);
        // A frame that begins on another core at the same moment.
        assert_eq!(until_due(milliseconds(1001), milliseconds(1000)), milliseconds(34));
    }

    #[test]
    fn many_news_ask_for_one_frame() {
        let ctx = egui::Context::default();
        let pace = Pace::new(&ctx);
        let frame = || ctx.run_ui(egui::RawInput::default(), |_| pace.frame_begins());
        for _ in 0..5 {
            frame();
        }
        assert!(!ctx.has_requested_repaint(), "at rest");
        for _ in 0..1000 {
            pace.wake();
        }
        assert!(ctx.has_requested_repaint());
        frame();
        assert!(!ctx.has_requested_repaint(), "one frame, not two");
    }
}
