//! Matching what people type: without regard to case, space, hyphen or underscore, and with a
//! "did you mean" where nothing matches.

use thiserror::Error;

/// A name that nothing carries, with the closest one that exists.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("there is no {kind} named \u{201c}{given}\u{201d}{}", hint(suggestion, known))]
pub struct UnknownName {
    /// What was looked for: "label", "model", "attack"...
    pub kind: &'static str,
    /// What was typed.
    pub given: String,
    /// The closest existing name, if one is close.
    pub suggestion: Option<String>,
    /// All names, listed in the message when none is close.
    pub known: Vec<String>,
}

fn hint(suggestion: &Option<String>, known: &[String]) -> String {
    match suggestion {
        Some(close) => format!("; did you mean {close}?"),
        None => format!("; there are: {}", known.join(", ")),
    }
}

/// `name` in lower case without spaces, hyphens and underscores.
pub fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// The index in `known` of the name that equals `given` after folding.
pub fn position<S: AsRef<str>>(known: &[S], given: &str) -> Option<usize> {
    let wanted = fold(given);
    known.iter().position(|name| fold(name.as_ref()) == wanted)
}

/// The same, for what people typed.
///
/// # Errors
/// [`UnknownName`] with the closest existing name.
pub fn find<S: AsRef<str>>(
    kind: &'static str,
    known: &[S],
    given: &str,
) -> Result<usize, UnknownName> {
    if let Some(index) = position(known, given) {
        return Ok(index);
    }
    let wanted = fold(given);
    let suggestion = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&fold(name.as_ref()), &wanted), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.75)
        .map(|(_, name)| name.as_ref().to_owned());
    Err(UnknownName {
        kind,
        given: given.to_owned(),
        suggestion,
        known: known.iter().map(|name| name.as_ref().to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["Bass_drum", "Hi-hat", "Violin_or_fiddle"];

    #[test]
    fn case_space_hyphen_and_underscore_do_not_matter() {
        assert_eq!(find("label", &KNOWN, "bass drum"), Ok(0));
        assert_eq!(find("label", &KNOWN, "HIHAT"), Ok(1));
        assert_eq!(find("label", &KNOWN, "violin-or-fiddle"), Ok(2));
    }

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_lists_all() {
        let near = find("label", &KNOWN, "bas drun").unwrap_err();
        assert_eq!(near.suggestion.as_deref(), Some("Bass_drum"));
        assert!(near.to_string().contains("did you mean Bass_drum?"), "{near}");
        let far = find("label", &KNOWN, "xyz").unwrap_err();
        assert_eq!(far.suggestion, None);
        assert!(far.to_string().contains("Bass_drum, Hi-hat"), "{far}");
    }
}
