//! What this program is made of: versions, weights, devices, licences; all of it can be copied.

use std::fmt::Write as _;

use eframe::egui::{
    Align, Context, Frame, Grid, Id, Label, Layout, Margin, Modal, RichText, ScrollArea, Ui, vec2,
};

use super::lab::Models;
use super::theme;
use super::widgets::{caption, quiet_button};

/// The licences of the bundled clips, as the repository has them.
const CLIPS: &str = include_str!("../../assets/clips/LICENSES.md");

/// The type's licence.
const TYPE: &str = include_str!("../../assets/fonts/OFL.txt");

/// What is told, gathered for one frame.
pub struct About<'a> {
    /// The models with their weights.
    pub models: &'a Models,
    /// Where they compute.
    pub device: &'a str,
    /// On how many threads.
    pub threads: usize,
    /// Where the sound goes, while a device is open.
    pub sound: Option<&'a str>,
}

impl About<'_> {
    /// Shows it; whether it is to be closed.
    pub fn show(&self, ctx: &Context) -> bool {
        let palette = theme::Palette::of(ctx.theme());
        let frame = Frame::popup(&ctx.global_style()).fill(palette.card).inner_margin(20);
        let room = ctx.content_rect().size();
        let size = vec2((room.x - 90.0).min(680.0), (room.y - 150.0).min(520.0));
        let modal = Modal::new(Id::unique("about")).frame(frame).show(ctx, |ui| {
            ui.set_width(size.x);
            let mut close = false;
            ui.horizontal(|ui| {
                ui.label(theme::strong("About Mondegreen", 20.0));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    close = quiet_button(ui, "Close").clicked();
                    let copy = quiet_button(ui, "Copy the facts");
                    let tooltip = "Versions, device and weights as text, for a report of a fault";
                    if copy.on_hover_text(tooltip).clicked() {
                        ui.ctx().copy_text(self.facts());
                    }
                });
            });
            ui.add_space(4.0);
            ScrollArea::vertical().max_height(size.y).min_scrolled_height(size.y).show(ui, |ui| {
                Frame::new()
                    .inner_margin(Margin { right: 12, ..Margin::ZERO })
                    .show(ui, |ui| self.contents(ui));
            });
            close
        });
        modal.inner || modal.should_close()
    }

    fn contents(&self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = 7.0;
        let quiet = theme::palette(ui).quiet;
        let row = |ui: &mut Ui, name: &str, value: String| {
            ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                ui.set_width(90.0);
                ui.label(RichText::new(name).color(quiet));
            });
            ui.add(Label::new(value).wrap().selectable(true));
            ui.end_row();
        };
        ui.spacing_mut().interact_size.y = 16.0;
        Grid::new("facts").num_columns(2).spacing(vec2(12.0, 6.0)).show(ui, |ui| {
            for (name, value) in self.program() {
                row(ui, name, value);
            }
        });
        ui.add_space(6.0);
        caption(ui, "Weights");
        Grid::new("weights").num_columns(2).spacing(vec2(12.0, 6.0)).show(ui, |ui| {
            for (model, weights) in self.weights() {
                row(ui, &model, weights);
            }
        });
        ui.add_space(6.0);
        caption(ui, "Licences");
        let program = "The program and its weights: MIT or Apache-2.0, at your choice. It comes \
                       without any warranty.";
        ui.add(Label::new(program).wrap());
        for (title, text) in
            [("Licences of the bundled clips", CLIPS), ("Licence of the typeface Inter", TYPE)]
        {
            ui.collapsing(title, |ui| {
                let words = RichText::new(text.trim()).size(theme::SMALL).color(quiet);
                ui.add(Label::new(words).wrap().selectable(true));
            });
        }
    }

    /// The program and what it runs on.
    fn program(&self) -> [(&'static str, String); 4] {
        let system = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
        let plural = if self.threads == 1 { "thread" } else { "threads" };
        let sound = self.sound.unwrap_or("no device is open");
        [
            ("Version", crate::VERSION.to_owned()),
            ("System", system),
            ("Models on", format!("{} with {} {plural}", self.device, self.threads)),
            ("Sound", sound.to_owned()),
        ]
    }

    /// Each model with the hash of its weights, or why it has none.
    fn weights(&self) -> Vec<(String, String)> {
        let models = self.models.iter().map(|model| {
            let weights = match (&model.card, &model.problem) {
                (Some(card), _) => card.weights_sha256.to_string(),
                (None, Some(_)) => "not available".to_owned(),
                (None, None) => "not loaded yet".to_owned(),
            };
            (self.models.title(&model.source), weights)
        });
        models.collect()
    }

    /// All facts as text.
    fn facts(&self) -> String {
        let mut text = "Mondegreen\n".to_owned();
        for (name, value) in self.program() {
            writeln!(text, "{name}: {value}").ok();
        }
        for (model, weights) in self.weights() {
            writeln!(text, "Weights of {model}: {weights}").ok();
        }
        text
    }
}
