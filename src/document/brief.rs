//! The brief of a worker as Markdown.

use std::fmt::Write;

use super::markdown::{inline, quoted};
use crate::decide::Brief;

/// Writes a brief: its heading, each section, the attempts that ended, the threads that were done before, and those
/// beside it. Empty parts are left out.
pub(crate) fn write_brief(page: &mut impl Write, brief: &Brief) {
    let _ = write!(page, "# {} {}\n\n", brief.thread_id, inline(&brief.name));
    let _ = writeln!(
        page,
        "**{}** · {} · {} · stage {}: {} · batch {} {}",
        brief.status.word().replace('_', " "),
        inline(&brief.agent),
        if brief.attempt == 0 { "no attempt".to_owned() } else { format!("attempt {}", brief.attempt) },
        brief.stage.number,
        inline(&brief.stage.name),
        brief.batch.id,
        inline(&brief.batch.name),
    );
    for (title, text) in brief.sections() {
        let _ = write!(page, "\n## {title}\n\n{}\n", quoted(&text));
    }
    if !brief.earlier_attempts.is_empty() {
        let _ = write!(page, "\n## Attempts that ended\n\n");
    }
    for attempt in &brief.earlier_attempts {
        let (agent, report) = (inline(&attempt.agent), inline(&attempt.report));
        let _ = writeln!(page, "- attempt {} by {agent}: {}: {report}", attempt.attempt, attempt.status);
    }
    if !brief.done_before.is_empty() {
        let _ = write!(page, "\n## Done before\n\n");
    }
    for done in &brief.done_before {
        let _ = writeln!(page, "- {} {}: {}", done.thread_id, inline(&done.name), inline(&done.report));
    }
    if !brief.siblings.is_empty() {
        let _ = write!(page, "\n## Beside it\n\n");
    }
    for sibling in &brief.siblings {
        let (name, agent) = (inline(&sibling.name), inline(&sibling.agent));
        let _ = writeln!(page, "- {} {name}: {} ({agent})", sibling.thread_id, sibling.status.word().replace('_', " "));
    }
}
