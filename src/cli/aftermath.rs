//! What is asked of a result afterwards: what survives, and whether other models fall for it.

use serde_json::{Value, json};

use super::common::{self, Failure, Loaded, Prepared, label_json};
use crate::attacks::{Flow, Outcome};
use crate::models::{Classifier, Verdict};
use crate::survival::{Success, Survived, Transform, count, survival};

/// What another model says of both clips.
pub struct Transfer {
    model: String,
    title: String,
    original: Verdict,
    adversarial: Verdict,
}

impl Transfer {
    /// Whether it hears something else in the adversarial clip than in the clean one.
    fn fooled(&self) -> bool {
        self.original.top().0 != self.adversarial.top().0
    }

    fn json(&self) -> Value {
        json!({
            "model": self.model,
            "fooled": self.fooled(),
            "original": label_json(&self.original, self.original.top().0),
            "adversarial": label_json(&self.adversarial, self.adversarial.top().0),
        })
    }
}

/// What was asked for and found out.
#[derive(Default)]
pub struct Aftermath {
    survival: Option<Vec<Survived>>,
    transfer: Option<Vec<Transfer>>,
}

impl Aftermath {
    /// Asks the model that was attacked after each transform, with a progress bar.
    pub fn survive(
        &mut self,
        prepared: &Prepared,
        model: &dyn Classifier,
        clean: &[f32],
        outcome: &Outcome,
    ) {
        let bar = common::progress_bar(Transform::ALL.len());
        let observer = |survived: &Survived| {
            bar.set_message(survived.transform.title());
            bar.inc(1);
            Flow::Continue
        };
        let success = Success {
            classifier: model,
            original_label: outcome.original_label,
            goal: outcome.goal,
            clean,
            adversarial: &outcome.samples,
            seed: outcome.seed,
        };
        let mut all = prepared.pool.install(|| survival(&success, observer));
        bar.finish_and_clear();
        for survived in &mut all {
            let explain = |error: &mut String| *error = prepared.compute.explain(error);
            survived.result.as_mut().err().map(explain);
        }
        self.survival = Some(all);
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
                model: source.to_string(),
                title: source.title(),
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

    /// The fields of what was asked for, in the attack's JSON object.
    pub fn fields(&self, outcome: &Outcome) -> serde_json::Map<String, Value> {
        let mut fields = serde_json::Map::new();
        if let Some(survival) = &self.survival {
            let all = survival.iter().map(|survived| survived_json(survived, outcome));
            fields.insert("survival".to_owned(), all.collect());
        }
        if let Some(transfer) = &self.transfer {
            fields.insert("transfer".to_owned(), transfer.iter().map(Transfer::json).collect());
        }
        fields
    }

    /// The same for people, as tables.
    pub fn lines(&self) -> Vec<String> {
        let named = |verdict: &Verdict| format!("{} {:.2}", verdict.title(), verdict.top().1);
        let mut lines = Vec::new();
        if let Some(transfer) = &self.transfer {
            lines.push("other models".to_owned());
            lines.extend(transfer.iter().map(|t| {
                let fooled = if t.fooled() { "fooled" } else { "not fooled" };
                let (before, after) = (named(&t.original), named(&t.adversarial));
                format!("  {:<22}  {fooled:<10}  {before} -> {after}", t.title)
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

fn survived_json(survived: &Survived, outcome: &Outcome) -> Value {
    let heard = survived.result.as_ref().ok();
    let verdict = heard.map(|heard| &heard.verdict);
    json!({
        "transform": survived.transform.name(),
        "status": survived.status(),
        "label": verdict.map(|verdict| verdict.labels.name(verdict.top().0)),
        "confidence": verdict.map(|verdict| verdict.top().1),
        "original_label_confidence":
            verdict.map(|verdict| verdict.probability(outcome.original_label)),
        "clean_label": heard.map(|heard| heard.clean.labels.name(heard.clean.top().0)),
        "clean_confidence": heard.map(|heard| heard.clean.top().1),
        "snr_db": heard.map(|heard| heard.snr_db),
        "reason": survived.result.as_ref().err(),
    })
}
