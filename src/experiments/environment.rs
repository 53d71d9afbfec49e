//! What a run was computed with: a line for each time that it was started.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::configuration::Configuration;
use super::plan::Shard;

/// One start of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// When, in seconds since 1970.
    pub started: u64,
    /// The program's version.
    pub version: String,
    /// The operating system and processor, such as `linux x86_64`.
    pub system: String,
    /// Where models computed.
    pub device: String,
    /// Items at a time.
    pub jobs: usize,
    /// Threads that compute one item.
    pub threads: usize,
    /// The data set's name.
    pub data: String,
    /// The data set's hash.
    pub data_sha256: String,
    /// SHA-256 of each model's weights.
    pub weights: BTreeMap<String, String>,
    /// The configuration, with the seed.
    pub configuration: Configuration,
    /// Which share of the items this process had.
    pub shard: Option<Shard>,
}

impl Environment {
    /// Now, in seconds since 1970.
    pub fn now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
    }

    /// The operating system and processor.
    pub fn system() -> String {
        format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
    }

    /// What is not as it was at another start and changes what rows mean; empty where nothing is.
    pub fn changes_since(&self, earlier: &Self) -> Vec<String> {
        let mut changes: Vec<_> = earlier
            .configuration
            .differences(&self.configuration)
            .into_iter()
            .map(|key| format!("{key} in the configuration"))
            .collect();
        if self.version != earlier.version {
            let (then, now) = (&earlier.version, &self.version);
            changes.push(format!("the program ({then} then, {now} now)"));
        }
        changes.extend(self.other_data_or_weights(earlier));
        changes
    }

    /// The hash of a model's weights; nothing of a model that was not there.
    pub fn weights_of(&self, model: &str) -> Option<&str> {
        self.weights.get(model).map(String::as_str)
    }

    /// Which of the data set and of the weights of models that both have differ.
    pub fn other_data_or_weights(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        if self.data_sha256 != other.data_sha256 {
            differences.push("the data set".to_owned());
        }
        for (model, hash) in &self.weights {
            if other.weights.get(model).is_some_and(|other| other != hash) {
                differences.push(format!("the weights of {model}"));
            }
        }
        differences
    }
}
