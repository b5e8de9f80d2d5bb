//! Checks that an edit loses no word that somebody wrote. Only what marks a heading may go, such as the word
//! `Thread`, a number or a tag.

use std::collections::HashMap;

use super::before::{folded, is_invisible, word_of};
use super::lookalike::{NUMBER_WORDS, ROMAN};
use super::problem::Edit;

/// Words that announce a number, and the name of the entity for a space.
const MARKERS: [&str; 7] = ["no", "nr", "num", "number", "id", "n", "nbsp"];

/// Roman numerals that do not count as numbers: `x` ticks a box, and `v` stands for a version.
const OTHER_LETTERS: [&str; 2] = ["v", "x"];

/// Attributes of a tag that a reader does not see.
const SILENT: [&str; 5] = ["id", "name", "class", "align", "style"];

impl Edit {
    /// Returns whether the edit keeps every word of the text that it replaces, except those that mark a heading.
    pub(super) fn keeps_text(&self, text: &str) -> bool {
        let Some(old) = text.get(self.range.clone()) else { return false };
        // A word that occurs twice must be kept twice, so words are counted.
        let mut left: HashMap<String, usize> = HashMap::new();
        for word in words(&self.text) {
            *left.entry(word).or_default() += 1;
        }
        words(&without_tags(old)).into_iter().all(|word| match left.get_mut(&word) {
            Some(times) if *times > 0 => {
                *times -= 1;
                true
            }
            _ => is_marker(&word),
        })
    }
}

/// Returns the words of a text in lower case, without invisible characters.
pub(super) fn words(text: &str) -> Vec<String> {
    let seen: String = text.chars().filter(|c| !is_invisible(*c) || c.is_whitespace()).map(folded).collect();
    let words = seen.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Returns whether a word may only mark a heading: a word or a number of the structure.
pub(super) fn is_marker(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.is_empty() || word_of(letters).is_some() || MARKERS.contains(&word) || is_number(word)
}

fn is_number(word: &str) -> bool {
    NUMBER_WORDS.contains(&word) || ROMAN.contains(&word) && !OTHER_LETTERS.contains(&word)
}

/// Returns a text without the tags that say nothing to a reader.
fn without_tags(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let end = rest.find('>').map_or(rest.len(), |end| end + 1);
        let tag = &rest[1..end];
        let is_tag = tag.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic()) && tag.ends_with('>');
        let mut attributes = tag.trim_matches(['/', '>']).split_whitespace().skip(1);
        let is_silent = attributes.all(|one| one.split_once('=').is_some_and(|(name, _)| SILENT.contains(&name)));
        if !is_tag || !is_silent {
            out.push_str(&rest[..end]);
        }
        out.push(' ');
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
