//! Numbers as people read them: a true minus, thin spaces between thousands, few digits.

/// A number with `decimals` decimals and a true minus; infinities as a sign.
pub fn number(value: f64, decimals: usize) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        // No minus before a zero that was only rounded to.
        Some(digits) if digits.chars().all(|c| matches!(c, '0' | '.')) => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// A number with its sign, "+0.25"; nothing before a zero.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if value > 0.0 && !zero { format!("+{text}") } else { text }
}

/// A level or ratio, "46.2 dB".
pub fn decibels(value: f64, decimals: usize) -> String {
    format!("{} dB", number(value, decimals))
}

/// A frequency, "2 349 Hz".
pub fn hertz(hz: f64) -> String {
    format!("{} Hz", thousands(hz.round().max(0.0) as usize))
}

/// A count with thin spaces between thousands.
pub fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A large count in short, "9.4 M".
pub fn short_count(count: usize) -> String {
    match count {
        1_000_000.. => format!("{:.1} M", count as f64 / 1e6),
        1_000.. => format!("{:.0} k", count as f64 / 1e3),
        _ => count.to_string(),
    }
}

/// A duration, "3.2 s" or "1 min 5 s".
pub fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    format!("{} min {} s", whole / 60, whole % 60)
}

/// A position in a clip, always as wide: "0:01.38".
pub fn clock(seconds: f64) -> String {
    let hundredths = (seconds.max(0.0) * 100.0).round() as u64;
    format!("{}:{:02}.{:02}", hundredths / 6000, hundredths / 100 % 60, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(number(-31.04, 0), "−31");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(number(f64::INFINITY, 1), "∞");
        assert_eq!(number(f64::NEG_INFINITY, 1), "−∞");
        assert_eq!([signed(0.254, 2), signed(-3.0, 1)], ["+0.25", "−3.0"]);
        assert_eq!([signed(0.001, 2), signed(-0.001, 2)], ["0.00", "0.00"]);
        assert_eq!(thousands(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(thousands(12), "12");
        assert_eq!(hertz(2349.3), "2\u{2009}349 Hz");
        assert_eq!(short_count(9_412_000), "9.4 M");
        assert_eq!(short_count(41_300), "41 k");
        assert_eq!(duration(3.21), "3.2 s");
        assert_eq!(duration(64.6), "1 min 5 s");
        assert_eq!(clock(61.384), "1:01.38");
    }
}
