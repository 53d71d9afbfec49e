//! Where everything in the Lab stands: cards left, pictures in the centre, numbers right.

use eframe::egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Ui};

use super::Lab;
use super::picture_bar::PICTURE_BAR;
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
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            self.clip_card(ui);
            self.model_card(ui);
            self.attack_card(ui);
            self.attack_button(ui);
            self.results_card(ui);
        });
    }

    fn right_column(&mut self, ui: &mut Ui) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            self.original_confidences(ui);
            self.adversarial_confidences(ui);
            self.outcome_card(ui);
            self.all_models(ui);
            self.survival_card(ui);
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
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            self.picture_bar(ui);
            self.panes(ui, (height - bars).max(150.0));
        });
        self.view_bar(ui);
        self.waveform(ui, lane);
        self.transport(ui);
        self.live_plots(ui, plots);
    }
}
