//! Reads what stands before a label: hashes, bullets, check boxes, emoji, emphasis, tags, and invisible characters.
//!
//! Only the start of a line is searched for a label, so that the time to read any text is linear in its length.

use super::problem::Level;

/// What stands before the first word of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that can stand there")]
pub(super) struct Before {
    /// The number of hashes.
    pub(super) hashes: usize,
    pub(super) in_list: bool,
    pub(super) in_quote: bool,
    pub(super) in_table: bool,
    /// Whether emphasis, a bracket or a tag is opened.
    pub(super) is_emphasised: bool,
    pub(super) is_html_heading: bool,
    /// Whether there is a mark that does not begin a sentence: an emoji, a check box or a number.
    pub(super) is_marked: bool,
}

/// The words for the levels of the structure. A task is a thread.
pub(super) const WORDS: [(&str, Level); 4] =
    [("stage", Level::Stage), ("batch", Level::Batch), ("thread", Level::Thread), ("task", Level::Thread)];

/// How far into a line its label may begin, in bytes.
const MAX_BEFORE: usize = 200;

/// Returns the word of the structure that a lower-case word is, also in the plural, and its level.
pub(super) fn word_of(word: &str) -> Option<(&'static str, Level)> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    WORDS.into_iter().find(|(known, _)| *known == singular)
}

/// Returns what stands before the first word of a line, and the offset of that word.
pub(super) fn before(line: &str) -> (Before, usize) {
    let mut before = Before::default();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next().map(folded)
        && at < MAX_BEFORE
    {
        let width = line[at..].chars().next().map_or(1, char::len_utf8);
        let rest = &line[at + width..];
        let is_item = rest.starts_with(is_blank);
        match c {
            _ if is_blank(c) => {}
            '#' => before.hashes += 1,
            '>' => before.in_quote = true,
            '|' => before.in_table = true,
            '-' | '*' | '+' | '•' if is_item && before.hashes == 0 => before.in_list = true,
            '[' => match within(rest, 8).find(']') {
                // A check box: at most one character stands between the brackets.
                Some(end) if rest[..end].chars().count() <= 1 => {
                    before.is_marked = true;
                    at += end + 1;
                }
                _ => before.is_emphasised = true,
            },
            '<' => match tag_end(rest) {
                Some(end) => {
                    let tag = rest[..end].to_ascii_lowercase();
                    before.is_html_heading |=
                        tag.starts_with('h') && tag[1..].starts_with(|c: char| c.is_ascii_digit());
                    before.is_emphasised |= !tag.starts_with('!');
                    at += end;
                }
                None => before.is_marked = true,
            },
            _ if is_emphasis(c) => before.is_emphasised = true,
            '0'..='9' => match list_number(line, at) {
                Some((end, is_item)) => {
                    before.in_list |= is_item && before.hashes == 0;
                    before.is_marked = true;
                    at = end;
                    continue;
                }
                None => match enumerator(line, at) {
                    Some(end) => {
                        before.is_marked = true;
                        at = end;
                        continue;
                    }
                    None => break,
                },
            },
            _ if c.is_alphanumeric() => match enumerator(line, at) {
                Some(end) => {
                    before.is_marked = true;
                    at = end;
                    continue;
                }
                None => break,
            },
            // It escapes the mark behind it, as in `\###### Thread`.
            '\\' => {}
            '&' if entity_end(&line[at..]).is_some() => at += entity_end(&line[at..]).unwrap_or(1) - 1,
            _ => before.is_marked = true,
        }
        at += width;
    }
    (before, at.min(line.len()))
}

/// Returns the end of a tag or a comment, or `None` if it is neither. `line` begins behind its `<`.
pub(super) fn tag_end(line: &str) -> Option<usize> {
    if line.starts_with("!--") {
        return within(line, MAX_BEFORE).find("-->").map(|end| end + 3);
    }
    let end = within(line, 60).find('>')?;
    let is_tag = line.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic());
    is_tag.then_some(end + 1)
}

