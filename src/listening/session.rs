//! A session as a state machine: the window and simulated listeners drive the same one.

use std::path::Path;
use std::sync::Arc;

use super::adaptive::Tracker;
use super::entry::{Answered, Entry, LoggedStimulus, SCHEMA, Start, Trial};
use super::{
    Action, Answer, Environment, ListenError, Log, LogFile, Part, Plan, PlannedTrial, Protocol,
    Screen, Slot, Sounds, Stimuli, Stimulus, TestFile, TrialScreen,
};

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Consent,
    Volume,
    Begin,
    Trial,
    Feedback(Option<bool>),
    Pause,
    End,
}

/// One participant in one test.
#[derive(Debug)]
pub struct Session {
    test: TestFile,
    stimuli: Stimuli,
    plan: Plan,
    participant: String,
    seed: u64,
    /// One for each pair, where the level follows the answers.
    trackers: Vec<Tracker>,
    log: Log,
    stage: Stage,
    /// Trials answered.
    at: usize,
    last_right: Option<bool>,
    gain_db: Option<f32>,
}

impl Session {
    /// Begins a session with the seed of the test, or else with `seed`. Writes the first line of the
    /// log.
    ///
    /// # Errors
    /// Where the log can't be written.
    pub fn start(
        test: TestFile,
        stimuli: Stimuli,
        participant: &str,
        seed: u64,
        mut log: Log,
        now_ms: u64,
    ) -> Result<Self, ListenError> {
        let seed = test.seed.unwrap_or(seed);
        let start = Start {
            schema: SCHEMA,
            program: crate::VERSION.to_owned(),
            time_ms: now_ms,
            participant: participant.trim().to_owned(),
            seed,
            test,
            stimuli: if matches!(log, Log::Nowhere) { Vec::new() } else { logged(&stimuli) },
            headroom_gain: stimuli.gain,
        };
        let entry = Entry::Start(Box::new(start));
        log.append(&entry)?;
        let Entry::Start(start) = entry else {
            return Err(ListenError::Action("the session has no start"));
        };
        Ok(Self::new(*start, stimuli, log))
    }

    fn new(start: Start, stimuli: Stimuli, log: Log) -> Self {
        let Start { test, participant, seed, .. } = start;
        let plan = Plan::new(&test, stimuli.pairs.len(), seed);
        let tracker = |_| Tracker::new(test.protocol, &test.adaptive);
        let trackers = (0..stimuli.pairs.len()).filter_map(tracker).collect();
        let stage = if test.consent.is_some() { Stage::Consent } else { Stage::Volume };
        Self {
            test,
            stimuli,
            plan,
            participant,
            seed,
            trackers,
            log,
            stage,
            at: 0,
            last_right: None,
            gain_db: None,
        }
    }

    /// Goes on with a session that a crash or a person broke off: at the next trial, with the same
    /// hidden order. An unfinished last line is cut off.
    ///
    /// # Errors
    /// Where the log can't be read, was changed, or is of another test or other sounds.
    pub fn resume(
        path: &Path,
        test: &TestFile,
        stimuli: Stimuli,
        now_ms: u64,
    ) -> Result<Self, ListenError> {
        let wrong = |problem: &str| ListenError::Resume {
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        let (log, entries, dropped_bytes) = LogFile::open(path)?;
        let mut entries = entries.into_iter();
        let Some(Entry::Start(start)) = entries.next() else {
            return Err(wrong("it holds nothing yet; begin anew"));
        };
        if start.test != *test {
            return Err(wrong("it was begun with another session file, or that was changed since"));
        }
        if start.stimuli != logged(&stimuli) || start.headroom_gain != stimuli.gain {
            return Err(wrong("it was begun with other sounds, or they were changed since"));
        }
        let mut session = Self::new(*start, stimuli, Log::File(log));
        let mut ended = false;
        for entry in entries {
            match entry {
                Entry::Answer(answered) => {
                    let expected = session.current().map(|trial| session.logged_trial(&trial));
                    if expected.as_ref() != Some(&answered.trial) {
                        return Err(wrong("its trials are not those of this program's version"));
                    }
                    session.take_in(answered.right);
                }
                Entry::Consent { .. } => session.stage = Stage::Volume,
                Entry::Volume { gain_db, .. } => session.gain_db = Some(gain_db),
                Entry::End { .. } => ended = true,
                _ => {}
            }
        }
        if ended {
            session.stage = Stage::End;
            return Ok(session);
        }
        session.log.append(&Entry::Resume { time_ms: now_ms, dropped_bytes })?;
        if session.at >= session.plan.trials.len() {
            session.finish(now_ms)?;
        }
        Ok(session)
    }

    /// The test.
    pub fn test(&self) -> &TestFile {
        &self.test
    }

    /// The pseudonym.
    pub fn participant(&self) -> &str {
        &self.participant
    }

    /// What the order was drawn with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where it is written.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The pairs.
    pub fn stimuli(&self) -> &Stimuli {
        &self.stimuli
    }

    /// How many trials were answered, practice included.
    pub fn answered(&self) -> usize {
        self.at
    }

    /// Whether the last answer was right. Nobody who listens may see it.
    pub fn last_right(&self) -> Option<bool> {
        self.last_right
    }

    /// What the level of each pair settled at so far, in dB SNR, where it follows the answers.
    pub fn estimates(&self) -> Vec<Option<f64>> {
        self.trackers.iter().map(Tracker::estimate).collect()
    }

    /// The volume in dB that the participant chose last.
    pub fn gain_db(&self) -> Option<f32> {
        self.gain_db
    }

    /// Whether all is done.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::End
    }

