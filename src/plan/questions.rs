//! The questions of a stage: which are open, and what was answered (DESIGN §3).
//!
//! Whatever stands in a list there is a question until it is ticked: a person who approves a plan must
//! not miss one because its box was spelled in another way.

use std::ops::Range;

use super::outline::{BlockKind, Item};
use super::source::Source;

/// How much of an open question a problem tells, in characters.
const MAX_QUESTION_CHARS: usize = 300;

/// What stands under `#### Stage Questions`.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Each with its place.
    pub(super) open: Vec<(usize, String)>,
    /// The questions that are ticked, with their answers.
    pub(super) answers: Vec<String>,
}

/// A list item as a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tick {
    Ticked,
    /// A box that is empty, or holds anything but an x.
    Open,
    NoBox,
}

/// Reads the questions in `range`.
pub(super) fn questions(source: &Source<'_>, range: &Range<usize>) -> Questions {
    let mut found = Questions::default();
    let items = within(&source.outline.items, range);
    // The items that the one at hand stands in: each of them says what those below it are.
    let mut above: Vec<(usize, Tick)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        while above.last().is_some_and(|(end, _)| *end <= item.range.start) {
            above.pop();
        }
        let (tick, at_box, text) = read(source, item, range.end);
        // Below an answered question stands its answer, below an open one what belongs to it.
        let is_covered = above.iter().any(|(_, tick)| *tick == Tick::Open) || !above.is_empty() && tick != Tick::Open;
        if above.last().is_none_or(|(_, last)| *last != tick) {
            above.push((item.range.end, tick));
        }
        if is_covered {
            continue;
        }
        let line = source.line_at(text.start.min(source.text.len())).end.min(text.end).max(text.start);
        match tick {
            Tick::Ticked => {
                let answer = source.span(text);
                found.answers.extend((!answer.is_empty()).then_some(answer));
            }
            // `- - [ ] Which?`
            Tick::NoBox if items.get(at + 1).is_some_and(|next| next.range.start < line) => {}
            // Items that are a list of ticked ones are its title.
            Tick::NoBox if has_only_ticked(source, &items[at + 1..], item, range.end) => {}
            Tick::Open | Tick::NoBox => {
                let question = source.span(text.start..line);
                if !asks_nothing(&question) {
                    found.open.push((at_box, shortened(&question)));
                }
            }
        }
    }
    for block in within_blocks(source, range) {
        let text = source.span(block.clone());
        let asks = |line: &&str| {
            line.trim_end_matches(|c: char| c != '?' && c != '？' && !c.is_alphanumeric()).ends_with(['?', '？'])
        };
        if let Some(line) = text.lines().find(asks) {
            found.open.push((block.start, shortened(line.trim_start_matches(['#', ' ', '|', '>']))));
        }
    }
    found.open.sort_by_key(|(at, _)| *at);
    found
}

/// Returns the paragraphs, and the headings, that stand in no list.
fn within_blocks(source: &Source<'_>, range: &Range<usize>) -> Vec<Range<usize>> {
    let items = within(&source.outline.items, range);
    let blocks = &source.outline.blocks;
    let first = blocks.partition_point(|block| block.range.start < range.start);
    let is_text = |kind| matches!(kind, BlockKind::Paragraph | BlockKind::Heading | BlockKind::Underlined);
    let mut next = 0;
    let mut in_items_until = 0;
    let mut found = Vec::new();
    for block in blocks[first..].iter().take_while(|block| block.range.start < range.end) {
        while next < items.len() && items[next].range.start <= block.range.start {
            in_items_until = in_items_until.max(items[next].range.end);
            next += 1;
        }
        if block.range.start >= in_items_until && is_text(block.kind) {
            found.push(block.range.start..block.range.end.min(range.end));
        }
    }
    found
}

fn within<'i>(items: &'i [Item], range: &Range<usize>) -> &'i [Item] {
    let first = items.partition_point(|item| item.range.start < range.start);
    let end = items.partition_point(|item| item.range.start < range.end);
    &items[first..end.max(first)]
}

/// Returns whether there are items below `above`, and all of them are ticked.
fn has_only_ticked(source: &Source<'_>, behind: &[Item], above: &Item, end: usize) -> bool {
    let below: Vec<Tick> = behind
        .iter()
        .take_while(|item| item.range.start < above.range.end)
        .map(|item| read(source, item, end).0)
        .collect();
    !below.is_empty() && below.iter().all(|tick| *tick == Tick::Ticked)
}

/// Returns the box of an item, where it stands, and where the text of the item is.
fn read(source: &Source<'_>, item: &Item, end: usize) -> (Tick, usize, Range<usize>) {
    let text = &source.text[item.range.clone()];
    let marker = text.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    let content = marker.strip_prefix(['-', '*', '+', '.', ')']).unwrap_or(marker).trim_start_matches([' ', '\t']);
    let bare = content.trim_start_matches(['*', '_', '\\']);
    let start = item.range.end - content.len();
    let range = |start: usize| start..item.range.end.min(end).max(start);
    let boxed = bare.strip_prefix('[').and_then(|rest| {
        let end = rest.char_indices().take(4).find(|(_, c)| *c == ']')?.0;
        Some((&rest[..end], &rest[end + 1..]))
    });
    match boxed {
        Some((sign, behind)) if sign.trim().chars().count() <= 1 && !behind.starts_with('(') => {
            let tick = if matches!(sign.trim(), "x" | "X" | "✓" | "✔" | "✅") { Tick::Ticked } else { Tick::Open };
            (tick, start, range(item.range.end - behind.len()))
        }
        _ if bare.starts_with(['☑', '✅', '✓', '✔']) => (Tick::Ticked, start, range(start)),
        _ => (Tick::NoBox, start, range(start)),
    }
}

/// Returns whether an item says that there is no question, or nothing at all.
fn asks_nothing(text: &str) -> bool {
    const NOTHING: [&str; 7] =
        ["none", "no open questions", "no questions", "no unresolved questions", "n/a", "na", "nothing"];
    let text = text.trim().trim_matches(|c: char| !c.is_alphanumeric() && c != '?' && c != '？').to_lowercase();
    let is_said = |nothing: &&str| {
        text.strip_prefix(*nothing)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '.', ',', ':', ';', '-', '–', '—']))
    };
    text.is_empty()
        || !text.contains(['?', '？']) && text.split_whitespace().count() <= 8 && NOTHING.iter().any(is_said)
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(MAX_QUESTION_CHARS).collect()
}
