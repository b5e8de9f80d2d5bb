//! Finds the agents that a line names: `@agent:NAME` in a thread's heading, on a line of its own, and in the other
//! ways in which people and models write it.
//!
//! A name is read as a whole or not at all. What cannot be read is reported, so that no part of a name is dropped in
//! silence.

use std::ops::Range;

use super::MAX_AGENT_CHARS;
use crate::roster::DEFAULT_AGENT;

/// What a heading or a line says of agents. All ranges are byte ranges of the line that was read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The agents, each with its range.
    pub(super) agents: Vec<(String, Range<usize>)>,
    /// Text that is meant as an agent and cannot be read. It comes with the right spelling, where that is certain.
    pub(super) unreadable: Vec<(Range<usize>, Option<String>)>,
    /// Each `@NAME`, which may be an agent or anything else, with its range.
    pub(super) mentions: Vec<(String, Range<usize>)>,
    /// A name without `@`. It is an agent if the roster has one of this name.
    pub(super) unsigned: Option<Unsigned>,
    /// The text of a heading without its agents.
    pub(super) rest: String,
    /// Whether the line is a field that names an agent: `@agent:NAME`, `**Agent:** NAME`.
    pub(super) is_field: bool,
}

/// A name without `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsigned {
    pub(super) name: String,
    pub(super) place: Range<usize>,
    /// What an edit replaces: the name with the signs before it. `None` if a word such as `by` comes before it,
    /// because the word would stay.
    pub(super) replaced: Option<Range<usize>>,
}

/// Words after which the name of an agent may come.
const LEADS: [&str; 14] = [
    "agent", "agents", "owner", "assignee", "assigned", "by", "to", "with", "using", "worker", "profile", "role",
    "executor", "for",
];

/// The maximum number of `@NAME` of one line that are looked up in the roster. Nobody gives a thread to more.
const MAX_MENTIONS: usize = 8;

/// Returns whether a character may occur in the name of an agent.
pub fn is_agent_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')
}

/// Reads what a heading says of agents.
pub(super) fn named_in(text: &str) -> Named {
    let mut named = Named::default();
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['@', '＠', 'a', 'A']) {
        let start = at + found;
        let sign = text[start..].chars().next().unwrap_or('@');
        at = start + sign.len_utf8();
        let is_sign = matches!(sign, '@' | '＠');
        let continues =
            text[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | '-' | '_' | '/' | '.'));
        let behind = if is_sign { &text[at..] } else { &text[start..] };
        let word = behind.trim_start_matches([' ', '`', '*']);
        // The address `ann@example.org` is no agent, but `Rows@agent:NAME` names one.
        if continues && !(is_sign && strip_agent(behind).is_some()) {
            continue;
        }
        if let Some(value) = strip_agent(word) {
            let value_at = text.len() - value.len();
            match (name(text, value_at), is_sign) {
                (Some((name, end)), true) if !is_cut(text, start, value_at, end) => {
                    cuts.push(unwrapped(text, start..end));
                    named.agents.push((name, start..end));
                    at = end;
                }
                // Without the `@`, `agent:NAME` is meant as an agent only at the end of a heading.
                (Some((name, end)), false)
                    if text[end..].trim_start_matches(|c: char| is_closing(c) || c.is_whitespace()).is_empty() =>
                {
                    let start = text[..start].trim_end_matches(['#', '$', ':', '!', '~', '/', '\\', '%', '&']).len();
                    // No edit: behind `by` the word would stay, and `&#64;agent:NAME` spells the sign as an entity.
                    let is_certain = !ends_with_lead(&text[..start]) && !text[..start].ends_with(';');
                    named.unreadable.push((start..end, is_certain.then(|| format!("@agent:{name}"))));
                    at = end;
                }
                (_, false) => {}
                (_, true) => {
                    named.unreadable.push((start..text.len(), None));
                    break;
                }
            }
        } else if is_sign {
            let (name, end) = mention(text, at);
            // `@agent NAME` lacks the colon.
            if name.eq_ignore_ascii_case("agent") {
                let value = text[end..].trim_matches(|c: char| c.is_whitespace() || is_closing(c) || is_opening(c));
                let is_name = !value.is_empty() && value.chars().all(is_agent_char);
                named.unreadable.push((start..text.len(), is_name.then(|| format!("@agent:{value}"))));
                break;
            }
            if !name.is_empty() && named.mentions.len() < MAX_MENTIONS {
                named.mentions.push((name, start..end));
            }
            at = end.max(at);
        }
    }
    named.rest = without(text, &cuts);
    if named.agents.is_empty() && named.unreadable.is_empty() && named.mentions.is_empty() {
        named.unsigned = unsigned(text);
    }
    named
}

