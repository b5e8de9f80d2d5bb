//! The page of `work status`: what waits for the person first, then the threads that are not well, what runs and since
//! when, and where the stages stand. Nothing is told twice.

use std::fmt::Write as _;
use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::super::page::{Page, Tone, cut, fit, one_line, wrapped};
use super::{problem, tone};
use crate::board::{AttemptStatus, Status};
use crate::decide::{
    AttemptReport, BatchCounts, Decision, DecisionAction, Note, PauseReason, PlannerReport, Report, StageStatus,
    ThreadReport, Words as _,
};
use crate::document::last_sign;
use crate::moment::Moment;
use crate::wording::duration;
use crate::words::{PersonWords, next_step};

/// How long an attempt runs before its time is worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(60);

/// How long a worker says nothing before that is worth a word. Nothing is ended for it.
const SILENT: Duration = Duration::from_secs(10 * 60);

/// The columns before the reports of threads.
const INDENT: usize = 12;

/// Writes the page of `work status`. An attempt that runs is counted up to `now`.
pub(super) fn write(page: &mut Page, report: &Report, now: Moment, words: &PersonWords) {
    let status = &report.status;
    title(page, report);
    let _ = writeln!(page, "{}", one_line(&status.workspace));
    page.paint(Tone::Strong, "Next: ");
    let next = wrapped(&one_line(&next_step(status, words)), 6);
    let _ = writeln!(page, "{}", next.join("\n      "));
    write_open(page, report, now);
    if let Some(planner) = &report.planner {
        heading(page, "Planner");
        let _ = writeln!(page, "  {}", one_line(&self::planner(planner, now)));
    }
    let batches = status.stages.iter().flat_map(|stage| &stage.batches);
    let width = batches.map(|batch| one_line(&batch.name).width()).max().unwrap_or(0).min(page.room(50));
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
    if !status.problems.is_empty() {
        heading(page, "Problems");
    }
    for one in &status.problems {
        let _ = writeln!(page, "{}", problem(&status.workstream, one.line, one.column, &one.message, &one.help));
    }
    // What comes next has said that it is completed.
    let is_news = |note: &&Note| **note != Note::Paused(PauseReason::StreamCompleted);
    for (at, warning) in status.warnings.iter().filter(is_news).enumerate() {
        if at == 0 {
            heading(page, "Warnings");
        }
        for line in wrapped(&one_line(&words.note(warning)), 2) {
            let _ = writeln!(page, "  {line}");
        }
    }
}

/// Writes the threads of a report that was cut down to some of them, by their status.
pub(super) fn write_threads(page: &mut Page, report: &Report, now: Moment) {
    if report.threads().next().is_none() {
        let _ = writeln!(page, "{}: there are no such threads", one_line(&report.status.workstream));
        return;
    }
    title(page, report);
    write_open(page, report, now);
    for (title, status) in
        [("Pending", Status::Pending), ("Completed", Status::Completed), ("Cancelled", Status::Cancelled)]
    {
        let threads = report.threads().filter(|thread| thread.status == status && !thread.has_failed());
        section(page, title, threads, |page, thread| {
            name(page, thread, Tone::Faint, &attempt(thread));
            text(page, &thread.report);
        });
    }
}

/// Writes what the workstream is called, and whether its plan is approved.
fn title(page: &mut Page, report: &Report) {
    let status = &report.status;
    page.paint(Tone::Strong, one_line(&status.workstream));
    let room = page.room(status.workstream.width() + 2 + status.plan.width() + 3);
    let _ = writeln!(page, "  {} ({})", cut(&status.name, room.max(12)), status.plan);
}

