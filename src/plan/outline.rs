//! What CommonMark sees in a text: headings, comments, bold markers, blocks and list items, each with its range in
//! the source. `reader` decides what they mean for a plan.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// The parts of a Markdown text that matter for a plan. Each list is in the order of the source.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) headings: Vec<Heading>,
    pub(super) comments: Vec<Comment>,
    pub(super) markers: Vec<Marker>,
    /// The blocks that hold text. They do not overlap.
    pub(super) blocks: Vec<Block>,
    pub(super) items: Vec<Item>,
    /// The lists that are not inside another block.
    pub(super) lists: Vec<Range<usize>>,
    /// The texts between backticks, each with its range.
    pub(super) codes: Vec<(Range<usize>, String)>,
}

/// A block that holds text and no other block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) range: Range<usize>,
    /// Whether it is inside a list, a quotation or another container.
    pub(super) is_inner: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Paragraph,
    /// A heading with hashes.
    Heading,
    /// Text with a line of `-` or `=` under it, a heading to CommonMark.
    Underlined,
    Fence,
    Indented,
    Html,
}

/// An item of a list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) range: Range<usize>,
}

/// A heading with hashes that is not inside a list, a quotation or another container.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) level: u8,
    /// The whole heading, with its hashes.
    pub(super) range: Range<usize>,
    /// The text of the heading.
    pub(super) content: Range<usize>,
}

/// An HTML comment.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) range: Range<usize>,
    /// Whether it ends with `-->`.
    pub(super) closed: bool,
}

/// A bold `**Summary:**` or another field of a thread, at the start of a line in a paragraph. The fields that are not
/// texts ([`FIELDS`]) may begin an item of a list, too.
#[derive(Debug)]
pub(super) struct Marker {
    /// `summary`, `details`, or one of [`FIELDS`].
    pub(super) word: String,
    /// From the first asterisk, or from the start of the item, to the last asterisk, or to a colon behind it.
    pub(super) range: Range<usize>,
    /// The end of the item that the marker begins.
    pub(super) item_end: Option<usize>,
}

/// The words of the fields of a thread that are not texts, in lower case.
pub(super) const FIELDS: [&str; 5] = ["check", "checks", "files", "file", "after"];

const OPEN: &str = "<!--";
const CLOSE: &str = "-->";

/// Returns what CommonMark sees in `text`. All ranges are in bytes and end at character boundaries.
pub(super) fn outline(text: &str) -> Outline {
    let mut found = Outline::default();
    let end_of_text = text.trim_end().len();
    let mut depth = 0_usize;
    let mut heading: Option<Heading> = None;
    let mut bold_from: Option<usize> = None;
    // The item of a top-level list that is being read, and whether none of its text has come yet.
    let mut item: Option<(Range<usize>, bool)> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        // The text of a heading reaches from its first inline event to its last one.
        if let Some(heading) = &mut heading
            && !matches!(event, Event::Start(Tag::Heading { .. }) | Event::End(TagEnd::Heading(_)))
        {
            if heading.content.is_empty() {
                heading.content = range.clone();
            }
            heading.content.end = heading.content.end.max(range.end);
        }
        match event {
            Event::Start(tag) => {
                if let Some(kind) = block_kind(&tag, &text[range.clone()]) {
                    found.blocks.push(Block { kind, range: range.clone(), is_inner: depth > 0 });
                }
                match tag {
                    Tag::List(_) if depth == 0 => found.lists.push(range),
                    Tag::Item => {
                        item = (depth == 1).then(|| (range.clone(), true));
                        found.items.push(Item { range });
                    }
                    // Dashes below a line of text are usually meant as a horizontal rule. So only headings with
                    // hashes are structure; `lines` looks at the others.
                    Tag::Heading { level, .. } if depth == 0 && text[range.start..].starts_with('#') => {
                        heading = Some(Heading { level: level as u8, content: range.end..range.end, range });
                    }
                    Tag::HtmlBlock => comments_in(text, end_of_text, range, &mut found.comments),
                    // Depth 1 is a paragraph at the top level: bold text in a list or a quotation is no marker.
                    Tag::Strong if depth == 1 && heading.is_none() && starts_line(text, range.start) => {
                        bold_from = Some(range.start);
                    }
                    Tag::Strong if item.as_ref().is_some_and(|(_, is_at_start)| *is_at_start) => {
                        bold_from = Some(range.start);
                    }
                    Tag::Paragraph => {}
                    _ => {
                        if let Some((_, is_at_start)) = &mut item {
                            *is_at_start = false;
                        }
                    }
                }
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                match tag {
                    TagEnd::Heading(_) => found.headings.extend(heading.take()),
                    TagEnd::Strong => {
                        let of_item =
                            item.as_ref().filter(|(_, is_at_start)| *is_at_start).map(|(item, _)| item.clone());
                        if let Some(from) = bold_from.take() {
                            found.markers.extend(marker(text, from..range.end, of_item));
                        }
                        item = item.map(|(item, _)| (item, false));
                    }
                    TagEnd::Item => item = None,
                    _ => {}
                }
            }
            Event::Code(code) => {
                item = item.map(|(item, _)| (item, false));
                found.codes.push((range, code.into_string()));
            }
            Event::Text(_) if bold_from.is_none() => item = item.map(|(item, _)| (item, false)),
            Event::InlineHtml(_) => comments_in(text, end_of_text, range, &mut found.comments),
            _ => {}
        }
    }
    found
}

