//! Does a line stand for a heading of the plan's structure, however it is spelled? People and models
//! write `**Thread 02: Rows**`, `######Thread-02`, `- [ ] Task 1.2`; each of them is a thread that would
//! vanish into the text above it.
//!
//! This room reads one line and knows nothing of the lines around it. It answers what the line may mean;
//! `reader` decides whether it does.

use super::id::number;
use super::label::strip_word;
use super::problem::Level;

/// What a line seems to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) level: Level,
    /// It is called a task, which is also a word for a part of a thread.
    pub(super) is_task: bool,
    /// The number, or the parts of an id; empty: there is none that can be read.
    pub(super) numbers: Vec<u16>,
    /// The rest of the line, without what was around the label.
    pub(super) name: String,
    /// Something other than a blank stands between number and name, or there is no name.
    pub(super) is_separated: bool,
    pub(super) before: Before,
    /// Where the label begins.
    pub(super) start: usize,
}

/// What stands before the first word of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that can stand there")]
pub(super) struct Before {
    pub(super) hashes: usize,
    pub(super) in_list: bool,
    pub(super) in_quote: bool,
    pub(super) in_table: bool,
    pub(super) is_emphasised: bool,
    pub(super) is_html_heading: bool,
    /// An emoji, a check box, a number: what is not written before a sentence.
    pub(super) is_marked: bool,
}

const WORDS: [(&str, Level); 4] =
    [("stage", Level::Stage), ("batch", Level::Batch), ("thread", Level::Thread), ("task", Level::Thread)];

const NUMBER_WORDS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

const ROMAN: [&str; 12] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"];

/// How far into a line its label is looked for, in bytes.
const MAX_BEFORE: usize = 200;

/// Returns what a line seems to be, if it begins with a word of the structure and what may be a number.
pub(super) fn look(line: &str) -> Option<Look> {
    let (before, start) = before(line);
    let mut at = start;
    let word = take_while(line, &mut at, char::is_alphabetic);
    let singular = word.strip_suffix('s').unwrap_or(&word);
    let (word, level) = WORDS.into_iter().find(|(known, _)| *known == singular)?;
    let (gap, is_colon) = gap(line, &mut at);
    let numbers = numbers(line, &mut at, gap)?;
    let (is_separated, name) = rest(&line[..at], &line[at..]);
    if is_colon && !is_separated {
        // `Thread: 2 rows` is a name without a number.
        return None;
    }
    Some(Look { level, is_task: word == "task", numbers, name, is_separated, before, start })
}

/// Returns the numbers and the name of a heading that is only numbered: `01.01.02 Rows`, `1. Setup`.
pub(super) fn bare_number(title: &str) -> Option<(Vec<u16>, String)> {
    let digits = title.len() - title.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let numbers: Option<Vec<u16>> = title[..digits].trim_end_matches('.').split('.').map(number).collect();
    let name = title[digits..].trim_start_matches([':', ')', '-', '–', '—', ' ', '\t']);
    let word = WORDS.iter().find_map(|(word, _)| strip_word(name, word)).unwrap_or(name);
    let word = word.trim_start_matches(|c| is_blank(c) || is_separator(c));
    (name.len() < title[digits..].len() && !word.is_empty()).then_some((numbers?, word.trim().to_owned()))
}

/// Returns whether a character is seen by nobody: no two of these differ on a screen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}' | '\u{180e}')
        || c.is_control()
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

fn is_emphasis(c: char) -> bool {
    matches!(c, '*' | '_' | '`' | '~')
}

/// Returns a character in its usual form: full-width letters, digits and signs are those of ASCII.
fn folded(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// Reads what stands before the first word, and where that begins.
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
                // A box with at most one sign in it.
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
                None => break,
            },
            _ if c.is_alphanumeric() => break,
            '\\' => {}
            '&' if entity_end(&line[at..]).is_some() => at += entity_end(&line[at..]).unwrap_or(1) - 1,
            _ => before.is_marked = true,
        }
        at += width;
    }
    (before, at.min(line.len()))
}

/// Returns where a tag or a comment ends, `line` beginning behind its `<`.
fn tag_end(line: &str) -> Option<usize> {
    if line.starts_with("!--") {
        return within(line, MAX_BEFORE).find("-->").map(|end| end + 3);
    }
    let end = within(line, 60).find('>')?;
    let is_tag = line.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic());
    is_tag.then_some(end + 1)
}

/// Returns where a blank that is spelled out ends: `&nbsp;`, `&#160;`.
fn entity_end(line: &str) -> Option<usize> {
    let end = within(line, 9).find(';')?;
    line[1..end].trim_start_matches('#').chars().all(|c| c.is_ascii_alphanumeric()).then_some(end + 1)
}

/// Returns the beginning of a line, so that no line is read more than a few times.
fn within(line: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    &line[..end]
}

