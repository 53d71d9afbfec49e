//! The measures of a perturbation, for people.

use crate::metrics::Metrics;

/// The measures as lines of a name and what there is to say.
pub fn lines(metrics: &Metrics) -> Vec<(&'static str, String)> {
    let (loudness, mask) = (&metrics.loudness, &metrics.noise_to_mask);
    let optional = |value: Option<f64>, decimals: usize, unit: &str, why: &str| match value {
        Some(value) => format!("{value:.decimals$} {unit}"),
        None => format!("undefined ({why})"),
    };
    let mut lines = vec![("SNR", format!("{:.2} dB", metrics.snr_db))];
    if metrics.peak == 0.0 {
        return lines;
    }
    let segmental = metrics.segmental_snr_db.map_or_else(
        || "undefined (no frame of 20 ms is above -90 dBFS)".to_owned(),
        |db| format!("{db:.1} dB (frames of 20 ms, each within -10 to 35 dB)"),
    );
    lines.push(("segmental", segmental));
    let (peak, both) = (metrics.peak_dbfs(), metrics.peak_to_peak_dbfs());
    lines.push(("peak of r", format!("{peak:.1} dBFS, peak to peak {both:.1} dBFS")));
    lines.push((
        "noise/mask",
        format!(
            "{:.1} dB, worst {:.1} dB at {:.2} s",
            mask.total_db, mask.worst_frame_db, mask.worst_seconds
        ),
    ));
    let why = "shorter than 0.4 s or below -70 LUFS";
    let of_r = optional(loudness.perturbation_lufs, 1, "LUFS", why);
    let clip = optional(loudness.original_lufs, 1, "LUFS", why);
    let louder = loudness.difference_lu().map_or(String::new(), |lu| {
        // No sign before a zero that was only rounded to.
        let lu = if lu.abs() < 0.005 { 0.0 } else { lu };
        format!(" ({lu:+.2} LU now)")
    });
    lines.push(("loudness", format!("r {of_r}, clip {clip}{louder}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_that_was_not_changed_has_an_infinite_snr_and_no_more() {
        assert_eq!(lines(&Metrics::of(&[0.1; 3200], &[0.1; 3200])), [("SNR", "inf dB".to_owned())]);
    }

    #[test]
    fn a_short_clip_has_no_loudness() {
        let noisy: Vec<f32> = (0..3200).map(|n| 0.1 + 0.001 * (n % 7) as f32).collect();
        let lines = lines(&Metrics::of(&[0.1; 3200], &noisy));
        assert_eq!(lines.len(), 5);
        let undefined = "undefined (shorter than 0.4 s or below -70 LUFS)";
        assert_eq!(lines[4].1, format!("r {undefined}, clip {undefined}"));
    }
}