fn block_kind(tag: &Tag<'_>, text: &str) -> Option<BlockKind> {
    Some(match tag {
        Tag::Paragraph => BlockKind::Paragraph,
        Tag::Heading { .. } if text.starts_with('#') => BlockKind::Heading,
        Tag::Heading { .. } => BlockKind::Underlined,
        Tag::CodeBlock(CodeBlockKind::Fenced(_)) => BlockKind::Fence,
        Tag::CodeBlock(CodeBlockKind::Indented) => BlockKind::Indented,
        Tag::HtmlBlock => BlockKind::Html,
        _ => return None,
    })
}

impl Outline {
    /// Returns the block that contains an offset.
    pub(super) fn block_at(&self, offset: usize) -> Option<&Block> {
        let next = self.blocks.partition_point(|block| block.range.start <= offset);
        self.blocks[..next].last().filter(|block| offset < block.range.end)
    }

    /// Returns whether an offset is inside a comment.
    pub(super) fn is_comment(&self, offset: usize) -> bool {
        let next = self.comments.partition_point(|comment| comment.range.start <= offset);
        self.comments[..next].last().is_some_and(|comment| offset < comment.range.end)
    }
}

/// Returns whether only whitespace stands between the start of the line and `at`.
fn starts_line(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches(|c: char| c.is_whitespace() && !matches!(c, '\n' | '\r'));
    before.is_empty() || before.ends_with(['\n', '\r'])
}

/// Returns the marker that a bold text is, or `None` if it is another text. `item`: the bold text begins this item.
fn marker(text: &str, bold: Range<usize>, item: Option<Range<usize>>) -> Option<Marker> {
    let inner = text[bold.clone()].trim_matches(['*', '_']).trim();
    let rest_of_line = text[bold.end..].lines().next().unwrap_or_default();
    let (word, end) = match inner.strip_suffix([':', '：']) {
        Some(word) => (word, bold.end),
        None if rest_of_line.starts_with(':') => (inner, bold.end + 1),
        None if rest_of_line.starts_with('：') => (inner, bold.end + '：'.len_utf8()),
        None if rest_of_line.trim().is_empty() => (inner, bold.end),
        // This is a sentence that starts with a bold word.
        None => return None,
    };
    let word = word.trim().to_ascii_lowercase();
    let is_field = FIELDS.contains(&word.as_str());
    match item {
        Some(item) if is_field => Some(Marker { word, range: item.start..end, item_end: Some(item.end) }),
        None if is_field || matches!(word.as_str(), "summary" | "details") => {
            Some(Marker { word, range: bold.start..end, item_end: None })
        }
        _ => None,
    }
}

/// Adds the comments inside the HTML of range `html` to `found`. Only whitespace follows behind `end_of_text`.
fn comments_in(text: &str, end_of_text: usize, html: Range<usize>, found: &mut Vec<Comment>) {
    let mut at = html.start;
    while let Some(open) = text[at..html.end].find(OPEN) {
        let start = at + open;
        let body = start + OPEN.len();
        // `<!-->` and `<!--->` are whole comments in CommonMark, so the end of a comment may overlap its start.
        let search = start + 2;
        let (end, closed) = match text[search..html.end].find(CLOSE) {
            Some(close) => ((search + close + CLOSE.len()).max(body), true),
            // An unclosed comment takes the rest of the file. If the file goes on behind this HTML, CommonMark has
            // ended the comment with the HTML, and it hides nothing.
            None if html.end >= end_of_text => (html.end, false),
            None => return,
        };
        found.push(Comment { range: start..end, closed });
        at = end;
    }
}
