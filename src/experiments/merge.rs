//! Joining the folders of several processes.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use super::configuration::ExperimentKind;
use super::error::ExperimentError;
use super::folder::{KEPT, RunFolder};
use super::journal::{Journal, read_journal, replace_journal};
use super::plan::Item;
use super::row::{Row, of_items};
use super::survey::{Heard, Survey};
use crate::files;

/// What came of joining folders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// Rows that the new folder has.
    pub rows: usize,
    /// What it holds of models' answers on clean clips.
    pub answers: usize,
    /// Items that more than one folder had done, conflicts among them.
    pub overlaps: usize,
    /// Items that folders disagree on: the row of the first is taken.
    pub conflicts: Vec<Conflict>,
    /// Items of the plan that no folder has done.
    pub gaps: Vec<Item>,
    /// Items that failed wherever they were tried.
    pub failed: usize,
    /// Items that are in some folders' plans and not in others': a clip can't be read everywhere,
    /// or a plan was not copied whole. They count as items of the run.
    pub disputed: usize,
    /// Rows of no item of any plan, or of another clip, options or weights: not taken.
    pub strangers: usize,
    /// Folders in which nothing was begun yet: a process waits there, or was refused.
    pub idle: Vec<PathBuf>,
    /// Rows whose adversarial clip should have been kept and is not there: taken without it.
    pub lost: Vec<String>,
}

/// An item that two folders have other results of.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The item.
    pub id: String,
    /// The folders, the one whose row was taken first.
    pub folders: [PathBuf; 2],
}

/// Joins folders of one run into another folder, which may hold rows already; nothing is taken from
/// the folders. Doing it twice changes nothing.
///
/// # Errors
/// Where a folder can't be read or written, or they are of different experiments, data sets or
/// weights.
pub fn merge(into: &RunFolder, from: &[RunFolder]) -> Result<Merged, ExperimentError> {
    let Some(first) = from.first() else {
        return Err(ExperimentError::Nothing("name the folders that are to be joined".to_owned()));
    };
    let start = |folder: &RunFolder| {
        folder.environments()?.pop().ok_or_else(|| {
            let path = folder.path().display();
            ExperimentError::Nothing(format!(
                "{path} is no run's folder: nothing was started there"
            ))
        })
    };
    let mut idle = Vec::new();
    let mut sources = Vec::new();
    for folder in from {
        if folder.was_opened() && !folder.has_own_rows() && folder.environments()?.is_empty() {
            idle.push(folder.path().to_owned());
        } else {
            sources.push(folder.clone());
        }
    }
    let first = sources.first().unwrap_or(first).clone();
    let reference = start(&first)?;
    // What was planned there before shares were computed says nothing of them.
    let is_accuracy = reference.configuration.experiment == ExperimentKind::Accuracy;
    let was_computed = into.has_own_rows() || is_accuracy && !into.environments()?.is_empty();
    if was_computed && !sources.contains(into) {
        sources.insert(0, into.clone());
    }
    let _lock = into.lock()?;
    for folder in &sources {
        let changes = start(folder)?.changes_since(&reference);
        if !changes.is_empty() {
            return Err(ExperimentError::Changed {
                path: folder.path().to_owned(),
                reason: format!(
                    "it is not of the same run as {}: {} differs",
                    first.path().display(),
                    changes.join(", ")
                ),
            });
        }
    }
    if !sources.contains(into) && into.has_configuration() {
        let changes = into.configuration()?.differences(&reference.configuration);
        if !changes.is_empty() {
            return Err(ExperimentError::Changed {
                path: into.path().to_owned(),
                reason: format!(
                    "something else was planned there than in {}: {} differs. Put that back, or \
                     join into another folder",
                    first.path().display(),
                    changes.join(", ")
                ),
            });
        }
    }
    let (plan, disputed) = joined_plan(&sources)?;
    let items: HashMap<&str, &Item> = plan.iter().map(|item| (item.id.as_str(), item)).collect();
    let mut merged = Merged { disputed, idle, ..Merged::default() };
    // Items that the given folders have done.
    let mut given = HashSet::new();
    let mut found: HashMap<String, (Row, RunFolder)> = HashMap::new();
    for folder in &sources {
        let rows: Vec<Row> = read_journal(&folder.rows_file())?;
        if folder != into {
            let is_strange = |row: &&Row| !items.get(&*row.id).is_some_and(|item| row.fits(item));
            let strange: HashSet<_> =
                rows.iter().filter(is_strange).map(|row| (&row.id, &row.work)).collect();
            merged.strangers += strange.len();
        }
        for row in of_items(rows, &plan) {
            // What was merged before is there by right.
            if folder != into && !row.is_failed() && !given.insert(row.id.clone()) {
                merged.overlaps += 1;
            }
            match found.get_mut(&row.id) {
                Some((known, whose)) if !known.is_failed() => {
                    if row.is_failed() {
                        continue;
                    }
                    if !known.agrees_with(&row) {
                        let folders = [&*whose, folder].map(|one| one.path().to_owned());
                        merged.conflicts.push(Conflict { id: row.id, folders });
                        continue;
                    }
                    // Of two that agree, whatever either has more.
                    let answers = known.transfer.take().or_else(|| row.transfer.clone());
                    let measures = known.measures.take().or_else(|| row.measures.clone());
                    let unasked = known.unasked.take().filter(|_| answers.is_none());
                    if !has_kept(whose, known) && has_kept(folder, &row) {
                        (*known, *whose) = (row, folder.clone());
                    }
                    (known.transfer, known.measures) = (answers, measures);
                    known.unasked = unasked;
                }
                _ => {
                    found.insert(row.id.clone(), (row, folder.clone()));
                }
            }
        }
    }
    for (row, folder) in found.values_mut() {
        if row.kept.is_some() && !has_kept(folder, row) {
            row.kept = None;
            merged.lost.push(row.id.clone());
        }
    }
    merged.lost.sort_unstable();
    copy(into, &sources, &plan, &found)?;
    merged.answers = into.survey()?.len();
    merged.rows = found.len();
    merged.failed = found.values().filter(|(row, _)| row.is_failed()).count();
    merged.gaps = plan.into_iter().filter(|item| !found.contains_key(&item.id)).collect();
    Ok(merged)
}

