//! How many threads compute.

use eframe::egui::{ComboBox, Ui};

use super::LabUi;
use crate::engine::{automatic_threads, most_threads};
use crate::ui::UiCommand;
use crate::ui::widgets::{down_mark, row};

impl LabUi<'_> {
    /// One number for all jobs.
    pub(super) fn threads(&mut self, ui: &mut Ui) {
        let cores = automatic_threads();
        let words = |threads: Option<usize>| match threads {
            Some(threads) => threads.to_string(),
            None => format!("automatic ({cores})"),
        };
        let before = self.lab.threads;
        let mut chosen = before;
        row(ui, "threads", |ui| {
            ComboBox::from_id_salt("threads")
                .icon(down_mark)
                .selected_text(words(chosen))
                .width((ui.available_width() - 70.0).min(130.0))
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut chosen, None, words(None));
                    // More than cores only where the command line asked for them.
                    let most = cores.max(before.unwrap_or(1)).min(most_threads());
                    for threads in 1..=most {
                        let threads = Some(threads);
                        ui.selectable_value(&mut chosen, threads, words(threads));
                    }
                })
                .response
                .accessible_name("Computing threads")
                .on_hover_text(
                    "How many threads compute; automatic is one a core. The window and the sound \
                     go first in any case. It counts from the next attack on; the same attack \
                     with another number may differ in the last digits.",
                );
        });
        if chosen != before {
            self.asked.push(UiCommand::SetThreads(chosen));
        }
    }
}
