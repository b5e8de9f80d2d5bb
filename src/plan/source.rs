//! The text of a PLAN.md and where things stand in it: spans without comments, lines and columns, the
//! agents that it names.

use std::ops::Range;

use super::outline::{Comment, Heading, Outline};
use super::{MAX_AGENT_CHARS, NamedAgent};

/// A text, what CommonMark sees in it, and where its lines start.
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) outline: &'t Outline,
    lines: Lines<'t>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str, outline: &'t Outline) -> Self {
        Self { text, outline, lines: Lines::new(text) }
    }

    /// Returns line and column in characters, both from 1.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        self.lines.position(offset)
    }

    /// Returns the source of `range` byte for byte, without HTML comments and the blank around it.
    pub(super) fn span(&self, range: Range<usize>) -> String {
        let mut text = String::with_capacity(range.len());
        let mut at = range.start;
        for comment in comments_within(&self.outline.comments, &range) {
            text.push_str(&self.text[at..comment.range.start.max(at)]);
            at = comment.range.end.clamp(at, range.end);
        }
        text.push_str(&self.text[at..range.end]);
        trim_blank(&text).to_owned()
    }

    /// Returns a heading's text without comments and agent, and the agent.
    pub(super) fn title(&self, heading: &Heading) -> (String, Option<NamedAgent>) {
        let title = self.span(heading.content.clone());
        match agent_in(&title) {
            None => (title.trim().to_owned(), None),
            Some((name, at)) => {
                let without = format!("{} {}", title[..at.start].trim_end(), title[at.end..].trim_start());
                let offset = self.text[heading.content.clone()].find("@agent:").unwrap_or(0);
                let agent = self.named_agent(name, heading.content.start + offset);
                (without.trim().to_owned(), Some(agent))
            }
        }
    }

    /// Returns the agent of an `@agent:NAME` on a line of its own directly under the heading, and where
    /// that line ends. Comments and blank lines may stand around it.
    pub(super) fn agent_line(&self, range: &Range<usize>) -> Option<(NamedAgent, usize)> {
        let mut start = range.start;
        for line in self.text[range.clone()].split_inclusive('\n') {
            let end = start + line.len();
            let text = self.span(start..end);
            if !text.is_empty() {
                let (name, _) = agent_in(&text).filter(|(_, at)| *at == (0..text.len()))?;
                let column = line.find("@agent:").unwrap_or_default();
                return Some((self.named_agent(name, start + column), end));
            }
            start = end;
        }
        None
    }

    pub(super) fn named_agent(&self, name: String, offset: usize) -> NamedAgent {
        let (line, column) = self.lines.position(offset);
        NamedAgent { name, line, column }
    }
}

/// Returns the first `@agent:NAME` of a text and its place.
fn agent_in(text: &str) -> Option<(String, Range<usize>)> {
    const MARK: &str = "@agent:";
    let start = text.find(MARK)?;
    let name: String =
        text[start + MARK.len()..].chars().take_while(|c| is_agent_char(*c)).take(MAX_AGENT_CHARS).collect();
    (!name.is_empty()).then(|| {
        let end = start + MARK.len() + name.len();
        (name, start..end)
    })
}

/// Returns whether a character can stand in the name of an agent.
pub fn is_agent_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')
}

fn comments_within<'c>(comments: &'c [Comment], range: &Range<usize>) -> impl Iterator<Item = &'c Comment> {
    let first = comments.partition_point(|comment| comment.range.end <= range.start);
    let end = range.end;
    comments[first..].iter().take_while(move |comment| comment.range.start < end)
}

/// Trims blank lines at the start, the blank before text on the first line, and blanks at the end;
/// the indentation of a first line of its own stays, since it can be code.
fn trim_blank(text: &str) -> &str {
    let text = text.trim_end();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            break;
        }
        start += line.len();
    }
    let text = &text[start..];
    if start == 0 { text.trim_start() } else { text }
}

/// Where lines start, to turn offsets into lines and columns.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Returns line and column in characters, both from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        (line, self.text[start..offset].chars().count() + 1)
    }
}
