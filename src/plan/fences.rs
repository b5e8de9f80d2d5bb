//! Finds code blocks that swallow the text below them: blocks that are never closed, and blocks closed by the end of
//! another.

use std::ops::Range;

use super::lookalike::look;
use super::outline::BlockKind;
use super::problem::{Level, ProblemKind};
use super::source::Source;

/// A code block between fences.
struct Fence {
    /// The offset of the opening fence.
    start: usize,
    is_closed: bool,
    /// The offset of a line inside it that seems to open another code block.
    inner: Option<usize>,
    /// The offset and the level of the first heading of the plan's structure in it.
    heading: Option<(usize, Level)>,
}

/// Returns the problems of the code blocks in a text, each with its offset.
pub(super) fn fence_problems(source: &Source<'_>) -> Vec<(usize, ProblemKind)> {
    let blocks = source.outline.blocks.iter().filter(|block| block.kind == BlockKind::Fence);
    let fences: Vec<Fence> = blocks.map(|block| fence(source, &block.range)).collect();
    let mut found = Vec::new();
    let never_closed = fences.iter().any(|fence| !fence.is_closed);
    // After the first doubtful block the fences are out of step. What later blocks hold is then a consequence, not
    // reported again.
    let mut cause_is_told = false;
    // A block inside another one matters only if structure may be lost in it or behind it.
    let last_heading = fences.iter().rposition(|fence| fence.heading.is_some() || !fence.is_closed);
    for (at, fence) in fences.iter().enumerate() {
        if let Some(inner) = fence.inner.filter(|_| last_heading.is_some_and(|last| last >= at)) {
            found.push((fence.start, ProblemKind::FenceInFence(source.position(inner).0)));
            cause_is_told = true;
        } else if !fence.is_closed && cause_is_told {
            // The block that was reported above has taken the closing fence of this one.
        } else if !fence.is_closed {
            found.push((fence.start, ProblemKind::UnclosedFence));
        } else if let Some((place, level)) = fence.heading {
            // Fences are paired in order. If one remains at the end, the block that lacks its closing fence is
            // probably the first one that swallowed structure.
            if never_closed && !cause_is_told {
                found.push((fence.start, ProblemKind::UnclosedFence));
                cause_is_told = true;
            } else if !cause_is_told {
                found.push((place, ProblemKind::HeadingInFence(level)));
            }
        }
    }
    found
}

/// Examines the code block of range `range`.
fn fence(source: &Source<'_>, range: &Range<usize>) -> Fence {
    let text = &source.text[range.clone()];
    let mark = text.chars().next().unwrap_or('`');
    let width = text.len() - text.trim_start_matches(mark).len();
    let mut fence = Fence { start: range.start, is_closed: false, inner: None, heading: None };
    let mut at = range.start;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_start_matches([' ', '\t', '>']);
        let marks = bare.len() - bare.trim_start_matches(mark).len();
        let info = bare[marks..].trim();
        if number > 0 {
            fence.is_closed = marks >= width && info.is_empty();
            // A fence with an info string, such as `rust` behind the marks, cannot close a block: it opens one.
            if marks >= width && !info.is_empty() && !info.contains(mark) && !info.contains(' ') {
                fence.inner.get_or_insert(at);
            }
            let is_heading = bare.starts_with('#');
            if is_heading && fence.heading.is_none() {
                fence.heading = look(line).map(|look| (at, look.level));
            }
        }
        at += line.len();
    }
    fence
}
