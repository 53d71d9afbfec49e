//! The Listen tab's wishes, and the sound of a session.

use eframe::egui;

use super::App;
use crate::audio::Clip;
use crate::audio::player::{FADE_SECONDS, Side};
use crate::listening::simulate::now_ms;
use crate::listening::{Action, Stimulus};
use crate::ui::UiCommand;
use crate::ui::lab::LabResult;
use crate::ui::listen::{ListenCommand, News, Page};
use crate::ui::tab::Tab;

/// A session begins no louder than that, in dB: the participant makes it louder, not softer.
const FIRST_VOLUME: f32 = -20.0;

impl App {
    pub(super) fn apply_listening(&mut self, ctx: &egui::Context, command: ListenCommand) {
        let pace = self.pace.clone();
        let listening = &mut self.listening;
        match command {
            ListenCommand::New => {
                let participant = listening.draft.participant.clone();
                listening.draft = Default::default();
                listening.draft.participant = participant;
            }
            ListenCommand::AddPair => {
                self.apply(ctx, UiCommand::ShowTab(Tab::Listen));
                self.add_pair();
            }
            ListenCommand::AddResults => {
                self.apply(ctx, UiCommand::ShowTab(Tab::Listen));
                self.add_results();
            }
            ListenCommand::ChooseFolder => {
                self.dialogs.listening_folder(ctx, "Folder of pairs", ListenCommand::AddFolder);
            }
            ListenCommand::AddFolder(folder) => listening.add_folder(&pace, folder),
            ListenCommand::RemovePair(index) => {
                if index < listening.draft.pairs.len() {
                    listening.draft.pairs_mut().remove(index);
                }
            }
            ListenCommand::ChooseTest => self.dialogs.listening_test(ctx),
            ListenCommand::OpenTest(file) => {
                listening.open_test(&pace, file);
                self.apply(ctx, UiCommand::ShowTab(Tab::Listen));
            }
            ListenCommand::ChooseSave => match listening.draft.problem() {
                Some(problem) => self.notices.info(problem),
                None => {
                    let title = "Save the test into a new folder in";
                    self.dialogs.listening_folder(ctx, title, ListenCommand::SaveIn);
                }
            },
            ListenCommand::SaveIn(place) => listening.save_in(&pace, place),
            ListenCommand::Begin => match listening.draft.problem() {
                Some(problem) => self.notices.info(problem),
                None if listening.is_busy() || listening.running.is_some() => {}
                None => listening.begin(&pace),
            },
            ListenCommand::Resume(file, log) => listening.resume(&pace, file, log),
            ListenCommand::ChooseLogs => self.dialogs.listening_logs(ctx),
            ListenCommand::Report(logs) => listening.report_on(&pace, logs),
            ListenCommand::ShowSetUp => listening.page = Page::SetUp,
            ListenCommand::ChooseExport => {
                let title = "Write the results into a new folder in";
                self.dialogs.listening_folder(ctx, title, ListenCommand::ExportIn);
            }
            ListenCommand::ExportIn(place) => listening.export_in(&pace, place),
            ListenCommand::Leave => self.leave_session(),
            session => self.apply_to_session(session),
        }
    }

    /// Wishes of the participant.
    fn apply_to_session(&mut self, command: ListenCommand) {
        let Some(running) = &mut self.listening.running else { return };
        match command {
            ListenCommand::Hear(slot) => {
                let Some(index) = running.hear(slot) else { return };
                self.player.set_side(if index == 0 { Side::Original } else { Side::Adversarial });
                if running.session.test().playback.restart_on_switch {
                    self.player.seek(running.region.map_or(0.0, |region| region.0));
                }
                self.player.play();
            }
            ListenCommand::PlayOrPause => self.player.toggle(),
            ListenCommand::Seek(seconds) => self.player.seek(seconds),
            ListenCommand::Loop(region) => {
                running.region = region;
                self.player.set_loop(region);
                self.player
                    .set_looping(region.is_some() || running.session.test().playback.looping);
            }
            ListenCommand::SetVolume(gain_db) => {
                running.gain_db = gain_db;
                self.player.set_gain_db(gain_db);
            }
            ListenCommand::Act(action) => {
                let spoken = matches!(action, Action::Answer { .. });
                if spoken {
                    self.player.pause();
                }
                running.act(action, now_ms());
            }
            ListenCommand::AskToLeave => running.leaving = true,
            ListenCommand::Stay => running.leaving = false,
            _ => {}
        }
    }