/// Returns the end of a number before a word, `2.` or `1.2.3`, and whether it is that of a list item.
fn list_number(line: &str, at: usize) -> Option<(usize, bool)> {
    let rest = &line[at..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let behind = rest[digits..].trim_start_matches(['\u{fe0f}', '\u{20e3}']);
    let is_item = rest[..digits].ends_with('.') || behind.starts_with(')');
    let behind = behind.trim_start_matches([')', ':', '-']);
    let word: String = behind.trim_start().chars().take_while(|c| c.is_alphabetic() || is_emphasis(*c)).collect();
    let word = word.trim_matches(is_emphasis).to_ascii_lowercase();
    let is_label = WORDS.iter().any(|(known, _)| *known == word.strip_suffix('s').unwrap_or(&word))
        || behind.trim_start().starts_with(['#', '*', '[']);
    (is_label && digits < 16).then(|| (line.len() - behind.len(), is_item))
}

/// Reads characters in their usual form, lower case, over those that nobody sees.
fn take_while(line: &str, at: &mut usize, wanted: impl Fn(char) -> bool) -> String {
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

/// Reads over what stands between word and number; returns whether there was anything, and a colon.
fn gap(line: &str, at: &mut usize) -> (bool, bool) {
    let start = *at;
    let mut is_colon = false;
    loop {
        let is_gap = |c: char| {
            is_blank(c)
                || is_emphasis(c)
                || matches!(folded(c), '-' | '_' | '#' | '.' | ':' | '(' | '[' | '–' | '—' | '№' | '/' | '\\' | '=')
        };
        let rest = &line[*at..];
        let end = rest.len() - rest.trim_start_matches(is_gap).len();
        is_colon |= rest[..end].chars().any(|c| folded(c) == ':');
        *at += end;
        if line[*at..].starts_with('&')
            && let Some(end) = entity_end(&line[*at..])
        {
            *at += end;
            continue;
        }
        let rest = line[*at..].get(..6).unwrap_or(&line[*at..]).to_ascii_lowercase();
        let abbreviation = ["number", "num", "no", "nr"].into_iter().find(|word| {
            rest.strip_prefix(word).is_some_and(|behind| behind.starts_with(['.', ' ', ':']) || behind.is_empty())
        });
        match abbreviation {
            Some(word)
                if line[*at + word.len()..]
                    .trim_start_matches(is_gap)
                    .starts_with(|c: char| folded(c).is_ascii_digit()) =>
            {
                *at += word.len();
            }
            _ => return (*at > start, is_colon),
        }
    }
}

/// Reads a number or an id. `None`: there is nothing that is meant as one.
fn numbers(line: &str, at: &mut usize, has_gap: bool) -> Option<Vec<u16>> {
    let start = *at;
    let mut parts: Vec<Option<u16>> = Vec::new();
    loop {
        let digits = take_while(line, at, |c| c.is_ascii_digit());
        if digits.is_empty() {
            break;
        }
        parts.push(if digits.len() < 20 { number(&digits) } else { None });
        let mut chars = line[*at..].chars().map(folded);
        let is_joined =
            matches!(chars.next(), Some('.' | '-' | '_' | '/')) && chars.next().is_some_and(|c| c.is_ascii_digit());
        if !is_joined {
            break;
        }
        *at += 1.max(line[*at..].chars().next().map_or(1, char::len_utf8));
    }
    if !parts.is_empty() {
        // `1a` and `2nd` are no numbers.
        let continues = line[*at..].chars().next().is_some_and(|c| c.is_alphabetic() || c.is_numeric());
        if continues {
            let _ = take_while(line, at, char::is_alphanumeric);
            return Some(Vec::new());
        }
        let is_id = parts.len() <= 3;
        return Some(parts.into_iter().collect::<Option<Vec<u16>>>().filter(|_| is_id).unwrap_or_default());
    }
    *at = start;
    let word = take_while(line, at, char::is_alphanumeric);
    let behind = &line[*at..];
    let ends = behind.trim_matches(|c| is_blank(c) || is_emphasis(c)).is_empty()
        || is_separated_word(behind.trim_start_matches(|c| is_emphasis(c) || is_blank(c)));
    if !has_gap || !ends || word.is_empty() {
        return None;
    }
    let is_upper = line[start..*at].chars().all(char::is_uppercase);
    let place = NUMBER_WORDS.iter().position(|known| *known == word);
    let place = place.or_else(|| ROMAN.iter().position(|known| is_upper && *known == word).map(|place| place + 1));
    match place.and_then(|place| u16::try_from(place).ok()) {
        Some(number) => Some(vec![number]),
        // `Thread A: Rows`, `Thread ٢: Rows`: something is counted here.
        None => (word.chars().count() == 1 && (is_upper || word.chars().all(char::is_numeric))).then(Vec::new),
    }
}

/// Returns whether a text goes on behind a separator; `one-way` is one word.
fn is_separated_word(behind: &str) -> bool {
    let mut chars = behind.chars();
    chars.next().is_some_and(|c| is_separator(c) && (c != '-' || chars.next().is_none_or(is_blank)))
}

pub(super) fn is_separator(c: char) -> bool {
    matches!(
        folded(c),
        ':' | '.'
            | ')'
            | ']'
            | '-'
            | '–'
            | '—'
            | '―'
            | '−'
            | '|'
            | '→'
            | '>'
            | '='
            | ','
            | '/'
            | ';'
            | '、'
            | '。'
            | '·'
            | '•'
            | '・'
    )
}

/// Returns whether a separator follows the label, and the name without what was `opened` around it.
fn rest(opened: &str, mut name: &str) -> (bool, String) {
    let mut is_separated = false;
    while let Some(c) = name.chars().next() {
        let is_tag = c == '<' && name[1..].starts_with('/');
        if is_tag && let Some(end) = tag_end(&name[1..]) {
            name = &name[end + 1..];
        } else if is_separator(c)
            || is_blank(c)
            || (is_emphasis(c) || matches!(c, '"' | '”' | '\'')) && opened.contains(c)
        {
            is_separated |= is_separator(c);
            name = &name[c.len_utf8()..];
        } else {
            break;
        }
    }
    let mut name = name.trim_end_matches(is_blank).to_owned();
    if opened.contains('|') {
        name = name.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ");
    }
    // What was opened before the label closes behind the name, or in it.
    for mark in ["**", "__", "~~", "*", "_", "`"] {
        let times = opened.matches(mark).count();
        if times % 2 == 1
            && name.matches(mark).count() % 2 == 1
            && let Some(place) = name.find(mark)
        {
            name.replace_range(place..place + mark.len(), "");
        }
    }
    if opened.contains('[')
        && let Some(close) = name.find("](")
        && let Some(end) = name[close..].find(')')
    {
        name.replace_range(close..=close + end, "");
    }
    if opened.contains('<') {
        while let Some(open) = name.rfind("</")
            && let Some(end) = name[open..].find('>')
        {
            name.replace_range(open..=open + end, "");
        }
    }
    let without = name.trim_end_matches(['#', '＃']);
    if without.ends_with(is_blank) || without.is_empty() {
        name.truncate(without.len());
    }
    let name = name.trim_matches(is_blank).to_owned();
    (is_separated || name.is_empty(), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_seen_in_any_dress() {
        for line in [
            "Thread 2: Rows",
            "**Thread 02: Rows**",
            "**Thread 02:** Rows",
            "**Thread 02**: Rows",
            "__Thread 2__ - Rows",
            "######Thread 02: Rows",
            "- [ ] Thread 2. Rows",
            "1. Thread 2) Rows",
            "✅ Thread 2 – Rows",
            "Thread-02: Rows",
            "Thread_02: Rows",
            "Thread02: Rows",
            "Thread #2: Rows",
            "Thread No. 2: Rows",
            "THREAD II: Rows",
            "Thread two: Rows",
            "Ｔｈｒｅａｄ　０２：Rows",
            "Th\u{200b}read 2: Rows",
            "[Thread 2: Rows](#rows)",
            "<h6>Thread 2: Rows</h6>",
            "| Thread 2 | Rows |",
            "`Thread 2`: Rows",
            "~~Thread 2: Rows~~",
            "\\###### Thread 2: Rows",
            "> Thread 2: Rows",
            "Threads 02: Rows",
            "thread: 2: Rows",
            "Thread (2): Rows",
            "2. **Thread 2: Rows**",
            "###### Thread 2: Rows ######",
        ] {
            let look = look(line).unwrap_or_else(|| panic!("{line:?}"));
            assert_eq!(
                (look.level, look.numbers.as_slice(), look.name.as_str(), look.is_separated),
                (Level::Thread, &[2][..], "Rows", true),
                "{line:?}"
            );
        }
        for (line, numbers) in [
            ("Thread 1.2.3: x", vec![1, 2, 3]),
            ("Thread 1-2-3: x", vec![1, 2, 3]),
            ("Thread 2000: x", vec![]),
            ("Thread A: x", vec![]),
            ("Stage 1a: x", vec![]),
        ] {
            assert_eq!(look(line).map(|look| look.numbers), Some(numbers), "{line:?}");
        }
    }

    #[test]
    fn prose_is_no_label() {
        for line in [
            "Thread safety: notes",
            "Threading 2: x",
            "Staging area",
            "Batch size: 3",
            "Task force: three",
            "A thread 2: x",
            "Thread: 2 rows",
            "Stage one-way doors",
            "Thread a lot",
        ] {
            assert_eq!(look(line), None, "{line:?}");
        }
    }
}
