//! Markdown for a pull request (`work report`) or an archive (`work export --format md`).
//!
//! What agents and plans wrote must stay text: it goes through [`inline`] or [`quoted`], so that it cannot make a
//! table, an image, a mention, a heading or a hidden link.

use std::fmt::Write;
use std::time::Duration;

use super::figures::{UNRECORDED, columns, rows};
use super::{attempt_time, proof, run_time, thread_usage, used};
use crate::board::{AttemptStatus, CheckResult, Status, Usage};
use crate::decide::{AgentFigures, Approved, AttemptReport, BatchReport, Report, StageReport, ThreadReport};
use crate::moment::Moment;
use crate::wording::{count, duration, one_line};
use crate::words::{PersonWords, next_step, not_there};

/// Writes the short form: a table per batch with the outcome of each thread, artifacts, next steps, failed attempts,
/// and what is next.
pub(crate) fn write_summary(page: &mut impl Write, report: &Report, now: Option<Moment>, words: &PersonWords) {
    write_title(page, report);
    for stage in &report.stages {
        write_stage_heading(page, stage);
        for batch in &stage.batches {
            let _ = write!(page, "\n### {} {}\n\n", batch.id, inline(&batch.name));
            write_table(page, batch, report.usage.is_some(), now);
            write_lists(page, batch, now);
        }
    }
    write_agents(page, &report.agents);
    let _ = write!(page, "\n**Next:** {}\n", inline(&next_step(&report.status, words)));
}

/// Writes a table with the figures of the agents; nothing if nothing was attempted.
fn write_agents(page: &mut impl Write, agents: &[AgentFigures]) {
    if agents.is_empty() {
        return;
    }
    let _ = write!(page, "\n## Agents\n\n| agent |");
    for column in columns(agents) {
        let _ = write!(page, " {column} |");
    }
    let _ = write!(page, "\n|---|{}\n", "---|".repeat(columns(agents).count()));
    for (figures, row) in rows(agents) {
        let name = if figures.agent.is_empty() { UNRECORDED } else { &figures.agent };
        let row: Vec<String> = row.iter().map(|cell| own(cell)).collect();
        let _ = writeln!(page, "| {} | {} |", inline(name), row.join(" | "));
    }
}

/// Writes the long form: each thread with its report and attempts, and with the text of the plan.
pub(crate) fn write_document(page: &mut impl Write, report: &Report, now: Option<Moment>) {
    write_title(page, report);
    for stage in &report.stages {
        write_stage_heading(page, stage);
        for (title, text) in [("Definition", &stage.definition), ("Constitution", &stage.constitution)] {
            if !text.is_empty() {
                let _ = write!(page, "\n{title}:\n\n{}\n", quoted(text));
            }
        }
        for batch in &stage.batches {
            let _ = write!(page, "\n### {} {}\n", batch.id, inline(&batch.name));
            if !batch.summary.is_empty() {
                let _ = write!(page, "\n{}\n", quoted(&batch.summary));
            }
            for thread in &batch.threads {
                write_thread(page, thread, now);
            }
        }
    }
}

/// Writes the title, and one line of counts: threads by status, attempts, retries, reassignments, and what was used.
fn write_title(page: &mut impl Write, report: &Report) {
    let status = &report.status;
    let name = if status.name.is_empty() { &status.workstream } else { &status.name };
    let _ = write!(page, "# {}\n\n", inline(name));
    let threads: Vec<&ThreadReport> = report.threads().collect();
    let with = |status| threads.iter().filter(|thread| thread.status == status).count();
    let mut parts =
        vec![format!("{} of {} completed", with(Status::Completed), count(threads.len(), "thread", "threads"))];
    for status in [Status::InProgress, Status::Blocked, Status::Pending, Status::Cancelled] {
        if with(status) > 0 {
            parts.push(format!("{} {}", with(status), words(status)));
        }
    }
    let sum = |of: fn(&ThreadReport) -> usize| threads.iter().map(|thread| of(thread)).sum::<usize>();
    // The id is in a code span, in which a backslash does not escape: a backtick has to go.
    let _ = writeln!(
        page,
        "`{}` · **{}** · {}, {}, {}{}",
        status.workstream.replace('`', "'"),
        parts.join(", "),
        count(sum(|thread| thread.attempts.len()), "attempt", "attempts"),
        count(sum(|thread| thread.retries), "retry", "retries"),
        count(sum(|thread| thread.reassignments), "reassignment", "reassignments"),
        told_usage(" · ", report.usage),
    );
    if let Some(approval) = &report.approval {
        let _ = write!(page, "\nPlan{}.\n", approved(approval));
    }
}

