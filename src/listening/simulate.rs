//! Listeners who are not there, to check with what is built for those who are.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::stats::{GUESS_RATE, Psychometric};
use super::{
    Action, Answer, Environment, ListenError, Protocol, Screen, Session, Slot, Sounds, Stimuli,
};
use crate::metrics::snr_db;

/// How somebody listens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Listener {
    /// Hears nothing.
    Guessing,
    /// Hears every difference.
    Perfect,
    /// Is right as often as a psychometric function says.
    Hearing(Psychometric),
}

impl Listener {
    /// Whether the change is heard, at an SNR in dB.
    fn hears(&self, snr_db: f64, random: &mut ChaCha8Rng) -> bool {
        match self {
            Self::Guessing => false,
            Self::Perfect => true,
            Self::Hearing(curve) => {
                let heard = (curve.right(snr_db) - GUESS_RATE) / (1.0 - GUESS_RATE);
                random.random_bool(heard.clamp(0.0, 1.0))
            }
        }
    }

    /// Listens to a trial as ears do, and knows the originals, and answers.
    fn answer(
        &self,
        protocol: Protocol,
        sounds: &Sounds,
        originals: &Stimuli,
        random: &mut ChaCha8Rng,
    ) -> Answer {
        let guess = u8::from(random.random::<bool>());
        // Somebody who only guesses need not listen.
        if *self == Self::Guessing {
            return match protocol {
                Protocol::Triple if guess == 0 => Answer::Grades([5.0, 4.0]),
                Protocol::Triple => Answer::Grades([4.0, 5.0]),
                _ => Answer::Choice(guess),
            };
        }
        let [a, b] = &sounds.sounds;
        let count = originals.pairs.len();
        let original =
            |sound: &[f32]| (0..count).any(|pair| *originals.sound(pair, false, None) == *sound);
        let a_is_original = original(a);
        let (clean, changed) = if a_is_original { (a, b) } else { (b, a) };
        let heard = self.hears(snr_db(clean, changed), random);
        match protocol {
            Protocol::Triple => match (heard, a_is_original) {
                (true, true) => Answer::Grades([5.0, 3.0]),
                (true, false) => Answer::Grades([3.0, 5.0]),
                (false, _) if guess == 0 => Answer::Grades([5.0, 4.0]),
                (false, _) => Answer::Grades([4.0, 5.0]),
            },
            _ if !heard => Answer::Choice(guess),
            Protocol::Abx => Answer::Choice(u8::from(sounds.behind(Slot::X) != Some(a))),
            Protocol::SameDifferent => Answer::Choice(u8::from(a != b)),
            _ => Answer::Choice(u8::from(a_is_original)),
        }
    }
}

/// Goes through a session to its end, or until `stop` says so after an answer. Answers depend on
/// `seed` and the trial's number only, so that a session which was broken off goes on as it would
/// have.
///
/// # Errors
/// As [`Session::act`].
pub fn run(
    session: &mut Session,
    listener: Listener,
    seed: u64,
    mut now_ms: impl FnMut() -> u64,
    mut stop: impl FnMut(&Session) -> bool,
) -> Result<(), ListenError> {
    loop {
        let action = match session.screen() {
            Screen::Consent(_) => Action::Agree,
            Screen::Volume => Action::Volume(
                0.0,
                Environment {
                    device: Some("a simulated listener".to_owned()),
                    playback_rate: None,
                },
            ),
            Screen::Begin { .. } | Screen::Feedback(_) | Screen::Pause { .. } => Action::Next,
            Screen::End => return Ok(()),
            Screen::Trial(screen) => {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                random.set_stream(session.answered() as u64);
                let guesses = listener == Listener::Guessing;
                let sounds = if guesses { None } else { session.sounds() };
                let sounds = sounds.unwrap_or_else(|| Sounds {
                    sounds: [std::sync::Arc::from([]), std::sync::Arc::from([])],
                    slots: Vec::new(),
                });
                let originals = session.stimuli();
                let answer = listener.answer(screen.protocol, &sounds, originals, &mut random);
                Action::Answer { answer, seconds: 1.0, switches: 2 }
            }
        };
        let answers = matches!(action, Action::Answer { .. });
        session.act(action, now_ms())?;
        if answers && stop(session) {
            return Ok(());
        }
    }
}

/// Milliseconds since 1970, UTC, for logs.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "simulate_tests.rs"]
mod tests;
