//! The questions of a stage: which are open, and which are answered (DESIGN §3).
//!
//! Every item of a list there is a question until it is ticked. A person who approves a plan must not miss a question
//! because its box was spelled in another way.

use std::ops::Range;

use super::before::tag_end;
use super::lookalike::look;
use super::outline::{BlockKind, Item};
use super::sections::is_about_questions;
use super::source::Source;

/// The maximum length of an open question in a problem, in characters.
const MAX_QUESTION_CHARS: usize = 300;

/// What stands under `#### Stage Questions`.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// The open questions, each with its offset.
    pub(super) open: Vec<(usize, String)>,
    /// The answered questions, with their answers.
    pub(super) answers: Vec<String>,
    /// The offsets of texts that are neither.
    pub(super) unread: Vec<usize>,
}

/// The box of a list item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tick {
    Ticked,
    /// A box that is empty, or holds anything but a tick.
    Open,
    NoBox,
}

/// Reads the questions in `range`.
pub(super) fn questions(source: &Source<'_>, range: &Range<usize>) -> Questions {
    let mut found = Questions::default();
    let items = within(&source.outline.items, range);
    // The items around the current one, each with its end. Their boxes decide what the current one is.
    let mut above: Vec<(usize, Tick)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        while above.last().is_some_and(|(end, _)| *end <= item.range.start) {
            above.pop();
        }
        let (tick, at_box, text) = read(source, item, range.end);
        // Items below an open question belong to it. Items below an answered one are its answer, except an empty box,
        // which is a question of its own.
        let is_covered = above.iter().any(|(_, tick)| *tick == Tick::Open) || !above.is_empty() && tick != Tick::Open;
        // An item with the same box as the one around it changes nothing. It is not kept, so that deep lists stay
        // cheap.
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
            // The item holds only another item: `- - [ ] Which?`.
            Tick::NoBox if items.get(at + 1).is_some_and(|next| next.range.start < line) => {}
            // The item is the title of a list of ticked items.
            Tick::NoBox if has_only_ticked(source, &items[at + 1..], item, range.end) => {}
            Tick::NoBox if is_answered(&source.span(text.clone())) => found.answers.push(source.span(text)),
            Tick::Open | Tick::NoBox => {
                let question = source.span(text.start..line);
                if !asks_nothing(&question) {
                    found.open.push((at_box, shortened(&question)));
                }
            }
        }
    }
    let has_answers = !found.answers.is_empty();
    for (block, is_title) in within_blocks(source, range) {
        let text = without_tags(&source.span(block.clone()));
        if asks_nothing(&text) {
            continue;
        }
        match read_text(&text) {
            Text::Answered => found.answers.push(text),
            Text::Asks(line) => {
                found.open.push((block.start, shortened(line.trim_start_matches(['#', ' ', '|', '>']))));
            }
            Text::Says if is_title => {}
            // A text beside answers explains them. A text alone is something that nobody has decided yet.
            Text::Says if has_answers => found.unread.push(block.start),
            Text::Says => found.open.push((block.start, shortened(text.lines().next().unwrap_or_default()))),
        }
    }
    found.open.sort_by_key(|(at, _)| *at);
    found
}

/// What a text outside of lists says about questions.
enum Text {
    /// It holds an answer, or a ticked box.
    Answered,
    /// It asks a question, in this line.
    Asks(String),
    /// It does neither.
    Says,
}

/// Reads a text outside of lists.
fn read_text(text: &str) -> Text {
    if text.starts_with('|') {
        return read_table(text);
    }
    let ticks: Vec<(Option<Tick>, &str)> = text.lines().map(|line| (tick_of(line), line)).collect();
    if let Some((_, line)) = ticks.iter().find(|(tick, _)| *tick == Some(Tick::Open)) {
        return Text::Asks((*line).to_owned());
    }
    if is_answered(text) || ticks.iter().any(|(tick, _)| *tick == Some(Tick::Ticked)) {
        return Text::Answered;
    }
    let asks = |line: &&str| line.contains(['?', '？', '؟']) || is_counted(line);
    text.lines().find(asks).map_or(Text::Says, |line| Text::Asks(line.to_owned()))
}

