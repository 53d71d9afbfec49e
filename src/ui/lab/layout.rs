//! Where everything in the Lab stands: cards left, pictures in the centre, numbers right.

use eframe::egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Ui};

use super::picture_bar::PICTURE_BAR;
use super::{Lab, Place};
use crate::audio::player::PlayerState;
use crate::ui::UiCommand;
use crate::ui::settings::Settings;
use crate::ui::theme::{self, GAP};

/// Shows the Lab for one frame.
pub struct LabUi<'a> {
    /// The state.
    pub lab: &'a mut Lab,
    /// The settings.
    pub settings: &'a mut Settings,
    /// What the player does.
    pub player: &'a PlayerState,
    /// Takes the wishes.
    pub asked: &'a mut Vec<UiCommand>,
}

impl LabUi<'_> {
    /// Shows the Lab.
    pub fn show(&mut self, ui: &mut Ui) {
        self.lab.places.clear();
        if self.lab.presenting {
            self.present(ui);
            return;
        }
        let palette = theme::palette(ui);
        let width = ui.available_width();
        let margin = Margin::same(if width < 1150.0 { 8 } else { 12 });
        let column = Frame::new().fill(palette.panel).inner_margin(margin);
        Panel::left("left column")
            .exact_size((width * 0.195).clamp(224.0, 330.0))
            .resizable(false)
            .frame(column)
            .show(ui, |ui| self.left_column(ui));
        Panel::right("right column")
            .exact_size((width * 0.2).clamp(212.0, 350.0))
            .resizable(false)
            .frame(column)
            .show(ui, |ui| self.right_column(ui));
        CentralPanel::default()
            .frame(Frame::new().fill(palette.window).inner_margin(margin))
            .show(ui, |ui| self.centre(ui));
    }

    fn left_column(&mut self, ui: &mut Ui) {
        let mut column = ScrollArea::vertical().auto_shrink(false);
        if std::mem::take(&mut self.lab.to_the_top) {
            column = column.vertical_scroll_offset(0.0);
        }
        column.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            self.at(Place::Clip, ui, Self::clip_card);
            self.at(Place::Model, ui, Self::model_card);
            self.at(Place::Attack, ui, Self::attack_card);
            self.at(Place::AttackButton, ui, Self::attack_button);
            self.results_card(ui);
        });
    }

    fn right_column(&mut self, ui: &mut Ui) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            self.at(Place::Confidences, ui, |lab, ui| {
                lab.original_confidences(ui);
                lab.adversarial_confidences(ui);
            });
            self.at(Place::Outcome, ui, Self::outcome_card);
            self.at(Place::Models, ui, Self::all_models);
            self.at(Place::Survival, ui, Self::survival_card);
        });
    }

    fn centre(&mut self, ui: &mut Ui) {
        if self.lab.clip.is_none() {
            self.start(ui);
            return;
        }
        ui.spacing_mut().item_spacing.y = GAP;
        let height = ui.available_height();
        let plots = (height * 0.19).clamp(104.0, 200.0);
        let lane = (height * 0.095).clamp(46.0, 96.0);
        // The rows around the pictures: theirs above; view bar, lane with its header, transport below.
        let above = PICTURE_BAR + 2.0;
        let bars = above + 2.0 * 40.0 + lane + 23.0 + plots + 4.0 * GAP;
        self.at(Place::Pictures, ui, |lab, ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            lab.picture_bar(ui);
            lab.panes(ui, (height - bars).max(150.0));
        });
        self.view_bar(ui);
        self.at(Place::Waveform, ui, |lab, ui| lab.waveform(ui, lane));
        self.at(Place::Transport, ui, Self::transport);
        self.at(Place::Curves, ui, |lab, ui| lab.live_plots(ui, plots));
    }
}
