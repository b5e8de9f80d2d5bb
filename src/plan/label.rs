//! Parses the headings of the plan's structure: `Stage 01: Index`, `Batch 2: Queries`, `Thread 03: Parser`.

use super::id::number;
use super::lookalike::{is_separator, strip_word};
use super::problem::Level;

/// A heading of the plan's structure: `Stage 01: Index`.
pub(super) struct Label {
    pub(super) level: Level,
    /// `None` if the heading is clearly meant as structure, but its number is missing or out of range.
    pub(super) number: Option<u16>,
    pub(super) name: String,
}

/// Parses `Stage N: NAME`, `Batch N: NAME` or `Thread N: NAME`. Returns `None` for other headings, also for those
/// that only begin with such a word (`Thread safety`).
pub(super) fn label(title: &str) -> Option<Label> {
    let (level, rest) = [("stage", Level::Stage), ("batch", Level::Batch), ("thread", Level::Thread)]
        .into_iter()
        .find_map(|(word, level)| Some((level, strip_word(title, word)?)))?;
    let rest = rest.trim();
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = &rest[digits..];
    // Leave other spellings to `lookalike`: the id in `Thread 1-2`, and forms such as `Thread 1 -> Rows`.
    let name = after.trim_start().trim_start_matches([':', '-', '–', '—']).trim_start();
    let is_other = name.starts_with(['*', '_', '~', '`']) && !after.trim_start().starts_with(':')
        || name.starts_with(is_separator)
        || after.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if digits > 0 && !is_other && (after.is_empty() || after.starts_with([':', '-', '–', '—', ' ', '\t'])) {
        let name = after.trim_start().trim_start_matches([':', '-', '–', '—']).trim().to_owned();
        return Some(Label { level, number: number(&rest[..digits]), name });
    }
    let (token, name) = rest.split_once(':')?;
    // `Thread: Parser`, `Thread A: Parser` and `Stage 1a: Index` are labels without a number. `Thread safety: notes`
    // is prose.
    let is_label = !token.contains(char::is_whitespace)
        && (token.chars().count() <= 4 || token.contains(|c: char| c.is_ascii_digit()));
    is_label.then(|| Label { level, number: None, name: name.trim().to_owned() })
}
