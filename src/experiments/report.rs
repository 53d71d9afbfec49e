//! A report on one or several runs: `report.md`, tables as CSV and LaTeX, figures as PNG and SVG.

use std::fs;
use std::path::{Path, PathBuf};

use super::attack_line::attack_title;
use super::configuration::{Configuration, ExperimentKind};
use super::environment::Environment;
use super::error::ExperimentError;
use super::figures::spectrograms;
use super::folder::RunFolder;
use super::plan::Item;
use super::row::Row;
use super::survey::{Heard, Survey};
use super::tables::{Results, model_title};
use crate::attacks::{AttackId, AttackSpec, Preset};
use crate::files;

/// Examples of Figure 3 where nobody chose any.
const EXAMPLES: usize = 3;

/// Whose spectrograms Figure 3 shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Examples {
    /// Some of those whose clips were kept, one a model.
    #[default]
    Some,
    /// Those of the rows with these ids.
    Of(Vec<String>),
    /// Nobody's: not every recording may be shown.
    None,
}

/// How many failures are told one by one.
const TOLD: usize = 20;

/// A run as a report reads it.
struct Source {
    folder: RunFolder,
    configuration: Configuration,
    environments: Vec<Environment>,
    rows: Vec<Row>,
    plan: Vec<Item>,
}

/// Adds what a run found.
fn add(results: &mut Results, source: &Source) -> Result<(), ExperimentError> {
    let configuration = &source.configuration;
    let models: Vec<String> =
        source.environments.iter().flat_map(|e| e.weights.keys()).cloned().collect();
    let ordered: Vec<String> = configuration
        .models
        .iter()
        .map(|name| {
            Path::new(name).file_stem().map_or(name.clone(), |s| s.to_string_lossy().into())
        })
        .chain(models.iter().cloned())
        .filter(|name| models.contains(name))
        .collect();
    let mut unique: Vec<String> = Vec::new();
    ordered.into_iter().for_each(|name| {
        if !unique.contains(&name) {
            unique.push(name);
        }
    });
    results.aimed.extend(configuration.aimed());
    let mut survey = source.folder.survey()?;
    if let Some(last) = source.environments.last() {
        // What other weights said before is in no row.
        survey.retain(|heard| {
            last.weights_of(&heard.model).is_some_and(|hash| hash.starts_with(&heard.weights))
        });
    }
    results.add(source.rows.clone(), survey, &unique, &configuration.attacks);
    Ok(())
}

fn sources(folders: &[RunFolder]) -> Result<Vec<Source>, ExperimentError> {
    let source = |folder: &RunFolder| {
        if !folder.has_configuration() {
            let path = folder.path().display();
            return Err(ExperimentError::Nothing(format!(
                "{path} is no run's folder: it has no experiment.toml"
            )));
        }
        let plan = folder.plan()?;
        Ok(Source {
            rows: folder.rows_of(&plan)?,
            configuration: folder.configuration()?,
            environments: folder.environments()?,
            folder: folder.clone(),
            plan,
        })
    };
    folders.iter().map(source).collect()
}

/// What one or several runs have found so far.
///
/// # Errors
/// Where one can't be read.
pub fn results(folders: &[RunFolder]) -> Result<Results, ExperimentError> {
    of_sources(&sources(folders)?)
}

/// Clips are told apart by their names, and models by theirs, so that runs on other data or of
/// other weights of the same name can't be one table.
fn check_same(sources: &[Source]) -> Result<(), ExperimentError> {
    let last = |source: &'_ Source| source.environments.last().cloned();
    let started: Vec<_> = sources.iter().filter_map(|s| Some((&s.folder, last(s)?))).collect();
    for (place, (folder, one)) in started.iter().enumerate() {
        for (earlier, other) in &started[..place] {
            let mut differs = one.other_data_or_weights(other);
            let recordings = |start: &Environment| {
                (start.configuration.split, start.configuration.verified_only)
            };
            if recordings(one) != recordings(other) {
                differs.push("the chosen recordings (split, verified_only)".to_owned());
            }
            if !differs.is_empty() {
                return Err(ExperimentError::Changed {
                    path: folder.path().to_owned(),
                    reason: format!(
                        "{} differ from those of {}: report these runs one by one, with --out for \
                         each",
                        differs.join(" and "),
                        earlier.path().display()
                    ),
                });
            }
        }
    }
    Ok(())
}

