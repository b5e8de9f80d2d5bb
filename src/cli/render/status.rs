//! The pages of `work status` and `work list`.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::super::page::{Page, Tone, WIDTH, cut, fit, one_line, wrapped};
use super::{problem, tone};
use crate::board::{AttemptStatus, Status};
use crate::decide::{
    BatchCounts, Decision, DecisionAction, Report, StageStatus, ThreadReport, Words as _, WorkstreamStatus,
};
use crate::moment::Moment;
use crate::wording::quoted;
use crate::words::{PersonWords, next_step};

/// Writes the page of `work status`. An attempt that runs is counted up to `now`.
pub(super) fn write(page: &mut Page, report: &Report, now: Moment, words: &PersonWords) {
    let status = &report.status;
    let mut field = |name: &str, value: &str| {
        let _ = writeln!(page, "{name:<11}{}", one_line(value));
    };
    field("workstream", &status.workstream);
    let room = WIDTH.saturating_sub(11 + status.plan.width() + 3);
    field("plan", &format!("{} ({})", cut(&status.name, room), status.plan));
    field("workspace", &status.workspace);
    if let Some(holder) = &status.held_by {
        field("planner", &format!("server {holder}"));
    }
    let batches = status.stages.iter().flat_map(|stage| &stage.batches);
    let width = batches.map(|batch| batch.name.width()).max().unwrap_or(0).min(30);
    for stage in &status.stages {
        write_stage(page, stage);
        for batch in &stage.batches {
            let is_next = status.next_batch.as_ref().is_some_and(|next| next.id == batch.id);
            let mark = if is_next { '>' } else { ' ' };
            let _ = write!(page, "{mark} {}  {}  ", batch.id, fit(&batch.name, width));
            write_counts(page, batch);
            end_line(page);
        }
    }
    write_open_threads(page, report, now);
    write_failures(page, report);
    if !status.problems.is_empty() {
        heading(page, "Problems");
    }
    for one in &status.problems {
        let _ = writeln!(page, "{}", problem(&status.workstream, one.line, one.column, &one.message, &one.help));
    }
    if !status.warnings.is_empty() {
        heading(page, "Warnings");
    }
    for warning in &status.warnings {
        for line in wrapped(&one_line(&words.note(warning)), 2) {
            let _ = writeln!(page, "  {line}");
        }
    }
    end_line(page);
    page.paint(Tone::Strong, "Next: ");
    let _ = write!(page, "{}", next_step(status, words));
}

/// A workstream of the list.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Row<S = WorkstreamStatus> {
    pub(in crate::cli) workstream: String,
    /// Whether it is the current one.
    pub(in crate::cli) current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) status: Option<S>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) error: Option<String>,
}

