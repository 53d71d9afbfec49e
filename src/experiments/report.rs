//! A report on one or several runs: `report.md`, tables as CSV and LaTeX, figures as PNG and SVG.

use std::fs;
use std::path::{Path, PathBuf};

use super::attack_entry::AttackEntry;
use super::attack_line::attack_title;
use super::contents::RunContents;
use super::environment::Environment;
use super::error::ExperimentError;
use super::figures::spectrograms;
use super::folder::RunFolder;
use super::report_text;
use super::row::Row;
use super::tables::{Results, model_title};
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

/// What one or several runs have found so far.
///
/// # Errors
/// Where one can't be read.
pub fn results(folders: &[RunFolder]) -> Result<Results, ExperimentError> {
    of_runs(&read(folders)?)
}

fn read(folders: &[RunFolder]) -> Result<Vec<RunContents>, ExperimentError> {
    folders.iter().map(RunContents::read).collect()
}

/// Clips are told apart by their names, and models by theirs, so that runs on other data or of
/// other weights of the same name can't be one table.
fn check_same(runs: &[RunContents]) -> Result<(), ExperimentError> {
    let last = |run: &'_ RunContents| run.environments.last().cloned();
    let started: Vec<_> = runs.iter().filter_map(|run| Some((&run.folder, last(run)?))).collect();
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

fn of_runs(runs: &[RunContents]) -> Result<Results, ExperimentError> {
    check_same(runs)?;
    let mut results = Results::default();
    for RunContents { configuration, rows, survey, .. } in runs {
        results.add_run(configuration, rows.clone(), survey.clone());
    }
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
    let runs = read(folders)?;
    let results = of_runs(&runs)?;
    let examples = chosen(&runs, examples)?;
    fs::create_dir_all(out).map_err(ExperimentError::write(out))?;
    let mut written = Vec::new();
    let mut write = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        written.push(path.clone());
        files::replace(&path, bytes).map_err(ExperimentError::write(&path))
    };
    let stale = left_from_before(out);
    let mut text = report_text::head(&runs);
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
    for (number, (run, row)) in examples.into_iter().enumerate() {
        if number == 0 {
            text += "\n### Figure 3: clean and adversarial clips\n";
        }
        let figure = match spectrograms(&run.folder, &run.configuration, row) {
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
    text += &report_text::failures(&runs, &results.survey);
    text += &report_text::differences(&runs);
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
            matches!(stem, "table1" | "table2" | "table3")
                || of_attack(&["table4-", "table5-", "figure2-"])
        }
        "png" | "svg" => stem == "figure1" || of_attack(&["figure2-"]) || example(),
        _ => false,
    }
}

/// The rows of Figure 3.
fn chosen<'a>(
    runs: &'a [RunContents],
    examples: &Examples,
) -> Result<Vec<(&'a RunContents, &'a Row)>, ExperimentError> {
    let rows = || runs.iter().flat_map(|run| run.rows.iter().map(move |row| (run, row)));
    let ids = match examples {
        Examples::None => return Ok(Vec::new()),
        Examples::Of(ids) => ids,
        Examples::Some => return Ok(some_of(runs)),
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
fn some_of(runs: &[RunContents]) -> Vec<(&RunContents, &Row)> {
    let mut found: Vec<(&RunContents, &Row)> = Vec::new();
    let kept = |row: &Row| row.fooled() && row.kept.is_some();
    for run in runs {
        for attack in run.configuration.attacks.iter().rev().map(AttackEntry::title) {
            let of = run.rows.iter().filter(|row| kept(row) && row.attack == attack);
            for row in of {
                if found.iter().all(|(_, known)| known.model != row.model) {
                    found.push((run, row));
                }
            }
        }
    }
    found.truncate(EXAMPLES);
    found
}