/// Reads a table of questions. Its last column holds the answers.
fn read_table(text: &str) -> Text {
    let is_rule = |line: &&str| line.contains('-') && !line.contains(char::is_alphanumeric);
    let rows: Vec<&str> = text.lines().filter(|line| !is_rule(line)).collect();
    let is_open = |row: &&&str| {
        let cells: Vec<&str> = row.trim().trim_start_matches('|').split('|').map(str::trim).collect();
        let cells = cells.strip_suffix(&[""]).unwrap_or(&cells);
        cells.len() < 2 || cells.last().is_some_and(|cell| !cell.contains(char::is_alphanumeric))
    };
    match rows.iter().skip(1).find(is_open) {
        Some(row) => Text::Asks((*row).to_owned()),
        None if rows.len() > 1 => Text::Answered,
        None => Text::Asks(text.to_owned()),
    }
}

/// Returns the box at the start of a line, behind any bullet, or `None` if there is no box.
fn tick_of(line: &str) -> Option<Tick> {
    let is_bullet = |c: char| c.is_whitespace() || c.is_ascii_digit() || "-*+•◦–—>.)\\".contains(c);
    let text = line.trim_start_matches(is_bullet);
    if text.starts_with(['☐', '⬜', '□', '❓', '❌']) {
        return Some(Tick::Open);
    }
    if text.starts_with(['☑', '✅', '✓', '✔']) {
        return Some(Tick::Ticked);
    }
    let (sign, behind) = text.strip_prefix('[')?.split_once(']')?;
    if sign.trim().chars().count() > 1 || behind.starts_with('(') {
        return None;
    }
    Some(if matches!(sign.trim(), "x" | "X" | "✓" | "✔" | "✅") { Tick::Ticked } else { Tick::Open })
}

/// Returns whether a line is a list item that CommonMark does not see: `• Which`, `a. Which`, `(1) Which`.
fn is_counted(line: &str) -> bool {
    let line = line.trim_start();
    let text = line.trim_start_matches(['(', '•', '◦', '–', '-']);
    let sign = text.chars().take_while(|c| c.is_alphanumeric()).count();
    text.len() < line.len() && !line.starts_with('(')
        || (1..=2).contains(&sign) && text.chars().nth(sign).is_some_and(|c| matches!(c, '.' | ')' | ':'))
}

/// Returns whether a text holds its own answer, as in `Answer: yes` or `A: yes`.
fn is_answered(text: &str) -> bool {
    const ANSWERS: [&str; 6] = ["answer", "answered", "decision", "decided", "resolution", "resolved"];
    let is_said = |text: &str| {
        let text = text.trim_matches(|c: char| !c.is_alphanumeric());
        !text.is_empty() && !text.starts_with("tbd")
    };
    let lower = text.to_lowercase();
    let mut colons = lower.match_indices([':', '：']);
    colons.any(|(at, colon)| {
        let word = lower[..at].trim_end_matches(['*', '_', ' ']);
        let start = word.trim_end_matches(char::is_alphanumeric).len();
        let above = lower[..start].trim_end_matches(['*', '_', ' ', '-']);
        let is_a = &word[start..] == "a" && (above.is_empty() || above.ends_with('\n'));
        let is_answer = is_a || ANSWERS.contains(&&word[start..]);
        is_answer && is_said(lower[at + colon.len()..].lines().next().unwrap_or_default())
    })
}