/// Whether a row's adversarial clip lies in its folder.
fn has_kept(folder: &RunFolder, row: &Row) -> bool {
    row.kept.as_ref().is_some_and(|kept| folder.path().join(kept).is_file())
}

/// All items of the folders' plans, and how many of them are not in all plans. The longest plan
/// comes first, whatever the order of the folders.
fn joined_plan(folders: &[RunFolder]) -> Result<(Vec<Item>, usize), ExperimentError> {
    let mut plans = Vec::new();
    for folder in folders {
        let plan = folder.plan()?;
        if !plan.is_empty() {
            plans.push(plan);
        }
    }
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.len()));
    let mut known: HashMap<String, (usize, usize)> = HashMap::new();
    let mut joined: Vec<Item> = Vec::new();
    for item in plans.iter().flatten() {
        let (place, times) = known.entry(item.id.clone()).or_insert((joined.len(), 0));
        *times += 1;
        match joined.get_mut(*place) {
            None => joined.push(item.clone()),
            // A later revision of the attack, which knows what to make of the earlier one's rows.
            Some(there) if item.same_finds.contains(&there.work) => there.clone_from(item),
            Some(_) => {}
        }
    }
    let disputed = known.values().filter(|&&(_, times)| times < plans.len()).count();
    Ok((joined, disputed))
}

/// Writes all that a run's folder holds; rows in the plan's order, those already there not again.
fn copy(
    into: &RunFolder,
    sources: &[RunFolder],
    plan: &[Item],
    found: &HashMap<String, (Row, RunFolder)>,
) -> Result<(), ExperimentError> {
    let Some(first) = sources.iter().find(|folder| *folder != into) else { return Ok(()) };
    if !sources.contains(into) {
        // It has no rows, only what was planned there, maybe with other weights. Shares hold all
        // that there is to say of theirs.
        if !into.has_configuration() {
            first.configuration()?.write(into.path())?;
        }
        replace_journal::<Heard>(&into.survey_file(), &[])?;
    }
    into.write_plan(plan)?;
    let (mut survey, known) = Journal::open(&into.survey_file())?;
    let mut known = Survey::new(known);
    let (mut starts, mut known_starts) = Journal::open(&into.environment_file())?;
    for folder in sources.iter().filter(|folder| *folder != into) {
        for heard in folder.survey()? {
            // What one machine can't read another may.
            let before = known.get(&heard.clip, &heard.model, &heard.weights);
            if before.is_none_or(|before| before.heard.is_none() && heard.heard.is_some()) {
                survey.append(&heard)?;
                known.push(heard);
            }
        }
        for start in folder.environments()? {
            if !known_starts.contains(&start) {
                starts.append(&start)?;
                known_starts.push(start);
            }
        }
    }
    let (mut rows, _) = Journal::<Row>::open(&into.rows_file())?;
    let there = of_items(read_journal(&into.rows_file())?, plan).into_iter();
    let there: HashMap<String, Row> = there.map(|row| (row.id.clone(), row)).collect();
    for item in plan {
        let Some((row, folder)) = found.get(&item.id) else { continue };
        let known = there.get(&item.id).is_some_and(|old| old == row);
        if let Some(name) = &row.kept {
            let (source, copy) = (folder.path().join(name), into.path().join(name));
            if source != copy && !(known && copy.is_file()) && source.is_file() {
                let kept = into.path().join(KEPT);
                fs::create_dir_all(&kept).map_err(ExperimentError::write(&kept))?;
                let bytes = fs::read(&source).map_err(ExperimentError::read(&source))?;
                files::replace(&copy, &bytes).map_err(ExperimentError::write(&copy))?;
            }
        }
        if !known {
            rows.append(row)?;
        }
    }
    into.log(&format!("merged {} folders", sources.len()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_revisions_of_an_attack_the_later_one_is_planned_in_any_order() {
        let item = |work: &str, same_finds: &[&str]| Item {
            work: work.to_owned(),
            same_finds: same_finds.iter().map(|&work| work.to_owned()).collect(),
            ..Item::example()
        };
        let (earlier, later) = (item("earlier", &[]), item("later", &["earlier"]));
        let folder = |item: &Item| {
            let path = tempfile::tempdir().unwrap();
            RunFolder::new(path.path()).write_plan(std::slice::from_ref(item)).unwrap();
            path
        };
        let paths = [folder(&earlier), folder(&later)];
        let [earlier, other] = [&paths[0], &paths[1]].map(|path| RunFolder::new(path.path()));
        for folders in [[earlier.clone(), other.clone()], [other, earlier]] {
            assert_eq!(joined_plan(&folders).unwrap(), (vec![later.clone()], 0));
        }
    }
}
