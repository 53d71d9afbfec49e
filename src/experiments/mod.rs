//! The paper's experiments on any labelled data set: unattended, resumable, on any number of
//! processes, with its tables and figures.
//!
//! A run is a folder. `experiment.toml` says what is to be computed, `survey.jsonl` what each model
//! makes of each clean clip (Table 1, and which clips are attacked), `plan.jsonl` lists the items,
//! `results.jsonl` has a row for each that is done, `environment.jsonl` says what it was computed
//! with, and `adversarial/` holds what was to be kept.
//!
//! The paper: V. Subramanian et al., "Adversarial attacks in sound event classification", arXiv
//! 1907.02477 (2019).

mod attack_entry;
mod attack_line;
mod candidates;
mod configuration;
mod contents;
mod environment;
mod error;
mod estimate;
mod figures;
mod folder;
mod journal;
mod kept;
mod machine;
mod merge;
mod pairs;
mod paper;
mod plan;
mod questions;
mod report;
mod report_text;
mod row;
mod run;
mod statistics;
mod survey;
mod table;
mod tables;
mod transfer;
mod work;

pub use attack_entry::AttackEntry;
pub use attack_line::{AttackLine, attack_title};
pub use candidates::{Candidate, Candidates};
pub use configuration::{
    CONFIGURATION_FILE, Configuration, ExperimentKind, Keep, MOST_CLIPS, Split, TARGETED_LABELS,
};
pub use contents::RunContents;
pub use environment::Environment;
pub use error::ExperimentError;
pub use estimate::{Estimate, duration_words};
pub use figures::spectrograms;
pub use folder::{Lock, RunFolder};
pub use kept::KeptPair;
pub use machine::{Contestant, Control, Machine};
pub use merge::{Conflict, Merged, merge};
pub use plan::{Item, Shard};
pub use report::{Examples, results, write_report};
pub use row::{Asked, FAILED, Row};
pub use run::{News, Run, Share};
pub use statistics::Mean;
pub use survey::{Heard, LeftOut, Survey};
pub use table::{Cell, Table, as_printed};
pub use tables::{Results, model_title};
pub use transfer::Transferred;
