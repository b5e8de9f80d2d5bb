//! The text of a PLAN.md and where things stand in it: spans without comments, lines and columns.

use std::ops::Range;

use super::NamedAgent;
use super::outline::{Comment, Outline};

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

    /// Returns the line that holds a place, from 1.
    pub(super) fn line_number(&self, offset: usize) -> usize {
        self.lines.starts.partition_point(|start| *start <= offset)
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

    /// Returns the source of `range` with blanks in place of comments: nothing moves.
    pub(super) fn masked(&self, range: Range<usize>) -> String {
        let mut text = String::with_capacity(range.len());
        let mut at = range.start;
        for comment in comments_within(&self.outline.comments, &range) {
            let start = comment.range.start.max(at);
            text.push_str(&self.text[at..start]);
            at = comment.range.end.clamp(start, range.end);
            text.extend(std::iter::repeat_n(' ', at - start));
        }
        text.push_str(&self.text[at..range.end]);
        text
    }

    /// Returns the end of a line without what ends it.
    pub(super) fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        range.start..range.start + self.text[range].trim_end_matches(['\n', '\r']).len()
    }

    /// Returns the line that holds a place, without its end.
    pub(super) fn line_at(&self, offset: usize) -> Range<usize> {
        let start = self.lines.start_of(offset);
        let length = self.text[start..].find('\n').unwrap_or(self.text.len() - start);
        self.trimmed(start..start + length)
    }

    pub(super) fn named_agent(&self, name: String, offset: usize) -> NamedAgent {
        let (line, column) = self.lines.position(offset);
        NamedAgent { name, line, column }
    }
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

    fn start_of(&self, offset: usize) -> usize {
        self.starts[self.starts.partition_point(|start| *start <= offset) - 1]
    }

    /// Returns line and column in characters, both from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        (line, self.text[start..offset].chars().count() + 1)
    }
}
