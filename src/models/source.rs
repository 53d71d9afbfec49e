//! Which model is meant: one of the five by its name, or a weights file of people's own.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::classifier::ModelId;
use crate::names::UnknownName;

/// How a weights file's name ends.
pub const WEIGHTS_EXTENSION: &str = "safetensors";

/// Where a model comes from. What it is follows from the file: the architecture from its metadata,
/// the exact weights from its hash (both in [`super::ModelCard`]). Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelSource {
    /// The file of that name in the models' folders.
    Named(ModelId),
    /// A file of any name; its metadata says which of the five architectures it is.
    File(Arc<Path>),
}

impl ModelSource {
    /// The five models that the program knows by name.
    pub fn named() -> impl Iterator<Item = Self> {
        ModelId::ALL.into_iter().map(Self::Named)
    }

    /// What people type: one of the five names, or the path of a weights file.
    ///
    /// # Errors
    /// [`UnknownName`] where it is no name and does not look like a file.
    pub fn find(text: &str) -> Result<Self, UnknownName> {
        ModelId::find(text).map(Self::Named).or_else(|unknown| {
            let path = Path::new(text);
            let is_path = is_weights_file(path) || path.components().count() > 1 || path.is_file();
            if is_path { Ok(Self::File(path.into())) } else { Err(unknown) }
        })
    }

    /// The name for people: a file's without its ending.
    pub fn title(&self) -> String {
        match self {
            Self::Named(id) => id.title().to_owned(),
            Self::File(path) => {
                path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
            }
        }
    }

    /// The file, of a model that is not one of the five.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Named(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

impl From<ModelId> for ModelSource {
    fn from(id: ModelId) -> Self {
        Self::Named(id)
    }
}

/// What [`ModelSource::find`] finds again.
impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(id) => f.write_str(id.name()),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Whether a file's name ends as that of weights.
pub fn is_weights_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(WEIGHTS_EXTENSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_first_and_paths_are_told_from_mistyped_names() {
        assert_eq!(ModelSource::find("Dense Mel"), Ok(ModelSource::Named(ModelId::DenseMel)));
        for path in ["birds.safetensors", "birds.SAFETENSORS", "nets/vgg13", "./birds"] {
            assert_eq!(ModelSource::find(path), Ok(ModelSource::File(Path::new(path).into())));
        }
        let unknown = ModelSource::find("vgg14").unwrap_err();
        assert_eq!(unknown.suggestion.as_deref(), Some("vgg13"));
    }

    #[test]
    fn what_is_shown_is_found_again_and_titles_are_short() {
        let file = ModelSource::File(Path::new("nets/birds.of.kent.safetensors").into());
        for source in ModelSource::named().chain([file.clone()]) {
            assert_eq!(ModelSource::find(&source.to_string()), Ok(source));
        }
        assert_eq!(file.title(), "birds.of.kent");
        assert_eq!(ModelSource::Named(ModelId::Crnn).title(), "CRNN");
    }
}
