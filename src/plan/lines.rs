//! Finds lines that stand for a heading but are none to CommonMark: bold text, items of lists, hashes without a
//! space, HTML, code that is indented by four spaces.
//!
//! A strong line is read as the heading that it stands for, and gets an edit where the meaning is certain. A weak
//! line may be prose. It is reported only if nothing else in the plan is what it names.

use std::ops::Range;

use super::before::{Before, before};
use super::lookalike::{Look, look};
use super::outline::{Block, BlockKind};
use super::problem::Level;
use super::sections::{is_about_questions, part};
use super::source::Source;

/// A line that stands for a heading.
#[derive(Debug)]
pub(super) struct Line {
    /// The range that an edit replaces.
    pub(super) range: Range<usize>,
    pub(super) means: Means,
    /// Whether only a heading is written like this.
    pub(super) is_strong: bool,
    /// Whether it is certain that the author meant a heading, so that an edit may write one.
    pub(super) is_certain: bool,
    /// If the line is part of HTML that begins above it: the offset of that HTML, and whether a blank line before
    /// this line would make it a heading.
    pub(super) html: Option<(usize, bool)>,
    /// Whether it is a paragraph of its own, outside lists and quotations.
    pub(super) is_alone: bool,
}

/// What a line stands for.
#[derive(Debug)]
pub(super) enum Means {
    /// A stage, batch or thread.
    Label(Look),
    /// A part of the plan or of a stage, by the text of its heading.
    Part(String),
}

/// Returns the lines of a text that stand for headings, in the order of the text.
pub(super) fn lines(source: &Source<'_>) -> Vec<Line> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let range = source.trimmed(start..start + line.len());
        start += line.len();
        if let Some(means) = means(&source.text[range.clone()]) {
            found.extend(read(source, range, means));
        }
    }
    found
}

/// Returns what a line may stand for, the offset at which that begins, and what stands before it.
fn means(line: &str) -> Option<(Means, usize, Before)> {
    if let Some(look) = look(line) {
        let (start, before) = (look.start, look.before);
        return Some((Means::Label(look), start, before));
    }
    let (before, start) = before(line);
    let title = line[start..].split("</").next().unwrap_or_default().trim_end_matches(['*', '_', '#', ' ', ':']);
    let is_dressed = before.hashes > 0 || before.is_emphasised;
    let is_part = is_dressed && title.len() < 40 && part(title).is_some() || asks(line, title, is_dressed, before);
    let is_plan = before.hashes > 0 && title.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("plan:"));
    (is_part || is_plan).then(|| (Means::Part(title.to_owned()), start, before))
}

/// Returns whether a line is a label above questions: `**Questions for Bob**`, `Open questions:`.
fn asks(line: &str, title: &str, is_dressed: bool, before: Before) -> bool {
    let is_label = line.trim_end().ends_with([':', '：']);
    !before.in_list && !before.in_quote && !before.in_table && (is_dressed || is_label) && is_about_questions(title)
}

/// Decides whether a line stands for a heading. Returns `None` for headings, comments, code, and for lines that are
/// probably prose.
fn read(source: &Source<'_>, range: Range<usize>, (means, start, before): (Means, usize, Before)) -> Option<Line> {
    let at = range.start + start;
    if source.outline.is_comment(at.saturating_sub(1)) || source.outline.is_comment(at) {
        return None;
    }
    let block = source.outline.block_at(at);
    let kind = block.map(|block| block.kind);
    let is_heading = matches!(block, Some(Block { kind: BlockKind::Heading, is_inner: false, .. }));
    if is_heading || kind == Some(BlockKind::Fence) {
        return None;
    }
    let text = &source.text[range.clone()];
    // One line with dashes under it stands for a heading. Several lines are a paragraph to their author, and an edit
    // of the whole block would remove the other lines.
    let underlined = block.filter(|block| {
        let below = source.text.get(range.end..block.range.end).unwrap_or_default().trim();
        block.kind == BlockKind::Underlined
            && source.line_at(block.range.start) == range
            && below.chars().all(|c| matches!(c, '-' | '='))
    });
    // A bold `Stage 1` without a name is only a part of a text.
    let is_named = !matches!(&means, Means::Label(look) if look.name.is_empty());
    let is_whole = is_named && is_whole(text, before);
    let html =
        block.filter(|block| block.kind == BlockKind::Html && (before.hashes > 0 || block.range.start < range.start));
    // An indented line counts only if the line below it is what follows such a heading.
    let is_code = is_code(text, before, block);
    if is_code && !matches!(&means, Means::Label(look) if begins(source, range.end, look.level)) {
        return None;
    }
    let is_alone = block.is_some_and(|block| {
        block.kind == BlockKind::Paragraph && !block.is_inner && source.trimmed(block.range.clone()) == range
    });
    let is_label = is_alone && matches!(means, Means::Part(_));
    let is_strong = before.hashes > 0 || before.is_html_heading || underlined.is_some() || is_whole || is_label;
    let is_weak = match &means {
        Means::Label(look) => is_weak(source, &range, look, block),
        Means::Part(_) => false,
    };
    if !is_strong && !is_weak {
        return None;
    }
    let is_inner = block.is_some_and(|block| block.is_inner || block.kind == BlockKind::Indented)
        || before.in_list
        || before.in_quote
        || text.starts_with("    ");
    let next = below(source, range.end);
    let goes_on = next.starts_with([' ', '\t', '>']);
    let is_struck = text.contains("~~") || text.contains("](") || before.in_table;
    let is_of_thread = matches!(&means, Means::Label(look) if look.level == Level::Thread);
    // No edit may take a line out of a list or a quotation that goes on below it, change what is struck out, a link
    // or a row of a table, or make a stage or a batch of indented code.
    let is_left_alone = is_inner && goes_on || is_struck || is_code && !is_of_thread;
    let is_in_html = kind == Some(BlockKind::Html) && block.is_some_and(|block| block.range.start < range.start);
    Some(Line {
        is_certain: is_strong && !is_left_alone && !is_in_html,
        range: underlined.map_or(range.clone(), |block| source.trimmed(range.start..block.range.end)),
        means,
        is_strong,
        is_alone,
        html: html.filter(|_| is_in_html).map(|block| {
            let text: String =
                source.text[block.range.clone()].chars().take(10).collect::<String>().to_ascii_lowercase();
            let runs_on =
                ["<pre", "<script", "<style", "<textarea", "<!", "<?"].iter().any(|tag| text.starts_with(tag));
            (block.range.start, !runs_on && before.hashes > 0)
        }),
    })
}

