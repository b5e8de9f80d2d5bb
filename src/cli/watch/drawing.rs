//! The board of the README, as a vector drawing. What the program draws is compared with it cell by cell, so it cannot
//! show a board that is not there.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::focus::Focus;
use super::made::{Made, noon};
use super::view::{Picture, View};
use crate::words::PersonWords;

/// The size of a cell. A monospaced font of 14 pixels is about as wide, and its lines of boxes meet at this height.
const CELL: (f32, u16) = (8.4, 17);
const MARGIN: u16 = 12;

/// `UPDATE_PICTURES=1 cargo test --lib -- the_board_of_the_readme` draws it anew.
#[test]
fn the_board_of_the_readme_is_what_the_program_draws() {
    let view: View = Ok(Made::half_way().report());
    let focus = Focus::default();
    let words = PersonWords::default();
    let picture = Picture { view: &view, focus: &focus, has_keys: true, trouble: None, now: noon(), words: &words };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 96, 21));
    picture.draw(buffer.area, &mut buffer);
    let drawn = drawing(&buffer);

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images/board.svg");
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::write(path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == drawn, "docs/images/board.svg is old: draw it anew (see this test), and look at it");
}

/// Returns the cells as SVG.
fn drawing(buffer: &Buffer) -> String {
    let (width, height) = (place(buffer.area.width) + f32::from(MARGIN), buffer.area.height * CELL.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.1}\" height=\"{height}\" viewBox=\"0 0 {width:.1} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"14\">\n"
    );
    for y in 0..buffer.area.height {
        let row: Vec<_> = (0..buffer.area.width).filter_map(|x| Some((x, buffer.cell((x, y))?))).collect();
        for run in row.chunk_by(|(_, one), (_, next)| paint(one) == paint(next)) {
            for words in run.chunk_by(|(_, one), (_, next)| !(is_blank(one) && is_blank(next))) {
                let words = trimmed(words);
                let Some((start, first)) = words.first() else { continue };
                let text: String = words.iter().map(|(_, cell)| cell.symbol()).collect();
                // All keep to their columns, whatever font a reader has.
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" {}>{}</text>",
                    place(*start),
                    MARGIN + y * CELL.1 + 13,
                    place(*start + u16::try_from(words.len()).unwrap()) - place(*start),
                    paint(first),
                    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
                );
            }
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
}

/// Returns the cells without the blank ones at the ends: a drawing keeps only single blanks within a text.
fn trimmed<'a>(mut cells: &'a [(u16, &'a Cell)]) -> &'a [(u16, &'a Cell)] {
    while let [(_, first), rest @ ..] = cells
        && is_blank(first)
    {
        cells = rest;
    }
    while let [rest @ .., (_, last)] = cells
        && is_blank(last)
    {
        cells = rest;
    }
    cells
}

fn place(column: u16) -> f32 {
    f32::from(column).mul_add(CELL.0, f32::from(MARGIN))
}

/// Returns the attributes of a cell's text.
fn paint(cell: &Cell) -> String {
    let colour = match cell.fg {
        Color::Green => "#3fb950",
        Color::Cyan => "#39c5cf",
        Color::Red => "#f85149",
        _ if cell.modifier.contains(Modifier::DIM) => "#8b949e",
        _ => "#e6edf3",
    };
    let weight = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    format!("fill=\"{colour}\"{weight}")
}
