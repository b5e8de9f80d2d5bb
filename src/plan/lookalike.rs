//! Recognises a line that stands for a heading of the plan's structure, in any spelling. People and models write
//! `**Thread 02: Rows**`, `######Thread-02` and `- [ ] Task 1.2`. If such a line were not recognised, its thread
//! would vanish into the text above it.
//!
//! This file reads one line and knows nothing of the lines around it. It answers what the line may mean; `reader`
//! decides whether it does.

use super::before::{
    Before, WORDS, before, entity_end, folded, is_blank, is_emphasis, tag_end, take_while, within, word_of,
};
use super::id::number;
use super::problem::Level;

/// What a line seems to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the line")]
pub(super) struct Look {
    pub(super) level: Level,
    /// Whether it is called a task, which may also be a part of a thread.
    pub(super) is_task: bool,
    /// The number, or the parts of an id. Empty if the line is numbered in a way that cannot be read.
    pub(super) numbers: Vec<u16>,
    /// The rest of the line, without the marks around the label.
    pub(super) name: String,
    /// Whether a sign stands between number and name, or there is no name.
    pub(super) is_separated: bool,
    /// Whether that sign is a comma or a semicolon, which may also be part of a sentence.
    pub(super) is_comma: bool,
    /// Whether it names more than one: `Thread 02 and 03: Rows`.
    pub(super) is_several: bool,
    pub(super) before: Before,
    /// The offset at which the label begins.
    pub(super) start: usize,
}

/// The numbers 0 to 12 as words.
pub(super) const NUMBER_WORDS: [&str; 13] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The Roman numerals 1 to 12.
pub(super) const ROMAN: [&str; 12] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"];

/// Returns what a line seems to be, or `None` if it does not begin with a word of the structure and something that
/// may be a number.
pub(super) fn look(line: &str) -> Option<Look> {
    begins_with_a_word(line).or_else(|| behind_a_remark(line))
}

/// Reads a bold line with one word before the label, as in `**New: Thread 02 - Rows**`.
fn behind_a_remark(line: &str) -> Option<Look> {
    let (remark, title) = line.trim().strip_prefix("**")?.strip_suffix("**")?.split_once(": ")?;
    let look = begins_with_a_word(title).filter(|look| look.is_separated && !look.name.is_empty())?;
    let start = line.find(title)? + look.start;
    (!remark.contains(char::is_whitespace)).then_some(Look { start, ..look })
}

/// Reads a line that begins with a word of the structure.
fn begins_with_a_word(line: &str) -> Option<Look> {
    let (before, start) = before(line);
    let mut at = start;
    let (word, level) = word_of(&take_while(line, &mut at, char::is_alphabetic))?;
    let (gap, is_colon) = gap(line, &mut at);
    let numbers = numbers(line, &mut at, gap)?;
    let (is_separated, name) = rest(&line[..at], &line[at..]);
    if is_colon && (!is_separated || name.is_empty()) {
        // `Thread: 2 rows` is a name without a number, and `Threads: 4` says how many there are.
        return None;
    }
    let behind = &line[at..];
    let (is_several, is_comma) = (is_several(behind), behind.trim_start_matches(is_blank).starts_with([',', ';']));
    Some(Look { level, is_task: word == "task", numbers, name, is_separated, is_comma, is_several, before, start })
}

/// Returns the numbers and the name of a heading without a word of the structure: `01.01.02 Rows`, `1. Setup`.
pub(super) fn bare_number(title: &str) -> Option<(Vec<u16>, String)> {
    let digits = title.len() - title.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let numbers: Option<Vec<u16>> = title[..digits].trim_end_matches('.').split('.').map(number).collect();
    let name = title[digits..].trim_start_matches([':', ')', '-', '–', '—', ' ', '\t']);
    let word = WORDS.iter().find_map(|(word, _)| strip_word(name, word)).unwrap_or(name);
    let word = word.trim_start_matches(|c| is_blank(c) || is_separator(c));
    (name.len() < title[digits..].len() && !word.is_empty()).then_some((numbers?, word.trim().to_owned()))
}

/// Other words that people use for a stage, a batch or a thread.
const OTHER_WORDS: [&str; 12] =
    ["phase", "step", "milestone", "sprint", "iteration", "epic", "wave", "group", "part", "track", "subtask", "story"];

/// Reads a heading that is numbered with another word, `Phase 2: UI`, or with a letter, `B1`. Returns its level (if
/// the letter states it), its numbers and its name.
pub(super) fn other_number(title: &str) -> Option<(Option<Level>, Vec<u16>, String)> {
    let title = title.trim_matches(|c| is_blank(c) || is_emphasis(c));
    let mut at = 0;
    let word = take_while(title, &mut at, char::is_alphabetic);
    let level = match word.as_str() {
        "s" => Some(Level::Stage),
        "b" => Some(Level::Batch),
        "t" => Some(Level::Thread),
        word if OTHER_WORDS.contains(&word) => None,
        _ => return None,
    };
    let has_gap = gap(title, &mut at).0;
    // The number follows a letter directly, and a word behind a gap.
    if has_gap == level.is_some() {
        return None;
    }
    let numbers = numbers(title, &mut at, has_gap)?;
    let (is_separated, name) = rest(&title[..at], &title[at..]);
    (is_separated && !numbers.is_empty()).then_some((level, numbers, name))
}

