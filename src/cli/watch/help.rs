//! The keys of `work watch`, as its help, its footer and `--help` list them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::super::page::{Tone, cut};
use super::detail::scrolling;
use super::focus::{Extent, Focus, Pane};
use super::paint::{style, styled};

/// All keys, in groups.
const KEYS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Look around",
        &[
            ("↑ ↓  j k", "another thread; in a detail, scroll"),
            ("← →  h l", "another batch; in a detail, another thread"),
            ("Tab  [ ]", "the same as ← →"),
            ("Enter", "all about the selected thread"),
            ("p", "the plan, and back"),
            ("f", "follow the batch that runs"),
            ("PgUp PgDn Space", "a page back, a page on"),
            ("Home End  g G", "the beginning, the end"),
        ],
    ),
    (
        "Show only threads that are",
        &[
            ("b", "blocked"),
            ("x", "failed, and to be tried again"),
            ("r", "in progress"),
            ("w", "waiting for their turn"),
            ("a", "all threads of the batch again"),
        ],
    ),
    ("Leave", &[("Esc", "one step back; from the list, quit"), ("q  Ctrl-C", "quit"), ("?", "these keys, and back")]),
];

/// The columns of the keys.
const WIDTH: usize = 17;

/// Draws the keys.
pub(super) fn draw(scrolled: u16, area: Rect, buffer: &mut Buffer) -> Extent {
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Vec::new();
    for (title, keys) in KEYS {
        lines.push(styled(cut(title, width), Some(Tone::Strong)));
        for (key, what) in keys {
            lines.push(Line::from(vec![
                Span::styled(format!("  {key:<WIDTH$}"), style(Tone::Busy)),
                Span::raw(cut(what, width.saturating_sub(2 + WIDTH))),
            ]));
        }
    }
    scrolling("keys", lines, scrolled, area, buffer)
}

/// Returns the keys for `--help`.
pub(super) fn text() -> String {
    let mut text = "Keys:\n".to_owned();
    for (title, keys) in KEYS {
        text += &format!("  {title}\n");
        for (key, what) in keys {
            text += &format!("    {key:<WIDTH$}{what}\n");
        }
    }
    text
}

/// Returns the keys that matter most where the person is, as many as fit `width` columns. Without a report, few do
/// anything.
pub(super) fn hints(focus: &Focus, has_report: bool, width: usize) -> String {
    let keys: &[&str] = match (focus.help, focus.pane) {
        (None, _) if !has_report => &["? keys", "q quit"],
        (Some(_), _) => &["esc back", "q quit", "↑↓ scroll"],
        (None, Pane::Threads) => &[
            "? keys",
            "q quit",
            "↑↓ thread",
            "enter detail",
            "←→ batch",
            "f follow",
            "p plan",
            "b blocked",
            "x failed",
        ],
        (None, Pane::Plan) => &["? keys", "q quit", "esc back", "↑↓ batch", "enter threads", "f follow"],
        (None, Pane::Detail) => &["? keys", "q quit", "esc back", "↑↓ scroll", "←→ thread", "f follow", "p plan"],
    };
    let mut hints = String::new();
    for key in keys {
        let between = if hints.is_empty() { "" } else { "  " };
        if hints.width() + between.len() + key.width() > width {
            break;
        }
        hints = hints + between + key;
    }
    hints
}
