//! Headings become stages, batches and threads. The one function here cannot fail.

use std::borrow::Cow;

use super::Plan;
use super::lines::lines;
use super::outline::outline;
use super::reader::Reader;
use super::source::Source;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a PLAN.md: a plan, and all that is wrong with its text.
///
/// What carries a problem that leaves its place in the plan unclear (no number, a number that is
/// already taken) is not part of the plan. A byte order mark is skipped.
pub fn parse(text: &str) -> Plan {
    let skipped = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    let line_end = line_end(text);
    let text = with_line_feeds(&text[skipped..]);
    let outline = outline(&text);
    let source = Source::new(&text, &outline);
    let mut reader = Reader::new(&source);
    let mut lines = lines(&source).into_iter().peekable();
    for heading in &outline.headings {
        while let Some(line) = lines.next_if(|line| line.range.start < heading.range.start) {
            reader.line(&line);
        }
        reader.heading(heading);
    }
    for line in lines {
        reader.line(&line);
    }
    let mut plan = reader.finish();
    for problem in &mut plan.problems {
        problem.edit = problem.edit.take().filter(|edit| edit.keeps_text(&text));
        if let Some(edit) = &mut problem.edit {
            edit.text = edit.text.replace('\n', line_end);
        }
    }
    let mentions = plan.mentions.iter_mut().filter_map(|mention| mention.edit.as_mut()).map(|edit| &mut edit.range);
    let edits = plan.problems.iter_mut().filter_map(|problem| problem.edit.as_mut()).map(|edit| &mut edit.range);
    for range in edits.chain(mentions) {
        *range = range.start + skipped..range.end + skipped;
    }
    plan
}

/// Returns what ends the lines of a text.
fn line_end(text: &str) -> &'static str {
    match text.find(['\n', '\r']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// Returns the text with each carriage return that stands alone, a line end to `CommonMark`, as the line
/// feed that everything else here takes for one. Nothing moves: both have one byte.
pub(crate) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    let is_alone = |at: usize| !text[at + 1..].starts_with('\n');
    if !text.match_indices('\r').any(|(at, _)| is_alone(at)) {
        return Cow::Borrowed(text);
    }
    let mut chars = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        out.push(if c == '\r' && chars.peek() != Some(&'\n') { '\n' } else { c });
    }
    Cow::Owned(out)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "spelling_tests.rs"]
mod spelling_tests;
