//! What a report says in words: what was computed, what failed, what differs from the paper.

use std::collections::BTreeSet;

use super::attack_line::attack_title;
use super::configuration::ExperimentKind;
use super::contents::RunContents;
use super::survey::{Heard, Survey};
use super::tables::model_title;
use crate::attacks::{AttackId, AttackSpec, Preset};

/// How many failures are told one by one.
const TOLD: usize = 20;

/// What was computed, how far, and with what.
pub(super) fn head(runs: &[RunContents]) -> String {
    let mut text = format!(
        "# Adversarial attacks in sound event classification: our numbers beside the paper's\n\n\
         Written by mondegreen {}. The paper is V. Subramanian et al., arXiv 1907.02477. In each \
         cell: mean, 95 % bootstrap interval over clips, number of different clips behind it, and \
         the paper's number where we know it. Where all clips agree (0 or 100 %), the interval is \
         empty, for a bootstrap can't see what never happened: of n clips, up to 3/n of all others \
         may still differ.\n",
        crate::VERSION
    );
    for run in runs {
        let RunContents { folder, configuration, environments, rows, plan, .. } = run;
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy();
        let kind = format!("**{}**, `{name}`", configuration.experiment.name());
        let (done, all) = (rows.len(), plan.len());
        let failed = rows.iter().filter(|row| row.is_failed()).count();
        text += &if configuration.experiment == ExperimentKind::Accuracy {
            format!("\n{kind}: clean clips only, see Table 1.")
        } else {
            format!("\n{kind}: {done} of {all} items are done, {failed} of them failed.")
        };
        if let Some(shards) = folder.unmerged_shards().filter(|_| done < all) {
            text += &format!(
                " {shards} shares of the run have rows that are not counted here before \
                 `mondegreen experiment merge` joins them."
            );
        }
        if done < all {
            text += " The run is not over: these are the numbers so far. Items are in an order \
                      that is fair to labels and models, but look at the clips behind each cell.";
        }
        let attacks = configuration.attacks.iter().map(|entry| {
            let settings = Some(entry.settings()).filter(|settings| !settings.is_empty());
            let settings = settings.map(|settings| format!(" ({settings})"));
            format!("{}{}", attack_title(entry.title()), settings.unwrap_or_default())
        });
        let attacks: Vec<_> = attacks.collect();
        if !attacks.is_empty() {
            text += &format!(
                " At most {} clips a label, {}, seed {}.",
                configuration.clips_per_label,
                attacks.join(", "),
                configuration.seed
            );
        }
        if let Some(last) = environments.last() {
            // An empty sum of floats is minus zero.
            let hours = rows.iter().map(|row| row.seconds).sum::<f64>() / 3600.0 + 0.0;
            text += &format!(
                " Data set {} (split {}, {}...), {}; items at a time: {}, threads for each: {}, \
                 starts: {}, hours of attacks: {hours:.2}.\n\n",
                last.data,
                configuration.split.name(),
                last.data_sha256.chars().take(12).collect::<String>(),
                last.device,
                last.jobs,
                last.threads,
                environments.len()
            );
            for (model, hash) in &last.weights {
                let hash: String = hash.chars().take(12).collect();
                text += &format!("- {}: weights {hash}...\n", model_title(model));
            }
        }
    }
    text
}

/// What could not be done.
pub(super) fn failures(runs: &[RunContents], survey: &[Heard]) -> String {
    let left_out = Survey::new(survey.iter().cloned()).left_out().into_iter();
    let left_out = left_out.map(|clip| format!("- {clip}\n"));
    let failed = runs.iter().flat_map(|run| &run.rows).filter(|row| row.is_failed());
    let failed = failed.map(|row| {
        let reason = row.reason.as_deref().unwrap_or("no reason was given");
        format!("- {}, {} on {}: {reason}\n", row.clip, row.attack, row.model)
    });
    let all: Vec<String> = left_out.chain(failed).collect();
    if all.is_empty() {
        return String::new();
    }
    let more = all.len().saturating_sub(TOLD);
    let more = if more > 0 { format!("- ... and {more} more\n") } else { String::new() };
    format!("\n### Failures\n\n{}{more}", all[..all.len().min(TOLD)].concat())
}

