//! Pages of text for a terminal.
//!
//! Text of a plan, an agent or an argument must never drive the terminal: a page makes all that is written into it
//! printable, and only the page adds colours. A colour must never say anything that the words do not say.

use std::fmt::{self, Display, Write as _};
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::wording::{is_hidden, shown};
pub(super) use crate::wording::{one_line, printable};

/// The width of a page, in columns of a terminal.
pub(super) const WIDTH: usize = 80;

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// A title.
    Strong,
    /// What matters less.
    Faint,
    /// What is done.
    Good,
    /// What runs.
    Busy,
    /// What a person should look at.
    Bad,
}

/// A page under construction. What is written into it is made [`printable`] on the way.
#[derive(Debug)]
pub(super) struct Page {
    /// How many columns names may fill before they are cut. Texts are wrapped at [`WIDTH`] in any case.
    width: usize,
    text: String,
    /// The ranges of `text`, in bytes, that have a colour, in order and without overlaps.
    tones: Vec<(Range<usize>, Tone)>,
}

impl Default for Page {
    fn default() -> Self {
        Self::of_width(WIDTH)
    }
}

impl Page {
    /// Returns an empty page on which names may fill `width` columns.
    pub(super) fn of_width(width: usize) -> Self {
        Self { width, text: String::new(), tones: Vec::new() }
    }

    /// Returns how many columns are left for a name beside `used` others.
    pub(super) fn room(&self, used: usize) -> usize {
        self.width.saturating_sub(used)
    }

    /// Ends the line that was begun, if one was.
    pub(super) fn begin_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Writes a text in a colour.
    pub(super) fn paint(&mut self, tone: Tone, text: impl Display) {
        let start = self.text.len();
        let _ = write!(self, "{text}");
        if self.text.len() > start {
            self.tones.push((start..self.text.len(), tone));
        }
    }

    /// Writes a text, in a colour if there is one.
    pub(super) fn paint_if(&mut self, tone: Option<Tone>, text: impl Display) {
        match tone {
            Some(tone) => self.paint(tone, text),
            None => {
                let _ = write!(self, "{text}");
            }
        }
    }

    /// Returns the text without blanks at its end, with one line end, and with colours if `colour` is set.
    pub(super) fn finish(mut self, colour: bool) -> String {
        self.text.truncate(self.text.trim_end().len());
        self.text.push('\n');
        if !colour {
            return self.text;
        }
        let mut out = String::with_capacity(self.text.len() + self.tones.len() * 8);
        let mut at = 0;
        for (range, tone) in self.tones {
            // Trimming may have cut off the end of a range, or all of it.
            let end = range.end.min(self.text.len());
            let start = range.start.min(end);
            let style = style(tone);
            let _ = write!(out, "{}{style}{}{style:#}", &self.text[at..start], &self.text[start..end]);
            at = end;
        }
        out + &self.text[at..]
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.extend(text.chars().map(shown));
        Ok(())
    }
}

fn style(tone: Tone) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match tone {
        Tone::Strong => Style::new().bold(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Good => colour(AnsiColor::Green),
        Tone::Busy => colour(AnsiColor::Cyan),
        Tone::Bad => colour(AnsiColor::Red),
    }
}

/// Returns a text as one line of exactly `width` columns: cut with `…`, or filled with blanks.
pub(super) fn fit(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let blanks = width.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', blanks));
    text
}

/// Returns a text as one line of at most `width` columns, cut with `…` if it is wider.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = printable(&one_line(text));
    if text.width() <= width {
        return text;
    }
    let mut out = String::new();
    // One column is for the `…`.
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    if width > 0 {
        out.push('…');
    }
    out
}

/// Returns the lines of a text, wrapped so that they fit the page behind `indent` columns.
pub(super) fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let width = WIDTH.saturating_sub(indent).max(20);
    // A name with hyphens, such as that of an agent, stays in one piece.
    let whole = textwrap::Options::new(width).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(&printable(text), whole).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// Returns JSON in which each character that a terminal would not show is escaped. It means the same.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) && c != '\n' {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_wrote_cannot_drive_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\rc\u{202e}d\n\te"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\n\te");
        assert_eq!(one_line("agent\nNext: work approve stage 1"), "agent Next: work approve stage 1");
        assert_eq!(escaped("{\n \"a\": \"\u{9b}31m\u{202e}\"}"), "{\n \"a\": \"\\u009b31m\\u202e\"}");
    }

    #[test]
    fn colours_are_set_around_what_was_made_printable() {
        let page = || {
            let mut page = Page::default();
            page.paint(Tone::Bad, "no\u{1b}[0m");
            let _ = write!(page, " \u{1b}[32mway\n\n");
            page
        };
        assert_eq!(page().finish(false), "no\u{fffd}[0m \u{fffd}[32mway\n");
        assert_eq!(page().finish(true), "\u{1b}[31mno\u{fffd}[0m\u{1b}[0m \u{fffd}[32mway\n");
    }

    #[test]
    fn columns_are_counted_as_a_terminal_counts_them() {
        assert_eq!(fit("abc", 5), "abc  ");
        assert_eq!(fit("abcdef", 5), "abcd…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("a\nb", 3), "a b");
        assert_eq!(cut("abc", 0), "");
    }
}
