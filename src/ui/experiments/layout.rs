//! Where everything in the tab stands: setting up at the left, results at the right.

use eframe::egui::{CentralPanel, Frame, Label, Margin, Panel, RichText, ScrollArea, Ui};

use super::form::ExperimentForm;
use super::state::{Experiments, Phase, View};
use super::wish::ExperimentWish;
use crate::ui::UiCommand;
use crate::ui::lab::Lab;
use crate::ui::theme::{self, GAP, TITLE};
use crate::ui::widgets::{Segment, segmented};

/// Shows the tab for one frame.
pub struct ExperimentsUi<'a> {
    /// The state.
    pub experiments: &'a mut Experiments,
    /// What people fill in.
    pub form: &'a mut ExperimentForm,
    /// The Lab, whose models and labels there are to choose from.
    pub lab: &'a Lab,
    /// Whether a file dialog is open.
    pub dialog_is_open: bool,
    /// Takes the wishes.
    pub asked: &'a mut Vec<UiCommand>,
}

impl ExperimentsUi<'_> {
    /// Shows the tab.
    pub fn show(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let frame = |fill| Frame::new().fill(fill).inner_margin(Margin::same(12));
        Panel::left("experiment set-up").exact_size(312.0).frame(frame(palette.panel)).show(
            ui,
            |ui| {
                ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = GAP;
                    // The scroll bar has a place of its own.
                    Frame::new()
                        .inner_margin(Margin { right: 8, ..Margin::ZERO })
                        .show(ui, |ui| self.set_up(ui));
                });
            },
        );
        CentralPanel::default().frame(frame(palette.window)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            self.progress(ui);
            if self.experiments.items.is_empty() && self.experiments.survey.is_empty() {
                invitation(ui);
                return;
            }
            let failed = self.experiments.failures().count() + self.experiments.left_out.len();
            let failures = format!("Failures ({failed})");
            let parts = [
                Segment::new(View::Rows, "Rows", "A line for each item"),
                Segment::new(View::Tables, "Tables", "Tables 1 to 5, beside the paper's numbers"),
                Segment::new(
                    View::Figures,
                    "Figures",
                    "Which labels came out, and which targets were reached",
                ),
                Segment::new(View::Failures, &failures, "What could not be done, and why"),
            ];
            let width = ui.available_width().min(480.0);
            segmented(ui, width, &parts, &mut self.experiments.view);
            match self.experiments.view {
                View::Rows => self.rows(ui),
                View::Tables => self.tables(ui),
                View::Figures => self.figures(ui),
                View::Failures => self.failures(ui),
            }
        });
    }

    pub(super) fn ask(&mut self, wish: ExperimentWish) {
        self.asked.push(UiCommand::Experiment(wish));
    }

    /// Whether the set-up may be changed: not under a run that goes by it.
    pub(super) fn is_free(&self) -> bool {
        self.experiments.phase == Phase::AtRest
    }
}

fn invitation(ui: &mut Ui) {
    ui.add_space(ui.available_height() * 0.25);
    let margin = ((ui.available_width() - 470.0) / 2.0).clamp(0.0, 120.0) as i8;
    let room = Frame::new().inner_margin(Margin::symmetric(margin, 0));
    room.show(ui, |ui| ui.vertical_centered(|ui| {
        ui.label(theme::strong("The paper's experiments, on your recordings", TITLE));
        let words = "Choose a data set at the left: a folder with one folder a label, a CSV list \
                     (file, label, split), or FSDKaggle2018. Plan lets the models name the clean \
                     clips and tells how long the attacks will take; nothing is attacked before you \
                     say so. A run can be stopped at any moment, also with the program, and goes on \
                     where it was.";
        ui.add(Label::new(RichText::new(words).color(theme::palette(ui).quiet)).wrap());
    }));
}