fn write_stage_heading(page: &mut impl Write, stage: &StageReport) {
    let approval = stage.approval.as_ref().map(approved).unwrap_or_default();
    let _ = write!(page, "\n## Stage {}: {}{approval}\n", stage.number, inline(&stage.name));
}

/// Returns `, approved by NAME on DAY`, as far as name and day are known.
fn approved(approval: &Approved) -> String {
    let by = approval.by.as_deref().map(|by| format!(" by {}", inline(by))).unwrap_or_default();
    let at = approval.at.as_deref().and_then(Moment::parse).map(|at| format!(" on {}", at.day())).unwrap_or_default();
    format!(", approved{by}{at}")
}

fn write_table(page: &mut impl Write, batch: &BatchReport, has_usage: bool, now: Option<Moment>) {
    if batch.threads.is_empty() {
        let _ = writeln!(page, "No threads.");
        return;
    }
    let (column, line) = if has_usage { (" used |", "---|") } else { ("", "") };
    let _ = writeln!(page, "| thread | outcome | agent | attempts | time |{column} report |");
    let _ = writeln!(page, "|---|---|---|---|---|{line}---|");
    for thread in &batch.threads {
        let time = run_time(thread, now).map(duration).unwrap_or_default();
        let cell = if has_usage { format!("{} |", told_usage(" ", thread_usage(thread))) } else { String::new() };
        let _ = writeln!(
            page,
            "| {} {} | {} | {} | {} | {time} |{cell} {} |",
            thread.thread_id,
            inline(&thread.name),
            outcome(thread),
            inline(&thread.agent),
            attempts(thread),
            inline(&thread.report),
        );
    }
}

/// Returns the number of attempts, and in brackets the retries and reassignments, if there were any.
fn attempts(thread: &ThreadReport) -> String {
    let mut text = thread.attempts.len().to_string();
    let mut notes = Vec::new();
    if thread.retries > 0 {
        notes.push(count(thread.retries, "retry", "retries"));
    }
    if thread.reassignments > 0 {
        notes.push(count(thread.reassignments, "reassignment", "reassignments"));
    }
    if !notes.is_empty() {
        let _ = write!(text, " ({})", notes.join(", "));
    }
    text
}

/// Writes the artifacts, the next steps and the failed attempts of a batch, each as a list if there are any.
fn write_lists(page: &mut impl Write, batch: &BatchReport, now: Option<Moment>) {
    let per_thread = |of: fn(&ThreadReport) -> &Vec<String>| {
        batch
            .threads
            .iter()
            .flat_map(move |thread| of(thread).iter().map(|item| format!("{}: {}", thread.thread_id, inline(item))))
    };
    let failed = batch.threads.iter().flat_map(|thread| {
        thread
            .attempts
            .iter()
            .filter(|attempt| matches!(attempt.status, AttemptStatus::Failed | AttemptStatus::Interrupted))
            .map(|attempt| format!("{} {}: {}", thread.thread_id, told(attempt, now), inline(&attempt.report)))
    });
    let unproven = batch.threads.iter().filter(|thread| !thread.unproven.is_empty());
    let unproven = unproven.map(|thread| format!("{}: {}", thread.thread_id, inline(&not_there(&thread.unproven))));
    write_list(page, "Not proven", unproven);
    write_list(page, "Artifacts", per_thread(|thread| &thread.artifacts));
    write_list(page, "Next steps", per_thread(|thread| &thread.next_steps));
    write_list(page, "Attempts that failed", failed);
}

/// Returns the result of a check as `cargo test: passed after 12 s`.
fn check(result: &CheckResult) -> String {
    let end = match result.exit_code {
        Some(0) => "passed".to_owned(),
        Some(code) => format!("exit code {code}"),
        None => "did not end".to_owned(),
    };
    format!("{}: {end} after {}", inline(&result.command), duration(Duration::from_millis(result.millis)))
}

/// Writes a list with its title; nothing if there are no items.
fn write_list(page: &mut impl Write, title: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        let _ = write!(page, "\n{title}:\n\n");
    }
    for item in items {
        let _ = writeln!(page, "- {item}");
    }
}

/// Returns what was used, behind a separator; nothing if it is not known.
fn told_usage(separator: &str, usage: Option<Usage>) -> String {
    usage.map(|usage| format!("{separator}{}", own(&used(usage)))).unwrap_or_default()
}

/// Returns words of our own in the middle of a line: of what Markdown gives a meaning, they have only these.
fn own(words: &str) -> String {
    words.replace('<', "\\<").replace('$', "\\$")
}

