//! The models that can be chosen: the five, and files that people opened.

use std::path::{Path, PathBuf};

use crate::engine::CommandId;
use crate::models::{ModelCard, ModelId, ModelSource};

/// A model as far as the window knows it.
pub struct KnownModel {
    /// Which one.
    pub source: ModelSource,
    /// The command that loads it, while it does.
    pub loading: Option<CommandId>,
    /// Its card, once loaded.
    pub card: Option<ModelCard>,
    /// Why it could not be loaded.
    pub problem: Option<String>,
    /// Whether people have just opened its file: it is chosen as soon as it is loaded.
    opened: bool,
    /// Whether it is a file that nobody knows yet to be a model.
    new: bool,
    /// SHA-256 of the weights that were loaded last, on whatever device.
    hash: Option<String>,
}

impl KnownModel {
    fn new(source: ModelSource) -> Self {
        Self {
            source,
            loading: None,
            card: None,
            problem: None,
            opened: false,
            new: false,
            hash: None,
        }
    }

    /// Whether it can be attacked: its labels are known and not about to change.
    pub fn is_ready(&self) -> bool {
        self.card.is_some() && self.loading.is_none()
    }

    /// Whether nobody has tried to load it yet.
    pub fn is_untouched(&self) -> bool {
        self.loading.is_none() && self.card.is_none() && self.problem.is_none()
    }
}

/// What came of loading a model.
#[derive(Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It is ready; nothing else changed.
    Ready,
    /// Its weights are others than before.
    Changed,
    /// It can't be had, and people are waiting for it.
    Missed,
    /// It can't be had, which is told where it is chosen.
    Quietly,
}

/// All models that can be chosen, of which one is.
pub struct Models {
    all: Vec<KnownModel>,
    chosen: ModelSource,
}

impl Models {
    /// The five, and files of earlier sessions; the model that was chosen then is chosen.
    pub fn new(files: &[PathBuf], chosen: &str) -> Self {
        let files = files.iter().map(|path| ModelSource::File(path.as_path().into()));
        let all: Vec<_> = ModelSource::named().chain(files).map(KnownModel::new).collect();
        let chosen = all.iter().map(|model| &model.source).find(|s| s.to_string() == chosen);
        let chosen = chosen.cloned().unwrap_or(ModelId::Vgg13.into());
        Self { all, chosen }
    }

    /// All, the five first.
    pub fn iter(&self) -> impl Iterator<Item = &KnownModel> {
        self.all.iter()
    }

    /// The model that is chosen.
    pub fn chosen(&self) -> &ModelSource {
        &self.chosen
    }

    /// What is known of the model that is chosen.
    pub fn current(&self) -> Option<&KnownModel> {
        self.get(&self.chosen)
    }

    /// What is known of a model.
    pub fn get(&self, source: &ModelSource) -> Option<&KnownModel> {
        self.all.iter().find(|model| model.source == *source)
    }

    fn get_mut(&mut self, source: &ModelSource) -> Option<&mut KnownModel> {
        self.all.iter_mut().find(|model| model.source == *source)
    }

    /// Chooses a model, if it is there.
    pub fn choose(&mut self, source: &ModelSource) {
        if self.get(source).is_some() {
            self.chosen = source.clone();
        }
    }

    /// A model's name for people; with its folder's where another file is called the same.
    pub fn title(&self, source: &ModelSource) -> String {
        let title = source.title();
        let same = self.all.iter().filter(|model| model.source.title() == title).count();
        let folder = source.path().and_then(Path::parent).and_then(Path::file_name);
        match folder {
            Some(folder) if same > 1 => format!("{title} ({})", folder.to_string_lossy()),
            _ => title,
        }
    }

    /// A model is being loaded by a command.
    pub fn loads(&mut self, source: &ModelSource, command: CommandId) {
        if let Some(model) = self.get_mut(source) {
            model.loading = Some(command);
            model.problem = None;
        }
    }

    /// People opened a weights file, which a command loads.
    pub fn open(&mut self, source: &ModelSource, command: CommandId) {
        if self.get(source).is_none() {
            self.all.push(KnownModel { new: true, ..KnownModel::new(source.clone()) });
        }
        self.loads(source, command);
        if let Some(model) = self.get_mut(source) {
            model.opened = true;
        }
    }

    /// Forgets a file that people opened.
    pub fn close(&mut self, source: &ModelSource) {
        self.all.retain(|model| model.source != *source || source.path().is_none());
        if self.get(&self.chosen).is_none() {
            self.chosen = ModelId::Vgg13.into();
        }
    }

    /// A command has loaded a model.
    pub fn loaded(&mut self, source: &ModelSource, card: ModelCard) -> Loaded {
        let Some(model) = self.get_mut(source) else { return Loaded::Ready };
        let changed = model.hash.as_ref().is_some_and(|hash| *hash != card.weights_sha256);
        model.hash = Some(card.weights_sha256.clone());
        model.card = Some(card);
        (model.loading, model.problem, model.new) = (None, None, false);
        if std::mem::take(&mut model.opened) {
            self.chosen = source.clone();
        }
        if changed { Loaded::Changed } else { Loaded::Ready }
    }