fn of_sources(sources: &[Source]) -> Result<Results, ExperimentError> {
    check_same(sources)?;
    let seed = sources.first().map_or(0, |source| source.configuration.seed);
    let mut results = Results { seed, ..Results::default() };
    sources.iter().try_for_each(|source| add(&mut results, source))?;
    Ok(results)
}

/// Writes the report into a folder, which is made. Gives the files.
///
/// # Errors
/// Where a run can't be read, an example is unknown or was not kept, or a file can't be written.
pub fn write_report(
    folders: &[RunFolder],
    out: &Path,
    examples: &Examples,
) -> Result<Vec<PathBuf>, ExperimentError> {
    let sources = sources(folders)?;
    let results = of_sources(&sources)?;
    let examples = chosen(&sources, examples)?;
    fs::create_dir_all(out).map_err(ExperimentError::write(out))?;
    let mut written = Vec::new();
    let mut write = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        written.push(path.clone());
        files::replace(&path, bytes).map_err(ExperimentError::write(&path))
    };
    let stale = left_from_before(out);
    let mut text = head(&sources);
    if results.doubles > 0 {
        text += &format!(
            "\n{} items were done in more than one of these runs, with the same options on the \
             same clips: each counts once.",
            results.doubles
        );
        if results.differing > 0 {
            text += &format!(
                " {} of them with another seed or another revision of the attack; the first run's \
                 count.",
                results.differing
            );
        }
        text += "\n";
    }
    for table in results.tables() {
        write(&format!("{}.csv", table.name), &table.to_csv())?;
        write(&format!("{}.tex", table.name), table.to_latex().as_bytes())?;
        text += &format!("\n{}", table.to_markdown());
    }
    let mut figures = Vec::new();
    if let Some(histograms) = results.histograms() {
        for ending in ["png", "svg"] {
            let path = out.join(format!("figure1.{ending}"));
            histograms.write(&path)?;
            figures.push(path);
        }
        text += "\n### Figure 1: labels of adversarial clips\n\n![Histograms](figure1.png)\n";
    }
    for attack in results.attacks_of(true) {
        let all = [None].into_iter().chain(results.models.iter().map(Some));
        for model in all {
            let Some(matrices) = results.matrices(attack, model.map(String::as_str)) else {
                continue;
            };
            let suffix = model.map(|model| format!("-{model}")).unwrap_or_default();
            let name = format!("figure2-{}{suffix}", attack.key);
            let endings: &[&str] = if model.is_none() { &["png", "svg"] } else { &["svg"] };
            for ending in endings {
                let path = out.join(format!("{name}.{ending}"));
                matrices.write(&path)?;
                figures.push(path);
            }
            match model {
                None => {
                    let title = &attack.title;
                    text += &format!(
                        "\n### Figure 2: {title}, targeted\n\n![Matrices]({})\n\nThe items of all \
                         models together. Each model alone:",
                        link(&format!("{name}.png"))
                    );
                }
                Some(model) => {
                    let file = link(&format!("{name}.svg"));
                    text += &format!(" [{}]({file})", model_title(model));
                }
            }
        }
        text += "\n";
    }
    for (number, (source, row)) in examples.into_iter().enumerate() {
        if number == 0 {
            text += "\n### Figure 3: clean and adversarial clips\n";
        }
        let figure = match spectrograms(&source.folder, &source.configuration, row) {
            Ok(Some(figure)) => figure,
            Ok(None) => continue,
            Err(error) => {
                text += &format!("\n{} could not be drawn: {error}\n", row.clip);
                continue;
            }
        };
        for ending in ["png", "svg"] {
            let path = out.join(format!("figure3-{}.{ending}", number + 1));
            figure.write(&path)?;
            figures.push(path);
        }
        let (clip, model) = (&row.clip, model_title(&row.model));
        let (attack, n) = (attack_title(&row.attack), number + 1);
        text += &format!("\n![{attack} on {model}](figure3-{n}.png)\n\n{clip}\n");
    }
    text += &failures(&sources, &results.survey);
    text += &differences(&sources);
    write("report.md", text.as_bytes())?;
    written.extend(figures);
    for old in stale.iter().filter(|old| !written.contains(old)) {
        // A table of an earlier report is none of this one.
        fs::remove_file(old).map_err(ExperimentError::write(old))?;
    }
    Ok(written)
}

