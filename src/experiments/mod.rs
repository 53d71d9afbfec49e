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
mod candidates;
mod configuration;
mod environment;
mod error;
mod estimate;
mod folder;
mod journal;
mod machine;
mod merge;
mod plan;
mod row;
mod run;
mod survey;
mod transfer;
mod work;

pub use attack_entry::AttackEntry;
pub use candidates::{Candidate, Candidates};
pub use configuration::{
    CONFIGURATION_FILE, Configuration, ExperimentKind, Keep, Split, TARGETED_LABELS,
};
pub use environment::Environment;
pub use error::ExperimentError;
pub use estimate::{Estimate, duration_words};
pub use folder::{Lock, RunFolder};
pub use machine::{Contestant, Control, Machine};
pub use merge::{Merged, merge};
pub use plan::{Item, Shard};
pub use row::{Asked, FAILED, Row};
pub use run::{News, Run, Share};
pub use survey::{Heard, Survey};
pub use transfer::Transferred;
