//! The styles of `work watch`, and texts in the lines of a pane. It must know no report.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use textwrap::{Options, WordSplitter};

use super::super::page::{Tone, printable};

/// Returns the style of a tone.
pub(super) fn style(tone: Tone) -> Style {
    match tone {
        Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
        Tone::Faint => Style::new().add_modifier(Modifier::DIM),
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Busy => Style::new().fg(Color::Cyan),
        Tone::Bad => Style::new().fg(Color::Red),
    }
}

/// Returns the style of a tone, if there is one.
pub(super) fn style_if(tone: Option<Tone>) -> Style {
    tone.map(style).unwrap_or_default()
}

/// Returns the tone that a style of [`style`] stands for.
pub(super) fn tone_of(style: Style) -> Option<Tone> {
    [Tone::Strong, Tone::Faint, Tone::Good, Tone::Busy, Tone::Bad].into_iter().find(|tone| {
        let wanted = self::style(*tone);
        match wanted.fg {
            Some(_) => style.fg == wanted.fg,
            None => style.add_modifier.contains(wanted.add_modifier),
        }
    })
}

/// Returns a line in one tone.
pub(super) fn styled(text: String, tone: Option<Tone>) -> Line<'static> {
    Line::from(Span::styled(text, style_if(tone)))
}

/// Returns the lines of a text, at most `width` columns wide, without blank ones at its ends; none if it is blank.
pub(super) fn lines_of(text: &str, width: usize) -> Vec<String> {
    // A tab has no width of its own in a cell.
    let text = printable(text).replace('\t', "    ");
    let text = text.trim_end().trim_start_matches('\n');
    if text.is_empty() {
        return Vec::new();
    }
    // Dates, paths and names of agents are not broken at their hyphens.
    let options = Options::new(width.max(1)).word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}
