//! What a teacher uses: demonstrations, the tour, the presenter's view.

use eframe::egui;

use super::{App, UiCommand};
use crate::ui::demos::Demo;
use crate::ui::tab::Tab;
use crate::ui::tour::STEPS;

/// By how much everything is larger for a class.
const PRESENTER: f32 = 1.25;

impl App {
    pub(super) fn demonstrate(&mut self, ctx: &egui::Context, index: usize) {
        let Some(demo) = Demo::ALL.get(index) else { return };
        let Some(clip) = demo.bundled() else { return };
        self.settings.attack.set_preset(Demo::PRESET);
        for command in [
            UiCommand::ShowTab(Tab::Lab),
            UiCommand::ChooseModel(demo.model.into()),
            UiCommand::ChooseAttack(demo.attack),
            UiCommand::SetTarget(demo.target.map(str::to_owned)),
            UiCommand::OpenBundled(clip),
            UiCommand::Attack,
        ] {
            self.apply(ctx, command);
        }
    }

    pub(super) fn go_to_step(&mut self, ctx: &egui::Context, index: Option<usize>) {
        self.tour = index.filter(|&index| index < STEPS.len());
        let Some(step) = self.tour.and_then(|index| STEPS.get(index)) else {
            self.lab.show_latest_if_nothing();
            return;
        };
        for command in (step.acts)() {
            self.apply(ctx, command);
        }
    }

    pub(super) fn toggle_presenter(&mut self, ctx: &egui::Context) {
        match self.zoom_before.take() {
            Some(zoom) => ctx.set_zoom_factor(zoom),
            None => {
                let zoom = ctx.zoom_factor();
                self.zoom_before = Some(zoom);
                ctx.set_zoom_factor(PRESENTER * zoom);
            }
        }
        self.lab.presenting = self.zoom_before.is_some();
        self.tab = Tab::Lab;
    }
}
