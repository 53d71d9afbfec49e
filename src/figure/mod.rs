//! The paper's Figure 3 for one clip: original and adversarial spectrogram side by side.

use std::sync::Arc;

use crate::dsp::{Look, StftSettings};

/// What the figure shows.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The clip's name.
    pub clip: String,
    /// The model's name for people.
    pub model: String,
    /// The attack's name for people.
    pub attack: String,
    /// The clean samples at 32 kHz.
    pub original: Arc<[f32]>,
    /// The adversarial samples at 32 kHz, as many.
    pub adversarial: Arc<[f32]>,
    /// The model's label for the clean clip and its probability.
    pub original_label: (String, f32),
    /// The model's label for the adversarial clip and its probability.
    pub adversarial_label: (String, f32),
    /// SNR in dB.
    pub snr_db: f64,
    /// Window and hop of the spectrograms.
    pub stft: StftSettings,
    /// Axis, colours and dB range, the same for both sides.
    pub look: Look,
}