/// Returns an attempt as `attempt 1 by AGENT: failed after 3 min (transient)`, and what it used.
fn told(attempt: &AttemptReport, now: Option<Moment>) -> String {
    let transient = if attempt.transient { " (transient)" } else { "" };
    let time = attempt_time(attempt, now).map(|time| format!(" after {}", duration(time))).unwrap_or_default();
    let (number, agent, status) = (attempt.attempt, inline(&attempt.agent), attempt.status.word());
    format!("attempt {number} by {agent}: {status}{time}{transient}{}", told_usage(", ", attempt.usage))
}

fn write_thread(page: &mut impl Write, thread: &ThreadReport, now: Option<Moment>) {
    let _ = write!(page, "\n#### {} {}\n\n", thread.thread_id, inline(&thread.name));
    let _ = writeln!(
        page,
        "**{}** · {} ({}) · {}{}{}",
        outcome(thread),
        inline(&thread.agent),
        thread.agent_source.word(),
        count(thread.attempts.len(), "attempt", "attempts"),
        run_time(thread, now).map(|time| format!(" · {}", duration(time))).unwrap_or_default(),
        told_usage(" · ", thread_usage(thread)),
    );
    let reason = thread.reason.clone().unwrap_or_default();
    for (title, text) in
        [("Reassigned because", &reason), ("Report", &thread.report), ("Breadcrumb", &thread.breadcrumb)]
    {
        if !text.is_empty() {
            let _ = write!(page, "\n{title}: {}\n", inline(text));
        }
    }
    let unproven = (!thread.unproven.is_empty()).then(|| inline(&not_there(&thread.unproven)));
    write_list(page, "Not proven", unproven.into_iter());
    let checks = thread.attempts.last().map(|attempt| attempt.checks.as_slice()).unwrap_or_default();
    write_list(page, "Checks", checks.iter().map(check));
    write_list(page, "Artifacts", thread.artifacts.iter().map(|item| inline(item)));
    write_list(page, "Next steps", thread.next_steps.iter().map(|item| inline(item)));
    write_list(
        page,
        "Attempts",
        thread.attempts.iter().map(|attempt| {
            let report =
                if attempt.report.is_empty() { String::new() } else { format!(": {}", inline(&attempt.report)) };
            format!("{}{report}", told(attempt, now))
        }),
    );
    for (title, text) in [("Summary", &thread.summary), ("Details", &thread.details)] {
        if !text.is_empty() {
            let _ = write!(page, "\n{title}:\n\n{}\n", quoted(text));
        }
    }
}

/// Returns the status of a thread and what is known of its proof: `completed, checks passed`.
fn outcome(thread: &ThreadReport) -> String {
    let proof = thread.proof().map(|state| format!(", {}", proof(state))).unwrap_or_default();
    format!("{}{proof}", words(thread.status))
}

/// Returns a status in words: `in progress`.
fn words(status: Status) -> String {
    status.word().replace('_', " ")
}

/// Returns a text as one line of Markdown that shows exactly that text.
///
/// A backslash stands before each character that Markdown gives a meaning. It does not keep GitHub and other hosts from
/// turning `@name`, `#1` and `GH-1` into references, so there a zero-width space follows the mark.
pub(super) fn inline(text: &str) -> String {
    const NO_WIDTH: char = '\u{200b}';
    let text = one_line(text.trim());
    let mut out = String::with_capacity(text.len());
    // At the start of a line, `-`, `+`, `=`, `1.` and `1)` would make a list, a rule or a heading.
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if text.starts_with(['-', '+', '=']) || number.len() < text.len() && number.starts_with(['.', ')']) {
        out.push(NO_WIDTH);
    }
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '$' | '&' | '!') {
            out.push('\\');
        }
        out.push(c);
        let is_reference = matches!(c, '@' | '#') || c == '-' && matches!(before, Some('h' | 'H'));
        if is_reference && chars.peek().is_some_and(|next| next.is_alphanumeric()) {
            out.push(NO_WIDTH);
        }
        before = Some(c);
    }
    out
}

/// Returns Markdown of the plan as a quotation, so that an unclosed fence or comment in it ends with the quotation.
pub(super) fn quoted(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_wrote_is_text_in_markdown() {
        assert_eq!(
            inline("| a |\n# b ![x](y) <img> @ann #1 GH-12 `c` a@b https://x.y/z_z"),
            "\\| a \\| \\# b \\!\\[x\\](y) \\<img\\> @\u{200b}ann \\#\u{200b}1 GH-\u{200b}12 \\`c\\` a@\u{200b}b https://x.y/z\\_z"
        );
        assert_eq!(
            (inline("---"), inline("1. x"), inline("12 x")),
            ("\u{200b}---".into(), "\u{200b}1. x".into(), "12 x".into())
        );
        let plan = "```\n# no heading\n<!-- never closed";
        assert_eq!(quoted(plan), "> ```\n> # no heading\n> <!-- never closed");
    }
}
