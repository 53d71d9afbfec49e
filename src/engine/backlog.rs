//! Work that can wait: loading models before they are asked for, and hearing what all of them say.

use std::collections::VecDeque;
use std::sync::Arc;

use super::message::CommandId;
use crate::audio::Clip;
use crate::models::ModelSource;

/// One piece of work: nothing longer than one model takes for one clip, so that what people wait
/// for is held up no longer than that.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The command that it is part of.
    pub command: CommandId,
    /// The model.
    pub model: ModelSource,
    /// The clip to name; none where the model is only to be loaded.
    pub clip: Option<Clip>,
}

/// Pieces of work in the order in which they were asked for.
#[derive(Default)]
pub struct Backlog(VecDeque<Piece>);

impl Backlog {
    /// Adds a piece for each model.
    pub fn add(&mut self, command: CommandId, models: Vec<ModelSource>, clip: Option<&Clip>) {
        let piece = |model| Piece { command, model, clip: clip.cloned() };
        self.0.extend(models.into_iter().map(piece));
    }

    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the next piece.
    pub fn next(&mut self) -> Option<Piece> {
        self.0.pop_front()
    }

    /// Puts a piece back to be the next.
    pub fn put_back(&mut self, piece: Piece) {
        self.0.push_front(piece);
    }

    /// Drops what is left of a command.
    pub fn withdraw(&mut self, command: CommandId) {
        self.0.retain(|piece| piece.command != command);
    }

    /// Drops all that is asked of a model.
    pub fn drop_model(&mut self, model: &ModelSource) {
        self.0.retain(|piece| piece.model != *model);
    }

    /// Drops the naming of a clip by a model: it is done now.
    pub fn settle(&mut self, model: &ModelSource, clip: &Clip) {
        self.0.retain(|piece| {
            let same = |other: &Clip| Arc::ptr_eq(&other.samples, &clip.samples);
            piece.model != *model || !piece.clip.as_ref().is_some_and(same)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelId;

    fn models() -> Vec<ModelSource> {
        ModelSource::named().take(3).collect()
    }

    fn rest(mut backlog: Backlog) -> Vec<(u64, ModelSource, bool)> {
        let mut rest = Vec::new();
        while let Some(piece) = backlog.next() {
            rest.push((piece.command.0, piece.model, piece.clip.is_some()));
        }
        rest
    }

    #[test]
    fn pieces_come_in_order_and_what_is_withdrawn_does_not() {
        let clip = Clip::from_samples("Bell", vec![0.5; 8]);
        let mut backlog = Backlog::default();
        assert!(backlog.is_empty());
        backlog.add(CommandId(1), models(), None);
        backlog.add(CommandId(2), models(), Some(&clip));
        backlog.add(CommandId(3), vec![ModelId::DenseWav.into()], None);
        backlog.withdraw(CommandId(2));
        backlog.drop_model(&models()[1]);
        let kept = models().into_iter().enumerate().filter(|(index, _)| *index != 1);
        let expected = kept.map(|(_, model)| (1, model, false));
        let expected = expected.chain([(3, ModelId::DenseWav.into(), false)]);
        assert_eq!(rest(backlog), expected.collect::<Vec<_>>());
    }

    #[test]
    fn what_was_done_meanwhile_is_not_done_again() {
        let (bell, other) = (
            Clip::from_samples("Bell", vec![0.5; 8]),
            // Equal samples of another clip are another clip.
            Clip::from_samples("Bell", vec![0.5; 8]),
        );
        let mut backlog = Backlog::default();
        backlog.add(CommandId(1), models(), Some(&bell));
        backlog.add(CommandId(2), models(), Some(&other));
        backlog.add(CommandId(3), models(), None);
        backlog.settle(&models()[1], &bell);
        let left = rest(backlog);
        assert_eq!(left.len(), 8);
        assert!(!left.contains(&(1, models()[1].clone(), true)));
    }
}
