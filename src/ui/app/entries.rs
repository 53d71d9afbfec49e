//! What the command palette offers.

use super::{App, BINDINGS, UiCommand};
use crate::assets::BUNDLED;
use crate::attacks::AttackId;
use crate::ui::command_palette::Entry;
use crate::ui::demos::Demo;
use crate::ui::listen::ListenCommand;

impl App {
    /// Everything that can be asked for by name.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry =
            |title: String, hint: &str, command| Entry { title, hint: hint.to_owned(), command };
        let mut entries = Vec::new();
        for binding in &BINDINGS {
            let command = match binding.command() {
                UiCommand::SetLooping(_) => UiCommand::SetLooping(!self.settings.looping),
                // The palette itself, and keys that make sense only as keys.
                UiCommand::TogglePalette | UiCommand::SeekBy(_) => continue,
                command => command,
            };
            // Two keys may ask for the same.
            if entries.iter().all(|known: &Entry| known.command != command) {
                entries.push(entry(binding.does.to_owned(), binding.key, command));
            }
        }
        let tour = "A tour in ten steps".to_owned();
        entries.push(entry(tour, "tour", UiCommand::Tour(Some(0))));
        for (index, demo) in Demo::ALL.iter().enumerate() {
            let command = UiCommand::Demo(index);
            entries.push(entry(demo.title.to_owned(), "demonstration", command));
        }
        for id in AttackId::ALL {
            let title = format!("Choose {}", id.title());
            entries.push(entry(title, "attack", UiCommand::ChooseAttack(id)));
        }
        for model in self.lab.models.iter() {
            let title = format!("Choose {}", self.lab.models.title(&model.source));
            let command = UiCommand::ChooseModel(model.source.clone());
            entries.push(entry(title, "model", command));
        }
        entries.push(entry("Aim at no target".to_owned(), "target", UiCommand::SetTarget(None)));
        let labels = self.lab.labels();
        for (index, name) in labels.iter().enumerate() {
            let title = format!("Aim at {}", labels.title(index));
            let command = UiCommand::SetTarget(Some(name.to_owned()));
            entries.push(entry(title, "target", command));
        }
        for (index, clip) in BUNDLED.iter().enumerate() {
            let title = format!("Open {}", clip.name);
            entries.push(entry(title, "bundled clip", UiCommand::OpenBundled(index)));
        }
        for path in &self.settings.recent {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            let command = UiCommand::OpenFile(path.clone());
            entries.push(entry(format!("Open {name}"), "recent file", command));
        }
        for (title, command) in [
            ("Add this pair to the listening test", ListenCommand::AddPair),
            ("Add all results to the listening test", ListenCommand::AddResults),
            ("Open a listening test", ListenCommand::ChooseTest),
            ("Report on logs of a listening test", ListenCommand::ChooseLogs),
        ] {
            entries.push(entry(title.to_owned(), "listen", UiCommand::Listening(command)));
        }
        entries.push(entry("About the models".to_owned(), "", UiCommand::ToggleModels));
        entries
    }
}