/// Skips what stands between word and number. Returns whether there was anything, and whether a colon was in it.
fn gap(line: &str, at: &mut usize) -> (bool, bool) {
    let start = *at;
    let mut is_colon = false;
    loop {
        let is_gap = |c: char| {
            is_blank(c)
                || is_emphasis(c)
                || matches!(
                    folded(c),
                    '-' | '_'
                        | '#'
                        | '.'
                        | ':'
                        | '('
                        | '['
                        | '{'
                        | '<'
                        | '"'
                        | '“'
                        | '«'
                        | '\''
                        | '–'
                        | '—'
                        | '→'
                        | ';'
                        | '№'
                        | '/'
                        | '\\'
                        | '='
                )
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
        let rest = within(&line[*at..], 7).to_lowercase();
        let abbreviation = ["number", "num", "no", "nr", "id", "n°", "nº"].into_iter().find(|word| {
            let is_sign = word.ends_with(['°', 'º']);
            rest.strip_prefix(word)
                .is_some_and(|behind| is_sign || behind.starts_with(['.', ' ', ':']) || behind.is_empty())
        });
        match abbreviation {
            Some(word) if counts(line[*at + word.len()..].trim_start_matches(is_gap)) => *at += word.len(),
            _ => return (*at > start, is_colon),
        }
    }
}

/// Returns whether a second number follows the first one, before the name: `& 03: Rows`, `and Thread 03`.
fn is_several(behind: &str) -> bool {
    let rest = within(behind, 40).trim_start_matches(is_blank);
    let sign = rest.strip_prefix([',', '&', '+', '/']);
    let Some(rest) = sign.or_else(|| rest.strip_prefix("and ")).or_else(|| rest.strip_prefix("or ")) else {
        return false;
    };
    let rest = rest.trim_start_matches(|c| is_blank(c) || is_emphasis(c));
    let mut at = 0;
    let rest = match word_of(&take_while(rest, &mut at, char::is_alphabetic)) {
        Some(_) => rest[at..].trim_start_matches(|c| is_blank(c) || matches!(c, '#' | '-' | '_')),
        None => rest,
    };
    let behind = rest.trim_start_matches(|c: char| folded(c).is_ascii_digit() || c == '.');
    let next = behind.trim_start_matches(|c| is_blank(c) || is_emphasis(c));
    // In `Thread 02, 3 rows` the second number belongs to the name.
    behind.len() < rest.len() && (next.is_empty() || next.starts_with(is_separator) || is_several(behind))
}

/// Returns whether a text begins with a number, in digits or as a word.
fn counts(text: &str) -> bool {
    let mut at = 0;
    text.starts_with(|c: char| folded(c).is_ascii_digit())
        || NUMBER_WORDS.contains(&take_while(text, &mut at, char::is_alphanumeric).as_str())
}

/// Reads a number or an id. Returns `None` if nothing is meant as one, and an empty list if it cannot be read.
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
        // `Thread 2's lock` is a sentence.
        if line[*at..].starts_with("'s") || line[*at..].starts_with("’s") {
            return None;
        }
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
    let place = place.or_else(|| {
        ROMAN.iter().position(|known| (is_upper || word.len() > 1) && *known == word).map(|place| place + 1)
    });
    match place.and_then(|place| u16::try_from(place).ok()) {
        Some(number) => Some(vec![number]),
        // `Thread A: Rows` and `Thread ٢: Rows` are numbered in a way that this program does not read.
        None => (word.chars().count() == 1 && (is_upper || word.chars().all(char::is_numeric))).then(Vec::new),
    }
}

/// Returns whether a text begins with a separator. The dash of `one-way` is none.
fn is_separated_word(behind: &str) -> bool {
    let mut chars = behind.chars();
    chars.next().is_some_and(|c| is_separator(c) && (c != '-' || chars.next().is_none_or(is_blank)))
}

/// Returns the text behind `word`, in any case of letters, if `text` begins with it and the word ends there: at a
/// colon, at whitespace or at the end.
pub(super) fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    let rest = &text[word.len()..];
    let ends = rest.chars().next().is_none_or(|c| c == ':' || c.is_whitespace());
    (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// Returns whether a character may separate the number of a heading from its name.
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

/// Returns the opening sign that a closing sign belongs to.
fn closes(c: char) -> Option<char> {
    Some(match c {
        '"' | '\'' => c,
        '”' => '“',
        '»' => '«',
        '}' => '{',
        '>' => '<',
        _ => return None,
    })
}

/// Returns whether a separator follows the label, and the name. `opened` is the text up to the end of the label; what
/// was opened there is closed in or around the name, and removed from it.
fn rest(opened: &str, mut name: &str) -> (bool, String) {
    let mut is_separated = false;
    while let Some(c) = name.chars().next() {
        let is_tag = c == '<' && name[1..].starts_with('/');
        let is_closed_here =
            is_emphasis(c) && within(name, 16).trim_start_matches(is_emphasis).starts_with(is_separator);
        if is_tag && let Some(end) = tag_end(&name[1..]) {
            name = &name[end + 1..];
        } else if is_separator(c)
            || is_blank(c)
            || is_closed_here
            || is_emphasis(c) && opened.contains(c)
            || closes(c).is_some_and(|open| opened.contains(open))
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
    // An odd number of marks before the label leaves one open. It closes behind the name or in it.
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
    fn a_label_is_recognised_in_any_spelling() {
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
    fn prose_is_not_a_label() {
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
