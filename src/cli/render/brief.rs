//! The page of `work read THREAD`: what a worker is told about a thread.

use std::fmt::Write as _;

use super::super::page::{Page, Tone, one_line};
use super::tone;
use crate::decide::Brief;

pub(super) fn write(page: &mut Page, brief: &Brief) {
    page.paint(Tone::Strong, format_args!("{} {}", brief.thread_id, one_line(&brief.name)));
    let _ = write!(page, "\n\n{:<8}", "status");
    page.paint_if(tone(brief.status), brief.status);
    let attempt = if brief.attempt == 0 { String::new() } else { format!(", attempt {}", brief.attempt) };
    let _ = write!(
        page,
        "{attempt}\n{:<8}{}\n{:<8}{}: {}\n{:<8}{} {}\n",
        "agent",
        one_line(&brief.agent),
        "stage",
        brief.stage.number,
        one_line(&brief.stage.name),
        "batch",
        brief.batch.id,
        one_line(&brief.batch.name),
    );
    for (title, text) in brief.sections() {
        let _ = writeln!(page);
        page.paint(Tone::Strong, title);
        let _ = write!(page, "\n{text}\n");
    }
    if !brief.earlier_attempts.is_empty() {
        let _ = writeln!(page);
        page.paint(Tone::Strong, "Attempts that ended");
        let _ = writeln!(page);
    }
    for attempt in &brief.earlier_attempts {
        let _ = writeln!(page, "  {} {} {}", attempt.attempt, one_line(&attempt.agent), attempt.status);
        for line in attempt.report.lines() {
            let _ = writeln!(page, "    {line}");
        }
    }
    if !brief.done_before.is_empty() {
        let _ = writeln!(page);
        page.paint(Tone::Strong, "Done before");
        let _ = writeln!(page);
    }
    for done in &brief.done_before {
        let _ = writeln!(page, "  {} {}", done.thread_id, one_line(&done.name));
        for line in done.report.lines() {
            let _ = writeln!(page, "    {line}");
        }
    }
    if !brief.siblings.is_empty() {
        let _ = writeln!(page);
        page.paint(Tone::Strong, "Beside it");
        let _ = writeln!(page);
    }
    for sibling in &brief.siblings {
        let (name, agent) = (one_line(&sibling.name), one_line(&sibling.agent));
        let _ = writeln!(page, "  {} {name}  {} ({agent})", sibling.thread_id, sibling.status);
    }
}
