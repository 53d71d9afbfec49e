//! Closing the window: results that are in no file are not given up without a word.

use eframe::egui::{self, Frame, Id, Modal, ViewportCommand, vec2};

use super::{App, UiCommand};
use crate::engine::CommandId;
use crate::ui::theme;
use crate::ui::widgets::quiet_button;

/// What is known of results and files.
#[derive(Default)]
pub(super) struct Closing {
    /// Whether people are asked now.
    asking: bool,
    /// Results that a file holds, by the commands that gave them.
    kept: Vec<CommandId>,
    /// What files hold that are being written, by the commands that write them.
    being_kept: Vec<(CommandId, Vec<CommandId>)>,
}

impl Closing {
    /// A file with these results is being written.
    pub(super) fn saving(&mut self, command: CommandId, results: Vec<CommandId>) {
        self.being_kept.push((command, results));
    }

    /// A file was written, or was not.
    pub(super) fn saved(&mut self, command: CommandId, written: bool) {
        let (done, open) =
            std::mem::take(&mut self.being_kept).into_iter().partition(|one| one.0 == command);
        self.being_kept = open;
        if written {
            let done: Vec<(CommandId, Vec<CommandId>)> = done;
            self.kept.extend(done.into_iter().flat_map(|one| one.1));
        }
    }

    /// These results came from a file.
    pub(super) fn came_from_a_file(&mut self, results: impl IntoIterator<Item = CommandId>) {
        self.kept.extend(results);
    }
}

impl App {
    /// The results of this session, by the commands that gave them.
    pub(super) fn result_commands(&self) -> Vec<CommandId> {
        self.lab.results.iter().map(|result| result.command).collect()
    }

    /// How many changed clips are in no file.
    fn unsaved(&self) -> usize {
        let unsaved =
            self.lab.results.iter().filter(|result| {
                result.was_changed() && !self.closing.kept.contains(&result.command)
            });
        unsaved.count()
    }

    /// Asks before the window closes over results that would be lost.
    pub(super) fn mind_closing(&mut self, ctx: &egui::Context) {
        let wanted = ctx.input(|input| input.viewport().close_requested());
        // Who asks twice means it.
        if wanted && !self.closing.asking && self.unsaved() > 0 {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.closing.asking = true;
        }
    }

    pub(super) fn closing_sheet(&mut self, ctx: &egui::Context) {
        if !self.closing.asking {
            return;
        }
        let count = self.unsaved();
        let palette = theme::Palette::of(ctx.theme());
        let frame = Frame::popup(&ctx.global_style()).fill(palette.card).inner_margin(20);
        let modal = Modal::new(Id::unique("closing")).frame(frame).show(ctx, |ui| {
            ui.set_width(420.0);
            ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
            ui.label(theme::strong("Close without saving?", 18.0));
            let words = match count {
                1 => "One result of this session is in no file and would be gone.".to_owned(),
                _ => format!("{count} results of this session are in no file and would be gone."),
            };
            ui.label(words);
            let mut stay = false;
            ui.horizontal(|ui| {
                let tooltip = "One file with the clip and all results, which can be opened again";
                if quiet_button(ui, "Save the lab…").on_hover_text(tooltip).clicked() {
                    self.asked.push(UiCommand::ChooseLab);
                    stay = true;
                }
                if quiet_button(ui, "Close all the same").clicked() {
                    ui.ctx().send_viewport_cmd(ViewportCommand::Close);
                }
                stay |= quiet_button(ui, "Stay").clicked();
            });
            stay
        });
        if modal.inner || modal.should_close() {
            self.closing.asking = false;
        }
    }
}
