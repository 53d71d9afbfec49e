//! What is asked of a result afterwards: what survives, and whether other models fall for it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::common::{self, Failure, Loaded, Prepared};
use crate::attacks::{Flow, Outcome};
use crate::export::Transfer;
use crate::models::{Classifier, Verdict};
use crate::survival::{Success, Survived, Transform, count, survival, survival_of};

/// What was asked for and found out.
#[derive(Default)]
pub struct Aftermath {
    /// What became of the result by each transform.
    pub survival: Option<Vec<Survived>>,
    /// What other models say.
    pub transfer: Option<Vec<Transfer>>,
}

impl Aftermath {
    /// Asks the model that was attacked after each transform, with a progress bar, until all are
    /// done or `stop` is set.
    pub fn survive(
        &mut self,
        prepared: &Prepared,
        model: &dyn Classifier,
        clean: &[f32],
        outcome: &Outcome,
        stop: &AtomicBool,
    ) {
        let bar = common::progress_bar(Transform::ALL.len());
        let observer = |survived: &Survived| {
            bar.set_message(survived.transform.title());
            bar.inc(1);
            if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
        };
        let success = success(model, clean, outcome);
        let mut all = prepared.pool.install(|| survival(&success, observer));
        bar.finish_and_clear();
        explain(prepared, &mut all);
        let (done, of) = (all.len(), Transform::ALL.len());
        if done < of {
            eprintln!("mondegreen: stopped: what survives was asked for {done} of {of} changes");
        }
        self.survival = Some(all);
    }

    /// What became of the result by one transform: found out now unless it is known.
    pub fn after(
        &self,
        transform: Transform,
        prepared: &Prepared,
        model: &dyn Classifier,
        clean: &[f32],
        outcome: &Outcome,
    ) -> Option<Survived> {
        let known = self.survival.iter().flatten().find(|known| known.transform == transform);
        known.cloned().or_else(|| {
            let success = success(model, clean, outcome);
            let go_on = |_: &Survived| Flow::Continue;
            let mut one = prepared.pool.install(|| survival_of(&success, &[transform], go_on));
            explain(prepared, &mut one);
            one.pop()
        })
    }

    /// Asks other models about both clips.
    ///
    /// # Errors
    /// Where one of them fails.
    pub fn transfer(
        &mut self,
        prepared: &Prepared,
        others: &[Loaded],
        clean: &[f32],
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        let one = |(source, model): &Loaded| -> candle_core::Result<Transfer> {
            Ok(Transfer {
                model: source.clone(),
                original: model.classify(clean)?,
                adversarial: model.classify(&outcome.samples)?,
            })
        };
        let all: Result<Vec<_>, _> = prepared.pool.install(|| others.iter().map(one).collect());
        let all =
            all.map_err(|error| Failure::Failed(prepared.compute.explain(&error.to_string())))?;
        self.transfer = Some(all);
        Ok(())
    }

    /// What was asked for, for people, as tables.
    pub fn lines(&self) -> Vec<String> {
        let named = |verdict: &Verdict| format!("{} {:.2}", verdict.title(), verdict.top().1);
        let mut lines = Vec::new();
        if let Some(transfer) = &self.transfer {
            lines.push("other models".to_owned());
            lines.extend(transfer.iter().map(|t| {
                let fooled = if t.fooled() { "fooled" } else { "not fooled" };
                let (before, after) = (named(&t.original), named(&t.adversarial));
                format!("  {:<22}  {fooled:<10}  {before} -> {after}", t.model.title())
            }));
        }
        if let Some(survival) = &self.survival {
            let (fooled, known) = count(survival);
            lines.push(format!("survives {fooled} of {known}"));
            lines.extend(survival.iter().map(|survived| {
                let (title, status) = (survived.transform.title(), survived.status());
                let heard = match &survived.result {
                    Ok(heard) => named(&heard.verdict),
                    Err(reason) => reason.clone(),
                };
                format!("  {title:<22}  {status:<15}  {heard}")
            }));
        }
        lines
    }
}

fn success<'a>(
    classifier: &'a dyn Classifier,
    clean: &'a [f32],
    outcome: &'a Outcome,
) -> Success<'a> {
    Success {
        classifier,
        original_label: outcome.original_label,
        goal: outcome.goal,
        clean,
        adversarial: &outcome.samples,
        seed: outcome.seed,
    }
}

fn explain(prepared: &Prepared, all: &mut [Survived]) {
    for survived in all {
        let explain = |error: &mut String| *error = prepared.compute.explain(error);
        survived.result.as_mut().err().map(explain);
    }
}