/// Returns the name in the first `@agent:NAME` of each line that is not between backticks, with its offset in the
/// text.
pub(super) fn marked(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.contains(['@', '＠']) {
            let mut in_code = false;
            let agent = line.char_indices().find_map(|(at, c)| {
                in_code ^= c == '`';
                let behind = line.get(at + c.len_utf8()..).filter(|_| !in_code && matches!(c, '@' | '＠'))?;
                let value = strip_agent(behind)?;
                Some((start + at, name(line, line.len() - value.len())?.0))
            });
            found.extend(agent);
        }
        start += line.len();
    }
    found
}

/// Returns the last word of a heading if it may be an agent: it has a dash, and it stands behind a sign or a word
/// such as `by`.
fn unsigned(text: &str) -> Option<Unsigned> {
    let end = text.trim_end_matches(|c: char| is_closing(c) || c.is_whitespace() || c == '#').len();
    let word = text[..end].trim_end_matches(is_agent_char).len();
    let start = end - text[word..end].trim_start_matches(['-', '.', '/', '_']).len();
    let name = &text[start..end];
    let before = without_lead(&text[..start]);
    let has_word = ends_with_lead(before);
    let is_apart = has_word || before.len() < text[..start].trim_end().len();
    if !is_apart || !name.contains('-') || name.len() > MAX_AGENT_CHARS {
        return None;
    }
    let behind = end + text[end..].len() - text[end..].trim_start_matches(is_closing).len();
    let lead = before.len() + text[before.len()..].len() - text[before.len()..].trim_start().len();
    Some(Unsigned { name: name.to_owned(), place: start..end, replaced: (!has_word).then_some(lead..behind) })
}

/// Returns the name of an agent in a line of prose, `Agent: NAME` or `assigned to NAME`, if it has a dash.
pub(super) fn unsigned_in(line: &str) -> Option<Unsigned> {
    let lower = line.to_ascii_lowercase();
    ["agent:", "agent：", "assigned to"].into_iter().find_map(|lead| {
        let at = lower.find(lead)?;
        let is_word = !lower[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | '-' | '`' | '_' | '.'));
        let end = at + lead.len();
        let start = line.len() - line[end..].trim_start_matches([' ', '*', '_', '@', ':', '"', '(']).len();
        let length = line[start..].len() - line[start..].trim_start_matches(is_agent_char).len();
        let name = line[start..start + length].trim_end_matches(['.', '/', '_']);
        let is_name = is_word && name.contains('-') && name.len() <= MAX_AGENT_CHARS;
        is_name.then(|| Unsigned { name: name.to_owned(), place: start..start + name.len(), replaced: None })
    })
}

/// Returns whether the last word of a text is one of `LEADS`.
fn ends_with_lead(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    let start = text.trim_end_matches(char::is_alphanumeric).len();
    LEADS.contains(&text[start..].to_lowercase().as_str())
}

/// Returns a text without the signs at its end that point to an agent: `Rows ->`, `Rows (`, `Rows 🤖`.
fn without_lead(text: &str) -> &str {
    let mut text = text.trim_end();
    loop {
        let word = text.trim_end_matches(|c: char| !c.is_whitespace()).len();
        let stays = |c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '}' | '"' | '\'' | '”' | '»' | '!' | '?');
        if text.is_empty() || text[word..].contains(stays) {
            return text.trim_end_matches(|c: char| is_opening(c) && !matches!(c, '*' | '_' | '`') || is_leading(c));
        }
        text = text[..word].trim_end();
    }
}

