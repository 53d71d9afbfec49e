//! What the tab shows while no session runs.

use eframe::egui::{CentralPanel, Frame, Margin, ScrollArea, Ui};

use super::state::{Listening, Page};
use crate::ui::UiCommand;
use crate::ui::lab::Lab;
use crate::ui::theme::{self, GAP};

/// Shows the tab for one frame.
pub struct ListenUi<'a> {
    /// The state.
    pub listening: &'a mut Listening,
    /// The Lab, whose pair can be added.
    pub lab: &'a Lab,
    /// Whether a file dialog is open.
    pub dialog_is_open: bool,
    /// Takes the wishes.
    pub asked: &'a mut Vec<UiCommand>,
}

impl ListenUi<'_> {
    /// Shows the tab.
    pub fn show(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.window).inner_margin(Margin::same(12));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                // The scroll bar has a place of its own.
                let beside = Frame::new().inner_margin(Margin { right: 8, ..Margin::ZERO });
                beside.show(ui, |ui| match self.listening.page {
                    Page::SetUp => self.set_up(ui),
                    Page::Results => self.results(ui),
                });
            });
        });
    }
}
