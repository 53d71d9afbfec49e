//! Putting a test together: sounds, what is asked, who listens.

use eframe::egui::{Align, ComboBox, DragValue, Label, Layout, RichText, TextEdit, Ui, vec2};

use super::known::KnownSession;
use super::layout::ListenUi;
use super::{ListenCommand, Page};
use crate::listening::{Order, Protocol, stats};
use crate::ui::UiCommand;
use crate::ui::lab::LabResult;
use crate::ui::text;
use crate::ui::theme::{self, BODY, CONTROL_HEIGHT, GAP, TITLE};
use crate::ui::widgets::{
    Icon, card, down_mark, icon_button, primary_button, quiet_button, row, row_check,
};

/// Space between rows.
const ROWS: f32 = 4.0;

/// Power is told for people who are right this often.
const RATE: f64 = 0.8;

impl ListenUi<'_> {
    pub(super) fn wish(&mut self, command: ListenCommand) {
        self.asked.push(UiCommand::Listening(command));
    }

    pub(super) fn set_up(&mut self, ui: &mut Ui) {
        self.head(ui);
        let width = ui.available_width();
        let left = (width - GAP) * 0.5;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for side in 0..2 {
                ui.allocate_ui_with_layout(vec2(left, 0.0), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(left);
                    ui.spacing_mut().item_spacing.y = GAP;
                    if side == 0 {
                        card(ui, "Sounds", |ui| self.sounds(ui));
                        card(ui, "Participant", |ui| self.begin(ui));
                        card(ui, "Sessions on this computer", |ui| self.sessions(ui));
                    } else {
                        card(ui, "Question", |ui| self.question(ui));
                        card(ui, "Playing and order", |ui| self.details(ui));
                    }
                });
            }
        });
    }

    fn head(&mut self, ui: &mut Ui) {
        let size = vec2(ui.available_width(), CONTROL_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
            let dialog = self.dialog_is_open;
            ui.add_enabled_ui(!dialog, |ui| {
                for (label, command, tooltip) in [
                    ("Logs…", ListenCommand::ChooseLogs, "Report on logs of one test, of any number of participants"),
                    ("Save test…", ListenCommand::ChooseSave, "Writes the session file (TOML) and all sounds into a new folder, to be shared and run again elsewhere"),
                    ("Open test…", ListenCommand::ChooseTest, "Open a session file"),
                    ("New", ListenCommand::New, "Begin a new test"),
                ] {
                    if quiet_button(ui, label).on_hover_text(tooltip).clicked() {
                        self.wish(command);
                    }
                }
                if self.listening.report.is_some() {
                    let results = quiet_button(ui, "Results");
                    if results.on_hover_text("Back to what was reported last").clicked() {
                        self.listening.page = Page::Results;
                    }
                }
            });
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let words = "Can people hear it? A blind test answers that.";
                ui.add(Label::new(theme::strong(words, TITLE)).truncate());
            });
        });
    }

    fn sounds(&mut self, ui: &mut Ui) {
        let quiet = theme::palette(ui).quiet;
        if self.listening.draft.pairs.is_empty() {
            let words = "A pair is an original and its changed version. Attack a clip in the Lab and \
                         add what came of it, or add a folder of NAME_nat.wav and NAME_adv.wav.";
            ui.add(Label::new(RichText::new(words).color(quiet)).wrap());
        }
        let mut remove = None;
        for (index, pair) in self.listening.draft.pairs.iter().enumerate() {
            row(ui, &pair.name, |ui| {
                let name = format!("Remove {}", pair.name);
                if icon_button(ui, Icon::Close, &name, false).on_hover_text(&name).clicked() {
                    remove = Some(index);
                }
                let snr = text::decibels(pair.snr_db(), 1);
                ui.label(format!("{:.2} s · SNR {snr}", pair.seconds()));
            });
        }
        if let Some(index) = remove {
            self.wish(ListenCommand::RemovePair(index));
        }
        ui.horizontal_wrapped(|ui| {
            let pair = self.lab.adversarial().is_some();
            let add = ui.add_enabled_ui(pair, |ui| quiet_button(ui, "Add the pair from the Lab"));
            let add = add.inner.on_hover_text("The clip and the result that the Lab shows now");
            if add.on_disabled_hover_text("Attack a clip in the Lab first.").clicked() {
                self.wish(ListenCommand::AddPair);
            }
            let some = self.lab.results.iter().any(LabResult::was_changed);
            let all = ui.add_enabled_ui(some, |ui| quiet_button(ui, "Add all results")).inner;
            let all = all.on_hover_text(
                "A pair for each result of the Lab and of Compare: tick attacks and models there, \
                 and all that comes of it can be tested here",
            );
            if all.on_disabled_hover_text("Attack a clip first.").clicked() {
                self.wish(ListenCommand::AddResults);
            }
            let dialog = self.dialog_is_open;
            let folder = ui.add_enabled_ui(!dialog, |ui| quiet_button(ui, "Add a folder…")).inner;
            let tooltip = "All pairs NAME_nat.wav and NAME_adv.wav of a folder; both sides must have \
                           the same rate, channels and length. Or the folder of an experiment that \
                           kept its adversarial clips: chosen clips, models and attacks at once.";
            if folder.on_hover_text(tooltip).clicked() {
                self.wish(ListenCommand::ChooseFolder);
            }
        });
        row(ui, "Ladder of SNRs in dB", |ui| {
            let field = TextEdit::singleline(&mut self.listening.draft.ladder)
                .hint_text("as they are")
                .desired_width(150.0);
            ui.add(field).accessible_name("Ladder of SNRs in dB").on_hover_text(
                "Plays each perturbation at these SNRs rather than its own, e.g. 20 30 40 50: the \
                 results then show how the answers depend on the SNR.",
            );
        });
    }

    fn question(&mut self, ui: &mut Ui) {
        let quiet = theme::palette(ui).quiet;
        ui.spacing_mut().item_spacing.y = ROWS;
        let draft = &mut self.listening.draft;
        row(ui, "Title", |ui| {
            let field = TextEdit::singleline(&mut draft.test.title).desired_width(240.0);
            ui.add(field).accessible_name("Title of the test").on_hover_text("Shown in the report");
        });
        row(ui, "Protocol", |ui| {
            let combo = ComboBox::from_id_salt("protocol")
                .width(240.0)
                .icon(down_mark)
                .selected_text(draft.test.protocol.title())
                .show_ui(ui, |ui| {
                    for protocol in Protocol::ALL {
                        let chosen = draft.test.protocol == protocol;
                        let choice = ui.selectable_label(chosen, protocol.title());
                        if choice.on_hover_text(protocol.explanation()).clicked() {
                            draft.test.protocol = protocol;
                        }
                    }
                });
            combo.response.accessible_name("Protocol").on_hover_text("What participants are asked");
        });
        let explanation = draft.test.protocol.explanation();
        ui.add(Label::new(RichText::new(explanation).color(quiet)).wrap());
        row(ui, "Trials", |ui| {
            let mut trials = draft.test.trial_count();
            let field = ui.add(DragValue::new(&mut trials).range(1..=1000).speed(0.2));
            let field = field.on_hover_text(
                "Fixed before the start: who stops when the result looks good finds twice as many \
                 false alarms. 16 is a good balance; thresholds take about 50.",
            );
            if field.accessible_name("Trials").changed() {
                draft.test.trials = Some(trials);
            }
        });
        let test = &mut draft.test;
        for (name, value, most, tooltip) in [
            (
                "Practice trials",
                &mut test.practice,
                100,
                "With “right” and “wrong”; they do not count",
            ),
            (
                "Catch trials",
                &mut test.catch_trials,
                100,
                "Obvious changes among the others: who misses them was not listening. They do not count.",
            ),
            ("Pause after", &mut test.pause_after, 500, "A pause after so many trials; 0 for none"),
        ] {
            row(ui, name, |ui| {
                let field = ui.add(DragValue::new(value).range(0..=most).speed(0.1));
                field.on_hover_text(tooltip).accessible_name(name);
            });
        }
        let (trials, alpha) = (draft.test.trial_count() as u64, draft.test.alpha);
        let words = if draft.test.protocol.is_adaptive() {
            "Gives a threshold in dB SNR with its 95 % interval.".to_owned()
        } else {
            match stats::critical(trials, 0.5, alpha) {
                None => format!("With {trials} trials no result can be significant: take more."),
                Some(right) => format!(
                    "{right} of {trials} right are significant (p ≤ {alpha}). Somebody who is right \
                     {:.0} % of the time gets there with a probability of {:.0} %.{}",
                    100.0 * RATE,
                    100.0 * stats::power(trials, 0.5, alpha, RATE),
                    draft.test.protocol.power_caveat()
                ),
            }
        };
        ui.add(Label::new(RichText::new(words).color(theme::palette(ui).text)).wrap());
    }

    fn details(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = ROWS;
        let draft = &mut self.listening.draft;
        if draft.test.protocol.is_adaptive() {
            let adaptive = &mut draft.test.adaptive;
            for (name, value, tooltip) in [
                (
                    "First SNR in dB",
                    &mut adaptive.start_snr_db,
                    "Of the first trial: one that everybody hears",
                ),
                (
                    "Lowest SNR in dB",
                    &mut adaptive.easiest_snr_db,
                    "The loudest change that is played. All sounds are turned down until it fits.",
                ),
                (
                    "Highest SNR in dB",
                    &mut adaptive.hardest_snr_db,
                    "The softest change that is played: one that nobody hears",
                ),
            ] {
                row(ui, name, |ui| {
                    let field = DragValue::new(value).range(-20.0..=100.0).speed(0.5);
                    ui.add(field).on_hover_text(tooltip).accessible_name(name);
                });
            }
        }
        let playback = &mut draft.test.playback;
        row_check(
            ui,
            "Loop",
            "Loop the sounds",
            &mut playback.looping,
            "Play each sound again and again",
        );
        row_check(
            ui,
            "Begin anew on switching",
            "Begin anew on switching",
            &mut playback.restart_on_switch,
            "For sounds shorter than a second; otherwise switching goes on at the same place",
        );
        row(ui, "Crossfade (ms)", |ui| {
            let field = DragValue::new(&mut playback.crossfade_ms).range(1.0..=50.0).speed(0.2);
            ui.add(field)
                .on_hover_text(
                    "Linear, between sounds: below 2 ms it may click, above 50 ms it is heard",
                )
                .accessible_name("Crossfade in ms");
        });
        let mut balanced = draft.test.order == Order::Balanced;
        row_check(
            ui,
            "Balanced order",
            "Balanced order",
            &mut balanced,
            "Each right answer equally often. Off: a coin for each trial, so that p is exact for any \
             way of guessing.",
        );
        draft.test.order = if balanced { Order::Balanced } else { Order::Independent };
        row(ui, "Seed of the order", |ui| {
            let field =
                TextEdit::singleline(&mut draft.seed).hint_text("drawn").desired_width(110.0);
            ui.add(field)
                .accessible_name("Seed of the order")
                .on_hover_text("Empty: each session draws its own. The log keeps it in any case.");
        });
        let mut consent = draft.test.consent.clone().unwrap_or_default();
        ui.label(RichText::new("Consent text, shown first").color(theme::palette(ui).quiet));
        let field = TextEdit::multiline(&mut consent)
            .desired_rows(2)
            .desired_width(f32::INFINITY)
            .hint_text("none");
        let field = ui.add(field).accessible_name("Consent text");
        if field.on_hover_text("Participants must agree to it before the session begins").changed()
        {
            draft.test.consent = (!consent.trim().is_empty()).then_some(consent);
        }
    }

    fn begin(&mut self, ui: &mut Ui) {
        row(ui, "Pseudonym", |ui| {
            let field = TextEdit::singleline(&mut self.listening.draft.participant)
                .char_limit(40)
                .desired_width(110.0);
            ui.add(field).accessible_name("Pseudonym").on_hover_text(
                "No real name: logs are made to be shared. The same pseudonym in all sessions of one \
                 person.",
            );
        });
        let problem = self.listening.draft.problem();
        let busy = self.listening.is_busy();
        let enabled = problem.is_none() && !busy;
        let begin =
            ui.add_enabled_ui(enabled, |ui| primary_button(ui, Icon::Play, "Begin the session"));
        let begin = begin.inner.on_hover_text(
            "The session fills the window; Esc breaks it off, and nothing that was answered is lost",
        );
        if begin.clicked() {
            self.wish(ListenCommand::Begin);
        }
        let words = problem.or_else(|| busy.then(|| "One moment…".to_owned()));
        if let Some(words) = words {
            ui.add(
                Label::new(RichText::new(words).size(BODY).color(theme::palette(ui).quiet)).wrap(),
            );
        }
    }

    fn sessions(&mut self, ui: &mut Ui) {
        let known = self.listening.known.clone();
        if known.is_empty() {
            let words =
                "None yet. Sessions that were broken off appear here and can be gone on with.";
            ui.add(Label::new(RichText::new(words).color(theme::palette(ui).quiet)).wrap());
            return;
        }
        let mut tests: Vec<&std::path::Path> = Vec::new();
        for session in &known {
            if !tests.contains(&session.file.as_path()) {
                tests.push(&session.file);
            }
        }
        for file in tests {
            let own: Vec<&KnownSession> = known.iter().filter(|s| s.file == file).collect();
            let Some(title) = own.first().map(|session| session.title.clone()) else { continue };
            row(ui, &title, |ui| {
                let open = quiet_button(ui, "Open");
                let open = open.on_hover_text("The same test again, for another participant");
                if open.accessible_name(format!("Open {title}")).clicked() {
                    self.wish(ListenCommand::OpenTest(file.to_path_buf()));
                }
                let report = quiet_button(ui, "Results");
                let report =
                    report.on_hover_text("What the answers of this test's participants say");
                if report.accessible_name(format!("Results of {title}")).clicked() {
                    let whole = own.iter().filter(|session| session.trouble.is_none());
                    let logs = whole.map(|session| session.log.clone()).collect();
                    self.wish(ListenCommand::Report(logs));
                }
            });
            for session in own {
                let (done, of) = session.answers;
                if let Some(trouble) = &session.trouble {
                    let what = if of == 0 { "can't be read" } else { "of another session file" };
                    let words = format!("   {}: {what}", session.participant);
                    row(ui, &words, |ui| {
                        if session.complete {
                            let name = format!("Results of {} alone", session.participant);
                            let report = quiet_button(ui, "Results").accessible_name(name);
                            if report.on_hover_text("What these answers say").clicked() {
                                self.wish(ListenCommand::Report(vec![session.log.clone()]));
                            }
                        }
                        ui.label(theme::small(ui, "why?")).on_hover_text(trouble);
                    });
                    continue;
                }
                let words = if session.complete {
                    format!("   {}: complete", session.participant)
                } else {
                    format!("   {}: {done} of {of} answers", session.participant)
                };
                row(ui, &words, |ui| {
                    if !session.complete && session.trouble.is_none() {
                        let resume = quiet_button(ui, "Go on");
                        let tooltip = "At the next trial, in the same order";
                        let name = format!("Go on with {}", session.participant);
                        if resume.on_hover_text(tooltip).accessible_name(name).clicked() {
                            self.wish(ListenCommand::Resume(
                                session.file.clone(),
                                session.log.clone(),
                            ));
                        }
                    }
                });
            }
        }
    }
}