    fn current(&self) -> Option<PlannedTrial> {
        self.plan.trials.get(self.at).copied()
    }

    /// What to show.
    pub fn screen(&self) -> Screen {
        let practice = self.at < self.test.practice;
        let all = self.plan.trials.len();
        let (done, of) = if practice {
            (self.at, self.test.practice)
        } else {
            (self.at - self.test.practice, all - self.test.practice)
        };
        match self.stage {
            Stage::Consent => Screen::Consent(self.test.consent.clone().unwrap_or_default()),
            Stage::Volume => Screen::Volume,
            Stage::Begin => Screen::Begin { practice, trials: of - done },
            Stage::Feedback(right) => Screen::Feedback(right),
            Stage::Pause => Screen::Pause { done, of },
            Stage::End => Screen::End,
            Stage::Trial => Screen::Trial(TrialScreen {
                practice,
                number: done + 1,
                of,
                protocol: self.test.protocol,
            }),
        }
    }

    /// SNR at which a trial is played, where it is not the pair's own.
    fn level(&self, trial: &PlannedTrial) -> Option<f64> {
        if trial.obvious {
            let own =
                self.stimuli.pairs.get(trial.stimulus).map_or(f64::INFINITY, Stimulus::snr_db);
            return (own > self.test.catch_snr_db).then_some(self.test.catch_snr_db);
        }
        self.trackers.get(trial.stimulus).map(Tracker::snr_db)
    }

    /// What sounds now: the trial, or on the volume page the loudest there is to come.
    pub fn sounds(&self) -> Option<Sounds> {
        if self.stage == Stage::Volume {
            let loudest = self.loudest();
            return Some(Sounds { sounds: [loudest.clone(), loudest], slots: vec![(Slot::A, 0)] });
        }
        let trial = self.current().filter(|_| self.stage == Stage::Trial)?;
        let level = self.level(&trial);
        let sounds = trial
            .arrangement
            .changed
            .map(|changed| self.stimuli.sound(trial.stimulus, changed, level));
        let third = usize::from(trial.arrangement.third.unwrap_or(0));
        let index = |slot: &Slot| match slot {
            Slot::A => 0,
            Slot::B => 1,
            Slot::X | Slot::Reference => third,
        };
        let slots = self.test.protocol.slots().iter().map(|slot| (*slot, index(slot))).collect();
        Some(Sounds { sounds, slots })
    }

    /// The original of the largest magnitude, so that nothing later is a surprise.
    fn loudest(&self) -> Arc<[f32]> {
        let peak = |samples: &[f32]| samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        let originals = self.stimuli.pairs.iter().enumerate();
        let loudest = originals.max_by(|a, b| peak(&a.1.original).total_cmp(&peak(&b.1.original)));
        self.stimuli.sound(loudest.map_or(0, |(index, _)| index), false, None)
    }

