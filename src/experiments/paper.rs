//! The paper's numbers, as far as we know them for sure.
//!
//! V. Subramanian et al., "Adversarial attacks in sound event classification", arXiv 1907.02477
//! (2019), Tables 1 to 5. A cell that is not here is one that we could not read in the paper's
//! text, not one that it does not have.

use crate::attacks::AttackId;
use crate::models::ModelId;

/// What a column of Tables 2 and 3 tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Share of the attacked clips whose label changed (to the target), in percent.
    Success,
    /// Mean probability of the new label.
    NewConfidence,
    /// Mean probability of the original label afterwards.
    OriginalConfidence,
    /// Mean SNR in dB.
    Snr,
}

impl Quantity {
    /// All, in the order of the tables.
    pub const ALL: [Self; 4] =
        [Self::Success, Self::NewConfidence, Self::OriginalConfidence, Self::Snr];

    /// The column's head.
    pub fn title(self) -> &'static str {
        match self {
            Self::Success => "Success %",
            Self::NewConfidence => "New label's confidence",
            Self::OriginalConfidence => "Original label's confidence after",
            Self::Snr => "SNR dB",
        }
    }

    /// Decimals that make sense of it.
    pub fn decimals(self) -> usize {
        match self {
            Self::Success => 1,
            Self::Snr | Self::NewConfidence | Self::OriginalConfidence => 2,
        }
    }
}

/// Table 1: accuracy in percent.
pub fn accuracy(model: ModelId) -> f64 {
    match model {
        ModelId::Vgg13 => 80.93,
        ModelId::Crnn | ModelId::Gcnn => 84.37,
        ModelId::DenseMel => 89.875,
        ModelId::DenseWav => 86.125,
    }
}

/// Table 2: means over the five models, as printed.
pub fn untargeted(attack: AttackId, quantity: Quantity) -> Option<f64> {
    use Quantity as Q;
    match (attack, quantity) {
        (AttackId::WhiteNoise, Q::Success) => Some(21.14),
        (AttackId::WhiteNoise, Q::Snr) => Some(20.00),
        (AttackId::Fgsm, Q::Success) => Some(31.14),
        (AttackId::Fgsm, Q::Snr) => Some(19.99),
        (AttackId::Deepfool, Q::Success) => Some(99.99),
        (AttackId::Deepfool, Q::NewConfidence) => Some(0.35),
        (AttackId::Deepfool, Q::Snr) => Some(41.81),
        (AttackId::CarliniWagner, Q::Success) => Some(99.51),
        (AttackId::CarliniWagner, Q::NewConfidence) => Some(0.71),
        (AttackId::CarliniWagner, Q::Snr) => Some(46.23),
        _ => None,
    }
}

/// Table 3: the same for each model.
pub fn untargeted_on(attack: AttackId, model: ModelId, quantity: Quantity) -> Option<f64> {
    if quantity != Quantity::Snr {
        return None;
    }
    let of = |values: [f64; 5]| ModelId::ALL.iter().zip(values).find(|(id, _)| **id == model);
    let found = match attack {
        AttackId::Deepfool => of([52.47, 49.40, 50.97, 55.42, 41.81]),
        AttackId::CarliniWagner => of([52.10, 50.64, 51.32, 55.67, 45.62]),
        _ => None,
    };
    found.map(|(_, snr)| snr)
}

/// What has to be said beside the paper's own numbers of a table.
pub fn remark(table: usize) -> &'static str {
    match table {
        1 => "The paper's accuracies are on FSDKaggle2018 with the original authors' weights.",
        2 => {
            "The paper's average SNRs are given as printed. That of DeepFool repeats its value for \
             dense-wav, and that of C&W is below four of its five values per model: the means of its \
             values per model are 50.0 and 51.1 dB."
        }
        3 => "Of the paper's Table 3 only the SNRs of DeepFool and C&W are known to us.",
        4 => {
            "The paper's Table 4 has pair means between 93.2 and 109.1 dB (labelled C&W); which cell \
             has which is not known to us. The smallest change that leads to a given label can't be \
             smaller than the smallest one that leads to any other, and for that the paper's C&W \
             needs 46 to 56 dB. Twice as many decibels are what 20 log10 of the ratio of powers \
             would give instead of 10 log10: halved, the values are 46.6 to 54.6 dB. Whether that \
             is what happened we can't tell. As printed they would be below the rounding of 16-bit \
             audio (75 to 81 dB)."
        }
        5 => "The paper's Table 5 has values from 0 to 10 %; single cells are not known to us.",
        _ => "",
    }
}