    fn add_pair(&mut self) {
        let shown = self.lab.shown_result().filter(|result| result.is_heard());
        let Some(pair) = shown.map(|result| self.pair_of(result)) else {
            self.notices.info(
                "There is no pair yet: attack a clip in the Lab first, and wait until it is done.",
            );
            return;
        };
        match pair {
            Ok(pair) if self.has_pair(&pair) => {
                self.notices.info("This pair is in the test already.");
            }
            Ok(pair) => self.listening.draft.add(pair),
            Err(words) => self.notices.error(words),
        }
    }

    /// Every result of this session that changed its clip and is not among the pairs yet.
    fn add_results(&mut self) {
        let mut problems: Vec<String> = self.lab.bring_all_back().err().into_iter().collect();
        let results = self.lab.results.iter().filter(|result| result.is_heard());
        let pairs: Vec<_> = results.map(|result| self.pair_of(result)).collect();
        for pair in pairs {
            match pair {
                Ok(pair) if self.has_pair(&pair) => {}
                Ok(pair) => self.listening.draft.add(pair),
                Err(words) => problems.push(words),
            }
        }
        problems.into_iter().for_each(|problem| self.notices.error(problem));
    }

    /// Clip and adversarial clip of a result, under a name that tells attack and model.
    fn pair_of(&self, result: &LabResult) -> Result<Stimulus, String> {
        let clip = &result.job.clip;
        let model = self.lab.models.title(&result.job.model);
        let name = format!("{}, {} on {model}", clip.name, result.title());
        let changed = Clip { samples: result.outcome.samples.clone(), ..clip.clone() };
        let pair = Stimulus::from_clips(&name, clip, &changed);
        // Files of the clip are not the pair's.
        pair.map(|pair| Stimulus { files: None, ..pair }).map_err(|error| format!("{error}."))
    }

    /// Whether the pair's sounds are in the test already; not by where they are, for samples that
    /// were put away come back elsewhere.
    fn has_pair(&self, pair: &Stimulus) -> bool {
        self.listening.draft.pairs.iter().any(|other| other.changed == pair.changed)
    }

    /// Takes in what threads have done for the tab.
    pub(super) fn take_in_listening(&mut self) {
        let gain_db = self.settings.gain_db.min(FIRST_VOLUME);
        for news in self.listening.take_in(&self.pace, gain_db) {
            match news {
                News::Worth(words) => self.notices.info(words),
                News::Trouble(words) => self.notices.error(words),
                News::Begins => {
                    self.player.pause();
                    self.heard_page = None;
                    self.help = false;
                    self.tour = None;
                    self.palette = None;
                }
            }
        }
    }

    /// Gives the player the sounds of a session's page, once each; whether a session runs.
    pub(super) fn play_session(&mut self) -> bool {
        let Some(running) = &self.listening.running else { return false };
        if self.heard_page == Some(running.page) {
            return true;
        }
        self.heard_page = Some(running.page);
        self.player.pause();
        // The page before is silent at once, however long the new sounds take to be prepared.
        self.player.clear();
        let playback = &running.session.test().playback;
        self.player.set_looping(playback.looping);
        self.player.set_crossfade(playback.crossfade_ms / 1000.0);
        self.player.set_gain_db(running.gain_db);
        // What the Lab gave it is gone.
        self.given = (None, None);
        if let Some(sounds) = &running.sounds {
            let [a, b] = sounds.sounds.clone();
            self.player.set_clip(a, Some(b));
        }
        true
    }

    /// Back to the tab, and the player back to the Lab.
    fn leave_session(&mut self) {
        self.listening.leave(&self.pace);
        self.player.pause();
        self.player.clear();
        self.given = (None, None);
        self.heard_page = None;
        self.player.set_crossfade(FADE_SECONDS);
        self.player.set_gain_db(self.settings.gain_db);
        self.player.set_looping(self.settings.looping);
        self.player.set_loop(self.lab.loop_region);
    }
}

impl From<ListenCommand> for UiCommand {
    fn from(command: ListenCommand) -> Self {
        Self::Listening(command)
    }
}