/// Returns the end of an HTML entity at the start of `line`, such as `&nbsp;` or `&#160;`.
pub(super) fn entity_end(line: &str) -> Option<usize> {
    let end = within(line, 9).find(';')?;
    line[1..end].trim_start_matches('#').chars().all(|c| c.is_ascii_alphanumeric()).then_some(end + 1)
}

/// Returns at most the first `bytes` bytes of a line, up to a character boundary. This bounds the work per line.
pub(super) fn within(line: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    &line[..end]
}

/// Returns the end of a number that stands before a label, `2.` or `1.2.3`, and whether it is the number of a list
/// item.
fn list_number(line: &str, at: usize) -> Option<(usize, bool)> {
    let rest = &line[at..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let behind = rest[digits..].trim_start_matches(['\u{fe0f}', '\u{20e3}']);
    let is_item = rest[..digits].ends_with('.') || behind.starts_with(')');
    let behind = behind.trim_start_matches([')', ':', '-']);
    let mut word_at = behind.len() - behind.trim_start_matches(|c| is_blank(c) || is_emphasis(c)).len();
    let word = take_while(behind, &mut word_at, char::is_alphabetic);
    let is_label = word_of(&word).is_some() || behind.trim_start().starts_with(['#', '＃', '*', '_', '[', '`', '<']);
    (is_label && digits < 16).then(|| (line.len() - behind.len(), is_item))
}

/// Returns the end of another kind of list number that stands before a word of the structure: `A)`, `ii.`, `h6.`,
/// `B1 ·`, `1.1.2 -`.
fn enumerator(line: &str, at: usize) -> Option<usize> {
    let rest = within(&line[at..], 40);
    let length = rest.len() - rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '.').len();
    let sign = rest[..length].trim_end_matches('.');
    let is_roman = sign.chars().all(|c| matches!(c.to_ascii_lowercase(), 'i' | 'v' | 'x'));
    let is_short = sign.chars().count() == 1 || is_roman || sign.contains(|c: char| c.is_ascii_digit());
    let behind = rest[sign.len()..].trim_start_matches(is_blank);
    let word = behind.trim_start_matches(|c| is_blank(c) || matches!(c, ')' | '.' | ':' | '-' | '–' | '—' | '·' | '|'));
    if !is_short || sign.is_empty() || sign.len() > 8 || word.len() == behind.len() {
        return None;
    }
    let mut word_at = word.len() - word.trim_start_matches(|c| is_blank(c) || is_emphasis(c)).len();
    word_of(&take_while(word, &mut word_at, char::is_alphabetic))?;
    Some(at + rest.len() - word.len())
}

/// Takes characters as long as they are `wanted`, and moves `at` behind them. They are taken folded and in lower
/// case, at most 20 bytes; invisible ones are skipped.
pub(super) fn take_while(line: &str, at: &mut usize, wanted: impl Fn(char) -> bool) -> String {
    let mut taken = String::new();
    for c in line[*at..].chars() {
        if !is_invisible(c) {
            if !wanted(folded(c)) || taken.len() >= 20 {
                break;
            }
            taken.push(folded(c).to_ascii_lowercase());
        }
        *at += c.len_utf8();
    }
    taken
}

/// Returns whether a character is invisible: texts that differ only in such characters look the same.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}' | '\u{180e}')
        || c.is_control()
}

pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

pub(super) fn is_emphasis(c: char) -> bool {
    matches!(c, '*' | '_' | '`' | '~')
}

/// Returns the ASCII form of a full-width letter, digit or sign, and of a Cyrillic or Greek letter that looks like a
/// Latin one. Other characters stay as they are.
pub(super) fn folded(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        // Letters that look like Latin ones in the words of the structure: `Тhread`.
        0x0410 | 0x0430 | 0x0391 | 0x03B1 => 'a',
        0x0412 | 0x0392 => 'b',
        0x0421 | 0x0441 => 'c',
        0x0415 | 0x0435 | 0x0395 => 'e',
        0x041D | 0x04BB | 0x0397 => 'h',
        0x0405 | 0x0455 => 's',
        0x0422 | 0x0442 | 0x03A4 => 't',
        0x041A | 0x043A | 0x039A => 'k',
        _ => c,
    }
}
