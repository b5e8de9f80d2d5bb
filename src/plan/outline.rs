//! What CommonMark sees in the text: headings, comments, bold markers, blocks and list items, each with
//! its place in the source. What they mean for a plan is decided in `parse`.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// The parts of a Markdown text that a plan is made of, each list in the order of the source.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) headings: Vec<Heading>,
    pub(super) comments: Vec<Comment>,
    pub(super) markers: Vec<Marker>,
    /// What holds text, one behind the other.
    pub(super) blocks: Vec<Block>,
    pub(super) items: Vec<Item>,
}

/// A block that holds text and no other block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) range: Range<usize>,
    /// It stands in a list, a quotation or the like.
    pub(super) is_inner: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Paragraph,
    /// A heading with hashes.
    Heading,
    /// Text with a line of dashes under it.
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

/// A heading that stands in no list, quotation or other container.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) level: u8,
    /// The whole heading, with its hashes.
    pub(super) range: Range<usize>,
    /// Its text.
    pub(super) content: Range<usize>,
}

/// An HTML comment.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) range: Range<usize>,
    pub(super) closed: bool,
}

/// Bold text at the start of a line of a paragraph, `**Word:**`.
#[derive(Debug)]
pub(super) struct Marker {
    /// The text between the asterisks, lower case, without the colon.
    pub(super) word: String,
    /// From the first asterisk to the colon behind the last, where there is one.
    pub(super) range: Range<usize>,
}

const OPEN: &str = "<!--";
const CLOSE: &str = "-->";

/// Returns what CommonMark sees in `text`. Ranges are byte offsets on character boundaries.
pub(super) fn outline(text: &str) -> Outline {
    let mut found = Outline::default();
    let end_of_text = text.trim_end().len();
    let mut depth = 0_usize;
    let mut heading: Option<Heading> = None;
    let mut bold_from: Option<usize> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
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
                    Tag::Item => found.items.push(Item { range }),
                    // Text with a line of dashes under it is text with a rule, to everybody who writes a
                    // plan: only headings with hashes are structure.
                    Tag::Heading { level, .. } if depth == 0 && text[range.start..].starts_with('#') => {
                        heading = Some(Heading { level: level as u8, content: range.end..range.end, range });
                    }
                    Tag::HtmlBlock => comments_in(text, end_of_text, range, &mut found.comments),
                    Tag::Strong if depth == 1 && heading.is_none() && starts_line(text, range.start) => {
                        bold_from = Some(range.start);
                    }
                    _ => {}
                }
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                match tag {
                    TagEnd::Heading(_) => found.headings.extend(heading.take()),
                    TagEnd::Strong => {
                        if let Some(from) = bold_from.take() {
                            found.markers.extend(marker(text, from..range.end));
                        }
                    }
                    _ => {}
                }
            }
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
    /// Returns the block that holds a place.
    pub(super) fn block_at(&self, offset: usize) -> Option<&Block> {
        let next = self.blocks.partition_point(|block| block.range.start <= offset);
        self.blocks[..next].last().filter(|block| offset < block.range.end)
    }

    /// Returns whether a place is in a comment.
    pub(super) fn is_comment(&self, offset: usize) -> bool {
        let next = self.comments.partition_point(|comment| comment.range.start <= offset);
        self.comments[..next].last().is_some_and(|comment| offset < comment.range.end)
    }
}

fn starts_line(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches(|c: char| c.is_whitespace() && !matches!(c, '\n' | '\r'));
    before.is_empty() || before.ends_with(['\n', '\r'])
}

fn marker(text: &str, bold: Range<usize>) -> Option<Marker> {
    let inner = text[bold.clone()].trim_matches(['*', '_']).trim();
    let rest_of_line = text[bold.end..].lines().next().unwrap_or_default();
    let (word, end) = match inner.strip_suffix([':', '：']) {
        Some(word) => (word, bold.end),
        None if rest_of_line.starts_with(':') => (inner, bold.end + 1),
        None if rest_of_line.starts_with('：') => (inner, bold.end + '：'.len_utf8()),
        None if rest_of_line.trim().is_empty() => (inner, bold.end),
        // A sentence that starts with a bold word.
        None => return None,
    };
    let word = word.trim().to_ascii_lowercase();
    matches!(word.as_str(), "summary" | "details").then_some(Marker { word, range: bold.start..end })
}

/// `end_of_text` is where nothing but blanks follow.
fn comments_in(text: &str, end_of_text: usize, html: Range<usize>, found: &mut Vec<Comment>) {
    let mut at = html.start;
    while let Some(open) = text[at..html.end].find(OPEN) {
        let start = at + open;
        let body = start + OPEN.len();
        // `<!-->` and `<!--->` are whole comments in CommonMark, so the end may overlap the start.
        let search = start + 2;
        let (end, closed) = match text[search..html.end].find(CLOSE) {
            Some(close) => ((search + close + CLOSE.len()).max(body), true),
            // A comment that is not closed takes the rest of the file, unless other HTML ends it.
            None if html.end >= end_of_text => (html.end, false),
            None => return,
        };
        found.push(Comment { range: start..end, closed });
        at = end;
    }
}
