//! The set-up at the left: data, experiment, models, attacks, options.

use eframe::egui::{
    Align, Button, ComboBox, DragValue, Label, Layout, Response, RichText, ScrollArea, TextEdit,
    Ui, vec2,
};

use super::layout::ExperimentsUi;
use super::wish::ExperimentWish;
use crate::attacks::Preset;
use crate::experiments::{ExperimentKind, Keep, MOST_CLIPS, Split};
use crate::models::FSDKAGGLE2018;
use crate::ui::theme::{self, CONTROL_HEIGHT, SMALL};
use crate::ui::widgets::{
    Segment, card, chip, popup_button, quiet_button, row, row_check, segmented,
};

impl ExperimentsUi<'_> {
    pub(super) fn set_up(&mut self, ui: &mut Ui) {
        let free = self.is_free();
        ui.add_enabled_ui(free, |ui| {
            card(ui, "Data set", |ui| self.data(ui));
            card(ui, "Experiment", |ui| self.kind(ui));
            card(ui, "Models", |ui| self.models(ui));
            if self.form.kind != ExperimentKind::Accuracy {
                card(ui, "Attacks", |ui| self.attacks(ui));
            }
            card(ui, "Run", |ui| self.run(ui));
        });
    }

    fn data(&mut self, ui: &mut Ui) {
        let tooltip = "A folder with one folder a label, a CSV list (file, label, split), or \
                       FSDKaggle2018 as it is downloaded";
        if self.path(ui, "Data set", tooltip, |form| &mut form.data, "no data set yet") {
            self.ask(ExperimentWish::ChooseData);
        }
        self.found(ui);
        let split = &mut self.form.split;
        row(ui, "Split", |ui| {
            let parts = [
                Segment::new(Split::Test, "test", "The recordings to report on"),
                Segment::new(Split::Train, "train", "Those that models may have learned from"),
                Segment::new(Split::All, "all", "Both"),
            ];
            segmented(ui, 156.0, &parts, split);
        });
        row_check(
            ui,
            "Verified labels only",
            "Verified labels only",
            &mut self.form.verified_only,
            "Leave out recordings whose label nobody verified (FSDKaggle2018 has such a flag)",
        );
    }

    /// What there is in the data set.
    fn found(&mut self, ui: &mut Ui) {
        self.experiments.data_set.keep_up(ui.ctx(), &self.form.data);
        let palette = theme::palette(ui);
        let (words, colour) = match &self.experiments.data_set.found {
            None => return,
            Some(Err(reason)) => (reason.clone(), palette.error),
            Some(Ok(counts)) => {
                let count = |split| counts.clips(split);
                let (test, train) = (count(Split::Test), count(Split::Train));
                let labels = counts.labels.len();
                let words = format!("{labels} labels; recordings: {test} test, {train} train");
                let none = count(self.form.split) == 0;
                (words, if none { palette.warning } else { palette.quiet })
            }
        };
        ui.add(Label::new(RichText::new(words).size(SMALL).color(colour)).wrap());
    }

    /// A path to be typed or looked for; whether people want to look for it.
    fn path(
        &mut self,
        ui: &mut Ui,
        name: &str,
        tooltip: &str,
        text: impl FnOnce(&mut super::ExperimentForm) -> &mut String,
        hint: &str,
    ) -> bool {
        let size = vec2(ui.available_width(), CONTROL_HEIGHT);
        let enabled = !self.dialog_is_open;
        let form = &mut *self.form;
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            let browse = Button::new("Browse…").min_size(vec2(0.0, CONTROL_HEIGHT));
            let browse = ui.add_enabled(enabled, browse).on_hover_text(tooltip);
            let clicked = named(&browse, &format!("Browse for the {}", name.to_lowercase()));
            let edit = TextEdit::singleline(text(form))
                .hint_text(hint)
                .desired_width(ui.available_width())
                .min_size(vec2(0.0, CONTROL_HEIGHT));
            ui.add(edit).on_hover_text(tooltip).accessible_name(name);
            clicked
        })
        .inner
    }

    fn kind(&mut self, ui: &mut Ui) {
        let parts = [
            Segment::new(
                ExperimentKind::Untargeted,
                "Untargeted",
                "Away from the true label: Tables 1, 2, 3 and 5, Figure 1",
            ),
            Segment::new(
                ExperimentKind::Targeted,
                "Targeted",
                "From each label to each other: Table 4 and Figure 2",
            ),
            Segment::new(
                ExperimentKind::Accuracy,
                "Accuracy",
                "What the models make of the clean clips: Table 1",
            ),
        ];
        let width = ui.available_width();
        segmented(ui, width, &parts, &mut self.form.kind);
        self.labels(ui);
        let clips = &mut self.form.clips;
        row(ui, "Clips of each label", |ui| {
            ui.add(DragValue::new(clips).range(1..=MOST_CLIPS))
                .on_hover_text("At most; only clips that a model names rightly are attacked")
                .accessible_name("Clips of each label");
        });
    }

    fn labels(&mut self, ui: &mut Ui) {
        let known = self.lab.labels();
        let all: Vec<&str> = match &self.experiments.data_set.found {
            Some(Ok(counts)) => counts.labels.iter().map(|(label, _)| label.as_str()).collect(),
            _ if known.is_empty() => FSDKAGGLE2018.to_vec(),
            _ => known.iter().collect(),
        };
        let form = &mut *self.form;
        let chosen: Vec<String> = form.chosen_labels(&all).into_iter().map(str::to_owned).collect();
        let words = match (form.labels.is_empty(), form.kind) {
            (true, ExperimentKind::Targeted) => "the paper's six".to_owned(),
            (true, _) => "all".to_owned(),
            (false, _) => format!("{} of {}", chosen.len(), all.len()),
        };
        row(ui, "Labels", |ui| {
            popup_button(ui, "Labels", &words, 150.0, |ui| {
                ui.set_width(220.0);
                ui.horizontal(|ui| {
                    let usual = quiet_button(ui, "All, or the paper's six");
                    let tooltip =
                        "All labels of the data set; of a targeted experiment the paper's";
                    if usual.on_hover_text(tooltip).clicked() {
                        form.labels.clear();
                    }
                });
                ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                    for label in &all {
                        let mut on = chosen.iter().any(|known| known == label);
                        let title = label.replace('_', " ");
                        if ui.checkbox(&mut on, &title).clicked() {
                            let mut labels = chosen.clone();
                            labels.retain(|known| known != label);
                            if on {
                                labels.push((*label).to_owned());
                            }
                            if !labels.is_empty() {
                                labels.sort();
                                form.labels = labels;
                            }
                        }
                    }
                });
            });
        });
    }

    fn models(&mut self, ui: &mut Ui) {
        let mut without = self.form.without.clone();
        let all: Vec<_> = self.lab.models.iter().map(|model| model.source.clone()).collect();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(5.0, 4.0);
            for source in &all {
                let name = source.to_string();
                let on = !without.contains(&name);
                let last = on && all.len() == without.len() + 1;
                let title = self.lab.models.title(source);
                if chip(ui, &title, on, "Attack this model, too") && !last {
                    without.retain(|known| *known != name);
                    if on {
                        without.push(name);
                    }
                }
            }
        });
        self.form.without = without;
    }

    fn attacks(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(5.0, 4.0);
            let chosen = self.form.chosen_attacks();
            for id in self.form.possible_attacks() {
                let on = chosen.contains(&id);
                if chip(ui, id.title(), on, id.explanation()) {
                    self.form.choose_attack(id, !on);
                }
            }
        });
        let form = &mut *self.form;
        row(ui, "Search", |ui| {
            let mut preset = form.preset();
            let parts = [
                Segment::new(Preset::Quick, "quick", "Seconds to minutes an attack"),
                Segment::new(Preset::Paper, "paper", "As long as in the paper: many times as long"),
                Segment::new(Preset::Best, "best", "Spares nothing: hours for a few clips"),
            ];
            if segmented(ui, 168.0, &parts, &mut preset) {
                preset.name().clone_into(&mut form.preset);
            }
        });
        if form.kind == ExperimentKind::Untargeted {
            row_check(
                ui,
                "Ask other models",
                "Ask other models",
                &mut form.transfer,
                "Let all other models name each success: Table 5",
            );
        }
    }

    fn run(&mut self, ui: &mut Ui) {
        let hint = self.form.run_folder().map_or_else(
            |_| "a folder for the run".to_owned(),
            |folder| folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        );
        let tooltip = "The folder of the run. One that holds a run already goes on with it: show it \
                       first. Left empty, the program names one among its own files.";
        if self.path(ui, "Run's folder", tooltip, |form| &mut form.run, &hint) {
            self.ask(ExperimentWish::ChooseRun);
        }
        let form = &mut *self.form;
        row(ui, "Seed", |ui| {
            ui.add(DragValue::new(&mut form.seed))
                .on_hover_text("Chooses the clips, and all that is random in attacks")
                .accessible_name("Seed");
        });
        row(ui, "Items at a time", |ui| {
            let most = crate::engine::automatic_threads().max(1);
            ui.add(DragValue::new(&mut form.jobs).range(1..=most))
                .on_hover_text("Each takes one core, at a lower priority than the window")
                .accessible_name("Items at a time");
        });
        row(ui, "Keep clips", |ui| {
            let name = |keep: Keep| match keep {
                Keep::Nothing => "no",
                Keep::Wav => "as float WAV",
                Keep::Safetensors => "as safetensors",
            };
            let list = ComboBox::from_id_salt("keep").selected_text(name(form.keep)).width(120.0);
            let list = list.show_ui(ui, |ui| {
                for keep in [Keep::Nothing, Keep::Wav, Keep::Safetensors] {
                    ui.selectable_value(&mut form.keep, keep, name(keep));
                }
            });
            let tooltip = "Adversarial clips, bit for bit: for Figure 3, and to listen to. Some \
                           hundred kilobytes each";
            list.response.on_hover_text(tooltip).accessible_name("Keep clips");
        });
        ui.horizontal(|ui| {
            let open = quiet_button(ui, "Show this run");
            let tooltip = "Read what the run's folder holds, without computing; the choices above \
                           become the run's";
            if open.on_hover_text(tooltip).clicked()
                && let Ok(folder) = self.form.run_folder()
            {
                self.ask(ExperimentWish::OpenRun(folder));
            }
        });
        let quiet = theme::palette(ui).quiet;
        let words =
            "Everything is kept at once; a run goes on after a stop, a crash or a full disk.";
        ui.add(Label::new(RichText::new(words).size(SMALL).color(quiet)).wrap());
    }
}

/// Gives a control its name for screen readers; whether it was clicked.
fn named(response: &Response, name: &str) -> bool {
    response.clone().accessible_name(name).clicked()
}