/// The tables and figures of an earlier report in this folder; none where there was no report.
fn left_from_before(out: &Path) -> Vec<PathBuf> {
    if !out.join("report.md").is_file() {
        return Vec::new();
    }
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(is_name_of_a_report)
    };
    entries.map(|entry| entry.path()).filter(is_ours).collect()
}

/// A file as the target of a link in Markdown.
fn link(name: &str) -> String {
    if name.contains(' ') { format!("<{name}>") } else { name.to_owned() }
}

/// Whether a report gives files such names: `table4-lbfgs.csv`, `figure1.png`, `figure3-2.svg`.
fn is_name_of_a_report(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let of_attack = |words: &[&str]| words.iter().any(|word| stem.starts_with(word));
    let example = || stem.strip_prefix("figure3-").is_some_and(|n| n.parse::<usize>().is_ok());
    match ending {
        "csv" | "tex" => {
            matches!(stem, "table1" | "table2" | "table3") || of_attack(&["table4-", "table5-"])
        }
        "png" | "svg" => stem == "figure1" || of_attack(&["figure2-"]) || example(),
        _ => false,
    }
}

/// The rows of Figure 3.
fn chosen<'a>(
    sources: &'a [Source],
    examples: &Examples,
) -> Result<Vec<(&'a Source, &'a Row)>, ExperimentError> {
    let rows =
        || sources.iter().flat_map(|source| source.rows.iter().map(move |row| (source, row)));
    let ids = match examples {
        Examples::None => return Ok(Vec::new()),
        Examples::Of(ids) => ids,
        Examples::Some => return Ok(some_of(sources)),
    };
    let find = |id: &String| {
        let row = rows().find(|(_, row)| row.id == *id).ok_or_else(|| {
            ExperimentError::Nothing(format!("there is no row {id} to make a figure of"))
        })?;
        if row.1.kept.is_some() {
            Ok(row)
        } else {
            Err(ExperimentError::Nothing(format!(
                "the adversarial clip of {id} was not kept (keep = \"wav\"), so that there is no \
                 figure of it"
            )))
        }
    };
    ids.iter().map(find).collect()
}

/// Of the last attack, which is the strongest, the first kept success on each model.
fn some_of(sources: &[Source]) -> Vec<(&Source, &Row)> {
    let mut found: Vec<(&Source, &Row)> = Vec::new();
    let kept = |row: &Row| row.fooled() && row.kept.is_some();
    for source in sources {
        let last = source.configuration.attacks.iter().rev();
        let last = last.map(super::attack_entry::AttackEntry::title);
        for attack in last {
            let of = source.rows.iter().filter(|row| kept(row) && row.attack == attack);
            for row in of {
                if found.iter().all(|(_, known)| known.model != row.model) {
                    found.push((source, row));
                }
            }
        }
    }
    found.truncate(EXAMPLES);
    found
}

