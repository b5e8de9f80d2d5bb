//! The entry of the parser: finds headings and lines that stand for them, and hands them to the reader in order.

use std::borrow::Cow;

use super::Plan;
use super::lines::lines;
use super::outline::outline;
use super::reader::Reader;
use super::source::Source;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Parses a PLAN.md into a plan and the problems of its text. It cannot fail (DESIGN §3).
///
/// A heading whose place in the plan is unclear (no number, or a number that is already taken) is a problem and not
/// part of the plan. A byte order mark is skipped. The ranges of edits are byte ranges of `text` as it was passed in.
pub fn parse(text: &str) -> Plan {
    let skipped = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    let line_end = line_end(text);
    let text = with_line_feeds(&text[skipped..]);
    let outline = outline(&text);
    let source = Source::new(&text, &outline);
    // Each heading sets the place of those below it. So headings, and lines that stand for one, are read in the order
    // of the file.
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
    // Drop every edit that would lose a word. New lines in an edit take the line end of the file.
    for problem in &mut plan.problems {
        problem.edit = problem.edit.take().filter(|edit| edit.keeps_text(&text));
        if let Some(edit) = &mut problem.edit {
            edit.text = edit.text.replace('\n', line_end);
        }
    }
    // The reader saw the text without the byte order mark, but edits apply to the text with it.
    let mentions = plan.mentions.iter_mut().filter_map(|mention| mention.edit.as_mut()).map(|edit| &mut edit.range);
    let edits = plan.problems.iter_mut().filter_map(|problem| problem.edit.as_mut()).map(|edit| &mut edit.range);
    for range in edits.chain(mentions) {
        *range = range.start + skipped..range.end + skipped;
    }
    plan
}

/// Returns the line end of the first line, `\n` if there is none.
fn line_end(text: &str) -> &'static str {
    match text.find(['\n', '\r']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// Replaces each carriage return that is not part of CRLF with a line feed. CommonMark takes both for a line end, the
/// rest of this parser only the line feed. Both are one byte, so offsets stay valid.
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
