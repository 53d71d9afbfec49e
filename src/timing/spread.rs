//! The middle and the width of what repeated measurements gave.

/// Median and the range that holds four fifths of the values; of one value, all three are it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half of the values are smaller.
    pub median: f64,
    /// A tenth of the values are smaller.
    pub low: f64,
    /// A tenth of the values are larger.
    pub high: f64,
}

impl Spread {
    /// The spread of these values, in any order; none where there are no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            low: quantile(&sorted, 0.1)?,
            high: quantile(&sorted, 0.9)?,
        })
    }
}

/// The quantile of sorted values, linear between two of them (type 7 of Hyndman and Fan, numpy's
/// default).
fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = fraction * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (place - below as f64) * (sorted[above] - sorted[below]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([5, 1, 4, 2, 30], [0.5, 0.1, 0.9])
        let spread = Spread::of(&[5.0, 1.0, 4.0, 2.0, 30.0]).unwrap();
        assert_eq!(spread.median, 4.0);
        assert!((spread.low - 1.4).abs() < 1e-12, "{spread:?}");
        assert!((spread.high - 20.0).abs() < 1e-12, "{spread:?}");
        assert_eq!(Spread::of(&[1.0, 2.0]).unwrap().median, 1.5);
    }

    #[test]
    fn one_value_is_its_own_spread_and_none_has_none() {
        assert_eq!(Spread::of(&[7.0]), Some(Spread { median: 7.0, low: 7.0, high: 7.0 }));
        assert_eq!(Spread::of(&[]), None);
    }
}