/// Returns a text without its HTML tags.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let end = tag_end(&rest[open + 1..]).map_or(1, |end| end + 1);
        if end == 1 {
            out.push('<');
        }
        rest = &rest[open + end..];
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// Returns the empty boxes below labels about questions, anywhere in the text, each with its offset.
pub(super) fn asked_boxes(source: &Source<'_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_asking = false;
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let at = start + line.len() - line.trim_start().len();
        start += line.len();
        let bare = line.trim();
        let kind = source.outline.block_at(at).map(|block| block.kind);
        if bare.is_empty() || kind == Some(BlockKind::Fence) || source.outline.is_comment(at) {
            continue;
        }
        match tick_of(bare) {
            Some(Tick::Open) if is_asking => {
                let question = bare.split_once(']').map_or(bare, |(_, question)| question);
                if !asks_nothing(question) {
                    found.push((at, shortened(question)));
                }
            }
            Some(_) => {}
            None => {
                // Only another label or heading ends the list of questions; a sentence between the boxes does not.
                let text = without_tags(bare);
                let is_heading = bare.starts_with(['#', '<']) || bare.starts_with("**") || bare.starts_with("__");
                if is_heading || text.ends_with([':', '：']) {
                    is_asking = look(bare).is_none() && is_about_questions(&text);
                }
            }
        }
    }
    found
}

/// Returns the blocks outside of lists. The flag says whether a list follows directly, so that the block is its
/// title.
fn within_blocks(source: &Source<'_>, range: &Range<usize>) -> Vec<(Range<usize>, bool)> {
    let items = within(&source.outline.items, range);
    let blocks = &source.outline.blocks;
    let first = blocks.partition_point(|block| block.range.start < range.start);
    let mut next = 0;
    let mut in_items_until = 0;
    let mut found = Vec::new();
    for block in blocks[first..].iter().take_while(|block| block.range.start < range.end) {
        while next < items.len() && items[next].range.start <= block.range.start {
            in_items_until = in_items_until.max(items[next].range.end);
            next += 1;
        }
        if block.range.start >= in_items_until && block.kind != BlockKind::Fence {
            let block = block.range.start..block.range.end.min(range.end);
            let is_title = items.get(next).is_some_and(|item| {
                item.range.start >= block.end && source.text[block.end..item.range.start].trim().is_empty()
            });
            found.push((block, is_title));
        }
    }
    found
}

/// Returns the items that begin in `range`.
fn within<'i>(items: &'i [Item], range: &Range<usize>) -> &'i [Item] {
    let first = items.partition_point(|item| item.range.start < range.start);
    let end = items.partition_point(|item| item.range.start < range.end);
    &items[first..end.max(first)]
}

/// Returns whether `above` has items inside it and all of them are ticked. `behind` are the items that follow it.
fn has_only_ticked(source: &Source<'_>, behind: &[Item], above: &Item, end: usize) -> bool {
    let below: Vec<Tick> = behind
        .iter()
        .take_while(|item| item.range.start < above.range.end)
        .map(|item| read(source, item, end).0)
        .collect();
    !below.is_empty() && below.iter().all(|tick| *tick == Tick::Ticked)
}

/// Returns the box of an item, the offset of its content, and the range of its text behind the box.
fn read(source: &Source<'_>, item: &Item, end: usize) -> (Tick, usize, Range<usize>) {
    let text = &source.text[item.range.clone()];
    let marker = text.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    let content = marker.strip_prefix(['-', '*', '+', '.', ')']).unwrap_or(marker).trim_start();
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

/// Returns whether a text says that there is no question, or says nothing.
fn asks_nothing(text: &str) -> bool {
    const NOTHING: [&str; 12] = [
        "none",
        "no open questions",
        "no questions",
        "no unresolved questions",
        "n/a",
        "na",
        "nothing",
        "there are none",
        "there are no",
        "all answered",
        "all resolved",
        "all questions",
    ];
    let text = text.trim().trim_matches(|c: char| !c.is_alphanumeric() && c != '?' && c != '？').to_lowercase();
    let is_said = |nothing: &&str| {
        text.strip_prefix(*nothing)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '.', ',', ':', ';', '-', '–', '—']))
    };
    text.is_empty()
        || !text.contains(['?', '？']) && text.split_whitespace().count() <= 8 && NOTHING.iter().any(is_said)
}

/// Returns a question cut to `MAX_QUESTION_CHARS`.
fn shortened(text: &str) -> String {
    text.trim().chars().take(MAX_QUESTION_CHARS).collect()
}