/// Why our numbers are not the paper's.
pub(super) fn differences(runs: &[RunContents]) -> String {
    let attacks = runs.iter().flat_map(|run| &run.configuration.attacks);
    let specs: Vec<AttackSpec> = attacks.filter_map(|attack| attack.spec().ok()).collect();
    let has = |id: AttackId| specs.iter().any(|spec| spec.id == id);
    let quick =
        |id: AttackId| specs.iter().any(|spec| spec.id == id && spec.preset == Preset::Quick);
    let partial = runs.iter().any(|run| run.rows.len() < run.plan.len());
    let data: BTreeSet<_> =
        runs.iter().filter_map(|run| run.environments.last()).map(|e| e.data.as_str()).collect();
    let data: Vec<_> = data.into_iter().map(|data| format!("\u{201c}{data}\u{201d}")).collect();
    let mut text = format!(
        "\n### What differs from the paper\n\nThe clips are those of {}, not necessarily \
         FSDKaggle2018, on which the paper's experiments are. The weights are those named above, \
         trained by us unless you named others, not the original authors', and dense-wav's layout \
         is ours.",
        data.join(" and ")
    );
    if runs.iter().any(|run| !run.configuration.verified_only) {
        text += " Labels that nobody verified count, too, where the data set has such.";
    }
    if runs.iter().any(|run| !run.configuration.attacks.is_empty()) {
        text += " How easily a model is fooled depends on how it was trained, above all on how \
                 sure it is of itself, so that SNRs of single models differ by some dB even where \
                 attacks are the same. Only clips that the model names rightly are attacked. SNR \
                 is, as in the paper, 10 log10(sum x\u{b2} / sum r\u{b2}) over the whole clip; r is \
                 what is left of the change after clipping to [-1, 1] and rounding to 32-bit \
                 floats, and the label is taken afresh from exactly these samples. The paper does \
                 not say which library its C&W and L-BFGS are; ours search for the smallest change \
                 in their own way (see `src/attacks/`). How much of a difference in SNR comes from \
                 the search and how much from the model, a comparison with the paper can't tell. We \
                 average over the clips of each model and then over the models.";
    }
    if has(AttackId::Deepfool) {
        text += " Where DeepFool's linear steps do not leave the label, a walk along the gradient \
                 goes on, so that it fails less often than the published attack; such rows say so.";
    }
    if quick(AttackId::Deepfool) {
        text += " With `quick` its result is scaled back to the boundary, which the published \
                 attack leaves out.";
    }
    let is_short = |spec: &AttackSpec| {
        let as_preset = spec.searches.is_none() && spec.iterations.is_none();
        as_preset && spec.preset == Preset::Quick
    };
    let searches = [AttackId::CarliniWagner, AttackId::Lbfgs];
    let searches =
        searches.into_iter().filter(|id| specs.iter().any(|s| s.id == *id && is_short(s)));
    let titles: Vec<&str> = searches.map(AttackId::title).collect();
    if !titles.is_empty() {
        text += &format!(
            " With `quick` {} is given 300 steps at most, libraries of the paper's time thousands.",
            titles.join(" or ")
        );
    }
    let goes_on = |run: &RunContents| {
        let attacks = run.configuration.attacks.iter().filter_map(|attack| attack.spec().ok());
        run.configuration.experiment == ExperimentKind::Untargeted
            && attacks.into_iter().any(|spec| spec.id == AttackId::CarliniWagner && is_short(&spec))
    };
    if runs.iter().any(goes_on) {
        text += " Where these do not leave a label, Carlini & Wagner takes up to 225 more.";
    }
    if partial {
        text += " Not all items are done yet, so that some cells rest on few clips.";
    }
    text + "\n"
}
