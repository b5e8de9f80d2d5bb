//! `work watch --once`: one frame as a page.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::page::{Page, WIDTH};
use super::focus::Focus;
use super::paint::tone_of;
use super::view::{Picture, View};
use crate::moment::Moment;
use crate::words::PersonWords;

/// Returns one frame as a page. It is drawn into a buffer as for a screen, and the cells are then written out.
pub(super) fn frame(view: &View, now: Moment, words: &PersonWords) -> Page {
    let width = u16::try_from(WIDTH).unwrap_or(80);
    let focus = Focus::default();
    let picture = Picture { view, focus: &focus, has_keys: false, trouble: None, now, words };
    let area = Rect::new(0, 0, width, picture.height(width));
    let mut buffer = Buffer::empty(area);
    picture.draw(area, &mut buffer);
    page(&buffer)
}

/// Returns the cells of a buffer as a page.
pub(super) fn page(buffer: &Buffer) -> Page {
    let area = buffer.area;
    let mut page = Page::default();
    for y in 0..area.height {
        let mut row = String::new();
        let mut tone = None;
        let mut skip = 0_usize;
        for x in 0..area.width {
            // A wide character is in its first cell. The cell after it belongs to it and has no text of its own.
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let Some(cell) = buffer.cell((x, y)) else { continue };
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
            if tone_of(cell.style()) != tone {
                page.paint_if(tone, std::mem::take(&mut row));
                tone = tone_of(cell.style());
            }
            row.push_str(cell.symbol());
        }
        page.paint_if(tone, row.trim_end());
        let _ = page.write_char('\n');
    }
    page
}
