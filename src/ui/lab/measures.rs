//! The measures of a change, each with a word on what it means.

use eframe::egui::Ui;

use crate::metrics::{Metrics, masking};
use crate::ui::text;
use crate::ui::widgets::{row_text, sub_row};

const SNR: &str = "Signal-to-noise ratio over the whole clip. Every 20 dB the change is ten times \
                   smaller; the paper's attacks reach about 45 dB.";
const SEGMENTAL: &str = "Segmental SNR: the mean over frames of 20 ms, each counted as no less than −10 and no more \
     than 35 dB. Far below the SNR, it tells of a change that shows where the clip is quiet.";
const PEAK: &str = "The largest sample of the change, relative to full scale.";
const PEAK_TO_PEAK: &str =
    "From the smallest to the largest sample of the change, relative to a full-scale sine's.";
const WORST: &str = "The same in the frame of 32 ms where the change stands out most, and where \
                     in the clip that is.";
const PERTURBATION: &str = "How loud the change alone is, after EBU R 128. Speech on the radio \
                            has −23 LUFS.";
const LOUDER: &str = "By how much the change makes the clip louder.";
const NO_LOUDNESS: &str = "EBU R 128 gives no loudness for less than 0.4 s, or for a clip that \
                           stays below −70 LUFS.";

/// The rows of a clip that was changed.
pub(super) fn measures(ui: &mut Ui, metrics: &Metrics) {
    row_text(ui, "SNR", text::decibels(metrics.snr_db, 1), None, SNR);
    sub_row(ui, "by frames of 20 ms", decibels(metrics.segmental_snr_db), SEGMENTAL);

    let mask = &metrics.noise_to_mask;
    let explained = format!(
        "Noise-to-mask ratio: how far the change stands out of what the ear can't hear beside the \
         clip, by MPEG-1's psychoacoustic model at a loud {:.0} dB SPL for full scale. Around 0 dB \
         it is just audible, below −10 dB hardly ever.",
        masking::FULL_SCALE_DB_SPL
    );
    row_text(ui, "noise to mask", text::decibels(mask.total_db, 1), None, &explained);
    let at = text::clock(mask.worst_seconds);
    let worst = text::decibels(mask.worst_frame_db, 1);
    sub_row(ui, &format!("worst, at {at}"), worst, WORST);

    let loudness = &metrics.loudness;
    let dbfs = |value| format!("{} dBFS", text::number(value, 1));
    row_text(ui, "peak", dbfs(metrics.peak_dbfs()), None, PEAK);
    sub_row(ui, "peak to peak", dbfs(metrics.peak_to_peak_dbfs()), PEAK_TO_PEAK);

    let with_reason = |words: &str, value: Option<f64>| match value {
        Some(_) => words.to_owned(),
        None => format!("{words}\n{NO_LOUDNESS}"),
    };
    let (lufs, lu) = (loudness.perturbation_lufs, loudness.difference_lu());
    let value = lufs.map_or("–".to_owned(), |lufs| format!("{} LUFS", text::number(lufs, 1)));
    row_text(ui, "loudness", value, None, &with_reason(PERTURBATION, lufs));
    let value = lu.map_or("–".to_owned(), |lu| format!("{} LU", text::signed(lu, 2)));
    sub_row(ui, "louder now by", value, &with_reason(LOUDER, lu));
}

fn decibels(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| text::decibels(value, 1))
}
