//! Asking the models about the clean clips, several at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::candidates::Candidates;
use super::configuration::Configuration;
use super::error::ExperimentError;
use super::machine::{Control, Machine};
use super::survey::{Heard, Question};
use super::work;
use crate::attacks::Flow;

/// So many failures of models one after the other are the device's, or a model's as such: they say
/// nothing of the clips.
const DEAD: usize = 10;

/// Asks the questions, as many at a time as there are pools; `done` is told each answer and how many
/// there are.
///
/// # Errors
/// Those of `done`, [`ExperimentError::Stopped`], and where models only fail any more.
pub fn ask(
    questions: &[Question],
    configuration: &Configuration,
    candidates: &Candidates,
    machine: &Machine,
    control: &Control,
    mut done: impl FnMut(Heard, usize) -> Result<(), ExperimentError>,
) -> Result<(), ExperimentError> {
    let (next, broken) = (AtomicUsize::new(0), Control::default());
    let (send, receive) = mpsc::channel();
    let mut result = Ok(());
    let mut count = 0;
    // Failures after which nothing was answered yet.
    let mut failed: Vec<Heard> = Vec::new();
    thread::scope(|scope| {
        for pool in &machine.pools {
            let (send, next, broken) = (send.clone(), &next, &broken);
            scope.spawn(move || {
                while let Some(question) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if broken.is_stopped() || control.flow() == Flow::Stop {
                        break;
                    }
                    let clip = &candidates.clips[question.clip];
                    let model = &machine.models[question.model];
                    let limit = configuration.limit_seconds;
                    let heard = pool.install(|| work::survey(machine, model, clip, limit));
                    send.send(heard).ok();
                }
            });
        }
        drop(send);
        for heard in receive {
            count += 1;
            if result.is_err() {
                continue;
            }
            let is_broken = heard.is_broken();
            failed.push(heard);
            if !is_broken {
                result = failed.drain(..).try_for_each(|heard| done(heard, count));
            } else if failed.len() >= DEAD {
                result = Err(dead(&failed));
            }
            broken.stop.store(result.is_err(), Ordering::Relaxed);
        }
    });
    result?;
    failed.into_iter().try_for_each(|heard| done(heard, count))?;
    if count < questions.len() { Err(ExperimentError::Stopped) } else { Ok(()) }
}

/// What is said where models only fail any more.
fn dead(failed: &[Heard]) -> ExperimentError {
    let Some(Heard { clip, model, reason, .. }) = failed.first() else {
        return ExperimentError::Stopped;
    };
    let reason = reason.as_deref().unwrap_or_default();
    ExperimentError::Nothing(format!(
        "models failed on {} clips one after the other, first {model} on {clip}: {reason}. What was \
         answered before is kept, and the same command goes on",
        failed.len()
    ))
}