/// Writes the threads that are blocked, that failed, and that are in progress.
fn write_open(page: &mut Page, report: &Report, now: Moment) {
    let with = |status| move |thread: &&ThreadReport| thread.status == status;
    section(page, "Blocked", report.threads().filter(with(Status::Blocked)), |page, thread| {
        name(page, thread, Tone::Bad, &attempt(thread));
        text(page, &thread.report);
    });
    section(
        page,
        "Failed, to be tried again",
        report.threads().filter(|thread| thread.has_failed()),
        |page, thread| {
            name(page, thread, Tone::Bad, &next_try(thread));
            text(page, thread.attempts.last().map(|last| last.report.as_str()).unwrap_or_default());
        },
    );
    section(page, "In progress", report.threads().filter(with(Status::InProgress)), |page, thread| {
        name(page, thread, Tone::Busy, &attempt(thread));
        let running = thread.attempts.last().filter(|last| last.status == AttemptStatus::Running);
        if let Some(told) = running.and_then(|running| since(running, now)) {
            text(page, &told);
        }
        text(page, &thread.breadcrumb);
    });
}

/// Returns how many threads of a stage are done (completed or cancelled), and how many it has.
pub(super) fn progress(stage: &StageStatus) -> (usize, usize) {
    stage.batches.iter().fold((0, 0), |(done, all), batch| {
        let in_batch = batch.completed + batch.cancelled;
        (done + in_batch, all + in_batch + batch.pending + batch.in_progress + batch.blocked)
    })
}

/// Writes the threads of a section under its title; nothing without threads.
fn section<'t>(
    page: &mut Page,
    title: &str,
    threads: impl Iterator<Item = &'t ThreadReport>,
    write: impl Fn(&mut Page, &ThreadReport),
) {
    for (at, thread) in threads.enumerate() {
        if at == 0 {
            heading(page, title);
        }
        write(page, thread);
    }
}

/// Writes the line of a thread: its id, its name, and behind it `told`.
fn name(page: &mut Page, thread: &ThreadReport, tone: Tone, told: &str) {
    let used = 2 + thread.thread_id.len() + 4;
    // A long name leaves room for half of the line, so that the agent can be told from others.
    let told = cut(told, page.room(used + thread.name.width().min(24)));
    let _ = write!(page, "  {}  {}  ", thread.thread_id, cut(&thread.name, page.room(used + told.width())));
    page.paint(tone, told);
    end_line(page);
}

/// Writes a text below the line of a thread, wrapped.
fn text(page: &mut Page, text: &str) {
    for line in wrapped(text, INDENT).iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(page, "{:INDENT$}{line}", "");
    }
}

/// Returns the agent and the number of the attempt.
fn attempt(thread: &ThreadReport) -> String {
    match thread.attempt {
        0 => thread.agent.clone(),
        attempt => format!("{} #{attempt}", thread.agent),
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

/// Returns since when an attempt runs, and when its worker gave its last sign of life; `None` if it has just started or
/// has no time.
fn since(attempt: &AttemptReport, now: Moment) -> Option<String> {
    let started = attempt.started_at.filter(|at| now.since(*at) >= WORTH_TELLING)?;
    let time = match started.day() {
        day if day == now.day() => started.clock_time(),
        day => format!("{day} {}", started.clock_time()),
    };
    let mut told = format!("since {time} UTC ({})", duration(now.since(started)));
    if let Some(sign) = last_sign(attempt) {
        let ago = now.since(sign);
        if ago >= SILENT {
            let _ = write!(told, ", no sign for {}", duration(ago));
        } else if sign != started {
            let _ = write!(told, ", last sign {} ago", duration(ago));
        }
    }
    Some(told)
}

/// Returns who executes a batch.
fn planner(planner: &PlannerReport, now: Moment) -> String {
    let PlannerReport { server, batch, introduction } = planner;
    let mut told = introduction.client.clone().unwrap_or_else(|| format!("server {server}"));
    if let Some(process) = introduction.process {
        let _ = write!(told, ", process {process}");
    }
    if let Some(address) = &introduction.address {
        let _ = write!(told, ", at {address}");
    }
    if let Some(started) = introduction.started_at {
        let _ = write!(told, ", {} old", duration(now.since(started)));
    }
    format!("{told}: executes {batch}")
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
    let title = cut(&title, page.room(bar.len() + approved.len()));
    page.paint(Tone::Strong, title);
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