    fn logged_trial(&self, trial: &PlannedTrial) -> Trial {
        let own = || self.stimuli.pairs.get(trial.stimulus).map(Stimulus::snr_db);
        Trial {
            trial: self.at,
            part: trial.part,
            stimulus: trial.stimulus,
            snr_db: self.level(trial).or_else(own).filter(|snr| snr.is_finite()),
            arrangement: trial.arrangement,
        }
    }

    /// Does what a participant wants. An answer is on the disk before the next trial can be shown.
    ///
    /// # Errors
    /// Where that is not possible now, or can't be written; then the session stays where it is.
    pub fn act(&mut self, action: Action, now_ms: u64) -> Result<(), ListenError> {
        match (self.stage, action) {
            (Stage::Consent, Action::Agree) => {
                self.log.append(&Entry::Consent { time_ms: now_ms })?;
                self.stage = Stage::Volume;
            }
            (Stage::Volume, Action::Volume(gain_db, environment)) => {
                let Environment { device, playback_rate } = environment;
                let time_ms = now_ms;
                self.log.append(&Entry::Volume { time_ms, gain_db, device, playback_rate })?;
                self.gain_db = Some(gain_db);
                self.stage = Stage::Begin;
            }
            (Stage::Begin | Stage::Pause | Stage::Feedback(_), Action::Next) => {
                let leaving_practice =
                    matches!(self.stage, Stage::Feedback(_)) && self.at == self.test.practice;
                self.stage = if leaving_practice { Stage::Begin } else { Stage::Trial };
            }
            (Stage::Trial, Action::Answer { answer, seconds, switches }) => {
                self.answer(answer, seconds, switches, now_ms)?;
            }
            _ => return Err(ListenError::Action("the session is at another page")),
        }
        Ok(())
    }

    fn answer(
        &mut self,
        answer: Answer,
        seconds: f64,
        switches: u32,
        now_ms: u64,
    ) -> Result<(), ListenError> {
        let possible = match answer {
            Answer::Choice(choice) => usize::from(choice) < self.test.protocol.answers().len(),
            Answer::Grades(grades) => {
                let graded = grades.iter().all(|grade| (1.0..=5.0).contains(grade));
                self.test.protocol == Protocol::Triple && graded && grades.contains(&5.0)
            }
        };
        if !possible {
            return Err(ListenError::Action(
                "the question does not have this answer; of two grades one must be 5.0, for the \
                 hidden reference",
            ));
        }
        let Some(trial) = self.current() else {
            return Err(ListenError::Action("all trials are answered"));
        };
        let right = trial.arrangement.judge(self.test.protocol, answer);
        let logged = self.logged_trial(&trial);
        let answered =
            Answered { trial: logged, answer, right, seconds, switches, time_ms: now_ms };
        self.log.append(&Entry::Answer(answered))?;
        self.take_in(right);
        let done = self.at.saturating_sub(self.test.practice);
        let pause = self.test.pause_after;
        self.stage = if trial.part == Part::Practice {
            Stage::Feedback(right)
        } else if self.at >= self.plan.trials.len() {
            return self.finish(now_ms);
        } else if pause > 0 && done.is_multiple_of(pause) {
            Stage::Pause
        } else {
            Stage::Trial
        };
        Ok(())
    }

    /// The trial has its answer.
    fn take_in(&mut self, right: Option<bool>) {
        if let Some(trial) = self.current()
            && !trial.obvious
            && trial.part == Part::Test
            && let Some(right) = right
            && let Some(tracker) = self.trackers.get_mut(trial.stimulus)
        {
            tracker.answer(right);
        }
        self.last_right = right;
        self.at += 1;
    }

    fn finish(&mut self, now_ms: u64) -> Result<(), ListenError> {
        // All answers are on the disk; where this line can't be written, resuming writes it.
        self.stage = Stage::End;
        self.log.append(&Entry::End { time_ms: now_ms, answers: self.at })
    }
}

fn logged(stimuli: &Stimuli) -> Vec<LoggedStimulus> {
    stimuli
        .pairs
        .iter()
        .map(|pair| LoggedStimulus {
            name: pair.name.clone(),
            sha256: pair.sha256(),
            snr_db: Some(pair.snr_db()).filter(|snr| snr.is_finite()),
            seconds: pair.seconds(),
        })
        .collect()
}