    /// A command could not load a model. What an earlier command than the last says counts no more.
    pub fn not_loaded(
        &mut self,
        source: &ModelSource,
        command: CommandId,
        reason: String,
    ) -> Loaded {
        let chosen = *source == self.chosen;
        let model = self.get_mut(source).filter(|model| model.loading == Some(command));
        let Some(model) = model else { return Loaded::Quietly };
        model.loading = None;
        let opened = std::mem::take(&mut model.opened);
        if model.new {
            // A file that never was a model leaves no trace but the notice.
            self.close(source);
        } else if model.card.is_none() {
            model.problem = Some(reason);
        }
        if opened || chosen { Loaded::Missed } else { Loaded::Quietly }
    }

    /// All are to be loaded again, those that failed too.
    pub fn unload(&mut self) {
        for model in &mut self.all {
            (model.loading, model.card, model.problem) = (None, None, None);
        }
    }

    /// The files that people opened and that are models.
    pub fn files(&self) -> Vec<PathBuf> {
        let models = self.all.iter().filter(|model| !model.new);
        models.filter_map(|model| model.source.path()).map(Path::to_path_buf).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Labels;

    fn card(hash: &str) -> ModelCard {
        let labels = Labels::new(["Robin", "Wren"].map(str::to_owned));
        ModelCard { weights_sha256: hash.to_owned(), ..ModelCard::new(ModelId::Gcnn, labels) }
    }

    fn file(path: &str) -> ModelSource {
        ModelSource::File(Path::new(path).into())
    }

    #[test]
    fn an_opened_file_is_chosen_once_it_is_loaded_and_told_when_it_changes() {
        let mut models = Models::new(&[], "crnn");
        assert_eq!(*models.chosen(), ModelId::Crnn.into());
        let birds = file("a/birds.safetensors");
        models.open(&birds, CommandId(7));
        assert_eq!(*models.chosen(), ModelId::Crnn.into());
        assert!(models.files().is_empty(), "nobody knows yet whether it is a model");
        assert_eq!(models.loaded(&birds, card("one")), Loaded::Ready);
        assert_eq!(*models.chosen(), birds);
        assert_eq!(models.files(), [Path::new("a/birds.safetensors")]);
        models.open(&birds, CommandId(8));
        assert_eq!(models.loaded(&birds, card("two")), Loaded::Changed);
        assert_eq!(models.iter().count(), 6);
        models.close(&birds);
        assert_eq!((models.iter().count(), models.chosen()), (5, &ModelId::Vgg13.into()));
    }

    #[test]
    fn a_file_that_is_no_model_leaves_no_trace_and_a_broken_reload_keeps_what_was_there() {
        let mut models = Models::new(&[], "");
        let birds = file("birds.safetensors");
        models.open(&birds, CommandId(1));
        assert_eq!(models.not_loaded(&birds, CommandId(1), "no model".into()), Loaded::Missed);
        assert_eq!(models.iter().count(), 5);
        models.open(&birds, CommandId(2));
        models.loaded(&birds, card("one"));
        models.open(&birds, CommandId(3));
        assert_eq!(models.files().len(), 1, "closing the window now would not forget it");
        assert_eq!(models.not_loaded(&birds, CommandId(3), "cut short".into()), Loaded::Missed);
        let kept = models.get(&birds).expect("it is kept");
        assert_eq!((kept.card.as_ref(), &kept.problem), (Some(&card("one")), &None));
        // Nor does it go where it could not be had before it was read again.
        models.unload();
        models.open(&birds, CommandId(4));
        assert_eq!(models.not_loaded(&birds, CommandId(4), "still short".into()), Loaded::Missed);
        let kept = models.get(&birds).expect("it is kept");
        assert_eq!(kept.problem.as_deref(), Some("still short"));
        // On another device it is known again by its hash.
        models.open(&birds, CommandId(5));
        assert_eq!(models.loaded(&birds, card("two")), Loaded::Changed);
    }

    #[test]
    fn a_missing_model_is_told_where_it_is_chosen_and_kept_in_mind_elsewhere() {
        let mut models = Models::new(&[PathBuf::from("old.safetensors")], "old.safetensors");
        assert_eq!(*models.chosen(), file("old.safetensors"));
        models.loads(&file("old.safetensors"), CommandId(1));
        let missed = models.not_loaded(&file("old.safetensors"), CommandId(1), "gone".into());
        assert_eq!(missed, Loaded::Missed);
        let gcnn = ModelId::Gcnn.into();
        models.loads(&gcnn, CommandId(3));
        assert_eq!(models.not_loaded(&gcnn, CommandId(2), "late".into()), Loaded::Quietly);
        assert_eq!(models.get(&gcnn).and_then(|model| model.problem.clone()), None);
        assert_eq!(models.not_loaded(&gcnn, CommandId(3), "none".into()), Loaded::Quietly);
        let problem = models.get(&ModelId::Gcnn.into()).and_then(|model| model.problem.clone());
        assert_eq!(problem.as_deref(), Some("none"));
        models.unload();
        assert!(models.iter().all(KnownModel::is_untouched));
    }

    #[test]
    fn equal_names_are_told_apart_by_their_folders() {
        let files = ["a/birds.safetensors", "b/birds.safetensors", "b/bats.safetensors"];
        let models = Models::new(&files.map(PathBuf::from), "");
        assert_eq!(files.map(|path| models.title(&file(path))), ["birds (a)", "birds (b)", "bats"]);
    }
}
