//! Text of a figure: how wide it is, how it is made to fit, how it is written in XML.

use std::sync::OnceLock;

use epaint_default_fonts::UBUNTU_LIGHT;
use ttf_parser::Face;

/// Families for the SVG: the one that PNGs are set in, then what other viewers have.
pub(super) const FONT_FAMILIES: &str = "'Ubuntu Light', Ubuntu, Helvetica, Arial, sans-serif";

/// The width of a line at a font size, in the unit of the size, without kerning.
pub(super) fn width(text: &str, size: f64) -> f64 {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    let face = FACE.get_or_init(|| Face::parse(UBUNTU_LIGHT, 0).ok());
    let advance = |c| {
        let face = face.as_ref()?;
        let units = face.glyph_hor_advance(face.glyph_index(c)?)?;
        Some(f64::from(units) / f64::from(face.units_per_em()))
    };
    // What the face lacks another font sets, hardly wider than a square.
    text.chars().map(|c| advance(c).unwrap_or(1.0)).sum::<f64>() * size
}

/// A line of three parts that fits into `room`, and its font size, at most `size`.
///
/// What is too long is set down to 80 % of the size, and then the middle part loses its end.
pub(super) fn fit(parts: [&str; 3], size: f64, room: f64) -> (String, f64) {
    let whole = parts.concat();
    let natural = width(&whole, size);
    let smallest = 0.8 * size;
    if natural <= room {
        return (whole, size);
    }
    if natural * 0.8 <= room {
        return (whole, size * room / natural);
    }
    let [before, middle, after] = parts;
    let mut kept: Vec<char> = middle.chars().collect();
    while kept.pop().is_some() {
        let shortened: String = kept.iter().collect();
        let line = format!("{before}{}\u{2026}{after}", shortened.trim_end());
        if width(&line, smallest) <= room {
            return (line, smallest);
        }
    }
    (format!("{before}\u{2026}{after}"), smallest)
}

/// Text for XML: markup escaped, and what XML does not allow replaced.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_face() {
        assert_eq!(width("", 10.0), 0.0);
        assert!((width("1234567890", 10.0) - 10.0 * width("0", 10.0)).abs() < 1e-9);
        assert!(width("W", 10.0) > 2.0 * width("i", 10.0));
    }

    #[test]
    fn what_is_too_long_shrinks_and_then_loses_its_middle() {
        let parts = ["Original: ", "Violin or fiddle", " (0.94)"];
        let natural = width(&parts.concat(), 9.0);
        assert_eq!(fit(parts, 9.0, natural + 1.0), (parts.concat(), 9.0));
        let (line, size) = fit(parts, 9.0, natural * 0.9);
        assert_eq!(line, parts.concat());
        assert!((width(&line, size) - natural * 0.9).abs() < 1e-6);
        let (line, size) = fit(parts, 9.0, natural * 0.6);
        assert!(line.starts_with("Original: V") && line.ends_with("\u{2026} (0.94)"), "{line}");
        assert!(width(&line, size) <= natural * 0.6);
        assert_eq!(fit(parts, 9.0, 0.0).0, "Original: \u{2026} (0.94)");
    }

    #[test]
    fn markup_and_control_characters_do_not_reach_the_document() {
        assert_eq!(escape("<b> \"R&B\" '\u{1}\n"), "&lt;b&gt; &quot;R&amp;B&quot; &apos;\u{fffd} ");
    }
}
