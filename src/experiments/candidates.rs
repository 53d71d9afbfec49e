//! The clips of a data set that an experiment may attack.

use std::path::{Path, PathBuf};

use super::configuration::{Configuration, Split};
use super::error::ExperimentError;
use crate::training::{DataSet, Part, Recording};

/// One clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its name: the path from the data set's folder on, with slashes, the same on every machine.
    pub name: String,
    /// Where it is on this machine.
    pub path: PathBuf,
    /// Its true label, as the data set spells it.
    pub label: String,
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// The data set's name.
    pub data: String,
    /// Its hash, which tells two versions apart.
    pub data_sha256: String,
    /// The chosen labels, in the order of the configuration.
    pub labels: Vec<String>,
    /// The clips of these labels, in the data set's order.
    pub clips: Vec<Candidate>,
}

impl Candidates {
    /// Reads the data set and takes the clips that the configuration is about.
    ///
    /// # Errors
    /// Where the data set can't be read, a label is unknown, or no clip is left.
    pub fn open(configuration: &Configuration) -> Result<Self, ExperimentError> {
        let data = DataSet::open(&configuration.data)?;
        let reason = |reason: String| ExperimentError::Configuration {
            path: configuration.data.clone(),
            reason,
        };
        let mut labels = Vec::new();
        for name in &configuration.chosen_labels() {
            let index = data
                .labels
                .find(name)
                .map_err(|unknown| reason(format!("the configuration's labels: {unknown}")))?;
            labels.push(data.labels.name(index).to_owned());
        }
        if labels.is_empty() {
            labels = data.labels.iter().map(str::to_owned).collect();
        }
        let part = match configuration.split {
            Split::Test => Some(Part::Test),
            Split::Train => Some(Part::Train),
            Split::All => None,
        };
        let wanted = |recording: &&Recording| {
            part.is_none_or(|part| recording.part == part)
                && (!configuration.verified_only || recording.verified)
        };
        let folder = configuration.data_folder();
        let candidate = |recording: &Recording| Candidate {
            name: name_below(folder, &recording.path),
            path: recording.path.clone(),
            label: data.labels.name(recording.label).to_owned(),
        };
        let clips: Vec<_> = data.recordings.iter().filter(wanted).map(candidate).collect();
        let clips: Vec<_> = clips.into_iter().filter(|clip| labels.contains(&clip.label)).collect();
        if clips.is_empty() {
            return Err(reason(format!(
                "the configuration's split: there is no clip of the split \u{201c}{}\u{201d} with these labels; a data \
                 set without splits is all \u{201c}train\u{201d}: choose the split \u{201c}all\u{201d} \
                 (on the command line --split all)",
                configuration.split.name()
            )));
        }
        let mut labels_of = std::collections::HashMap::new();
        for clip in &clips {
            if let Some(other) = labels_of.insert(clip.name.as_str(), &clip.label) {
                return Err(reason(format!(
                    "{} is listed twice, as {other} and as {}: take one of the lines out",
                    clip.name, clip.label
                )));
            }
        }
        let data_sha256 = data.sha256();
        Ok(Self { data: data.name, data_sha256, labels, clips })
    }
}

/// The path from `folder` on, with slashes; the whole path where it leads elsewhere.
fn name_below(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_wherever_the_data_set_lies() {
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(name_below(&path("/a/b"), &path("/a/b/Bark/1.flac")), "Bark/1.flac");
        assert_eq!(name_below(&path("data"), &path("data/x/y.wav")), "x/y.wav");
    }
}
