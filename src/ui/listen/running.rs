//! A session while a participant takes it.

use std::time::Instant;

use crate::listening::{Action, Answer, Screen, Session, Slot, Sounds};

/// The session and what the participant did on the present page.
pub struct Running {
    /// The session.
    pub session: Session,
    /// What the page shows.
    pub screen: Screen,
    /// What sounds on it.
    pub sounds: Option<Sounds>,
    /// Counts pages, so that the player gets each page's sounds once.
    pub page: u64,
    /// What is listened to.
    pub slot: Option<Slot>,
    /// How often that was switched.
    pub switches: u32,
    /// All that was listened to on this page.
    pub heard: Vec<Slot>,
    /// When the page was first shown.
    pub since: Instant,
    /// The answer that was chosen but not confirmed.
    pub choice: Option<u8>,
    /// Grades of A and B.
    pub grades: [f32; 2],
    /// Whether one was given; before that they are nobody's.
    pub graded: bool,
    /// The part that loops, in seconds.
    pub region: Option<(f64, f64)>,
    /// Volume in dB.
    pub gain_db: f32,
    /// Whether it is asked whether to break off.
    pub leaving: bool,
    /// Why the last answer could not be kept.
    pub trouble: Option<String>,
    /// Why nothing can be heard at present. Then nothing can be answered either.
    pub no_sound: Option<String>,
}

impl Running {
    /// Begins at the session's present page, at this volume in dB unless one was chosen before it
    /// was broken off.
    pub fn new(session: Session, gain_db: f32) -> Self {
        let gain_db = session.gain_db().unwrap_or(gain_db);
        let mut running = Self {
            screen: session.screen(),
            session,
            sounds: None,
            page: 0,
            slot: None,
            switches: 0,
            heard: Vec::new(),
            since: Instant::now(),
            choice: None,
            grades: [5.0; 2],
            graded: false,
            region: None,
            gain_db,
            leaving: false,
            trouble: None,
            no_sound: None,
        };
        running.turn_page();
        running
    }

    fn turn_page(&mut self) {
        let region = self.session.test().playback.region;
        self.screen = self.session.screen();
        self.sounds = self.session.sounds().map(|sounds| sounds.cut(region));
        self.page += 1;
        self.slot = None;
        self.switches = 0;
        self.heard.clear();
        self.since = Instant::now();
        self.choice = None;
        self.grades = [5.0; 2];
        self.graded = false;
        self.region = None;
    }

    /// Does what the participant wants, and goes to the next page once that is on the disk.
    pub fn act(&mut self, action: Action, now_ms: u64) {
        match self.session.act(action, now_ms) {
            Ok(()) => {
                self.trouble = None;
                self.turn_page();
            }
            Err(error) => {
                self.trouble = Some(error.to_string());
                // The last line of a log may be missing, and everything answered.
                if self.session.is_over() {
                    self.turn_page();
                }
            }
        }
    }

    /// Whether each letter of the page was listened to: who has not can't answer.
    pub fn has_heard_all(&self) -> bool {
        let slots = self.sounds.as_ref().map(|sounds| sounds.slots.as_slice()).unwrap_or_default();
        self.no_sound.is_none() && slots.iter().all(|(slot, _)| self.heard.contains(slot))
    }

    /// The answer as it stands: the chosen one, or the grades if one of them is for the reference.
    pub fn answer(&self) -> Option<Action> {
        let Screen::Trial(screen) = &self.screen else { return None };
        if !self.has_heard_all() {
            return None;
        }
        let answer = if screen.protocol.answers().is_empty() {
            (self.graded && self.grades.contains(&5.0)).then_some(Answer::Grades(self.grades))
        } else {
            self.choice.map(Answer::Choice)
        }?;
        let seconds = self.since.elapsed().as_secs_f64();
        Some(Action::Answer { answer, seconds, switches: self.switches })
    }

    /// Listens to a letter; which of the two sounds that is.
    pub fn hear(&mut self, slot: Slot) -> Option<usize> {
        let slots = self.sounds.as_ref()?.slots.iter();
        let (_, index) = slots.copied().find(|(other, _)| *other == slot)?;
        if self.no_sound.is_none() && !self.heard.contains(&slot) {
            self.heard.push(slot);
        }
        if self.slot != Some(slot) {
            self.switches += 1;
            self.slot = Some(slot);
        }
        Some(index)
    }
}
