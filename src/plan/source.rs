//! The text of a PLAN.md and positions in it: text without comments, lines and columns.

use std::ops::Range;

use super::NamedAgent;
use super::outline::{Comment, Outline};

/// A text, its CommonMark outline, and the offsets of its lines. All offsets are in bytes.
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) outline: &'t Outline,
    lines: Lines<'t>,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str, outline: &'t Outline) -> Self {
        Self { text, outline, lines: Lines::new(text) }
    }

    /// Returns the line and the column (in characters) of an offset, both from 1.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        self.lines.position(offset)
    }

    /// Returns the number of the line that contains an offset, from 1.
    pub(super) fn line_number(&self, offset: usize) -> usize {
        self.lines.starts.partition_point(|start| *start <= offset)
    }

    /// Returns the source of `range` byte for byte, without HTML comments and without the whitespace around it.
    pub(super) fn span(&self, range: Range<usize>) -> String {
        let mut text = String::with_capacity(range.len());
        let mut at = range.start;
        for comment in comments_within(&self.outline.comments, &range) {
            // A comment can begin before the range or end behind it.
            text.push_str(&self.text[at..comment.range.start.max(at)]);
            at = comment.range.end.clamp(at, range.end);
        }
        text.push_str(&self.text[at..range.end]);
        trim_blank(&text).to_owned()
    }

    /// Returns the source of `range` with spaces in place of comments. The length in bytes stays the same, so offsets
    /// stay valid.
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

    /// Returns `range` without the line end at its end.
    pub(super) fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        range.start..range.start + self.text[range].trim_end_matches(['\n', '\r']).len()
    }

    /// Returns the range of the line that contains an offset, without its line end.
    pub(super) fn line_at(&self, offset: usize) -> Range<usize> {
        let start = self.lines.start_of(offset);
        let length = self.text[start..].find('\n').unwrap_or(self.text.len() - start);
        self.trimmed(start..start + length)
    }

    /// Returns an agent with the line and column of an offset.
    pub(super) fn named_agent(&self, name: String, offset: usize) -> NamedAgent {
        let (line, column) = self.lines.position(offset);
        NamedAgent { name, line, column }
    }
}

/// Returns the comments that overlap `range`.
fn comments_within<'c>(comments: &'c [Comment], range: &Range<usize>) -> impl Iterator<Item = &'c Comment> {
    let first = comments.partition_point(|comment| comment.range.end <= range.start);
    let end = range.end;
    comments[first..].iter().take_while(move |comment| comment.range.start < end)
}

/// Trims blank lines and other whitespace around a text. If blank lines come first, the indentation of the first line
/// with text stays, because it can mark a code block.
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

/// The offsets at which lines start, for turning an offset into a line and a column.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Returns the start of the line that contains an offset.
    fn start_of(&self, offset: usize) -> usize {
        self.starts[self.starts.partition_point(|start| *start <= offset) - 1]
    }

    /// Returns the line and the column (in characters) of an offset, both from 1.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        (line, self.text[start..offset].chars().count() + 1)
    }
}
