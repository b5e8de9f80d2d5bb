//! The page of `work list`.

use std::fmt::Write as _;

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::super::page::{Page, Tone, one_line};
use super::status::progress;
use crate::decide::WorkstreamStatus;
use crate::wording::quoted;
use crate::words::{PersonWords, next_step};

/// A workstream of the list.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Row<S = WorkstreamStatus> {
    pub(in crate::cli) workstream: String,
    /// Whether it is the current one.
    pub(in crate::cli) current: bool,
    /// Whether a person has put it away.
    pub(in crate::cli) archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) status: Option<S>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) error: Option<String>,
}

/// Returns the command that gives a workspace its first workstream: the import of the first of these paths, or a new one.
pub(in crate::cli) fn first_step(importable: &[String]) -> String {
    importable.first().map_or("work create NAME --stages N".to_owned(), |path| format!("work import {}", quoted(path)))
}

/// Returns the page of `work list`; the current workstream has a star. `importable` are paths that can be imported:
/// without workstreams, the page suggests the first of them.
pub(in crate::cli) fn list(rows: &[Row], importable: &[String], words: &PersonWords) -> Page {
    let mut page = Page::default();
    if rows.is_empty() {
        let _ = write!(page, "no workstreams yet\nNext: {}", first_step(importable));
        return page;
    }
    let width = rows.iter().map(|row| row.workstream.width()).max().unwrap_or(0).min(36);
    for row in rows {
        let _ = write!(page, "{} ", if row.current { '*' } else { ' ' });
        // The id is never cut: a person copies it into the next command.
        let id = one_line(&row.workstream);
        let padding = " ".repeat(width.saturating_sub(id.width()));
        page.paint_if(row.current.then_some(Tone::Strong), &id);
        let _ = write!(page, "{padding}");
        match &row.status {
            Some(status) => {
                let (done, all) = status.stages.iter().map(progress).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
                let tone = (all > 0 && done == all).then_some(Tone::Good);
                page.paint_if(tone, format_args!("  {:>7}  ", format!("{done}/{all}")));
                let next = if row.archived { "archived".to_owned() } else { next_step(status, words) };
                let _ = writeln!(page, "{}", one_line(&next));
            }
            None => {
                page.paint(Tone::Bad, format_args!("{:>9}  ", "?"));
                let told = format!("unreadable: work status --workstream {}", quoted(&row.workstream));
                let _ = writeln!(page, "{}", one_line(&told));
            }
        }
    }
    page
}
