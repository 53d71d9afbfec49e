//! Where the parts of the Lab stand in the window, for those who point at them.

use eframe::egui::{Rect, Ui};

use super::LabUi;

/// A part of the Lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The clip's card.
    Clip,
    /// The model's card.
    Model,
    /// The attack's card.
    Attack,
    /// Attack and Stop.
    AttackButton,
    /// The spectrograms.
    Pictures,
    /// The waveform.
    Waveform,
    /// Play, sides, volume.
    Transport,
    /// The curves while attacking.
    Curves,
    /// What the model hears, before and after.
    Confidences,
    /// The outcome with its measures.
    Outcome,
    /// What all models hear.
    Models,
    /// What survives.
    Survival,
}

/// Where each part stood in the last frame.
#[derive(Default)]
pub struct Places(Vec<(Place, Rect)>);

impl Places {
    /// Where a part stands, if it is shown.
    pub fn get(&self, place: Place) -> Option<Rect> {
        self.0.iter().find(|(known, _)| *known == place).map(|(_, rect)| *rect)
    }

    /// Forgets all, at the beginning of a frame.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl LabUi<'_> {
    /// Shows a part and remembers where it stands.
    pub(super) fn at(&mut self, place: Place, ui: &mut Ui, show: impl FnOnce(&mut Self, &mut Ui)) {
        let rect = ui.scope(|ui| show(self, ui)).response.rect;
        self.lab.places.0.push((place, rect));
    }
}
