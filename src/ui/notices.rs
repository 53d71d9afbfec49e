//! Notices: what went wrong or is worth knowing. They stay until dismissed and block nothing; what
//! was done as it was asked for goes by itself.

use std::time::{Duration, Instant};

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something was asked for and did not happen.
    Error,
    /// Worth knowing; nothing failed that was asked for.
    Info,
    /// What was asked for was done; it goes by itself.
    Done,
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub kind: NoticeKind,
    /// What happened, to what, and what to do.
    pub text: String,
    /// When it goes by itself; never by itself without one.
    pub until: Option<Instant>,
}

/// For how long something is told that was done.
const DONE: Duration = Duration::from_secs(6);

/// The notices that have not been dismissed, oldest first.
#[derive(Debug, Default)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Adds a notice, unless the same one is still shown.
    pub fn add(&mut self, kind: NoticeKind, text: impl Into<String>) {
        let until = (kind == NoticeKind::Done).then(|| Instant::now() + DONE);
        let notice = Notice { kind, text: text.into(), until };
        match self.0.iter_mut().find(|one| one.kind == kind && one.text == notice.text) {
            Some(same) => same.until = until,
            None => self.0.push(notice),
        }
    }

    /// Adds that something was done, for a while.
    pub fn done(&mut self, text: impl Into<String>) {
        self.add(NoticeKind::Done, text);
    }

    /// Removes what has been told for long enough by now; gives how long the next one stays.
    pub fn let_go(&mut self, now: Instant) -> Option<Duration> {
        self.0.retain(|notice| notice.until.is_none_or(|until| until > now));
        let left = self.0.iter().filter_map(|notice| Some(notice.until? - now));
        left.min()
    }

    /// Adds an error.
    pub fn error(&mut self, text: impl Into<String>) {
        self.add(NoticeKind::Error, text);
    }

    /// Adds something worth knowing.
    pub fn info(&mut self, text: impl Into<String>) {
        self.add(NoticeKind::Info, text);
    }

    /// Removes the notice at an index; nothing for one that does not exist.
    pub fn dismiss(&mut self, index: usize) {
        if index < self.0.len() {
            self.0.remove(index);
        }
    }

    /// Removes a notice worth knowing that is no longer so.
    pub fn retract(&mut self, text: Option<&str>) {
        self.0.retain(|notice| notice.kind == NoticeKind::Error || Some(&*notice.text) != text);
    }

    /// All notices, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Notice> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_goes_by_itself_and_trouble_stays() {
        let mut notices = Notices::default();
        notices.error("a");
        notices.done("b");
        let now = Instant::now();
        let left = notices.let_go(now).expect("one that goes");
        assert!(left <= DONE && notices.iter().len() == 2);
        assert_eq!(notices.let_go(now + DONE), None);
        let kinds: Vec<_> = notices.iter().map(|notice| notice.kind).collect();
        assert_eq!(kinds, [NoticeKind::Error]);
    }

    #[test]
    fn the_same_trouble_is_told_once_and_again_after_it_was_dismissed() {
        let mut notices = Notices::default();
        notices.error("a");
        notices.error("a");
        notices.info("a");
        assert_eq!(notices.iter().len(), 2);
        notices.dismiss(0);
        notices.dismiss(7);
        notices.error("a");
        assert_eq!(notices.iter().len(), 2);
    }
}
