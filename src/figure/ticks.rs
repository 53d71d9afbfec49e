//! Round numbers on an axis.

/// Multiples of 1, 2 or 5 times a power of ten in `low..=high`, at most `most + 1` of them, each
/// with its label, which has as many decimals as the step needs and a real minus sign.
pub fn round_ticks(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return vec![(low, label(low, 0))];
    }
    let least = span / most.max(1) as f64;
    let decade = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * decade);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    // A hair of tolerance, so that rounding does not cost the tick at either end.
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    (first..=last)
        .map(|index| index as f64 * step)
        .map(|value| (value, label(value, if value == 0.0 { 0 } else { decimals })))
        .collect()
}

/// A number as people write it: never "-0", and a minus as wide as a plus.
pub(super) fn label(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let digits = text.trim_start_matches('-');
    let zero = digits.chars().all(|c| matches!(c, '0' | '.'));
    if text.len() > digits.len() && !zero { format!("\u{2212}{digits}") } else { digits.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, most: usize) -> Vec<String> {
        round_ticks(low, high, most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn steps_are_round_and_the_ends_are_kept() {
        assert_eq!(labels(0.0, 3.2, 5), ["0", "1", "2", "3"]);
        assert_eq!(labels(0.0, 1.0, 5), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(-110.0, -20.0, 5), ["−100", "−80", "−60", "−40", "−20"]);
        assert_eq!(labels(0.0, 60.0, 6), ["0", "10", "20", "30", "40", "50", "60"]);
    }

    #[test]
    fn odd_ranges_give_one_tick() {
        assert_eq!(labels(0.0, 0.0, 5), ["0"]);
        assert_eq!(labels(-20.0, -90.0, 5), ["−20"]);
        assert_eq!(round_ticks(0.0, f64::NAN, 5).len(), 1);
        assert_eq!(round_ticks(0.0, f64::INFINITY, 5).len(), 1);
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(label(-0.01, 1), "0.0");
        assert_eq!(label(-0.06, 1), "−0.1");
    }
}