/// Returns the page of `work list`; the current workstream has a star. `importable` are folders of `work/` that can be
/// imported: without workstreams, the page suggests the first of them.
pub(in crate::cli) fn list(rows: &[Row], importable: &[String], words: &PersonWords) -> Page {
    let mut page = Page::default();
    if rows.is_empty() {
        let import = |folder: &String| format!("work import {}", quoted(folder));
        let next = importable.first().map_or("work create NAME --stages N".to_owned(), import);
        let _ = write!(page, "no workstreams yet\nNext: {next}");
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
                let _ = writeln!(page, "{}", one_line(&next_step(status, words)));
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

/// Returns how many threads of a stage are done (completed or cancelled), and how many it has.
pub(super) fn progress(stage: &StageStatus) -> (usize, usize) {
    stage.batches.iter().fold((0, 0), |(done, all), batch| {
        let in_batch = batch.completed + batch.cancelled;
        (done + in_batch, all + in_batch + batch.pending + batch.in_progress + batch.blocked)
    })
}

/// Writes the title of a stage, with a bar of its progress if it has threads.
fn write_stage(page: &mut Page, stage: &StageStatus) {
    const BAR: usize = 10;
    let (done, all) = progress(stage);
    let bar = match (done * BAR).checked_div(all) {
        Some(full) => format!("  [{}{}] {done}/{all}", "=".repeat(full), " ".repeat(BAR - full)),
        None => String::new(),
    };
    let approved = if stage.approved { "  approved" } else { "" };
    let title = format!("Stage {}: {}", stage.number, stage.name);
    end_line(page);
    page.paint(Tone::Strong, cut(&title, WIDTH.saturating_sub(bar.len() + approved.len())));
    let _ = write!(page, "{bar}");
    page.paint(Tone::Good, approved);
    end_line(page);
}

/// Writes the number of threads per status, without those that are 0.
fn write_counts(page: &mut Page, batch: &BatchCounts) {
    let counts = [
        (batch.completed, Status::Completed),
        (batch.in_progress, Status::InProgress),
        (batch.blocked, Status::Blocked),
        (batch.cancelled, Status::Cancelled),
        (batch.pending, Status::Pending),
    ];
    let mut between = "";
    for (count, status) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(page, "{between}");
        page.paint_if(tone(status), format_args!("{count} {}", status.word().replace('_', " ")));
        between = ", ";
    }
    if between.is_empty() {
        page.paint(Tone::Faint, "no threads");
    }
}

/// How long an attempt runs before its time is worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(60);

fn write_open_threads(page: &mut Page, report: &Report, now: Moment) {
    let status = &report.status;
    if !status.open_threads.is_empty() {
        heading(page, "Open threads");
    }
    for thread in &status.open_threads {
        let running = report.threads().find(|known| known.thread_id == thread.thread_id);
        let running =
            running.and_then(|known| known.attempts.last()).filter(|last| last.status == AttemptStatus::Running);
        let started = running.and_then(|attempt| attempt.started_at).filter(|at| now.since(*at) >= WORTH_TELLING);
        let _ = write!(page, "  {}  ", thread.thread_id);
        page.paint_if(tone(thread.status), format_args!("{:<11}", thread.status.word()));
        let attempt = if thread.attempt == 0 { String::new() } else { format!(", attempt {}", thread.attempt) };
        let rest = format!("  {}{attempt}  {}", thread.agent, thread.name);
        let used = 2 + thread.thread_id.len() + 2 + 11;
        let _ = writeln!(page, "{}", cut(&rest, WIDTH - used));
        if let Some(at) = started {
            let time =
                if at.day() == now.day() { at.clock_time() } else { format!("{} {}", at.day(), at.clock_time()) };
            let _ = writeln!(page, "            since {time} UTC");
        }
        for line in wrapped(&thread.report, 12).iter().filter(|line| !line.is_empty()) {
            let _ = writeln!(page, "            {line}");
        }
    }
}

/// Writes the threads whose last attempt failed and that are to be tried again, with what failover has decided.
fn write_failures(page: &mut Page, report: &Report) {
    let mut is_first = true;
    for thread in report.threads().filter(|thread| thread.has_failed()) {
        if std::mem::take(&mut is_first) {
            heading(page, "Failed, to be tried again");
        }
        let next = next_try(thread);
        let _ = write!(page, "  {}  ", thread.thread_id);
        page.paint(Tone::Bad, &next);
        let used = 2 + thread.thread_id.len() + 2 + next.width();
        let _ = writeln!(page, "{}", cut(&format!("  {}", thread.name), WIDTH.saturating_sub(used).max(12)));
        let report = thread.attempts.last().map(|last| last.report.as_str()).unwrap_or_default();
        for line in wrapped(report, 12).iter().filter(|line| !line.is_empty()) {
            let _ = writeln!(page, "            {line}");
        }
    }
}

/// Returns how a thread that has failed is tried next: what failover has decided, or else who comes next.
pub(in crate::cli) fn next_try(thread: &ThreadReport) -> String {
    match &thread.decision {
        Some(Decision { action: DecisionAction::Retry, agent, attempt }) => {
            format!("retry with {agent}, attempt {attempt}")
        }
        Some(Decision { action: DecisionAction::Reassign, agent, attempt }) => {
            format!("to be reassigned to {agent}, attempt {attempt}")
        }
        _ => format!("{}, attempt {}", thread.agent, thread.attempt),
    }
}

/// Writes a heading behind a blank line.
fn heading(page: &mut Page, title: &str) {
    end_line(page);
    page.paint(Tone::Strong, title);
    end_line(page);
}

/// Ends the line.
fn end_line(page: &mut Page) {
    let _ = page.write_char('\n');
}
