//! Headings of the plan's structure: `Stage 01: Index`, `Batch 2: Queries`, `Thread 03: Parser`.

use super::id::number;
use super::lookalike::is_separator;
use super::problem::Level;

/// A heading of the plan's structure: `Stage 01: Index`.
pub(super) struct Label {
    pub(super) level: Level,
    /// `None`: it is plainly meant as structure, but the number is missing or out of range.
    pub(super) number: Option<u16>,
    pub(super) name: String,
}

/// Reads `Stage N: NAME`, `Batch N: NAME` or `Thread N: NAME`. Other headings that start with such a
/// word (`Thread safety`) are ordinary text.
pub(super) fn label(title: &str) -> Option<Label> {
    let (level, rest) = [("stage", Level::Stage), ("batch", Level::Batch), ("thread", Level::Thread)]
        .into_iter()
        .find_map(|(word, level)| Some((level, strip_word(title, word)?)))?;
    let rest = rest.trim();
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = &rest[digits..];
    // `Thread 1-2` is an id, `Thread 1 -> Rows` another spelling: `lookalike` knows more of them.
    let name = after.trim_start().trim_start_matches([':', '-', '–', '—']).trim_start();
    let is_other = name.starts_with(['*', '_', '~', '`']) && !after.trim_start().starts_with(':')
        || name.starts_with(is_separator)
        || after.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if digits > 0 && !is_other && (after.is_empty() || after.starts_with([':', '-', '–', '—', ' ', '\t'])) {
        let name = after.trim_start().trim_start_matches([':', '-', '–', '—']).trim().to_owned();
        return Some(Label { level, number: number(&rest[..digits]), name });
    }
    let (token, name) = rest.split_once(':')?;
    // `Thread: Parser`, `Thread A: Parser`, `Stage 1a: Index`; but `Thread safety: notes` is prose.
    let is_label = !token.contains(char::is_whitespace)
        && (token.chars().count() <= 4 || token.contains(|c: char| c.is_ascii_digit()));
    is_label.then(|| Label { level, number: None, name: name.trim().to_owned() })
}

/// Strips a word, whatever its case, that is followed by something that does not continue it.
pub(super) fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    let rest = &text[word.len()..];
    let ends = rest.chars().next().is_none_or(|c| c == ':' || c.is_whitespace());
    (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
}