/// What was computed, how far, and with what.
fn head(sources: &[Source]) -> String {
    let mut text = format!(
        "# Adversarial attacks in sound event classification: our numbers beside the paper's\n\n\
         Written by mondegreen {}. The paper is V. Subramanian et al., arXiv 1907.02477. In each \
         cell: mean, 95 % bootstrap interval over clips, number of different clips behind it, and \
         the paper's number where we know it. Where all clips agree (0 or 100 %), the interval is \
         empty, for a bootstrap can't see what never happened: of n clips, up to 3/n of all others \
         may still differ.\n",
        crate::VERSION
    );
    for source in sources {
        let Source { configuration, environments, rows, plan, .. } = source;
        let kind = configuration.experiment.name();
        let (done, all) = (rows.len(), plan.len());
        let failed = rows.iter().filter(|row| row.is_failed()).count();
        text += &if configuration.experiment == ExperimentKind::Accuracy {
            format!("\n**{kind}**: clean clips only, see Table 1.")
        } else {
            format!("\n**{kind}**: {done} of {all} items are done, {failed} of them failed.")
        };
        if let Some(shards) = source.folder.unmerged_shards().filter(|_| done < all) {
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
fn failures(sources: &[Source], survey: &[Heard]) -> String {
    let left_out = Survey::new(survey.iter().cloned()).left_out().into_iter();
    let left_out = left_out.map(|clip| format!("- {clip}\n"));
    let failed = sources.iter().flat_map(|source| &source.rows).filter(|row| row.is_failed());
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
fn differences(sources: &[Source]) -> String {
    let attacks = sources.iter().flat_map(|source| &source.configuration.attacks);
    let specs: Vec<AttackSpec> = attacks.filter_map(|attack| attack.spec().ok()).collect();
    let has = |id: AttackId| specs.iter().any(|spec| spec.id == id);
    let quick =
        |id: AttackId| specs.iter().any(|spec| spec.id == id && spec.preset == Preset::Quick);
    let partial = sources.iter().any(|source| source.rows.len() < source.plan.len());
    let data: std::collections::BTreeSet<_> =
        sources.iter().filter_map(|s| s.environments.last()).map(|e| e.data.as_str()).collect();
    let data: Vec<_> = data.into_iter().map(|data| format!("\u{201c}{data}\u{201d}")).collect();
    let mut text = format!(
        "\n### What differs from the paper\n\nThe clips are those of {}, not necessarily \
         FSDKaggle2018, on which the paper's experiments are. The weights are those named above, \
         trained by us unless you named others, not the original authors', and dense-wav's layout \
         is ours.",
        data.join(" and ")
    );
    if sources.iter().any(|source| !source.configuration.verified_only) {
        text += " Labels that nobody verified count, too, where the data set has such.";
    }
    if sources.iter().any(|source| !source.configuration.attacks.is_empty()) {
        text += " How easily a model is fooled depends on how it was trained, above all on how \
                 sure it is of itself, so that SNRs of single models differ by some dB even where \
                 attacks are the same. Only clips that the model names rightly are attacked. SNR \
                 is 10 log10(sum x\u{b2} / sum r\u{b2}) over the whole clip, after clipping to \
                 [-1, 1] and rounding to 32-bit floats, as in the paper, and the label is taken \
                 afresh from exactly these samples. The paper does not say which library its C&W \
                 and L-BFGS are; ours search for the smallest change in their own way (see \
                 `src/attacks/`). How much of a difference in SNR comes from the search and how much \
                 from the model, a comparison with the paper can't tell. We average over the clips \
                 of each model and then over the models.";
    }
    if has(AttackId::Deepfool) {
        text += " Where DeepFool's linear steps do not leave the label, a walk along the gradient \
                 goes on, so that it fails less often than the published attack; such rows say so.";
    }
    if quick(AttackId::Deepfool) {
        text += " With `quick` its result is scaled back to the boundary, which the published \
                 attack leaves out.";
    }
    let three_hundred = |spec: &AttackSpec| {
        let searches = matches!(spec.id, AttackId::CarliniWagner | AttackId::Lbfgs);
        let as_preset = spec.searches.is_none() && spec.iterations.is_none();
        searches && as_preset && spec.preset == Preset::Quick
    };
    if specs.iter().any(three_hundred) {
        text += " With `quick` Carlini & Wagner and L-BFGS take 300 steps at most, libraries of \
                 the paper's time thousands; where these do not leave a label, Carlini & Wagner takes \
                 up to 225 more.";
    }
    if partial {
        text += " Not all items are done yet, so that some cells rest on few clips.";
    }
    text + "\n"
}