/// Returns whether a character may stand between a name and its agent.
fn is_leading(c: char) -> bool {
    matches!(c, ' ' | '\t' | '-' | '–' | '—' | ',' | ';' | '|' | '·' | '→' | ':' | '\\')
}

/// Reads a line that only names an agent: `@agent:NAME`, `@NAME`, `**Agent:** NAME`. Returns `None` for any other
/// line.
pub(super) fn agent_line(line: &str) -> Option<Named> {
    let start = line.len() - line.trim_start_matches(|c: char| c != '@' && c != '＠' && !c.is_alphanumeric()).len();
    let text = &line[start..];
    if text.starts_with(['@', '＠']) {
        let mut named = named_in(line);
        named.is_field = !named.agents.is_empty() || !named.unreadable.is_empty();
        let is_alone = named.rest.trim_matches(|c: char| !c.is_alphanumeric() && c != '@').is_empty();
        let is_mention = named.agents.is_empty()
            && named.unreadable.is_empty()
            && matches!(&named.mentions[..], [(_, place)] if line[place.end..].trim_matches(|c: char| !c.is_alphanumeric()).is_empty());
        named.rest.clear();
        return (is_alone || is_mention || !named.unreadable.is_empty() && named.agents.is_empty()).then_some(named);
    }
    let label = ["assigned agent", "agent name", "assigned to", "assignee", "assigned", "agents", "agent"]
        .into_iter()
        .find(|label| text.get(..label.len()).is_some_and(|head| head.eq_ignore_ascii_case(label)))?;
    let behind = text[label.len()..].trim_start_matches("(s)");
    let value = behind.trim_start_matches([' ', '*', '_', '`']);
    // `**Agent** NAME` is a field too, without a colon.
    let is_bold = behind.starts_with("**") || behind.starts_with("__");
    let value = value.strip_prefix([':', '：', '=']).or_else(|| is_bold.then_some(value))?;
    let is_field = line[..start].contains(['*', '_']);
    let mut named = Named { is_field, ..Named::default() };
    let is_around = |c: char| c.is_whitespace() || is_opening(c) || is_closing(c) || matches!(c, '@' | '＠');
    let value = value.trim_matches(is_around);
    let name = strip_agent(value).unwrap_or(value).trim_matches(is_around);
    let at = line.rfind(name).unwrap_or(start);
    if !name.is_empty() && name.chars().all(is_agent_char) && name.chars().count() <= MAX_AGENT_CHARS {
        named.agents.push((name.to_owned(), at..at + name.len()));
    } else if is_field || (1..=4).contains(&value.split_whitespace().count()) {
        named.unreadable.push((start..line.trim_end().len().max(start), None));
    } else {
        return None;
    }
    Some(named)
}

/// Returns the text behind `agent:` at the start of a text, in any case of letters; also behind `agents:` and
/// `agent=`.
fn strip_agent(text: &str) -> Option<&str> {
    let (head, rest) = (text.get(..5)?, &text[5..]);
    if !head.eq_ignore_ascii_case("agent") {
        return None;
    }
    let rest = rest.strip_prefix(['s', 'S']).unwrap_or(rest);
    rest.trim_start_matches([' ', '`', '*', '_']).strip_prefix([':', '：', '='])
}

/// Reads the name of an agent at `at`, with the brackets around it. Returns the name and the offset behind it, or
/// `None` if no valid name stands there.
fn name(text: &str, at: usize) -> Option<(String, usize)> {
    let value = text[at..].trim_start_matches(|c: char| c.is_whitespace() || is_opening(c) || c == '@');
    let start = text.len() - value.len();
    let length = value.len() - value.trim_start_matches(is_agent_char).len();
    let name = value[..length].trim_end_matches(['.', '/']);
    let end = start + name.len();
    let behind = text[end..].trim_start_matches(|c: char| is_closing(c));
    let ends = behind.is_empty() || behind.starts_with(char::is_whitespace) || behind.starts_with("<!--");
    let closers = text[at..start].chars().filter(|c| is_opening(*c)).count();
    let end = end + text[end..].chars().take(closers).take_while(|c| is_closing(*c)).map(char::len_utf8).sum::<usize>();
    (ends && !name.is_empty() && name.chars().count() <= MAX_AGENT_CHARS).then(|| (name.to_owned(), end))
}

