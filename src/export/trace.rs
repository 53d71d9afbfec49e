//! An attack's steps as a table, a line a step.

use thiserror::Error;

use crate::attacks::TracePoint;

/// The columns, in order.
const COLUMNS: [&str; 6] = [
    "iteration",
    "original_label_confidence",
    "leading_other_confidence",
    "target_confidence",
    "snr_db",
    "best_snr_db",
];

/// A table that is not one of an attack's steps.
#[derive(Debug, Error, PartialEq)]
#[error("line {line} of the steps is not one of a Mondegreen table")]
pub struct TraceError {
    /// The line, counted from 1.
    line: usize,
}

/// The steps as comma-separated values with a header. What does not exist is empty (the target of
/// an untargeted attack, the best before there is one); a step that changes nothing has an SNR of
/// `inf`. Every number reads back as exactly itself.
pub fn trace_csv(trace: &[TracePoint]) -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for step in trace {
        let TracePoint { iteration, original, leading, target, snr_db, best_snr_db } = *step;
        let target = target.map(|target| target.to_string()).unwrap_or_default();
        let best = best_snr_db.map(|best| best.to_string()).unwrap_or_default();
        text += &format!("{iteration},{original},{leading},{target},{snr_db},{best}\n");
    }
    text
}

/// The steps of [`trace_csv`].
///
/// # Errors
/// A [`TraceError`] with the first line that is none.
pub fn read_trace(text: &str) -> Result<Vec<TracePoint>, TraceError> {
    let mut lines = text.lines();
    if lines.next() != Some(&COLUMNS.join(",")) {
        return Err(TraceError { line: 1 });
    }
    lines
        .enumerate()
        .map(|(index, line)| step(line).ok_or(TraceError { line: index + 2 }))
        .collect()
}

fn step(line: &str) -> Option<TracePoint> {
    let fields: Vec<_> = line.split(',').collect();
    let [iteration, original, leading, target, snr_db, best] = fields.try_into().ok()?;
    let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Some(TracePoint {
        iteration: iteration.parse().ok()?,
        original: original.parse().ok()?,
        leading: leading.parse().ok()?,
        target: optional(target).map(|text| text.parse()).transpose().ok()?,
        snr_db: snr_db.parse().ok()?,
        best_snr_db: optional(best).map(|text| text.parse()).transpose().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_reads_back_as_itself() {
        let point = TracePoint {
            iteration: 1,
            original: 0.1,
            leading: 1.0 / 3.0,
            target: None,
            snr_db: f64::INFINITY,
            best_snr_db: None,
        };
        let aimed = TracePoint {
            iteration: 12_000,
            target: Some(f32::MIN_POSITIVE),
            snr_db: -0.1,
            best_snr_db: Some(46.2 / 3.0),
            ..point
        };
        let text = trace_csv(&[point, aimed]);
        assert!(text.starts_with("iteration,original_label_confidence,"), "{text}");
        assert_eq!(text.lines().nth(1), Some("1,0.1,0.33333334,,inf,"));
        assert_eq!(read_trace(&text), Ok(vec![point, aimed]));
        assert_eq!(read_trace(&trace_csv(&[])), Ok(Vec::new()));
    }

    #[test]
    fn another_table_is_refused_with_its_line() {
        assert_eq!(read_trace("a,b\n1,2\n"), Err(TraceError { line: 1 }));
        let text = trace_csv(&[]) + "1,0.5,0.5,,20,\n2,0.5,x,,20,\n";
        assert_eq!(read_trace(&text), Err(TraceError { line: 3 }));
    }
}
