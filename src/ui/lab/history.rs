//! What people do to results, and undo: names and deletions.

use super::state::Shown;
use super::{Lab, LabResult};
use crate::engine::CommandId;

/// Most changes that can be undone: deleted results keep their samples until then.
const MOST: usize = 20;

/// One change of the results.
enum Change {
    /// A result was deleted from this place.
    Deleted(usize, Box<LabResult>),
    /// A result had this name before.
    Renamed(CommandId, Option<String>),
}

/// The changes that can be undone, the latest last.
#[derive(Default)]
pub struct History(Vec<Change>);

impl History {
    fn push(&mut self, change: Change) {
        self.0.push(change);
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    /// What would be undone next, in words.
    pub fn next(&self) -> Option<String> {
        self.0.last().map(|change| match change {
            Change::Deleted(_, result) => format!("deleting {}", result.title()),
            Change::Renamed(..) => "renaming".to_owned(),
        })
    }
}

impl Lab {
    /// Deletes a result, by its index; the newest other one of the clip is shown in its place. Gives
    /// whether its survival was being found out.
    pub fn delete(&mut self, index: usize) -> bool {
        if index >= self.results.len() {
            return false;
        }
        let mut result = self.results.remove(index);
        let checking = result.survival.command.take().is_some();
        result.survival.stopping = false;
        self.history.push(Change::Deleted(index, Box::new(result)));
        match self.shown {
            Shown::Result(shown) if shown == index => self.shown = self.latest_result(),
            Shown::Result(shown) if shown > index => self.shown = Shown::Result(shown - 1),
            Shown::Result(_) | Shown::Nothing | Shown::Live => {}
        }
        checking
    }

    /// Gives a result a name, or its usual one back where the name is empty.
    pub fn rename(&mut self, command: CommandId, name: &str) {
        let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        let Some(result) = self.results.iter_mut().find(|result| result.command == command) else {
            return;
        };
        if result.name != name {
            let before = std::mem::replace(&mut result.name, name);
            self.history.push(Change::Renamed(command, before));
        }
    }

    /// Undoes the latest change. A result that comes back is shown if it is of the clip on the desk.
    pub fn undo(&mut self) {
        match self.history.0.pop() {
            Some(Change::Deleted(index, result)) => {
                let index = index.min(self.results.len());
                let ours = self.is_this_clip(&result.job.clip);
                self.results.insert(index, *result);
                match self.shown {
                    Shown::Live => {}
                    _ if ours => self.shown = Shown::Result(index),
                    Shown::Result(shown) if shown >= index => {
                        self.shown = Shown::Result(shown + 1);
                    }
                    Shown::Result(_) | Shown::Nothing => {}
                }
            }
            Some(Change::Renamed(command, before)) => {
                let mut results = self.results.iter_mut();
                if let Some(result) = results.find(|result| result.command == command) {
                    result.name = before;
                }
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_twenty_changes_can_be_undone() {
        let mut history = History::default();
        assert_eq!(history.next(), None);
        for number in 0..30 {
            history.push(Change::Renamed(CommandId(number), Some(number.to_string())));
        }
        assert_eq!(history.0.len(), MOST);
        assert_eq!(history.next().as_deref(), Some("renaming"));
        let oldest = history.0.first();
        assert!(matches!(oldest, Some(Change::Renamed(CommandId(10), _))));
    }
}