/// Returns whether the author wrote more of an agent than was read: `@agent: two words`, `@agent:a, b`.
fn is_cut(text: &str, start: usize, value_at: usize, end: usize) -> bool {
    let behind = text[end..].trim_start();
    let is_last = text[..start].contains([':', '-']) || start == 0;
    let has_space = text[value_at..].starts_with(' ');
    let has_name = text[..start].rsplit([':', '-']).next().is_some_and(|name| name.contains(char::is_alphanumeric));
    let goes_on = behind.trim_start_matches([',', '/', '&', '|', '+', ' ']).starts_with(char::is_alphanumeric);
    let is_choice =
        ["or ", "and ", "then ", "else "].into_iter().find_map(|word| behind.strip_prefix(word)).is_some_and(|next| {
            // `and reviewer-b` names a second agent, `and more` belongs to the name of the thread.
            let next = next.split_whitespace().next().unwrap_or_default();
            !behind.starts_with('a') || next.contains('-') || next.starts_with(DEFAULT_AGENT)
        });
    (behind.starts_with([',', '/', '&', '|', '+']) && goes_on || is_choice) && has_name
        || has_space && is_last && has_name && behind.starts_with(char::is_alphanumeric)
}

/// Reads the name behind an `@`, which may be empty. Returns it and its end.
fn mention(text: &str, at: usize) -> (String, usize) {
    let length = text[at..].len() - text[at..].trim_start_matches(is_agent_char).len();
    let name = text[at..at + length].trim_end_matches(['.', '/']);
    (name.to_owned(), at + name.len())
}

pub(super) fn is_opening(c: char) -> bool {
    matches!(c, '(' | '[' | '{' | '<' | '`' | '*' | '_' | '"' | '\'' | '“' | '«' | '（' | '【')
}

fn is_closing(c: char) -> bool {
    matches!(
        c,
        ')' | ']'
            | '}'
            | '>'
            | '`'
            | '*'
            | '_'
            | '"'
            | '\''
            | '”'
            | '»'
            | '）'
            | '】'
            | ','
            | '.'
            | ';'
            | ':'
            | '!'
            | '?'
    )
}

/// Returns a range extended by the pairs of brackets and quotes around it.
fn unwrapped(text: &str, mut place: Range<usize>) -> Range<usize> {
    loop {
        let (left, right) = (text[..place.start].trim_end(), text[place.end..].trim_start());
        let (Some(open), Some(close)) = (left.chars().next_back(), right.chars().next()) else { return place };
        let pairs = "()[]{}<>``**__\"\"''“”«»（）【】";
        let mut pairs = pairs.chars().zip(pairs.chars().skip(1)).step_by(2);
        if !pairs.any(|pair| pair == (open, close)) {
            return place;
        }
        place = left.len() - open.len_utf8()..text.len() - right.len() + close.len_utf8();
    }
}

/// Returns a text without the ranges `cuts` and without the signs that point to them.
fn without(text: &str, cuts: &[Range<usize>]) -> String {
    let mut rest = String::new();
    let mut at = 0;
    for cut in cuts {
        push(&mut rest, without_lead(&text[at..cut.start.max(at)]));
        at = cut.end;
    }
    let last = text[at..].trim();
    push(
        &mut rest,
        if cuts.is_empty() { last } else { last.trim_start_matches([' ', '-', '–', '—', ',', ';', '|', ':', '.']) },
    );
    rest
}

/// Appends a piece to a text, with one space between them.
fn push(text: &mut String, piece: &str) {
    let piece = piece.trim();
    if !text.is_empty() && !piece.is_empty() {
        text.push(' ');
    }
    text.push_str(piece);
}
