//! What there is to say of a model: for people who choose one, and for results to name it.

use std::path::PathBuf;

use super::classifier::ModelId;
use super::labels::Labels;
use super::weights::Weights;

/// What there is to say of a loaded model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// Which architecture it is.
    pub id: ModelId,
    /// The names of its outputs.
    pub labels: Labels,
    /// How many trained numbers it has.
    pub parameters: usize,
    /// What goes into its network, in a few words.
    pub input: &'static str,
    /// How it listens: what it sees and what it ignores, for people who have never met a network.
    pub listens: &'static str,
    /// Accuracy on the test split of its training data, 0 to 1, if its file states it.
    pub test_accuracy: Option<f64>,
    /// Where it was trained and on what, if its file states it.
    pub training_data: Option<String>,
    /// The weights file; empty where there is none.
    pub file: PathBuf,
    /// SHA-256 of the weights file, in hexadecimal: what a result must name to be reproducible.
    pub weights_sha256: String,
}

impl ModelCard {
    /// The card of an architecture without a file.
    pub fn new(id: ModelId, labels: Labels) -> Self {
        let (input, listens) = about(id);
        Self {
            id,
            labels,
            parameters: 0,
            input,
            listens,
            test_accuracy: None,
            training_data: None,
            file: PathBuf::new(),
            weights_sha256: String::new(),
        }
    }

    /// The card of a file's model, with what its metadata states.
    pub fn of_weights(id: ModelId, labels: Labels, weights: &Weights) -> Self {
        let accuracy = weights.metadata("test_accuracy").and_then(|a| a.parse().ok());
        Self {
            parameters: weights.parameters(),
            test_accuracy: accuracy.filter(|accuracy| (0.0..=1.0).contains(accuracy)),
            training_data: weights.metadata("training_data").map(str::to_owned),
            file: weights.path().to_owned(),
            weights_sha256: weights.sha256().to_owned(),
            ..Self::new(id, labels)
        }
    }

    /// The hash's beginning: enough to tell files apart by eye.
    pub fn short_hash(&self) -> &str {
        self.weights_sha256.get(..12).unwrap_or(&self.weights_sha256)
    }
}

/// An architecture's input in a few words, and how it listens.
pub fn about(id: ModelId) -> (&'static str, &'static str) {
    match id {
        ModelId::Vgg13 => (
            "log-mel, 64 bands, 2 s chunks",
            "It looks at the spectrogram as at a photograph, two seconds at a time, and answers with \
             the average. It sees where energy lies in pitch and time; it does not notice how loud \
             the clip is, in which order things happen that are far apart, or pitches that share \
             one of its 64 bands.",
        ),
        ModelId::Crnn => (
            "log-mel, 64 bands, 2 s chunks",
            "It looks at the same pictures as VGG13, then reads what it saw along time, forwards \
             and backwards, so that the order of events counts. It does not notice how loud the \
             clip is, or pitches that share one of its 64 bands.",
        ),
        ModelId::Gcnn => (
            "log-mel, 64 bands, 2 s chunks",
            "It looks at the same pictures as VGG13, but each of its layers has gates that let some \
             parts of the picture through and shut out others, such as noise between events. It \
             does not notice how loud the clip is, or pitches that share one of its 64 bands.",
        ),
        ModelId::DenseMel => (
            "log-mel, 64 bands, whole clip in steps of 4 ms",
            "It looks at the spectrogram of the whole clip at once, with a finer grid in time, and \
             each of its layers also sees what the layers before it saw. It does not notice how \
             loud the clip is, or pitches that share one of its 64 bands.",
        ),
        ModelId::DenseWav => (
            "waveform, whole clip",
            "It listens to the waveform itself, sample by sample, through filters that it has learned \
             on its own: nobody gave it a spectrogram. It could notice anything in the sound; only \
             loudness is taken away, as each clip is divided by its peak.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_says_how_it_listens_in_its_own_words() {
        let mut texts = ModelId::ALL.map(|id| about(id).1).to_vec();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ModelId::ALL.len());
        assert!(texts.iter().all(|text| text.len() < 400));
    }

    #[test]
    fn a_short_hash_is_the_beginning_of_the_hash() {
        let mut card = ModelCard::new(ModelId::Vgg13, Labels::fsdkaggle2018());
        assert_eq!(card.short_hash(), "");
        card.weights_sha256 = "0123456789abcdef".repeat(4);
        assert_eq!(card.short_hash(), "0123456789ab");
    }
}
