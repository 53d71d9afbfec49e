//! How many threads compute, and that they make way for the window and the sound.

use std::num::NonZero;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// How many threads compute where no number is given: one a core.
pub fn automatic_threads() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// The most threads that can be asked for: four a core, and 16 on any machine. More only wait for
/// each other, and each costs memory.
pub fn most_threads() -> usize {
    (4 * automatic_threads()).clamp(16, 256)
}

/// A number of threads as people type it, from 1 to [`most_threads`].
///
/// # Errors
/// A message for people where it is none.
pub fn parse_threads(text: &str) -> Result<usize, String> {
    let most = most_threads();
    text.parse().ok().filter(|threads| (1..=most).contains(threads)).ok_or_else(|| {
        let cores = automatic_threads();
        let plural = if cores == 1 { "core" } else { "cores" };
        format!("it must be a number from 1 to {most} on this machine, which has {cores} {plural}")
    })
}

/// The threads that compute at the priority of the thread that asks; one a core where no number is
/// given.
///
/// # Errors
/// A message for people where they can't be started.
pub fn thread_pool(threads: Option<usize>) -> Result<ThreadPool, String> {
    build(threads, || ())
}

/// The same, but at a lower priority.
///
/// # Errors
/// As [`thread_pool`].
pub fn background_pool(threads: Option<usize>, priority: Background) -> Result<ThreadPool, String> {
    build(threads, move || priority.enter())
}

fn build(
    threads: Option<usize>,
    start: impl Fn() + Send + Sync + 'static,
) -> Result<ThreadPool, String> {
    ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or_else(automatic_threads).clamp(1, most_threads()))
        .thread_name(|index| format!("compute-{index}"))
        .start_handler(move |_| start())
        .build()
        .map_err(|error| format!("the computing threads can't be started: {error}"))
}

/// A scheduling priority below that of the window's thread. Where nothing else wants a core it
/// costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Background {
    /// The absolute nice value: threads inherit theirs, so that a relative one would add up.
    #[cfg(target_os = "linux")]
    nice: i32,
}

impl Background {
    /// How much nicer than the window.
    #[cfg(target_os = "linux")]
    const NICER: i32 = 10;

    /// The priority below the calling thread's.
    pub fn below_this_thread() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            nice: (nice() + Self::NICER).min(19),
        }
    }

    /// Gives the calling thread this priority, for good: systems let threads climb down, not up.
    /// Where the system refuses, the thread stays as it is, and all else works.
    pub fn enter(self) {
        // On Linux, unlike elsewhere on Unix, a nice value is a thread's own.
        #[cfg(target_os = "linux")]
        rustix::process::setpriority_process(None, self.nice).ok();
        // In the lower middle of this crate's scale from 0 to 99: "below normal" on Windows.
        #[cfg(any(target_os = "macos", windows))]
        if let Ok(value) = 30_u8.try_into() {
            let priority = thread_priority::ThreadPriority::Crossplatform(value);
            thread_priority::set_current_thread_priority(priority).ok();
        }
    }
}

/// The calling thread's nice value.
#[cfg(target_os = "linux")]
fn nice() -> i32 {
    rustix::process::getpriority_process(None).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_numbers_of_threads_are_refused_and_the_bounds_said() {
        let most = most_threads();
        assert!(most >= 16);
        assert_eq!(parse_threads("1"), Ok(1));
        assert_eq!(parse_threads(&most.to_string()), Ok(most));
        let above = (most + 1).to_string();
        for text in ["0", "-1", "60000", "1e3", "two", "", "99999999999999999999", &above] {
            let message = parse_threads(text).unwrap_err();
            assert!(message.contains(&format!("from 1 to {most} ")), "{text}: {message}");
        }
    }

    #[test]
    fn pools_have_as_many_threads_as_asked_for() {
        assert_eq!(thread_pool(Some(3)).unwrap().current_num_threads(), 3);
        assert_eq!(thread_pool(None).unwrap().current_num_threads(), automatic_threads());
        let most = thread_pool(Some(usize::MAX)).unwrap();
        assert_eq!(most.current_num_threads(), most_threads());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn background_threads_are_nicer_once_not_twice_and_others_are_not() {
        let own = nice();
        let priority = Background::below_this_thread();
        let nicer = (own + Background::NICER).min(19);
        let values = |pool: &ThreadPool| pool.broadcast(|_| nice());
        // As the engine does when the number of threads is changed: from a thread that is nice.
        let from_background = std::thread::spawn(move || {
            priority.enter();
            (nice(), values(&background_pool(Some(2), priority).unwrap()))
        });
        assert_eq!(from_background.join().unwrap(), (nicer, vec![nicer; 2]));
        assert_eq!(values(&background_pool(Some(2), priority).unwrap()), [nicer; 2]);
        assert_eq!(values(&thread_pool(Some(2)).unwrap()), [own; 2]);
        assert_eq!(nice(), own);
    }
}