/// Returns whether a line is indented code, or is indented so deeply that it only continues the text above it.
fn is_code(text: &str, before: Before, block: Option<&Block>) -> bool {
    let is_deep = text.starts_with("    ") || text.starts_with('\t');
    match block.map(|block| block.kind) {
        Some(BlockKind::Indented) => true,
        Some(BlockKind::Paragraph | BlockKind::Underlined | BlockKind::Heading) => is_deep && !before.in_list,
        _ => false,
    }
}

/// Returns whether the next line with text is one that follows a heading of this level. Then the line that ends at
/// `end` is a heading, even if it is code or text to CommonMark.
pub(super) fn begins(source: &Source<'_>, end: usize, level: Level) -> bool {
    let next = below(source, end);
    match level {
        Level::Thread => is_field(next),
        // The first heading of the next lower level, or a part of the stage.
        Level::Stage | Level::Batch => {
            let (before, start) = before(next);
            let lower = if level == Level::Stage { Level::Batch } else { Level::Thread };
            let is_first = look(next).is_some_and(|look| look.level == lower && look.numbers.last() == Some(&1));
            (before.hashes > 0 || before.is_emphasised)
                && (is_first
                    || level == Level::Stage && part(&next[start..]).is_some_and(|(part, _)| part.is_of_stage()))
        }
    }
}

/// Returns the first line behind `at` that is not blank.
fn below<'t>(source: &Source<'t>, at: usize) -> &'t str {
    source.text[at..].lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// Returns whether a line begins a field of a thread: its summary, its details or its agent.
fn is_field(line: &str) -> bool {
    let word = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '@');
    let is_bold = line[..line.len() - word.len()].contains(['*', '_', '#']);
    let is_said = |field: &str| word.get(..field.len()).is_some_and(|head| head.eq_ignore_ascii_case(field));
    ["summary", "details"].into_iter().any(|field| is_said(field) && (is_bold || word[field.len()..].starts_with(':')))
        || is_said("@agent")
        || is_bold && is_said("agent")
}

/// Returns whether the whole line is bold, code or a link.
fn is_whole(line: &str, before: Before) -> bool {
    // Only an agent may stand behind the bold text.
    let without_agent = match line.split_once('@') {
        Some((title, agent)) if agent.split_whitespace().count() <= 2 => title,
        _ => line,
    };
    before.is_emphasised
        && [line, without_agent].into_iter().any(|line| {
            let line = line.trim_matches([' ', '\t', '(', '[', '-', '–', '—', '\r']);
            line.ends_with(['*', '_', '`', '~']) || line.contains('[') && line.ends_with(')')
        })
}

/// Returns whether a line without the marks of a heading may still be one.
fn is_weak(source: &Source<'_>, range: &Range<usize>, look: &Look, block: Option<&Block>) -> bool {
    let Before { in_list, in_quote, in_table, is_emphasised, is_marked, .. } = look.before;
    let is_indented = block.is_some_and(|block| block.kind == BlockKind::Indented);
    let is_html = block.is_some_and(|block| block.kind == BlockKind::Html);
    let is_underlined = block.is_some_and(|block| block.kind == BlockKind::Underlined);
    let is_dressed =
        in_list || in_quote || in_table || is_emphasised || is_marked || is_indented || is_html || is_underlined;
    // Alone in its paragraph, or behind the end of a sentence and before a field of a thread.
    let stands_alone = block.is_some_and(|block| {
        let above = source.text[block.range.start.min(range.start)..range.start].trim_end();
        let below = source.text[range.end..].trim_start_matches('\r').strip_prefix('\n').unwrap_or_default();
        block.kind == BlockKind::Paragraph
            && (above.is_empty() || above.ends_with(['.', '!', '?', ':', ')', '*', '`']))
            && (block.range.end <= range.end + 2 || below.trim_start().starts_with(['*', '@', '-', '#', '<', '`', '_']))
    });
    let is_title = look.name.starts_with(|c: char| !c.is_lowercase())
        && !look.name.ends_with(['.', '!', '?', ',', ';', ':'])
        && look.name.split_whitespace().count() <= 8;
    // `Thread 2, see above`, `Thread A: holds the lock` and `Stage A` are prose.
    let is_sentence = !is_title && (look.is_comma || look.numbers.is_empty());
    (is_dressed || stands_alone) && !is_sentence && (look.is_separated || is_title && !look.numbers.is_empty())
}
