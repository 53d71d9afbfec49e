//! The files that were opened last.

use std::path::Path;

use eframe::egui::{Button, RichText, ScrollArea, Ui, vec2};

use super::LabUi;
use crate::ui::UiCommand;
use crate::ui::theme::{self, CONTROL_HEIGHT};
use crate::ui::widgets::{Icon, icon_button, popup_button};

impl LabUi<'_> {
    pub(super) fn recent_button(&mut self, ui: &mut Ui, width: f32) {
        let mut open = false;
        let response = popup_button(ui, "Recent files", "Recent", width, |ui| {
            open = true;
            ui.set_width(360.0);
            if self.settings.recent.is_empty() {
                let words = "Recordings that you open or make are listed here.";
                ui.label(theme::small(ui, words));
                return;
            }
            ui.label(theme::small(ui, "Opened or recorded last"));
            ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                for path in &self.settings.recent {
                    self.asked.extend(file(ui, path, self.lab.recent.is_gone(path)));
                }
            });
        });
        if open && !self.lab.recent_is_open {
            self.asked.push(UiCommand::LookForRecent);
        }
        self.lab.recent_is_open = open;
        response.on_hover_text("Recordings and labs that you opened or made");
    }
}

/// A file, and a button that takes it off the list.
fn file(ui: &mut Ui, path: &Path, gone: bool) -> Option<UiCommand> {
    let mut asked = None;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    ui.horizontal(|ui| {
        let mut words = RichText::new(name.as_str());
        if gone {
            words = words.color(theme::palette(ui).quiet);
        }
        let size = vec2(ui.available_width() - CONTROL_HEIGHT - 12.0, CONTROL_HEIGHT);
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        let beside = if gone { "not there".into() } else { folder.to_string_lossy() };
        let button =
            Button::new(words).right_text(theme::small(ui, beside)).truncate().min_size(size);
        let response = ui.add_enabled(!gone, button);
        let told = format!(
            "{}\nIt was moved, renamed or deleted, or its disk is not there.",
            path.display()
        );
        let response =
            response.on_hover_text(path.display().to_string()).on_disabled_hover_text(told);
        if response.clicked() {
            asked = Some(UiCommand::open(path.to_path_buf()));
            ui.close();
        }
        let remove = icon_button(ui, Icon::Close, &format!("Take {name} off the list"), false);
        if remove.on_hover_text("Take it off this list; the file stays").clicked() {
            asked = Some(UiCommand::ForgetRecent(path.to_path_buf()));
        }
    });
    asked
}
