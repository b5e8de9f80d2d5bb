//! The pages of `work tree` and `work assign --list`.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::super::page::{Page, Tone, WIDTH, cut, fit, one_line};
use super::{mark, progress, proof_tone, tone};
use crate::board::Status;
use crate::decide::{BatchReport, Decision, DecisionAction, Report, ThreadReport};
use crate::document::proof;

/// The columns before the name of a thread: two levels of the tree, its mark and its id.
const BEFORE_NAME: usize = 6 + 4 + 9;

pub(super) fn write(page: &mut Page, report: &Report) {
    let status = &report.status;
    let id = cut(&status.workstream, page.room(WIDTH / 2));
    page.paint(Tone::Strong, &id);
    let room = page.room(id.width() + 2);
    let _ = writeln!(page, "  {}", cut(&format!("{} ({})", status.name, status.plan), room));
    let (name_width, agent_width) = widths(page, report);
    let last_stage = report.stages.len().saturating_sub(1);
    for (at, stage) in report.stages.iter().enumerate() {
        let (branch, trunk) = branch(at == last_stage);
        let title = format!("Stage {}: {}", stage.number, stage.name);
        let threads = || stage.batches.iter().flat_map(|batch| &batch.threads);
        let _ = write!(page, "{branch}");
        let title = cut(&title, page.room(30));
        page.paint(Tone::Strong, title);
        let (done, all) = progress(threads());
        let _ = write!(page, "  {done}/{all}");
        if stage.approval.is_some() {
            page.paint(Tone::Good, "  approved");
        }
        let _ = writeln!(page);
        let last_batch = stage.batches.len().saturating_sub(1);
        for (at, batch) in stage.batches.iter().enumerate() {
            write_batch(page, trunk, at == last_batch, batch, name_width, agent_width);
        }
    }
}

fn write_batch(
    page: &mut Page,
    trunk: &str,
    is_last: bool,
    batch: &BatchReport,
    name_width: usize,
    agent_width: usize,
) {
    let (branch, inner) = branch(is_last);
    let title = format!("{} {}", batch.id, batch.name);
    let (done, all) = progress(batch.threads.iter());
    let _ = writeln!(page, "{trunk}{branch}{}  {done}/{all}", cut(&title, page.room(20)));
    let last = batch.threads.len().saturating_sub(1);
    for (at, thread) in batch.threads.iter().enumerate() {
        let (branch, _) = self::branch(at == last);
        let _ = write!(page, "{trunk}{inner}{branch}");
        page.paint_if(tone(thread.status), mark(thread.status));
        let _ = write!(page, " {} {}  ", thread.thread_id, fit(&thread.name, name_width));
        page.paint(Tone::Faint, cut(&thread.agent, agent_width));
        if thread.status == Status::InProgress || thread.attempts.len() > 1 {
            page.paint(Tone::Faint, format_args!(" #{}", thread.attempt));
        }
        if let Some(decision) = &thread.decision {
            page.paint(Tone::Bad, format_args!(" {}", waits_for(decision)));
        }
        if !thread.waits_for.is_empty() {
            page.paint(Tone::Faint, format_args!("  waits for {}", thread.waits_for.join(", ")));
        }
        if let Some(state) = thread.proof() {
            page.paint(proof_tone(state), format_args!("  {}", proof(state)));
        }
        let _ = writeln!(page);
    }
}

/// Returns what failover has decided about a thread, in one word.
fn waits_for(decision: &Decision) -> &'static str {
    match decision.action {
        DecisionAction::Retry => "retry",
        DecisionAction::Reassign => "reassign",
        DecisionAction::Block => "exhausted",
    }
}

/// Writes each thread with its agent, and the source of the agent's name: assigned, plan or default (DESIGN §4).
pub(super) fn write_assignments(page: &mut Page, report: &Report) {
    let (name_width, agent_width) = widths(page, report);
    for thread in report.threads() {
        page.paint_if(tone(thread.status), mark(thread.status));
        let _ = writeln!(
            page,
            " {} {}  {}  {}",
            thread.thread_id,
            fit(&thread.name, name_width),
            fit(&thread.agent, agent_width),
            thread.agent_source.word()
        );
    }
}

/// Returns the widths of the columns for names and for agents, so that a line fits the page.
fn widths(page: &Page, report: &Report) -> (usize, usize) {
    let widest = |text: fn(&ThreadReport) -> &str| {
        report.threads().map(|thread| one_line(text(thread)).width()).max().unwrap_or(0)
    };
    let agents = widest(|thread| &thread.agent).min(page.room(WIDTH - 26));
    let names = widest(|thread| &thread.name).min(page.room(BEFORE_NAME + agents.min(26) + 15));
    (names, agents)
}

/// Returns what stands in front of an entry of the tree, and in front of the entries below it.
fn branch(is_last: bool) -> (&'static str, &'static str) {
    if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") }
}
